//! Plain HTTP, sent to HTTPS.
//!
//! In: a listener, the port of the viewers' door. Out: `308 Permanent Redirect` to the same host, path and query. Does
//! not know certificates. A link with a token in it has crossed the network in the clear by then: nobody should be
//! given such links with `http://`.

use axum::Router;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The port that `https://` means when none is named.
const HTTPS: u16 = 443;

/// Answers until `stop`.
pub(super) async fn run(listener: TcpListener, port: u16, stop: CancellationToken) {
    let router = Router::new().fallback(move |request: Request| async move { to(&request, port) });
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = served.await {
        tracing::error!(%error, "the redirect broke off");
    }
}

fn to(request: &Request, port: u16) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = host.and_then(|host| host.parse::<Authority>().ok());
    let Some(authority) = authority.filter(|authority| !authority.as_str().contains('@')) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let host = authority.host();
    let place = match port {
        HTTPS => format!("https://{host}{path}"),
        port => format!("https://{host}:{port}{path}"),
    };
    match HeaderValue::from_str(&place) {
        Ok(place) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, place)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn sent_to(host: &str, target: &str, port: u16) -> Option<String> {
        let request =
            Request::builder().uri(target).header("host", host).body(Body::empty()).expect("good");
        let response = to(&request, port);
        response.headers().get("location").map(|place| place.to_str().expect("text").to_owned())
    }

    #[test]
    fn the_same_place_but_for_the_scheme() {
        let sent = sent_to("live.example", "/watch/x?a=b", 443);
        assert_eq!(sent.as_deref(), Some("https://live.example/watch/x?a=b"));
        let sent = sent_to("[::1]:8080", "/", 8443);
        assert_eq!(sent.as_deref(), Some("https://[::1]:8443/"));
        assert_eq!(sent_to("user@evil.example", "/", 443), None);
        assert_eq!(sent_to("not a host", "/", 443), None);
    }
}
