//! Sockets, timers and tasks around the machines.
//!
//! In: the configuration and the binary's [`Gate`]. Out: [`Server`], which listens, and [`Desk`], by which shows are
//! ended. Does not know RTMP or media: those are the machines'.

mod connection;
mod pull;
mod room;
mod shows;
mod srt;
mod threads;
mod tls;
mod turn;
mod whip;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use shared_media::{Publication, VideoConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::time;

use self::connection::Connection;
pub use self::pull::Pull;
use self::pull::Pulls;
use self::room::{Room, Taken};
use self::shows::Shows;
use self::srt::SrtPort;
use self::threads::Threads;
use self::tls::Tls;
use self::whip::WhipPort;
use crate::{Airtime, Config, Door, Error, Gate, Refusal, Resume};

/// How long to wait when the system has no socket to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The listening ports.
#[derive(Debug)]
pub struct Server {
    rtmp: Port,
    rtmps: Option<(Port, Arc<Tls>)>,
    srt: Option<SrtPort>,
    whip: Option<WhipPort>,
    config: Arc<Config>,
    shows: Arc<Shows>,
    pulls: Arc<Pulls>,
    threads: Threads,
}

/// Where shows are ended and asked about while the [`Server`] runs.
#[derive(Debug, Clone)]
pub struct Desk {
    shows: Arc<Shows>,
    pulls: Arc<Pulls>,
}

/// One listening port.
#[derive(Debug)]
struct Port {
    listener: TcpListener,
    local_addr: SocketAddr,
}

/// How many connections are served, and how many are told that they are not.
struct Rooms {
    served: Room,
    turned_away: Arc<Semaphore>,
}

impl Port {
    async fn bind(door: Door, address: SocketAddr) -> Result<Self, Error> {
        let refused = |error: std::io::Error| door.refused(address, &error);
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let local_addr = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, local_addr })
    }
}

impl Server {
    /// Listens on the configured addresses. Nothing is accepted before [`Server::run`].
    ///
    /// # Errors
    /// [`Error::AddressInUse`], [`Error::Bind`] and [`Error::Certificate`]: configuration.
    pub async fn bind(config: Config, gate: Arc<dyn Gate>) -> Result<Self, Error> {
        let rtmp = Port::bind(Door::Rtmp, config.listen).await?;
        let rtmps = match &config.rtmps {
            Some(rtmps) => {
                let tls = Tls::open(Door::Rtmps, &rtmps.tls)?;
                Some((Port::bind(Door::Rtmps, rtmps.listen).await?, Arc::new(tls)))
            }
            None => None,
        };
        let srt = match &config.srt {
            Some(srt) => Some(SrtPort::bind(srt).await?),
            None => None,
        };
        let whip = match &config.whip {
            Some(whip) => Some(WhipPort::bind(whip).await?),
            None => None,
        };
        let config = Arc::new(config);
        let shows = Arc::new(Shows::new(Arc::clone(&config), gate));
        let (pulls, threads) = (Arc::default(), Threads::default());
        Ok(Self { rtmp, rtmps, srt, whip, config, shows, pulls, threads })
    }

    /// Serves RTMP connections on these runtimes in turn, and not on that of [`Server::run`]; the gate is told of shows
    /// there. They must outlive it.
    #[must_use]
    pub fn serving_on(self, runtimes: Vec<Handle>) -> Self {
        Self { threads: Threads::new(runtimes), ..self }
    }

    /// The address in use for RTMP, with the port the system chose if none was given.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.rtmp.local_addr
    }

    /// The same for RTMP over TLS, if it is spoken.
    #[must_use]
    pub fn rtmps_addr(&self) -> Option<SocketAddr> {
        self.rtmps.as_ref().map(|(port, _)| port.local_addr)
    }

    /// The same for SRT, if it is spoken.
    #[must_use]
    pub fn srt_addr(&self) -> Option<SocketAddr> {
        self.srt.as_ref().map(SrtPort::local_addr)
    }

    /// The same for WHIP, if it is spoken: of its HTTP port.
    #[must_use]
    pub fn whip_addr(&self) -> Option<SocketAddr> {
        self.whip.as_ref().map(WhipPort::local_addr)
    }

    /// Where shows are ended from.
    #[must_use]
    pub fn desk(&self) -> Desk {
        Desk { shows: Arc::clone(&self.shows), pulls: Arc::clone(&self.pulls) }
    }

    /// Waits for the publisher of a show that an earlier process had on air, as if it had been cut off now. What comes
    /// of it is the same as of an [`crate::Opening`]; the gate is not told that it was opened.
    #[must_use]
    pub fn wait_for(&self, show: &str, resume: Resume) -> mpsc::Receiver<Publication> {
        self.shows.wait_for(show, resume)
    }

    /// Serves publishers until `shutdown` resolves; then dismisses them, ends their shows and returns.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let rooms = Rooms {
            served: Room::new(self.config.connections_max),
            turned_away: Arc::new(Semaphore::new(self.config.turned_away_max)),
        };
        self.follow_certificate();
        if let Some(port) = self.srt.take() {
            self.shows.tasks().spawn(port.run(Arc::clone(&self.shows)));
        }
        if let Some(port) = self.whip.take() {
            self.shows.tasks().spawn(port.run(Arc::clone(&self.shows)));
        }
        tokio::pin!(shutdown);
        loop {
            let (accepted, tls) = tokio::select! {
                () = &mut shutdown => break,
                () = self.shows.watch() => continue,
                accepted = self.rtmp.listener.accept() => (accepted, None),
                (accepted, tls) = self.accept_secure() => (accepted, Some(tls)),
            };
            match accepted {
                Ok((stream, peer)) => self.serve(stream, peer, tls, &rooms),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept an RTMP connection");
                    time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop((self.rtmp, self.rtmps));
        self.shows.close().await;
    }

    async fn accept_secure(&self) -> (std::io::Result<(TcpStream, SocketAddr)>, Arc<Tls>) {
        match &self.rtmps {
            Some((port, tls)) => (port.listener.accept().await, Arc::clone(tls)),
            None => std::future::pending().await,
        }
    }

    /// Follows the certificate until the house closes.
    fn follow_certificate(&self) {
        if let Some((_, tls)) = &self.rtmps {
            let (tls, closing) = (Arc::clone(tls), self.shows.closing().clone());
            self.shows.tasks().spawn(async move {
                tokio::select! {
                    () = closing.cancelled() => {}
                    () = tls.watch() => {}
                }
            });
        }
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr, tls: Option<Arc<Tls>>, rooms: &Rooms) {
        let shows = Arc::clone(&self.shows);
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "answers may be delayed");
        }
        let (stream, place) = match self.threads.give(stream) {
            Ok(given) => given,
            Err(error) => return tracing::warn!(%peer, %error, "a publisher cannot be served"),
        };
        let serving: Pin<Box<dyn Future<Output = ()> + Send>> = match rooms.served.enter() {
            Some(seat) => {
                let evicted = seat.evicted();
                let served = serve_in(shows, stream, peer, tls, Ok(seat));
                Box::pin(async move {
                    tokio::select! {
                        () = evicted.cancelled() => tracing::debug!(%peer, "a stranger made room"),
                        () = served => {}
                    }
                })
            }
            None => match Arc::clone(&rooms.turned_away).try_acquire_owned() {
                Ok(permit) => {
                    let told = serve_in(shows, stream, peer, tls, Err(Refusal::HouseFull));
                    Box::pin(async move {
                        told.await;
                        drop(permit);
                    })
                }
                Err(_) => return,
            },
        };
        let runtime = place.runtime.clone();
        let served = async move {
            serving.await;
            drop(place);
        };
        self.shows.tasks().spawn_on(served, &runtime);
    }
}

/// Serves a connection that has a seat, or tells it why it has none.
async fn serve_in(
    shows: Arc<Shows>,
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<Tls>>,
    seat: Result<Taken, Refusal>,
) {
    let Some(tls) = tls else { return Connection::new(shows, stream, peer, seat).run().await };
    let patience = shows.config().handshake_timeout;
    let leave = shows.closing().clone();
    let shaken = tokio::select! {
        () = leave.cancelled() => None,
        shaken = tls.accept(stream, patience) => shaken,
    };
    match shaken {
        Some(stream) => Connection::new(shows, stream, peer, seat).run().await,
        None => tracing::debug!(%peer, "no TLS came about"),
    }
}

impl Desk {
    /// Ends a show for good: its publisher is dismissed, [`shared_media::Publication::End`] follows. False if it was
    /// not on air in this process; publishers of it are refused from now on all the same.
    pub fn end(&self, show: &str) -> bool {
        self.shows.end(show)
    }

    /// Lets a show go that another node has: the same, but its publishers are told so, and it may come back.
    pub fn let_go(&self, show: &str) -> bool {
        self.shows.let_go(show)
    }

    /// Fetches a show from elsewhere until it ends, in the place of any earlier source of it. A source that fails is
    /// tried again. Called within a runtime.
    ///
    /// # Errors
    /// [`Refusal::HouseFull`] if as many are fetched as may publish, [`Refusal::Unavailable`] if the house closes.
    pub fn pull(&self, show: &str, pull: Pull) -> Result<(), Refusal> {
        self.pulls.begin(&self.shows, show, pull)
    }

    /// Fetches a show no more. False if it was not.
    pub fn stop_pulling(&self, show: &str) -> bool {
        self.pulls.end(show)
    }

    /// Puts a slate on air for as long as a show is interrupted and nobody else comes; whoever does goes before it.
    /// `pull` makes it for pictures such as the show's last ones, if they are known. Called within a runtime.
    pub fn fill(&self, show: &str, pull: impl FnOnce(Option<VideoConfig>) -> Option<Pull>) {
        Pulls::fill(&self.shows, show, pull);
    }

    /// The state of a show that was published to in this process.
    #[must_use]
    pub fn airtime(&self, show: &str) -> Option<Airtime> {
        self.shows.airtime(show)
    }
}
