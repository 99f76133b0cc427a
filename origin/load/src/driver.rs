//! The viewers: the only place with sockets and clocks.
//!
//! In: a [`Config`]. Out: a [`Summary`], and [`Progress`] meanwhile. Does not know what a stall is.

mod count;
mod lists;
mod threads;
mod viewer;

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Client;
use tokio::task::JoinSet;

use crate::config::{CONNECT_MAX, Config, VIEWERS_MAX};
use crate::error::Error;
use crate::summary::Summary;
use count::Count;
use lists::Lists;
use threads::Threads;
use viewer::Viewer;

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// How long viewers that are at the end of their time may take to notice.
const LEAVE_MAX: Duration = Duration::from_secs(2);

/// Told every two seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// How many viewers came until now.
    pub came: usize,
    /// The figures until now.
    pub summary: Summary,
}

/// Sends the viewers, and answers what they met.
///
/// # Errors
/// [`Error`], if none could be sent. What viewers meet is no error, it is counted.
pub async fn load(config: Config, mut tell: impl FnMut(Progress)) -> Result<Summary, Error> {
    if !(1..=VIEWERS_MAX).contains(&config.viewers) {
        return Err(Error::Config("1 to 20000 viewers"));
    }
    let start = Instant::now();
    let count = Arc::new(Count::new(start));
    let (threads, lists) = (Threads::start()?, Arc::new(Lists::default()));
    let shared = threads.runtimes().iter().map(|runtime| Ok((client(&config)?, runtime)));
    let shared: Vec<_> = shared.collect::<Result<_, Error>>()?;
    let until = start + config.ramp + config.duration;
    let mut viewers = JoinSet::new();
    let mut next_told = start + TELL_EVERY;
    let each = config.ramp / u32::try_from(config.viewers).unwrap_or(u32::MAX);
    for (number, (client, runtime)) in shared.iter().cycle().take(config.viewers).enumerate() {
        let comes = start + each * u32::try_from(number).unwrap_or(u32::MAX);
        tokio::time::sleep_until(comes.into()).await;
        // By HTTP/1.1 every request that waits has a connection of its own, as a browser's has; by HTTP/2 a viewer has
        // one for all.
        let client = if config.http2 { self::client(&config)? } else { client.clone() };
        let viewer = Viewer::new(client, &config, Arc::clone(&count), Arc::clone(&lists));
        let watch = async move {
            let _ = tokio::time::timeout_at(until.into(), viewer.watch()).await;
        };
        viewers.spawn_on(watch, runtime);
        if Instant::now() >= next_told {
            next_told += TELL_EVERY;
            tell(Progress { came: number + 1, summary: count.summary(number + 1) });
        }
    }
    let deadline = until + LEAVE_MAX;
    while !viewers.is_empty() && Instant::now() < deadline {
        tokio::select! {
            _ = viewers.join_next() => {}
            () = tokio::time::sleep_until(next_told.into()) => {
                next_told += TELL_EVERY;
                let summary = count.summary(config.viewers);
                tell(Progress { came: config.viewers, summary });
            }
        }
    }
    viewers.shutdown().await;
    Ok(count.summary(config.viewers))
}

fn client(config: &Config) -> Result<Client, Error> {
    let builder = Client::builder()
        .connect_timeout(CONNECT_MAX)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(usize::MAX)
        .no_proxy();
    let plain = config.url.starts_with("http:");
    let builder = match (config.http2, plain) {
        (true, true) => builder.http2_prior_knowledge(),
        (true, false) => builder,
        (false, _) => builder.http1_only(),
    };
    let builder = builder.tls_danger_accept_invalid_certs(config.insecure);
    builder.build().map_err(|error| Error::System(error.to_string()))
}
