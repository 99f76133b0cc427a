//! Decode once, scale in a cascade, encode the rungs; the source passes through.
//!
//! In: [`shared_media::Publication`] events of one show. Out: [`shared_media::Staged`] events: the plan, then every
//! rendition's configuration and access units. Does not know: sockets, playlists, storage, databases.
//!
//! The parent ([`spawn`]) passes the source on untouched and feeds a child process ([`child_main`]) that does all
//! decoding and encoding, so that a bad stream can hurt neither another show nor its own publisher:
//!
//! 1. `machine::probe` holds the first units until the length of a GOP is known; `machine::plan` decides the rungs.
//! 2. `machine::ladder` passes source units on and keeps what the child has not finished in `machine::replay`.
//! 3. `driver` carries `machine::frame` messages to the child and back, and starts it again when it dies.
//! 4. `encode`, in the child, turns units into rungs; `machine::mirror` says where every rung is cut.
//!
//! [`film`] does the same with a file instead of a show.

mod config;
mod error;

mod machine;

mod encode;

mod driver;

pub mod film;

pub use config::{Config, Hardware, RungSpec};
pub use driver::{Capacity, Handle, NoRoom, Running, resume, spawn, spawn_watched, spawn_within};
pub use encode::{child_main, identity};
pub use error::Error;
