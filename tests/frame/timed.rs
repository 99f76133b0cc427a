//! What is said of a live show's time, by the API, as a viewer's player reads it.

use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tests::viewer::{Playlist, fetch, i_frames, media, renditions};
use tests::{House, Publisher, Show};

use crate::clip::Clip;
use crate::{LOOK_EVERY, WAIT_MAX, ended, on_air};

/// A creator at the API.
pub(crate) struct Creator {
    client: Client,
    base: String,
    token: String,
}

impl Creator {
    pub(crate) fn of(house: &House, show: &Show) -> Self {
        let token = std::fs::read_to_string(house.data().join("admin.token")).expect("a token");
        let base = format!("{}/v1/shows/{}", house.api, show.id);
        Self { client: Client::new(), base, token: token.trim().to_owned() }
    }

    /// Asks, and gives the status and what was answered.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.client.request(method, format!("{}/{path}", self.base));
        let request = request.bearer_auth(&self.token);
        let request = if body.is_null() { request } else { request.json(body) };
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }
}

fn now_ms() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970");
    i64::try_from(since.as_millis()).expect("a time")
}

fn ids(text: &str) -> Vec<&str> {
    let ids = text.lines().filter_map(|line| line.strip_prefix("#EXT-X-DATERANGE:ID=\""));
    ids.filter_map(|rest| rest.split('"').next()).collect()
}

/// The text of a playlist, once it is as wished.
async fn until(client: &Client, url: &str, wished: impl Fn(&str) -> bool) -> String {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let text = fetch(client, url).await.text();
        if wished(&text) {
            return text;
        }
        assert!(Instant::now() < deadline, "{url}: {text}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[tokio::test]
async fn date_ranges_are_in_every_playlist_through_a_crash_and_in_the_recording() {
    const FLAGS: [&str; 2] = ["--reconnect-window-s", "3"];
    let house = House::start(&FLAGS);
    let show = house.show("Chapters");
    let ticket = house.ticket(&show.id);
    let creator = Creator::of(&house, &show);
    let range = json!({ "id": "one", "start_ms": now_ms(), "class": "org.example.chapter",
                        "attributes": { "X-TITLE": "Overture" } });
    let early = creator.ask(Method::POST, "date-ranges", &range).await;
    assert_eq!((early.0, &early.1["code"]), (409, &json!("show_not_live")));
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 40, height: 360, gop: 30, b_frames: 0 }.make(&file);
    let publisher = Publisher::of_file(&file, &show.rtmp);
    let client = Client::new();
    let multivariant = on_air(&client, &ticket.playlist_url).await;
    assert_eq!(creator.ask(Method::POST, "date-ranges", &range).await, (200, range.clone()));
    let told = Instant::now();
    let base = &ticket.playlist_url;
    let playlists: Vec<(String, String)> =
        renditions(&multivariant, base).into_iter().chain(i_frames(&multivariant, base)).collect();
    for (name, url) in &playlists {
        let text = until(&client, url, |text| ids(text) == ["one"]).await;
        assert!(text.contains("X-TITLE=\"Overture\""), "{name}: {text}");
        assert!(text.contains("CAN-SKIP-DATERANGES=YES"), "{name}: {text}");
    }

    tagged(&client, &creator, &playlists).await;

    // Once it is older than the skip boundary a delta leaves it out, and names what was taken back meanwhile.
    let (_, source) = &playlists[0];
    let boundary = Duration::from_secs(13);
    tokio::time::sleep(boundary.saturating_sub(told.elapsed())).await;
    for id in ["two", "three"] {
        let range = json!({ "id": id, "start_ms": now_ms(), "duration_ms": 500 });
        assert_eq!(creator.ask(Method::POST, "date-ranges", &range).await.0, 200);
    }
    let dropped = creator.ask(Method::DELETE, "date-ranges/three", &Value::Null).await;
    assert_eq!((dropped.0, &dropped.1["id"]), (200, &json!("three")));
    until(&client, source, |text| ids(text) == ["one", "two"]).await;
    let next = until(&client, source, |text| text.matches("#EXTINF").count() > 8).await;
    let msn = next.matches("#EXTINF").count();
    let delta = fetch(&client, &format!("{source}?_HLS_msn={msn}&_HLS_skip=v2")).await.text();
    assert!(delta.contains("#EXT-X-VERSION:10\n"), "{delta}");
    assert!(delta.contains("RECENTLY-REMOVED-DATERANGES=\"three\""), "{delta}");
    assert_eq!(ids(&delta), ["two"], "{delta}");
    let delta = fetch(&client, &format!("{source}?_HLS_msn={msn}&_HLS_skip=YES")).await.text();
    assert!(delta.contains("#EXT-X-SKIP:") && ids(&delta) == ["one", "two"], "{delta}");

    let house = house.killed_and_started_again(&FLAGS);
    drop(publisher);
    let client = Client::new(); // no connection outlived it
    remembered(&client, &Creator::of(&house, &show), &playlists, &range).await;

    // Nobody comes back: the show ends.
    ended(&client, base).await;
    let vod = until(&client, source, |text| text.contains("TYPE:VOD")).await;
    assert_eq!(ids(&vod), ["two", "one"], "{vod}");
    assert!(vod.contains("DURATION=60.000") && vod.contains("X-TITLE=\"Overture\""), "{vod}");
}

/// A tag is in the media of every rendition with pictures, as every viewer gets it.
async fn tagged(client: &Client, creator: &Creator, playlists: &[(String, String)]) {
    let tag = json!({ "description": "score", "text": "2:1" });
    assert_eq!(creator.ask(Method::POST, "id3", &tag).await.0, 200);
    for (name, url) in playlists.iter().filter(|(_, url)| url.ends_with("index.m3u8")) {
        if name == "audio" {
            continue;
        }
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let list = Playlist::parse(&fetch(client, url).await.text(), url);
            // A rung whose encoder is still starting has none.
            let newest = list.segments.last();
            let bytes = match newest {
                Some(newest) => media(client, &newest.url).await,
                None => Vec::new(),
            };
            let has = |wanted: &[u8]| bytes.windows(wanted.len()).any(|found| found == wanted);
            if has(b"https://aomedia.org/emsg/ID3\0") && has(b"TXXX") && has(b"score\x002:1") {
                break;
            }
            assert!(Instant::now() < deadline, "{name} has no tag");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// What was said before the house was killed still stands, and more may be said.
async fn remembered(
    client: &Client,
    creator: &Creator,
    playlists: &[(String, String)],
    range: &Value,
) {
    for (name, url) in playlists {
        assert_eq!(ids(&fetch(client, url).await.text()), ["one", "two"], "{name}");
    }
    let more = json!({ "id": "one", "start_ms": range["start_ms"], "duration_ms": 60_000 });
    let both = creator.ask(Method::POST, "date-ranges", &more).await;
    assert_eq!((both.0, &both.1["attributes"]["X-TITLE"]), (200, &json!("Overture")));
    let moved = json!({ "id": "one", "start_ms": 1 });
    let moved = creator.ask(Method::POST, "date-ranges", &moved).await;
    assert_eq!((moved.0, &moved.1["code"]), (422, &json!("field_invalid")));
    let listed = creator.ask(Method::GET, "date-ranges", &Value::Null).await;
    assert_eq!(listed.1["date_ranges"].as_array().map(Vec::len), Some(2));
}
