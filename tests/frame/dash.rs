//! The MPD: what it lists is what HLS lists, byte for byte, live and recorded, also while a segment is made.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use reqwest::Client;
use tests::viewer::{Playlist, fetch, media, renditions, resolve};
use tests::{House, Publisher};

use crate::clip::Clip;
use crate::{LOOK_EVERY, WAIT_MAX, ended, on_air, over};

/// Longest segment of the clip, in seconds: what is made of it meanwhile.
const SEGMENT_S: f64 = 2.0;

/// The attribute of an element on a line.
fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split_once(&format!(" {name}=\""))?.1.split('"').next()
}

/// The text of an element on a line of its own.
fn text_of<'a>(mpd: &'a str, name: &str) -> Option<&'a str> {
    mpd.split_once(&format!("<{name}>"))?.1.split('<').next()
}

/// What an MPD from `url` lists: for each Representation the addresses of its init segment and its segments.
fn listed(mpd: &str, url: &str) -> BTreeMap<String, Vec<String>> {
    let base = text_of(mpd, "BaseURL").map_or_else(|| url.to_owned(), |own| resolve(url, own));
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut first, mut set_count, mut own_count, mut is_own) = (0, 0, 0, false);
    let (mut id, mut names) = (String::new(), None);
    for line in mpd.lines() {
        if let Some(number) = attribute(line, "startNumber") {
            (first, set_count) = (number.parse::<u64>().expect("a number"), 0);
        } else if line.starts_with("<Representation ") {
            id = attribute(line, "id").expect("an id").to_owned();
            (is_own, own_count) = (true, 0);
        } else if let (Some(init), Some(media)) =
            (attribute(line, "initialization"), attribute(line, "media"))
        {
            names = Some((resolve(&base, init), media.to_owned()));
        } else if line.starts_with("<S ") {
            let again = attribute(line, "r").map_or(0, |r| r.parse::<u64>().expect("a number"));
            *(if is_own { &mut own_count } else { &mut set_count }) += 1 + again;
        } else if line.starts_with("</Representation>") {
            let (init, media) = names.take().expect("a template");
            let count = if own_count > 0 { own_count } else { set_count };
            let all = found.entry(id.clone()).or_default();
            all.push(init);
            let uri = |number: u64| resolve(&base, &media.replace("$Number$", &number.to_string()));
            all.extend((first..first + count).map(uri));
            is_own = false;
        }
    }
    found
}

/// The same of the playlists: each rendition's init segments, before what is read with them, and segments.
async fn listed_by_hls(client: &Client, playlist_url: &str) -> BTreeMap<String, Vec<String>> {
    let text = on_air(client, playlist_url).await;
    let mut found = BTreeMap::new();
    for (name, url) in renditions(&text, playlist_url) {
        let list = Playlist::parse(&fetch(client, &url).await.text(), &url);
        let (mut all, mut map) = (Vec::new(), None);
        for segment in list.segments.iter().filter(|segment| !segment.gap) {
            if segment.map != map {
                map.clone_from(&segment.map);
                all.extend(map.clone());
            }
            all.push(segment.url.clone());
        }
        found.insert(name, all);
    }
    found
}

/// Addresses without the session in them.
fn bare(listed: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    let bare = |url: &String| url.splitn(6, '/').nth(5).expect("a path").to_owned();
    listed.iter().map(|(name, all)| (name.clone(), all.iter().map(bare).collect())).collect()
}

/// Seconds that ffmpeg finds in what it is given, all decoded without a complaint.
fn decoded_s(mpd: &str, also: &[&str]) -> f64 {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-stats", "-i", mpd])
        .args(also)
        .args(["-map", "0:v:0", "-map", "0:a:0", "-f", "null", "-"])
        .output()
        .expect("ffmpeg runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let time = said.rsplit("time=").next().and_then(|rest| rest.split_whitespace().next());
    let parts: Vec<f64> =
        time.expect("a time").split(':').filter_map(|one| one.parse().ok()).collect();
    parts.iter().fold(0.0, |sum, part| sum * 60.0 + part)
}

async fn on_air_by_dash(client: &Client, mpd_url: &str) -> String {
    let text = on_air(client, mpd_url).await;
    assert!(text.starts_with("<?xml") && text.contains("type=\"dynamic\""), "{text}");
    text
}

#[tokio::test]
async fn an_mpd_lists_the_objects_that_hls_lists_live_and_recorded() {
    let house = House::start(&["--reconnect-window-s", "0"]);
    let show = house.show("Both ways");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    let clip = Clip { seconds: 24, height: 360, gop: 60, b_frames: 2 };
    clip.make(&file);
    let mut publisher = Publisher::of_file(&file, &show.rtmp);
    let client = Client::new();
    let entry = on_air_by_dash(&client, &ticket.mpd_url).await;
    being_made(&client, &entry, &ticket.mpd_url).await;
    within_its_depth(&client, &house, &show.id).await;

    let (well, said) = publisher.finish();
    assert!(well, "{said}");
    over(&house).await;
    let lists = ended(&client, &ticket.playlist_url).await;
    assert!(lists.iter().all(|(_, list)| list.ended));
    let mpd = static_mpd(&client, &ticket.mpd_url).await;
    the_same(&client, &mpd, &ticket.mpd_url, &ticket.playlist_url).await;
    let seconds = decoded_s(&ticket.mpd_url, &[]);
    assert!((23.0..25.5).contains(&seconds), "ffmpeg found {seconds} s");

    let house = House::start_in(house.stop(), &[]);
    let moved =
        |url: &str| format!("{}/{}", house.edge, url.splitn(4, '/').nth(3).expect("a path"));
    let (mpd_url, playlist_url) = (moved(&ticket.mpd_url), moved(&ticket.playlist_url));
    let again = on_air(&client, &mpd_url).await;
    let without_session =
        |mpd: &str| mpd.lines().filter(|line| !line.starts_with("<BaseURL>")).collect::<String>();
    assert_eq!(without_session(&again), without_session(&mpd), "the same after a restart");
    the_same(&client, &again, &mpd_url, &playlist_url).await;
}

/// A ticket for the live edge alone plays what its MPDs still list, and has nothing of what is gone from them.
async fn within_its_depth(client: &Client, house: &House, show: &str) {
    let set = ["tier", "set", "--show", show, "--name", "short", "--dvr-s-max", "0"];
    assert!(house.cli(&set).status.success());
    let made = house.cli_json(&["ticket", "issue", "--show", show, "--tier", "short", "--json"]);
    let mut url = made["mpd_url"].as_str().expect("an address").to_owned();
    let mut mpd = on_air_by_dash(client, &url).await;
    let first = loop {
        let number = mpd.lines().find_map(|line| attribute(line, "startNumber"));
        match number.expect("a number").parse::<u64>().expect("a number") {
            0 => {}
            first => break first,
        }
        url = resolve(&url, text_of(&mpd, "Location").expect("a Location"));
        let next = fetch(client, &url).await;
        assert_eq!(next.status, 200, "{}", next.text());
        mpd = next.text();
    };
    let listed = listed(&mpd, &url);
    for object in listed.values().flatten() {
        assert_eq!(fetch(client, object).await.status, 200, "{object}");
    }
    let oldest = listed["source"].get(1).expect("a segment");
    let gone = oldest.replace(&format!("/s{first}.m4s"), &format!("/s{}.m4s", first - 1));
    assert_ne!(*oldest, gone);
    assert_eq!(fetch(client, &gone).await.code(), "dvr_too_far");
}

/// The next MPD comes when the next segment begins, and that segment as it is made, with the bytes that stay.
#[expect(clippy::print_stdout, reason = "how soon it came is worth seeing")]
async fn being_made(client: &Client, entry: &str, mpd_url: &str) {
    let next = resolve(mpd_url, text_of(entry, "Location").expect("a Location"));
    let begun = Instant::now();
    let came = fetch(client, &next).await;
    assert_eq!(
        (came.status, &came.headers["content-type"]),
        (200, &"application/dash+xml".parse().unwrap())
    );
    println!("the next MPD came after {:?}", begun.elapsed());
    let mpd = came.text();
    let again = fetch(client, &next).await;
    assert_eq!(again.text(), mpd, "it is everybody's, and kept");
    let newest = listed(&mpd, &next)["source"].last().expect("a segment").clone();
    let mut response = client.get(&newest).send().await.expect("an answer");
    assert_eq!((response.status().as_u16(), response.content_length()), (200, None));
    let (begun, mut pieces, mut body) = (Instant::now(), 0, Vec::new());
    while let Some(piece) = response.chunk().await.expect("a whole body") {
        pieces += 1;
        body.extend_from_slice(&piece);
    }
    let took = begun.elapsed().as_secs_f64();
    println!("{} bytes in {pieces} pieces over {took:.2} s", body.len());
    assert!(pieces >= 3 && (0.5..SEGMENT_S + 1.0).contains(&took), "{pieces} pieces in {took} s");
    assert_eq!(media(client, &newest).await, body, "the same bytes once it is whole");
    let too_far = next.replace("manifest.", "manifest.9");
    let refused = fetch(client, &too_far).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "bad_directive"));
}

/// The MPD of the recording, once it is there.
async fn static_mpd(client: &Client, mpd_url: &str) -> String {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let text = on_air(client, mpd_url).await;
        if text.contains("type=\"static\"") {
            return text;
        }
        assert!(Instant::now() < deadline, "{text}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Every object that an MPD lists is there, and is that of the playlists.
async fn the_same(client: &Client, mpd: &str, mpd_url: &str, playlist_url: &str) {
    let (by_dash, by_hls) = (listed(mpd, mpd_url), listed_by_hls(client, playlist_url).await);
    assert_eq!(bare(&by_dash), bare(&by_hls), "{mpd}");
    for (name, urls) in &by_dash {
        assert!(urls.len() > 5, "{name}: {urls:?}");
        for (one, other) in urls.iter().zip(&by_hls[name]) {
            assert_eq!(media(client, one).await, media(client, other).await, "{one}");
        }
    }
}

#[tokio::test]
async fn a_house_that_was_killed_goes_on_with_the_same_mpd() {
    let house = House::start(&["--reconnect-window-s", "6"]);
    let show = house.show("Killed by DASH");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 60, height: 360, gop: 60, b_frames: 0 }.make(&file);
    let publisher = Publisher::of_file(&file, &show.rtmp);
    let client = Client::new();
    on_air_by_dash(&client, &ticket.mpd_url).await;
    let deadline = Instant::now() + WAIT_MAX;
    let before = loop {
        let mpd = on_air(&client, &ticket.mpd_url).await;
        if listed(&mpd, &ticket.mpd_url)["source"].len() > 6 {
            break mpd;
        }
        assert!(Instant::now() < deadline, "{mpd}");
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let house = house.killed_and_started_again(&["--reconnect-window-s", "6"]);
    drop(publisher);
    let client = Client::new(); // the old one's connections died with the house
    let after = on_air_by_dash(&client, &ticket.mpd_url).await;
    for name in ["availabilityStartTime", "timeShiftBufferDepth"] {
        assert_eq!(attribute(&after, name), attribute(&before, name), "{after}");
    }
    let periods = |mpd: &str| {
        let lines = mpd.lines().filter(|line| line.starts_with("<Period "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(periods(&after)[..1], periods(&before)[..1]);
    let (after, before) = (listed(&after, &ticket.mpd_url), listed(&before, &ticket.mpd_url));
    let (after, before) = (bare(&after), bare(&before));
    for (name, urls) in &before {
        // But for the last, which was being made and may have been lost with the process.
        let whole = &urls[..urls.len() - 1];
        assert_eq!(after[name].get(..whole.len()), Some(whole), "{name}");
    }
    // It ends with its reconnect window, and is a recording.
    over(&house).await;
    let mpd = static_mpd(&client, &ticket.mpd_url).await;
    the_same(&client, &mpd, &ticket.mpd_url, &ticket.playlist_url).await;
    drop(house);
}

#[tokio::test]
async fn ffmpeg_plays_a_live_mpd() {
    let house = House::start(&[]);
    let show = house.show("Live by DASH");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 60, height: 360, gop: 60, b_frames: 0 }.make(Path::new(&file));
    let _publisher = Publisher::of_file(&file, &show.rtmp);
    let client = Client::new();
    on_air_by_dash(&client, &ticket.mpd_url).await;
    let mpd_url = ticket.mpd_url.clone();
    let seconds = tokio::task::spawn_blocking(move || decoded_s(&mpd_url, &["-t", "8"]));
    let seconds = seconds.await.expect("it ran");
    assert!((7.5..8.6).contains(&seconds), "ffmpeg found {seconds} s");
}
