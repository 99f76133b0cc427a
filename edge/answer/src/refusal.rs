//! Every refusal of the edge: a status, a stable code, a sentence.
//!
//! In: what was wrong. Out: an [`Answer`] with a problem body (RFC 9457). Does not know the request beyond its id.

use shared_playlist::mpd::EditError;
use shared_ticket::cat::Instead;
use shared_ticket::{Denial as Denied, SessionError, TokenError};
use shared_wire::header::TYPE_PROBLEM;
use shared_wire::{Country, Problem};

use crate::Answer;
use crate::deny::Denial;

/// Why the edge does not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The path has an encoding, dots or a shape we never use.
    BadPath,
    /// The delivery directives are malformed; says how.
    BadDirective(String),
    /// Nothing here.
    NotFound,
    /// Another method is due; holds the `Allow` header.
    MethodNotAllowed(&'static str),
    /// The body is not JSON.
    UnsupportedMediaType,
    /// The body is longer than [`crate::config::BODY_BYTES_MAX`].
    BodyTooLarge,
    /// The playback token does not admit.
    Token(TokenError),
    /// The playback token does not admit, and says itself what to answer in that case (`catif`).
    Instead(TokenError, Box<Instead>),
    /// The session does not admit.
    Session(SessionError),
    /// The deny list holds the session or its ticket.
    Denied(Denial),
    /// There are several tokens, and they differ.
    TokensDiffer,
    /// The ticket is for other countries; the viewer's, if it is known.
    CountryDenied(Option<Country>),
    /// The rendition is above what the ticket is for.
    TierTooLow,
    /// It lies further behind the live edge than the ticket is for.
    DvrTooFar,
    /// The deny list is too old for somebody new.
    Isolated,
    /// Nobody can tell whether a token for one use was used before.
    ReplayUnknown,
    /// The request comes from nobody who may purge.
    EdgeKeyWrong,
    /// The header that names what to purge is missing or malformed.
    PurgeMalformed,
    /// This host has no cache of which a part could be purged.
    PurgeUnsupported,
    /// No connection to the origin.
    OriginUnreachable,
    /// The origin took too long.
    OriginTimedOut,
    /// The origin answered what it must not; says what.
    OriginFailed(&'static str),
    /// The edge has not been told all it needs; names what.
    Misconfigured(String),
}

impl Refusal {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Instead(_, instead) => instead.status,
            Self::Token(error) if error.is_forbidden() => 403,
            Self::Token(TokenError::ReplayFull) => 503,
            Self::BadPath
            | Self::BadDirective(_)
            | Self::TokensDiffer
            | Self::PurgeMalformed
            | Self::Token(TokenError::TooLarge) => 400,
            Self::Session(_)
            | Self::CountryDenied(_)
            | Self::TierTooLow
            | Self::DvrTooFar
            | Self::Denied(_) => 403,
            Self::Token(_) | Self::EdgeKeyWrong => 401,
            Self::NotFound => 404,
            Self::MethodNotAllowed(_) => 405,
            Self::BodyTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::PurgeUnsupported => 501,
            Self::OriginUnreachable | Self::OriginFailed(_) => 502,
            Self::Misconfigured(_) | Self::Isolated | Self::ReplayUnknown => 503,
            Self::OriginTimedOut => 504,
        }
    }

    /// The stable name that programs test.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::BadPath => "bad_path",
            Self::BadDirective(_) => "bad_directive",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::BodyTooLarge => "body_too_large",
            Self::Token(error) | Self::Instead(error, _) => error.code(),
            Self::Session(error) => error.code(),
            Self::Denied(denial) => &denial.reason,
            Self::TokensDiffer => "tokens_differ",
            Self::CountryDenied(_) => "country_denied",
            Self::TierTooLow => "tier_too_low",
            Self::DvrTooFar => "dvr_too_far",
            Self::Isolated => "edge_isolated",
            Self::ReplayUnknown => "token_replay_unknown",
            Self::EdgeKeyWrong => "edge_key_wrong",
            Self::PurgeMalformed => "field_invalid",
            Self::PurgeUnsupported => "purge_unsupported",
            Self::OriginUnreachable | Self::OriginTimedOut => "origin_unreachable",
            Self::OriginFailed(_) => "origin_failed",
            Self::Misconfigured(_) => "edge_misconfigured",
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::BadPath => "The path is not one this house uses.",
            Self::BadDirective(_) => "The playlist directives are malformed.",
            Self::NotFound => "There is nothing here.",
            Self::MethodNotAllowed(_) => "This method is not allowed here.",
            Self::UnsupportedMediaType => "The body must be application/json.",
            Self::BodyTooLarge => "The body is too large.",
            Self::Session(SessionError::PreviewOver)
            | Self::Token(TokenError::PreviewOver)
            | Self::Instead(TokenError::PreviewOver, _) => "The preview is over.",
            Self::Token(TokenError::Expired) | Self::Session(SessionError::Expired) => {
                "The right to watch has expired."
            }
            Self::Token(_) | Self::Instead(..) => "The playback token does not open this show.",
            Self::Session(_) => "The playback session is not valid.",
            Self::Denied(denial) if denial.reason == "displaced" => {
                "Another device has taken over."
            }
            Self::Denied(_) => "The right to watch was withdrawn.",
            Self::TokensDiffer => "The request holds several tokens, and they differ.",
            Self::CountryDenied(_) => "The ticket is not for this country.",
            Self::TierTooLow => "The ticket is for a smaller picture.",
            Self::DvrTooFar => "The ticket does not reach so far back.",
            Self::Isolated => "This edge cannot let new viewers in at the moment.",
            Self::ReplayUnknown => "This edge cannot tell at the moment if the token was used.",
            Self::EdgeKeyWrong => "The edge key is missing or wrong.",
            Self::PurgeMalformed => "The request does not say what to purge.",
            Self::PurgeUnsupported => "This edge has no cache to purge.",
            Self::OriginUnreachable => "The origin cannot be reached.",
            Self::OriginTimedOut => "The origin took too long to answer.",
            Self::OriginFailed(_) => "The origin answered with an error.",
            Self::Misconfigured(_) => "This edge is not configured.",
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::BadDirective(detail) | Self::Misconfigured(detail) => Some(detail.clone()),
            Self::Denied(denial) => denial.detail.clone(),
            Self::CountryDenied(Some(country)) => Some(format!("the request comes from {country}")),
            Self::CountryDenied(None) => Some("this edge does not know the country".to_owned()),
            Self::Isolated => {
                Some("it has not heard from the origin for too long who may not watch".to_owned())
            }
            Self::PurgeMalformed => {
                Some("surrogate-key must name 1 to 64 keys, separated by spaces".to_owned())
            }
            Self::Token(error) | Self::Instead(error, _) => Some(error.to_string()),
            Self::Session(error) => Some(error.to_string()),
            Self::OriginFailed(what) => Some((*what).to_owned()),
            _ => None,
        }
    }

    /// The answer that says so, for the request of this id. It is not to be cached: the next try may fare better.
    #[must_use]
    pub fn answer(&self, request_id: &str) -> Answer {
        let mut problem = Problem::new(self.status(), self.code(), self.title(), request_id);
        problem.detail = self.detail();
        let mut answer = Answer::new(self.status(), request_id);
        answer.head.put("cache-control", "no-store");
        match self {
            Self::MethodNotAllowed(allow) => answer.head.put("allow", *allow),
            // RFC 9110, 15.5.2: a 401 names a scheme.
            Self::Token(_) | Self::EdgeKeyWrong if self.status() == 401 => {
                answer.head.put("www-authenticate", "Bearer realm=\"matinee\"");
            }
            Self::Misconfigured(_) | Self::OriginUnreachable | Self::ReplayUnknown => {
                answer.head.put("retry-after", "1");
            }
            Self::Token(TokenError::ReplayFull) => answer.head.put("retry-after", "30"),
            Self::Isolated => answer.head.put("retry-after", "5"),
            _ => {}
        }
        let mut answer = answer.with_body(TYPE_PROBLEM, problem.to_json());
        if let Self::Instead(_, instead) = self {
            for (name, value) in &instead.headers {
                answer.head.put(name.clone(), value.clone());
            }
        }
        answer
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        match denied.instead {
            Some(instead) => Self::Instead(denied.error, instead),
            None => Self::Token(denied.error),
        }
    }
}

impl From<EditError> for Refusal {
    fn from(error: EditError) -> Self {
        match error {
            EditError::TierTooLow { .. } => Self::TierTooLow,
            EditError::Recording => Self::DvrTooFar,
            EditError::NotMpd => Self::OriginFailed("it sent no MPD"),
        }
    }
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<SessionError> for Refusal {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}
