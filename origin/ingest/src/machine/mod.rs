//! The pure part: bytes and times in, publications and answers out.
//!
//! In: what was read from a socket, and when. Out: what to write, whom to admit, what to publish. Does not know
//! sockets, tasks or clocks.
//!
//! # Why RTMP is spoken here and not by a library
//!
//! Both candidates were read in source (a subtraction that can go below zero panics or, without checks, wraps):
//!
//! - `rml_rtmp` 0.8 is sans-io, but its chunk reader keeps one payload buffer for all chunk streams, so an audio chunk
//!   between two chunks of a picture corrupts both or underflows (`length - current_payload_length`), which panics; an
//!   extended timestamp delta below 0xFFFFFF panics likewise (`timestamp - MAX_INITIAL_TIMESTAMP`). Its AMF reader
//!   recurses without a limit and ends the connection on a date or a long string, which real encoders send in
//!   `onMetaData`. It reads `SystemTime::now()`, acknowledges a window instead of the running total, and bounds
//!   nothing.
//! - `scuffle-rtmp` 0.2.3 is bound to tokio with fixed timeouts (2.5 s of silence ends a publisher), answers a refused
//!   publisher with a closed connection instead of a status, does not add the timestamp delta when a type 3 chunk
//!   begins a message, and panics on hostile chunks (`previous_header.timestamp + timestamp_delta`,
//!   `msg_length - partial.len()`).
//!
//! All of that sits in the part that would have had to be wrapped. What a publisher needs of RTMP is small.

pub mod session;

pub mod airtime;

pub mod intake;
pub mod timeline;

pub mod rehearsal;

mod aac;
mod amf;
mod avc;
mod chunk;
mod cursor;
mod flv;
mod reply;
mod sps;

#[cfg(test)]
mod samples;
