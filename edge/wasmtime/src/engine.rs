//! The WebAssembly engine: the component compiled once, and the clock that interrupts it.
//!
//! In: the component's bytes. Out: a component that is ready to be instantiated. Does not know requests.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tracing::{debug, info};
use wasmtime::component::{Component, Linker};
use wasmtime::{
    Config as EngineConfig, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::config::{ComponentSource, Config, Limits};
use crate::error::Error;
use crate::instance::{Guest, Handler, Instances};
use crate::outbound::Outbound;

/// How often running instances are interrupted.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Core instances and tables of one component: the program itself and the small ones around it.
const CORE_PER_COMPONENT: u32 = 8;

/// Where requests go.
pub(crate) struct Handlers {
    /// Instances that work on several requests at a time.
    pub(crate) shared: Handler,
    /// Instances for one request each: for those whose instance died, perhaps by another's fault.
    pub(crate) alone: Handler,
    /// Room for instances of both kinds; closed with the edge.
    pub(crate) room: Arc<Semaphore>,
}

/// Compiles the component (seconds, on a thread of its own) and makes it ready.
pub(crate) async fn handlers(config: &Config) -> Result<Handlers, Error> {
    let outbound = Outbound::new(&config.origin, &config.limits, &config.cache)?;
    let source = config.component.clone();
    let limits = config.limits.clone();
    let compiled = tokio::task::spawn_blocking(move || {
        let engine = engine(&limits)?;
        let pre = compile(&engine, &read(source)?)?;
        Ok((engine, pre))
    });
    let (engine, pre) = compiled.await.map_err(|error| Error::Engine(error.to_string()))??;
    tick(&engine)?;
    let mut environment = config.environment.clone();
    if !environment.iter().any(|(name, _)| name == "MATINEE_ORIGIN") {
        environment.push(("MATINEE_ORIGIN".to_owned(), config.origin.clone()));
    }
    let environment: Arc<[_]> = environment.into();
    let room = Arc::new(Semaphore::new(config.limits.instances_max as usize));
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
    let shared = handler(config.limits.clone());
    let one = Limits { instance_requests_max: 1, ..config.limits.clone() };
    let alone = handler(one);
    Ok(Handlers { shared, alone, room })
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

/// An engine with the pooling allocator, or without it where the system has no address space for one.
fn engine(limits: &Limits) -> Result<Engine, Error> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits.instances_max)
        .total_memories(limits.instances_max)
        .total_core_instances(limits.instances_max.saturating_mul(CORE_PER_COMPONENT))
        .total_tables(limits.instances_max.saturating_mul(CORE_PER_COMPONENT))
        .total_stacks(limits.instances_max.saturating_mul(2))
        .max_memory_size(limits.instance_bytes_max);
    let mut config = EngineConfig::new();
    config.wasm_component_model_async(true).epoch_interruption(true);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    match Engine::new(&config) {
        Ok(engine) => Ok(engine),
        Err(error) => {
            info!(error = format!("{error:#}"), "no address space for pooled instances");
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            Engine::new(&config).map_err(|error| Error::Engine(format!("{error:#}")))
        }
    }
}

fn compile(engine: &Engine, bytes: &[u8]) -> Result<ServicePre<Guest>, Error> {
    let refused = |error: wasmtime::Error| Error::Component(format!("{error:#}"));
    let start = std::time::Instant::now();
    let component = Component::new(engine, bytes).map_err(refused)?;
    debug!(time_ms = start.elapsed().as_millis(), bytes = bytes.len(), "compiled the component");
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(refused)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker).map_err(refused)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker).map_err(refused)?;
    let pre = linker.instantiate_pre(&component).map_err(refused)?;
    ServicePre::new(pre).map_err(refused)
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
