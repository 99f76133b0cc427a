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

mod config;
mod state;
mod upstream;
mod origin;
mod shelf;
mod spare;
mod kept;
mod used;
mod journal;

use edge_answer::{Answer, Decision, Fetch, Guarded, Memory, Sight, decide};
use fastly::http::purge::purge_surrogate_key;
use fastly::http::serve::Serve;
use fastly::{Request, Response};

use crate::journal::Answered;
use crate::origin::{Fetched, fetch, forward};
use crate::state::State;
use crate::upstream::Upstream;

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
        .with_max_requests(config::REQUESTS_MAX)
        .with_max_lifetime(config::LIFETIME_MAX)
        .with_max_memory(config::MEMORY_MIB_MAX)
        .with_timeout(config::IDLE_MAX)
        .run_with_context(|request, state: &mut State| respond(request, state), &mut state);
    if let Err(never) = summary.into_result() {
        match never {}
    }
}

/// Answers one request, and does then what its answer need not wait for.
fn respond(mut request: Request, state: &mut State) {
    let body = request.take_body();
    let header = |name: &str| request.get_header_str(name);
    let asked = edge_answer::Request {
        method: request.get_method_str(),
        path: request.get_path(),
        query: request.get_query_str(),
        header: &header,
        client: state::client(&request),
    };
    let State { config, memory, bucket, shielding, journal } = state;
    let entry = journal.note(&asked, &request);
    let config = match config {
        Ok(config) => config,
        Err(faults) => {
            return whole(asked.misconfigured(faults, state::random())).send_to_client();
        }
    };
    let authority = request.get_header_str("host").map(str::to_owned);
    let direct = Upstream::direct(config, bucket);
    let way = Upstream::new(config, shielding, authority, bucket);
    let of_edge = Fetch::of_edge(config, &asked, state::random());
    let upstream = if of_edge.is_some() { &direct } else { &way };
    let fetched = match of_edge {
        Some(fetch) => forward(upstream, fetch),
        None => match decide(config, &asked, state::now_ms(), state::random()) {
            Decision::Answer(answer) => Fetched::whole(whole(answer)),
            Decision::Open(wanted) => fetch(upstream, wanted, body),
            Decision::Guarded(guarded) => match admit(upstream, memory, guarded) {
                Ok(wanted) => fetch(upstream, wanted, body),
                Err(answer) => Fetched::whole(whole(answer)),
            },
            Decision::Purge(purge) => {
                let is_purged = purge.keys.iter().all(|key| purge_surrogate_key(key).is_ok());
                let answer = if is_purged { purge.done() } else { purge.failed() };
                Fetched::whole(whole(answer))
            }
        },
    };
    let (response, later) = fetched.parts();
    let status = response.get_status().as_u16();
    if status >= 500 {
        let id = response.get_header_str("x-request-id").unwrap_or_default();
        eprintln!("{status} {} request_id={id}", asked.described());
    }
    let answered = Answered::of(&response);
    response.send_to_client();
    if let Some(later) = later {
        later.run(upstream);
    }
    if let Some(entry) = entry {
        journal.write(entry, &answered, upstream.fetches());
    }
}

/// Asks the deny list, after a look for a newer one if that is due; then whether a token for one use was used, of which
/// the POP knows more than this sandbox.
fn admit(upstream: &Upstream<'_>, memory: &mut Memory, guarded: Guarded) -> Result<Fetch, Answer> {
    let now_ms = state::now_ms();
    let deny = &mut memory.deny;
    if deny.is_due(now_ms) {
        match origin::deny_list(upstream, guarded.request_id()) {
            Some((age_s, list)) => {
                if let Err(error) = deny.accept(now_ms, age_s, &list) {
                    eprintln!("deny list refused: {error}");
                }
            }
            None => deny.failed(now_ms),
        }
    }
    let passed = guarded.pass(&memory.deny, now_ms)?;
    let sight = passed.once().map_or(Sight::First, |one| used::sight(one, now_ms));
    passed.admit(sight)
}

fn whole(answer: Answer) -> Response {
    origin::headed(&answer.head).with_body(answer.body)
}
