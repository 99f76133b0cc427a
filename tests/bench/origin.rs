//! The origin behind both sides: fixed objects, to be cached for an hour.
//!
//! In: the stage's bytes. Out: an address. Does not know who asks; it is asked once per object.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// How long the deny list's followers are held.
const HOLD: Duration = Duration::from_secs(25);

struct Objects {
    playlist: Bytes,
    multivariant: Bytes,
    segment: Bytes,
}

/// Starts it on the current runtime.
pub(crate) async fn start(stage: &crate::stage::Stage) -> io::Result<SocketAddr> {
    let objects = Arc::new(Objects {
        playlist: stage.playlist.clone().into(),
        multivariant: stage.multivariant.clone().into(),
        segment: stage.segment.clone().into(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let objects = Arc::clone(&objects);
            let service = service_fn(move |request| {
                let objects = Arc::clone(&objects);
                async move { Ok::<_, Infallible>(answer(&objects, &request).await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}

async fn answer(objects: &Objects, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    if path == "/edge/denied" {
        if request.uri().query().is_some_and(|query| query.contains("since=1")) {
            tokio::time::sleep(HOLD).await;
            return with(StatusCode::NOT_MODIFIED, "application/json", "no-store", Bytes::new());
        }
        let list = Bytes::from_static(br#"{"version":1,"entries":[]}"#);
        return with(StatusCode::OK, "application/json", "max-age=1", list);
    }
    let (kind, body) = match path.rsplit('/').next().unwrap_or_default() {
        "media.m3u8" => ("application/vnd.apple.mpegurl", &objects.playlist),
        "index.m3u8" if path.matches('/').count() == 4 => {
            ("application/vnd.apple.mpegurl", &objects.playlist)
        }
        "index.m3u8" | "multivariant.m3u8" => {
            ("application/vnd.apple.mpegurl", &objects.multivariant)
        }
        name if name.ends_with(".m4s") => ("video/mp4", &objects.segment),
        _ => return with(StatusCode::NOT_FOUND, "text/plain", "no-store", Bytes::new()),
    };
    with(StatusCode::OK, kind, "public, max-age=3600", body.clone())
}

fn with(
    status: StatusCode,
    kind: &'static str,
    cache: &'static str,
    body: Bytes,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert("surrogate-key", HeaderValue::from_static(crate::stage::SHOW));
    headers.insert(header::ETAG, HeaderValue::from_static("\"one\""));
    response
}
