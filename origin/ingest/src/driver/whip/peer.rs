//! One WHIP publisher: ICE and DTLS come about, then its media.
//!
//! In: its datagrams. Out: answers; its media, in the show it belongs to. Does not know how losses are mended or
//! packets decrypted: `str0m` does.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use metrics::counter;
use shared_media::{Poll, TrackKind};
use str0m::format::Codec;
use str0m::media::{KeyframeRequestKind, MediaData, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::rtcp::SenderInfo;
use str0m::{Event, Input, Output, Rtc, RtcError};
use tokio::net::UdpSocket;
use tokio::time;

use super::endpoint::Endpoint;
use super::sessions::{Datagram, Session};
use crate::driver::shows::Shows;
use crate::driver::turn::Turn;
use crate::machine::whip::offer::Offer;
use crate::machine::whip::reception::{self, Frame, Reception, Report};
use crate::{Error, Refusal};

/// Datagrams of a publisher that may be wrong until it is sent away. Some may be another's, in its name.
const FAULTS_MAX: u32 = 1000;
/// Access units that may be unfinished at the same time, by their largest size.
const UNFINISHED_MAX: usize = 4;

/// A publisher.
pub(super) struct Peer {
    shows: Arc<Shows>,
    socket: Arc<UdpSocket>,
    idle_timeout: Duration,
    rtc: Rtc,
    /// Where it sends to, as far as ICE is concerned. All addresses are the one socket.
    here: Option<SocketAddr>,
    session: Session,
    turn: Turn,
    peer: SocketAddr,
    reception: Reception,
    video: Option<Mid>,
    has_video: bool,
    connected: bool,
    faults: u32,
    /// Bytes that came since the last access unit was whole.
    unfinished_bytes: usize,
}

/// Why a publisher is served no more.
enum Parting {
    /// It ended in good order.
    Ended,
    /// It was turned away.
    Refused(Refusal),
}

impl Peer {
    pub(super) fn new(
        endpoint: &Endpoint,
        rtc: Rtc,
        addresses: Vec<SocketAddr>,
        offer: Offer,
        session: Session,
        turn: Turn,
        peer: SocketAddr,
    ) -> Self {
        let has_video = offer.kinds.contains(&TrackKind::Video);
        Self {
            shows: Arc::clone(&endpoint.shows),
            socket: Arc::clone(&endpoint.socket),
            idle_timeout: endpoint.whip.idle_timeout,
            rtc,
            here: addresses.first().copied(),
            session,
            turn,
            peer,
            reception: Reception::new(has_video),
            video: None,
            has_video,
            connected: false,
            faults: 0,
            unfinished_bytes: 0,
        }
    }

    /// Serves the publisher until it goes or is sent away.
    pub(super) async fn run(mut self) {
        let parting = self.serve().await;
        let (peer, show) = (self.peer, self.turn.show());
        match &parting {
            Ok(Parting::Ended) => tracing::info!(%peer, show, "the publisher has stopped"),
            Ok(Parting::Refused(refusal)) => {
                counter!("matinee_ingest_refusals_total", "reason" => refusal.reason())
                    .increment(1);
                tracing::info!(%peer, show, %refusal, "publisher refused");
            }
            Err(error) => tracing::info!(%peer, show, %error, "publisher lost"),
        }
        self.take_leave().await;
    }

    async fn serve(&mut self) -> Result<Parting, Error> {
        let begun = time::Instant::now();
        let shaken = begun + self.shows.config().handshake_timeout;
        let mut heard = begun;
        let (dismissed, ended) = (self.turn.dismissed().clone(), self.session.ended.clone());
        loop {
            let wake = match self.carry_out().await? {
                Ok(wake) => wake,
                Err(parting) => return Ok(parting),
            };
            let silent = if self.connected { heard + self.idle_timeout } else { shaken };
            let asks = self.reception.deadline_us().map(|us| self.shows.instant(us));
            let wake = asks.map_or(wake, |asks| wake.min(asks)).min(silent);
            let datagram = tokio::select! {
                biased;
                () = dismissed.cancelled() => return Ok(Parting::Refused(self.shows.parting())),
                () = ended.cancelled() => return Ok(Parting::Ended),
                datagram = self.session.datagrams.recv() => datagram,
                () = time::sleep_until(wake) => None,
            };
            match datagram {
                Some(datagram) => {
                    heard = time::Instant::now();
                    self.turn.wait(false);
                    self.hear(&datagram)?;
                    self.turn.wait(true);
                }
                None if time::Instant::now() >= silent => {
                    let what = if self.connected { "no packet came" } else { "no connection" };
                    return Err(Error::Timeout(what));
                }
                None => {
                    let timeout = Input::Timeout(Instant::now());
                    let handled = self.rtc.handle_input(timeout);
                    self.forgive(handled)?;
                    self.reception.handle(self.now_us(), reception::Input::Tick);
                }
            }
        }
    }

    /// Takes a datagram in.
    fn hear(&mut self, datagram: &Datagram) -> Result<(), Error> {
        self.unfinished_bytes += datagram.bytes.len();
        if self.unfinished_bytes > UNFINISHED_MAX * self.shows.config().access_unit_bytes_max {
            return Err(Error::Limit("bytes of an access unit that does not end"));
        }
        let Some(here) = self.here else { return Ok(()) };
        let received = Receive::new(Protocol::Udp, datagram.from, here, &datagram.bytes);
        let Ok(received) = received else { return self.count_fault("no protocol of WebRTC") };
        let handled = self.rtc.handle_input(Input::Receive(Instant::now(), received));
        self.forgive(handled)
    }

    /// Does what the connection and the reception want, until both wait: until when, or why the publisher goes.
    async fn carry_out(&mut self) -> Result<Result<time::Instant, Parting>, Error> {
        loop {
            if let Some(refusal) = self.hand_on().await? {
                return Ok(Err(Parting::Refused(refusal)));
            }
            let output = match self.rtc.poll_output() {
                Ok(output) => output,
                Err(error) => {
                    self.forgive(Err(error))?;
                    continue;
                }
            };
            match output {
                Output::Timeout(wake) if self.rtc.is_alive() => return Ok(Ok(wake.into())),
                Output::Timeout(_) | Output::Event(Event::Closed) => {
                    return Ok(Err(Parting::Ended));
                }
                Output::Transmit(datagram) => {
                    self.say(datagram.destination, &datagram.contents).await;
                }
                Output::Event(event) => self.learn(event),
            }
        }
    }

    fn learn(&mut self, event: Event) {
        let now_us = self.now_us();
        match event {
            Event::Connected => {
                self.connected = true;
                tracing::debug!(peer = %self.peer, show = self.turn.show(), "WebRTC is connected");
                self.reception.handle(now_us, reception::Input::Connected);
            }
            Event::MediaAdded(added) if added.kind.is_video() => self.video = Some(added.mid),
            Event::MediaData(data) => {
                if let Some(frame) = frame(data) {
                    if frame.kind == TrackKind::Video || !self.has_video {
                        self.unfinished_bytes = 0;
                    }
                    self.reception.handle(now_us, reception::Input::Frame(frame));
                }
            }
            _ => {}
        }
    }

    /// Hands on what came of it; why the publisher must go, if it must.
    async fn hand_on(&mut self) -> Result<Option<Refusal>, Error> {
        while let Poll::Output(output) = self.reception.poll() {
            match output {
                reception::Output::Media(input) => {
                    if let Some(refusal) = self.turn.deliver(input).await? {
                        return Ok(Some(refusal));
                    }
                }
                reception::Output::AskForKeyframe => self.ask_for_keyframe(),
            }
        }
        Ok(None)
    }

    fn ask_for_keyframe(&mut self) {
        let Some(mut writer) = self.video.and_then(|video| self.rtc.writer(video)) else { return };
        let kinds = [KeyframeRequestKind::Pli, KeyframeRequestKind::Fir];
        let kind = kinds.into_iter().find(|kind| writer.is_request_keyframe_possible(*kind));
        // Before its first packet nobody knows whom to ask: it is asked again soon.
        if kind.is_some_and(|kind| writer.request_keyframe(None, kind).is_ok()) {
            counter!("matinee_ingest_keyframe_requests_total").increment(1);
        }
    }

    /// What is wrong with a datagram or a frame costs that one. Only a handshake that fails ends a publisher.
    fn forgive(&mut self, handled: Result<(), RtcError>) -> Result<(), Error> {
        match handled {
            Ok(()) => Ok(()),
            Err(error @ RtcError::Dtls(_)) => Err(Error::WebRtc(error.to_string())),
            Err(error) => self.count_fault(&error.to_string()),
        }
    }

    fn count_fault(&mut self, what: &str) -> Result<(), Error> {
        self.faults += 1;
        if self.faults > FAULTS_MAX {
            return Err(Error::WebRtc(what.to_owned()));
        }
        Ok(())
    }

    /// Tells the publisher that it is over.
    async fn take_leave(&mut self) {
        if self.rtc.close().is_err() {
            return;
        }
        while let Ok(Output::Transmit(_) | Output::Event(_)) = self.polled_and_said().await {}
    }

    async fn polled_and_said(&mut self) -> Result<Output, RtcError> {
        let output = self.rtc.poll_output()?;
        if let Output::Transmit(datagram) = &output {
            self.say(datagram.destination, &datagram.contents).await;
        }
        Ok(output)
    }

    async fn say(&self, to: SocketAddr, bytes: &[u8]) {
        let is_v6 = self.socket.local_addr().is_ok_and(|local| local.is_ipv6());
        let to = match to.ip() {
            IpAddr::V4(v4) if is_v6 => SocketAddr::new(v4.to_ipv6_mapped().into(), to.port()),
            _ => to,
        };
        // What cannot be sent is lost, as any datagram may be.
        if let Err(error) = self.socket.send_to(bytes, to).await {
            tracing::debug!(peer = %self.peer, %error, "a datagram could not be sent");
        }
    }

    fn now_us(&self) -> u64 {
        self.shows.now().monotonic_us
    }
}

/// A frame, if it is of a codec that was agreed on.
fn frame(data: MediaData) -> Option<Frame> {
    let kind = match data.params.spec().codec {
        Codec::H264 => TrackKind::Video,
        Codec::Opus => TrackKind::Audio,
        _ => return None,
    };
    Some(Frame {
        kind,
        rtp: low_bits(data.time.numer()),
        report: data.last_sender_info.as_ref().map(report),
        follows: data.contiguous,
        keyframe: data.is_keyframe(),
        data: Bytes::from_owner(data.data),
    })
}

fn report(info: &SenderInfo) -> Report {
    let wall_us = match info.ntp_time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |us| -us),
    };
    Report { wall_us, rtp: low_bits(info.rtp_time.numer()) }
}

/// The timestamp as it stood on the wire, without what `str0m` added to make it go on.
const fn low_bits(timestamp: u64) -> u32 {
    (timestamp & 0xFFFF_FFFF) as u32
}
