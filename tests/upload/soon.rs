//! The beginning of a film plays while the rest of it is not made, and stays what it is, whoever makes that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reqwest::Client;
use serde_json::Value;
use tests::House;
use tests::viewer::{self, Playlist, fetch};

use crate::looked_into::make;
use crate::queued::jobs;
use crate::transcoded::{ended, once, ready, text, upload};

/// Pieces so long that the film would be two, were its first ones not shorter.
const FLAGS: [&str; 2] = ["--chunk-s", "150"];
/// Segments that are looked at of each rendition.
const LOOKED_AT: usize = 8;

/// Five minutes that are soon drawn, and have two sounds, which take their time.
fn film(folder: &Path) -> PathBuf {
    let drawn = "testsrc2=size=64x36:rate=5:duration=300";
    let tone = "sine=frequency=440:sample_rate=48000:duration=300";
    let inputs = ["-f", "lavfi", "-i", drawn, "-f", "lavfi", "-i", tone];
    let streams = ["-map", "0", "-map", "1", "-map", "1"];
    let coded = ["-c:v", "mpeg4", "-q:v", "5", "-g", "10", "-c:a", "ac3", "-ac", "2"];
    make(folder, "film.mkv", &[&inputs[..], &streams, &coded].concat())
}

/// The first segments that each rendition lists: their names, and what players get for them.
async fn listed(
    house: &House,
    show: &str,
    is_over: bool,
) -> BTreeMap<String, Vec<(String, Vec<u8>)>> {
    let client = Client::builder().no_proxy().build().expect("a client");
    let ticket = house.ticket(show);
    let whole = fetch(&client, &ticket.playlist_url).await;
    assert_eq!(whole.status, 200, "{}", whole.text());
    let mut found = BTreeMap::new();
    for (name, url) in viewer::renditions(&whole.text(), &ticket.playlist_url) {
        let list = match is_over {
            true => ended(&client, &url).await,
            false => Playlist::parse(&fetch(&client, &url).await.text(), &url),
        };
        assert_eq!(list.ended, is_over, "{name}");
        let mut segments = Vec::new();
        for segment in list.segments.iter().take(LOOKED_AT) {
            let media = fetch(&client, &segment.url).await;
            assert_eq!((media.status, segment.gap), (200, false), "{}", segment.url);
            let file = segment.url.rsplit('/').next().expect("a name").to_owned();
            segments.push((file, media.body.to_vec()));
        }
        found.insert(name, segments);
    }
    found
}

fn of_kind<'a>(jobs: &'a [Value], kind: &str) -> Vec<&'a Value> {
    jobs.iter().filter(|job| job["kind"] == kind).collect()
}

#[tokio::test]
async fn the_beginning_plays_while_the_rest_is_not_made_and_a_kill_takes_nothing_of_it_back() {
    let (house, folder) = (House::start(&FLAGS), tempfile::tempdir().expect("a directory"));
    let id = upload(&house, &film(folder.path()));
    let told = once(&house, &id, "it can be played", |told| told["is_playable"] == true).await;
    let show = text(&told, "show");
    let all = jobs(&house, &id).await;
    let (sounds, chunks) = (of_kind(&all, "sounds"), of_kind(&all, "chunk"));
    assert_eq!(sounds[0]["state"], "running", "what is heard later is not made: {all:?}");
    let length_s = |job: &&Value| job["length_ms"].as_u64().map(|ms| ms / 1000);
    let lengths: Vec<u64> = chunks.iter().filter_map(length_s).collect();
    assert_eq!(lengths[..4], [2, 4, 8, 16], "chunks become longer");
    assert_eq!(chunks[0]["state"], "done", "{all:?}");
    assert_ne!(chunks.last().expect("some")["state"], "done", "{all:?}");
    let before = listed(&house, &show, false).await;
    assert!(before.len() >= 3, "pictures and two sounds: {:?}", before.keys());
    assert!(before.values().all(|segments| !segments.is_empty()), "a player finds all it needs");

    // Killed amid the sounds, which are made again from their beginning.
    let house = house.killed_and_started_again(&FLAGS);
    let all = jobs(&house, &id).await;
    assert_ne!(of_kind(&all, "sounds")[0]["state"], "done", "it was killed too late: {all:?}");
    let is_beginning = |found: &BTreeMap<String, Vec<(String, Vec<u8>)>>| {
        for (name, segments) in &before {
            let found = &found[name];
            let (count, all) = (segments.len(), found.len());
            assert!(found.starts_with(segments), "{name}: {count} segments, then {all}");
        }
    };
    is_beginning(&listed(&house, &show, false).await);
    ready(&house, &id).await;
    is_beginning(&listed(&house, &show, true).await);
}
