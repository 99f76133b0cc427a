//! What is told about a request: one line of the access log and the counters.
//!
//! In: a request's head, the answer's head, the bytes that were handed over. Out: a line without any secret, metrics.
//! Does not know bodies, but for the code of a denial.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hmac_sha256::HMAC;
use http::{HeaderMap, Request, Response, StatusCode, Version, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body as _;
use ipnet::IpNet;
use metrics::{counter, gauge};
use serde::Serialize;
use sha2::Sha256;
use shared_wire::Problem;
use shared_wire::header::{CACHE, TYPE_PROBLEM};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::{Level, enabled, info};
use wasmtime_wasi_http::WasiBody;

use crate::access_log::Lines;
use crate::cmcd;
use crate::config::{AccessLog, LoggedAddress, Viewers};
use crate::error::Error;

/// Longest problem body that is read for its code, in bytes.
const PROBLEM_BYTES_MAX: u64 = 4096;
/// Longest code that becomes a metric's label, in bytes.
const CODE_BYTES_MAX: usize = 32;
/// Longest path that is logged, in bytes.
const PATH_BYTES_MAX: usize = 120;
/// Longest step of a path that is logged, in bytes: a session or a token in the wrong place is longer.
const STEP_BYTES_MAX: usize = 40;
/// Bytes of the keyed hash that stands for a session.
const MARK_BYTES: usize = 6;
/// Longest method that is logged, in bytes.
const METHOD_BYTES_MAX: usize = 16;
/// First segments of the paths we serve; of any other path nothing is logged, for it may hold anything.
const KNOWN: [&str; 5] = ["live", "watch", "assets", "v1", "healthz"];

/// Counts a request that is being answered, until it is dropped.
pub(crate) struct InFlight;

impl InFlight {
    pub(crate) fn begin() -> Self {
        gauge!("matinee_edge_requests_in_flight").increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!("matinee_edge_requests_in_flight").decrement(1.0);
    }
}

/// The access log as all requests share it.
pub(crate) struct Journal {
    lines: Option<Lines>,
    is_off: bool,
    addresses: LoggedAddress,
    /// What the key alone makes of a session's hash.
    marks: Hmac<Sha256>,
}

/// One request; its line is written when this is dropped, which is when its answer is over.
pub(crate) struct Entry {
    journal: Arc<Journal>,
    start: Instant,
    line: Line,
}

/// A line of the access log.
#[derive(Debug, Serialize)]
struct Line {
    time: String,
    method: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    status: u16,
    bytes: u64,
    time_ms: u64,
    first_byte_ms: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    cache: String,
    http: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    request_id: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    cmcd: BTreeMap<&'static str, String>,
}

impl Journal {
    /// Opens the log. `secret` keys the hashes of sessions, so that edges with the same secret write the same ones.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn open(
        viewers: &Viewers,
        lines_max: usize,
        secret: &[u8],
    ) -> Result<Arc<Self>, Error> {
        // Longer keys are hashed, shorter ones filled up (RFC 2104, 2): this one has the length of a block.
        let mut key = [0; 64];
        let mac = HMAC::mac(b"matinee access log", secret);
        key.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
        let lines = Lines::open(&viewers.access, lines_max)?;
        let is_off = viewers.access == AccessLog::Off;
        Ok(Arc::new(Self {
            lines,
            is_off,
            addresses: viewers.addresses,
            marks: Hmac::new(&key.into()),
        }))
    }

    /// Notes a request, if anybody wants to read of it.
    pub(crate) fn note<B>(
        self: &Arc<Self>,
        request: &Request<B>,
        viewer: IpAddr,
        request_id: &str,
        start: Instant,
    ) -> Option<Entry> {
        if self.is_off || (self.lines.is_none() && !enabled!(target: "access", Level::INFO)) {
            return None;
        }
        let path = request.uri().path();
        let mark = |session: &str| {
            let mac = self.marks.clone().chain_update(session).finalize().into_bytes();
            HEXLOWER.encode(mac.get(..MARK_BYTES).unwrap_or_default())
        };
        let session = session(path).map(mark);
        let line = Line {
            time: OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default(),
            method: request.method().as_str().chars().take(METHOD_BYTES_MAX).collect(),
            path: redacted(path, session.as_deref()),
            session,
            status: 0,
            bytes: 0,
            time_ms: 0,
            first_byte_ms: 0,
            cache: String::new(),
            http: version(request.version()),
            client: self.address(viewer),
            request_id: request_id.to_owned(),
            cmcd: cmcd::read(request.uri().query(), request.headers()),
        };
        Some(Entry { journal: Arc::clone(self), start, line })
    }

    /// Waits until all lines so far are written, but not long.
    pub(crate) fn flush(&self) {
        if let Some(lines) = &self.lines {
            lines.flush();
        }
    }

    fn address(&self, viewer: IpAddr) -> Option<String> {
        let viewer = viewer.to_canonical();
        match self.addresses {
            LoggedAddress::None => None,
            LoggedAddress::Full => Some(viewer.to_string()),
            LoggedAddress::Network => {
                let network = IpNet::new(viewer, if viewer.is_ipv4() { 24 } else { 48 }).ok()?;
                Some(network.trunc().to_string())
            }
        }
    }
}

impl Entry {
    /// The answer begins.
    pub(crate) fn answered(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.line.status = status.as_u16();
        self.line.first_byte_ms = ms(self.start.elapsed());
        let cache = headers.get(CACHE).and_then(|value| value.to_str().ok());
        self.line.cache = cache.unwrap_or_default().to_owned();
    }

    /// Bytes of the body were handed over.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.line.bytes += bytes as u64;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let line = &mut self.line;
        line.time_ms = ms(self.start.elapsed());
        if let Some(lines) = &self.journal.lines {
            if let Ok(line) = serde_json::to_vec(line) {
                lines.put(line);
            }
            return;
        }
        info!(
            target: "access",
            method = line.method,
            path = line.path,
            status = line.status,
            bytes = line.bytes,
            time_ms = line.time_ms,
            first_byte_ms = line.first_byte_ms,
            cache = line.cache,
            http = line.http,
            client = line.client,
            request_id = line.request_id,
            cmcd = (!line.cmcd.is_empty()).then(|| format!("{:?}", line.cmcd)),
            "request"
        );
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_11 => "1.1",
        _ => "1.0",
    }
}

/// The session in a path.
pub(crate) fn session(path: &str) -> Option<&str> {
    path.strip_prefix("/p/").and_then(|rest| rest.split('/').next())
}

/// The path as it may be logged: never the query (a token may be in it), never the session but for its mark.
fn redacted(path: &str, mark: Option<&str>) -> String {
    let mut steps = path.splitn(3, '/').skip(1);
    let (first, rest) = (steps.next().unwrap_or_default(), steps.next().unwrap_or_default());
    let shown = if first == "p" {
        let rest = rest.split_once('/').map_or("", |(_, rest)| rest);
        format!("/p/~{}/{rest}", mark.unwrap_or_default())
    } else if KNOWN.contains(&first) {
        path.to_owned()
    } else {
        return "/*".to_owned();
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-~".contains(c);
    let short = shown.split('/').all(|step| step.len() <= STEP_BYTES_MAX);
    if shown.len() > PATH_BYTES_MAX || !short || !shown.chars().all(plain) {
        return format!("/{first}/*");
    }
    shown
}

/// Counts a denial by the `code` of its problem, and hands the answer on as it was.
pub(crate) async fn count_denial(response: Response<WasiBody>) -> Response<WasiBody> {
    let is_denial = matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    let is_problem =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|t| t == TYPE_PROBLEM);
    if !is_denial {
        return response;
    }
    let small = response.body().size_hint().upper().is_some_and(|bytes| bytes <= PROBLEM_BYTES_MAX);
    if !(is_problem && small) {
        denied("other");
        return response;
    }
    let (parts, body) = response.into_parts();
    // A body that breaks off is answered as far as it came; its length tells the viewer.
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let code = serde_json::from_slice::<Problem>(&body).map(|problem| problem.code);
    let form = |code: &String| {
        (1..=CODE_BYTES_MAX).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    denied(code.ok().filter(form).as_deref().unwrap_or("other"));
    Response::from_parts(parts, Full::new(body).map_err(|never| match never {}).boxed_unsync())
}

fn denied(reason: &str) {
    counter!("matinee_edge_denials_total", "reason" => reason.to_owned()).increment(1);
}

/// Counts an answer.
pub(crate) fn count(status: StatusCode, version: Version) {
    let class = match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    };
    let http = self::version(version);
    counter!("matinee_edge_requests_total", "status" => class, "http" => http).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_shows_a_session_or_a_stranger() {
        for (path, shown) in [
            ("/p/abc.def/720p/index.m3u8", "/p/~m/720p/index.m3u8"),
            ("/p/abc.def", "/p/~m/"),
            ("/p//abc/x", "/p/~m/abc/x"),
            ("/live/0123/index.m3u8", "/live/0123/index.m3u8"),
            ("/live/%20/index.m3u8", "/live/*"),
            ("//p/secret/x", "/*"),
            ("/%70/secret/x", "/*"),
            ("/", "/*"),
            ("", "/*"),
        ] {
            assert_eq!(redacted(path, Some("m")), shown, "{path}");
        }
        let long = "x".repeat(41);
        assert_eq!(redacted(&format!("/p//{long}/index.m3u8"), None), "/p/*");
        assert_eq!(redacted(&format!("/live/{}", "x/".repeat(100)), None), "/live/*");
    }

    #[test]
    fn edges_with_the_same_secret_write_the_same_marks() {
        let journal = Journal::open(&Viewers::default(), 1, b"secret").unwrap();
        let ours = journal.marks.clone().chain_update("a.session").finalize().into_bytes();
        let key = HMAC::mac(b"matinee access log", b"secret");
        assert_eq!(<[u8; 32]>::from(ours), HMAC::mac(b"a.session", key));
    }

    #[test]
    fn an_address_may_be_logged_in_part() {
        let shown = |addresses, ip: &str| {
            let viewers = Viewers { addresses, ..Viewers::default() };
            Journal::open(&viewers, 1, b"").unwrap().address(ip.parse().unwrap())
        };
        let network = |ip| shown(LoggedAddress::Network, ip);
        assert_eq!(network("203.0.113.77").as_deref(), Some("203.0.113.0/24"));
        assert_eq!(network("2001:db8:1:2::3").as_deref(), Some("2001:db8:1::/48"));
        assert_eq!(shown(LoggedAddress::Full, "::ffff:192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(shown(LoggedAddress::None, "192.0.2.1"), None);
    }
}
