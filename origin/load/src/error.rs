//! Why there is no load, and whose fault it is.
//!
//! In: nothing. Out: [`Error`]. No variant holds the address: there may be a token in it.

/// Why no viewer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Configuration: a value is out of its limits.
    #[error("configuration: {0}")]
    Config(&'static str),
    /// This machine: the HTTP client cannot be made.
    #[error("this machine: {0}")]
    System(String),
}
