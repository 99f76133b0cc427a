//! Ten thousand viewers who wait for one part.
//!
//! The edge runs in a process of its own, this test's program once more, so that its memory can be told from the
//! viewers'.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use edge_wasmtime::Config;
use tests::ticket;
use tokio::task::JoinSet;

use crate::edge;
use crate::origin::{Origin, Say, gate, open};
use crate::viewer::Viewer;

/// How many viewers.
const VIEWERS: usize = 10_000;
/// Memory the edge may hold with all of them waiting, in MiB.
const MEMORY_MIB_MAX: u64 = 300;
/// How the edge's process is told where its origin is.
const ORIGIN: &str = "MATINEE_TEST_CROWD_ORIGIN";
/// What it writes before its address.
const HERE: &str = "the edge listens on ";

/// An edge in a process of its own.
struct Edge {
    child: Child,
    address: SocketAddr,
}

impl Edge {
    fn start(origin: &Origin) -> Self {
        let program = std::env::current_exe().expect("this test's program");
        let name = "crowd::an_edge_in_a_process_of_its_own";
        let mut child = Command::new(program)
            .args([name, "--exact", "--ignored", "--nocapture"])
            .env(ORIGIN, origin.url())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the edge's process starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut lines = lines.map_while(Result::ok);
        let line = lines.find_map(|line| Some(line.split_once(HERE)?.1.trim().to_owned()));
        let address = line.and_then(|address| address.parse().ok()).expect("an address");
        // Whatever else it writes has to go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// A field of `/proc/<pid>/status`, in MiB.
    fn memory_mib(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("the process lives");
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("the field");
        let kib = line.trim_matches([':', ' ', '\t']).split(' ').next().expect("a number");
        kib.parse::<u64>().expect("a number") / 1024
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn config(origin: String) -> Config {
    let mut config = edge::of_urls(vec![origin]);
    config.limits.connections_max = VIEWERS + 100;
    config.limits.requests_max = VIEWERS + 100;
    config.limits.request_time_max = Duration::from_mins(5);
    config.limits.first_byte_time_max = Duration::from_mins(5);
    config
}

/// Not a case, but the process of one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the case below runs it"]
async fn an_edge_in_a_process_of_its_own() {
    let Ok(origin) = std::env::var(ORIGIN) else { return };
    let edge = edge::start(config(origin)).await;
    println!("{HERE}{}", edge.address);
    std::io::stdout().flush().expect("somebody reads");
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_blocked_viewers_are_one_request_and_little_memory() {
    let files = std::fs::read_to_string("/proc/self/limits").expect("limits");
    let files = files.lines().find(|line| line.starts_with("Max open files")).expect("the limit");
    let soft: usize =
        files.split_whitespace().nth(3).and_then(|n| n.parse().ok()).expect("a number");
    assert!(soft > VIEWERS + 500, "ulimit -n is {soft}: raise it above {}", VIEWERS + 500);
    let origin = Origin::start().await;
    let claims = ticket::claims(ticket::fresh_show());
    let part = format!("/o/{}/720p/e1/p9.1.m4s", claims.show);
    let held = gate();
    let say = Say::body("part").with("cache-control", "public, max-age=31536000, immutable");
    origin.on(&part, [say.with("content-type", "video/mp4").when(&held)]);
    let edge = Edge::start(&origin);
    let target = format!("/p/{}/720p/e1/p9.1.m4s", ticket::sealed(&claims));
    let before = edge.memory_mib("VmRSS");
    let mut viewers = Vec::with_capacity(VIEWERS);
    for n in 0..VIEWERS {
        viewers.push(Viewer::asks(edge.address, "GET", &target, &[]).await);
        if n % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    // The edge has taken them all in when its memory grows no more.
    let mut memory = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let now = edge.memory_mib("VmRSS");
        if now <= memory {
            break;
        }
        memory = now;
    }
    let peak = edge.memory_mib("VmHWM");
    println!(
        "{VIEWERS} blocked viewers: {memory} MiB resident, {before} without them, peak {peak}; \
         at most {MEMORY_MIB_MAX} may be"
    );
    assert!(memory < MEMORY_MIB_MAX, "{memory} MiB");
    assert_eq!(origin.seen(&part).len(), 1, "one request for all of them");
    open(&held);
    let mut replies = JoinSet::new();
    for viewer in viewers {
        replies.spawn(viewer.reply());
    }
    let replies = replies.join_all().await;
    let served = replies.iter().filter(|reply| reply.text() == "part").count();
    assert_eq!((served, origin.seen(&part).len()), (VIEWERS, 1));
}
