//! One viewer's connection: the handshake, the requests on it, its end.
//!
//! In: a connection with a seat. Out: answers. Does not know what is in a request.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use metrics::counter;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::config::Limits;
use crate::facts::Peer;
use crate::pace::{Ledger, Paced, Verdict, Watch};
use crate::request::Answers;
use crate::tls::Terminator;

/// How often a silent HTTP/2 peer is asked whether it is still there.
const PING: std::time::Duration = std::time::Duration::from_secs(20);

/// How long to wait for the rest of a preface.
const LOOK: std::time::Duration = std::time::Duration::from_millis(10);

/// What serves all connections.
pub(crate) struct House {
    pub(crate) answers: Answers,
    pub(crate) terminator: Option<Terminator>,
}

/// Serves a connection to its end. It finishes what was begun and ends once `closing` says so.
pub(crate) async fn serve(
    stream: TcpStream,
    from: SocketAddr,
    house: Arc<House>,
    mut closing: watch::Receiver<()>,
) {
    let mut peer = Peer { ip: from.ip().to_canonical(), alpn: None };
    let Some(terminator) = &house.terminator else {
        let spoken = timeout(house.answers.limits.head_time_max, speaks(&stream));
        let protocol = tokio::select! {
            spoken = spoken => spoken,
            // Nothing was asked yet, so nothing is left to finish.
            _ = closing.changed() => return,
        };
        return match protocol {
            Ok(Some(protocol)) => converse(stream, protocol, peer, house, closing).await,
            Ok(None) => {}
            Err(_) => cut("silent"),
        };
    };
    // On the heap, so that whoever comes without TLS has no room for it.
    if let Some(stream) = Box::pin(terminator.accept(stream)).await {
        peer.alpn = match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Some("h2"),
            Some(_) => Some("http/1.1"),
            None => None,
        };
        let protocol = if peer.alpn == Some("h2") { Protocol::Http2 } else { Protocol::Http1 };
        Box::pin(converse(stream, protocol, peer, house, closing)).await;
    }
}

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

/// What a connection without TLS begins with: HTTP/2 by its preface (RFC 9113, 3.4), or a request of HTTP/1.1, none of
/// whose methods begins like that. `None`: it has gone. Only looked at: hyper reads it, and needs no larger buffer for
/// having read a part of it before.
async fn speaks(stream: &TcpStream) -> Option<Protocol> {
    const PREFACE: &[u8] = b"PRI";
    let mut first = [0; PREFACE.len()];
    loop {
        match stream.peek(&mut first).await {
            Ok(0) | Err(_) => return None,
            Ok(_) if first == PREFACE => return Some(Protocol::Http2),
            Ok(count) if first.get(..count) != PREFACE.get(..count) => {
                return Some(Protocol::Http1);
            }
            // The rest of it is on its way, and the socket stays readable meanwhile.
            Ok(_) => sleep(LOOK).await,
        }
    }
}

async fn converse<S>(
    stream: S,
    protocol: Protocol,
    peer: Peer,
    house: Arc<House>,
    mut closing: watch::Receiver<()>,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let ledger = Arc::new(Ledger::default());
    let mut watch = Watch::new(Arc::clone(&ledger), Instant::now());
    let stream = TokioIo::new(Paced::new(stream, Arc::clone(&ledger)));
    let answers = Arc::clone(&house);
    let service = service_fn(move |request| {
        let (house, turn) = (Arc::clone(&answers), ledger.begin());
        async move { Ok::<_, Infallible>(house.answers.answer(request, peer, turn).await) }
    });
    let limits = &house.answers.limits;
    let builder = builder(limits, protocol);
    let mut connection = pin!(builder.serve_connection(stream, service));
    let period = Watch::period(limits);
    let mut look = pin!(sleep(period));
    let mut is_closing = false;
    loop {
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    debug!(error, "a viewer's connection ended early");
                }
                return;
            }
            _ = closing.changed(), if !is_closing => {
                is_closing = true;
                connection.as_mut().graceful_shutdown();
            }
            () = &mut look => {
                look.as_mut().reset(tokio::time::Instant::now() + period);
                match watch.look(limits, Instant::now()) {
                    Verdict::Fine => {}
                    Verdict::Silent => return cut("silent"),
                    Verdict::Stalled => return cut("stalled"),
                    // One that stays after it was asked to go is not asked again.
                    Verdict::Idle if is_closing => return cut("idle"),
                    Verdict::Idle => {
                        is_closing = true;
                        connection.as_mut().graceful_shutdown();
                    }
                }
            }
        }
    }
}

fn cut(reason: &'static str) {
    counter!("matinee_edge_connections_cut_total", "reason" => reason).increment(1);
}

fn builder(limits: &Limits, protocol: Protocol) -> Builder<TokioExecutor> {
    let builder = Builder::new(TokioExecutor::new());
    let mut builder = match protocol {
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_only(),
    };
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time_max)
        .max_headers(limits.headers_max)
        .max_buf_size(limits.head_bytes_max as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(limits.head_bytes_max)
        .max_send_buf_size(limits.stream_buffer_max)
        .max_pending_accept_reset_streams(limits.resets_max)
        .keep_alive_interval(PING)
        .keep_alive_timeout(limits.head_time_max);
    builder
}

/// Makes a fresh connection ready: what is written goes out at once.
pub(crate) fn prepare(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<A, B, C, D, F>(_: impl FnOnce(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    /// Ten thousand who wait for one part are what an edge is for; each waits in these two.
    #[test]
    fn a_waiting_viewer_is_small() {
        let connection = bytes(serve);
        let request =
            bytes(|to: &'static Answers, request, peer, turn| to.answer(request, peer, turn));
        assert!(connection + request < 12_000, "{connection} and {request} bytes");
    }
}
