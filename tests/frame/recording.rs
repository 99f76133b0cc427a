//! The recording: what was live plays on, also after the house was restarted.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use reqwest::Client;
use tests::viewer::{fetch, renditions};
use tests::{House, Publisher};

use crate::clip::{self, Clip};
use crate::{LOOK_EVERY, WAIT_MAX, ended, on_air};

#[tokio::test]
async fn an_ended_show_plays_from_disk_after_a_restart() {
    let house = House::start(&["--reconnect-window-s", "0"]);
    let show = house.show("To be kept");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    let clip = Clip { seconds: 5, height: 360, gop: 30, b_frames: 0 };
    clip.make(&file);
    let (well, said) = Publisher::of_file(&file, &show.rtmp).finish();
    assert!(well, "{said}");
    let client = Client::new();
    let before = ended(&client, &ticket.playlist_url).await;

    let again = House::start_in(house.stop(), &[]);
    // The house has other ports now; a ticket issued before is still good there.
    let path = ticket.playlist_url.splitn(4, '/').nth(3).expect("a path");
    let playlist_url = format!("{}/{path}", again.edge);
    let text = on_air(&client, &playlist_url).await;
    assert_eq!(renditions(&text, &playlist_url).len(), before.len());
    for (name, list) in ended(&client, &playlist_url).await {
        let media = directory.path().join(format!("{name}.mp4"));
        list.download(&client, &media).await;
        if name != "audio" {
            assert_eq!(clip::pictures(&media).len(), clip.seconds * clip::FRAME_RATE, "{name}");
        }
    }
}

/// Every media file below a directory: which file it is, and when it was last written to.
fn media(directory: &Path, found: &mut BTreeMap<PathBuf, (u64, i64, i64)>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            media(&path, found);
        } else if path.extension().is_some_and(|end| end == "m4s" || end == "mp4") {
            let data = std::fs::metadata(&path).expect("a file");
            found.insert(path, (data.ino(), data.mtime(), data.mtime_nsec()));
        }
    }
}

#[tokio::test]
async fn the_recording_is_the_objects_that_were_live() {
    let house = House::start(&[]);
    let show = house.show("To be kept as it is");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 60, height: 360, gop: 30, b_frames: 0 }.make(&file);
    let _publisher = Publisher::of_file(&file, &show.rtmp);
    let client = Client::new();
    let text = on_air(&client, &ticket.playlist_url).await;
    let (_, source) = renditions(&text, &ticket.playlist_url)
        .into_iter()
        .find(|(name, _)| name == "source")
        .expect("a source");
    let objects = house.data().join("objects").join(&show.id);
    let mut before = BTreeMap::new();
    let deadline = Instant::now() + WAIT_MAX;
    while before.len() < 12 {
        assert!(Instant::now() < deadline, "{before:?}");
        tokio::time::sleep(LOOK_EVERY).await;
        before.clear();
        if objects.is_dir() {
            media(&objects, &mut before);
        }
    }
    let said = house.cli(&["show", "end", &show.id]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let begun = Instant::now();
    let vod = loop {
        let text = fetch(&client, &source).await.text();
        if text.contains("#EXT-X-PLAYLIST-TYPE:VOD") {
            break text;
        }
        assert!(begun.elapsed() < WAIT_MAX, "{text}");
        tokio::time::sleep(LOOK_EVERY / 10).await;
    };
    println!(
        "the recording was there {:?} after the end, an edge's second included",
        begun.elapsed()
    );
    assert!(vod.ends_with("#EXT-X-ENDLIST\n"), "{vod}");
    // Nothing was copied or encoded: each file that was there is the same one, and written to no more.
    let mut after = BTreeMap::new();
    media(&objects, &mut after);
    for (path, known) in &before {
        assert_eq!(after.get(path), Some(known), "{}", path.display());
    }
    let listed: Vec<_> = vod.lines().filter(|line| !line.starts_with('#')).collect();
    let known = before.keys().filter_map(|path| path.strip_prefix(objects.join("source")).ok());
    let known = known.filter(|name| name.extension().is_some_and(|end| end == "m4s"));
    for name in known {
        assert!(listed.contains(&name.to_str().expect("text")), "{} in {vod}", name.display());
    }
    // What came after is what was live then: the segments that were closed meanwhile.
    let newer = after.keys().filter(|path| !before.contains_key(*path));
    for path in newer {
        let name = path.file_name().and_then(|name| name.to_str()).expect("text");
        assert!(name.starts_with('s'), "{}", path.display());
    }
}
