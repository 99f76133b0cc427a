//! The ports as real publishers see them: the `ffmpeg` program and raw sockets against [`origin_ingest::Server`].
//!
//! In: test patterns. Out: nothing. Does not know the machines inside.

mod stagehand;

#[path = "../../../../tests/house/enhanced/mod.rs"]
pub mod enhanced;

mod hostile;
mod publishing;
mod publishing_enhanced;
mod refusing;
mod returning;
mod secure;
mod surviving;

mod srt;
mod srt_refusing;

mod whip;
mod whip_refusing;
