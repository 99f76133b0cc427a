//! What an instance keeps between requests, and what it asks WASI for.
//!
//! In: the environment, the clock, the host's randomness. Out: configuration, the memory, a time, random
//! bytes. Keeps nothing of any viewer's.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use edge_answer::{Client, Config, ConfigError, Memory};

/// The configuration, read at the first request.
pub(crate) fn config() -> Result<&'static Config, &'static [ConfigError]> {
    static CONFIG: OnceLock<Result<Config, Vec<ConfigError>>> = OnceLock::new();
    let read = || {
        Config::from_lookup(|name| std::env::var(name).ok()).inspect_err(|errors| {
            for error in errors {
                eprintln!("configuration: {error}");
            }
        })
    };
    CONFIG.get_or_init(read).as_ref().map_err(Vec::as_slice)
}

/// What the host says of the viewer. Headers that anybody could send are believed only if the environment says that
/// the host sets and strips them.
pub(crate) fn client<'a>(header: &dyn Fn(&str) -> Option<&'a str>) -> Client<'a> {
    static HAS_HEADERS: OnceLock<bool> = OnceLock::new();
    let read = || std::env::var("MATINEE_CLIENT_HEADERS").is_ok_and(|value| value.trim() == "1");
    if *HAS_HEADERS.get_or_init(read) {
        Client::from_headers(header)
    } else {
        Client::from_spin(header)
    }
}

/// The deny list and all else that is remembered. Never hold it across an `await`: another request of this instance
/// would wait for good.
pub(crate) fn memory() -> MutexGuard<'static, Memory> {
    static MEMORY: OnceLock<Mutex<Memory>> = OnceLock::new();
    MEMORY.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
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
