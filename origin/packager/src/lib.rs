//! CMAF parts and segments, aligned over all renditions, and the state of every playlist.
//!
//! In: [`Staged`](shared_media::Staged) events of one show. Out: objects into an
//! [`ObjectSink`](shared_media::ObjectSink), and answers to playlist requests. Does not know:
//! publishers, encoders, HTTP, disks, who is watching.
//!
//! `machine` decides everything and is pure; `cmaf` writes the boxes; `driver` is the only place
//! with tokio. A film's pieces, which are no live show, have no driver: their machines
//! ([`Machine::of_piece`]) are driven where they are made, and their [`Facts`] are summed up. The specification is
//! draft-pantos-hls-rfc8216bis; clause numbers are its own.

pub mod cmaf;
pub mod machine;

mod config;
mod driver;
mod error;

pub use config::Config;
pub use driver::Status;
pub use driver::{
    Answer, CachePolicy, Finished, Growing, Growth, Handle, Hint, Picture, Refusal,
    RenditionStatus, gzip, gzip_playlist, restore, spawn,
};
pub use error::{Drop, Error};
pub use machine::{
    Caption, CaptionRefusal, CaptionTrack, ClosedCaptionName, DateRangeRefusal, Facts, Given, Held,
    Machine, Notes, TooManyTags, multivariant,
};
