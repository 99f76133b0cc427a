//! A film in a file: what is in it when, and its pictures, sounds and texts as renditions, made by a child process.
//!
//! In: a file, a job. Out: configurations, access units, cues. Does not know: where the file came from, segments,
//! storage. Where a show's child is fed by its parent and hands each picture on at once, a film's child reads the file
//! itself, as fast as it can, and as long as what it makes is taken; it gives way to every other process.
//!
//! 1. [`index`] reads all packets of a file and decodes none: a caller plans spans and cuts from it. Of a large file
//!    that tells where its keyframes are it reads the beginning, the end, and what it tells.
//! 2. [`make`] starts a child for one span; [`Running::next`] hands out what it makes. Its last word is
//!    [`Made::Counted`]: without it the span is not whole.
//! 3. In the child, `child::pictures`, `child::sounds` and `child::texts` read the file each for themselves, whichever
//!    is behind the others next, so that renditions advance together.

mod config;

mod error;

mod job;

mod driver;

mod child;

pub use child::film_child_main;
pub use config::Config;
pub use driver::{Made, Running, index, make};
pub use error::Error;
pub use job::{Index, Job, Pictures, Rung, Sound, Text};
