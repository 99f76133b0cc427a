//! How an uploaded film is made.
//!
//! In: what was found in its file, where its keyframes are, what became of the jobs that make it. Out: a plan (rungs,
//! sounds, subtitles, what is done to the pictures); where the film is cut; when a job is tried again; what its
//! playlists may list. Does not know FFmpeg, databases, nor where bytes are.
//!
//! 1. [`machine::plan`] says what becomes of each stream.
//! 2. [`machine::chunks`] cuts the film at keyframes of its pictures. A chunk, in all its rungs, is one job, and the
//!    first chunks are short; all sounds and texts are another, over the whole film. A job numbers its segments by
//!    itself, so what it writes is final.
//! 3. [`machine::work`] says when a job that failed is tried again, and when a film is given up.
//! 4. [`machine::Stitch`] lists what the jobs have written, in order: nothing is written twice. All renditions list the
//!    same segments at any time, so that a film can be watched from its first chunk on.

mod config;
mod error;

pub mod machine;

pub use config::Config;
pub use error::Error;
