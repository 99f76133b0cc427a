//! The component's own decision, `matinee:edge/decision`, in sandboxes that can reach nothing at all.
//!
//! In: what the law's driver asks (`law`). Out: what the component says. Does not decide, and does not wait.
//!
//! A sandbox is an instance without a clock, a socket or a disk: every import is a trap, but for a seed for hash tables
//! and an environment that is empty. There is one for each processor. A call takes microseconds and is made under the
//! sandbox's lock. One that runs for longer than [`Limits::decide_time_max`], asks for too much memory or traps ends
//! the sandbox, and the next call gets a fresh one. What was under way in it is decided anew.

use std::cell::Cell;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::available_parallelism;
use std::time::Duration;

use bytes::Bytes;
use edge_answer::Sight;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Response, StatusCode};
use shared_ticket::cat::Use;
use tracing::{debug, warn};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store, StoreContextMut, StoreLimits, StoreLimitsBuilder, UpdateDeadline};
use wasmtime_wasi_http::WasiBody;

use crate::component::TICK;
use crate::config::Limits;
use crate::error::Error;
use crate::law::{Asked, Bounds, Decides, Errand, Fault, Now, Relayed, Step, Whose, whole};
use crate::lines;
use crate::refusal::Refusal;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../answer/wit",
        world: "decides",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

use bindings::exports::matinee::edge::decision as wit;
use bindings::{Decides as Exports, DecidesPre};

/// What the export is called, to find out whether a component has it.
const EXPORT: &str = "matinee:edge/decision@1.0.0";

/// Where the standard library has the keys of its hash tables from, of whatever version.
const SEED: &str = "wasi:random/insecure-seed@";
/// Where it looks whether an error is to have a backtrace.
const ENVIRONMENT: &str = "wasi:cli/environment@";

/// What a sandbox owns in the host.
struct Sandbox {
    /// How much memory it may take.
    memory: StoreLimits,
    /// How often the clock ticked while the call under way ran. A thread that has to wait for a processor is not found
    /// running by more than one tick.
    ticks: u128,
}

/// A sandbox that runs.
struct Live {
    store: Store<Sandbox>,
    exports: Exports,
    /// Counts the sandboxes of its place.
    generation: u64,
    bounds: Bounds,
}

/// A sandbox's place.
#[derive(Default)]
struct Place {
    live: Option<Live>,
    generation: u64,
}

/// All sandboxes.
pub(crate) struct Sandboxes(Arc<Shared>);

struct Shared {
    engine: Engine,
    pre: DecidesPre<Sandbox>,
    settings: Vec<(String, String)>,
    places: Vec<Mutex<Place>>,
    bytes_max: usize,
    /// How long a call may run, in ticks of the engine's clock.
    ticks_max: u128,
    bounds: Bounds,
}

/// A fetch that waits in a sandbox for its answer.
pub(crate) struct UnderWay {
    shared: Arc<Shared>,
    place: usize,
    generation: u64,
    /// `None` once the sandbox has been told.
    id: Option<u32>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            let _gone = self.shared.go_on(self.place, self.generation, |live| {
                live.exports.matinee_edge_decision().call_forget(&mut live.store, id)
            });
        }
    }
}

/// Whether this component decides without `wasi:http`.
pub(crate) fn decides(component: &Component) -> bool {
    component.get_export_index(None, EXPORT).is_some()
}

impl Sandboxes {
    /// Makes the first sandbox, which says whether the settings are good.
    pub(crate) fn new(
        engine: &Engine,
        component: &Component,
        settings: Vec<(String, String)>,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let refused = |error: wasmtime::Error| Error::Component(format!("{error:#}"));
        let count = available_parallelism().map_or(1, usize::from);
        let mut shared = Shared {
            engine: engine.clone(),
            pre: link(engine, component).map_err(refused)?,
            settings,
            places: (0..count).map(|_| Mutex::default()).collect(),
            bytes_max: limits.instance_bytes_max,
            ticks_max: limits.decide_time_max.as_micros().div_ceil(TICK.as_micros()),
            bounds: Bounds {
                body_bytes_max: 0,
                playlist_bytes_max: 0,
                deny_bytes_max: 0,
                origin_wait: Duration::ZERO,
                deny_wait: Duration::ZERO,
            },
        };
        let first = shared.make(0).map_err(refused)?.map_err(Error::Settings)?;
        shared.bounds = first.bounds;
        if let Some(place) = shared.places.first_mut() {
            place.get_mut().unwrap_or_else(PoisonError::into_inner).live = Some(first);
        }
        Ok(Self(Arc::new(shared)))
    }
}

/// Everything the component imports is a trap, but for the keys of its hash tables and an environment, which is empty.
fn link(engine: &Engine, component: &Component) -> wasmtime::Result<DecidesPre<Sandbox>> {
    let mut linker = Linker::<Sandbox>::new(engine);
    for (name, _) in component.component_type().imports(engine) {
        if name.starts_with(SEED) {
            let keys = RandomState::new();
            let seed = (keys.hash_one(0), keys.hash_one(1));
            linker.instance(name)?.func_wrap("insecure-seed", move |_, (): ()| Ok((seed,)))?;
        } else if name.starts_with(ENVIRONMENT) {
            let empty =
                |_: StoreContextMut<'_, Sandbox>, (): ()| Ok((Vec::<(String, String)>::new(),));
            linker.instance(name)?.func_wrap("get-environment", empty)?;
        }
    }
    // Such as standard error, where the message of a panic would go.
    linker.define_unknown_imports_as_traps(component)?;
    DecidesPre::new(linker.instantiate_pre(component)?)
}

impl Shared {
    /// A fresh sandbox, or what is wrong with the settings.
    fn make(&self, generation: u64) -> wasmtime::Result<Result<Live, String>> {
        let memory = StoreLimitsBuilder::new().memory_size(self.bytes_max).build();
        let mut store = Store::new(&self.engine, Sandbox { memory, ticks: 0 });
        store.limiter(|sandbox| &mut sandbox.memory);
        store.set_epoch_deadline(1);
        let ticks_max = self.ticks_max;
        store.epoch_deadline_callback(move |mut store| {
            let sandbox = store.data_mut();
            sandbox.ticks += 1;
            let is_over = sandbox.ticks > ticks_max;
            Ok(if is_over { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) })
        });
        let exports = self.pre.instantiate(&mut store)?;
        let settings: Vec<(&str, &str)> =
            self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let configured = exports.matinee_edge_decision().call_configure(&mut store, &settings)?;
        Ok(configured.map_err(|errors| errors.join("; ")).map(|limits| Live {
            store,
            exports,
            generation,
            bounds: Bounds {
                body_bytes_max: limits.body_bytes_max as usize,
                playlist_bytes_max: limits.playlist_bytes_max as usize,
                deny_bytes_max: limits.deny_bytes_max as usize,
                origin_wait: Duration::from_millis(limits.origin_wait_ms),
                deny_wait: Duration::from_millis(limits.deny_wait_ms),
            },
        }))
    }

    /// A place that nobody is at, this thread's own before others.
    fn place(&self) -> Option<(usize, MutexGuard<'_, Place>)> {
        let own = own().checked_rem(self.places.len())?;
        let order = (own..self.places.len()).chain(0..own);
        for index in order {
            match self.places.get(index)?.try_lock() {
                Ok(place) => return Some((index, place)),
                Err(TryLockError::Poisoned(place)) => return Some((index, place.into_inner())),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let place = self.places.get(own)?;
        Some((own, place.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Makes a call in any sandbox. What it returns comes with the place and its generation.
    fn anywhere<T>(
        &self,
        call: impl FnOnce(&mut Live) -> wasmtime::Result<T>,
    ) -> Result<(usize, u64, T), Refusal> {
        let (index, mut place) = self.place().ok_or(Refusal::Failed)?;
        if place.live.is_none() {
            let made = self.make(place.generation).map_err(|error| died(&error))?;
            // They were good when the first sandbox read them.
            place.live = Some(made.map_err(|_| Refusal::Failed)?);
        }
        let called = self.call(&mut place, call)?;
        Ok((index, place.generation, called))
    }

    /// Makes a call in the sandbox where something is under way.
    fn go_on<T>(
        &self,
        index: usize,
        generation: u64,
        call: impl FnOnce(&mut Live) -> wasmtime::Result<T>,
    ) -> Result<T, Refusal> {
        let place = self.places.get(index).ok_or(Refusal::Failed)?;
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        if place.live.as_ref().is_none_or(|live| live.generation != generation) {
            return Err(Refusal::Died);
        }
        self.call(&mut place, call)
    }

    fn call<T>(
        &self,
        place: &mut Place,
        call: impl FnOnce(&mut Live) -> wasmtime::Result<T>,
    ) -> Result<T, Refusal> {
        let live = place.live.as_mut().ok_or(Refusal::Failed)?;
        live.store.data_mut().ticks = 0;
        call(live).map_err(|error| {
            place.live = None;
            place.generation = place.generation.wrapping_add(1);
            died(&error)
        })
    }
}

fn died(error: &wasmtime::Error) -> Refusal {
    warn!(error = %error.root_cause(), "an instance of the edge component failed");
    debug!(error = format!("{error:#}"), "where it failed");
    Refusal::Died
}

/// A number for this thread, so that each has a sandbox of its own as far as there are enough.
fn own() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<Option<usize>> = const { Cell::new(None) };
    }
    OWN.with(|own| {
        own.get().unwrap_or_else(|| {
            let number = THREADS.fetch_add(1, Ordering::Relaxed);
            own.set(Some(number));
            number
        })
    })
}

impl UnderWay {
    /// Makes a call that ends what is under way, or goes on with it under the same number.
    fn call<T>(
        &mut self,
        call: impl FnOnce(&mut Live, u32) -> wasmtime::Result<T>,
    ) -> Result<T, Refusal> {
        let id = self.id.take().ok_or(Refusal::Failed)?;
        self.shared.go_on(self.place, self.generation, |live| call(live, id))
    }

    /// The same, under another number.
    const fn again(mut self, id: u32) -> Self {
        self.id = Some(id);
        self
    }
}

impl Decides for Sandboxes {
    type UnderWay = UnderWay;

    fn bounds(&self) -> Bounds {
        self.0.bounds
    }

    fn decide(&self, asked: &Asked, now: Now) -> Result<Step<UnderWay>, Refusal> {
        let request = wit::Request {
            method: asked.method.as_str(),
            scheme: asked.scheme.as_ref().map(http::uri::Scheme::as_str),
            authority: asked.authority.as_deref(),
            path: &asked.path,
            query: asked.query.as_deref(),
            headers: &asked.headers,
        };
        let (place, generation, step) = self.0.anywhere(|live| {
            let now = wit::Now { ms: now.ms, random: now.random, edition: now.edition };
            live.exports.matinee_edge_decision().call_decide(&mut live.store, request, now)
        })?;
        step_of(step, |id| UnderWay {
            shared: Arc::clone(&self.0),
            place,
            generation,
            id: Some(id),
        })
    }

    fn admit(
        &self,
        mut under_way: UnderWay,
        now_ms: i64,
        list: Option<(u64, Bytes)>,
    ) -> Result<Step<UnderWay>, Refusal> {
        let step = under_way.call(|live, id| {
            let list = list.as_ref().map(|(age_s, body)| wit::DenyList { age_s: *age_s, body });
            live.exports.matinee_edge_decision().call_admit(&mut live.store, id, now_ms, list)
        })?;
        step_of(step, |id| under_way.again(id))
    }

    fn used(&self, mut under_way: UnderWay, sight: Sight) -> Result<Step<UnderWay>, Refusal> {
        let sight = match sight {
            Sight::First => wit::Sight::First,
            Sight::Full => wit::Sight::Full,
            Sight::Again | Sight::Unknown | Sight::TooLong => wit::Sight::Again,
        };
        let step = under_way.call(|live, id| {
            live.exports.matinee_edge_decision().call_used(&mut live.store, id, sight)
        })?;
        step_of(step, |id| under_way.again(id))
    }

    fn relay(
        &self,
        mut under_way: UnderWay,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Relayed<UnderWay>, Refusal> {
        let id = under_way.id.unwrap_or_default();
        let headers = lines::of(headers);
        let relayed = under_way.call(|live, id| {
            let decision = live.exports.matinee_edge_decision();
            decision.call_relay(&mut live.store, id, status.as_u16(), &headers)
        })?;
        relayed_of(relayed, || Some(under_way.again(id)))
    }

    fn relay_plain(
        &self,
        whose: &Whose,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Relayed<UnderWay>, Refusal> {
        let (headers, status) = (lines::of(headers), status.as_u16());
        let (_, _, relayed) = self.0.anywhere(|live| {
            let (id, path) = (&*whose.request_id, whose.path.as_str());
            let decision = live.exports.matinee_edge_decision();
            decision.call_relay_plain(&mut live.store, id, path, status, &headers)
        })?;
        relayed_of(relayed, || None)
    }

    fn edit(
        &self,
        mut under_way: UnderWay,
        now_ms: i64,
        body: Bytes,
    ) -> Result<Response<WasiBody>, Refusal> {
        let edited = under_way.call(|live, id| {
            live.exports.matinee_edge_decision().call_edit(&mut live.store, id, now_ms, &body)
        })?;
        Ok(sent(edited))
    }

    fn fail(&self, mut under_way: UnderWay, fault: Fault) -> Result<Response<WasiBody>, Refusal> {
        let answer = under_way.call(|live, id| {
            live.exports.matinee_edge_decision().call_fail(&mut live.store, id, failure(fault))
        })?;
        Ok(sent(answer))
    }

    fn fail_plain(&self, whose: &Whose, fault: Fault) -> Result<Response<WasiBody>, Refusal> {
        let (_, _, answer) = self.0.anywhere(|live| {
            let (id, path) = (&*whose.request_id, whose.path.as_str());
            let decision = live.exports.matinee_edge_decision();
            decision.call_fail_plain(&mut live.store, id, path, failure(fault))
        })?;
        Ok(sent(answer))
    }
}

/// `edited` is what is under way if the body is to be edited; `None` if it cannot be.
fn relayed_of(
    relayed: wit::Relayed,
    edited: impl FnOnce() -> Option<UnderWay>,
) -> Result<Relayed<UnderWay>, Refusal> {
    Ok(match relayed {
        wit::Relayed::Pass(head) => {
            let (status, headers) = parts(head);
            Relayed::Pass(status, headers)
        }
        wit::Relayed::Edit => Relayed::Edit(edited().ok_or(Refusal::Failed)?),
        wit::Relayed::Answer(answer) => Relayed::Answer(sent(answer)),
    })
}

const fn failure(fault: Fault) -> wit::Failure {
    match fault {
        Fault::Unreachable => wit::Failure::Unreachable,
        Fault::TimedOut => wit::Failure::TimedOut,
        Fault::BodyTooLarge => wit::Failure::BodyTooLarge,
        Fault::NotEditable => wit::Failure::NotEditable,
    }
}

fn step_of(
    step: wit::Step,
    under_way: impl FnOnce(u32) -> UnderWay,
) -> Result<Step<UnderWay>, Refusal> {
    Ok(match step {
        wit::Step::Answer(answer) => Step::Answer(sent(answer)),
        // Made first, so that it is forgotten if it cannot be sent.
        wit::Step::Fetch(fetch) => {
            let under_way = under_way(fetch.id);
            Step::Fetch(errand(fetch)?, under_way)
        }
        wit::Step::Plain(plain) => {
            let path = PathAndQuery::try_from(plain.path_and_query).map_err(|_| Refusal::Failed)?;
            let whose = Whose { request_id: plain.request_id.into(), path: path.clone() };
            let headers = lines::read(plain.headers);
            Step::Plain(Errand { method: Method::GET, path, headers }, whose)
        }
        wit::Step::Once(one) => {
            let key = u128::from(one.key.0) << 64 | u128::from(one.key.1);
            Step::Once(Use::new(key.to_be_bytes(), one.until), under_way(one.id))
        }
        wit::Step::Look(fetch) => {
            let under_way = under_way(fetch.id);
            Step::Look(errand(fetch)?, under_way)
        }
    })
}

fn errand(fetch: wit::Fetch) -> Result<Errand, Refusal> {
    let method = match fetch.verb {
        wit::Verb::Get => Method::GET,
        wit::Verb::Head => Method::HEAD,
        wit::Verb::Post => Method::POST,
        wit::Verb::Purge => Method::from_bytes(b"PURGE").map_err(|_| Refusal::Failed)?,
    };
    let path = fetch.path_and_query.try_into().map_err(|_| Refusal::Failed)?;
    Ok(Errand { method, path, headers: lines::read(fetch.headers) })
}

fn sent(answer: wit::Answer) -> Response<WasiBody> {
    let (status, headers) = parts(answer.head);
    whole(status, headers, answer.body.into())
}

fn parts(head: wit::Head) -> (StatusCode, HeaderMap) {
    if !head.log.is_empty() {
        warn!(target: "edge", "{}", head.log);
    }
    let status = StatusCode::from_u16(head.status).unwrap_or(StatusCode::BAD_GATEWAY);
    (status, lines::read(head.headers))
}
