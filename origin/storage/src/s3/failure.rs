//! What a failed request of the SDK means.
//!
//! In: the SDK's errors. Out: [`BucketError`]. Does not know what was asked.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use shared_media::{BucketError, BucketFailure};

/// How much of what was said is kept, in characters.
const REASON_CHARS_MAX: usize = 300;

/// Whether the store answered that there is no such object, or no such upload.
pub(super) fn is_absent<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let is_404 = error.raw_response().is_some_and(|answer| answer.status().as_u16() == 404);
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    (is_404 && code != Some("NoSuchBucket")) || code == Some("NoSuchUpload")
}

/// What a failed request means.
pub(super) fn failed<E>(error: SdkError<E, HttpResponse>) -> BucketError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let (failure, reason) = match &error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let (code, message) = (answer.err().code(), answer.err().message());
            let (code, message) = (code.unwrap_or("no code"), message.unwrap_or_default());
            (of_answer(status, code), format!("{status} {code} {message}"))
        }
        // Its text says what stood in the way: a name that does not resolve, a certificate that does not hold.
        SdkError::DispatchFailure(failure)
            if failure.is_io() || failure.is_timeout() || failure.as_other().is_some() =>
        {
            (BucketFailure::Unreachable, DisplayErrorContext(&error).to_string())
        }
        SdkError::TimeoutError(_) => (BucketFailure::Unreachable, "no answer in time".to_owned()),
        SdkError::ResponseError(_) => {
            (BucketFailure::Unreachable, DisplayErrorContext(&error).to_string())
        }
        // Credentials that are nowhere, or an address that is none.
        _ => (BucketFailure::Refused, DisplayErrorContext(&error).to_string()),
    };
    BucketError { failure, reason: reason.trim_end().chars().take(REASON_CHARS_MAX).collect() }
}

fn of_answer(status: u16, code: &str) -> BucketFailure {
    match (status, code) {
        (_, "BadDigest" | "IncompleteBody" | "XAmzContentSHA256Mismatch") => BucketFailure::Damaged,
        (_, "RequestTimeout" | "SlowDown" | "OperationAborted") | (408 | 429 | 500.., _) => {
            BucketFailure::Busy
        }
        (301 | 307 | 401 | 403, _) | (_, "NoSuchBucket" | "InvalidBucketName") => {
            BucketFailure::Refused
        }
        _ => BucketFailure::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart_by_who_can_mend_them() {
        for (status, code, failure) in [
            (503, "SlowDown", BucketFailure::Busy),
            (500, "InternalError", BucketFailure::Busy),
            (400, "RequestTimeout", BucketFailure::Busy),
            (429, "no code", BucketFailure::Busy),
            (403, "AccessDenied", BucketFailure::Refused),
            (403, "RequestTimeTooSkewed", BucketFailure::Refused),
            (404, "NoSuchBucket", BucketFailure::Refused),
            (301, "PermanentRedirect", BucketFailure::Refused),
            (400, "BadDigest", BucketFailure::Damaged),
            (400, "InvalidTag", BucketFailure::Wrong),
            (501, "NotImplemented", BucketFailure::Busy),
        ] {
            assert_eq!(of_answer(status, code), failure, "{status} {code}");
        }
    }
}
