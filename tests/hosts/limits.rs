//! What is our own host's alone: how it starts, what it bears, how it ends.
//!
//! In: the component, a [`Config`] with a tight limit. Out: what a viewer or an operator sees of it. Does not know how
//! the limit is kept.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use edge_wasmtime::{ComponentSource, Config, Edge, Error, Limits};
use shared_ticket::Claims;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client;
use crate::host::artefact;
use crate::origin::{Origin, Say};
use crate::stage::{MEDIA, PLAYLIST};
use crate::ticket;

/// An edge with its own limits, and a way to end it.
struct Own {
    address: SocketAddr,
    origin: Origin,
    claims: Claims,
    session: String,
    path: String,
    end: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

fn config(origin: &str, limits: Limits) -> Config {
    let component = ComponentSource::Path(artefact("edge.wasm"));
    let listen = "127.0.0.1:0".parse().expect("an address");
    let mut config = Config::new(listen, component, origin);
    config.environment = ticket::settings(origin);
    config.limits = limits;
    config
}

impl Own {
    async fn start(limits: Limits) -> Self {
        let origin = Origin::start().await;
        let edge = Edge::start(config(&origin.url(), limits)).await.expect("the edge starts");
        let address = edge.local_addr();
        let (end, closing) = oneshot::channel();
        let ended = tokio::spawn(edge.run(async { drop(closing.await) }));
        let claims = ticket::claims(ticket::fresh_show());
        let session = format!("/p/{}", ticket::sealed(&claims));
        let path = format!("/o/{}", claims.show);
        Self { address, origin, claims, session, path, end, ended }
    }

    /// The origin answers this rendition's playlist after a while; nobody may keep the answer.
    fn slow(&self, rendition: &str, hold: Duration) {
        let say = Say::body(PLAYLIST, MEDIA).with("cache-control", "no-store").after(hold);
        self.origin.on(&format!("{}/{rendition}/index.m3u8", self.path), say);
    }

    fn watch(&self, rendition: &str) -> JoinHandle<client::Reply> {
        let (address, target) = (self.address, format!("{}/{rendition}/index.m3u8", self.session));
        tokio::spawn(async move { client::send(address, "GET", target.as_bytes(), &[], b"").await })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_instance_fails_one_request_and_hurts_nobody_else() {
    // Enough to serve, too little to rewrite a playlist of a megabyte: the component's allocator gives up.
    let limits = Limits { instance_bytes_max: 3 * 1024 * 1024, ..Limits::default() };
    let own = Own::start(limits).await;
    let huge = format!("#EXTM3U\n{}", "## fill\n".repeat(125_000));
    own.origin.on(&format!("{}/index.m3u8", own.path), Say::body(PLAYLIST, huge));
    own.slow("720p", Duration::from_millis(800));
    let bystander = own.watch("720p");
    tokio::time::sleep(Duration::from_millis(200)).await;
    for _ in 0..3 {
        let token = ticket::token(&own.claims);
        let live = format!("/live/{}/index.m3u8?token={token}", own.claims.show);
        let reply = client::send(own.address, "GET", live.as_bytes(), &[], b"").await;
        assert_eq!((reply.status, reply.code().as_str()), (502, "edge_failed"));
        assert_eq!(reply.problem("request_id"), reply.header("x-request-id"));
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        let reply = client::send(own.address, "GET", b"/healthz", &[], b"").await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let reply = bystander.await.expect("a reply");
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (200, MEDIA),
        "it waited in the same instance"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_than_there_are_places_are_told_so() {
    let limits = Limits { requests_max: 2, ..Limits::default() };
    let own = Own::start(limits).await;
    own.slow("720p", Duration::from_secs(1));
    own.slow("480p", Duration::from_secs(1));
    let (one, two) = (own.watch("720p"), own.watch("480p"));
    tokio::time::sleep(Duration::from_millis(400)).await;
    let full = client::send(own.address, "GET", b"/healthz", &[], b"").await;
    assert_eq!((full.status, full.code().as_str()), (503, "edge_full"));
    for served in [one, two] {
        assert_eq!(served.await.expect("a reply").status, 200);
    }
    let after = client::send(own.address, "GET", b"/healthz", &[], b"").await;
    assert_eq!(after.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_takes_too_long_is_given_up() {
    let limits = Limits { request_time_max: Duration::from_millis(500), ..Limits::default() };
    let own = Own::start(limits).await;
    own.slow("720p", Duration::from_secs(5));
    let start = Instant::now();
    let reply = own.watch("720p").await.expect("a reply");
    assert_eq!((reply.status, reply.code().as_str()), (504, "edge_timeout"));
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_beyond_the_hosts_limit_is_refused() {
    let limits = Limits { body_bytes_max: 1000, ..Limits::default() };
    let own = Own::start(limits).await;
    let headers = [("content-type", "application/json")];
    let reply = client::send(own.address, "POST", b"/v1/x", &headers, &[b' '; 1001]).await;
    assert_eq!((reply.status, reply.code().as_str()), (413, "body_too_large"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_connects_and_says_nothing_is_let_go() {
    let limits = Limits { head_time_max: Duration::from_millis(300), ..Limits::default() };
    let own = Own::start(limits).await;
    for begun in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n", b"GET /healthz HTTP/1.1\r\nhost: x\r\n"] {
        let mut stream = TcpStream::connect(own.address).await.expect("the edge listens");
        stream.write_all(begun).await.expect("the edge reads");
        let mut answer = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer));
        // Closed in order or reset: either way it no longer takes a place.
        drop(closed.await.expect("the edge closes"));
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_is_finished_when_the_edge_closes() {
    let own = Own::start(Limits::default()).await;
    own.slow("720p", Duration::from_millis(800));
    let watching = own.watch("720p");
    tokio::time::sleep(Duration::from_millis(300)).await;
    own.end.send(()).expect("the edge runs");
    assert_eq!(watching.await.expect("a reply").text(), MEDIA);
    let start = Instant::now();
    own.ended.await.expect("the edge ends");
    assert!(start.elapsed() < Duration::from_secs(2));
    assert!(TcpStream::connect(own.address).await.is_err(), "the port is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_cannot_start_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address");
    let good = || config("http://127.0.0.1:1", Limits::default());
    let why = |config| async { Edge::start(config).await.err().expect("it cannot start") };

    let error = why(Config { listen: address, ..good() }).await;
    assert!(matches!(error, Error::AddressInUse(other) if other == address));
    assert!(error.to_string().contains("is in use by another program"), "{error}");

    let missing = ComponentSource::Path("/nowhere/edge.wasm".into());
    let error = why(Config { component: missing, ..good() }).await;
    assert!(error.to_string().contains("/nowhere/edge.wasm"), "{error}");

    for bytes in [&b""[..], b"no wasm", b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0"] {
        let broken = ComponentSource::Bytes(bytes.to_vec().into());
        let error = why(Config { component: broken, ..good() }).await;
        assert!(matches!(error, Error::Component(_)), "{error}");
    }

    let error = why(Config { origin: "ftp://origin.test".into(), ..good() }).await;
    assert!(matches!(error, Error::Origin(_)), "{error}");
}
