//! The WHIP endpoint and its sessions, as HTTP sees them (RFC 9725, 4).
//!
//! In: requests. Out: answers; a publisher that was let on air, to its own task. Does not know datagrams or media.
//!
//! Neither are candidates taken one by one nor is ICE restarted (both are optional, 4.3): a publisher calls this
//! address, which does not change, and whose network did change makes a new session. So `PATCH` is not known here.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use metrics::counter;
use str0m::change::SdpOffer;
use str0m::{Candidate, Rtc, RtcConfig};
use tokio::net::UdpSocket;
use tokio::sync::Semaphore;
use tokio::time;

use super::peer::Peer;
use super::reply::{Reply, Turned, preflight, problem, reply, request_id};
use super::sessions::Sessions;
use crate::driver::shows::Shows;
use crate::machine::whip::offer::{self, Offer, Unfit};
use crate::{Refusal, StreamKey, Whip};

/// Where publishers ask to be served.
const PATH: &str = "/whip";
/// What may be done there, and with a session.
const ENDPOINT_METHODS: &str = "POST, OPTIONS";
const SESSION_METHODS: &str = "DELETE, OPTIONS";

/// The endpoint.
pub(super) struct Endpoint {
    pub(super) shows: Arc<Shows>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) socket: Arc<UdpSocket>,
    pub(super) media_port: u16,
    pub(super) rtc: RtcConfig,
    pub(super) room: Arc<Semaphore>,
    pub(super) whip: Whip,
}

impl Endpoint {
    /// Answers one request of `peer`, which came to the address `local`.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        local: SocketAddr,
    ) -> Reply {
        let id = request_id(request.headers());
        let path = request.uri().path().trim_end_matches('/').to_owned();
        let session = path.strip_prefix(PATH).and_then(|rest| rest.strip_prefix('/'));
        let answered = match (session, request.method()) {
            (None, _) if path != PATH => Err(Turned::NoSuchAddress),
            (None, &Method::POST) => self.publish(request, peer, local, &id).await,
            (None, &Method::OPTIONS) => Ok(preflight(ENDPOINT_METHODS, &id)),
            (None, _) => Err(Turned::Method(ENDPOINT_METHODS)),
            (Some(name), &Method::DELETE) => self.end(name, request.headers(), &id),
            (Some(_), &Method::OPTIONS) => Ok(preflight(SESSION_METHODS, &id)),
            (Some(_), _) => Err(Turned::Method(SESSION_METHODS)),
        };
        answered.unwrap_or_else(|turned| {
            counter!("matinee_ingest_refusals_total", "reason" => turned.code()).increment(1);
            tracing::info!(%peer, request_id = id, reason = turned.code(), "WHIP request refused");
            problem(&turned, &id)
        })
    }

    /// Takes an offer up, and its publisher on air.
    async fn publish(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        local: SocketAddr,
        request_id: &str,
    ) -> Result<Reply, Turned> {
        let permit = Arc::clone(&self.room).try_acquire_owned();
        let permit = permit.map_err(|_| Turned::Refused(Refusal::HouseFull))?;
        let key = stream_key(request.headers()).ok_or(Turned::NoKey)?;
        if !is_sdp(request.headers()) {
            return Err(Turned::NotSdp);
        }
        let body = self.body(request).await?;
        let text = std::str::from_utf8(&body);
        let text = text.map_err(|_| Turned::Unfit(Unfit::Malformed("it is no UTF-8")))?;
        let offer = offer::read(text).map_err(Turned::Unfit)?;
        let addresses = self.addresses(local.ip().to_canonical());
        let (mut rtc, answer) = self.agree(&offer, &addresses)?;
        let turn = self.shows.admit(&key, peer).await.map_err(Turned::Refused)?;
        let fragment = rtc.direct_api().local_ice_credentials().ufrag;
        let session = self.sessions.begin(&fragment, key, self.whip.queue_depth);
        let session = session.ok_or(Turned::Refused(Refusal::Unavailable))?;
        let location = HeaderValue::from_str(&format!("{PATH}/{}", session.name));
        let publisher = Peer::new(self, rtc, addresses, offer, session, turn, peer);
        self.shows.tasks().spawn(async move {
            publisher.run().await;
            drop(permit);
        });
        let mut reply = reply(StatusCode::CREATED, Bytes::from(answer), request_id);
        let sdp = HeaderValue::from_static("application/sdp");
        reply.headers_mut().insert(header::CONTENT_TYPE, sdp);
        if let Ok(location) = location {
            reply.headers_mut().insert(header::LOCATION, location);
        }
        Ok(reply)
    }

    async fn body(&self, request: Request<Incoming>) -> Result<Bytes, Turned> {
        let patience = self.shows.config().handshake_timeout;
        let body = Limited::new(request.into_body(), Whip::OFFER_BYTES_MAX);
        match time::timeout(patience, body.collect()).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                Err(Turned::TooLong(Whip::OFFER_BYTES_MAX))
            }
            Ok(Err(_)) | Err(_) => Err(Turned::CutOff),
        }
    }

    /// Where the publisher is told to send its media: where it reached us, and where we are by the settings.
    fn addresses(&self, reached: IpAddr) -> Vec<SocketAddr> {
        let public = &self.whip.public_addresses;
        // Where publishers come from outside, one that comes by loopback is a proxy.
        let proxied = !public.is_empty() && reached.is_loopback();
        let mut all: Vec<IpAddr> = (!proxied).then_some(reached).into_iter().collect();
        all.extend(public.iter().filter(|public| **public != reached));
        all.into_iter().map(|ip| SocketAddr::new(ip, self.media_port)).collect()
    }

    /// The answer to an offer.
    fn agree(&self, offer: &Offer, addresses: &[SocketAddr]) -> Result<(Rtc, String), Turned> {
        let malformed = |what| Turned::Unfit(Unfit::Malformed(what));
        let parsed = SdpOffer::from_sdp_string(&offer.sdp)
            .map_err(|_| malformed("an attribute cannot be read"))?;
        let mut rtc = self.rtc.clone().build(Instant::now());
        for address in addresses {
            // An address that cannot be one, such as of a link, is left out.
            if let Ok(candidate) = Candidate::host(*address, "udp") {
                rtc.add_local_candidate(candidate);
            }
        }
        let answer = rtc.sdp_api().accept_offer(parsed).map_err(|error| {
            tracing::debug!(%error, "an offer was not accepted");
            malformed("ICE or DTLS cannot be agreed on")
        })?;
        let answer = answer.to_sdp_string();
        offer::is_taken_up(&answer, offer).map_err(Turned::Unfit)?;
        Ok((rtc, answer))
    }

    fn end(&self, name: &str, headers: &HeaderMap, request_id: &str) -> Result<Reply, Turned> {
        let key = stream_key(headers).ok_or(Turned::NoKey)?;
        match self.sessions.end(name, &key) {
            Some(true) => Ok(reply(StatusCode::OK, Bytes::new(), request_id)),
            Some(false) => Err(Turned::AnothersKey),
            None => Err(Turned::NoSuchSession),
        }
    }
}

/// The key in `Authorization: Bearer …` (RFC 6750, 2.1).
fn stream_key(headers: &HeaderMap) -> Option<StreamKey> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let key = StreamKey::new(key);
    (scheme.eq_ignore_ascii_case("bearer") && !key.expose().is_empty()).then_some(key)
}

fn is_sdp(headers: &HeaderMap) -> bool {
    let stated = headers.get(header::CONTENT_TYPE).and_then(|stated| stated.to_str().ok());
    let stated = stated.and_then(|stated| stated.split(';').next()).unwrap_or_default();
    stated.trim().eq_ignore_ascii_case("application/sdp")
}
