//! Instances of the component: how they are made, how many requests they take, when they end.
//!
//! In: the compiled component, the limits. Out: instances for `ProxyHandler`, which deals the requests out. Does not
//! know what a request is about.
//!
//! One instance answers many requests, several at a time: the component keeps its keys and its deny list in it. It may
//! wait long (blocking reloads) but not run long: every tick of the epoch in which it is found running is counted
//! against [`Limits::cpu_time_max`].

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant as Moment};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};
use tracing::{debug, warn};
use wasmtime::component::{GuestTaskId, ResourceTable};
use wasmtime::{Engine, Store, StoreContextMut, StoreLimits, StoreLimitsBuilder, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyHandler, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState,
    WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{
    Error as WasiError, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
    WasiHttpView,
};

use crate::component::TICK;
use crate::config::Limits;
use crate::guest_log::GuestLog;
use crate::outbound::Outbound;

/// How much longer than its requests an instance may live that does not come to end them itself.
const GRACE: Duration = Duration::from_secs(1);

/// Everything one instance owns in the host.
pub(crate) struct Guest {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    hooks: Hooks,
    memory: StoreLimits,
    running: Duration,
    _room: OwnedSemaphorePermit,
}

/// The component's way out.
struct Hooks(Outbound);

type Sent = Result<
    (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), WasiError>> + Send>),
    WasiError,
>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), WasiError>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let outbound = self.0.clone();
        // The component may be in more of a hurry than the host.
        let wait = options.and_then(|options| options.first_byte_timeout).unwrap_or(Duration::MAX);
        Box::new(async move {
            let sent = timeout(wait, outbound.send(request)).await;
            let response = sent.unwrap_or(Err(WasiError::HttpResponseTimeout))?;
            let done: Box<dyn Future<Output = _> + Send> = Box::new(async { Ok(()) });
            Ok((response, done))
        })
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

/// Makes instances.
pub(crate) struct Instances {
    pub(crate) engine: Engine,
    pub(crate) pre: ServicePre<Guest>,
    pub(crate) environment: Arc<[(String, String)]>,
    pub(crate) outbound: Outbound,
    pub(crate) limits: Limits,
    pub(crate) room: Arc<Semaphore>,
}

impl HandlerState for Instances {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let room = timeout(self.limits.instance_wait_max, Arc::clone(&self.room).acquire_owned());
        let room = room.await.map_err(|_| wasmtime::format_err!("no room for an instance"))??;
        let guest = Guest {
            wasi: WasiCtx::builder()
                .envs(&self.environment)
                .stdout(GuestLog::default())
                .stderr(GuestLog::default())
                .build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            hooks: Hooks(self.outbound.clone()),
            memory: StoreLimitsBuilder::new().memory_size(self.limits.instance_bytes_max).build(),
            running: Duration::ZERO,
            _room: room,
        };
        let mut store = Store::new(&self.engine, guest);
        store.limiter(|guest| &mut guest.memory);
        store.set_epoch_deadline(1);
        let cpu_time_max = self.limits.cpu_time_max;
        store.epoch_deadline_callback(move |mut store| {
            let guest = store.data_mut();
            guest.running += TICK;
            if guest.running > cpu_time_max {
                return Ok(UpdateDeadline::Interrupt);
            }
            Ok(UpdateDeadline::Yield(1))
        });
        let proxy = ProxyPre::P3(self.pre.clone()).instantiate_async(&mut store).await?;
        let expiration = Expiration { limits: self.limits.clone(), sleep: Box::pin(sleep(GRACE)) };
        let state = Worker { limits: self.limits.clone(), room: Arc::clone(&self.room) };
        Ok(Instance { store, proxy, view: Guest::http, expiration, state })
    }
}

/// When an instance is over.
pub(crate) struct Expiration {
    limits: Limits,
    sleep: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        start: Moment,
    ) -> Poll<()> {
        let time_max = match status {
            WorkerStatus::Idle => self.limits.instance_idle_max,
            WorkerStatus::Requests => self.limits.request_time_max + GRACE,
            WorkerStatus::PostReturn => self.limits.instance_after_max,
        };
        let end = Instant::from_std(start + time_max);
        if self.sleep.deadline() != end {
            self.sleep.as_mut().reset(end);
        }
        self.sleep.as_mut().poll(cx)
    }
}

/// What an instance takes on.
pub(crate) struct Worker {
    limits: Limits,
    room: Arc<Semaphore>,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    /// The request's place among those in the house; given back when it is answered or has run out of time.
    type RequestData = OwnedSemaphorePermit;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.limits.instance_requests_max {
            ShouldAccept::Never
        } else if concurrent >= self.limits.instance_concurrent_max {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, Guest>,
        place: OwnedSemaphorePermit,
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        store.data_mut().running = Duration::ZERO;
        let end = Instant::now() + self.limits.request_time_max;
        Box::pin(async move {
            sleep_until(end).await;
            drop(place);
        })
    }

    fn drop(&self, store: Store<Guest>, result: Result<(), wasmtime::Error>) {
        drop(store);
        // An instance that ends because the house does has not failed.
        if let Err(error) = result
            && !self.room.is_closed()
        {
            warn!(error = %error.root_cause(), "an instance of the edge component failed");
            debug!(error = format!("{error:#}"), "where it failed");
        }
    }
}

/// Deals requests out to instances.
pub(crate) type Handler = ProxyHandler<Instances>;
