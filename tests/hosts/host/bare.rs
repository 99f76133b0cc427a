//! The component in plain `wasmtime-wasi-http`, as `wasmtime serve -Scli -Sp3` or Spin would run it.
//!
//! In: the settings, as the component's environment. Out: an edge in this process, with nothing of ours in it: no
//! cache, no collapsing, a new connection per request of the component. Does not know the cases.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep, timeout};
use wasmtime::component::{Component, GuestTaskId, Linker, ResourceTable};
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyHandler, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState,
    WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use super::{Running, Task, artefact};

/// What `wasmtime serve` does by default: requests per instance, at a time, and how long an idle one is kept.
const REUSE: usize = 128;
const CONCURRENT: usize = 16;
const IDLE: Duration = Duration::from_secs(1);
/// How long it waits for an answer if the component does not say.
const WAIT: Duration = Duration::from_secs(600);

struct Guest {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    plain: Plain,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.plain }
    }
}

/// The library's own way out, without its TLS.
struct Plain;

type Driver = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Result<(Response<WasiBody>, Driver), Error>;

impl WasiHttpHooks for Plain {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Driver,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let limit = options.and_then(|options| options.first_byte_timeout).unwrap_or(WAIT);
        Box::new(async move {
            timeout(limit, send(request)).await.unwrap_or(Err(Error::ConnectionReadTimeout))
        })
    }
}

async fn send(mut request: Request<WasiBody>) -> Sent {
    let authority = request.uri().authority().ok_or(Error::HttpRequestUriInvalid)?.to_string();
    let stream = TcpStream::connect(authority).await.map_err(Error::Connect)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let path = request.uri().path_and_query().cloned().ok_or(Error::HttpRequestUriInvalid)?;
    *request.uri_mut() = Uri::from(path);
    let response = sender.send_request(request).await?;
    let driver: Driver = Box::new(async move {
        drop(driver.await);
        Ok(())
    });
    Ok((response.map(|body| body.map_err(Error::from).boxed_unsync()), driver))
}

struct Instances {
    engine: Engine,
    pre: ServicePre<Guest>,
    environment: Vec<(String, String)>,
}

impl HandlerState for Instances {
    type StoreData = Guest;
    type WorkerExpiration = Idle;
    type WorkerState = Reuse;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Idle, Reuse>> {
        let guest = Guest {
            wasi: WasiCtx::builder().envs(&self.environment).inherit_stderr().build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            plain: Plain,
        };
        let mut store = Store::new(&self.engine, guest);
        let proxy = ProxyPre::P3(self.pre.clone()).instantiate_async(&mut store).await?;
        let expiration = Idle(Box::pin(sleep(IDLE)));
        Ok(Instance { store, proxy, view: Guest::http, expiration, state: Reuse })
    }
}

struct Idle(Pin<Box<Sleep>>);

impl WorkerExpiration for Idle {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        if status != WorkerStatus::Idle {
            return Poll::Pending;
        }
        self.0.as_mut().reset((start + IDLE).into());
        self.0.as_mut().poll(cx)
    }
}

struct Reuse;

impl WorkerState for Reuse {
    type StoreData = Guest;
    type RequestData = ();

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        match (concurrent, total) {
            (_, REUSE..) => ShouldAccept::Never,
            (CONCURRENT.., _) => ShouldAccept::No,
            _ => ShouldAccept::Yes,
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        Box::pin(std::future::pending())
    }

    fn drop(&self, _: Store<Guest>, result: Result<(), wasmtime::Error>) {
        result.expect("no instance fails in these cases");
    }
}

pub(super) async fn start(settings: &[(String, String)]) -> Running {
    let path = artefact("edge.wasm");
    let mut config = wasmtime::Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config).expect("an engine");
    let component = Component::from_file(&engine, path).expect("a component");
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI 0.2");
    wasmtime_wasi::p3::add_to_linker(&mut linker).expect("WASI 0.3");
    wasmtime_wasi_http::p3::add_to_linker(&mut linker).expect("wasi:http 0.3");
    let pre = linker.instantiate_pre(&component).expect("imports nothing but WASI");
    let pre = ServicePre::new(pre).expect("exports wasi:http/handler");
    let handler = ProxyHandler::new(Instances { engine, pre, environment: settings.to_vec() });

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, handler.clone()));
        }
    });
    Running { address, _life: Box::new(Task(task)) }
}

async fn serve(stream: TcpStream, handler: ProxyHandler<Instances>) {
    let handler = Arc::new(handler);
    let service = service_fn(move |request: Request<Incoming>| {
        let handler = Arc::clone(&handler);
        async move {
            let request = request.map(|body| body.map_err(Error::from).boxed_unsync());
            let response = handler.handle((), request).await.unwrap_or_else(|_| {
                let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
                let mut response = Response::new(body);
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                response
            });
            Ok::<_, Infallible>(response)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new();
    // A viewer that goes away is its own affair.
    drop(connection.serve_connection(TokioIo::new(stream), service).await);
}
