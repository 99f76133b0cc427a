//! The house is killed while a show is live, and started again: the same show goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use reqwest::Client;
use tests::viewer::{Playlist, fetch, i_frames, media, renditions};
use tests::{House, Publisher};

use crate::clip::{self, Clip};
use crate::{LOOK_EVERY, WAIT_MAX, ended, on_air, over};

const FLAGS: [&str; 2] = ["--reconnect-window-s", "6"];

/// An encoder that connects again whenever it loses its house.
struct Encoder {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Encoder {
    fn start(file: PathBuf, url: String) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                let mut publisher = Publisher::of_file(&file, &url);
                while !told.load(Ordering::Relaxed) && matches!(publisher.0.try_wait(), Ok(None)) {
                    std::thread::sleep(Duration::from_millis(20));
                }
                drop(publisher);
                std::thread::sleep(Duration::from_millis(300));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the encoder stops");
        }
    }
}

/// Every media playlist of a show, I-frame playlists too, by address.
async fn lists(client: &Client, multivariant: &str, base: &str) -> Vec<(String, Playlist, String)> {
    let playlists = renditions(multivariant, base).into_iter();
    let mut found = Vec::new();
    for (_, url) in playlists.chain(i_frames(multivariant, base)) {
        let text = fetch(client, &url).await.text();
        found.push((url.clone(), Playlist::parse(&text, &url), text));
    }
    found
}

/// The Media Sequence Number after the last, complete or not.
fn next_msn(list: &Playlist) -> u64 {
    list.media_sequence + list.segments.len() as u64 + u64::from(!list.open_parts.is_empty())
}

/// Everything a playlist lists is there.
async fn all_there(client: &Client, list: &Playlist, text: &str) {
    for segment in list.segments.iter().filter(|segment| !segment.gap) {
        let _ = media(client, &segment.url).await;
        if let Some(map) = &segment.map {
            let _ = media(client, map).await;
        }
    }
    let gone = |url: &str| {
        let name = url.rsplit('/').next().unwrap_or_default();
        text.lines().any(|line| line.contains(name) && line.ends_with("GAP=YES"))
    };
    let parts = list.segments.iter().flat_map(|segment| &segment.parts).chain(&list.open_parts);
    for (url, _) in parts.filter(|(url, _)| !gone(url)) {
        let _ = media(client, url).await;
    }
}

/// What was listed is listed, the same as it was.
fn continues(url: &str, before: &Playlist, after: &Playlist) {
    assert!(!after.ended, "{url}: the show goes on");
    assert_eq!(after.target_duration_s, before.target_duration_s, "{url}");
    assert_eq!(after.media_sequence, before.media_sequence, "{url}: nothing has left the window");
    assert!(next_msn(after) >= next_msn(before), "{url}: numbers do not go back");
    for (old, new) in before.segments.iter().zip(&after.segments) {
        let same = (&new.url, new.duration_s, &new.program_date_time, new.range, new.gap);
        let was = (&old.url, old.duration_s, &old.program_date_time, old.range, old.gap);
        assert_eq!(same, was, "{url}");
    }
    if !before.open_parts.is_empty() {
        let closed = &after.segments[before.segments.len()];
        let listed = closed.parts.is_empty() || closed.parts.starts_with(&before.open_parts);
        assert!(listed, "{url}: {closed:?}");
    }
}

#[tokio::test]
async fn a_killed_house_goes_on_where_it_was() {
    let house = House::start(&FLAGS);
    let show = house.show("Through a crash");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 40, height: 360, gop: 30, b_frames: 0 }.make(&file);
    let client = Client::new();
    let encoder = Encoder::start(file, show.rtmp.clone());
    let multivariant = on_air(&client, &ticket.playlist_url).await;
    let base = &ticket.playlist_url;
    let (_, source) = renditions(&multivariant, base).into_iter().next().expect("a rendition");
    // Asked as a player does, so that the house dies in the middle of a segment.
    for query in ["_HLS_msn=1", "_HLS_msn=2", "_HLS_msn=3", "_HLS_msn=4&_HLS_part=3"] {
        let asked = fetch(&client, &format!("{source}?{query}")).await;
        assert_eq!(asked.status, 200, "{query}: {}", asked.text());
    }
    let before = lists(&client, &multivariant, base).await;

    let killed = Instant::now();
    let house = house.killed_and_started_again(&FLAGS);
    println!("up again {:?} after it was killed", killed.elapsed());
    let client = Client::new(); // no connection outlived it
    let again = fetch(&client, base).await;
    assert_eq!(again.status, 200, "the show is there at once: {}", again.text());
    let names = |text: &str| renditions(text, base).into_iter().map(|(name, _)| name).collect();
    let (had, has): (Vec<String>, Vec<String>) = (names(&multivariant), names(&again.text()));
    assert_eq!(had, has);
    for (url, old, _) in &before {
        let text = fetch(&client, url).await.text();
        let new = Playlist::parse(&text, url);
        continues(url, old, &new);
        let reopened = new.segments.get(old.segments.len()).map(|closed| closed.parts.len());
        assert!(reopened >= Some(old.open_parts.len()) || old.open_parts.is_empty(), "{url}");
        all_there(&client, &new, &text).await;
    }

    // The encoder comes back by itself, and the playlists grow.
    let listed = next_msn(&before[0].1);
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let list = Playlist::parse(&fetch(&client, &source).await.text(), &source);
        if next_msn(&list) > listed + 3 {
            break;
        }
        assert!(Instant::now() < deadline, "the show does not go on: {list:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    println!("live again {:?} after it was killed", killed.elapsed());
    for (url, old, _) in &before {
        let text = fetch(&client, url).await.text();
        let new = Playlist::parse(&text, url);
        continues(url, old, &new);
        assert_eq!(new.segments.iter().filter(|segment| segment.discontinuity).count(), 1, "{url}");
        all_there(&client, &new, &text).await;
    }
    drop(encoder);
    over(&house).await;
    recorded(&client, base, directory.path()).await;
    drop(house);
}

/// The recording has every frame of before and after, each once and in order; little is missing at the kill.
async fn recorded(client: &Client, base: &str, directory: &Path) {
    let lists = ended(client, base).await;
    let (_, first) = &lists[0];
    for (name, list) in &lists {
        assert_eq!(list.segments.len(), first.segments.len(), "{name}");
        let file = directory.join(format!("{name}.mp4"));
        list.download(client, &file).await;
        if name == "audio" {
            continue;
        }
        let numbers: Vec<usize> = clip::pictures(&file).iter().map(|seen| seen.number).collect();
        let restart = numbers.iter().rposition(|number| *number == 0).expect("it starts again");
        assert!(numbers[..restart].iter().copied().eq(0..restart), "{name}: {numbers:?}");
        let after = numbers.len() - restart;
        assert!(numbers[restart..].iter().copied().eq(0..after), "{name}: {numbers:?}");
        assert!(restart >= 8 * clip::FRAME_RATE, "{name}: what was listed is in the recording");
    }
}

#[tokio::test]
async fn a_show_whose_publisher_does_not_come_back_ends_with_its_recording() {
    let house = House::start(&["--reconnect-window-s", "2"]);
    let show = house.show("Left alone");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 20, height: 360, gop: 30, b_frames: 0 }.make(&file);
    let client = Client::new();
    let publisher = Publisher::of_file(&file, &show.rtmp);
    let _ = on_air(&client, &ticket.playlist_url).await;
    // Twice, the second time while nobody publishes.
    let house = house.killed_and_started_again(&["--reconnect-window-s", "20"]);
    drop(publisher);
    let house = house.killed_and_started_again(&["--reconnect-window-s", "2"]);
    let client = Client::new(); // no connection outlived it
    over(&house).await;
    for (name, list) in ended(&client, &ticket.playlist_url).await {
        assert!(!list.segments.is_empty(), "{name}");
        list.download(&client, &directory.path().join(format!("{name}.mp4"))).await;
        let _ = tests::decode(&directory.path().join(format!("{name}.mp4")), &["-f", "null"]);
    }
}
