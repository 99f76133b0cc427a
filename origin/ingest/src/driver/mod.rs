//! Sockets, timers and tasks around the machines.
//!
//! In: the configuration and the binary's [`Gate`]. Out: [`Server`], which listens, and [`Desk`], by which shows are
//! ended. Does not know RTMP or media: those are the machines'.

mod connection;
mod shows;
mod turn;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time;

use self::connection::Connection;
use self::shows::Shows;
use crate::{Airtime, Config, Error, Gate, Refusal};

/// How long to wait when the system has no socket to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listening RTMP port.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    config: Arc<Config>,
    shows: Arc<Shows>,
}

/// Where shows are ended and asked about while the [`Server`] runs.
#[derive(Debug, Clone)]
pub struct Desk {
    shows: Arc<Shows>,
}

impl Server {
    /// Listens on the configured address. Nothing is accepted before [`Server::run`].
    ///
    /// # Errors
    /// [`Error::AddressInUse`] and [`Error::Bind`]: configuration.
    pub async fn bind(config: Config, gate: Arc<dyn Gate>) -> Result<Self, Error> {
        let refused = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::AddrInUse => Error::AddressInUse(config.listen),
            kind => Error::Bind { address: config.listen, kind },
        };
        let listener = TcpListener::bind(config.listen).await.map_err(refused)?;
        let local_addr = listener.local_addr().map_err(refused)?;
        let config = Arc::new(config);
        let shows = Arc::new(Shows::new(Arc::clone(&config), gate));
        Ok(Self { listener, local_addr, config, shows })
    }

    /// The address in use, with the port the system chose if none was given.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Where shows are ended from.
    #[must_use]
    pub fn desk(&self) -> Desk {
        Desk { shows: Arc::clone(&self.shows) }
    }

    /// Serves publishers until `shutdown` resolves; then dismisses them, ends their shows and returns.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let served = Arc::new(Semaphore::new(self.config.connections_max));
        let turned_away = Arc::new(Semaphore::new(self.config.turned_away_max));
        tokio::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                () = self.shows.watch() => continue,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.serve(stream, peer, &served, &turned_away),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept an RTMP connection");
                    time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        self.shows.close().await;
    }

    fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        served: &Arc<Semaphore>,
        turned_away: &Arc<Semaphore>,
    ) {
        let (permit, refusal) = match Arc::clone(served).try_acquire_owned() {
            Ok(permit) => (permit, None),
            Err(_) => match Arc::clone(turned_away).try_acquire_owned() {
                Ok(permit) => (permit, Some(Refusal::HouseFull)),
                Err(_) => return,
            },
        };
        let connection = Connection::new(Arc::clone(&self.shows), stream, peer, refusal);
        self.shows.tasks().spawn(async move {
            connection.run().await;
            drop(permit);
        });
    }
}

impl Desk {
    /// Ends a show for good: its publisher is dismissed, [`shared_media::Publication::End`] follows. False if it was
    /// not on air in this process; publishers of it are refused from now on all the same.
    pub fn end(&self, show: &str) -> bool {
        self.shows.end(show)
    }

    /// The state of a show that was published to in this process.
    #[must_use]
    pub fn airtime(&self, show: &str) -> Option<Airtime> {
        self.shows.airtime(show)
    }
}
