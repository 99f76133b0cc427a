//! Fetches from the origin.
//!
//! In: a fetch that was decided. Out: what to send to the viewer. Waits as long as the limits of `edge-answer` say.
//! Closed segments are asked of the bucket first, if there is one (`bucket`).

use edge_answer::config::{
    BODY_BYTES_MAX, DENY_BYTES_MAX, DENY_WAIT_MS, ORIGIN_WAIT_MS, PLAYLIST_BYTES_MAX,
};
use edge_answer::{BucketFetch, Config, Fetch, Head, Method, Origin, Relay, Text, deny_request};
use http_body_util::{BodyExt, Limited};
use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{self, ErrorCode, Fields, RequestOptions, Response, Scheme};
use spin_sdk::wasip3::http_compat::{IncomingBody, IncomingMessage};
use spin_sdk::wasip3::{wit_future, wit_stream};
use spin_sdk::wit_bindgen::spawn;

use crate::bucket;
use crate::state;
use crate::viewer::Outcome;

/// The body of a viewer's request.
pub(crate) type ViewerBody = IncomingBody<types::Request>;

/// Makes a fetch and says what to send.
pub(crate) async fn fetch(config: &Config, mut fetch: Fetch, body: ViewerBody) -> Outcome {
    let body = match fetch.method {
        Method::Post => match read(body, BODY_BYTES_MAX).await {
            Some(body) => Some(body),
            None => return Outcome::Answer(fetch.body_too_large()),
        },
        Method::Get | Method::Head | Method::Purge => None,
    };
    if let Some((bucket, response)) = bucket::read(config, &fetch).await {
        return relay_from(config, &fetch, response, Some(&bucket)).await;
    }
    let sent = match request(config, &mut fetch, body, ORIGIN_WAIT_MS) {
        Ok(request) => client::send(request).await,
        Err(error) => Err(error),
    };
    match sent {
        Ok(response) => relay_from(config, &fetch, response, None).await,
        Err(error) => Outcome::Answer(refused(&fetch, &error)),
    }
}

/// The deny list's age in seconds and its bytes, if the origin sends them in time.
pub(crate) async fn deny_list(config: &Config, request_id: &str) -> Option<(u64, Vec<u8>)> {
    let mut fetch = deny_request(config, request_id);
    let request = request(config, &mut fetch, None, DENY_WAIT_MS).ok()?;
    let response = client::send(request).await.ok()?;
    let is_good = response.get_status_code() == 200;
    let age = response.get_headers().get("age").into_iter().next();
    let age = age.and_then(|age| std::str::from_utf8(&age).ok()?.trim().parse().ok());
    let body = IncomingBody::new(response).ok().filter(|_| is_good)?;
    Some((age.unwrap_or(0), read(body, DENY_BYTES_MAX).await?))
}

/// What becomes of the origin's answer, or of the bucket's in the origin's headers.
async fn relay_from(
    config: &Config,
    fetch: &Fetch,
    response: Response,
    bucket: Option<&BucketFetch>,
) -> Outcome {
    let headers: Vec<(String, Vec<u8>)> = response.get_headers().copy_all();
    let own = |name: &str| {
        let found = headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| std::str::from_utf8(value).ok())
    };
    let dressed = bucket.map(|bucket| bucket.headers(&own));
    let lookup = |name: &str| match &dressed {
        Some(dressed) => {
            let found = dressed.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| &**value)
        }
        None => own(name),
    };
    match fetch.relay(response.get_status_code(), &lookup) {
        Relay::Pass(head) if fetch.method == Method::Head => Outcome::head(head),
        Relay::Pass(head) => Outcome::Pass(head, response),
        Relay::Replace(answer) => Outcome::Answer(answer),
        Relay::Edit(head) => Outcome::Answer(match playlist(response).await {
            Some(body) => fetch.edit(config, state::now_ms(), head, &body),
            None => fetch.not_editable(),
        }),
    }
}

async fn playlist(response: Response) -> Option<Vec<u8>> {
    read(IncomingBody::new(response).ok()?, PLAYLIST_BYTES_MAX).await
}

/// A whole body, if it is not longer than `bytes_max` and does not break off.
async fn read<T: IncomingMessage>(body: IncomingBody<T>, bytes_max: usize) -> Option<Vec<u8>> {
    let whole = Limited::new(body, bytes_max).collect().await.ok()?;
    Some(whole.to_bytes().into())
}

/// The fetch as the host takes it; its headers move over.
fn request(
    config: &Config,
    fetch: &mut Fetch,
    body: Option<Vec<u8>>,
    wait_ms: u64,
) -> Result<types::Request, ErrorCode> {
    let headers = std::mem::take(&mut fetch.headers);
    let line = (fetch.method, fetch.path_and_query.as_str());
    request_to(&config.origin, line, headers, body, wait_ms)
}

/// A request to an address.
pub(crate) fn request_to(
    at: &Origin,
    (verb, path_and_query): (Method, &str),
    headers: Vec<(&'static str, Text)>,
    body: Option<Vec<u8>>,
    wait_ms: u64,
) -> Result<types::Request, ErrorCode> {
    let list: Vec<(String, Vec<u8>)> = headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into_owned().into_bytes()))
        .collect();
    let headers = Fields::from_list(&list).map_err(|_| ErrorCode::HttpProtocolError)?;
    if let Some(body) = &body {
        let length = body.len().to_string().into_bytes();
        headers.append("content-length", &length).map_err(|_| ErrorCode::HttpProtocolError)?;
    }
    let (_, trailers) = wit_future::new(|| Ok(None));
    let contents = body.map(|body| {
        let (mut writer, reader) = wit_stream::new();
        spawn(async move {
            writer.write_all(body).await;
        });
        reader
    });
    let (request, _) = types::Request::new(headers, contents, trailers, options(wait_ms));
    let scheme = if at.is_tls { Scheme::Https } else { Scheme::Http };
    let refused = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_method(&method(verb)).map_err(refused)?;
    request.set_scheme(Some(&scheme)).map_err(refused)?;
    request.set_authority(Some(&at.authority)).map_err(refused)?;
    request.set_path_with_query(Some(path_and_query)).map_err(refused)?;
    Ok(request)
}

/// How long to wait for the head of an answer. A host that knows no such limit has its own.
fn options(wait_ms: u64) -> Option<RequestOptions> {
    let options = RequestOptions::new();
    let wait_ns = Some(wait_ms.saturating_mul(1_000_000));
    let connect = options.set_connect_timeout(wait_ns);
    let first_byte = options.set_first_byte_timeout(wait_ns);
    (connect.is_ok() && first_byte.is_ok()).then_some(options)
}

fn method(method: Method) -> types::Method {
    match method {
        Method::Get => types::Method::Get,
        Method::Head => types::Method::Head,
        Method::Post => types::Method::Post,
        Method::Purge => types::Method::Other(method.name().to_owned()),
    }
}

fn refused(fetch: &Fetch, error: &ErrorCode) -> edge_answer::Answer {
    match error {
        ErrorCode::DnsTimeout
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => fetch.timed_out(),
        _ => fetch.unreachable(),
    }
}

impl Outcome {
    /// A head alone. It says nothing of the body's length: some hosts hold the empty body against it.
    fn head(mut head: Head) -> Self {
        head.headers.retain(|(name, _)| name != "content-length");
        Self::whole(head, Vec::new())
    }

    const fn whole(head: Head, body: Vec<u8>) -> Self {
        Self::Answer(edge_answer::Answer { head, body })
    }
}
