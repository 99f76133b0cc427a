//! What can be wrong with a token, a session or a key.
//!
//! In: nothing. Out: errors whose `code` is stable, for programs. None of them holds any of the secret it speaks of.

use thiserror::Error;

use crate::cat::label;

/// Why a playback token is refused. The viewer's fault, or their link's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum TokenError {
    /// There is no token, or an empty one.
    #[error("no playback token was sent")]
    Missing,
    /// It is neither a JWT nor a CAT, or its claims are not those of a playback token.
    #[error("the playback token is not well formed")]
    Malformed,
    /// It is longer than [`crate::config::TOKEN_BYTES_MAX`]; nothing of it was read.
    #[error("the playback token is too large")]
    TooLarge,
    /// Its time is over.
    #[error("the playback token has expired")]
    Expired,
    /// Its time is over, and it was a preview.
    #[error("the preview is over")]
    PreviewOver,
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
    /// `catu`: it is good for other addresses.
    #[error("the playback token is for another address")]
    WrongAddress,
    /// `catm`: it is good for other methods.
    #[error("the playback token is for another method")]
    WrongMethod,
    /// `cath`: it needs headers which the request has not.
    #[error("the request has not the headers that the playback token needs")]
    WrongHeader,
    /// `catalpn`: it is good on other protocols, or the host does not say which one this is.
    #[error("the playback token is for another protocol")]
    WrongProtocol,
    /// `catnip`: it is good for other networks, or the host does not say from where the request comes.
    #[error("the playback token is for another network")]
    WrongNetwork,
    /// `catgeoiso3166`: it is good in other countries, or the host does not say where the viewer is.
    #[error("the playback token is for another country")]
    WrongCountry,
    /// `catreplay`: it was used before.
    #[error("the playback token was used before")]
    Replayed,
    /// `catreplay`: the edge cannot remember one more token that may be used once.
    #[error("this edge remembers as many single-use tokens as it can")]
    ReplayFull,
    /// A claim of this number which this edge does not know or cannot hold anyone to. What cannot be enforced is not
    /// ignored.
    #[error("this edge cannot enforce the token's claim {}", claim(*.0))]
    Unenforceable(i64),
    /// A claim of this number has not the form it must have.
    #[error("the token's claim {} is not well formed", claim(*.0))]
    BadClaim(i64),
    /// A token of another issuer names no address (`catu`), so that it would open every show.
    #[error("the playback token names no address it is good for")]
    Unbound,
}

/// A claim as a person calls it.
fn claim(label: i64) -> String {
    label::name(label).map_or_else(|| label.to_string(), str::to_owned)
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
            Self::PreviewOver => "preview_over",
            Self::NotYetValid => "token_not_yet_valid",
            Self::Forged => "token_forged",
            Self::WrongShow => "token_wrong_show",
            Self::WrongAudience => "token_wrong_audience",
            Self::WrongAddress => "token_wrong_address",
            Self::WrongMethod => "token_wrong_method",
            Self::WrongHeader => "token_wrong_header",
            Self::WrongProtocol => "token_wrong_protocol",
            Self::WrongNetwork => "token_wrong_network",
            Self::WrongCountry => "token_wrong_country",
            Self::Replayed => "token_replayed",
            Self::ReplayFull => "token_replay_full",
            Self::Unenforceable(_) => "token_claim_unenforceable",
            Self::BadClaim(_) => "token_claim_malformed",
            Self::Unbound => "token_unbound",
        }
    }

    /// Whether the token is genuine and of this time, and the request is not what it is good for: another token of the
    /// same kind would fare no better (RFC 9110, 15.5.4).
    #[must_use]
    pub const fn is_forbidden(self) -> bool {
        matches!(
            self,
            Self::WrongShow
                | Self::WrongAudience
                | Self::PreviewOver
                | Self::WrongAddress
                | Self::WrongMethod
                | Self::WrongHeader
                | Self::WrongProtocol
                | Self::WrongNetwork
                | Self::WrongCountry
                | Self::Unbound
        )
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

/// What is wrong with keys. The operator's fault, except for [`KeyError::Claims`].
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
    /// The key is for JWTs and was to sign a CAT, or the reverse; or it is EdDSA, which no CAT has.
    #[error("key `{0}` is for another kind of token")]
    Purpose(String),
    /// One secret or public key stands in the document for JWTs and for CATs.
    #[error("key `{0}` has the material of another kind of token's key")]
    Shared(String),
    /// A token is to be renewed or made by an edge which has no HS256 key for that issuer; of an ES256 key edges have
    /// only the public half.
    #[error("no secret of this issuer is known here, so no token can be made")]
    NoSecret,
}
