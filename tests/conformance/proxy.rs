//! A proxy that breaks one rule.
//!
//! In: a house's edge and a [`Case`]. Out: the address of a server that answers as the house does, but for one thing.
//! Does not know the rules.

use std::io::Write as _;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use reqwest::Client;
use tokio::net::TcpListener;

use crate::cases::Case;

/// What was asked for; a case may change it before it is asked of the house.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) query: String,
}

/// What is answered; a case may change it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Wait so long before the head.
    pub(crate) wait: Duration,
    /// Wait so long in the middle of the body.
    pub(crate) pause: Duration,
    /// Compress playlists for those who take it.
    pub(crate) gzip: bool,
}

impl Asked {
    pub(crate) fn is_playlist(&self) -> bool {
        self.path.ends_with(".m3u8")
    }

    pub(crate) fn is_multivariant(&self) -> bool {
        self.path.contains("/live/") || self.path.matches('/').count() < 3
    }

    pub(crate) fn is_i_frames(&self) -> bool {
        self.path.ends_with("iframes.m3u8")
    }

    /// A part of a segment, by the house's names.
    pub(crate) fn is_part(&self) -> bool {
        self.path.rsplit('/').next().is_some_and(|file| file.starts_with('p')) && self.is_media()
    }

    pub(crate) fn is_media(&self) -> bool {
        self.path.ends_with(".m4s")
    }
}

#[derive(Clone)]
struct Place {
    edge: String,
    client: Client,
    case: Case,
}

/// Starts it; the address, such as `127.0.0.1:40001`.
pub(crate) async fn start(edge: &str, case: Case) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    let place = Place { edge: edge.to_owned(), client: Client::new(), case };
    let router = Router::new().fallback(answer).with_state(place);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A playlist's address, behind the proxy.
pub(crate) fn before(proxy: &str, url: &str) -> String {
    let path = url.splitn(4, '/').nth(3).expect("a path");
    format!("http://{proxy}/{path}")
}

async fn answer(State(place): State<Place>, request: Request) -> Response {
    let uri = request.uri();
    let mut asked =
        Asked { path: uri.path().to_owned(), query: uri.query().unwrap_or_default().to_owned() };
    let first = asked.clone();
    (place.case.ask)(&mut asked);
    let mut reply = house(&place, &asked, request.headers()).await;
    (place.case.change)(&first, &mut reply);
    tokio::time::sleep(reply.wait).await;
    let takes = request.headers().get(header::ACCEPT_ENCODING).is_some_and(|list| list == "gzip");
    let mut response = Response::builder().status(reply.status);
    if reply.gzip && takes && first.is_playlist() {
        reply.body = packed(&reply.body);
        reply.headers.insert(header::CONTENT_ENCODING, "gzip".parse().expect("a value"));
    }
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response.body(body(reply)).expect("a response")
}

async fn house(place: &Place, asked: &Asked, headers: &HeaderMap) -> Reply {
    let and = if asked.query.is_empty() { "" } else { "?" };
    let url = format!("{}{}{and}{}", place.edge, asked.path, asked.query);
    let mut request = place.client.get(url);
    if let Some(range) = headers.get(header::RANGE) {
        request = request.header(header::RANGE, range);
    }
    let Ok(response) = request.send().await else {
        return Reply { status: StatusCode::BAD_GATEWAY.as_u16(), ..Reply::default() };
    };
    let status = response.status().as_u16();
    let mut headers = response.headers().clone();
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    headers.remove(header::CONNECTION);
    let body = response.bytes().await.map(|bytes| bytes.to_vec()).unwrap_or_default();
    Reply { status, headers, body, gzip: true, ..Reply::default() }
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// The body, in two halves with a pause between, if there is to be one.
fn body(reply: Reply) -> Body {
    if reply.pause.is_zero() {
        return Body::from(reply.body);
    }
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(2);
    tokio::spawn(async move {
        let mut first = reply.body;
        let second = first.split_off(first.len() / 2);
        let _ = sender.send(Ok(first.into())).await;
        tokio::time::sleep(reply.pause).await;
        let _ = sender.send(Ok(second.into())).await;
    });
    Body::new(http_body_util::StreamBody::new(Frames(receiver)))
}

/// The halves as frames of a body.
struct Frames(tokio::sync::mpsc::Receiver<Result<Bytes, std::io::Error>>);

impl futures::Stream for Frames {
    type Item = Result<hyper::body::Frame<Bytes>, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|half| half.map(|half| half.map(hyper::body::Frame::data)))
    }
}
