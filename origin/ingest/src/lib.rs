//! Publishers come in: RTMP, SRT and WHIP to authenticated access units on one monotonic timeline.
//!
//! In: connections of publishers; a [`Gate`] that knows stream keys. Out: per show, a bounded channel of
//! [`shared_media::Publication`] and its [`Airtime`]. Does not know databases, decoders, playlists or viewers.
//!
//! Or a show is fetched from elsewhere: [`Pull`].
//!
//! A frame's way through this crate:
//! 1. [`driver`] accepts the socket, ends TLS if there is any, and feeds bytes to [`machine::rtmp::session`]; or it has
//!    SRT or WebRTC spoken with a peer and feeds what comes out to [`machine::srt::demux`] or
//!    [`machine::whip::reception`].
//! 2. The session, the stream id or the HTTP request asks for a stream key to be admitted; the [`Gate`] names the show,
//!    [`machine::airtime`] sees that one publisher at a time is on air and that one who was cut off may come back.
//! 3. All make [`machine::arrival`]s of it. [`machine::intake`] turns them into access units and configurations,
//!    [`machine::timeline`] puts them on the show's timeline.
//! 4. The driver sends them down the show's channel; a full channel stops the reading, and TCP stops the
//!    publisher; over SRT and WHIP it is media that is lost.

pub mod driver;
pub mod machine;

mod config;
mod error;
mod gate;

pub use config::{Certificate, Config, Passphrase, Rtmps, SecondPublisher, Srt, Whip};
pub use driver::{Desk, Pull, Server};
pub use error::{Door, Error};
pub use gate::{Admission, Gate, Opening, Refusal, Resume, StreamKey, Verdict};
pub use machine::airtime::Airtime;
