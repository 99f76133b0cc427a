//! The deny list in memory, and its copy on disk.
//!
//! In: the list as an origin sent it. Out: the answer to the component's question for it, with how long ago it was last
//! known to be current (`age`). Does not know how it is asked for, nor who is on it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header, request};
use metrics::{counter, gauge};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::Notify;
use tracing::warn;

use crate::cache::{Clock, ms};
use crate::config::DenyLimits;

/// Where an origin has its deny list, and where the component asks for it.
pub(super) const PATH: &str = "/edge/denied";

/// The list, and since when.
pub(crate) struct Book {
    state: Mutex<State>,
    pub(super) limits: DenyLimits,
    pub(super) clock: Clock,
    file: Option<PathBuf>,
    /// How many lists there have been.
    edition: AtomicU64,
    /// Somebody says that there is a newer one.
    pub(super) news: Notify,
}

#[derive(Default)]
struct State {
    list: Option<List>,
    kept_ms: u64,
}

/// A list.
#[derive(Clone)]
struct List {
    version: u64,
    entries: usize,
    body: Bytes,
    confirmed_ms: u64,
}

/// What has to be read of it here.
#[derive(Deserialize)]
struct Outline {
    version: u64,
    entries: Vec<IgnoredAny>,
}

/// Why a list is not taken: the origin's fault. The one before it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Malformed,
    Older,
}

impl Refused {
    /// As the metrics call it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Older => "older",
        }
    }
}

impl Book {
    /// A book with what a former process left in `file`.
    pub(crate) fn open(file: Option<PathBuf>, limits: DenyLimits, clock: Clock) -> Self {
        let list = file.as_deref().and_then(|file| read(file, limits.bytes_max));
        let edition = AtomicU64::new(u64::from(list.is_some()));
        let state = Mutex::new(State { list, kept_ms: 0 });
        let book = Self { state, limits, clock, file, edition, news: Notify::new() };
        book.measure();
        book
    }

    /// The answer to the component, if this is its question and there is a list.
    pub(crate) fn answer(&self, request: &request::Parts) -> Option<Response<Bytes>> {
        if request.method != Method::GET || request.uri.path() != PATH {
            return None;
        }
        let list = self.state().list.clone()?;
        let age_s = self.clock.now_ms().saturating_sub(list.confirmed_ms) / 1000;
        let tag = HeaderValue::from_str(&format!("\"{}\"", list.version)).ok()?;
        let is_known = request.headers.get(header::IF_NONE_MATCH) == Some(&tag);
        let mut response = Response::new(if is_known { Bytes::new() } else { list.body });
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers: &mut HeaderMap = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::AGE, age_s.into());
        headers.insert(header::ETAG, tag);
        Some(response)
    }

    /// Which list is at hand, counted from the start of this process; 0 is none.
    pub(crate) fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    /// Says that there is a newer list: it is asked for at once.
    pub(crate) fn news(&self) {
        self.news.notify_one();
    }

    /// The version at hand.
    pub(super) fn version(&self) -> Option<u64> {
        self.state().list.as_ref().map(|list| list.version)
    }

    /// Takes a list as an origin sent it just now; whether it is a new one.
    ///
    /// # Errors
    /// Why it is not taken.
    pub(super) fn accept(&self, body: Bytes) -> Result<bool, Refused> {
        let outline: Outline = serde_json::from_slice(&body).map_err(|_| Refused::Malformed)?;
        let confirmed_ms = self.clock.now_ms();
        let mut state = self.state();
        let old = state.list.as_ref().map(|list| list.version);
        if old.is_some_and(|old| outline.version < old) {
            return Err(Refused::Older);
        }
        let (version, entries) = (outline.version, outline.entries.len());
        state.list = Some(List { version, entries, body, confirmed_ms });
        let is_new = old != Some(version);
        if is_new {
            self.edition.fetch_add(1, Ordering::Release);
        }
        drop(state);
        self.measure();
        Ok(is_new)
    }

    /// Takes an origin's word that the list is current just now.
    pub(super) fn confirm(&self) {
        let now_ms = self.clock.now_ms();
        if let Some(list) = &mut self.state().list {
            list.confirmed_ms = now_ms;
        }
        self.measure();
    }

    /// Writes the list to the disk if it `is_new`, or its confirmation was not written for a while. Blocks.
    pub(super) fn keep(&self, is_new: bool) {
        let Some(file) = &self.file else { return };
        let now_ms = self.clock.now_ms();
        let mut state = self.state();
        let is_due = now_ms >= state.kept_ms.saturating_add(ms(self.limits.keep_every));
        let Some(list) = state.list.clone().filter(|_| is_new || is_due) else { return };
        state.kept_ms = now_ms;
        drop(state);
        if let Err(cause) = write(file, &list) {
            counter!("matinee_edge_deny_list_failures_total", "why" => "disk").increment(1);
            warn!(%cause, "the deny list cannot be kept on the disk");
        }
    }

    /// Tells how the list is.
    pub(super) fn measure(&self) {
        let now_ms = self.clock.now_ms();
        let Some((version, entries, age_ms)) = self
            .state()
            .list
            .as_ref()
            .map(|list| (list.version, list.entries, now_ms.saturating_sub(list.confirmed_ms)))
        else {
            return;
        };
        let number = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        // A time in milliseconds and a few more: exact for 280,000 years.
        gauge!("matinee_edge_deny_list_version").set(version as f64);
        gauge!("matinee_edge_deny_list_entries").set(number(entries as u64));
        gauge!("matinee_edge_deny_list_age_seconds").set(number(age_ms / 1000));
    }

    /// Nothing that holds it can panic, so a poisoned one is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file is a line with the time of the last confirmation, in milliseconds since the Unix epoch, and the list.
fn write(file: &Path, list: &List) -> io::Result<()> {
    let new = file.with_extension("new");
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let line = format!("{}\n", list.confirmed_ms);
    fs::write(&new, [line.as_bytes(), &list.body].concat())?;
    fs::rename(new, file)
}

fn read(file: &Path, bytes_max: usize) -> Option<List> {
    let size = fs::metadata(file).ok()?.len();
    if size > bytes_max as u64 + 32 {
        return None;
    }
    let bytes = Bytes::from(fs::read(file).ok()?);
    let line = bytes.iter().position(|byte| *byte == b'\n')?;
    let confirmed_ms = std::str::from_utf8(bytes.get(..line)?).ok()?.parse().ok()?;
    let body = bytes.slice(line + 1..);
    let outline: Outline = serde_json::from_slice(&body).ok()?;
    let entries = outline.entries.len();
    Some(List { version: outline.version, entries, body, confirmed_ms })
}
