//! The edge as a component for Spin, our own host, and any other with `wasi:http` 0.3.
//!
//! In: a viewer's request. Out: what `edge-answer` decided, or the origin's answer passed on. Does not decide,
//! cache or collapse anything: hosts do. Configuration comes from the environment, so that nothing but WASI is
//! imported.
//!
//! An instance serves many viewers, some at once: what it keeps between them is configuration and
//! [`edge_answer::Memory`].
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable
)]

mod state;
mod origin;
mod bucket;
mod viewer;

use edge_answer::{Answer, Config, Decision, Fetch, Guarded, Request, decide};
use spin_sdk::http::Request as Incoming;
use spin_sdk::wasip3::http::types::{ErrorCode, Response};

use crate::viewer::Outcome;

/// Answers one request. On a native target this is compiled and checked, and exported to nobody: `scripts/edge.sh
/// spin` builds the component.
///
/// # Errors
/// If the answer's head is not one the host can send.
#[cfg_attr(target_family = "wasm", spin_sdk::http_service)]
pub async fn handle(request: Incoming) -> Result<Response, ErrorCode> {
    let (parts, body) = request.into_parts();
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let asked = Request {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query(),
        header: &header,
        client: edge_answer::Client {
            scheme: parts.uri.scheme_str(),
            authority: parts.uri.authority().map(|authority| authority.as_str()),
            ..state::client(&header)
        },
    };
    let outcome = match state::config() {
        Ok(config) => serve(config, &asked, body).await,
        Err(faults) => Outcome::Answer(asked.misconfigured(faults, state::random())),
    };
    outcome.send(&asked)
}

async fn serve(config: &Config, asked: &Request<'_>, body: origin::ViewerBody) -> Outcome {
    match decide(config, asked, state::now_ms(), state::random()) {
        Decision::Answer(answer) => Outcome::Answer(answer),
        Decision::Open(fetch) => origin::fetch(config, fetch, body).await,
        Decision::Guarded(guarded) => match admit(config, guarded).await {
            Ok(fetch) => origin::fetch(config, fetch, body).await,
            Err(answer) => Outcome::Answer(answer),
        },
        Decision::Purge(purge) => match purge.fetch(config) {
            Some(fetch) => origin::fetch(config, fetch, body).await,
            None => Outcome::Answer(purge.unsupported()),
        },
    }
}

/// Asks the deny list, after a look for a newer one if that is due.
async fn admit(config: &Config, guarded: Guarded) -> Result<Fetch, Answer> {
    let now_ms = state::now_ms();
    if state::memory().deny.is_due(now_ms) {
        let list = origin::deny_list(config, guarded.request_id()).await;
        let deny = &mut state::memory().deny;
        match list {
            Some((age_s, list)) => {
                if let Err(error) = deny.accept(now_ms, age_s, &list) {
                    eprintln!("deny list refused: {error}");
                }
            }
            None => deny.failed(now_ms),
        }
    }
    guarded.admit(&mut state::memory(), now_ms)
}
