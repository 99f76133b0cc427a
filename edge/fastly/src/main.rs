//! The edge as a program for Fastly Compute (`wasm32-wasip1`); `scripts/edge.sh fastly` builds it.
//!
//! In: a viewer's request. Out: what `edge-answer` decided, or the origin's answer passed on. Does not decide
//! anything itself; it knows Fastly's stores, backends and caches, and nothing else does.
//!
//! A sandbox serves one request after another; what it keeps between them is configuration and [`edge_answer::Memory`].
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable
)]

mod state;
mod origin;
mod shelf;

use std::time::Duration;

use edge_answer::{Answer, Config, Decision, Fetch, Guarded, Memory, decide};
use fastly::http::purge::purge_surrogate_key;
use fastly::http::serve::Serve;
use fastly::{Request, Response};

use crate::state::State;

/// Most requests of one sandbox.
const REQUESTS_MAX: usize = 1000;
/// Longest life of a sandbox: new keys are read with the next.
const LIFETIME_MAX: Duration = Duration::from_secs(60);
/// Most memory of a sandbox, in MiB, of the 128 it may have.
const MEMORY_MIB_MAX: u32 = 64;
/// Longest wait for a next request.
const IDLE_MAX: Duration = Duration::from_secs(5);

fn main() {
    if cfg!(target_family = "wasm") {
        serve();
    } else {
        eprintln!("a program for Fastly Compute: scripts/edge.sh fastly builds it");
        std::process::exit(2);
    }
}

fn serve() {
    let mut state = State::read();
    let summary = Serve::new()
        .with_max_requests(REQUESTS_MAX)
        .with_max_lifetime(LIFETIME_MAX)
        .with_max_memory(MEMORY_MIB_MAX)
        .with_timeout(IDLE_MAX)
        .run_with_context(|request, state: &mut State| respond(request, state), &mut state);
    if let Err(never) = summary.into_result() {
        match never {}
    }
}

fn respond(mut request: Request, state: &mut State) -> Response {
    let body = request.take_body();
    let header = |name: &str| request.get_header_str(name);
    let asked = edge_answer::Request {
        method: request.get_method_str(),
        path: request.get_path(),
        query: request.get_query_str(),
        header: &header,
        client: state::client(&request),
    };
    let response = match &state.config {
        Err(faults) => whole(asked.misconfigured(faults, state::random())),
        Ok(config) => match decide(config, &asked, state::now_ms(), state::random()) {
            Decision::Answer(answer) => whole(answer),
            Decision::Open(fetch) => origin::fetch(config, &fetch, body),
            Decision::Guarded(guarded) => match admit(config, &mut state.memory, guarded) {
                Ok(fetch) => origin::fetch(config, &fetch, body),
                Err(answer) => whole(answer),
            },
            Decision::Purge(purge) => {
                let purged = purge.keys.iter().all(|key| purge_surrogate_key(key).is_ok());
                whole(if purged { purge.done() } else { purge.failed() })
            }
        },
    };
    let status = response.get_status().as_u16();
    if status >= 500 {
        let id = response.get_header_str("x-request-id").unwrap_or_default();
        eprintln!("{status} {} request_id={id}", asked.described());
    }
    response
}

/// Asks the deny list, after a look for a newer one if that is due.
fn admit(config: &Config, memory: &mut Memory, guarded: Guarded) -> Result<Fetch, Answer> {
    let now_ms = state::now_ms();
    let deny = &mut memory.deny;
    if deny.is_due(now_ms) {
        match origin::deny_list(config, guarded.request_id()) {
            Some((age_s, list)) => {
                if let Err(error) = deny.accept(now_ms, age_s, &list) {
                    eprintln!("deny list refused: {error}");
                }
            }
            None => deny.failed(now_ms),
        }
    }
    guarded.admit(memory, now_ms)
}

fn whole(answer: Answer) -> Response {
    origin::headed(&answer.head).with_body(answer.body)
}
