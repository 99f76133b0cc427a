//! Why a command failed, in one sentence that says who can mend it.
//!
//! In: what the house answered, or that it did not. Out: [`Error`]. Does not know exit codes.

use std::path::PathBuf;

use shared_wire::Problem;

/// What ends a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// Nobody listens there.
    #[error("no house answers at {api}: start one with `matinee up`, or name another with --api")]
    NoHouse {
        /// The address tried.
        api: String,
    },
    /// Somebody listens there, but answers nothing or nonsense.
    #[error(
        "what answers at {api} is not a house of matinee ({reason}): name the house with --api"
    )]
    NotAHouse {
        /// The address tried.
        api: String,
        /// What was wrong with the answer.
        reason: String,
    },
    /// The credential cannot be read.
    #[error(
        "the credential cannot be read from {path} ({reason}): name the data directory of the \
         house with --data, or a file with an account's token with --token-file"
    )]
    Credential {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The credential is another house's.
    #[error(
        "the house at {api} does not know the credential in {path}: name its own data directory \
         with --data, a file with an account's token with --token-file, or another house with --api"
    )]
    WrongCredential {
        /// The address.
        api: String,
        /// The file.
        path: PathBuf,
    },
    /// The house refused: the command's fault.
    #[error("the house refused: {} ({})", sentence(.0), .0.code)]
    Refused(Problem),
    /// Some of the lines that were to be said were refused; each was told.
    #[error("{refused} of the lines were refused")]
    Unsaid {
        /// How many.
        refused: usize,
    },
    /// What was to be sent cannot be read.
    #[error("{from} cannot be read: {reason}")]
    Input {
        /// The file, or standard input.
        from: String,
        /// What the system said.
        reason: String,
    },
    /// The house failed: its own fault, or its disk's.
    #[error("the house failed: {} (request {} in its log)", sentence(.0), .0.request_id)]
    Failed(Problem),
    /// This machine failed.
    #[error("this machine failed: {0}")]
    System(String),
}

/// The most particular thing a problem says, as part of a sentence.
fn sentence(problem: &Problem) -> &str {
    problem.detail.as_deref().unwrap_or(&problem.title).trim_end_matches('.')
}
