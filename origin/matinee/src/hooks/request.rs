//! Whether a publisher may go on the air, asked of a receiver.
//!
//! In: a message. Out: the receiver's judgement, or word that there was none in time. Does not know what follows.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde::Deserialize;
use shared_wire::api::{Rung, ladder};

use super::Rungs;
use super::sign::{Secret, new_id};

/// How long the receiver may take; the publisher waits meanwhile.
const JUDGEMENT_WAIT: Duration = Duration::from_secs(3);
/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 16 << 10;
/// What a receiver says of a publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It may, with these rungs if any are named.
    Admit(Option<Rungs>),
    /// It may not.
    Refuse,
    /// The receiver did not say.
    Unknown,
}

/// The body of a receiver's yes, which may be empty.
#[derive(Debug, Deserialize)]
struct Answer {
    rungs: Option<Vec<Rung>>,
}

/// Asks once: whoever publishes asks again by itself.
pub(super) async fn ask(client: &Client, url: &str, secret: &Secret, body: String) -> Judgement {
    let judgement = match new_id() {
        Some(id) => {
            let request = secret.post(client, url, &id, body);
            let answered = tokio::time::timeout(JUDGEMENT_WAIT, answer(request)).await;
            answered.unwrap_or(Judgement::Unknown)
        }
        None => Judgement::Unknown,
    };
    let result = match &judgement {
        Judgement::Admit(_) => "admitted",
        Judgement::Refuse => "refused",
        Judgement::Unknown => "failed",
    };
    metrics::counter!("matinee_hook_requests_total", "result" => result).increment(1);
    judgement
}

async fn answer(request: reqwest::RequestBuilder) -> Judgement {
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) => {
            let error = error.without_url();
            tracing::warn!(%error, "the receiver of publish requests does not answer");
            return Judgement::Unknown;
        }
    };
    let status = response.status();
    if !status.is_success() {
        let is_busy = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        let refused = status.is_client_error() && !is_busy;
        return if refused { Judgement::Refuse } else { Judgement::Unknown };
    }
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            tracing::warn!("the receiver of publish requests says too much");
            return Judgement::Unknown;
        }
    }
    read(&body)
}

/// An empty answer is a plain yes; one that cannot be read is no yes.
fn read(body: &[u8]) -> Judgement {
    if body.trim_ascii().is_empty() {
        return Judgement::Admit(None);
    }
    let Ok(Answer { rungs }) = serde_json::from_slice(body) else {
        tracing::warn!("the answer to a publish request cannot be read");
        return Judgement::Unknown;
    };
    let Some(rungs) = rungs else { return Judgement::Admit(None) };
    if let Err(why) = ladder::check(&rungs) {
        tracing::warn!(why, "the answer to a publish request names rungs that cannot be");
        return Judgement::Unknown;
    }
    Judgement::Admit(Some(rungs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_yes_rungs_or_nothing() {
        for plain in ["", " \n", "{}", r#"{"note":1}"#] {
            assert_eq!(read(plain.as_bytes()), Judgement::Admit(None), "{plain}");
        }
        let chosen = r#"{"rungs":[{"height":240,"bit_rate":400000}]}"#;
        let rungs = ladder::parse("240p@400k").expect("a ladder");
        assert_eq!(read(chosen.as_bytes()), Judgement::Admit(Some(rungs)));
        assert_eq!(read(br#"{"rungs":[]}"#), Judgement::Admit(Some(Vec::new())));
        let newer = r#"{"rungs":[{"height":720,"codec":"hevc"}]}"#;
        let rungs = ladder::parse("720p/hevc").expect("a ladder");
        assert_eq!(read(newer.as_bytes()), Judgement::Admit(Some(rungs)));
        for bad in ["yes", "[]1", r#"{"rungs":[{"height":1,"bit_rate":400000}]}"#] {
            assert_eq!(read(bad.as_bytes()), Judgement::Unknown, "{bad}");
        }
    }
}
