//! `matinee edge`: an edge by itself, in front of one house or several that stand in for each other.
//!
//! In: settings. Out: a running edge until SIGINT or SIGTERM. Does not know what the edge does inside.
//!
//! Start: 1. logs and metrics, 2. every address, 3. the edge. Drain: not ready any more, viewers finish (GOAWAY, then
//! `--drain-s`), and only then the admin's address closes, so that whoever watches sees the whole of it.

pub(crate) mod bucket;
mod flags;
mod redirect;
mod settings;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::{Router, middleware};
use edge_wasmtime::{Door, Edge};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) use flags::{Flags, NAMES};

use crate::error::Error;
use crate::probes::{self, Probes};
use crate::{fault, telemetry, up};
use settings::Settings;

/// Runs the edge until it is told to stop.
pub(crate) fn run(flags: &Flags) -> Result<(), Error> {
    let settings = flags.settle(|name| std::env::var(name).ok())?;
    telemetry::start_logs(settings.log);
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Error::Machine(format!("threads cannot be started: {error}")))?;
    runtime.block_on(node(settings))
}

async fn node(settings: Settings) -> Result<(), Error> {
    let metrics = telemetry::start_metrics()?;
    let data = settings.data.display();
    std::fs::create_dir_all(&settings.data)
        .map_err(|error| Error::Machine(format!("the directory {data} cannot be made: {error}")))?;
    let has_tls = settings.edge.viewers.tls.is_some();
    let door = Door::take(settings.edge.listen, &settings.edge.limits)?;
    let viewers = door.local_addr();
    let admin = listen(settings.admin, "--admin").await?;
    let admin_at = address(&admin)?;
    let redirect = match settings.redirect {
        Some(wanted) => Some(listen(wanted, "--redirect").await?),
        None => None,
    };
    let ready = Arc::new(AtomicBool::new(false));
    let admin_out = CancellationToken::new();
    let viewers_out = CancellationToken::new();
    let router = Router::new()
        .merge(probes::router(Probes { metrics, ready: ready.clone() }))
        .fallback(fault::no_such_route)
        .layer(middleware::from_fn(fault::with_request_id));
    let stop = admin_out.clone().cancelled_owned();
    let admin_task =
        tokio::spawn(axum::serve(admin, router).with_graceful_shutdown(stop).into_future());
    let origins = settings.edge.origins.join(" ");
    let edge = Edge::behind(door, settings.edge).await?;
    let signals = up::Stop::listen()?;
    let edge_task = tokio::spawn(edge.run(viewers_out.clone().cancelled_owned()));
    if let Some(listener) = redirect {
        tokio::spawn(redirect::run(listener, viewers.port(), viewers_out.clone()));
    }
    ready.store(true, Ordering::Relaxed);
    let scheme = if has_tls { "https" } else { "http" };
    up::announce(&format!(
        "matinee edge is open\n  viewers    {scheme}://{viewers}\n  \
         admin      http://{admin_at}\n  origins    {origins}\n  data       {data}\n"
    ));

    signals.told().await;
    tracing::info!("draining");
    ready.store(false, Ordering::Relaxed);
    viewers_out.cancel();
    up::broke("the edge", edge_task.await);
    admin_out.cancel();
    up::broke("the admin's address", admin_task.await);
    tracing::info!("drained");
    Ok(())
}

async fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|error| {
        let why = if error.kind() == std::io::ErrorKind::AddrInUse {
            format!("is in use by another program; choose another with {flag}")
        } else {
            format!("cannot be listened on: {error}")
        };
        Error::Machine(format!("the address {address} {why}"))
    })
}

fn address(listener: &TcpListener) -> Result<SocketAddr, Error> {
    let unknown = |error| Error::Machine(format!("an address cannot be read back: {error}"));
    listener.local_addr().map_err(unknown)
}
