//! The words every stage shares.
//!
//! In: nothing. Out: the types in which stages hand media to each other. Does not know: sockets, clocks, FFmpeg,
//! playlists, databases. Compiles for `wasm32`, imports nothing.
//!
//! # The law of machines
//!
//! Every stage keeps its logic in a `machine` module that is pure. One sentence of law drives all of them:
//!
//! > After each `handle(now, input)`, call `poll()` until it returns [`Poll::Wait`]; a machine never blocks and never
//! > reads a clock.
//!
//! ```
//! use shared_media::Poll;
//! # struct Machine(Vec<u8>);
//! # impl Machine { fn handle(&mut self, _now: u64, x: u8) { self.0.push(x) }
//! #   fn poll(&mut self) -> Poll<u8> { self.0.pop().map_or(Poll::Wait, Poll::Output) } }
//! # let mut machine = Machine(vec![]);
//! machine.handle(0, 7); // 1. something happened
//! while let Poll::Output(output) = machine.poll() { // 2. carry out what the machine wants, until it waits
//!     assert_eq!(output, 7);
//! }
//! ```

pub mod closed_captions;
pub mod hdr;
pub mod id3;
pub mod time;

mod bucket;
mod language;

mod obu;

mod object;
mod splice;
mod stage;
mod track;

pub use bucket::{
    Answer, Bucket, BucketError, BucketFailure, Listed, PIECE_BYTES_MIN, Page, Piece,
};
pub use language::Language;
pub use object::{Note, Object, ObjectSink, Settled};
pub use obu::Obu;
pub use splice::{Splice, SpliceKind, SplicePoint};
pub use stage::{DeclaredRates, Plan, Publication, Rung, Staged};
pub use time::{Anchor, Now, TICKS_PER_SECOND, Ticks};
pub use track::{
    AccessUnit, AudioCodec, AudioConfig, Rational, Rendition, RenditionId, SoundTrack, TrackConfig,
    TrackId, TrackKind, VideoCodec, VideoConfig,
};

/// What a machine says when it is polled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Poll<T> {
    /// Carry this out, then poll again.
    Output(T),
    /// Nothing more to do until the next `handle`.
    Wait,
}
