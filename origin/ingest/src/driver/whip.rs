//! The WHIP ports: HTTP over TCP, where publishers ask to be served, and one UDP socket for the media of all.
//!
//! In: connections and datagrams of anybody. Out: a task for each connection; the datagrams of each publisher, to its
//! own task. Does not know HTTP, ICE or media.

mod endpoint;
mod peer;
mod reply;
mod sessions;

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::counter;
use str0m::RtcConfig;
use str0m::config::DtlsCert;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time;

use self::endpoint::Endpoint;
use self::sessions::{Datagram, Sessions};
use super::ACCEPT_PAUSE;
use super::room::{Room, Taken};
use super::shows::Shows;
use super::tls::Tls;
use crate::machine::whip::stun;
use crate::{Door, Error, Whip};

/// Longest head of an HTTP request, in bytes.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Bound sockets.
pub(super) struct WhipPort {
    listener: TcpListener,
    socket: Arc<UdpSocket>,
    local_addr: SocketAddr,
    media_port: u16,
    tls: Option<Arc<Tls>>,
    whip: Whip,
    certificate: DtlsCert,
}

impl WhipPort {
    pub(super) async fn bind(whip: &Whip) -> Result<Self, Error> {
        let refused = |error: std::io::Error| Door::Whip.refused(whip.listen, &error);
        let tls = whip.tls.as_ref().map(|tls| Tls::open(Door::Whip, tls)).transpose()?;
        let listener = TcpListener::bind(whip.listen).await.map_err(refused)?;
        let local_addr = listener.local_addr().map_err(refused)?;
        let socket = match UdpSocket::bind(local_addr).await {
            Ok(socket) => socket,
            // Where any port will do, it need not be the same.
            Err(_) if whip.listen.port() == 0 => {
                UdpSocket::bind(whip.listen).await.map_err(refused)?
            }
            Err(error) => return Err(refused(error)),
        };
        let media_port = socket.local_addr().map_err(refused)?.port();
        let crypto = str0m::crypto::from_feature_flags();
        let certificate = crypto.dtls_provider.generate_certificate();
        let certificate =
            certificate.ok_or(Error::WebRtc("no certificate can be made".to_owned()))?;
        let socket = Arc::new(socket);
        let (tls, whip) = (tls.map(Arc::new), whip.clone());
        Ok(Self { listener, socket, local_addr, media_port, tls, whip, certificate })
    }

    pub(super) const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves publishers until the house closes.
    pub(super) async fn run(self, shows: Arc<Shows>) {
        let sessions = Arc::new(Sessions::default());
        let publishers_max = shows.config().connections_max;
        let addresses_max = publishers_max * Whip::ADDRESSES_PER_PUBLISHER;
        let endpoint = Arc::new(Endpoint {
            shows: Arc::clone(&shows),
            sessions: Arc::clone(&sessions),
            socket: Arc::clone(&self.socket),
            media_port: self.media_port,
            rtc: rtc_config(self.certificate),
            room: Arc::new(Semaphore::new(publishers_max)),
            whip: self.whip,
        });
        let connections = Room::new(publishers_max * Whip::CONNECTIONS_PER_PUBLISHER);
        tokio::select! {
            () = shows.closing().cancelled() => {}
            () = accept(&self.listener, self.tls.as_ref(), &endpoint, &connections) => {}
            () = watch(self.tls.as_deref()) => {}
            () = distribute(&self.socket, &sessions, addresses_max) => {}
        }
    }
}

impl std::fmt::Debug for WhipPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WhipPort").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

/// ICE-lite, because this is a server with a known address: publishers call it, it calls nobody (RFC 8445, 2.5).
fn rtc_config(certificate: DtlsCert) -> RtcConfig {
    RtcConfig::new()
        .set_crypto_provider(Arc::new(str0m::crypto::from_feature_flags()))
        .set_dtls_cert(certificate)
        .set_ice_lite(true)
        .clear_codecs()
        .enable_h264(true)
        .enable_opus(true, false)
}

/// Follows the certificate, if there is one, for good.
async fn watch(tls: Option<&Tls>) {
    match tls {
        Some(tls) => tls.watch().await,
        None => std::future::pending().await,
    }
}

async fn accept(
    listener: &TcpListener,
    tls: Option<&Arc<Tls>>,
    endpoint: &Arc<Endpoint>,
    connections: &Room,
) -> ! {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // None is ever settled: whoever publishes needs its connection no more.
                if let Some(seat) = connections.enter() {
                    serve(stream, peer, tls.cloned(), endpoint, seat);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a WHIP connection");
                time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<Tls>>,
    endpoint: &Arc<Endpoint>,
    seat: Taken,
) {
    let Ok(local) = stream.local_addr() else { return };
    let shows = Arc::clone(&endpoint.shows);
    let patience = shows.config().handshake_timeout;
    let endpoint = Arc::clone(endpoint);
    let (leave, evicted) = (shows.closing().clone(), seat.evicted());
    shows.tasks().spawn(async move {
        let served = async {
            match tls {
                None => converse(stream, (peer, local), endpoint, patience).await,
                Some(tls) => {
                    if let Some(stream) = tls.accept(stream, patience).await {
                        converse(stream, (peer, local), endpoint, patience).await;
                    }
                }
            }
        };
        tokio::select! {
            () = leave.cancelled() => {}
            () = evicted.cancelled() => {}
            () = served => {}
        }
        drop(seat);
    });
}

/// Speaks HTTP with one client, whose head may take that long to come.
async fn converse<S>(
    stream: S,
    (peer, local): (SocketAddr, SocketAddr),
    endpoint: Arc<Endpoint>,
    patience: Duration,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let endpoint = Arc::clone(&endpoint);
        async move { Ok::<_, Infallible>(endpoint.answer(request, peer, local).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%peer, %error, "a WHIP connection broke");
    }
}

/// Hands each datagram to the publisher it is from. Where a publisher's queue is full it is lost to that one alone.
///
/// An address becomes a publisher's by a STUN request with the name fragment that only this publisher was told. It
/// stays that publisher's until it goes, whatever others send from there in its name.
async fn distribute(socket: &UdpSocket, sessions: &Sessions, addresses_max: usize) -> ! {
    let mut addresses: HashMap<SocketAddr, Sender<Datagram>> = HashMap::new();
    let mut buffer = vec![0; Whip::DATAGRAM_BYTES_MAX];
    loop {
        let (bytes, from) = match socket.recv_from(&mut buffer).await {
            Ok((count, from)) => (buffer.get(..count).unwrap_or_default(), from),
            Err(error) => {
                // Such as an ICMP answer to a peer that is gone.
                tracing::debug!(%error, "cannot receive by WebRTC");
                time::sleep(ACCEPT_PAUSE / 10).await;
                continue;
            }
        };
        counter!("matinee_ingest_bytes_total").increment(bytes.len() as u64);
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        let named = stun::addressee(bytes).and_then(|fragment| sessions.of(fragment));
        let known = addresses.get(&from).filter(|publisher| !publisher.is_closed());
        let publisher = match (named, known) {
            (Some(named), None) => {
                addresses.retain(|_, publisher| !publisher.is_closed());
                if addresses.len() < addresses_max {
                    addresses.insert(from, named.clone());
                }
                named
            }
            (Some(named), Some(_)) => named,
            (None, Some(known)) => known.clone(),
            (None, None) => continue,
        };
        let datagram = Datagram { from, bytes: Bytes::copy_from_slice(bytes) };
        if let Err(TrySendError::Full(_)) = publisher.try_send(datagram) {
            counter!("matinee_ingest_whip_datagrams_overrun_total").increment(1);
        }
    }
}
