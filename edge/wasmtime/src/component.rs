//! The component: compiled once, interrupted by a clock, and, through `wasi:http/handler`, dealt out to instances.
//!
//! In: the component's bytes, then requests. Out: its answers, or why it gave none. Does not know what is in either.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::{debug, error, info, warn};
use wasmtime::component::{Component, Linker};
use wasmtime::{
    Cache, CacheConfig, Config as EngineConfig, Engine, InstanceAllocationStrategy,
    PoolingAllocationConfig,
};
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, TrapOrPanicError};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::config::{ComponentSource, Config, Limits};
use crate::error::Error;
use crate::instance::{Guest, Handler, Instances};
use crate::outbound::Outbound;
use crate::refusal::{Refusal, empty};
use crate::sandbox;

/// How often running instances are interrupted.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Core instances and tables of one component: the program itself and the small ones around it.
const CORE_PER_COMPONENT: u32 = 8;

/// The component, ready to answer.
pub(crate) struct Handlers {
    /// Instances that work on several requests at a time.
    shared: Handler,
    /// Instances for one request each: for those whose instance died, perhaps by another's fault.
    alone: Handler,
    /// Room for instances of both kinds; closed with the edge.
    room: Arc<Semaphore>,
    /// Room for requests that have no answer yet.
    places: Arc<Semaphore>,
    /// What instances fetch through.
    outbound: Outbound,
}

impl Handlers {
    /// Hands a request to an instance, and once more to one of its own if the first died under it.
    pub(crate) async fn answer(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Refusal> {
        let (parts, body) = request.into_parts();
        let again = matches!(parts.method, Method::GET | Method::HEAD).then(|| parts.clone());
        match self.hand(&self.shared, Request::from_parts(parts, body)).await {
            Err(Refusal::Died) => match again {
                Some(parts) => self.hand(&self.alone, Request::from_parts(parts, empty())).await,
                None => Err(Refusal::Died),
            },
            answered => answered,
        }
    }

    /// Starts no more instances, and ends what goes on behind them.
    pub(crate) async fn close(&self) {
        self.room.close();
        self.outbound.close().await;
    }

    async fn hand(
        &self,
        handler: &Handler,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refusal::Full)?;
        handler.handle(place, request).await.map_err(|failure| {
            if failure.is::<TrapOrPanicError>() {
                Refusal::Died
            } else if failure.is::<ExpirationError>() {
                Refusal::Slow
            } else if failure.is::<InstantiationError<OwnedSemaphorePermit>>() {
                error!(error = format!("{failure:#}"), "no instance of the edge component");
                Refusal::Full
            } else {
                error!(error = format!("{failure:#}"), "the edge component gave no answer");
                Refusal::Failed
            }
        })
    }
}

/// A component and the engine it was compiled for, whose clock runs.
pub(crate) struct Compiled {
    pub(crate) engine: Engine,
    pub(crate) component: Component,
}

/// Compiles the component, which takes seconds, on a thread of its own.
pub(crate) async fn compile(config: &Config) -> Result<Compiled, Error> {
    let source = config.component.clone();
    let (limits, compiled_at) = (config.limits.clone(), config.compiled.clone());
    let compiled = tokio::task::spawn_blocking(move || {
        let bytes = read(source)?;
        let start = std::time::Instant::now();
        let compiled = compile_for_its_kind(&limits, compiled_at.as_deref(), &bytes)?;
        let time_ms = start.elapsed().as_millis();
        debug!(time_ms, bytes = bytes.len(), "compiled the component");
        Ok(compiled)
    });
    let compiled = compiled.await.map_err(|error| Error::Engine(error.to_string()))??;
    tick(&compiled.engine)?;
    Ok(compiled)
}

/// A decision never waits, and an engine that need not think of waiting calls it at a third of the cost. Whatever is
/// none is compiled anew: what waits is refused by the first engine before it has done any work.
fn compile_for_its_kind(
    limits: &Limits,
    compiled_at: Option<&Path>,
    bytes: &[u8],
) -> Result<Compiled, Error> {
    let engine = engine(deciding(), compiled_at)?;
    if let Ok(component) = Component::new(&engine, bytes)
        && sandbox::decides(&component)
    {
        return Ok(Compiled { engine, component });
    }
    let engine = match self::engine(waiting(limits), compiled_at) {
        Ok(engine) => engine,
        Err(error) => {
            info!(%error, "no address space for pooled instances");
            let mut config = waiting(limits);
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            self::engine(config, compiled_at)?
        }
    };
    let component = Component::new(&engine, bytes);
    let component = component.map_err(|error| Error::Component(format!("{error:#}")))?;
    Ok(Compiled { engine, component })
}

/// Makes the component's `wasi:http/handler` ready.
pub(crate) fn handlers(
    engine: &Engine,
    component: &Component,
    environment: Vec<(String, String)>,
    outbound: Outbound,
    limits: &Limits,
) -> Result<Handlers, Error> {
    let refused = |error: wasmtime::Error| Error::Component(format!("{error:#}"));
    let pre = link(engine, component).map_err(refused)?;
    let environment: Arc<[_]> = environment.into();
    let room = Arc::new(Semaphore::new(limits.instances_max as usize));
    let handler = |limits: Limits| {
        Handler::new(Instances {
            engine: engine.clone(),
            pre: pre.clone(),
            environment: Arc::clone(&environment),
            outbound: outbound.clone(),
            limits,
            room: Arc::clone(&room),
        })
    };
    let shared = handler(limits.clone());
    let alone = handler(Limits { instance_requests_max: 1, ..limits.clone() });
    let places = Arc::new(Semaphore::new(limits.requests_max));
    Ok(Handlers { shared, alone, room, places, outbound })
}

fn link(engine: &Engine, component: &Component) -> wasmtime::Result<ServicePre<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    ServicePre::new(linker.instantiate_pre(component)?)
}

fn read(source: ComponentSource) -> Result<Bytes, Error> {
    match source {
        ComponentSource::Bytes(bytes) => Ok(bytes),
        ComponentSource::Path(path) => match std::fs::read(&path) {
            Ok(bytes) => Ok(bytes.into()),
            Err(cause) => Err(Error::Read { path: path.display().to_string(), cause }),
        },
    }
}

/// For a component that decides, in a few sandboxes.
fn deciding() -> EngineConfig {
    let mut config = EngineConfig::new();
    config.wasm_component_model_async(false).concurrency_support(false);
    config
}

/// For a component that waits, in many instances: with the pooling allocator.
fn waiting(limits: &Limits) -> EngineConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits.instances_max)
        .total_memories(limits.instances_max)
        .total_core_instances(limits.instances_max.saturating_mul(CORE_PER_COMPONENT))
        .total_tables(limits.instances_max.saturating_mul(CORE_PER_COMPONENT))
        .total_stacks(limits.instances_max.saturating_mul(2))
        .max_memory_size(limits.instance_bytes_max);
    let mut config = EngineConfig::new();
    config.wasm_component_model_async(true);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

fn engine(mut config: EngineConfig, compiled_at: Option<&Path>) -> Result<Engine, Error> {
    config.epoch_interruption(true);
    if let Some(directory) = compiled_at {
        config.cache(kept(directory));
    }
    Engine::new(&config).map_err(|error| Error::Engine(format!("{error:#}")))
}

/// Where compiled components are kept, named by a hash of their bytes, wasmtime's version and the engine's settings.
/// Without it the edge starts all the same, only later.
fn kept(directory: &Path) -> Option<Cache> {
    let mut config = CacheConfig::new();
    config.with_directory(directory);
    let cache = std::fs::create_dir_all(directory)
        .map_err(wasmtime::Error::from)
        .and_then(|()| Cache::new(config));
    let warned = |error: &wasmtime::Error| {
        let directory = directory.display();
        warn!(%directory, error = format!("{error:#}"), "the compiled component is not kept");
    };
    cache.inspect_err(warned).ok()
}

/// Starts the engine's clock; it stops by itself when the engine is gone.
fn tick(engine: &Engine) -> Result<(), Error> {
    let engine = engine.weak();
    let clock = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    };
    let started = thread::Builder::new().name("edge-epoch".to_owned()).spawn(clock);
    started.map(drop).map_err(|error| Error::Engine(error.to_string()))
}
