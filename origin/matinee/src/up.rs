//! `matinee up`: the start sequence and the drain sequence of the whole house.
//!
//! In: settings. Out: a running house until SIGINT or SIGTERM. Does not know what any room does inside.
//!
//! Start: 1. logs and metrics, 2. every port, so that the links are known, 3. storage and control, 4. the stages behind
//! the RTMP door, and the shows that were on the air when the house was killed, 5. the API, 6. the edge.
//!
//! Drain, the other way round: 1. not ready any more, 2. publishers out, 3. shows end and recordings are finished, 4.
//! pieces of films are given back, 5. viewers out, 6. the API, 7. the disk.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::{Router, middleware};
use bytes::Bytes;
use edge_wasmtime::{ComponentSource, Door, Edge};
use origin_control::{Control, Pulling};
use origin_ingest::{Desk, SecondPublisher};
use origin_storage::{Elsewhere, S3, Shelf, Store};
use shared_wire::ShowId;
use shared_wire::api::HouseStatus;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::away::Away;
use crate::delivery::{self, Delivery};
use crate::error::Error;
use crate::gate::HouseGate;
use crate::hooks::Hooks;
use crate::probes::{self, Probes};
use crate::settings::{Flags, Settings};
use crate::stage::{Stages, Window};
use crate::threads::Threads;
use crate::{
    demo, denied, edge_node, fault, page, pull, purge, resume, retention, telemetry, uploads, vod,
};

/// The edge, compiled to WebAssembly by `make edge`.
pub(crate) const EDGE_COMPONENT: &[u8] = include_bytes!("../../../target/edge/decision.wasm");
/// Shows ended by the API that ingest has not been told of yet.
const ENDS_QUEUED_MAX: usize = 64;
/// Shows to be fetched, or no more, that ingest has not been told of yet.
const PULLS_QUEUED_MAX: usize = 64;

/// Runs the house until it is told to stop.
pub(crate) fn run(flags: &Flags) -> Result<(), Error> {
    let settings = flags.settle(|name| std::env::var(name).ok())?;
    telemetry::start_logs(settings.log);
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Error::Machine(format!("threads cannot be started: {error}")))?;
    let frames = Threads::start()?;
    runtime.block_on(house(settings, flags.demo, &frames))
}

/// The rooms that others hold on to.
struct Rooms {
    control: Control,
    store: Arc<Store>,
    stages: Arc<Stages>,
    hooks: Hooks,
    ready: Arc<AtomicBool>,
    program: PathBuf,
    /// What encodes films here.
    encoder: String,
    status: watch::Sender<Option<HouseStatus>>,
}

async fn house(settings: Settings, with_demo: bool, frames: &Threads) -> Result<(), Error> {
    let metrics = telemetry::start_metrics()?;
    let program = std::env::current_exe()
        .map_err(|error| Error::Machine(format!("this program's own path is unknown: {error}")))?;

    let gate = Arc::new(HouseGate::closed());
    let rtmp = origin_ingest::Server::bind(ingest(&settings)?, gate.clone());
    let rtmp = rtmp.await?.serving_on(frames.runtimes());
    let api = listen(settings.api).await?;
    let viewers = Door::take(settings.edge, &edge_wasmtime::Limits::default())?;
    let addresses = Addresses::of(&settings, &rtmp, &api, viewers.local_addr())?;

    let (ends, to_end) = mpsc::channel::<ShowId>(ENDS_QUEUED_MAX);
    let (pulls, to_pull) = mpsc::channel(PULLS_QUEUED_MAX);
    let told = (ends, pulls, rtmp.desk());
    let rooms = Rooms::open(&settings, &addresses, told, program).await?;
    let away = away(&settings, &rooms, rtmp.desk());
    rooms.let_in(&gate, away.clone(), settings.second_publisher);
    let (control, store, stages) =
        (rooms.control.clone(), rooms.store.clone(), rooms.stages.clone());
    for show in resume::go_on(&rooms.control, &rooms.store, &rooms.stages, &rtmp).await {
        away.begin(&rooms.control, show);
    }
    retention::start(control, store, stages, settings.retention, rooms.status.clone());
    let (desk, fetching) = (rtmp.desk(), rtmp.desk());
    tokio::spawn(end_shows(desk, to_end));

    let publishers_out = CancellationToken::new();
    let viewers_out = CancellationToken::new();
    let api_out = CancellationToken::new();
    let rtmp_task = tokio::spawn(rtmp.run(publishers_out.clone().cancelled_owned()));
    let office = pull::Office {
        desk: fetching,
        program: rooms.program.clone(),
        allow_private: settings.pull_private,
    };
    tokio::spawn(office.work(rooms.control.clone(), to_pull));
    let (uploads, films) = rooms.files(&settings, &api_out, &publishers_out).await?;
    let router = rooms.router(metrics, api_out.clone(), uploads.router(), films.clone());
    purge::start(&rooms.control, &settings.edges, &api_out)?;
    let api_stop = api_out.clone().cancelled_owned();
    let api_task =
        tokio::spawn(axum::serve(api, router).with_graceful_shutdown(api_stop).into_future());
    let edge = rooms.edge(&settings, &addresses, viewers).await?;
    let edge_task = tokio::spawn(edge.run(viewers_out.clone().cancelled_owned()));
    let signals = Stop::listen()?;
    rooms.ready.store(true, Ordering::Relaxed);

    let mut lines = addresses.lines(&settings);
    if with_demo {
        let link =
            demo::start(&rooms.control, rooms.program.clone(), publishers_out.clone()).await?;
        lines.push_str(&format!("  watch      {link}\n"));
    }
    announce(&lines);

    signals.told().await;
    tracing::info!("draining");
    rooms.ready.store(false, Ordering::Relaxed);
    publishers_out.cancel();
    broke("RTMP", rtmp_task.await);
    rooms.stages.drained().await;
    films.drained().await;
    viewers_out.cancel();
    broke("the edge", edge_task.await);
    api_out.cancel();
    broke("the API", api_task.await);
    rooms.hooks.flush().await;
    rooms.store.flush().await?;
    tracing::info!("drained");
    Ok(())
}

/// Ends what the API ends.
async fn end_shows(desk: Desk, mut to_end: mpsc::Receiver<ShowId>) {
    while let Some(show) = to_end.recv().await {
        desk.end(&show.to_string());
    }
}

/// What viewers see while nobody publishes.
fn away(settings: &Settings, rooms: &Rooms, desk: origin_ingest::Desk) -> Away {
    let (program, picture) = (rooms.program.clone(), settings.slate.clone());
    Away { desk, program, usual: settings.while_away, picture }
}

/// The store, before a bucket if one is named.
async fn store(settings: &Settings) -> Result<Store, Error> {
    let usual = origin_storage::Config::default();
    let memory_bytes_max = settings.memory_bytes.try_into().unwrap_or(usize::MAX);
    let mut config = origin_storage::Config {
        root: settings.data.join("objects"),
        memory_bytes_max,
        object_bytes_max: usual.object_bytes_max.min(memory_bytes_max),
        ..usual
    };
    let mut elsewhere = None;
    if let Some(named) = &settings.bucket {
        config.spool.bytes_max = named.spool_bytes_max;
        let bucket = Arc::new(S3::open(named.s3.clone()).await);
        elsewhere = Some(Elsewhere { bucket, name: named.name() });
    }
    Ok(Store::open_before(config, elsewhere)?)
}

/// What ingest is told.
fn ingest(settings: &Settings) -> Result<origin_ingest::Config, Error> {
    Ok(origin_ingest::Config {
        listen: settings.rtmp,
        rtmps: settings.rtmps.clone(),
        srt: settings.srt.as_ref().map(crate::settings::srt).transpose()?,
        whip: settings.whip.clone(),
        reconnect_window: settings.reconnect_window,
        second_publisher: settings.second_publisher,
        connections_max: settings.publishers_max,
        ..origin_ingest::Config::default()
    })
}

impl Rooms {
    async fn open(
        settings: &Settings,
        addresses: &Addresses,
        (ends, pulls, desk): (mpsc::Sender<ShowId>, mpsc::Sender<Pulling>, Desk),
        program: PathBuf,
    ) -> Result<Self, Error> {
        let (status, seen) = watch::channel(None);
        let encoder = origin_ladder::identity();
        let control = Control::open(origin_control::Config {
            encoder: Some(encoder.clone()),
            host: vod::host(),
            data_dir: settings.data.clone(),
            database: settings.database.as_ref().map(crate::settings::database).transpose()?,
            lease: settings.lease,
            edge_url: addresses.public_url.clone(),
            rtmp_url: format!("{}/live", addresses.publish_url),
            rtmps_url: addresses.rtmps_url.as_ref().map(|url| format!("{url}/live")),
            srt_url: addresses.srt_url.clone(),
            whip_url: addresses.whip_url.clone(),
            ends: Some(ends),
            pulls: Some(pulls),
            source_fault: pull::fault,
            status: Some(seen),
            uploads_bytes_max: settings.uploads.bytes_max,
            assets_keep_s: settings.retention.keep_s,
            keep_hdr: settings.uploads.keep_hdr,
            ..origin_control::Config::default()
        })
        .await?;
        let store = Arc::new(store(settings).await?);
        let window =
            Window { part_target_ms: settings.part_target_ms, dvr_window_s: settings.dvr_window_s };
        let hooks = Hooks::open(settings.hooks.clone(), control.hook_secret(), &settings.data)?;
        let (rooms, encoding) = ((control.clone(), store.clone()), &settings.encoding);
        let stages = Stages::new(rooms, &program, window, encoding, hooks.clone(), desk);
        let stages = Arc::new(stages);
        control.set_on_air(stages.clone());
        let ready = Arc::new(AtomicBool::new(false));
        Ok(Self { control, store, stages, hooks, ready, program, encoder, status })
    }

    /// Opens the gate for publishers.
    fn let_in(&self, gate: &HouseGate, away: Away, second: SecondPublisher) {
        let (control, stages) = (self.control.clone(), self.stages.clone());
        gate.open(control, stages, self.hooks.clone(), away, second);
    }

    /// Where files come in, and become films.
    async fn files(
        &self,
        settings: &Settings,
        api_out: &CancellationToken,
        publishers_out: &CancellationToken,
    ) -> Result<(Arc<uploads::Room>, Arc<vod::Films>), Error> {
        let uploads = self.uploads(settings, api_out)?;
        uploads.start(api_out.clone());
        let films = self.films(settings, &uploads, publishers_out.clone());
        films.start().await?;
        Ok((uploads, films))
    }

    /// Where files come in; they stop when the API does.
    fn uploads(
        &self,
        settings: &Settings,
        stop: &CancellationToken,
    ) -> Result<Arc<uploads::Room>, Error> {
        let (rules, bucket) = (&settings.uploads, Shelf::of(&self.store).bucket());
        let place = (settings.data.as_path(), bucket);
        let allow_private = settings.pull_private;
        let (program, stop) = (self.program.clone(), stop.clone());
        uploads::Room::open(rules, place, &self.control, program, allow_private, stop)
    }

    /// Whoever makes films of what came in.
    fn films(
        &self,
        settings: &Settings,
        uploads: &uploads::Room,
        stop: CancellationToken,
    ) -> Arc<vod::Films> {
        let place = vod::Place {
            program: &self.program,
            encoder: self.encoder.clone(),
            lease: settings.lease,
            own_only: settings.database.is_some() && settings.bucket.is_none(),
            shelf: Shelf::of(&self.store),
            lists: Some(self.store.clone()),
        };
        let rooms = (self.control.clone(), uploads.sources());
        let films = vod::Films::open(settings.films, place, rooms, stop);
        uploads.set_films(films.clone());
        films
    }

    fn router(
        &self,
        metrics: metrics_exporter_prometheus::PrometheusHandle,
        stop: CancellationToken,
        uploads: Router,
        films: Arc<vod::Films>,
    ) -> Router {
        let (stages, store) = (self.stages.clone(), self.store.clone());
        let for_edges = delivery::router(Delivery { stages, store, films })
            .merge(denied::router(self.control.clone(), stop))
            .route_layer(middleware::from_fn_with_state(
                self.control.clone(),
                delivery::only_edges,
            ));
        Router::new()
            .merge(self.control.router())
            .merge(uploads)
            .merge(page::router())
            .merge(probes::router(Probes { metrics, ready: self.ready.clone() }))
            .merge(for_edges)
            .fallback(fault::no_such_route)
            .layer(middleware::from_fn(fault::with_request_id))
    }

    async fn edge(
        &self,
        settings: &Settings,
        addresses: &Addresses,
        viewers: Door,
    ) -> Result<Edge, Error> {
        let component = ComponentSource::Bytes(Bytes::from_static(EDGE_COMPONENT));
        let origin = format!("http://{}", addresses.api_from_here());
        let mut config = edge_wasmtime::Config::new(settings.edge, component, origin);
        config.environment = self.control.edge_environment().variables;
        let bucket = edge_node::bucket::of_variables(&|name| std::env::var(name).ok());
        config.environment.extend(bucket);
        config.cache.bytes_max = settings.memory_bytes;
        config.compiled = std::path::absolute(settings.data.join("compiled")).ok();
        config.viewers.tls = settings.edge_tls.clone();
        Ok(Edge::behind(viewers, config).await?)
    }
}

/// Where the house can be reached.
struct Addresses {
    api: SocketAddr,
    public_url: String,
    publish_url: String,
    rtmps_url: Option<String>,
    srt_url: Option<String>,
    whip_url: Option<String>,
}

impl Addresses {
    fn of(
        settings: &Settings,
        ingest: &origin_ingest::Server,
        api: &TcpListener,
        edge: SocketAddr,
    ) -> Result<Self, Error> {
        let unknown = |error| Error::Machine(format!("an address cannot be read back: {error}"));
        Ok(Self {
            api: api.local_addr().map_err(unknown)?,
            public_url: settings.public_url.clone().unwrap_or_else(|| {
                let scheme = if settings.edge_tls.is_some() { "https" } else { "http" };
                format!("{scheme}://{edge}")
            }),
            publish_url: settings
                .publish_url
                .clone()
                .unwrap_or_else(|| format!("rtmp://{}", ingest.local_addr())),
            rtmps_url: ingest.rtmps_addr().map(|door| settings.publish_url_of("rtmps", door)),
            srt_url: ingest.srt_addr().map(|door| settings.publish_url_of("srt", door)),
            whip_url: ingest.whip_addr().map(|door| settings.whip_url_of(door)),
        })
    }

    /// The API as the edge in this process reaches it: an address that stands for all is reached by loopback.
    fn api_from_here(&self) -> SocketAddr {
        let mut address = self.api;
        if address.ip().is_unspecified() {
            let v4 = address.is_ipv4();
            address.set_ip(if v4 {
                [127, 0, 0, 1].into()
            } else {
                [0, 0, 0, 0, 0, 0, 0, 1].into()
            });
        }
        address
    }

    fn lines(&self, settings: &Settings) -> String {
        let mut publishers = format!("  publishers {}/live/<stream key>\n", self.publish_url);
        if let Some(url) = &self.rtmps_url {
            publishers.push_str(&format!("             {url}/live/<stream key>\n"));
        }
        if let Some(url) = &self.srt_url {
            publishers.push_str(&format!("             {url}?streamid=publish:<stream key>\n"));
        }
        if let Some(url) = &self.whip_url {
            publishers.push_str(&format!("             {url}, bearer token <stream key>\n"));
        }
        let (viewers, api, data) = (&self.public_url, &self.api, settings.data.display());
        format!(
            "matinee is up\n  viewers    {viewers}\n  api        http://{api}\n  \
             studio     http://{api}/studio\n{publishers}  data       {data}\n"
        )
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|error| {
        let why = if error.kind() == std::io::ErrorKind::AddrInUse {
            "is in use by another program; choose another with --api".to_owned()
        } else {
            format!("cannot be listened on: {error}")
        };
        Error::Machine(format!("the API's address {address} {why}"))
    })
}

#[expect(clippy::print_stdout, reason = "the answer to the command line, for a person or a script")]
pub(crate) fn announce(lines: &str) {
    print!("{lines}");
}

/// What tells this program to end in good order: SIGTERM and SIGINT, from here on. Who says "open" must be listening
/// already, or a supervisor's signal right after it ends the program at once.
pub(crate) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    pub(crate) fn listen() -> Result<Self, Error> {
        let broken = |error| Error::Machine(format!("signals cannot be received: {error}"));
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(broken)?,
            interrupt: signal(SignalKind::interrupt()).map_err(broken)?,
        })
    }

    pub(crate) async fn told(mut self) {
        self.heard().await;
    }

    /// The same, for whoever listens on: a second time it is meant in earnest.
    pub(crate) async fn heard(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

pub(crate) fn broke<T>(what: &str, outcome: Result<T, tokio::task::JoinError>) {
    if let Err(error) = outcome {
        tracing::error!(%error, "{what} broke off");
    }
}
