//! What can be wrong with a token, a session or a key.
//!
//! In: nothing. Out: errors whose `code` is stable, for programs. None of them holds any of the secret it speaks of.

use thiserror::Error;

/// Why a playback token is refused. The viewer's fault, or their link's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum TokenError {
    /// There is no token, or an empty one.
    #[error("no playback token was sent")]
    Missing,
    /// It is no JWT, or its claims are not those of a playback token.
    #[error("the playback token is not well formed")]
    Malformed,
    /// It is longer than [`crate::config::TOKEN_BYTES_MAX`]; nothing of it was read.
    #[error("the playback token is too large")]
    TooLarge,
    /// Its time is over.
    #[error("the playback token has expired")]
    Expired,
    /// Its time has not begun.
    #[error("the playback token is not valid yet")]
    NotYetValid,
    /// No key of ours signed it: a wrong signature, an unknown key, another algorithm than the key's, an
    /// extension we do not know and must (RFC 7515, 4.1.11), or another issuer.
    #[error("the playback token was not signed by this house")]
    Forged,
    /// It is for another show.
    #[error("the playback token is for another show")]
    WrongShow,
    /// It was signed by this house, but for another purpose than playback.
    #[error("the token is not meant for playback")]
    WrongAudience,
}

impl TokenError {
    /// The stable name that programs test.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "token_missing",
            Self::Malformed => "token_malformed",
            Self::TooLarge => "token_too_large",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::Forged => "token_forged",
            Self::WrongShow => "token_wrong_show",
            Self::WrongAudience => "token_wrong_audience",
        }
    }
}

/// Why a sealed session is refused. The viewer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum SessionError {
    /// It has not the form of a session.
    #[error("the playback session is not well formed")]
    Malformed,
    /// No key of ours sealed it.
    #[error("the playback session was not sealed by this house")]
    Forged,
    /// Its time is over.
    #[error("the playback session has expired")]
    Expired,
    /// Its time is over, and it was a preview.
    #[error("the preview is over")]
    PreviewOver,
    /// It is tied to a network or an address, and the request comes from another, or the edge does not know from
    /// where. A session that is tied and was not sealed by this house is told the same.
    #[error("the playback session belongs to another network")]
    WrongNetwork,
}

impl SessionError {
    /// The stable name that programs test.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "session_malformed",
            Self::Forged => "session_forged",
            Self::Expired => "session_expired",
            Self::PreviewOver => "preview_over",
            Self::WrongNetwork => "session_wrong_network",
        }
    }
}

/// What is wrong with keys. The operator's fault, except for the last one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The text is not JSON of the expected shape, or has more keys than [`crate::config::KEYS_MAX`].
    #[error("the keys are not a document of the expected form: {0}")]
    Document(String),
    /// Two keys have one id.
    #[error("key id `{0}` stands there twice")]
    Twice(String),
    /// The algorithm is none of EdDSA, ES256, HS256.
    #[error("key `{0}`: the algorithm is none of EdDSA, ES256, HS256")]
    Algorithm(String),
    /// The material is not a key of its algorithm, or too short.
    #[error("key `{0}`: the material is not a key of its algorithm")]
    Material(String),
    /// The key id has a form we do not take.
    #[error("a key id is 1 to {0} of A-Z a-z 0-9 . _ -")]
    Id(usize),
    /// The claims cannot be signed: a tier's name too long, or a time before 1970.
    #[error("the claims cannot be put into a token")]
    Claims,
}
