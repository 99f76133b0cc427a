//! A publisher's whole connection without a network: the entry for tests and fuzzers.
//!
//! In: bytes as a peer would send them, in portions. Out: all that comes of them. Does not know sockets or clocks.

use std::sync::Arc;

use bytes::Bytes;
use shared_media::{Now, Poll, Publication};

use super::flv;
use super::session::{self, Closing, Session};
use crate::machine::intake::{self, Intake, Reason};
use crate::{Config, StreamKey};

/// What came of a connection.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// What would have been sent to the peer.
    pub said: Vec<Bytes>,
    /// The stream key it came with. Every key is admitted here.
    pub key: Option<StreamKey>,
    /// What would have been handed on.
    pub publications: Vec<Publication>,
    /// What was dropped.
    pub dropped: Vec<Reason>,
    /// Why it was closed, if it was.
    pub closing: Option<Closing>,
}

/// Plays a connection, each portion arriving `portion_us` after the one before.
pub fn rehearse<'a>(
    config: Config,
    portions: impl IntoIterator<Item = &'a [u8]>,
    portion_us: u64,
) -> Outcome {
    let config = Arc::new(config);
    let mut now = Now::default();
    let mut session = Session::new(now, Arc::clone(&config), None);
    let mut intake = Intake::new(config, None);
    let mut outcome = Outcome::default();
    for portion in portions {
        now.monotonic_us += portion_us;
        now.utc_us = i64::try_from(now.monotonic_us).unwrap_or(i64::MAX);
        session.handle(now, session::Input::Bytes(portion));
        while let Poll::Output(output) = session.poll() {
            let inputs = match output {
                session::Output::Write(bytes) => {
                    outcome.said.push(bytes);
                    continue;
                }
                session::Output::Publish(key) => {
                    outcome.key = Some(key);
                    session.handle(now, session::Input::Admit);
                    continue;
                }
                session::Output::Close(closing) => {
                    outcome.closing = Some(closing);
                    continue;
                }
                session::Output::Metadata(metadata) => vec![intake::Input::Metadata(metadata)],
                session::Output::Video(tag) => {
                    flv::video(&tag).into_iter().map(intake::Input::Video).collect()
                }
                session::Output::Audio(tag) => {
                    flv::audio(&tag).into_iter().map(intake::Input::Audio).collect()
                }
            };
            for input in inputs {
                intake.handle(now, input);
                while let Poll::Output(output) = intake.poll() {
                    outcome.take(now, output, &mut session);
                }
            }
        }
    }
    outcome
}

impl Outcome {
    fn take(&mut self, now: Now, output: intake::Output, session: &mut Session) {
        match output {
            intake::Output::Publish(publication) => self.publications.push(publication),
            intake::Output::Splice(_) => {} // no tag of RTMP says one
            intake::Output::Dropped(reason) => self.dropped.push(reason),
            intake::Output::Refuse(refusal) => {
                session.handle(now, session::Input::Refuse(refusal));
            }
        }
    }
}

#[cfg(test)]
mod tests;
