//! The live edge as a low-latency player meets it: blocking reloads, parts, preload hints, rendition reports.

use reqwest::Client;
use tests::viewer::{Playlist, attribute, fetch, i_frames, media, renditions, resolve};
use tests::{House, Publisher};

use crate::clip::Clip;
use crate::on_air;

#[tokio::test]
async fn a_player_can_wait_for_the_next_part_and_gets_exactly_that() {
    let house = House::start(&[]);
    let show = house.show("Live edge");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 25, height: 480, gop: 60, b_frames: 0 }.make(&file);
    let _publisher = Publisher::of_file(&file, &show.rtmp);

    let client = Client::new();
    let multivariant = on_air(&client, &ticket.playlist_url).await;
    for tag in ["AVERAGE-BANDWIDTH=", "CODECS=\"avc1.", "RESOLUTION=854x480", "FRAME-RATE=30.000"] {
        assert!(multivariant.contains(tag), "{tag} in {multivariant}");
    }
    let all = renditions(&multivariant, &ticket.playlist_url);
    let pictures = i_frames(&multivariant, &ticket.playlist_url);
    // They are offered from the beginning, and have something to be reported of with the first whole segment: who asks
    // for them waits for that.
    for (tag, url) in &pictures {
        assert!(
            !Playlist::parse(&fetch(&client, url).await.text(), url).segments.is_empty(),
            "{tag}"
        );
    }
    let others = all.len() - 1 + pictures.len();
    for (name, url) in &all {
        let fetched = fetch(&client, url).await;
        let text = fetched.text();
        assert_eq!(text.matches("#EXT-X-RENDITION-REPORT:").count(), others, "{name}: {text}");
        assert!(text.contains("CAN-BLOCK-RELOAD=YES"), "{name}: {text}");
        assert!(text.contains("#EXT-X-PROGRAM-DATE-TIME:"), "{name}: {text}");
        follow(&client, name, url).await;
    }
}

/// Follows one rendition over some parts by blocking reload, fetching each part by its preload hint.
async fn follow(client: &Client, name: &str, url: &str) {
    let text = fetch(client, url).await.text();
    let mut list = Playlist::parse(&text, url);
    let mut hint = hinted(&text, url);
    for _ in 0..8 {
        let msn = list.media_sequence + list.segments.len() as u64;
        let part = list.open_parts.len();
        let waiting = fetch(client, &hint);
        let reload = format!("{url}?_HLS_msn={msn}&_HLS_part={part}");
        let next = fetch(client, &reload).await;
        assert_eq!(next.status, 200, "{name}: {}", next.text());
        let newer = Playlist::parse(&next.text(), url);
        let newest = (newer.media_sequence + newer.segments.len() as u64, newer.open_parts.len());
        assert!(newest > (msn, part), "{name}: the answer has the part that was waited for");
        let early = waiting.await;
        let listed: Vec<&String> = newer
            .segments
            .iter()
            .flat_map(|segment| &segment.parts)
            .chain(&newer.open_parts)
            .map(|(part, _)| part)
            .collect();
        if listed.contains(&&hint) {
            assert_eq!(early.status, 200, "{name}: a hinted part that appears was answered");
        } else {
            assert_eq!(early.status, 404, "{name}: an abandoned hint is absent");
        }
        hint = hinted(&next.text(), url);
        list = newer;
    }
    let whole = list.segments.iter().rev().find(|segment| !segment.parts.is_empty());
    let segment = whole.expect("a segment still lists its parts");
    let mut joined = Vec::new();
    for (part, _) in &segment.parts {
        joined.extend(media(client, part).await);
    }
    assert_eq!(joined, media(client, &segment.url).await, "{name}: parts are the segment");
}

fn hinted(text: &str, base: &str) -> String {
    let line = text.lines().find(|line| line.starts_with("#EXT-X-PRELOAD-HINT:"));
    let uri = line.and_then(|line| attribute(line, "URI")).expect("a preload hint");
    resolve(base, &uri)
}
