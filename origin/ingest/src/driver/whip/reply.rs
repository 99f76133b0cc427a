//! What WHIP answers over HTTP (RFC 9725, 4).
//!
//! In: what came of a request. Out: responses, errors as `application/problem+json`. Does not know sessions.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use shared_wire::{Problem, header as wire, is_request_id};

use crate::Refusal;
use crate::machine::whip::offer::Unfit;

/// An answer.
pub(super) type Reply = Response<Full<Bytes>>;

/// Why a request is turned down.
#[derive(Debug)]
pub(super) enum Turned {
    /// There is nothing at this address.
    NoSuchAddress,
    /// There is no such session, or no more.
    NoSuchSession,
    /// Not with this method; those there are.
    Method(&'static str),
    /// It does not say by which stream key.
    NoKey,
    /// The session is not this key's.
    AnothersKey,
    /// The body is no SDP by its own account.
    NotSdp,
    /// The body is longer than this.
    TooLong(usize),
    /// The body did not come whole, or not in time.
    CutOff,
    /// The offer cannot be served.
    Unfit(Unfit),
    /// The publisher is turned away.
    Refused(Refusal),
}

impl Turned {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchAddress | Self::NoSuchSession => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoKey => StatusCode::UNAUTHORIZED,
            Self::AnothersKey => StatusCode::FORBIDDEN,
            Self::NotSdp => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::CutOff => StatusCode::REQUEST_TIMEOUT,
            Self::Unfit(unfit) => {
                StatusCode::from_u16(unfit.status()).unwrap_or(StatusCode::NOT_ACCEPTABLE)
            }
            Self::Refused(refusal) => match refusal {
                Refusal::WrongKey => StatusCode::UNAUTHORIZED,
                Refusal::AlreadyPublishing | Refusal::TakenOver => StatusCode::CONFLICT,
                Refusal::UnsupportedCodec(_) => StatusCode::NOT_ACCEPTABLE,
                Refusal::HouseFull | Refusal::NoRoom(_) | Refusal::Unavailable => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                Refusal::NotAllowed
                | Refusal::ShowEnded
                | Refusal::UnknownApp { .. }
                | Refusal::NotAViewersDoor => StatusCode::FORBIDDEN,
            },
        }
    }

    /// The name that programs test, and metrics count.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::NoSuchAddress => "not_found",
            Self::NoSuchSession => "no_such_session",
            Self::Method(_) => "method_not_allowed",
            Self::NoKey => "no_key",
            Self::AnothersKey => "anothers_key",
            Self::NotSdp => "not_sdp",
            Self::TooLong(_) => "too_long",
            Self::CutOff => "cut_off",
            Self::Unfit(Unfit::Malformed(_)) => "malformed_offer",
            Self::Unfit(_) => "unfit_offer",
            Self::Refused(refusal) => refusal.reason(),
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::NoSuchAddress => "There is nothing at this address; publish to /whip.".to_owned(),
            Self::NoSuchSession => "There is no such session, or it has ended.".to_owned(),
            Self::Method(allowed) => format!(
                "This address knows {allowed} only; candidates need not be sent, and ICE is not \
                 restarted: make a new session."
            ),
            Self::NoKey => "State the stream key: 'Authorization: Bearer <stream key>'.".to_owned(),
            Self::AnothersKey => "The session is not this stream key's.".to_owned(),
            Self::NotSdp => "Send the offer as 'Content-Type: application/sdp'.".to_owned(),
            Self::TooLong(max) => format!("The offer is longer than {max} bytes."),
            Self::CutOff => "The offer did not come whole in time.".to_owned(),
            Self::Unfit(unfit) => unfit.to_string(),
            Self::Refused(refusal) => refusal.to_string(),
        }
    }
}

/// The request's id, or one that says that it has none.
pub(super) fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(wire::REQUEST_ID).and_then(|id| id.to_str().ok());
    match given.filter(|id| is_request_id(id)) {
        Some(id) => id.to_owned(),
        None => {
            let mut bytes = [0; 10];
            // Without randomness an id of zeros is still an id; nothing rests on it being unique.
            let _ = getrandom::fill(&mut bytes);
            shared_wire::SessionId::from_bytes(bytes).to_string()
        }
    }
}

/// The answer to whoever is turned down.
pub(super) fn problem(turned: &Turned, request_id: &str) -> Reply {
    let status = turned.status();
    let title = status.canonical_reason().unwrap_or("Error");
    let problem = Problem::new(status.as_u16(), turned.code(), title, request_id);
    let body = problem.with_detail(turned.detail()).to_json();
    let mut reply = reply(status, Bytes::from(body), request_id);
    let mut set = |name: HeaderName, value: &'static str| {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_TYPE, wire::TYPE_PROBLEM);
    match (turned, status) {
        (Turned::Method(allowed), _) => set(header::ALLOW, allowed),
        (_, StatusCode::UNAUTHORIZED) => set(header::WWW_AUTHENTICATE, "Bearer"),
        (_, StatusCode::SERVICE_UNAVAILABLE) => set(header::RETRY_AFTER, "5"),
        (_, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) => {
            set(header::CONNECTION, "close");
        }
        _ => {}
    }
    reply
}

/// An answer that browsers let a page of any site see: what lets a page publish is the key, not where it is from.
pub(super) fn reply(status: StatusCode, body: Bytes, request_id: &str) -> Reply {
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    let constant = HeaderValue::from_static;
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, constant("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        constant("Location, Retry-After, X-Request-ID"),
    );
    headers.insert(header::CACHE_CONTROL, constant("no-store"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static(wire::REQUEST_ID), id);
    }
    reply
}

/// The answer to what a browser asks before it lets a page publish.
pub(super) fn preflight(methods: &'static str, request_id: &str) -> Reply {
    let mut reply = reply(StatusCode::NO_CONTENT, Bytes::new(), request_id);
    let headers = reply.headers_mut();
    let constant = HeaderValue::from_static;
    headers.insert(header::ALLOW, constant(methods));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, constant(methods));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        constant("Authorization, Content-Type, X-Request-ID"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, constant("86400"));
    headers.insert(HeaderName::from_static("accept-post"), constant("application/sdp"));
    reply
}
