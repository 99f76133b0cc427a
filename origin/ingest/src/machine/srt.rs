//! SRT's payload: from an MPEG transport stream's bytes to its media; and what a stream id asks for.
//!
//! In: what a publisher sends, in any portions. Out: media, as the intake takes it. Does not know sockets or shows.
//!
//! # Why SRT itself is spoken by `srt-protocol`
//!
//! It is pure: packets and times in, packets and data out, as everything here is; `libsrt` would bring unsafe code and
//! threads of its own. Its companion `srt-tokio` was read in source and left out: its listener keeps a session for
//! every address that ever sent a byte, waits in the loop of all for the one whose queue is full, and a packet that
//! makes the protocol panic ends the port. Here each peer has a task, a bounded queue and a limit, see `driver::srt`.

pub mod packet;

pub mod stream_id;

pub mod demux;

pub mod splice;

mod packets;
mod pes;
mod tables;

mod sound;

#[cfg(test)]
pub(super) mod testing;
