//! Closed segments from the bucket that the house records to, before the origin is asked.
//!
//! In: a fetch, how the bucket did before, the time. Out: the request to make there; and of its answer, whether it may
//! stand for the origin's, with the origin's headers. Does not know how either is sent.
//!
//! A bucket has the media of a recording, and of a show on the air all but the newest: it is some seconds behind. What
//! cannot be there yet must not cost a viewer a detour. Nobody says how far the bucket is, and nobody need: viewers at
//! the live edge ask for ever newer segments. The first of them meets a miss; from then on the newest that anybody
//! asked for counts as the edge of that publication, and what is not [`MEDIA_LAG_SEGMENTS`] behind it goes to the
//! origin at once. A miss further behind widens that. When nobody has asked for a newer one for a minute, the show has
//! ended or nobody watches, and the bucket is asked again.

use std::collections::BTreeMap;

use shared_playlist::sign::s3::DayKey;
use shared_wire::header::{CACHE_MEDIA, SURROGATE_KEY};
use shared_wire::key::{Key, KeyObject, MediaFile};

use crate::config::{
    BUCKET_FAILURES_MAX, BUCKET_LIVE_MAX, BUCKET_LIVE_MS, BUCKET_REST_MS_MAX, BUCKET_REST_MS_MIN,
    Bucket, MEDIA_LAG_SEGMENTS,
};
use crate::fetch::OBJECTS;
use crate::{Fetch, Method, Text};

/// What passes of the bucket's own headers: what is of the bytes and of the moment.
const PASSED: [&str; 3] = ["content-length", "content-range", "date"];

/// A request to the bucket.
#[derive(Clone)]
pub struct BucketFetch {
    /// The path there, encoded. The host is [`Bucket::at`]'s.
    pub path: String,
    /// All headers to send, but for `Host`. The first is what makes it good: never log it.
    pub headers: Vec<(&'static str, Text)>,
    file: MediaFile,
    /// The publication of a rendition: all before the file's name.
    folder: String,
    surrogate_keys: String,
    is_ranged: bool,
}

/// Why the bucket is not asked for what it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spared {
    /// It failed a moment ago.
    Resting,
    /// It cannot be there yet.
    Live,
}

/// How a request to the bucket went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// Its answer stands for the origin's.
    Well,
    /// The bucket does not have it.
    Missing,
    /// The bucket does not know the key, or not this use of it; or it hides that it lacks the object.
    Refused,
    /// It failed, or its answer is none of an object.
    Failed,
    /// It took too long.
    Slow,
    /// There was no connection, or it broke.
    Unreachable,
    /// It has the object, but not that part of it.
    OutOfRange,
}

impl Went {
    /// The word for it, in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Missing => "missing",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Slow => "slow",
            Self::Unreachable => "unreachable",
            Self::OutOfRange => "out_of_range",
        }
    }
}

impl Spared {
    /// The word for it, in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resting => "resting",
            Self::Live => "live",
        }
    }
}

/// How the bucket did, and how far it is behind. Bounded. Times are milliseconds since the Unix epoch.
#[derive(Debug, Default)]
pub struct BucketState {
    key: Option<DayKey>,
    failures: u32,
    rest_ms: i64,
    rest_until_ms: i64,
    /// By folder.
    live: BTreeMap<String, Live>,
}

/// A publication whose end the bucket lacked.
#[derive(Debug)]
struct Live {
    /// The newest segment that anybody asked for.
    newest: u64,
    /// How many segments the bucket is behind, at most.
    lag: u64,
    /// When it was asked for.
    at_ms: i64,
}

impl BucketState {
    /// The request to the bucket for what a fetch wants of the origin. `None`: no bucket has that. `path_and_query` and
    /// `header` are the fetch's.
    pub fn ask<'a>(
        &mut self,
        bucket: &Bucket,
        method: Method,
        path_and_query: &str,
        header: &dyn Fn(&str) -> Option<&'a str>,
        now_ms: i64,
    ) -> Option<Result<BucketFetch, Spared>> {
        let (whole, file) = closed(method, path_and_query)?;
        let msn = match file {
            MediaFile::Segment(msn) | MediaFile::Text(msn) => Some(msn),
            _ => None,
        };
        let key = path_and_query.strip_prefix(OBJECTS)?;
        let (folder, _) = key.rsplit_once('/')?;
        if self.is_live(folder, msn, now_ms) {
            return Some(Err(Spared::Live));
        }
        if self.is_resting(now_ms) {
            return Some(Err(Spared::Resting));
        }
        let signed = bucket.get(key, &mut self.key, now_ms.div_euclid(1000));
        let headers = signed.headers.into_iter().map(|(name, value)| (name, Text::Owned(value)));
        let mut headers: Vec<(&'static str, Text)> = headers.collect();
        // Media has no tag that a range could depend on (RFC 9110, 13.1.5).
        let range = header("range").filter(|_| header("if-range").is_none());
        headers.extend(range.map(|range| ("range", Text::Owned(range.to_owned()))));
        Some(Ok(BucketFetch {
            path: signed.path,
            headers,
            file,
            folder: folder.to_owned(),
            surrogate_keys: whole.surrogate_keys(),
            is_ranged: range.is_some(),
        }))
    }

    /// Notes how a request to the bucket went.
    pub fn went(&mut self, fetch: &BucketFetch, went: Went, now_ms: i64) {
        if matches!(went, Went::Missing | Went::Refused) {
            self.lacks(fetch, now_ms);
        }
        match went {
            Went::Well | Went::Missing => {
                (self.failures, self.rest_ms, self.rest_until_ms) = (0, 0, 0);
            }
            // The viewer's doing.
            Went::OutOfRange => {}
            Went::Refused | Went::Failed | Went::Slow | Went::Unreachable => {
                self.failures = self.failures.saturating_add(1);
                // Those that were under way when it went to rest say nothing new.
                if self.failures >= BUCKET_FAILURES_MAX && !self.is_resting(now_ms) {
                    let longer_ms = self.rest_ms.saturating_mul(2);
                    self.rest_ms = longer_ms.clamp(BUCKET_REST_MS_MIN, BUCKET_REST_MS_MAX);
                    self.rest_until_ms = now_ms.saturating_add(self.rest_ms);
                }
            }
        }
    }

    /// Whether it is left alone.
    #[must_use]
    pub const fn is_resting(&self, now_ms: i64) -> bool {
        // Not for longer than it was meant to: clocks are set back.
        let left_ms = self.rest_until_ms.saturating_sub(now_ms);
        0 < left_ms && left_ms <= self.rest_ms
    }

    /// Whether an object is too new for the bucket. Whoever asks for the newest moves the edge.
    fn is_live(&mut self, folder: &str, msn: Option<u64>, now_ms: i64) -> bool {
        let Some(live) = self.live.get_mut(folder) else { return false };
        if !(0..BUCKET_LIVE_MS).contains(&now_ms.saturating_sub(live.at_ms)) {
            self.live.remove(folder);
            return false;
        }
        let Some(msn) = msn else { return true };
        if msn > live.newest {
            (live.newest, live.at_ms) = (msn, now_ms);
        }
        msn.saturating_add(live.lag) > live.newest
    }

    /// Notes that the bucket lacks an object.
    fn lacks(&mut self, fetch: &BucketFetch, now_ms: i64) {
        let msn = match fetch.file {
            MediaFile::Segment(msn) | MediaFile::Text(msn) => msn,
            _ => 0,
        };
        if let Some(live) = self.live.get_mut(&fetch.folder) {
            let behind = live.newest.saturating_sub(msn).saturating_add(MEDIA_LAG_SEGMENTS);
            live.lag = live.lag.max(behind);
            live.newest = live.newest.max(msn);
            return;
        }
        if self.live.len() >= BUCKET_LIVE_MAX {
            let quiet = self.live.iter().min_by_key(|(_, live)| live.at_ms);
            let quiet = quiet.map(|(folder, _)| folder.clone());
            quiet.and_then(|folder| self.live.remove(&folder));
        }
        let live = Live { newest: msn, lag: MEDIA_LAG_SEGMENTS, at_ms: now_ms };
        self.live.insert(fetch.folder.clone(), live);
    }
}

/// The object that a fetch wants, if it is one that a bucket may have.
fn closed(method: Method, path_and_query: &str) -> Option<(Key, MediaFile)> {
    // With a query it is a form of its own: a store has one.
    let key = path_and_query.strip_prefix(OBJECTS).filter(|_| method == Method::Get)?;
    let key = Key::parse(key)?;
    match key.object {
        KeyObject::Media { file, .. } => match file {
            MediaFile::Init(_) | MediaFile::Segment(_) | MediaFile::Text(_) => Some((key, file)),
            MediaFile::Part(..) | MediaFile::TextPart(..) | MediaFile::Strip(_) => None,
        },
        _ => None,
    }
}

impl Bucket {
    /// Whether what a fetch wants is of a kind that a bucket may have: closed segments and init segments, whole.
    #[must_use]
    pub fn may_have(fetch: &Fetch) -> bool {
        closed(fetch.method, &fetch.path_and_query).is_some()
    }
}

impl BucketFetch {
    /// What the bucket's status and headers say.
    #[must_use]
    pub fn judge<'a>(&self, status: u16, header: &dyn Fn(&str) -> Option<&'a str>) -> Went {
        match status {
            // What somebody on the way encoded is not what was put there.
            200 | 206 if header("content-encoding").is_some() => Went::Failed,
            200 => Went::Well,
            206 if self.is_ranged && header("content-range").is_some() => Went::Well,
            404 | 410 => Went::Missing,
            416 => Went::OutOfRange,
            429 => Went::Failed,
            300..=499 => Went::Refused,
            _ => Went::Failed,
        }
    }

    /// The headers of the origin's answer that this one of the bucket's stands for: none is the bucket's own.
    #[must_use]
    pub fn headers<'a>(
        &self,
        header: &dyn Fn(&str) -> Option<&'a str>,
    ) -> Vec<(&'static str, Text)> {
        let mut headers = vec![
            ("content-type", Text::Borrowed(self.file.content_type())),
            ("cache-control", Text::Borrowed(CACHE_MEDIA)),
            (SURROGATE_KEY, Text::Owned(self.surrogate_keys.clone())),
        ];
        let passed =
            PASSED.iter().filter_map(|name| Some((*name, header(name)?.to_owned().into())));
        headers.extend(passed);
        headers
    }
}

#[cfg(test)]
mod tests;
