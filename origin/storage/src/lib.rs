//! The live window in memory, every closed object on disk, and in a bucket if there is one.
//!
//! In: objects under keys of `shared/wire`'s scheme, through [`shared_media::ObjectSink`]. Out: their bytes by key,
//! from memory first, then from disk, then from the bucket; after a restart without memory. Does not know HTTP,
//! playlists' rules or the database.
//!
//! A put never waits and never fails for its caller. One writer carries objects to the disk in the order they came.
//! When the disk is full or broken the store is [`Health::Degraded`]: live goes on from memory, what cannot be kept is
//! counted lost to the recording, and writing resumes by itself.
//!
//! Where there is a bucket the disk is its spool: what is on disk is sent there, and read from there when the local
//! copy was dropped. Nothing live waits for the bucket.

mod config;
mod driver;
mod error;
pub mod machine;
mod s3;

pub use config::Config;
pub use driver::{Elsewhere, Left, Shelf, Space, Store, Usage};
pub use error::{Error, Fault};
pub use machine::retention;
pub use machine::spool::Limits as SpoolLimits;
pub use machine::{Failure, Health};
pub use s3::{Encryption, S3, S3Config};
