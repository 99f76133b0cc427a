//! Two nodes on one PostgreSQL: a show is on the air at one of them, whatever happens to it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Client;
use tests::postgres::Postgres;
use tests::viewer::{Playlist, fetch, renditions};
use tests::{House, Publisher, Show, Ticket, signal};

use crate::bystander::clip;

const LEASE_S: u64 = 3;
/// How long the show may take to get on the air, or to leave it.
const WAIT_MAX: Duration = Duration::from_secs(40);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A show that either node may have.
struct Shared {
    show: Show,
    ticket: Ticket,
    file: PathBuf,
    client: Client,
}

impl Shared {
    fn publish(&self, node: &House) -> Publisher {
        let url = format!("rtmp://{}/live/{}", node.rtmp, self.show.stream_key);
        Publisher::of_file(&self.file, &url)
    }

    /// The show's playlist by a node; its status if there is none.
    async fn playlist(&self, node: &House) -> Result<String, u16> {
        let (_, path) = self.ticket.playlist_url.split_once("/live/").expect("a path");
        let fetched = fetch(&self.client, &format!("{}/live/{path}", node.edge)).await;
        if fetched.status == 200 { Ok(fetched.text()) } else { Err(fetched.status) }
    }

    /// What a node's origin answers, whatever its edge remembers.
    async fn at_origin(&self, node: &House) -> u16 {
        let key = std::fs::read_to_string(node.data().join("keys/edge.key")).expect("a key");
        let url = format!("{}/o/{}/index.m3u8", node.api, self.show.id);
        let asked = self.client.get(url).header(shared_wire::header::EDGE_KEY, key.trim());
        asked.send().await.expect("an answer").status().as_u16()
    }

    /// An encoder that connects to a node again and again, until the show is on the air there.
    async fn goes_on_air_at(&self, node: &House) -> Publisher {
        let deadline = Instant::now() + WAIT_MAX;
        let mut publisher = self.publish(node);
        while self.playlist(node).await.is_err() {
            assert!(Instant::now() < deadline, "the show is not on the air: {}", node.log_tail());
            if matches!(publisher.0.try_wait(), Ok(Some(_))) {
                publisher = self.publish(node);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        publisher
    }

    /// The number after the last segment of the source; 0 before its first part.
    async fn edge(&self, node: &House) -> u64 {
        let text = self.playlist(node).await.expect("it is on the air");
        let (_, path) = self.ticket.playlist_url.split_once("/live/").expect("a path");
        let all = renditions(&text, &format!("{}/live/{path}", node.edge));
        let (_, source) = all.into_iter().find(|(name, _)| name == "source").expect("a source");
        let fetched = fetch(&self.client, &source).await;
        if fetched.status == 404 {
            return 0;
        }
        let list = Playlist::parse(&fetched.text(), &source);
        list.media_sequence + list.segments.len() as u64
    }

    async fn grows_at(&self, node: &House) {
        let (before, deadline) = (self.edge(node).await, Instant::now() + WAIT_MAX);
        while self.edge(node).await <= before {
            assert!(Instant::now() < deadline, "the show stands still");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The node's edge remembers the playlist for 3 s.
    async fn is_listed_no_more_at(&self, node: &House) {
        let deadline = Instant::now() + WAIT_MAX;
        while self.playlist(node).await != Err(404) {
            assert!(Instant::now() < deadline, "the show is still listed");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The publisher is sent away.
    async fn is_cut(&self, mut publisher: Publisher, node: &House) {
        let deadline = Instant::now() + WAIT_MAX;
        while matches!(publisher.0.try_wait(), Ok(None)) {
            assert!(Instant::now() < deadline, "it still publishes: {}", node.log_tail());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn second(&self, node: &House, rule: &str) {
        let set = node.cli(&["show", "set", &self.show.id, "--second-publisher", rule]);
        assert!(set.status.success(), "{set:?}");
    }
}

/// A node beside another: the same keys, its own name.
fn beside(node: &House, flags: &[&str]) -> House {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path().join("data");
    std::fs::create_dir(&data).expect("a directory");
    let copied = |name: &str, to: &Path| {
        let from = node.data().join(name);
        Command::new("cp").arg("-rp").arg(from).arg(to).status().is_ok_and(|done| done.success())
    };
    assert!(copied("keys", &data) && copied("admin.token", &data), "the keys are copied");
    House::start_in(directory, flags)
}

#[tokio::test]
async fn a_show_is_on_the_air_at_one_node_whatever_happens_to_it() {
    let Some(server) = Postgres::start() else { return };
    let (url, lease) = (server.url(), LEASE_S.to_string());
    let flags = ["--database", &url, "--lease-s", &lease, "--ladder", "160p"];
    let a = House::start(&flags);
    let b = beside(&a, &flags);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let show = a.show("At one node");
    let ticket = a.ticket(&show.id);
    let file = clip(&directory, "clip.flv", &[]);
    let shared = Shared { show, ticket, file, client: Client::new() };

    // One wins; the other is refused.
    let at_a = shared.goes_on_air_at(&a).await;
    let (well, _) = shared.publish(&b).finish();
    assert!(!well, "the show is on the air elsewhere");
    assert_eq!(shared.playlist(&b).await, Err(404));
    shared.grows_at(&a).await;

    // By the show's setting the second takes over.
    shared.second(&a, "take-over");
    let at_b = shared.goes_on_air_at(&b).await;
    shared.is_cut(at_a, &a).await;
    shared.is_listed_no_more_at(&a).await;
    shared.second(&a, "refuse");

    // The owner is killed; its lease ends, and the other has the show.
    let (mut b, killed) = (b, Instant::now());
    b.kill();
    drop(at_b);
    let at_a = shared.goes_on_air_at(&a).await;
    println!("on the air at the other node {:?} after the kill", killed.elapsed());
    let b = b.killed_and_started_again(&flags);
    assert_eq!(shared.playlist(&b).await, Err(404), "it is the other's now");
    shared.grows_at(&a).await;

    // The owner stands still for longer than its lease.
    signal(a.pid(), "STOP");
    let stood = Instant::now();
    let at_b = shared.goes_on_air_at(&b).await;
    println!("on the air at the other node {:?} after the owner stood still", stood.elapsed());
    signal(a.pid(), "CONT");
    // From its very first answer on, it lists nothing.
    let deadline = Instant::now() + Duration::from_secs(2);
    while Instant::now() < deadline {
        assert_eq!(shared.at_origin(&a).await, 404, "the old owner lists the show");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    shared.is_cut(at_a, &a).await;
    assert!(a.log().contains("this node has the show no more"), "{}", a.log_tail());
    shared.grows_at(&b).await;
    drop(at_b);
    drop((a, b, server));
}
