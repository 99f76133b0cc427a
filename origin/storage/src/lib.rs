//! The live window in memory, every closed object on disk.
//!
//! In: objects under keys of `shared/wire`'s scheme, through [`shared_media::ObjectSink`]. Out: their bytes by key,
//! from memory first, then from disk; after a restart from disk alone. Does not know HTTP, playlists' rules or the
//! database.
//!
//! A put never waits and never fails for its caller. One writer carries objects to the disk in the order they came.
//! When the disk is full or broken the store is [`Health::Degraded`]: live goes on from memory, what cannot be kept is
//! counted lost to the recording, and writing resumes by itself.

mod config;
mod driver;
mod error;
pub mod machine;

pub use config::Config;
pub use driver::{Left, Space, Store, Usage};
pub use error::{Error, Fault};
pub use machine::retention;
pub use machine::{Failure, Health};
