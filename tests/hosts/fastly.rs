//! What is Fastly's alone: its cache, its shields, its log, its limits. Under Viceroy.
//!
//! In: `target/edge/fastly.wasm`, Viceroy, a fake origin. Out: what viewers got, what reached the origin, what the log
//! says. Does not know how the program is made.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::Value;
use shared_ticket::Claims;
use shared_ticket::cat::Value as CborValue;
use tempfile::TempDir;

use crate::client::{self, Reply};
use crate::host::{Host, LOG, Running, SHIELDS, artefact};
use crate::origin::{EDGE_KEY, Origin, Say};
use crate::stage::{MEDIA, MULTIVARIANT, PLAYLIST, segment};
use crate::ticket;

/// Requests to backends that one execution may make, on a paid account.
const FETCHES_MAX: u64 = 32;
/// The most that one of ours needs: the deny list, a silent shield, the origin, a renewal.
const OURS_MAX: u64 = 4;
/// Lookups in stores that one execution may make.
const LOOKUPS_MAX: u64 = 32;
/// CPU time of a request, in milliseconds; the log tells what passed while the program ran.
const CPU_MS_MAX: u64 = 50;
/// Memory of a sandbox, in MiB.
const HEAP_MIB_MAX: u64 = 128;
/// The label of the claim about being used again (CTA-5007).
const CATREPLAY: i64 = 308;
/// A package, in bytes.
const PACKAGE_MAX: u64 = 100 * 1024 * 1024;

/// A POP.
struct Pop {
    edge: Running,
    directory: TempDir,
    claims: Claims,
    session: String,
    path: String,
}

impl Pop {
    async fn start(origin: &Origin, more: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = directory.path().join("log").display().to_string();
        let mut settings = ticket::settings(&origin.url());
        let own = [("MATINEE_ACCESS_LOG", "access"), (LOG, &log)];
        let more = own.iter().chain(more);
        settings.extend(more.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let edge = Host::Viceroy.start(&settings).await;
        let claims = ticket::claims(ticket::fresh_show());
        let session = format!("/p/{}", ticket::sealed(&claims));
        let path = format!("/o/{}", claims.show);
        Self { edge, directory, claims, session, path }
    }

    async fn get(&self, target: &str) -> Reply {
        client::send(self.edge.address, "GET", target.as_bytes(), &[], b"").await
    }

    async fn watch(&self, rest: &str) -> Reply {
        self.get(&format!("{}/{rest}", self.session)).await
    }

    async fn enter(&self) -> Reply {
        let token = ticket::token(&self.claims);
        self.get(&format!("/live/{}/index.m3u8?token={token}", self.claims.show)).await
    }

    /// Asks for the same below the session as many viewers at once.
    async fn crowd(&self, count: usize, rest: &str) -> Vec<Reply> {
        self.together(count, &format!("{}/{rest}", self.session)).await
    }

    /// Asks for the same so many times at once.
    async fn together(&self, count: usize, target: &str) -> Vec<Reply> {
        let viewers: Vec<_> = (0..count)
            .map(|_| {
                let (address, target) = (self.edge.address, target.to_owned());
                let ask =
                    async move { client::send(address, "GET", target.as_bytes(), &[], b"").await };
                tokio::spawn(ask)
            })
            .collect();
        let mut replies = Vec::new();
        for viewer in viewers {
            replies.push(viewer.await.expect("a reply"));
        }
        replies
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).expect("Viceroy's output")
    }

    /// The lines of the access log, once there are so many.
    async fn lines(&self, count: usize) -> Vec<Value> {
        let start = Instant::now();
        loop {
            let log = self.log();
            let lines: Vec<Value> = log
                .lines()
                .filter_map(|line| line.strip_prefix("access :: "))
                .map(|line| serde_json::from_str(line).expect("each line is JSON"))
                .collect();
            if lines.len() >= count {
                return lines;
            }
            assert!(start.elapsed() < Duration::from_secs(10), "{} of {count}", lines.len());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A multivariant playlist as the origin gives it to edges.
fn multivariant() -> Say {
    Say::body(PLAYLIST, MULTIVARIANT.replace("{p}", ""))
        .with("surrogate-control", "max-age=1, stale-while-revalidate=2, stale-if-error=60")
}

fn media() -> Say {
    Say::body(PLAYLIST, MEDIA).with("cache-control", "max-age=12").with("etag", "\"m1\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn fastly_sends_what_is_stale_at_once_and_stands_in_for_a_failing_origin() {
    let origin = Origin::start().await;
    let pop = Pop::start(&origin, &[]).await;
    let path = format!("{}/index.m3u8", pop.path);
    let count = || origin.seen(&path).len();
    origin.on(&path, multivariant());
    assert_eq!(pop.enter().await.header("x-cache"), "miss");
    // Stale, and renewed behind the answer.
    tokio::time::sleep(Duration::from_millis(1300)).await;
    origin.on(&path, multivariant().after(Duration::from_secs(1)));
    let start = Instant::now();
    assert_eq!(pop.enter().await.header("x-cache"), "stale");
    assert!(start.elapsed() < Duration::from_millis(900), "it waited for the origin");
    while count() < 2 {
        assert!(start.elapsed() < Duration::from_secs(5), "it was not renewed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Past all lifetimes, and the origin fails.
    tokio::time::sleep(Duration::from_secs(5)).await;
    origin.on(&path, Say::problem(503, "show_waits"));
    let before = count();
    for _ in 0..5 {
        let reply = pop.enter().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let asked = count() - before;
    assert!((1..=3).contains(&asked), "five viewers were {asked} requests");
    // A playlist that may not be shown past its lifetime is not.
    let path = format!("{}/720p/index.m3u8", pop.path);
    origin.on(&path, media().with("surrogate-control", "max-age=1"));
    assert_eq!(pop.watch("720p/index.m3u8").await.status, 200);
    tokio::time::sleep(Duration::from_millis(1300)).await;
    origin.on(&path, Say::problem(503, "show_waits"));
    assert_eq!(pop.watch("720p/index.m3u8").await.code(), "show_waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn fastly_lets_another_viewer_fetch_when_the_first_one_fails() {
    let origin = Origin::start().await;
    let pop = Pop::start(&origin, &[]).await;
    let path = format!("{}/720p/index.m3u8", pop.path);
    let failing = Say::problem(503, "show_waits").after(Duration::from_secs(1));
    origin.on(&path, failing);
    assert_eq!(pop.watch("480p/index.m3u8").await.status, 404, "the deny list is known now");
    let crowd = pop.crowd(30, "720p/index.m3u8?_HLS_msn=9");
    let mends = async {
        while origin.seen(&path).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        origin.on(&path, media().after(Duration::from_millis(300)));
    };
    let (replies, ()) = tokio::join!(crowd, mends);
    let good = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!((good, replies.len()), (29, 30), "all but the one who met the failure");
    assert_eq!(origin.seen(&path).len(), 2);
    // Whoever has it is told so, by the cache.
    let headers = [("if-none-match", "W/\"m1\"")];
    let target = format!("{}/720p/index.m3u8?_HLS_msn=9", pop.session);
    let reply = client::send(pop.edge.address, "GET", target.as_bytes(), &headers, b"").await;
    assert_eq!((reply.status, reply.body.len(), origin.seen(&path).len()), (304, 0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn fastly_asks_the_shield_and_the_shield_the_origin() {
    let origin = Origin::start().await;
    let shield = [("MATINEE_SHIELD", "paris-fr")];
    let near = Pop::start(&origin, &[shield[0], (SHIELDS, "\"paris-fr\" = \"Local\"")]).await;
    let url = format!("http://{}/", near.edge.address);
    let sites = format!("\"paris-fr\" = {{ encrypted = \"{url}\", unencrypted = \"{url}\" }}");
    let far = Pop::start(&origin, &[shield[0], (SHIELDS, &sites)]).await;
    let (playlist, file) = (format!("{}/720p/index.m3u8", far.path), "720p/e1/s1.m4s");
    origin.on(&playlist, media());
    origin.on(&format!("{}/{file}", far.path), segment());
    for rest in ["720p/index.m3u8?_HLS_msn=7", file] {
        let reply = far.watch(rest).await;
        assert_eq!(reply.status, 200, "{rest}: {}", reply.text());
    }
    assert_eq!(
        near.get(&format!("{}/720p/index.m3u8?_HLS_msn=7", far.session)).await.header("x-cache"),
        "hit"
    );
    assert_eq!(origin.seen(&playlist).len(), 1, "the shield had it");
    let lines = near.lines(3).await;
    let forwarded = format!("GET /o/{}/720p/index.m3u8?_HLS_msn=7", far.claims.show);
    assert!(lines.iter().any(|line| line["request"] == forwarded), "{lines:?}");
    // By the edge key alone.
    for key in ["", "wrong"] {
        let headers = [("matinee-edge-key", key)];
        let reply =
            client::send(near.edge.address, "GET", playlist.as_bytes(), &headers, b"").await;
        assert_eq!(reply.status, 404, "{key:?}");
    }
    drop(near);
    let reply = far.watch("720p/index.m3u8?_HLS_msn=8").await;
    assert_eq!((reply.status, reply.text().as_str()), (200, MEDIA), "the origin is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn fastly_knows_a_token_for_one_use_again_in_every_sandbox_of_a_pop() {
    let origin = Origin::start().await;
    let mut pop = Pop::start(&origin, &[]).await;
    let slow = multivariant().after(Duration::from_millis(500));
    origin.on(&format!("{}/index.m3u8", pop.path), slow);
    let live = |pop: &Pop| {
        let token = ticket::cat_with(&pop.claims, CATREPLAY, CborValue::Int(1));
        format!("/live/{}/index.m3u8?cat={token}", pop.claims.show)
    };
    let target = live(&pop);
    let mut admitted = 0;
    for reply in pop.together(16, &target).await {
        match reply.status {
            200 => admitted += 1,
            _ => assert_eq!((reply.status, reply.code().as_str()), (401, "token_replayed")),
        }
    }
    assert_eq!(admitted, 1, "of 16 who came with it at once");
    let again = pop.get(&target).await;
    assert_eq!((again.status, again.code().as_str()), (401, "token_replayed"));
    // A sandbox says how many requests it had: in most, the refused one was the first.
    let lines = pop.lines(17).await;
    let first = |line: &&Value| line["sandbox"]["requests"] == 1 && line["status"] == 401;
    let strangers = lines.iter().filter(first).count();
    assert!(strangers > 0, "no sandbox refused what it had not seen itself: {lines:?}");
    pop.claims.session = ticket::claims(pop.claims.show).session;
    assert_eq!(pop.get(&live(&pop)).await.status, 200, "another token");
    // Longer than a cache is believed to remember.
    pop.claims.expires_at += 8 * 24 * 3600;
    let endless = pop.get(&live(&pop)).await;
    assert_eq!((endless.status, endless.code().as_str()), (401, "token_claim_unenforceable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn fastlys_limits_are_far_away_and_its_log_holds_no_secret() {
    let origin = Origin::start().await;
    let pop = Pop::start(&origin, &[]).await;
    let say = |rest: &str, say: Say| origin.on(&format!("{}/{rest}", pop.path), say);
    say("index.m3u8", multivariant());
    say("720p/index.m3u8", media().after(Duration::from_millis(500)));
    say("720p/e1/s1.m4s", segment());
    assert_eq!(pop.enter().await.status, 200);
    for reply in pop.crowd(50, "720p/index.m3u8?_HLS_msn=9").await {
        assert_eq!(reply.status, 200);
    }
    for _ in 0..100 {
        let rest = "720p/index.m3u8?_HLS_msn=9&CMCD=bl%3D2100%2Csid%3D%22SPY%22";
        assert_eq!(pop.watch(rest).await.status, 200);
        assert_eq!(pop.watch("720p/e1/s1.m4s").await.status, 200);
    }
    assert_eq!(pop.watch("none/index.m3u8").await.status, 404);
    let lines = pop.lines(252).await;
    let all = |name: &str| -> Vec<u64> {
        let values = lines.iter().map(|line| line.pointer(name).and_then(Value::as_u64));
        values.map(|value| value.expect(name)).collect()
    };
    let most = |name: &str| all(name).into_iter().max().unwrap_or_default();
    let (fetches, lookups) = (most("/fetches"), most("/sandbox/lookups"));
    assert!((1..=OURS_MAX.min(FETCHES_MAX)).contains(&fetches), "{fetches} requests");
    assert!((1..=LOOKUPS_MAX).contains(&lookups), "{lookups} lookups");
    let usual = all("/fetches").iter().filter(|count| **count <= 2).count();
    assert_eq!(usual, lines.len(), "two are enough without a shield and a renewal");
    // Time passes on a busy machine whether the program runs or not: half of all requests tell more than the worst.
    let mut cpu_ms = all("/cpu_ms");
    cpu_ms.sort_unstable();
    let (median, worst) = (cpu_ms[cpu_ms.len() / 2], cpu_ms[cpu_ms.len() - 1]);
    assert!(median * 5 <= CPU_MS_MAX, "{median} ms of CPU");
    let heap = most("/sandbox/heap_mib");
    assert!(heap <= HEAP_MIB_MAX / 2, "{heap} MiB");
    let package = artefact("fastly.wasm").metadata().expect("a file").len();
    assert!(package < PACKAGE_MAX / 10, "{package} bytes");
    let told = format!(
        "fastly: {fetches} requests to the origin at most, {lookups} lookups, CPU median \
         {median} ms, worst {worst} ms, {heap} MiB, {} requests in one sandbox at most, \
         package {} KiB\n",
        most("/sandbox/requests"),
        package / 1024
    );
    std::io::stderr().write_all(told.as_bytes()).expect("stderr is open");
    let secret = pop.session.trim_start_matches("/p/");
    let log = pop.log();
    for hidden in [secret, EDGE_KEY, "SPY", &ticket::token(&pop.claims)[..40]] {
        assert!(!log.contains(hidden), "{hidden} is in the log");
    }
    let line = lines.iter().find(|line| line["cmcd"]["bl"] == "2100").expect("a player's word");
    assert_eq!(
        (line["client"].as_str(), line["status"].as_u64()),
        (Some("127.0.0.0/24"), Some(200))
    );
    assert_eq!(line["session"].as_str().map(str::len), Some(12));
}
