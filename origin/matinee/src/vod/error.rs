//! Why a job of a film came to nothing, and whether it would do so again.
//!
//! In: errors of the stages. Out: [`Failure`]. Does not know how often a job is tried.

/// What became of a job instead of what it was to be.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The file's: it would be the same each time.
    #[error("the film cannot be made: {0}")]
    File(String),
    /// Whoever did it came to no end, so many times.
    #[error("it was begun {0} times and came to no end: this program broke off meanwhile")]
    Endless(u32),
    /// This machine's, or that of the disk: it may go better another time.
    #[error("{0}")]
    House(String),
}

impl Failure {
    /// Whether it is of no use to try again.
    pub(super) const fn is_hopeless(&self) -> bool {
        matches!(self, Self::File(_) | Self::Endless(_))
    }
}

impl From<origin_control::Error> for Failure {
    fn from(error: origin_control::Error) -> Self {
        Self::House(error.to_string())
    }
}

impl From<origin_ladder::film::Error> for Failure {
    fn from(error: origin_ladder::film::Error) -> Self {
        match error {
            origin_ladder::film::Error::File { reason, .. } => Self::File(reason),
            other => Self::House(other.to_string()),
        }
    }
}

impl From<origin_storage::Error> for Failure {
    fn from(error: origin_storage::Error) -> Self {
        Self::House(error.to_string())
    }
}
