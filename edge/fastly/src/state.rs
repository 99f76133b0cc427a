//! What a sandbox keeps between requests, and what it asks its host for.
//!
//! In: config store and secret store `matinee`, the clock, randomness. Out: configuration, the memory, a time,
//! random bytes. Keeps nothing of any viewer's.

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use edge_answer::config::{BUCKET_SECRETS, BUCKET_SETTINGS, EDGE_KEY};
use edge_answer::{BucketState, Client, Config, ConfigError, Memory};
use fastly::geo::geo_lookup;
use fastly::http::Version;
use fastly::{ConfigStore, Request, SecretStore};

use crate::config::{ACCESS_LOG, SHIELD};
use crate::journal::Journal;
use crate::upstream::Shielding;

/// The name of both stores.
const STORE: &str = "matinee";

/// What a sandbox keeps.
pub(crate) struct State {
    /// The configuration, or what is wrong with it.
    pub(crate) config: Result<Config, Vec<ConfigError>>,
    /// The deny list and all else that is remembered.
    pub(crate) memory: Memory,
    /// How the bucket does: beside the memory, since it is asked while a fetch is made.
    pub(crate) bucket: RefCell<BucketState>,
    /// Where the shield is.
    pub(crate) shielding: Shielding,
    /// The access log.
    pub(crate) journal: Journal,
}

impl State {
    /// Reads the names, each from the config store or, what is secret, from the secret store.
    pub(crate) fn read() -> Self {
        let open = ConfigStore::try_open(STORE).ok();
        let secret = SecretStore::open(STORE).ok();
        let lookups = Cell::new(0_u32);
        let count = || lookups.set(lookups.get().saturating_add(1));
        let said = |name: &str| {
            count();
            open.as_ref()?.try_get(name).ok().flatten()
        };
        let hidden = |name: &str| {
            count();
            let found = secret.as_ref()?.try_get(name).ok().flatten()?;
            String::from_utf8(found.try_plaintext().ok()?.to_vec()).ok()
        };
        // What is said of a bucket is looked for where it belongs alone: lookups are few.
        let lookup = |name: &str| match name {
            name if BUCKET_SETTINGS.contains(&name) => said(name),
            name if BUCKET_SECRETS.contains(&name) => hidden(name),
            name => said(name).or_else(|| hidden(name)),
        };
        let config = Config::from_lookup(lookup);
        let set = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let shielding = Shielding::find(set(SHIELD).as_deref().map(str::trim));
        let (log, secret) = (set(ACCESS_LOG), set(EDGE_KEY).unwrap_or_default());
        let log = log.as_deref().map(str::trim);
        let journal = Journal::open(log, secret.as_bytes(), lookups.get());
        for error in config.as_ref().err().into_iter().flatten() {
            eprintln!("configuration: {error}");
        }
        let bucket = RefCell::default();
        Self { config, memory: Memory::new(), bucket, shielding, journal }
    }
}

/// What Fastly knows of the viewer. Where they are is looked up where sessions begin, and asked nowhere else.
pub(crate) fn client(request: &Request) -> Client<'_> {
    let ip = request.get_client_ip_addr();
    let begins = request.get_path().starts_with("/live/");
    let geo = ip.filter(|_| begins).and_then(geo_lookup);
    let is_tls = request.get_tls_protocol().ok().flatten().is_some();
    let alpn = match request.get_version() {
        Version::HTTP_11 => Some("http/1.1"),
        Version::HTTP_2 => Some("h2"),
        Version::HTTP_3 => Some("h3"),
        _ => None,
    };
    Client {
        scheme: Some(if is_tls { "https" } else { "http" }),
        authority: request.get_url().host_str(),
        ip,
        country: geo.as_ref().and_then(|geo| geo.country_code().parse().ok()),
        asn: geo.as_ref().map(|geo| geo.as_number()).filter(|asn| *asn != 0),
        alpn: alpn.filter(|_| is_tls),
    }
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// 16 bytes for a request's id. The standard library's keyed hash has its key from the host's randomness and a
/// new one each time: enough for a name that is no secret.
pub(crate) fn random() -> [u8; 16] {
    let state = RandomState::new();
    let both = u128::from(state.hash_one(0)) << 64 | u128::from(state.hash_one(1));
    both.to_be_bytes()
}
