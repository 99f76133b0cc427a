//! A dynamic conformance check of any low-latency HLS origin that is on the air.
//!
//! In: a playlist's address and how long to watch. Out: a [`Report`], one finding for each of 37 items of
//! draft-pantos-hls-rfc8216bis and Apple's authoring specification, with the evidence. Does not know whose origin it
//! is: it says what any player could say.
//!
//! The order: [`driver`](check) fetches, waits, follows hints and asks what must be refused, and writes everything
//! down as [`machine::Seen`]; [`machine::judge`] reads that and finds. The second is pure, so a rule is tested with
//! a few lines of text.

mod config;
mod error;

pub mod machine;

mod driver;
mod report;

pub use config::Config;
pub use driver::check;
pub use error::Error;
pub use report::Report;
