//! What to answer a viewer: one decision, the same on every host.
//!
//! In: a request's line and headers, what the host knows of the connection, what was remembered, the time and 16
//! random bytes as arguments; then the head of the origin's answer. Out: an [`Answer`] to send, or a [`Fetch`] to
//! make and how its answer is passed on. Does not know sockets, clocks, caches, or which host runs it. Compiles for
//! `wasm32`, never panics.
//!
//! The law for a shell, per request:
//! 1. [`decide`]. An [`Decision::Answer`] is sent as it is. A [`Decision::Purge`] is done in the host's own way, or by
//!    [`Purge::fetch`], or is [`Purge::unsupported`].
//! 2. A [`Decision::Guarded`] fetch needs the [`Memory`]: if [`DenyState::is_due`], fetch [`deny_request`] and give
//!    its `Age` and body to [`DenyState::accept`], or call [`DenyState::failed`]; then [`Guarded::admit`]. A shell with
//!    a memory that reaches further than its [`Memory`] calls [`Guarded::pass`], asks there about [`Passed::once`], and
//!    calls [`Passed::admit`].
//! 3. If there is a [`Config::bucket`], ask [`BucketState::ask`] and make that fetch there first; tell
//!    [`BucketState::went`] how it went. Only what went [`Went::Well`] stands for the origin's answer, with the headers
//!    of [`BucketFetch::headers`].
//!    Else make the fetch at [`Config::origin`]. No answer: [`Fetch::unreachable`] or [`Fetch::timed_out`].
//! 4. [`Fetch::relay`] says what becomes of the origin's answer: its body passes untouched, is read whole and given
//!    to [`Fetch::edit`], or is replaced.
//!
//! ```
//! use edge_answer::{Client, Config, Decision, Request, decide};
//! # let key = "A".repeat(43);
//! # let keys = format!(r#"{{"keys":[{{"kty":"oct","alg":"HS256","kid":"k","k":"{key}"}}]}}"#);
//! let config = Config::from_lookup(|name| match name {
//!     "MATINEE_ORIGIN" => Some("http://origin:8081".into()),
//!     "MATINEE_EDGE_KEY" => Some("a-long-secret".into()),
//!     "MATINEE_SESSION_KEYS" => Some(format!("s1:{key}")),
//!     "MATINEE_TOKEN_KEYS" => Some(keys.clone()),
//!     _ => None,
//! })
//! .map_err(|errors| format!("{errors:?}"))?;
//! let client = Client::default();
//! let request = Request { method: "GET", path: "/healthz", query: None, header: &|_| None, client };
//! let Decision::Answer(answer) = decide(&config, &request, 0, [0; 16]) else {
//!     return Err("an answer was due".into());
//! };
//! assert_eq!(answer.head.status, 200);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unreachable,
        clippy::arithmetic_side_effects,
        reason = "a test that panics has failed, which is its purpose"
    )
)]

pub mod config;

mod client;
mod request;
mod route;
mod token;
mod enter;
mod policy;
mod decide;
mod deny;
mod memory;
mod guarded;
mod purge;
mod fetch;
mod bucket;
mod relay;
mod edit;
mod encoding;
mod freshness;
mod answer;
mod refusal;

pub use answer::{Answer, Head, Text};
pub use bucket::{BucketFetch, BucketState, Spared, Went};
pub use client::Client;
pub use config::{Bucket, Config, ConfigError, Origin};
pub use decide::{Decision, decide};
pub use deny::{Denial, DenyError, DenyState, deny_request};
pub use fetch::{Fetch, Method};
pub use freshness::Freshness;
pub use guarded::{Guarded, Passed, Sight};
pub use memory::Memory;
pub use purge::Purge;
pub use refusal::Refusal;
pub use relay::Relay;
pub use request::Request;
pub use shared_ticket::cat::Use;
