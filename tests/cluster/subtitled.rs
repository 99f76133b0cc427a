//! Subtitles that come when a film is ready: a worker makes them, and a house that makes nothing lists them.

use std::time::Instant;

use tests::House;

use crate::alone::{playlists, ready, upload};
use crate::site::Site;
use crate::{LOOK_EVERY, WAIT_MAX};

/// The names that a house lists, as soon as there is one of uploaded subtitles, or none.
async fn listed(house: &House, show: &str, is_there: bool) -> Vec<String> {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let names: Vec<String> = playlists(house, show).await.into_keys().collect();
        if names.iter().any(|name| name.starts_with("sub-")) == is_there {
            return names;
        }
        assert!(Instant::now() < deadline, "{names:?}\n{}", house.log_tail());
        tokio::time::sleep(LOOK_EVERY * 10).await;
    }
}

#[tokio::test]
async fn a_house_lists_subtitles_that_a_worker_made_of_a_film_that_was_ready() {
    let Some(site) = Site::open(2).await else { return };
    let worker = site.worker();
    let asset = upload(&site.house);
    let show = ready(&site.house, &asset).await;
    listed(&site.house, &show, false).await;
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = folder.path().join("film.vtt");
    std::fs::write(&file, "WEBVTT\n\n00:05.000 --> 00:06.000\nThree\n").expect("writable");
    let file = file.to_str().expect("a path");
    let _ = site.house.cli_json(&["asset", "subtitles", "put", &asset, "en", file, "--json"]);
    let names = listed(&site.house, &show, true).await;
    assert_eq!(worker.jobs("texts", "done").await, 1);
    let list = names.iter().find(|name| name.starts_with("sub-")).expect("a list");
    let (folder, _) = list.split_once('/').expect("a folder");
    let objects = site.objects(&show).await;
    let texts = objects.iter().filter(|(name, _)| name.starts_with(folder));
    let mut texts = texts.map(|(_, bytes)| String::from_utf8_lossy(bytes));
    let has_cue = texts.any(|text| text.contains("Three"));
    assert!(has_cue, "in the bucket, for whichever node: {:?}", objects.keys());
    assert!(objects.contains_key("cover.jpg"), "{:?}", objects.keys());

    let gone = site.house.cli(&["asset", "subtitles", "delete", &asset, "en"]);
    assert!(gone.status.success(), "{}", String::from_utf8_lossy(&gone.stderr));
    listed(&site.house, &show, false).await;
    let _ = site.house.cli_json(&["asset", "delete", &asset, "--json"]);
    site.loses(&show, LOOK_EVERY * 50).await;
}
