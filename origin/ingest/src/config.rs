//! Every limit of the ingest stage.
//!
//! In: the binary's settings. Out: [`Config`]. Does not know where they came from.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Where ingest listens, and the limit of everything it queues, waits for or holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The address of the RTMP port.
    pub listen: SocketAddr,
    /// RTMP over TLS, if it is spoken.
    pub rtmps: Option<Rtmps>,
    /// SRT, if it is spoken.
    pub srt: Option<Srt>,
    /// WHIP, if it is spoken.
    pub whip: Option<Whip>,
    /// The RTMP application publishers connect to, the first word of the URL's path.
    pub app: String,
    /// Connections served at the same time by RTMP and RTMPS together, as many by SRT, and as many by
    /// WHIP.
    pub connections_max: usize,
    /// Connections above that which are told so; any more are closed without a word.
    pub turned_away_max: usize,
    /// How long a connection may take from its first byte until its stream key is asked about.
    pub handshake_timeout: Duration,
    /// How long the [`crate::Gate`] may take to judge a stream key.
    pub admission_timeout: Duration,
    /// How long a publisher may be silent before it counts as gone.
    pub idle_timeout: Duration,
    /// A publisher silent for this long makes room for another with the same key: it is the same encoder, back from a
    /// network that broke without a word.
    pub takeover_silence: Duration,
    /// What becomes of a publisher that comes while another with the same key, and in the same place, is on air.
    pub second_publisher: SecondPublisher,
    /// The publisher on air being silent for this long, the one that stands by takes its place.
    pub failover_silence: Duration,
    /// What is kept of a publisher that stands by: access units since its last keyframe, …
    pub standby_units_max: usize,
    /// … and their bytes. A publisher whose GOP is longer than both cannot take over within it.
    pub standby_bytes_max: usize,
    /// How long that other one waits for the room.
    pub takeover_timeout: Duration,
    /// How long one answer to a peer may take to be written.
    pub write_timeout: Duration,
    /// How long a peer that was told to go may take to close the connection itself; some drop what they were told when
    /// they see it closed.
    pub parting_timeout: Duration,
    /// How long a closed connection is still read from, so that the peer gets to see why it was closed.
    pub linger_timeout: Duration,
    /// Bytes a peer may send before its stream key is admitted.
    pub unauthenticated_bytes_max: usize,
    /// Bytes of one RTMP message, and of all unfinished ones of a connection together.
    pub message_bytes_max: usize,
    /// RTMP chunk streams a connection may use.
    pub chunk_streams_max: usize,
    /// Bytes of one access unit.
    pub access_unit_bytes_max: usize,
    /// Width and height of a picture, in luma samples.
    pub picture_side_max: u32,
    /// Publications of a show that may wait for the next stage.
    pub queue_depth: usize,
    /// How long a show waits for its publisher to come back.
    pub reconnect_window: Duration,
    /// A step of a publisher's clock above this is a discontinuity.
    pub jump_max: Duration,
    /// A timestamp this close to the exact frame grid is put on it. RTMP counts whole milliseconds, so rounding alone
    /// takes it up to one off.
    pub snap_max: Duration,
    /// How long publishers and shows may take to close when the house does.
    pub drain_timeout: Duration,
    /// Ended shows remembered, so that a publisher cannot reopen one before the gate has heard of its end.
    pub ended_shows_max: usize,
}

/// What becomes of a publisher that comes while another one is on air with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecondPublisher {
    /// It is refused.
    #[default]
    Refuse,
    /// It takes over, and the other one is sent away.
    TakeOver,
}

/// By whose name TLS is spoken. The files are PEM (the certificate with the chain behind it; PKCS #8, PKCS #1 or SEC 1)
/// and read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate's file.
    pub certificate: PathBuf,
    /// The private key's file.
    pub key: PathBuf,
    /// How often the files are looked at.
    pub look_every: Duration,
}

impl Certificate {
    /// How often files are looked at that change seldom.
    pub const LOOK_EVERY: Duration = Duration::from_secs(2);
}

/// Where RTMP is spoken over TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rtmps {
    /// The address of the port.
    pub listen: SocketAddr,
    /// By whose name.
    pub tls: Certificate,
}

/// Where SRT is spoken, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srt {
    /// The address of the port.
    pub listen: SocketAddr,
    /// What media is encrypted with; who has another or none is refused.
    pub passphrase: Option<Passphrase>,
    /// How long a packet that was lost may take to come again; the peer may ask for more.
    pub latency: Duration,
    /// How long a peer may be silent before it counts as gone.
    pub idle_timeout: Duration,
    /// Packets of a peer that may wait for it to be served; more are lost to it alone.
    pub queue_depth: usize,
}

impl Srt {
    /// The latency where none is chosen.
    pub const LATENCY: Duration = Duration::from_millis(120);
    /// Longest packet that is read, in bytes.
    pub const PACKET_BYTES_MAX: usize = 2048;

    /// SRT at this address, without a passphrase.
    #[must_use]
    pub const fn on(listen: SocketAddr) -> Self {
        Self {
            listen,
            passphrase: None,
            latency: Self::LATENCY,
            idle_timeout: Duration::from_secs(5),
            queue_depth: 2048,
        }
    }
}

/// Where WHIP is spoken, and how: HTTP over TCP, media over UDP with the same port number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whip {
    /// The address of the ports.
    pub listen: SocketAddr,
    /// By whose name HTTP is spoken over TLS, if it is; the media is encrypted either way.
    pub tls: Option<Certificate>,
    /// Where publishers reach the UDP port, besides the address at which they reached HTTP: the public addresses of a
    /// machine behind a translation or a proxy.
    pub public_addresses: Vec<IpAddr>,
    /// How long a publisher may be silent before it counts as gone. It is not silent while it sends no media: ICE asks
    /// for consent every few seconds.
    pub idle_timeout: Duration,
    /// Datagrams of a publisher that may wait for it to be served; more are lost to it alone.
    pub queue_depth: usize,
}

impl Whip {
    /// Longest offer that is read, in bytes. A browser's are below 10 kB.
    pub const OFFER_BYTES_MAX: usize = 64 << 10;
    /// Longest datagram that is read, in bytes.
    pub const DATAGRAM_BYTES_MAX: usize = 2048;
    /// HTTP connections per publisher that may be: one that is used, and some that are left over.
    pub const CONNECTIONS_PER_PUBLISHER: usize = 4;
    /// Addresses from which one publisher may send: those of all its networks while ICE tries them.
    pub const ADDRESSES_PER_PUBLISHER: usize = 16;
    /// Public addresses that may be named.
    pub const PUBLIC_ADDRESSES_MAX: usize = 8;

    /// WHIP at this address.
    #[must_use]
    pub const fn on(listen: SocketAddr) -> Self {
        Self {
            listen,
            tls: None,
            public_addresses: Vec::new(),
            idle_timeout: Duration::from_secs(10),
            queue_depth: 2048,
        }
    }
}

/// A secret that encrypts a connection. It never shows itself in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(String);

impl Passphrase {
    /// A passphrase, or `None` if it does not have the 10 to 79 bytes that SRT asks for.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (10..=79).contains(&text.len()).then(|| Self(text.to_owned()))
    }

    /// The secret itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 1935)),
            rtmps: None,
            srt: None,
            whip: None,
            app: "live".to_owned(),
            connections_max: 64,
            turned_away_max: 16,
            handshake_timeout: Duration::from_secs(10),
            admission_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(30),
            takeover_silence: Duration::from_secs(5),
            second_publisher: SecondPublisher::Refuse,
            failover_silence: Duration::from_secs(1),
            standby_units_max: 4096,
            standby_bytes_max: 32 << 20,
            takeover_timeout: Duration::from_secs(2),
            write_timeout: Duration::from_secs(10),
            parting_timeout: Duration::from_millis(500),
            linger_timeout: Duration::from_secs(3),
            unauthenticated_bytes_max: 64 << 10,
            message_bytes_max: 8 << 20,
            chunk_streams_max: 32,
            access_unit_bytes_max: 8 << 20,
            picture_side_max: 8192,
            queue_depth: 256,
            reconnect_window: Duration::from_secs(60),
            jump_max: Duration::from_secs(2),
            snap_max: Duration::from_micros(1500),
            drain_timeout: Duration::from_secs(5),
            ended_shows_max: 1024,
        }
    }
}
