//! A show that goes on beside the fault, and proves it.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Client;
use tempfile::TempDir;
use tests::viewer::{Playlist, fetch, renditions};
use tests::{House, Publisher, Show, Ticket};

/// How long the show may take to get on the air or to grow.
const WAIT_MAX: Duration = Duration::from_secs(40);

/// A live show with its publisher.
pub(crate) struct Bystander {
    pub(crate) show: Show,
    pub(crate) ticket: Ticket,
    playlist: String,
    client: Client,
    _publisher: Publisher,
    _directory: TempDir,
}

impl Bystander {
    /// Goes on the air and waits until it can be watched.
    pub(crate) async fn on_air(house: &House) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = clip(&directory, "bystander.flv", &[]);
        let show = house.show("Bystander");
        let ticket = house.ticket(&show.id);
        let publisher = Publisher::without_end(&file, &show.rtmp);
        let client = Client::new();
        let deadline = Instant::now() + WAIT_MAX;
        let text = loop {
            let fetched = fetch(&client, &ticket.playlist_url).await;
            if fetched.status == 200 {
                break fetched.text();
            }
            assert!(Instant::now() < deadline, "the bystander is not on the air");
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let all = renditions(&text, &ticket.playlist_url);
        let (_, playlist) = all.into_iter().find(|(name, _)| name == "source").expect("a source");
        Self { show, ticket, playlist, client, _publisher: publisher, _directory: directory }
    }

    /// The live edge: segments so far, and parts beyond them.
    async fn edge(&self) -> (u64, usize) {
        let fetched = fetch(&self.client, &self.playlist).await;
        let list = Playlist::parse(&fetched.text(), &self.playlist);
        assert!(!list.ended, "the bystander is still on the air");
        assert!(list.segments.iter().all(|segment| !segment.discontinuity), "without a break");
        (list.media_sequence + list.segments.len() as u64, list.open_parts.len())
    }

    /// Proves that the show goes on: its playlist grows.
    pub(crate) async fn goes_on(&self) {
        let before = self.edge().await;
        let deadline = Instant::now() + WAIT_MAX;
        while self.edge().await <= before {
            assert!(Instant::now() < deadline, "the bystander stands still at {before:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The address of its source playlist, with the session in it.
    pub(crate) fn playlist(&self) -> &str {
        &self.playlist
    }
}

/// A clip of 60 s at 240p; `codecs` replaces H.264 and AAC.
pub(crate) fn clip(directory: &TempDir, name: &str, codecs: &[&str]) -> PathBuf {
    let file = directory.path().join(name);
    let codecs = if codecs.is_empty() {
        &["-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-bf", "0", "-c:a", "aac"]
    } else {
        codecs
    };
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(["-f", "lavfi", "-i", "testsrc2=size=426x240:rate=30"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"])
        .args(["-t", "60", "-pix_fmt", "yuv420p"])
        .args(codecs)
        .args(["-f", "flv"])
        .arg(&file)
        .status()
        .expect("ffmpeg runs");
    assert!(status.success(), "ffmpeg makes {name}");
    file
}
