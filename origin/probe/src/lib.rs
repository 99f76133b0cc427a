//! What is in a file, and whether it can be taken.
//!
//! In: a path. Out: media information, or a reason to refuse. Does not know assets: it runs in a process of its own, so
//! that a hostile file hurts that one alone, and one that hangs can be killed.
//!
//! libavformat may read this one file and nothing else: the only protocol is `file`, or that of whoever started this
//! process and gives the file by an address of this machine; and the only demuxers are those of files that hold their
//! media themselves. A playlist in whatever disguise opens nothing.

mod complexity;
mod config;
mod error;
mod look;
mod place;
mod sniff;

pub use error::Refusal;
pub use look::probe;
