//! One SRT peer: the handshake, then its media.
//!
//! In: its packets. Out: answers; its media, in the show it belongs to. Does not know how losses are mended or packets
//! decrypted: `srt-protocol` does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use metrics::counter;
use shared_media::Poll;
use srt_protocol::connection::{Connection, DuplexConnection};
use srt_protocol::packet::{
    ControlTypes, CoreRejectReason, HandshakeVsInfo, Packet, RejectReason, ServerRejectReason,
    ShakeType,
};
use srt_protocol::protocol::pending_connection::listen::Listen;
use srt_protocol::protocol::pending_connection::{
    AccessControlRequest, AccessControlResponse, ConnectionResult,
};
use srt_protocol::settings::{ConnInitSettings, KeySettings};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time;

use super::super::room::Taken;
use super::super::shows::Shows;
use super::super::turn::Turn;
use crate::machine::srt::demux::Demuxer;
use crate::machine::srt::{packet, stream_id};
use crate::{Error, Refusal, Srt};

/// A peer.
pub(super) struct Peer {
    shows: Arc<Shows>,
    socket: Arc<UdpSocket>,
    peer: SocketAddr,
    packets: mpsc::Receiver<Bytes>,
    srt: Srt,
    listen: Listen,
    buffer: BytesMut,
}

/// Why a peer is served no more.
enum Parting {
    /// It ended in good order.
    Ended,
    /// It was turned away.
    Refused(Refusal),
    /// It broke the protocol, or its silence lasted too long.
    Failed(Error),
}

impl From<Error> for Parting {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Peer {
    pub(super) fn new(
        shows: Arc<Shows>,
        socket: Arc<UdpSocket>,
        peer: SocketAddr,
        packets: mpsc::Receiver<Bytes>,
        srt: &Srt,
    ) -> Self {
        let settings = ConnInitSettings {
            recv_latency: srt.latency,
            send_latency: srt.latency,
            peer_idle_timeout: srt.idle_timeout,
            ..ConnInitSettings::default()
        };
        let listen = Listen::new(settings, true);
        Self { shows, socket, peer, packets, srt: srt.clone(), listen, buffer: BytesMut::new() }
    }

    /// Serves the peer until it goes or is sent away.
    pub(super) async fn run(mut self, seat: Taken) {
        let patience = self.shows.config().handshake_timeout;
        let late = || Error::Timeout("no stream was published").into();
        let shaken = time::timeout(patience, self.shake_hands()).await;
        let (show, parting) = match shaken.unwrap_or_else(|_| Err(late())) {
            Ok((connection, mut turn)) => {
                seat.settle();
                let parting = self.serve(connection, &mut turn).await;
                (Some(turn.show().to_owned()), parting.unwrap_or_else(Parting::Failed))
            }
            Err(parting) => (None, parting),
        };
        let (peer, show) = (self.peer, show.as_deref());
        match parting {
            Parting::Ended => tracing::info!(%peer, show, "the publisher has stopped"),
            Parting::Refused(refusal) => {
                counter!("matinee_ingest_refusals_total", "reason" => refusal.reason())
                    .increment(1);
                tracing::info!(%peer, show, %refusal, "publisher refused");
            }
            Parting::Failed(error) => tracing::info!(%peer, show, %error, "publisher lost"),
        }
    }

    /// Agrees on a connection and lets its show on air.
    async fn shake_hands(&mut self) -> Result<(Connection, Turn), Parting> {
        let mut turn = None;
        loop {
            let Some(packet) = self.hear().await else {
                return Err(Error::Connection(std::io::ErrorKind::UnexpectedEof).into());
            };
            let encrypted = is_encrypted(&packet);
            let mut result = self.listen.handle_packet(Instant::now(), Ok((packet, self.peer)));
            if let ConnectionResult::RequestAccess(request) = &result {
                let answer = match self.admit(request, encrypted).await {
                    Ok((admitted, key)) => {
                        turn = Some(admitted);
                        AccessControlResponse::Accepted(key)
                    }
                    Err((refusal, reason)) => {
                        let answer = AccessControlResponse::Rejected(reason);
                        let said =
                            self.listen.handle_access_control_response(Instant::now(), answer);
                        if let ConnectionResult::Reject(Some(packet), _) = said {
                            self.say(packet).await?;
                        }
                        return Err(refusal);
                    }
                };
                result = self.listen.handle_access_control_response(Instant::now(), answer);
            }
            match result {
                ConnectionResult::SendPacket(packet) => self.say(packet).await?,
                ConnectionResult::Reject(packet, why) => {
                    if let Some(packet) = packet {
                        self.say(packet).await?;
                    }
                    return Err(Error::Srt(why.to_string()).into());
                }
                ConnectionResult::Connected(packet, connection) => {
                    if let Some(packet) = packet {
                        self.say(packet).await?;
                    }
                    let turn = turn.take().ok_or(Error::Srt("no stream id came".to_owned()))?;
                    return Ok((connection, turn));
                }
                ConnectionResult::Failure(error) => return Err(Error::from(error).into()),
                // Some of its errors quote the packet, and so the stream id: they are not logged.
                ConnectionResult::NotHandled(_)
                | ConnectionResult::NoAction
                | ConnectionResult::RequestAccess(_) => {}
            }
        }
    }

    /// Judges a stream id. The library panics where only the caller encrypts, so that is looked at before.
    async fn admit(
        &self,
        request: &AccessControlRequest,
        encrypted: bool,
    ) -> Result<(Turn, Option<KeySettings>), (Parting, RejectReason)> {
        let failed = |why: &str| Error::Srt(why.to_owned()).into();
        let key = match (&self.srt.passphrase, encrypted) {
            (None, false) => None,
            (None, true) => {
                let why = failed("the peer encrypts, but there is no passphrase here");
                return Err((why, CoreRejectReason::BadSecret.into()));
            }
            (Some(_), false) => {
                let why = failed("the peer does not encrypt");
                return Err((why, CoreRejectReason::Unsecure.into()));
            }
            (Some(passphrase), true) => {
                let passphrase = passphrase.expose().to_owned().try_into();
                let unfit = |_| (failed("no passphrase"), CoreRejectReason::BadSecret.into());
                let passphrase = passphrase.map_err(unfit)?;
                Some(KeySettings { key_size: request.key_size, passphrase })
            }
        };
        let id = request.stream_id.as_ref().map(|id| id.as_str()).unwrap_or_default();
        let turned_down = |refusal: Refusal| {
            let reason = reason(&refusal);
            (Parting::Refused(refusal), reason)
        };
        let app = &self.shows.config().app;
        let stream_key = stream_id::key(id, app).map_err(turned_down)?;
        let turn = self.shows.admit(&stream_key, self.peer).await.map_err(turned_down)?;
        Ok((turn, key))
    }

    /// Takes media until the peer ends, is lost or must go.
    async fn serve(&mut self, connection: Connection, turn: &mut Turn) -> Result<Parting, Error> {
        let mut connection = DuplexConnection::new(connection);
        let mut demuxer = Demuxer::new(self.shows.config().access_unit_bytes_max);
        let mut parting = None;
        let dismissed = turn.dismissed().clone();
        while connection.is_open() {
            while let Some(packet) = connection.next_packet(Instant::now()) {
                self.say(packet).await?;
            }
            while let Some((_, data)) = connection.next_data(Instant::now()) {
                demuxer.handle(&data);
            }
            if parting.is_none() {
                parting = deliver(&mut demuxer, turn).await?.map(Parting::Refused);
            }
            if parting.as_ref().is_some_and(|parting| !matches!(parting, Parting::Ended)) {
                self.dismiss(&mut connection).await?;
                break;
            }
            let wake = connection.check_timers(Instant::now());
            turn.wait(true);
            let heard = tokio::select! {
                biased;
                () = dismissed.cancelled() => {
                    parting = Some(Parting::Refused(turn.parting()));
                    continue;
                }
                packet = self.packets.recv() => Some(packet),
                () = time::sleep_until(wake.into()) => None,
            };
            turn.wait(false);
            let Some(bytes) = heard else { continue };
            let Some(packet) = bytes.as_deref().and_then(|bytes| self.read(bytes)) else {
                continue;
            };
            if is_shutdown(&packet) {
                parting = parting.or(Some(Parting::Ended));
            }
            connection.handle_packet_input(Instant::now(), Ok((packet, self.peer)));
        }
        demuxer.finish();
        deliver(&mut demuxer, turn).await?;
        Ok(parting.unwrap_or(Parting::Failed(Error::Timeout("no media came"))))
    }

    /// Tells the peer to stop sending.
    async fn dismiss(&mut self, connection: &mut DuplexConnection) -> Result<(), Error> {
        connection.on_peer_idle_timeout(Instant::now()); // says `Shutdown` at once
        while let Some(packet) = connection.next_packet(Instant::now()) {
            self.say(packet).await?;
        }
        Ok(())
    }

    /// The next packet that is one.
    async fn hear(&mut self) -> Option<Packet> {
        loop {
            let bytes = self.packets.recv().await?;
            if let Some(packet) = self.read(&bytes) {
                return Some(packet);
            }
        }
    }

    fn read(&self, bytes: &[u8]) -> Option<Packet> {
        packet::read(bytes, self.peer.is_ipv6())
    }

    async fn say(&mut self, (packet, to): (Packet, SocketAddr)) -> Result<(), Error> {
        self.buffer.clear();
        packet.serialize(&mut self.buffer);
        self.socket.send_to(&self.buffer, to).await?;
        Ok(())
    }
}

/// Hands on what was found; why the publisher must go, if it must.
async fn deliver(demuxer: &mut Demuxer, turn: &mut Turn) -> Result<Option<Refusal>, Error> {
    while let Poll::Output(input) = demuxer.poll() {
        if let Some(refusal) = turn.deliver(input).await? {
            return Ok(Some(refusal));
        }
    }
    Ok(None)
}

/// Whether a packet is a caller's conclusion that brings a key.
fn is_encrypted(packet: &Packet) -> bool {
    let Packet::Control(control) = packet else { return false };
    let ControlTypes::Handshake(shake) = &control.control_type else { return false };
    let HandshakeVsInfo::V5(info) = &shake.info else { return false };
    shake.shake_type == ShakeType::Conclusion && info.ext_km.is_some()
}

fn is_shutdown(packet: &Packet) -> bool {
    matches!(packet, Packet::Control(control) if control.control_type == ControlTypes::Shutdown)
}

/// What SRT calls a refusal (SRT Access Control, "Rejection codes").
const fn reason(refusal: &Refusal) -> RejectReason {
    RejectReason::Server(match refusal {
        Refusal::WrongKey | Refusal::NotAllowed | Refusal::ShowEnded => {
            ServerRejectReason::Forbidden
        }
        Refusal::AlreadyPublishing | Refusal::TakenOver => ServerRejectReason::Conflict,
        Refusal::UnsupportedCodec(_) => ServerRejectReason::NotSupMedia,
        Refusal::HouseFull | Refusal::NoRoom(_) | Refusal::Unavailable => {
            ServerRejectReason::Overload
        }
        Refusal::UnknownApp { .. } => ServerRejectReason::Notfound,
        Refusal::NotAViewersDoor => ServerRejectReason::BadMode,
    })
}
