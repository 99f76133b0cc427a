//! The pure part: bytes and times in, publications and answers out.
//!
//! In: what was read from a socket, and when. Out: what to write, whom to admit, what to publish. Does not know
//! sockets, tasks or clocks.

pub mod rtmp;

pub mod srt;

pub mod whip;

pub mod pull;

pub mod arrival;
pub mod intake;
pub mod timeline;

pub mod airtime;
pub mod standby;

mod annex_b;
mod codec;
mod cursor;

#[cfg(test)]
mod portions;
