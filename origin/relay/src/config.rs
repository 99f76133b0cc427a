//! Every limit of a relay.
//!
//! In: nothing. Out: constants. Does not know where they are used.

/// How long the network may keep silent, in microseconds, until the source counts as gone.
pub(crate) const NETWORK_WAIT_US_MAX: u64 = 10_000_000;
/// How much is looked into until the streams must be known, in bytes.
pub(crate) const PROBE_BYTES_MAX: u64 = 2 << 20;
/// How much is looked into until the streams must be known, in microseconds of media.
pub(crate) const PROBE_US_MAX: u64 = 3_000_000;
/// Protocols that libavformat may speak, also where a playlist leads: no files, no pipes.
pub(crate) const PROTOCOLS: &str = "http,https,httpproxy,tls,tcp,rtmp,rtmps,crypto";
/// Connections by HTTP at the same time: a playlist and a segment for each rung and sound.
pub(crate) const PROXIED_MAX: usize = 64;
/// How long a handshake of TLS may take, in seconds.
pub(crate) const HANDSHAKE_S_MAX: u64 = 10;
/// Longest head of a request that libavformat makes, in bytes.
pub(crate) const REQUEST_BYTES_MAX: usize = 16 << 10;
/// A step of the source's clock above this is followed at once, in microseconds.
pub(crate) const JUMP_US_MAX: i64 = 10_000_000;
