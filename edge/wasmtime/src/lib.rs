//! Our own host for the edge component: what `matinee up` answers viewers with.
//!
//! In: a component that exports `wasi:http/handler`, its environment, the one origin it may speak to. Out: an HTTP/1.1
//! and HTTP/2 server, with TLS or without, that runs the component per request, with an HTTP cache and request
//! collapsing under the component's own requests. Does not know tickets, sessions or playlists: those are the
//! component's.
//!
//! Read in this order: a viewer's connection (`server`) brings a request (`request`), which the `engine` answers. It
//! drives the `law` of our component's decision, in a `sandbox` or compiled in (`native`). Any other component answers
//! by itself (`component`), as an `instance` with `wasi:http`. Requests to the origin (`outbound`) are answered out of
//! the cache (`cache`) or by the `origins`.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test may fail"
    )
)]

mod config;
mod error;

mod connection;
mod pace;
mod seats;
mod server;
mod tls;

mod request;

mod access;
mod access_log;
mod cmcd;
mod facts;
mod rate;
mod refusal;
mod sent;
mod sessions;

mod engine;

mod law;
mod lines;
mod sandbox;
mod native;

mod component;
mod guest_log;
mod instance;

mod outbound;
mod purge;
mod follower;

mod cache;

mod origins;

pub use config::{
    AccessLog, CacheLimits, ComponentSource, Config, DenyLimits, DiskLimits, EngineKind, Limits,
    LoggedAddress, OriginLimits, Viewers,
};
pub use error::Error;
pub use facts::Fronts;
pub use rate::Rate;
pub use server::{Door, Edge};
pub use tls::{Acme, Tls};
