//! A fake origin: says what a case tells it to, and remembers all that reached it.
//!
//! In: scripted answers per path, a deny list. Out: an address for an edge, and every request it got. Does not know the
//! edge.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use serde_json::{Value, json};
pub(crate) use tests::ticket::EDGE_KEY;
use tokio::net::TcpListener;

/// Longest body it reads, in bytes.
const BODY_MAX: usize = 1024 * 1024;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// A header's value, the empty text if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    /// All of it as one text, to look for what must not be in it.
    pub(crate) fn all(&self) -> String {
        format!("{self:?} {}", String::from_utf8_lossy(&self.body))
    }
}

/// What to say.
#[derive(Debug, Clone)]
pub(crate) struct Say {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    hold: Duration,
}

impl Say {
    /// A body of a type.
    pub(crate) fn body(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status: 200, headers, body: body.into(), hold: Duration::ZERO }
    }

    /// A problem of the origin's.
    pub(crate) fn problem(status: u16, code: &str) -> Self {
        let problem = json!({"status": status, "title": "t", "code": code, "request_id": "origin"});
        let mut say = Self::body("application/problem+json", problem.to_string());
        say.status = status;
        say
    }

    /// With one more header.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// With another status.
    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Only after a while.
    pub(crate) fn after(mut self, hold: Duration) -> Self {
        self.hold = hold;
        self
    }
}

#[derive(Default)]
struct Inner {
    says: HashMap<String, Say>,
    seen: Vec<Seen>,
    denied: Vec<Value>,
    version: u64,
    has_no_list: bool,
}

/// The fake origin; it stops with the test.
#[derive(Clone)]
pub(crate) struct Origin {
    inner: Arc<Mutex<Inner>>,
    pub(crate) address: SocketAddr,
}

impl Origin {
    /// On a free port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let origin = Self { inner: Arc::default(), address };
        let router = Router::new().fallback(answer).with_state(origin.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        origin
    }

    /// Its URL, as `MATINEE_ORIGIN` has it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, `path` is answered so.
    pub(crate) fn on(&self, path: &str, say: Say) {
        self.lock().says.insert(path.to_owned(), say);
    }

    /// Puts `{"ticket": id}` or `{"session": id}` on the deny list.
    pub(crate) fn deny(&self, kind: &str, id: &str, reason: &str) {
        let mut inner = self.lock();
        inner.version += 1;
        inner.denied.push(json!({kind: id, "reason": reason, "until": 4_000_000_000_i64}));
    }

    /// The same, with more to tell the viewer.
    pub(crate) fn deny_with(&self, kind: &str, id: &str, reason: &str, detail: &str) {
        self.deny(kind, id, reason);
        let mut inner = self.lock();
        if let Some(entry) = inner.denied.last_mut() {
            entry["detail"] = json!(detail);
        }
    }

    /// Whether the deny list can be had.
    pub(crate) fn has_list(&self, has: bool) {
        self.lock().has_no_list = !has;
    }

    /// What was asked below (or at) this path, in order.
    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        self.lock().seen.iter().filter(|seen| seen.path.starts_with(path)).cloned().collect()
    }

    /// What was asked of everything but the deny list.
    pub(crate) fn count(&self) -> usize {
        self.lock().seen.iter().filter(|seen| seen.path != "/edge/denied").count()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().expect("no case panics with the lock")
    }
}

async fn answer(
    State(origin): State<Origin>,
    request: Request<axum::body::Body>,
) -> Response<axum::body::Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_MAX).await.unwrap_or_default();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: body.to_vec(),
    };
    let say = say(&origin, &seen);
    origin.lock().seen.push(seen);
    tokio::time::sleep(say.hold).await;
    let mut response = Response::new(Bytes::from(say.body).into());
    *response.status_mut() = StatusCode::from_u16(say.status).expect("a status");
    for (name, value) in say.headers {
        let value = HeaderValue::from_str(&value).expect("a header value");
        response.headers_mut().append(HeaderName::from_static(name), value);
    }
    response
}

fn say(origin: &Origin, seen: &Seen) -> Say {
    let inner = origin.lock();
    if seen.header("matinee-edge-key") != EDGE_KEY {
        return Say::problem(401, "edge_unknown");
    }
    if seen.path == "/edge/denied" {
        if inner.has_no_list {
            return Say::problem(503, "no_list");
        }
        let list = json!({"version": inner.version, "entries": inner.denied});
        return Say::body("application/json", list.to_string()).with("cache-control", "max-age=1");
    }
    inner.says.get(&seen.path).cloned().unwrap_or_else(|| Say::problem(404, "object_unknown"))
}
