//! What the host is told, and every limit it keeps.
//!
//! In: nothing. Out: [`Config`]. Does not know flags, files or environment variables: the binary fills it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

mod cache;
mod origins;
mod viewers;

pub use cache::{CacheLimits, DiskLimits};
pub use origins::{DenyLimits, OriginLimits};
pub use viewers::{AccessLog, LoggedAddress, Viewers};

/// Where the component comes from.
#[derive(Debug, Clone)]
pub enum ComponentSource {
    /// A `.wasm` file.
    Path(PathBuf),
    /// The bytes of one.
    Bytes(Bytes),
}

/// What answers viewers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EngineKind {
    /// The component, in WebAssembly: by `matinee:edge/decision` if it exports that, else by `wasi:http/handler`.
    #[default]
    Component,
    /// The same decision, compiled into this program: faster, and without WebAssembly's walls around it.
    Native,
}

/// Everything [`Edge::start`](crate::Edge::start) needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where viewers connect; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What answers.
    pub engine: EngineKind,
    /// The component; not read by the native engine.
    pub component: ComponentSource,
    /// What the component sees as its environment. `MATINEE_ORIGIN` is added from `origin` if it is not here.
    pub environment: Vec<(String, String)>,
    /// `http://host:port` or `https://host:port` of the origin, the only address the component may send requests to.
    pub origin: String,
    /// Where those requests go: the first that is well. Empty: to `origin`.
    pub origins: Vec<String>,
    /// Certificates (PEM) of authorities that are believed besides the system's, for origins with `https`.
    pub origin_authorities: Option<PathBuf>,
    /// Limits of the way to the origins.
    pub origin_limits: OriginLimits,
    /// Limits of following the deny list.
    pub deny: DenyLimits,
    /// Where the compiled component is kept, so that the next start need not compile it. An absolute path; it may
    /// hold other edges' as well.
    pub compiled: Option<PathBuf>,
    /// How viewers are received.
    pub viewers: Viewers,
    /// Limits of the server and of the component's instances.
    pub limits: Limits,
    /// Limits of the cache.
    pub cache: CacheLimits,
}

impl Config {
    /// A configuration with the default limits.
    #[must_use]
    pub fn new(listen: SocketAddr, component: ComponentSource, origin: impl Into<String>) -> Self {
        Self {
            listen,
            engine: EngineKind::default(),
            component,
            environment: Vec::new(),
            origin: origin.into(),
            origins: Vec::new(),
            origin_authorities: None,
            origin_limits: OriginLimits::default(),
            deny: DenyLimits::default(),
            compiled: None,
            viewers: Viewers::default(),
            limits: Limits::default(),
            cache: CacheLimits::default(),
        }
    }
}

/// Limits of the server, the component's instances and the requests to the origin.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Viewers' connections at a time; more wait in the kernel's queue.
    pub connections_max: usize,
    /// Connections in that queue; the kernel may allow fewer.
    pub connections_waiting_max: u32,
    /// Of those, from one network that is no proxy of ours; more are closed at once. 0: as many as there are places.
    pub connections_per_client_max: usize,
    /// Requests at a time that the component has not answered yet; more get 503.
    pub requests_max: usize,
    /// Time the component has for one request, above the 12 s a blocking reload may be held.
    pub request_time_max: Duration,
    /// Size of a request's head in bytes, HTTP/1.1 and HTTP/2.
    pub head_bytes_max: u32,
    /// Header fields of a request, HTTP/1.1.
    pub headers_max: usize,
    /// Time a viewer has for the TLS handshake.
    pub handshake_time_max: Duration,
    /// Time a viewer has to send a request's head; also how long an idle HTTP/1.1 connection is kept.
    pub head_time_max: Duration,
    /// Size of a request's body in bytes.
    pub body_bytes_max: u64,
    /// Concurrent streams of one HTTP/2 connection.
    pub streams_max: u32,
    /// Bytes of answers that are buffered for one HTTP/2 stream.
    pub stream_buffer_max: usize,
    /// Streams of one HTTP/2 connection that a peer may reset before they were answered; a peer that resets faster
    /// than it is served (CVE-2023-44487) loses its connection.
    pub resets_max: usize,
    /// How long an HTTP/2 connection without requests is kept.
    pub idle_time_max: Duration,
    /// How long a viewer may take less than `stall_bytes_min` of what it asked for; then its connection is cut.
    pub stall_time_max: Duration,
    /// What a viewer must at least take within `stall_time_max`, in bytes.
    pub stall_bytes_min: u64,
    /// Networks whose rate is known at a time; of more, the quietest are forgotten.
    pub rate_clients_max: usize,
    /// Sessions whose rate is known at a time; of more, the quietest are forgotten.
    pub rate_sessions_max: usize,
    /// Lines of the access log that wait to be written; more are dropped and counted.
    pub access_lines_max: usize,
    /// How long open connections may finish after shutdown was asked for.
    pub drain_time_max: Duration,

    /// Instances of the component at a time.
    pub instances_max: u32,
    /// Memory of one instance in bytes.
    pub instance_bytes_max: usize,
    /// Requests one instance answers before it is replaced.
    pub instance_requests_max: usize,
    /// Requests one instance works on at a time.
    pub instance_concurrent_max: usize,
    /// How long an idle instance is kept.
    pub instance_idle_max: Duration,
    /// How long an instance may go on after its last answer.
    pub instance_after_max: Duration,
    /// How long a request waits for room for an instance.
    pub instance_wait_max: Duration,
    /// Running time an instance has since it took its latest request; it is ended when that is used up.
    pub cpu_time_max: Duration,
    /// Time one call of the component's decision has; the sandbox that runs on is ended. It holds up a thread.
    pub decide_time_max: Duration,

    /// Time to connect to the origin.
    pub connect_time_max: Duration,
    /// Time until the origin's answer begins, above the 12 s a blocking reload may be held.
    pub first_byte_time_max: Duration,
    /// Time between two pieces of the origin's answer.
    pub between_bytes_time_max: Duration,
    /// Idle connections to the origin that are kept.
    pub origin_idle_max: usize,
    /// Playback sessions that are counted as active at a time.
    pub sessions_max: usize,
    /// Tokens for one use that are remembered until they end; beyond them, new ones are refused.
    pub used_tokens_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            connections_waiting_max: 4_096,
            connections_per_client_max: 0,
            requests_max: 10_000,
            request_time_max: Duration::from_secs(30),
            head_bytes_max: 32 * 1024,
            headers_max: 100,
            handshake_time_max: Duration::from_secs(10),
            head_time_max: Duration::from_secs(30),
            body_bytes_max: 1024 * 1024,
            streams_max: 128,
            stream_buffer_max: 256 * 1024,
            resets_max: 32,
            idle_time_max: Duration::from_mins(2),
            stall_time_max: Duration::from_secs(30),
            stall_bytes_min: 4 * 1024,
            rate_clients_max: 65_536,
            rate_sessions_max: 262_144,
            access_lines_max: 16_384,
            drain_time_max: Duration::from_secs(15),
            instances_max: 1_000,
            instance_bytes_max: 64 * 1024 * 1024,
            instance_requests_max: 1_024,
            instance_concurrent_max: 128,
            instance_idle_max: Duration::from_secs(1),
            instance_after_max: Duration::from_mins(1),
            instance_wait_max: Duration::from_secs(5),
            cpu_time_max: Duration::from_secs(2),
            decide_time_max: Duration::from_millis(100),
            connect_time_max: Duration::from_secs(3),
            first_byte_time_max: Duration::from_secs(20),
            between_bytes_time_max: Duration::from_secs(10),
            origin_idle_max: 64,
            sessions_max: 200_000,
            used_tokens_max: 100_000,
        }
    }
}
