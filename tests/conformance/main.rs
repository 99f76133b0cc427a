//! `matinee check` against our own house, which passes, and against a doctored one, which fails what it breaks; and
//! `matinee load` beside both.
//!
//! In: the built program, a clip. Out: whether every item of the check holds for us and can be seen to fail.
//! Does not know how the check is made.

mod cases;
mod load;
mod proxy;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use reqwest::Client;
use serde_json::Value;
use tests::viewer::{Playlist, fetch, renditions};
use tests::{House, Publisher, Ticket, program};

/// Items this house cannot show live and in cleartext: what holds after the end, and HTTP/2.
const NOT_LIVE: [u64; 2] = [18, 26];
/// How long the show may take to list enough for a delta update.
const WAIT_MAX: Duration = Duration::from_secs(90);
/// How many segments that are.
const SEGMENTS: usize = 10;
/// How many checks run beside each other.
const BESIDE: usize = 12;

/// Ten minutes of pictures and sound. Nothing is encoded below its size: the machine's time is for what is tested.
fn clip(file: &Path) {
    let arguments = "-nostdin -v error -y -f lavfi -i testsrc2=size=284x160:rate=30 -f lavfi -i \
                     sine=f=440:r=48000 -t 600 -pix_fmt yuv420p -c:v libx264 -preset ultrafast \
                     -g 30 -keyint_min 30 -sc_threshold 0 -b:v 400k -maxrate 400k \
                     -bufsize 400k -c:a aac -f flv";
    let status = Command::new("ffmpeg").args(arguments.split_whitespace()).arg(file).status();
    assert!(status.expect("ffmpeg runs").success(), "ffmpeg makes the clip");
}

/// A house with a show on the air that lists enough for everything.
pub(crate) struct Stage {
    pub(crate) house: House,
    pub(crate) ticket: Ticket,
    /// It ends when this is dropped.
    on_air: Publisher,
    /// Where the clip is.
    _directory: tempfile::TempDir,
}

impl Stage {
    pub(crate) async fn set(client: &Client) -> Self {
        let house = House::start(&["--reconnect-window-s", "0"]);
        let show = house.show("Conformance");
        let ticket = house.ticket(&show.id);
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("clip.flv");
        clip(&file);
        let on_air = Publisher::of_file(&file, &show.rtmp);
        enough(client, &ticket.playlist_url).await;
        Self { house, ticket, on_air, _directory: directory }
    }
}

/// Waits until every playlist lists enough segments.
async fn enough(client: &Client, playlist_url: &str) {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        assert!(Instant::now() < deadline, "the show does not get on");
        let fetched = fetch(client, playlist_url).await;
        let all = renditions(&fetched.text(), playlist_url);
        if let (200, Some((_, url))) = (fetched.status, all.last()) {
            let wanted = fetch(client, &format!("{url}?_HLS_msn={SEGMENTS}")).await;
            if wanted.status == 200
                && Playlist::parse(&wanted.text(), url).segments.len() >= SEGMENTS
            {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Runs the check; its findings by item.
async fn check(url: &str) -> Vec<Value> {
    let output = tokio::process::Command::new(program())
        .args(["check", "--json", "--for", "6"])
        .env("MATINEE_CHECK_URL", url)
        .output()
        .await
        .expect("the check runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{errors}"));
    let findings = report["findings"].as_array().expect("findings").clone();
    assert_eq!(findings.len(), 37);
    let failed = findings.iter().any(|finding| finding["verdict"] == "fail");
    assert_eq!(output.status.success(), !failed, "the exit code says whether an item failed");
    findings
}

/// What is not as it should be, one line each.
fn wrong(findings: &[Value], untested: &[u64]) -> Vec<String> {
    let bad = |finding: &&Value| match finding["verdict"].as_str() {
        Some("pass") => false,
        Some("not_tested") => !untested.contains(&finding["item"].as_u64().expect("a number")),
        _ => true,
    };
    findings.iter().filter(bad).map(ToString::to_string).collect()
}

async fn passes(url: &str, untested: &[u64]) {
    let found = wrong(&check(url).await, untested);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn our_house_passes_every_item_and_a_doctored_one_fails_what_it_breaks() {
    let client = Client::new();
    let Stage { house, ticket, on_air, .. } = Stage::set(&client).await;
    passes(&ticket.playlist_url, &NOT_LIVE).await;
    let innocent = proxy::start(&house.edge, cases::INNOCENT).await;
    passes(&proxy::before(&innocent, &ticket.playlist_url), &NOT_LIVE).await;

    let mut broken: Vec<u64> = cases::CASES.iter().map(|case| case.item).collect();
    broken.dedup();
    let all: Vec<u64> = (1..=37).filter(|item| *item != 26).collect();
    assert_eq!(broken, all, "every item is broken once; HTTP/2 in origin/check's own tests");
    let checks = futures::stream::iter(cases::CASES)
        .map(|case| unnoticed(&house.edge, &ticket.playlist_url, *case))
        .buffer_unordered(BESIDE);
    let unseen: Vec<String> = checks.filter_map(std::future::ready).collect().await;
    assert!(unseen.is_empty(), "the check did not see:\n{}", unseen.join("\n"));

    drop(on_air);
    ended(&client, &ticket.playlist_url).await;
    let findings = check(&ticket.playlist_url).await;
    let of_end = &findings[17];
    assert_eq!((of_end["item"].as_u64(), &of_end["verdict"]), (Some(18), &Value::from("pass")));
}

/// What is said of a case that was not noticed.
async fn unnoticed(edge: &str, url: &str, case: cases::Case) -> Option<String> {
    let address = proxy::start(edge, case).await;
    let findings = check(&proxy::before(&address, url)).await;
    let finding = &findings[usize::try_from(case.item).expect("small") - 1];
    let is_seen = matches!(finding["verdict"].as_str(), Some("fail" | "warn"));
    (!is_seen).then(|| format!("{}: {finding}", case.what))
}

async fn ended(client: &Client, playlist_url: &str) {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        assert!(Instant::now() < deadline, "the show does not end");
        let text = fetch(client, playlist_url).await.text();
        let (_, url) = renditions(&text, playlist_url).remove(0);
        if Playlist::parse(&fetch(client, &url).await.text(), &url).ended {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[test]
fn what_is_no_playlist_is_said_to_be_none() {
    let output = Command::new(program())
        .args(["check", "http://127.0.0.1:9/secret-token/index.m3u8"])
        .output()
        .expect("the check runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("no answer"), "{said}");
    assert!(!said.contains("secret-token"), "{said}");
}
