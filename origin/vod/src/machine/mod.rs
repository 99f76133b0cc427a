//! The rules, without clocks and files.

mod ladder;

mod plan;

mod chunks;

pub mod work;

mod stitch;

pub use chunks::{Chunk, Cutting, Keyframes, chunks};
pub use plan::plan;
pub use stitch::{Listing, Stitch, Text};
