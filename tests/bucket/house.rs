//! A house that records to S3, and a show of it.
//!
//! In: where S3 is. Out: the house, and what a viewer or an operator sees of it. Does not know what goes wrong.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Client;
use tempfile::TempDir;
use tests::viewer::{Playlist, fetch, renditions};
use tests::{House, Publisher, Show, Ticket};

use crate::server::{BUCKET, CREDENTIALS};

/// How long anything may take that is waited for.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(40);
/// How often it is looked for.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A house before the bucket at this address.
pub(crate) fn before(directory: TempDir, endpoint: &str, flags: &[&str]) -> House {
    before_told(directory, endpoint, flags, &[])
}

/// The same, whose edge reads from that bucket by itself.
pub(crate) fn with_reading_edge(directory: TempDir, endpoint: &str) -> House {
    let variables = [
        ("MATINEE_EDGE_BUCKET", BUCKET),
        ("MATINEE_EDGE_BUCKET_ENDPOINT", endpoint),
        ("MATINEE_EDGE_BUCKET_REGION", "us-east-1"),
        ("MATINEE_EDGE_BUCKET_PREFIX", "a/house/"),
    ];
    before_told(directory, endpoint, &[], &variables)
}

fn before_told(
    directory: TempDir,
    endpoint: &str,
    flags: &[&str],
    variables: &[(&str, &str)],
) -> House {
    let named = ["--s3-bucket", BUCKET, "--s3-endpoint", endpoint, "--s3-prefix", "a/house/"];
    let short = ["--reconnect-window-s", "0", "--ladder", "160p"];
    let flags = [&named[..], &short, flags].concat();
    let told = [&CREDENTIALS[..], variables].concat();
    House::start_told(directory, &["127.0.0.1:0"; 3], &flags, &told)
}

/// A show on the air, of a clip that lasts longer than any test or so many seconds.
pub(crate) struct OnAir {
    pub(crate) show: Show,
    pub(crate) ticket: Ticket,
    pub(crate) publisher: Publisher,
    client: Client,
    _directory: TempDir,
}

impl OnAir {
    pub(crate) async fn begin(house: &House, seconds: u32) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = clip(&directory, seconds);
        let show = house.show("To the bucket");
        let ticket = house.ticket(&show.id);
        let publisher = Publisher::of_file(&file, &show.rtmp);
        let on_air = Self { show, ticket, publisher, client: Client::new(), _directory: directory };
        on_air.until(house, |list| !list.segments.is_empty()).await;
        on_air
    }

    /// The source's playlist as a viewer of this house has it, once it is as wanted.
    pub(crate) async fn until(
        &self,
        house: &House,
        wanted: impl Fn(&Playlist) -> bool,
    ) -> Playlist {
        let deadline = Instant::now() + WAIT_MAX;
        let path = self.ticket.playlist_url.splitn(4, '/').nth(3).expect("a path");
        let url = format!("{}/{path}", house.edge);
        loop {
            let fetched = fetch(&self.client, &url).await;
            let all = renditions(&fetched.text(), &url);
            if let Some((_, source)) = all.into_iter().find(|(name, _)| name == "source") {
                let text = fetch(&self.client, &source).await;
                let list = Playlist::parse(&text.text(), &source);
                if text.status == 200 && wanted(&list) {
                    return list;
                }
            }
            assert!(Instant::now() < deadline, "{}: {}", fetched.status, fetched.text());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Proves that the show goes on: its playlist grows by two segments.
    pub(crate) async fn goes_on(&self, house: &House) {
        let next = |list: &Playlist| list.media_sequence + list.segments.len() as u64;
        let before = next(&self.until(house, |_| true).await);
        let after = self.until(house, |list| next(list) >= before + 2).await;
        assert!(!after.ended && after.segments.iter().all(|segment| !segment.gap));
    }

    /// The recording, every object of it fetched: how many seconds it has.
    pub(crate) async fn plays(&self, house: &House) -> f64 {
        let list = self.until(house, |list| list.ended).await;
        assert!(list.segments.iter().all(|segment| !segment.gap), "a gap in the recording");
        let directory = tempfile::tempdir().expect("a temporary directory");
        list.download(&self.client, &directory.path().join("whole.mp4")).await;
        let shown = tests::frame_times(&directory.path().join("whole.mp4"));
        let seconds: f64 = list.segments.iter().map(|segment| segment.duration_s).sum();
        assert!((shown.len() as f64 / 30.0 - seconds).abs() < 0.2, "{} of {seconds}", shown.len());
        seconds
    }
}

/// A clip of so many seconds at 240p, with a keyframe a second.
fn clip(directory: &TempDir, seconds: u32) -> PathBuf {
    let file = directory.path().join("clip.flv");
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=426x240:rate=30"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"])
        .args(["-t", &seconds.to_string(), "-pix_fmt", "yuv420p", "-c:v", "libx264"])
        .args(["-preset", "ultrafast", "-g", "30", "-bf", "0", "-c:a", "aac", "-f", "flv"])
        .arg(&file)
        .status()
        .expect("ffmpeg runs");
    assert!(status.success(), "ffmpeg makes a clip");
    file
}

/// A metric of the house, all its labels together.
pub(crate) async fn metric(house: &House, name: &str) -> f64 {
    let metrics = fetch(&Client::new(), &format!("{}/metrics", house.api)).await.text();
    let is_own = |line: &&str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with([' ', '{']))
    };
    let value = |line: &str| line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
    metrics.lines().filter(is_own).filter_map(value).sum()
}

/// Waits until a metric is as wanted.
pub(crate) async fn until(house: &House, name: &str, wanted: impl Fn(f64) -> bool) {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let value = metric(house, name).await;
        if wanted(value) {
            return;
        }
        assert!(Instant::now() < deadline, "{name} stays {value}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
