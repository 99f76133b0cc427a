//! How the range of HDR is kept, as it is said on the command line.
//!
//! In: a word. Out: the same for the API. Does not know films.

use clap::ValueEnum;
use shared_wire::api::KeepHdr;

/// What is made beside what all screens show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Range {
    /// Nothing
    None,
    /// A rendition in HEVC
    Hevc,
    /// One in AV1, which takes much longer
    Av1,
}

impl From<Range> for KeepHdr {
    fn from(range: Range) -> Self {
        match range {
            Range::None => Self::None,
            Range::Hevc => Self::Hevc,
            Range::Av1 => Self::Av1,
        }
    }
}
