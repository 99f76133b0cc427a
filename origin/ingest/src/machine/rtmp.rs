//! RTMP and its enhancements, from a publisher's bytes to its media.
//!
//! In: what a publisher sends, and when. Out: what to answer, the stream key to judge, media. Does not know shows.
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

pub mod flv;

pub mod rehearsal;

mod amf;
mod chunk;
mod reply;

#[cfg(test)]
pub(super) mod samples;
