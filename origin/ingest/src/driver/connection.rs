//! One publisher's connection.
//!
//! In: an accepted socket. Out: its media, in the show it belongs to; answers to the peer. Does not know RTMP: the
//! session does.

use std::net::SocketAddr;
use std::sync::Arc;

use metrics::counter;
use shared_media::Poll;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{self, Instant};

use super::room::Taken;
use super::shows::Shows;
use super::turn::Turn;
use crate::machine::arrival::Metadata;
use crate::machine::intake;
use crate::machine::rtmp::flv;
use crate::machine::rtmp::session::{Closing, Input, Output, Session};
use crate::{Error, Refusal};

/// Bytes read from a socket at once.
const READ_BYTES: usize = 64 << 10;

/// An accepted connection, plain or within TLS.
pub(super) struct Connection<S> {
    shows: Arc<Shows>,
    stream: S,
    peer: SocketAddr,
    session: Session,
    turn: Option<Turn>,
    /// Missing for one that is only turned away.
    seat: Option<Taken>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(
        shows: Arc<Shows>,
        stream: S,
        peer: SocketAddr,
        seat: Result<Taken, Refusal>,
    ) -> Self {
        let (seat, turned_away) = match seat {
            Ok(seat) => (Some(seat), None),
            Err(refusal) => (None, Some(refusal)),
        };
        let session = Session::new(shows.now(), Arc::clone(shows.config()), turned_away);
        Self { shows, stream, peer, session, turn: None, seat }
    }

    /// Serves the peer until it goes or is sent away.
    pub(super) async fn run(mut self) {
        let closing = match self.serve().await {
            Ok(closing) => closing,
            Err(error) => Closing::Failed(error),
        };
        let show = self.turn.as_ref().map(|turn| turn.show().to_owned());
        let (peer, show) = (self.peer, show.as_deref());
        match &closing {
            Closing::Unpublished => tracing::info!(%peer, show, "the publisher has stopped"),
            Closing::Refused(refusal) => {
                counter!("matinee_ingest_refusals_total", "reason" => refusal.reason())
                    .increment(1);
                tracing::info!(%peer, show, %refusal, "publisher refused");
            }
            Closing::Failed(error) => tracing::info!(%peer, show, %error, "publisher lost"),
        }
        self.turn = None; // the show need not wait for the peer to close
        if !matches!(closing, Closing::Failed(_)) {
            self.linger().await;
        }
    }

    async fn serve(&mut self) -> Result<Closing, Error> {
        let mut buffer = vec![0; READ_BYTES];
        let received = counter!("matinee_ingest_bytes_total");
        loop {
            if let Some(closing) = self.carry_out().await? {
                return Ok(closing);
            }
            let deadline = self.session.deadline_us().map(|us| self.shows.instant(us));
            let leave = match &self.turn {
                Some(turn) => turn.dismissed(),
                None => self.shows.closing(),
            };
            let wait = |waits| self.turn.iter().for_each(|turn| turn.wait(waits));
            wait(true);
            // Reading comes before the deadline: whoever was held up by a full channel was not silent.
            let read = tokio::select! {
                biased;
                () = leave.cancelled() => None,
                read = self.stream.read(&mut buffer) => Some(read?),
                () = until(deadline) => Some(usize::MAX),
            };
            wait(false);
            let now = self.shows.now();
            match read {
                None => {
                    let parting = self.turn.as_ref().map(Turn::parting);
                    let parting = parting.unwrap_or_else(|| self.shows.parting());
                    self.session.handle(now, Input::Refuse(parting));
                }
                Some(0) => return Err(Error::Connection(std::io::ErrorKind::UnexpectedEof)),
                Some(count) => match buffer.get(..count) {
                    Some(bytes) => {
                        received.increment(count as u64);
                        self.session.handle(now, Input::Bytes(bytes));
                    }
                    None => self.session.handle(now, Input::Tick),
                },
            }
        }
    }

    /// Does what the session wants, until it waits (`None`) or is over.
    async fn carry_out(&mut self) -> Result<Option<Closing>, Error> {
        while let Poll::Output(output) = self.session.poll() {
            match output {
                Output::Write(bytes) => {
                    let patience = self.shows.config().write_timeout;
                    match time::timeout(patience, self.stream.write_all(&bytes)).await {
                        Ok(written) => written?,
                        Err(_) => return Err(Error::Timeout("the peer does not read")),
                    }
                }
                Output::Publish(key) => {
                    let answer = match self.shows.admit(&key, self.peer).await {
                        Ok(turn) => {
                            self.turn = Some(turn);
                            self.seat.iter().for_each(Taken::settle);
                            Input::Admit
                        }
                        Err(refusal) => Input::Refuse(refusal),
                    };
                    self.session.handle(self.shows.now(), answer);
                }
                Output::Metadata(metadata) => {
                    self.describe(&metadata);
                    self.take_in(intake::Input::Metadata(metadata)).await?;
                }
                Output::Video(tag) => {
                    for arrival in flv::video(&tag) {
                        self.take_in(intake::Input::Video(arrival)).await?;
                    }
                }
                Output::Audio(tag) => {
                    for arrival in flv::audio(&tag) {
                        self.take_in(intake::Input::Audio(arrival)).await?;
                    }
                }
                Output::Close(closing) => return Ok(Some(closing)),
            }
        }
        Ok(None)
    }

    fn describe(&self, metadata: &Metadata) {
        let encoder: Option<String> =
            metadata.encoder.as_ref().map(|name| name.chars().take(80).collect());
        let show = self.turn.as_ref().map(Turn::show);
        tracing::debug!(peer = %self.peer, show, ?encoder, "the publisher described its stream");
    }

    async fn take_in(&mut self, input: intake::Input) -> Result<(), Error> {
        let Some(turn) = &mut self.turn else { return Ok(()) };
        if let Some(refusal) = turn.deliver(input).await? {
            self.session.handle(self.shows.now(), Input::Refuse(refusal));
        }
        Ok(())
    }

    /// Lets the peer read our last words: closing a socket that has unread bytes would wipe them out on its side.
    async fn linger(&mut self) {
        let config = Arc::clone(self.shows.config());
        let parted = time::timeout(config.parting_timeout, read_out(&mut self.stream)).await;
        if parted.is_err() && self.stream.shutdown().await.is_ok() {
            // Whether it has read them cannot be known; after this time we have done our part.
            let _ = time::timeout(config.linger_timeout, read_out(&mut self.stream)).await;
        }
    }
}

/// Reads until the peer closes the connection or breaks it.
async fn read_out(stream: &mut (impl AsyncRead + Unpin)) {
    let mut buffer = vec![0; 4096];
    while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
