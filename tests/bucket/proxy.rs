//! A proxy before an S3 server, on which things go wrong when they are told to.
//!
//! In: requests. Out: the server's answers, or what a bad network or a bad server makes of them. Does not know S3.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

type Body = http_body_util::combinators::BoxBody<Bytes, io::Error>;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing bad.
    None,
    /// The server says 500, and does nothing.
    Error,
    /// The connection breaks off before the server has the request.
    Reset,
    /// The server does it, and the connection breaks off before it has said so.
    Unheard,
    /// The answer's body comes a few bytes at a time.
    Slow,
    /// The answer breaks off in the middle of its body.
    Torn,
    /// Nobody answers until this is over.
    Silent,
}

/// A request, as it was seen.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) fault: Fault,
}

struct State {
    upstream: SocketAddr,
    /// In turn, over and over.
    faults: Mutex<(Vec<Fault>, usize)>,
    seen: Mutex<Vec<Seen>>,
}

/// A running proxy.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn before(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let faults = Mutex::new((vec![Fault::None], 0));
        let state = Arc::new(State { upstream, faults, seen: Mutex::default() });
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&state), request));
                    let connection = hyper::server::conn::http1::Builder::new();
                    // Connections break off: that is what this is for.
                    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, state, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What becomes of requests from now on, in turn.
    pub(crate) fn faults(&self, faults: &[Fault]) {
        *self.state.faults.lock().expect("whole") = (faults.to_vec(), 0);
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().expect("whole").clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    fn next(&self) -> Fault {
        let mut faults = self.faults.lock().expect("whole");
        let fault = faults.0[faults.1 % faults.0.len()];
        faults.1 += 1;
        fault
    }

    fn is_silent(&self) -> bool {
        self.faults.lock().expect("whole").0.contains(&Fault::Silent)
    }
}

fn broken() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let fault = state.next();
    state.seen.lock().expect("whole").push(Seen {
        method: request.method().to_string(),
        target: request.uri().to_string(),
        headers: request.headers().clone(),
        fault,
    });
    let (head, body) = request.into_parts();
    if fault == Fault::Reset {
        return Err(broken());
    }
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    match fault {
        Fault::Error => {
            let text = "<Error><Code>InternalError</Code><Message>by order</Message></Error>";
            let body = Full::new(Bytes::from(text)).map_err(|never: Infallible| match never {});
            let answer = Response::builder().status(500).body(body.boxed());
            return answer.map_err(io::Error::other);
        }
        Fault::Silent => {
            while state.is_silent() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            return Err(broken());
        }
        _ => {}
    }
    let stream = TcpStream::connect(state.upstream).await?;
    let connection = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = connection.map_err(io::Error::other)?;
    tokio::spawn(connection);
    let request = Request::from_parts(head, Full::new(body));
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    if fault == Fault::Unheard {
        return Err(broken());
    }
    Ok(Response::from_parts(head, sent(fault, body)))
}

/// The body as it comes on its way.
fn sent(fault: Fault, body: Bytes) -> Body {
    let pieces = match fault {
        Fault::Slow => body.chunks(body.len() / 8 + 1).map(Bytes::copy_from_slice).collect(),
        Fault::Torn => vec![body.slice(..body.len() / 2)],
        _ => return Full::new(body).map_err(|never: Infallible| match never {}).boxed(),
    };
    let torn = (fault == Fault::Torn).then(|| Err(broken()));
    let pieces = stream::iter(pieces).then(|piece| async move {
        tokio::time::sleep(Duration::from_millis(40)).await;
        Ok(Frame::data(piece))
    });
    http_body_util::BodyExt::boxed(StreamBody::new(pieces.chain(stream::iter(torn))))
}
