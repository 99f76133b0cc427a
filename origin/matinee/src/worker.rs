//! `matinee worker`: a process that only works, for a house beside it or for houses elsewhere.
//!
//! In: settings. Out: films that are made, until SIGINT or SIGTERM. Does not know publishers, viewers or the API.
//!
//! Start: 1. logs and metrics, 2. rows, shelf and files of the houses, 3. its address for metrics, 4. jobs. Drain: it
//! takes no more of them, and does to the end what it has; what is not done in `--finish-s`, or when it is told once
//! more, is given back at once, so that others need not wait until its leases are over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::{Router, middleware};
use clap::Subcommand;
use metrics_exporter_prometheus::PrometheusHandle;
use origin_control::Control;
use origin_storage::{S3, Shelf};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::probes::{self, Probes};
use crate::settings::worker::{Files, Flags, Worker};
use crate::source::Sources;
use crate::up::{self, Stop};
use crate::vod::{self, Films, Place};
use crate::{fault, telemetry, uploads};

/// What a worker works at.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkerCommand {
    /// Make films of what is uploaded: any number of them, on any machines, share the jobs
    Vod(Box<Flags>),
}

/// Works until it is told to stop.
pub(crate) fn run(command: WorkerCommand) -> Result<(), Error> {
    let WorkerCommand::Vod(flags) = command;
    let settings = flags.settle(|name| std::env::var(name).ok())?;
    telemetry::start_logs(settings.log);
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Error::Machine(format!("threads cannot be started: {error}")))?;
    runtime.block_on(vod(settings))
}

async fn vod(settings: Worker) -> Result<(), Error> {
    let metrics = telemetry::start_metrics()?;
    let (ready, metrics_out) = (Arc::new(AtomicBool::new(false)), CancellationToken::new());
    let stop = CancellationToken::new();
    let films = films(&settings, stop.clone()).await?;
    let address = watched(&settings, metrics, &ready, &metrics_out).await?;
    let mut signals = Stop::listen()?;
    films.start().await?;
    ready.store(true, Ordering::Relaxed);
    announce(&settings, address.as_deref());

    signals.heard().await;
    ready.store(false, Ordering::Relaxed);
    let finish_s = settings.finish.as_secs();
    tracing::info!(finish_s, "draining: jobs that were begun are done to the end");
    films.rest();
    let in_earnest = tokio::select! {
        () = films.drained() => None,
        () = signals.heard() => Some("told once more"),
        () = tokio::time::sleep(settings.finish) => Some("they take too long"),
    };
    if let Some(why) = in_earnest {
        tracing::info!(why, "jobs that go on are given back");
        stop.cancel();
        films.drained().await;
    }
    metrics_out.cancel();
    tracing::info!("drained");
    Ok(())
}

/// Whoever makes films, of what the houses have.
async fn films(settings: &Worker, stop: CancellationToken) -> Result<Arc<Films>, Error> {
    let program = std::env::current_exe()
        .map_err(|error| Error::Machine(format!("this program's own path is unknown: {error}")))?;
    let encoder = origin_ladder::identity();
    tracing::info!(encoder, "films that were begun with another encoder are left to others");
    let control = Control::open(origin_control::Config {
        is_worker: true,
        encoder: Some(encoder.clone()),
        host: vod::host(),
        data_dir: settings.data.clone(),
        database: settings.database()?,
        lease: settings.lease,
        ..origin_control::Config::default()
    })
    .await?;
    let shelf = match &settings.bucket {
        Some(named) => Shelf::in_bucket(Arc::new(S3::open(named.s3.clone()).await)),
        None => Shelf::beside(&settings.data.join("objects"))?,
    };
    let far = match &settings.uploads {
        Files::Named(_) => None,
        Files::Beside(_) | Files::Far => uploads::far(None, shelf.bucket()),
    };
    let disk = match &settings.uploads {
        Files::Named(folder) | Files::Beside(folder) => Some(uploads::disk(folder.clone())?),
        Files::Far => None,
    };
    let sources = Sources::new(disk, far);
    let place = Place {
        program: &program,
        encoder,
        lease: settings.lease,
        own_only: settings.database.is_some() && settings.bucket.is_none(),
        shelf,
        lists: None,
    };
    Ok(Films::open(settings.films, place, (control, sources), stop))
}

/// Answers whoever watches it, if it has an address for that; which that is.
async fn watched(
    settings: &Worker,
    metrics: PrometheusHandle,
    ready: &Arc<AtomicBool>,
    stop: &CancellationToken,
) -> Result<Option<String>, Error> {
    let Some(wanted) = settings.metrics else { return Ok(None) };
    let listener = TcpListener::bind(wanted).await.map_err(|error| {
        Error::Machine(format!("--metrics: {wanted} cannot be listened on: {error}"))
    })?;
    let address = listener.local_addr();
    let address = address
        .map_err(|error| Error::Machine(format!("an address cannot be read back: {error}")))?;
    let router = Router::new()
        .merge(probes::router(Probes { metrics, ready: ready.clone() }))
        .fallback(fault::no_such_route)
        .layer(middleware::from_fn(fault::with_request_id));
    let stop = stop.clone().cancelled_owned();
    tokio::spawn(axum::serve(listener, router).with_graceful_shutdown(stop).into_future());
    Ok(Some(format!("http://{address}")))
}

fn announce(settings: &Worker, metrics: Option<&str>) {
    let Worker { films, bucket, data, .. } = settings;
    let uploads = match &settings.uploads {
        Files::Named(folder) | Files::Beside(folder) => folder.display().to_string(),
        Files::Far => "in the bucket".to_owned(),
    };
    let objects = match bucket {
        Some(named) => format!("bucket {}", named.s3.bucket),
        None => data.join("objects").display().to_string(),
    };
    let metrics = metrics.unwrap_or("none");
    up::announce(&format!(
        "matinee worker vod is at work\n  at a time  {}\n  uploads    {}\n  \
         objects    {objects}\n  metrics    {metrics}\n",
        films.transcodes, uploads
    ));
}
