//! The test-pattern publisher: a card with a moving UTC clock and a beep, sent over RTMP or SRT.
//!
//! In: an RTMP, RTMPS or SRT address and the size of the picture. Out: a publication like any other publisher's, in
//! real time, until told to stop. Does not know the house it publishes to: whatever speaks the protocol will do.
//!
//! The order of a frame: [`schedule`] says when it is due, [`picture`] draws it, [`sound`] fills the time until then,
//! [`driver`] encodes both and sends them. All but the last are pure. A test reads the clock of any picture of the
//! card, at any rung, with [`read_clock`].

pub mod config;
mod captions;
mod error;
mod fault;
mod schedule;

pub mod picture;
pub mod sound;

mod driver;

pub use config::{Codec, Config, Picture};
pub use driver::{look_at, publish};
pub use error::Error;
pub use fault::Fault;
pub use picture::read_clock;
