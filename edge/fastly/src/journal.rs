//! The access log: one JSON object per answer, to a log endpoint of Fastly's.
//!
//! In: a request, its answer, what the sandbox has used. Out: a line without any secret. Does not know where it ends
//! up.
//!
//! A session is a keyed hash, the same that our own host writes with the same edge key. Of the viewer's address the
//! network is left; of CMCD (CTA-5004) what tells how playback goes, not `sid`, `cid`, `nor` and `nrr`.

use std::io::Write as _;
use std::net::IpAddr;

use data_encoding::HEXLOWER;
use fastly::compute_runtime::{elapsed_vcpu_ms, heap_memory_snapshot_mib};
use fastly::log::Endpoint;
use fastly::{Request, Response};
use hmac_sha256::HMAC;
use serde_json::{Map, Value, json};

use crate::config::{ACCESS_LOG, CMCD_BYTES_MAX, CMCD_VALUE_BYTES_MAX};
use crate::state;

/// Bytes of the keyed hash that stands for a session.
const MARK_BYTES: usize = 6;
/// The headers of a player that does not use the query.
const CMCD_HEADERS: [&str; 4] = ["cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status"];
/// What is kept of CMCD.
const CMCD_KEYS: [&str; 21] = [
    "bg", "bl", "br", "bs", "d", "df", "dl", "e", "ltc", "mtp", "ot", "pr", "pt", "rtp", "sf",
    "st", "sta", "su", "tb", "ttfb", "v",
];

/// Where lines go, if anywhere.
pub(crate) struct Journal {
    endpoint: Option<Endpoint>,
    key: [u8; 32],
    lookups: u32,
    requests: u32,
}

/// A request whose answer is awaited.
pub(crate) struct Entry {
    began_ms: i64,
    cpu_ms: u64,
    line: Map<String, Value>,
}

impl Journal {
    /// Opens the endpoint of this name. `secret` keys the hashes; `lookups` were made in stores to get here.
    pub(crate) fn open(name: Option<&str>, secret: &[u8], lookups: u32) -> Self {
        let endpoint = name.and_then(|name| {
            let endpoint = Endpoint::try_from_name(name);
            endpoint.map_err(|error| eprintln!("configuration: {ACCESS_LOG}: {error}")).ok()
        });
        let key = HMAC::mac(b"matinee access log", secret);
        Self { endpoint, key, lookups, requests: 0 }
    }

    /// Notes a request, if there is a log.
    pub(crate) fn note(
        &mut self,
        asked: &edge_answer::Request<'_>,
        sent: &Request,
    ) -> Option<Entry> {
        self.endpoint.as_ref()?;
        self.requests = self.requests.saturating_add(1);
        let mut line = Map::new();
        let mut put = |name: &str, value: Value| drop(line.insert(name.to_owned(), value));
        put("request", asked.described().into());
        let session = asked.path.strip_prefix("/p/").and_then(|rest| rest.split('/').next());
        if let Some(session) = session {
            let mac = HMAC::mac(session.as_bytes(), self.key);
            put("session", HEXLOWER.encode(mac.get(..MARK_BYTES).unwrap_or_default()).into());
        }
        put("client", asked.client.ip.map(network).into());
        put("http", format!("{:?}", sent.get_version()).into());
        let cmcd = cmcd(sent);
        if !cmcd.is_empty() {
            put("cmcd", cmcd.into());
        }
        let cpu_ms = elapsed_vcpu_ms().unwrap_or_default();
        Some(Entry { began_ms: state::now_ms(), cpu_ms, line })
    }

    /// Writes the line of a request that was answered so, with so many requests to the origin or the shield.
    pub(crate) fn write(&self, entry: Entry, answered: &Answered, fetches: u32) {
        let Entry { began_ms, cpu_ms, mut line } = entry;
        let now_ms = state::now_ms();
        let total_ms = elapsed_vcpu_ms().unwrap_or_default();
        let mut put = |name: &str, value: Value| drop(line.insert(name.to_owned(), value));
        put("unix_ms", now_ms.into());
        put("time_ms", now_ms.saturating_sub(began_ms).into());
        put("status", answered.status.into());
        put("bytes", answered.bytes.into());
        put("cache", answered.cache.clone().into());
        put("request_id", answered.request_id.clone().into());
        put("fetches", fetches.into());
        put("cpu_ms", total_ms.saturating_sub(cpu_ms).into());
        let sandbox = json!({
            "requests": self.requests,
            "cpu_ms": total_ms,
            "heap_mib": heap_memory_snapshot_mib().unwrap_or_default(),
            "lookups": self.lookups,
        });
        put("sandbox", sandbox);
        let Some(mut endpoint) = self.endpoint.clone() else { return };
        // One write is one line. A log that does not take it must not cost a viewer anything.
        let line = Value::Object(line).to_string();
        drop(endpoint.write(line.as_bytes()));
    }
}

/// What the log says of an answer.
pub(crate) struct Answered {
    status: u16,
    /// As its head says: bodies are handed over by the host.
    bytes: Option<u64>,
    cache: Option<String>,
    request_id: Option<String>,
}

impl Answered {
    pub(crate) fn of(response: &Response) -> Self {
        let text = |name: &str| response.get_header_str(name).map(str::to_owned);
        Self {
            status: response.get_status().as_u16(),
            bytes: text("content-length").and_then(|length| length.parse().ok()),
            cache: text("x-cache"),
            request_id: text("x-request-id"),
        }
    }
}

/// The network of an address: /24 or /48.
fn network(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

fn cmcd(request: &Request) -> Map<String, Value> {
    let mut kept = Map::new();
    let query = request.get_url().query_pairs().find(|(name, _)| name == "CMCD");
    let query = query.map(|(_, text)| text.into_owned());
    let headers = CMCD_HEADERS.iter().filter_map(|name| request.get_header_str(*name));
    for text in
        query.as_deref().into_iter().chain(headers).filter(|text| text.len() <= CMCD_BYTES_MAX)
    {
        let mut is_quoted = false;
        let pairs = text.split(|c| {
            is_quoted ^= c == '"';
            c == ',' && !is_quoted
        });
        for pair in pairs {
            let (key, value) = pair.split_once('=').unwrap_or((pair, "true"));
            let is_plain = |c: &char| c.is_ascii_alphanumeric() || ".-_+:()".contains(*c);
            let value: String = value.chars().filter(is_plain).take(CMCD_VALUE_BYTES_MAX).collect();
            if let Some(key) = CMCD_KEYS.iter().find(|known| **known == key.trim()) {
                kept.insert((*key).to_owned(), value.into());
            }
        }
    }
    kept
}
