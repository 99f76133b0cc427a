//! What the API answers when it does not do what it was asked.
//!
//! In: [`Error`]s, and what is wrong with a request before it reaches the house. Out: a status, a stable code and
//! sentences. Does not know the request's id; `request_id` adds it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared_wire::Problem;
use shared_wire::upload::Quota;

use crate::error::{Closed, Error};

/// When to try again what the bucket did not do, in seconds.
const BUCKET_RETRY_S: u32 = 5;

/// An error on its way out.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    title: &'static str,
    detail: Option<String>,
    retry_after_s: Option<u32>,
    /// For the log, when the fault is the house's.
    pub(super) ours: Option<String>,
}

impl Refusal {
    /// A refusal without detail.
    pub(super) const fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self { status, code, title, detail: None, retry_after_s: None, ours: None }
    }

    /// The same, with what was wrong this time.
    pub(super) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same, under another status.
    pub(super) const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The body.
    pub(super) fn problem(&self, request_id: &str) -> Problem {
        let problem = Problem::new(self.status.as_u16(), self.code, self.title, request_id);
        match &self.detail {
            Some(detail) => problem.with_detail(detail),
            None => problem,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(after_s) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after_s));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let (status, code, title) = kind(&error);
        let refusal = Self::new(status, code, title);
        match &error {
            // What the database says is for the log; a stranger would only learn how the house is built.
            Error::Storage { .. } | Error::Corrupt { .. } | Error::DataDir { .. } => {
                Self { ours: Some(error.to_string()), ..refusal }
            }
            Error::Unreachable { reason } => {
                Self { ours: Some(reason.clone()), ..refusal }.with_detail(error.to_string())
            }
            Error::BucketUnavailable { reason } => {
                let (ours, retry_after_s) = (Some(reason.clone()), Some(BUCKET_RETRY_S));
                Self { ours, retry_after_s, ..refusal }.with_detail(error.to_string())
            }
            Error::TooManyAttempts { retry_after_s } | Error::CaptionsTooFast { retry_after_s } => {
                let retry_after_s = Some(*retry_after_s);
                Self { retry_after_s, ..refusal }.with_detail(error.to_string())
            }
            _ => {
                let ours = status.is_server_error().then(|| error.to_string());
                Self { ours, ..refusal }.with_detail(error.to_string())
            }
        }
    }
}

const fn closed(why: Closed) -> (StatusCode, &'static str, &'static str) {
    let (code, title) = match why {
        Closed::Revoked => ("revoked", "The session was withdrawn."),
        Closed::Displaced => ("displaced", "Another device has taken over."),
        Closed::Ended => ("ended", "The session was left."),
    };
    (StatusCode::FORBIDDEN, code, title)
}

/// The same of an error of what is shown at its time.
const fn of_timed(error: &Error) -> (StatusCode, &'static str, &'static str) {
    use StatusCode as S;
    match error {
        Error::DateRangeUnknown => {
            (S::NOT_FOUND, "date_range_unknown", "There is no such date range.")
        }
        Error::DateRangesFull => {
            (S::CONFLICT, "date_ranges_full", "The show takes no more date ranges.")
        }
        Error::MetadataFull => (S::CONFLICT, "metadata_full", "Too many tags wait."),
        Error::CaptionTrackUnknown => {
            (S::NOT_FOUND, "caption_track_unknown", "There are no such captions.")
        }
        Error::CaptionLate { .. } => (S::CONFLICT, "caption_late", "The captions are too late."),
        Error::CaptionsFull => (S::CONFLICT, "captions_full", "Too many captions wait."),
        _ => (S::TOO_MANY_REQUESTS, "captions_too_fast", "Too many captions at once."),
    }
}

/// The same of an error of uploads and assets.
fn of_files(error: &Error) -> (StatusCode, &'static str, &'static str) {
    use StatusCode as S;
    match error {
        Error::AssetUnknown => (S::NOT_FOUND, "asset_unknown", "There is no such asset."),
        Error::AssetNotReady => {
            (S::CONFLICT, "asset_not_ready", "Nothing is known of what is in the asset.")
        }
        Error::AssetNotFailed => (S::CONFLICT, "asset_not_failed", "The asset has not failed."),
        Error::SubtitlesUnknown => {
            (S::NOT_FOUND, "subtitles_unknown", "There are no such subtitles.")
        }
        Error::SubtitlesFull => {
            (S::CONFLICT, "subtitles_full", "The asset takes no more subtitles.")
        }
        Error::AssetNotTranscoding => {
            (S::CONFLICT, "asset_not_transcoding", "The asset is not being transcoded.")
        }
        Error::AssetIsRecording => {
            (S::CONFLICT, "asset_is_recording", "The asset is the recording of a show.")
        }
        Error::AssetNotWhole => {
            (S::CONFLICT, "asset_not_whole", "More is still to come of the asset.")
        }
        Error::QuotaExceeded(Quota::Account { .. }) => {
            (S::PAYLOAD_TOO_LARGE, "quota_exceeded", "The account has no room for it.")
        }
        Error::QuotaExceeded(_) => {
            (S::PAYLOAD_TOO_LARGE, "quota_exceeded", "The house has no room for it.")
        }
        Error::UploadsFull => {
            (S::SERVICE_UNAVAILABLE, "uploads_full", "The house takes no more uploads.")
        }
        Error::FileRefused { code, .. } => match *code {
            "upload_too_large" => (S::PAYLOAD_TOO_LARGE, "upload_too_large", "It is too large."),
            "not_fetched" => (S::BAD_GATEWAY, "not_fetched", "The file was not fetched."),
            _ => (S::BAD_REQUEST, "body_broke_off", "The body broke off."),
        },
        Error::NoFiles => (S::SERVICE_UNAVAILABLE, "stopping", "The house starts or stops."),
        _ => (S::INSUFFICIENT_STORAGE, "storage_full", "The disk is full."),
    }
}

/// The same of an error of accounts.
const fn of_accounts(error: &Error) -> (StatusCode, &'static str, &'static str) {
    use StatusCode as S;
    match error {
        Error::AccountUnknown => (S::NOT_FOUND, "account_unknown", "There is no such account."),
        Error::AccountExists => (S::CONFLICT, "account_exists", "There is such an account."),
        Error::AccountsFull => (S::CONFLICT, "accounts_full", "The house takes no more accounts."),
        _ => (S::CONFLICT, "account_owns", "The account owns something."),
    }
}

/// The same of a ticket that does not open this show.
const fn of_tickets(error: &Error) -> (StatusCode, &'static str, &'static str) {
    let (code, title) = match error {
        Error::TicketUnknown => ("ticket_unknown", "There is no such ticket."),
        Error::TicketRevoked => ("ticket_revoked", "The ticket was revoked."),
        Error::TicketExpired => ("ticket_expired", "The ticket's time is over."),
        _ => ("ticket_wrong_show", "The ticket is for another show."),
    };
    (StatusCode::FORBIDDEN, code, title)
}

/// The same of what there was too much of lately.
const fn too_many(error: &Error) -> (StatusCode, &'static str, &'static str) {
    let (code, title) = match error {
        Error::TooManySessions => ("too_many_sessions", "The ticket has too many sessions."),
        _ => ("too_many_attempts", "Too many wrong tickets were tried."),
    };
    (StatusCode::TOO_MANY_REQUESTS, code, title)
}

/// The same of an error of tiers.
const fn of_tiers(error: &Error) -> (StatusCode, &'static str, &'static str) {
    use StatusCode as S;
    match error {
        Error::TierUnknown => (S::NOT_FOUND, "tier_unknown", "There is no such tier."),
        Error::TierInUse => (S::CONFLICT, "tier_in_use", "The tier has tickets."),
        _ => (S::CONFLICT, "tiers_full", "The show takes no more tiers."),
    }
}

/// The same of what the house cannot do without, and which is elsewhere.
const fn of_stores(error: &Error) -> (StatusCode, &'static str, &'static str) {
    let (code, title) = match error {
        Error::BucketUnavailable { .. } => {
            ("bucket_unavailable", "The object store does not answer.")
        }
        _ => ("database_unreachable", "The database cannot be reached."),
    };
    (StatusCode::SERVICE_UNAVAILABLE, code, title)
}

/// The status, code and title of an error.
fn kind(error: &Error) -> (StatusCode, &'static str, &'static str) {
    use StatusCode as S;
    match error {
        Error::Invalid { .. } | Error::DateRange(_) => {
            (S::UNPROCESSABLE_ENTITY, "field_invalid", "A field is out of bounds.")
        }
        Error::ShowUnknown => (S::NOT_FOUND, "show_unknown", "There is no such show."),
        Error::ShowsFull => (S::CONFLICT, "shows_full", "The house takes no more shows."),
        Error::EndUnheard => {
            (S::SERVICE_UNAVAILABLE, "end_unheard", "The publisher could not be told.")
        }
        Error::NotLive => (S::CONFLICT, "show_not_live", "The show is not on the air."),
        Error::DateRangeUnknown
        | Error::DateRangesFull
        | Error::MetadataFull
        | Error::CaptionTrackUnknown
        | Error::CaptionLate { .. }
        | Error::CaptionsFull
        | Error::CaptionsTooFast { .. } => of_timed(error),
        Error::ShowIsFilm => (S::CONFLICT, "show_is_film", "The show is the film of an asset."),
        Error::ShowEnded => (S::CONFLICT, "show_ended", "The show has ended."),
        Error::NotPulled { .. } => {
            (S::SERVICE_UNAVAILABLE, "not_pulled", "The show is not fetched.")
        }
        Error::TicketUnknown
        | Error::TicketRevoked
        | Error::TicketExpired
        | Error::TicketWrongShow => of_tickets(error),
        Error::TooManySessions | Error::TooManyAttempts { .. } => too_many(error),
        Error::TierUnknown | Error::TierInUse | Error::TiersFull => of_tiers(error),
        Error::PreviewOver => (S::FORBIDDEN, "preview_over", "The preview is over."),
        Error::DevicesFull(_) => {
            (S::FORBIDDEN, "devices_full", "The ticket plays on as many devices as it may.")
        }
        Error::SessionClosed { reason, .. } => closed(*reason),
        Error::SessionUnknown => (S::NOT_FOUND, "session_unknown", "There is no such session."),
        Error::NoRoomToDisplace | Error::DeniedFull => {
            (S::SERVICE_UNAVAILABLE, "deny_list_full", "The deny list is full.")
        }
        Error::AssetUnknown
        | Error::AssetNotReady
        | Error::AssetNotFailed
        | Error::SubtitlesUnknown
        | Error::SubtitlesFull
        | Error::AssetNotTranscoding
        | Error::AssetIsRecording
        | Error::AssetNotWhole
        | Error::QuotaExceeded(_)
        | Error::UploadsFull
        | Error::FileRefused { .. }
        | Error::NoFiles
        | Error::StorageFull => of_files(error),
        Error::AccountUnknown
        | Error::AccountExists
        | Error::AccountsFull
        | Error::AccountOwns { .. } => of_accounts(error),
        Error::Unreachable { .. } | Error::BucketUnavailable { .. } => of_stores(error),
        Error::Elsewhere => (S::CONFLICT, "show_elsewhere", "Another node has the show."),
        Error::Busy => (S::SERVICE_UNAVAILABLE, "busy", "The house is busy."),
        Error::DataDir { .. } | Error::Storage { .. } | Error::Corrupt { .. } => {
            (S::INTERNAL_SERVER_ERROR, "storage_failed", "The house's storage failed.")
        }
        Error::InUse { .. }
        | Error::KeyFile { .. }
        | Error::NewerSchema { .. }
        | Error::Random
        | Error::Sign => (S::INTERNAL_SERVER_ERROR, "internal", "The house failed."),
    }
}
