//! The body of every HTTP error (RFC 9457).
//!
//! In: a status, a code, a sentence. Out: [`Problem`]. Does not know HTTP libraries.

use serde::{Deserialize, Serialize};

/// An error as `application/problem+json` tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// A short sentence, the same for every occurrence of the code.
    pub title: String,
    /// What went wrong this time, and who can mend it. Never holds a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The stable name that programs test, such as `token_expired`.
    pub code: String,
    /// The request's id, the same as in `X-Request-ID`.
    pub request_id: String,
}

impl Problem {
    /// A problem without detail.
    #[must_use]
    pub fn new(status: u16, code: &str, title: &str, request_id: &str) -> Self {
        Self {
            status,
            title: title.to_owned(),
            detail: None,
            code: code.to_owned(),
            request_id: request_id.to_owned(),
        }
    }

    /// The same problem, with what went wrong this time.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The body as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A struct of strings and a number always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_code_and_request_id() {
        let problem =
            Problem::new(403, "revoked", "The ticket was revoked.", "r1").with_detail("x");
        let json = [
            r#"{"status":403,"title":"The ticket was revoked.","detail":"x","#,
            r#""code":"revoked","request_id":"r1"}"#,
        ];
        assert_eq!(problem.to_json(), json.concat());
    }
}
