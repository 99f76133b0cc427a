//! The server: viewers' connections in, answers out, a quiet end.
//!
//! In: a [`Config`]. Out: a running edge. Does not know what is in a request.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{counter, gauge};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::time::{interval, sleep, timeout};
use tracing::{info, warn};

use crate::config::{Config, Limits};
use crate::connection::{self, House, prepare};
use crate::engine::Engine;
use crate::error::Error;
use crate::request::Answers;
use crate::seats::Seats;
use crate::tls::Terminator;

/// How long accepting rests after the system refused a connection, such as for want of file descriptors.
const REST: Duration = Duration::from_millis(100);
/// How often the gauge of active sessions is set.
const COUNT: Duration = Duration::from_secs(1);

/// An edge that listens.
pub struct Edge {
    listener: TcpListener,
    address: SocketAddr,
    house: Arc<House>,
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
        let limits = &config.limits;
        let tls = config.viewers.tls.as_ref();
        let terminator = tls.map(|tls| Terminator::new(tls, limits.handshake_time_max));
        let terminator = terminator.transpose()?;
        let engine = Engine::start(&config).await?;
        let house = Arc::new(House { answers: Answers::new(engine, config)?, terminator });
        let Door { listener, address } = door;
        Ok(Self { listener, address, house })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is done, then lets what was begun finish, within a limit.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        info!(address = %self.address, "the edge is open");
        let (close, closing) = watch::channel(());
        tokio::select! {
            () = shutdown => {}
            () = self.welcome(&closing) => {}
            () = self.count() => {}
            () = self.watch() => {}
        }
        drop((self.listener, closing));
        close.send_replace(());
        // Each connection holds a receiver until it ends.
        if timeout(self.house.answers.limits.drain_time_max, close.closed()).await.is_err() {
            warn!("some viewers were still being served when the edge closed");
        }
        self.house.answers.close().await;
        info!("the edge is closed");
    }

    /// Takes viewers in, for good.
    async fn welcome(&self, closing: &watch::Receiver<()>) {
        let limits = &self.house.answers.limits;
        let seats = Seats::new(limits.connections_max, limits.connections_per_client_max);
        while let Some(place) = seats.place().await {
            let accepted = self.listener.accept().await;
            let accepted = accepted.and_then(|(stream, from)| Ok((prepare(stream)?, from)));
            let (stream, from) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    warn!(%error, "a connection was refused");
                    sleep(REST).await;
                    continue;
                }
            };
            let is_front = self.house.answers.fronts.trusts(from.ip().to_canonical());
            let Some(seat) = seats.seat(place, from.ip(), is_front) else {
                counter!("matinee_edge_connections_refused_total").increment(1);
                continue;
            };
            let (house, closing) = (Arc::clone(&self.house), closing.clone());
            tokio::spawn(async move {
                gauge!("matinee_edge_connections_open").increment(1.0);
                connection::serve(stream, from, house, closing).await;
                gauge!("matinee_edge_connections_open").decrement(1.0);
                drop(seat);
            });
        }
    }

    /// Counts the sessions, for good.
    async fn count(&self) {
        let mut beat = interval(COUNT);
        loop {
            beat.tick().await;
            let active = self.house.answers.sessions.active(Instant::now());
            let active = u32::try_from(active).unwrap_or(u32::MAX);
            gauge!("matinee_edge_sessions_active").set(f64::from(active));
        }
    }

    /// Follows the certificate, for good.
    async fn watch(&self) {
        match &self.house.terminator {
            Some(terminator) => terminator.watch().await,
            None => std::future::pending().await,
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
