//! One question, and everything that can be said of its answer.
//!
//! In: an address. Out: an [`Exchange`] and the body. Does not know why it is asked.

use std::io::Read as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::{Client, Response, Version, header};

use crate::config::{CONNECT_MAX, Config};
use crate::error::Error;
use crate::machine::resolve;
use crate::machine::seen::Exchange;

/// Most redirections followed to the first playlist.
const REDIRECTIONS_MAX: usize = 5;

/// A way to ask.
#[derive(Clone)]
pub(super) struct Fetcher {
    client: Client,
    cookie: Option<String>,
    start: Instant,
}

/// An answer.
pub(super) struct Got {
    pub(super) exchange: Exchange,
    /// Without its transfer coding.
    pub(super) body: Vec<u8>,
}

/// What may be asked beside the address.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wish<'a> {
    /// `Accept-Encoding: gzip`.
    pub(super) gzip: bool,
    /// A byte range as playlists write it: `length@offset`.
    pub(super) range: Option<&'a str>,
}

impl Fetcher {
    pub(super) fn new(config: &Config, start: Instant) -> Result<Self, Error> {
        let client = Client::builder()
            .connect_timeout(CONNECT_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .tls_danger_accept_invalid_certs(config.insecure)
            .build()
            .map_err(|error| Error::System(error.to_string()))?;
        Ok(Self { client, cookie: config.cookie.clone(), start })
    }

    /// The first playlist, wherever it is moved to.
    pub(super) async fn follow_redirects(
        &self,
        url: &str,
        bytes_max: usize,
        within: Duration,
    ) -> Result<Got, Error> {
        let mut url = url.to_owned();
        for _ in 0..REDIRECTIONS_MAX {
            let wish = Wish { gzip: true, range: None };
            let got = self.get(&url, wish, bytes_max, within).await;
            let moved = matches!(got.exchange.status, 301..=308);
            match got.exchange.header("location").filter(|_| moved) {
                Some(place) => url = resolve(&url, place),
                None if got.exchange.status == 0 => {
                    let said = String::from_utf8_lossy(&got.body).into_owned();
                    return Err(Error::Unreachable(said));
                }
                None => return Ok(got),
            }
        }
        Err(Error::Unreachable("it redirects without end".to_owned()))
    }

    /// Asks. What fails on the way, or is larger than `bytes_max`, has status 0, and the body says why.
    pub(super) async fn get(
        &self,
        url: &str,
        wish: Wish<'_>,
        bytes_max: usize,
        within: Duration,
    ) -> Got {
        let asked_us = self.now_us();
        let mut exchange = Exchange {
            place: place(url),
            url: url.to_owned(),
            asked_us,
            head_us: asked_us,
            ..Exchange::default()
        };
        let asking = self.ask(url, wish, bytes_max, &mut exchange);
        let body = match tokio::time::timeout(within, asking).await {
            Ok(Ok(body)) => body,
            Ok(Err(why)) => {
                exchange.status = 0;
                why.into_bytes()
            }
            Err(_) => {
                exchange.status = 0;
                b"it takes too long".to_vec()
            }
        };
        exchange.done_us = self.now_us();
        if exchange.status == 0 {
            exchange.head_us = exchange.done_us;
        }
        exchange.utc_us = utc_us();
        Got { exchange, body }
    }

    async fn ask(
        &self,
        url: &str,
        wish: Wish<'_>,
        bytes_max: usize,
        exchange: &mut Exchange,
    ) -> Result<Vec<u8>, String> {
        let mut request = self.client.get(url);
        if wish.gzip {
            request = request.header(header::ACCEPT_ENCODING, "gzip");
        }
        if let Some(range) = wish.range.and_then(http_range) {
            request = request.header(header::RANGE, range);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        // The address holds what may be secret.
        let said = |error: reqwest::Error| reason(&error.without_url());
        let response = request.send().await.map_err(said)?;
        exchange.head_us = self.now_us();
        exchange.status = response.status().as_u16();
        exchange.http = if response.version() >= Version::HTTP_2 { 2 } else { 1 };
        exchange.headers = headers(&response);
        let body = read(response, bytes_max).await?;
        exchange.bytes = body.len();
        let packed = exchange.header("content-encoding").is_some_and(|name| name.contains("gzip"));
        if packed { unpacked(&body, bytes_max) } else { Ok(body) }
    }

    /// Microseconds since the check began.
    fn now_us(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

async fn read(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error.without_url()))? {
        if body.len() + chunk.len() > bytes_max {
            return Err(format!("it is larger than {bytes_max} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unpacked(body: &[u8], bytes_max: usize) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    let most = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let read = flate2::read::MultiGzDecoder::new(body).take(most).read_to_end(&mut all);
    read.map(|_| all).map_err(|error| error.to_string())
}

fn headers(response: &Response) -> Vec<(String, String)> {
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// `length@offset` as `bytes=first-last`.
fn http_range(range: &str) -> Option<String> {
    let (length, offset) = range.split_once('@')?;
    let (length, offset): (u64, u64) = (length.parse().ok()?, offset.parse().ok()?);
    Some(format!("bytes={offset}-{}", offset.checked_add(length.checked_sub(1)?)?))
}

/// The innermost reason: the outer ones say only that sending failed.
fn reason(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// The last two steps of an address's path: sessions and tokens stand before them, or in the query.
pub(super) fn place(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let mut steps: Vec<&str> = path.rsplit('/').take(2).collect();
    steps.reverse();
    steps.join("/")
}

fn utc_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
