//! Low-latency HLS viewers by the hundred, from one process, and what they met.
//!
//! In: a playlist's address, how many viewers, how long. Out: a [`Summary`]: start-up, latency, stalls, errors, bytes.
//! Does not know whose origin it is, and decodes nothing: a viewer is what it fetches and when it would have stalled.
//!
//! [`machine`] is pure: when a player begins, plays and stalls ([`machine::Player`]), which part comes next
//! ([`machine::Place`]), which rung it takes, and how figures are counted. [`driver`](load) has the sockets.

mod config;
mod error;

pub mod machine;

mod driver;
mod summary;

pub use config::Config;
pub use driver::{Progress, load};
pub use error::Error;
pub use summary::{Share, Summary};
