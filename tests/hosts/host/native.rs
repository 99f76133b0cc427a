//! The core without WebAssembly: `edge-answer` driven as its law says, fetching with `reqwest`.
//!
//! In: the settings. Out: an edge in this process. Does not know the cases.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use edge_answer::config::{
    BODY_BYTES_MAX, BUCKET_WAIT_MS, DENY_WAIT_MS, ORIGIN_WAIT_MS, PLAYLIST_BYTES_MAX,
};
use edge_answer::{
    Answer, Config, Decision, Fetch, Guarded, Head, Memory, Method, Relay, Went, decide,
    deny_request,
};
use tokio::net::TcpListener;

use super::{Running, Task, setting};

struct Shell {
    config: Config,
    memory: Mutex<Memory>,
    client: reqwest::Client,
}

pub(super) async fn start(settings: &[(String, String)]) -> Running {
    let lookup = |name: &str| Some(setting(settings, name).to_owned());
    let config = Config::from_lookup(lookup).expect("good settings");
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.build().expect("a client");
    let shell = Arc::new(Shell { config, memory: Mutex::default(), client });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().fallback(serve).with_state(shell);
    let task = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
    Running { address, _life: Box::new(Task(task)) }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_millis()).expect("milliseconds")
}

async fn serve(State(shell): State<Arc<Shell>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let state = RandomState::new();
    let random = u128::from(state.hash_one(0)) << 64 | u128::from(state.hash_one(1));
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let decision = decide(
        &shell.config,
        &edge_answer::Request {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query(),
            header: &header,
            client: edge_answer::Client::from_headers(&header),
        },
        now_ms(),
        random.to_be_bytes(),
    );
    let fetch = match decision {
        Decision::Answer(answer) => return whole(answer),
        Decision::Open(fetch) => fetch,
        Decision::Guarded(guarded) => match admit(&shell, guarded).await {
            Ok(fetch) => fetch,
            Err(answer) => return whole(answer),
        },
        Decision::Purge(purge) => return whole(purge.unsupported()),
    };
    let body = match (fetch.method, axum::body::to_bytes(body, BODY_BYTES_MAX).await) {
        (Method::Post, Ok(body)) => Some(body),
        (Method::Post, Err(_)) => return whole(fetch.body_too_large()),
        _ => None,
    };
    answer(&shell, &fetch, body).await
}

/// Step 2 of the law: the deny list.
async fn admit(shell: &Shell, guarded: Guarded) -> Result<Fetch, Answer> {
    let is_due = shell.memory.lock().expect("not poisoned").deny.is_due(now_ms());
    if is_due {
        let asked = now_ms();
        let fetch = deny_request(&shell.config, guarded.request_id());
        let list = async {
            let response = send(shell, &fetch, None).await.ok()?;
            (response.status() == 200).then_some(response.bytes().await.ok()?)
        };
        let wait = Duration::from_millis(DENY_WAIT_MS);
        let list = tokio::time::timeout(wait, list).await.ok().flatten();
        let deny = &mut shell.memory.lock().expect("not poisoned").deny;
        match list {
            Some(body) => drop(deny.accept(asked, 0, &body)),
            None => deny.failed(now_ms()),
        }
    }
    guarded.admit(&mut shell.memory.lock().expect("not poisoned"), now_ms())
}

/// Step 3 at the bucket: its answer, if it stands for the origin's, and the origin's headers for it.
async fn from_bucket(shell: &Shell, fetch: &Fetch) -> Option<(reqwest::Response, HeaderMap)> {
    let bucket = shell.config.bucket.as_ref()?;
    let sent = |name: &str| {
        let found = fetch.headers.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| &**value)
    };
    let memory = || shell.memory.lock().expect("not poisoned");
    let (method, path) = (fetch.method, fetch.path_and_query.as_str());
    let asked = memory().bucket.ask(bucket, method, path, &sent, now_ms())?.ok()?;
    let mut request = shell.client.get(bucket.at.url(&asked.path));
    for (name, value) in &asked.headers {
        request = request.header(*name, value.as_ref());
    }
    let wait = Duration::from_millis(BUCKET_WAIT_MS);
    let answer = match tokio::time::timeout(wait, request.send()).await {
        Err(_) => Err(Went::Slow),
        Ok(answer) => answer.map_err(|_| Went::Unreachable),
    };
    let went = match &answer {
        Ok(response) => {
            let header = |name: &str| response.headers().get(name)?.to_str().ok();
            asked.judge(response.status().as_u16(), &header)
        }
        Err(went) => *went,
    };
    memory().bucket.went(&asked, went, now_ms());
    let response = answer.ok().filter(|_| went == Went::Well)?;
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    let headers = asked.headers(&header).into_iter().map(|(name, value)| {
        (HeaderName::from_static(name), HeaderValue::from_str(&value).expect("a header value"))
    });
    let headers = headers.collect();
    Some((response, headers))
}

/// Steps 3 and 4: fetch and relay.
async fn answer(shell: &Shell, fetch: &Fetch, body: Option<axum::body::Bytes>) -> Response<Body> {
    if let Some((response, headers)) = from_bucket(shell, fetch).await {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        return match fetch.relay(response.status().as_u16(), &header) {
            Relay::Pass(head) => with(&head, Body::from_stream(response.bytes_stream())),
            Relay::Replace(answer) => whole(answer),
            Relay::Edit(_) => whole(fetch.not_editable()),
        };
    }
    let wait = Duration::from_millis(ORIGIN_WAIT_MS);
    let response = match tokio::time::timeout(wait, send(shell, fetch, body)).await {
        Err(_) => return whole(fetch.timed_out()),
        Ok(Err(_)) => return whole(fetch.unreachable()),
        Ok(Ok(response)) => response,
    };
    let headers = response.headers().clone();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match fetch.relay(response.status().as_u16(), &header) {
        Relay::Replace(answer) => whole(answer),
        Relay::Pass(head) => with(&head, Body::from_stream(response.bytes_stream())),
        Relay::Edit(head) => {
            let body = response.bytes().await.unwrap_or_default();
            if body.len() > PLAYLIST_BYTES_MAX {
                return whole(fetch.not_editable());
            }
            whole(fetch.edit(&shell.config, now_ms(), head, &body))
        }
    }
}

async fn send(
    shell: &Shell,
    fetch: &Fetch,
    body: Option<axum::body::Bytes>,
) -> reqwest::Result<reqwest::Response> {
    let url = shell.config.origin.url(&fetch.path_and_query);
    let method = fetch.method.name().parse().expect("a method");
    let mut request = shell.client.request(method, url);
    for (name, value) in &fetch.headers {
        request = request.header(*name, value.as_ref());
    }
    if let Some(body) = body {
        request = request.body(body);
    }
    request.send().await
}

fn whole(answer: Answer) -> Response<Body> {
    with(&answer.head, Body::from(answer.body))
}

fn with(head: &Head, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(head.status).expect("a status");
    let mut headers = HeaderMap::new();
    for (name, value) in &head.headers {
        let value = HeaderValue::from_str(value).expect("a header value");
        headers.insert(HeaderName::try_from(name.as_ref()).expect("a header name"), value);
    }
    *response.headers_mut() = headers;
    response
}
