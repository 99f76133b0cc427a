//! The server: viewers' connections in, answers out, a quiet end.
//!
//! In: a [`Config`]. Out: a running edge. Does not know what is in a request.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use metrics::gauge;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{interval, sleep, timeout};
use tracing::{debug, info, warn};

use crate::config::{Config, Limits};
use crate::engine::Engine;
use crate::error::Error;
use crate::request::Answers;

/// How long accepting rests after the system refused a connection, such as for want of file descriptors.
const REST: Duration = Duration::from_millis(100);
/// How often a silent HTTP/2 peer is asked whether it is still there.
const PING: Duration = Duration::from_secs(20);
/// How often the gauge of active sessions is set.
const COUNT: Duration = Duration::from_secs(1);

/// An edge that listens.
pub struct Edge {
    listener: TcpListener,
    address: SocketAddr,
    answers: Arc<Answers>,
}

impl Edge {
    /// Takes the address and compiles the component; connections wait until [`run`](Self::run).
    ///
    /// # Errors
    /// The address cannot be had, the origin is no address, or the component cannot be run. See [`Error`].
    pub async fn start(config: Config) -> Result<Self, Error> {
        Self::behind(Door::take(config.listen, &config.limits)?, config).await
    }

    /// The same behind an address that was taken before; `config.listen` is not used.
    ///
    /// # Errors
    /// The origin is no address, or the component cannot be run. See [`Error`].
    pub async fn behind(door: Door, config: Config) -> Result<Self, Error> {
        let engine = Engine::start(&config).await?;
        let answers = Arc::new(Answers::new(engine, config.limits));
        let Door { listener, address } = door;
        Ok(Self { listener, address, answers })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is done, then lets what was begun finish, within a limit.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        info!(address = %self.address, "the edge is open");
        let drain = GracefulShutdown::new();
        tokio::select! {
            () = shutdown => {}
            () = self.welcome(&drain) => {}
            () = self.count() => {}
        }
        drop(self.listener);
        if timeout(self.answers.limits.drain_time_max, drain.shutdown()).await.is_err() {
            warn!("some viewers were still being served when the edge closed");
        }
        self.answers.close();
        info!("the edge is closed");
    }

    /// Takes viewers in, for good.
    async fn welcome(&self, drain: &GracefulShutdown) {
        let places = Arc::new(Semaphore::new(self.answers.limits.connections_max));
        loop {
            let Some((stream, place)) = accept(&self.listener, &places).await else {
                sleep(REST).await;
                continue;
            };
            let answers = Arc::clone(&self.answers);
            tokio::spawn(serve(stream, place, answers, drain.watcher()));
        }
    }

    /// Counts the sessions, for good.
    async fn count(&self) {
        let mut beat = interval(COUNT);
        loop {
            beat.tick().await;
            let active = self.answers.sessions.active(Instant::now());
            let active = u32::try_from(active).unwrap_or(u32::MAX);
            gauge!("matinee_edge_sessions_active").set(f64::from(active));
        }
    }
}

/// An address that is taken while nobody answers there yet, for a house that must know its edge's address before it can
/// tell the component its environment.
pub struct Door {
    listener: TcpListener,
    address: SocketAddr,
}

impl Door {
    /// Takes the address; connections wait.
    ///
    /// # Errors
    /// It cannot be had. See [`Error`].
    pub fn take(address: SocketAddr, limits: &Limits) -> Result<Self, Error> {
        let taken = listen(address, limits.connections_waiting_max)
            .and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = taken.map_err(|cause| refused(address, cause))?;
        Ok(Self { listener, address })
    }

    /// The address, with the port the system chose if none was given.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

fn listen(address: SocketAddr, waiting_max: u32) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart takes its port back from connections that the kernel still remembers.
    socket.set_reuseaddr(cfg!(unix))?;
    socket.bind(address)?;
    socket.listen(waiting_max)
}

fn refused(address: SocketAddr, cause: io::Error) -> Error {
    match cause.kind() {
        io::ErrorKind::AddrInUse => Error::AddressInUse(address),
        _ => Error::Listen { address, cause },
    }
}

/// The next connection, when there is a place for it; `None` if the system refuses, such as for want of descriptors.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    let accepted = listener.accept().await.and_then(|(stream, _)| {
        stream.set_nodelay(true)?;
        Ok(stream)
    });
    let stream = accepted.inspect_err(|error| warn!(%error, "a connection was refused")).ok()?;
    Some((stream, place))
}

/// Serves one connection to its end.
async fn serve(
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    answers: Arc<Answers>,
    drain: Watcher,
) {
    let begun = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&begun);
    let head_time_max = answers.limits.head_time_max;
    let builder = protocol(&answers.limits);
    let service = service_fn(move |request| {
        asked.store(true, Ordering::Relaxed);
        let answers = Arc::clone(&answers);
        async move { Ok::<_, Infallible>(answers.answer(request).await) }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let mut connection = pin!(drain.watch(connection));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        // hyper limits the time of a head once it knows the protocol; until then this does.
        () = sleep(head_time_max) => {
            if !begun.load(Ordering::Relaxed) {
                return;
            }
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(error, "a viewer's connection ended early");
    }
    drop(place);
}

fn protocol(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
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
        .keep_alive_interval(PING)
        .keep_alive_timeout(limits.head_time_max);
    builder
}
