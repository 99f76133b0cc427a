//! A film between two points: every rendition the same, nothing encoded, nothing deleted.

use std::path::Path;

use reqwest::Client;
use serde_json::{Value, json};
use tests::House;
use tests::viewer::{Fetched, Playlist, fetch, i_frames, read, renditions};

use crate::transcoded::{FLAGS, brightness, film, ready, text, upload};

/// Where it begins and ends, in seconds, and how the command line is told.
const IN_S: f64 = 5.5;
const OUT_S: f64 = 13.0;
const SAID: [&str; 4] = ["--in", "0:05.5", "--out", "13"];
/// Pictures in a second.
const RATE: f64 = 25.0;

/// What the house has of a show, whatever its edge remembers.
async fn at_origin(house: &House, path: &str, known: Option<&str>) -> Fetched {
    let key = std::fs::read_to_string(house.data().join("keys/edge.key")).expect("a key");
    let client = Client::builder().no_proxy().build().expect("a client");
    let asked = client.get(format!("{}/o/{path}", house.api));
    let asked = asked.header(shared_wire::header::EDGE_KEY, key.trim());
    let asked = known.into_iter().fold(asked, |asked, tag| asked.header("if-none-match", tag));
    read(asked.send().await.expect("an answer")).await
}

fn tag(fetched: &Fetched) -> String {
    fetched.headers["etag"].to_str().expect("text").to_owned()
}

/// What of a whole playlist overlaps the two points: how many segments are before, and their last steps.
fn between(whole: &Playlist) -> (usize, f64, Vec<String>) {
    let (mut at, mut before, mut begin, mut found) = (0.0, 0, 0.0, Vec::new());
    for segment in &whole.segments {
        if at + segment.duration_s <= IN_S {
            before += 1;
            begin = at + segment.duration_s;
        } else if at < OUT_S {
            found.push(last(&segment.url));
        }
        at += segment.duration_s;
    }
    (before, begin, found)
}

fn last(url: &str) -> String {
    url.rsplit('/').next().expect("a step").to_owned()
}

fn whole(objects: &Path, rendition: &str) -> Playlist {
    let text = std::fs::read_to_string(objects.join(rendition).join("index.m3u8"));
    Playlist::parse(&text.expect("a playlist"), "http://house/p/s/r/index.m3u8")
}

/// What cannot be is refused with the reason.
fn refused(trim: &impl Fn(&[&str]) -> std::process::Output) {
    for (flags, reason) in [
        (&["--in", "13", "--out", "5.5"][..], "must be before"),
        (&["--in", "0:25"][..], "must be before"),
        (&["--out", "1:00:00"][..], "after the end"),
        (&["--in", "soon"][..], "no time"),
        (&[][..], "--in"),
    ] {
        let refused = trim(flags);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(reason), "{flags:?}: {said}");
    }
}

#[tokio::test]
async fn a_film_is_shown_between_two_points_in_every_rendition() {
    let (house, folder) = (House::start(&FLAGS), tempfile::tempdir().expect("a directory"));
    let id = upload(&house, &film(folder.path()));
    let trim = |flags: &[&str]| house.cli(&[&["asset", "trim", &id], flags].concat());
    let early = trim(&SAID);
    let said = String::from_utf8_lossy(&early.stderr).into_owned();
    assert!(!early.status.success() && said.contains("not whole"), "{said}");

    let show = text(&ready(&house, &id).await, "show");
    refused(&trim);
    let objects = house.data().join("objects").join(&show);
    let untrimmed = at_origin(&house, &format!("{show}/index.m3u8"), None).await;
    let leader = renditions(&untrimmed.text(), "http://house/p/s/index.m3u8");
    let leader = &leader.iter().find(|(name, _)| name.ends_with('p')).expect("a rung").0;
    let (before, begin, _) = between(&whole(&objects, leader));
    assert!(before > 0 && begin < IN_S, "{before} segments, to {begin} s");

    let told = house.cli_json(&[&["asset", "trim", &id][..], &SAID, &["--json"]].concat());
    assert_eq!((&told["duration_ms"], &told["trim"]["in_ms"]), (&json!(7500), &json!(5500)));
    let client = Client::builder().no_proxy().build().expect("a client");
    let ticket = house.ticket(&show);
    let all = fetch(&client, &ticket.playlist_url).await.text();
    let start = format!("#EXT-X-START:TIME-OFFSET={:.6},PRECISE=YES\n", IN_S - begin);
    assert!(all.contains(&start), "{all}");
    let found = renditions(&all, &ticket.playlist_url);
    assert!(found.iter().any(|(name, _)| name.starts_with("audio")), "{all}");
    assert!(all.contains("TYPE=SUBTITLES"), "{all}");
    for (name, url) in &found {
        let text = fetch(&client, url).await.text();
        let list = Playlist::parse(&text, url);
        let expected: Vec<String> =
            whole(&objects, name).segments.iter().map(|one| last(&one.url)).collect();
        let (_, _, of_leader) = between(&whole(&objects, leader));
        let shown: Vec<String> = list.segments.iter().map(|one| last(&one.url)).collect();
        assert_eq!(shown, expected[before..before + of_leader.len()], "{name}: {text}");
        assert!(text.contains(&format!("#EXT-X-MEDIA-SEQUENCE:{before}\n")), "{name}: {text}");
        assert!(text.contains(&start) && text.ends_with("#EXT-X-ENDLIST\n"), "{name}: {text}");
        assert!(text.contains("#EXT-X-PLAYLIST-TYPE:VOD\n"), "{name}: {text}");
        for segment in &list.segments {
            assert_eq!(fetch(&client, &segment.url).await.status, 200, "{}", segment.url);
        }
    }
    let pictures = i_frames(&all, &ticket.playlist_url);
    assert!(!pictures.is_empty(), "{all}");
    for (_, url) in pictures {
        let text = fetch(&client, &url).await.text();
        let name = url.rsplit('/').nth(1).expect("a rendition");
        let (_, _, segments) = between(&whole(&objects, name));
        let known = |line: &&str| line.ends_with(".m4s") && !segments.contains(&last(line));
        assert_eq!(text.lines().find(known), None, "{text}");
        assert!(text.lines().any(|line| line.ends_with(".m4s")), "{text}");
    }

    // What is played is what is there, from the first picture of the first segment on.
    let rung = &found.iter().find(|(name, _)| name == leader).expect("the leader").1;
    let seen = brightness(rung);
    let first = (begin * RATE).round() as usize;
    let expected = (16 + first * 37 % 200) as f64;
    assert!((seen[0] - expected).abs() < 12.0, "{} is not {expected}", seen[0]);
    let mpd = fetch(&client, &ticket.mpd_url).await.text();
    assert!(mpd.contains("type=\"static\"") && mpd.contains("start=\"PT0S\""), "{mpd}");
    assert!(!mpd.contains("mediaPresentationDuration=\"PT20"), "{mpd}");
    let base = rung.rsplitn(3, '/').nth(2).expect("a session's folder");
    let board = fetch(&client, &format!("{base}/storyboard.vtt")).await.text();
    assert_eq!(board.matches("-->").count(), 1, "of 0 s and 10 s the one that is shown: {board}");

    undone(&house, &id, &show, &untrimmed).await;
}

/// What is taken back is as it was, byte by byte; entity tags tell the two apart.
async fn undone(house: &House, id: &str, show: &str, untrimmed: &Fetched) {
    let path = format!("{show}/index.m3u8");
    let trimmed = at_origin(house, &path, Some(&tag(untrimmed))).await;
    assert_eq!(trimmed.status, 200, "it is another");
    let cached = trimmed.headers["cache-control"].to_str().expect("text");
    assert_eq!(cached, "public, max-age=60");
    assert_eq!(at_origin(house, &path, Some(&tag(&trimmed))).await.status, 304);
    let told: Value = house.cli_json(&["asset", "trim", id, "--undo", "--json"]);
    assert_eq!((told.get("trim"), &told["duration_ms"]), (None, &told["media"]["duration_ms"]));
    let again = at_origin(house, &path, Some(&tag(&trimmed))).await;
    assert_eq!((again.status, tag(&again)), (200, tag(untrimmed)));
    assert_eq!(again.body, untrimmed.body);
}
