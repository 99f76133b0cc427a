//! Splices: where a publisher says that something else may, or must no longer, be shown (SCTE 35).
//!
//! In: nothing. Out: the types in which ingest hands splices to the packager. Does not know sections or playlists.

use bytes::Bytes;

use crate::Ticks;

/// What a splice information section says, on the show's own timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splice {
    /// When it is for.
    pub at: Ticks,
    /// The whole section, as it came.
    pub section: Bytes,
    /// What it says, of each event it speaks of.
    pub points: Vec<SplicePoint>,
}

/// What a section says of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplicePoint {
    /// The event, by the publisher's number.
    pub event: u32,
    /// Which pair of segmentation types, as the number of the first; 0 of a splice insert.
    pub class: u8,
    /// What happens.
    pub kind: SpliceKind,
    /// How long it is planned to last.
    pub planned: Option<Ticks>,
}

/// What happens at a splice point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpliceKind {
    /// Out of the publisher's programme.
    Out,
    /// Back into it.
    In,
    /// Neither: something is announced.
    Command,
    /// The event is called off.
    Cancel,
}
