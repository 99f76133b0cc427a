//! Why the house does not start or stops, and whose fault it is.
//!
//! In: errors of the stages. Out: one sentence for a person at a terminal. Does not know exit codes.

/// What ends a command, by fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Flags, environment or `matinee.toml` say something impossible. All problems are listed, one a line.
    #[error("the configuration is wrong:\n{}", .0.join("\n"))]
    Configuration(Vec<String>),
    /// An address cannot be listened on, a directory not written: the machine's owner can mend it.
    #[error("{0}")]
    Machine(String),
    /// A stage failed to start.
    #[error(transparent)]
    Ingest(#[from] origin_ingest::Error),
    /// The ladder's child failed.
    #[error(transparent)]
    Ladder(#[from] origin_ladder::Error),
    /// A film's child failed.
    #[error(transparent)]
    Film(#[from] origin_ladder::film::Error),
    /// The store cannot be used.
    #[error(transparent)]
    Storage(#[from] origin_storage::Error),
    /// The database or a key file cannot be used.
    #[error(transparent)]
    Control(origin_control::Error),
    /// The edge does not start.
    #[error(transparent)]
    Edge(#[from] edge_wasmtime::Error),
    /// The test pattern cannot be published.
    #[error(transparent)]
    Pattern(#[from] origin_pattern::Error),
    /// A source elsewhere cannot be fetched.
    #[error(transparent)]
    Relay(#[from] origin_relay::Error),
    /// Pictures of a show cannot be drawn.
    #[error(transparent)]
    Storyboard(#[from] origin_storyboard::Error),
    /// A defect of ours.
    #[error("{0} (this is a defect of matinee)")]
    Us(String),
}

impl From<origin_control::Error> for Error {
    fn from(error: origin_control::Error) -> Self {
        match error {
            // Nothing is on the air yet, and who starts a house can mend what is said here: an address, a certificate.
            origin_control::Error::Unreachable { reason } => {
                Self::Machine(format!("--database: it cannot be reached: {reason}"))
            }
            other => Self::Control(other),
        }
    }
}
