//! What can go wrong here, by whose fault.

/// Why a film cannot be made, or an event not be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The film's: it lasts no time.
    #[error("the film has no length")]
    Empty,
    /// The film's: it would have more segments than are made.
    #[error("the film is too long: {segments} segments, of {segments_max} that are made at most")]
    TooLong {
        /// So many.
        segments: u64,
        /// The limit.
        segments_max: usize,
    },
    /// Ours: a job reports a segment that is none of the film's, or a playlist.
    #[error("a job reports segment {segment} of {playlist}, which the film does not have")]
    Unknown {
        /// The playlist's key.
        playlist: String,
        /// The segment's number.
        segment: usize,
    },
}
