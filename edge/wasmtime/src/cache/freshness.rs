//! How long an answer is good for.
//!
//! In: the origin's answer and when it came. Out: [`Freshness`], or nothing if it must not be kept. The rules of RFC
//! 9111 for a shared cache are `http-cache-semantics`'; what is ours is that `Surrogate-Control` goes before
//! `Cache-Control`, and the two kinds of staleness of RFC 5861. Does not know the store.
//!
//! An answer's age is what its `Age` says. The difference between its `Date` and our clock is not counted (RFC 9111,
//! 4.2.3 would), nor is the time the origin held the request: clocks differ by more than a playlist's lifetime, and a
//! playlist that was waited for is new.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_cache_semantics::{CacheOptions, CachePolicy};
use serde::{Deserialize, Serialize};

use super::clock::{ms, system_time};
use super::key::{Coding, Key};
use super::object::Head;

/// How long an answer may be kept, and how old it was when it came. In milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Freshness {
    /// From when it came.
    pub(super) lifetime_ms: u64,
    /// After that, it may be handed out for this long while a newer one is fetched (RFC 5861, 3).
    pub(super) revalidate_ms: u64,
    /// After its lifetime, it may stand in for a failure for this long (RFC 5861, 4).
    pub(super) if_error_ms: u64,
    /// Since the origin made it, as far as `Age` tells.
    pub(super) age_ms: u64,
    /// Whether it depends on the request's `Accept-Encoding`.
    pub(super) varies: bool,
    /// Whether the origin can say that it has not changed.
    pub(super) has_validator: bool,
}

/// What a stored object may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// To answer.
    Fresh,
    /// To answer, while a newer one is fetched.
    WhileRevalidating,
    /// To answer if the origin fails.
    IfError,
    /// To be confirmed by the origin.
    Confirm,
    /// Nothing.
    Nothing,
}

impl Freshness {
    /// What the object may be used for, `resident_ms` after it came; one that was purged softly is past its lifetime.
    pub(super) const fn at(&self, resident_ms: u64, is_purged: bool) -> Use {
        if resident_ms < self.lifetime_ms && !is_purged {
            return Use::Fresh;
        }
        let over_ms = resident_ms.saturating_sub(self.lifetime_ms);
        if over_ms < self.revalidate_ms {
            Use::WhileRevalidating
        } else if over_ms < self.if_error_ms {
            Use::IfError
        } else if self.has_validator {
            Use::Confirm
        } else {
            Use::Nothing
        }
    }

    /// How long after it came the object is of any use.
    pub(super) fn use_ms(&self, confirm_time_max: Duration) -> u64 {
        let confirm_ms = if self.has_validator { ms(confirm_time_max) } else { 0 };
        let stale_ms = self.revalidate_ms.max(self.if_error_ms).max(confirm_ms);
        self.lifetime_ms.saturating_add(stale_ms)
    }
}

/// The freshness of an answer that came at `now_ms` to a `GET` of `key`.
pub(super) fn of(key: &Key, head: &Head, now_ms: u64) -> Option<Freshness> {
    let varies = varies(head)?;
    let policy = policy(key, head, now_ms)?;
    let has_validator =
        head.status == 200 && (head.etag().is_some() || head.last_modified().is_some());
    let lifetime_ms = ms(policy.time_to_live(system_time(now_ms)));
    let control = head.control();
    let strict = ["must-revalidate", "proxy-revalidate", "no-cache"]
        .iter()
        .any(|word| directives(&control).any(|(name, _)| name == *word));
    let stale = |name: &str| if strict { 0 } else { seconds_ms(&control, name) };
    let freshness = Freshness {
        lifetime_ms,
        revalidate_ms: stale("stale-while-revalidate"),
        if_error_ms: stale("stale-if-error"),
        age_ms: ms(policy.age(system_time(now_ms))),
        varies,
        has_validator,
    };
    let is_of_use = lifetime_ms > 0 || has_validator;
    (policy.is_storable() && is_of_use).then_some(freshness)
}

/// The library's view of an answer.
fn policy(key: &Key, head: &Head, now_ms: u64) -> Option<CachePolicy> {
    let mut request = Request::get(&*key.path);
    if key.coding == Coding::Gzip {
        request = request.header(header::ACCEPT_ENCODING, "gzip");
    }
    let request = request.body(()).ok()?;
    let mut response = Response::new(());
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers.clone();
    if head.surrogate_control.is_some() {
        let control = HeaderValue::from_str(&head.control()).ok()?;
        response.headers_mut().insert(header::CACHE_CONTROL, control);
        response.headers_mut().remove(header::EXPIRES);
    }
    // No guesses: what the origin gives no lifetime, has none.
    let options = CacheOptions {
        cache_heuristic: 0.0,
        immutable_min_time_to_live: Duration::ZERO,
        ..CacheOptions::default()
    };
    Some(CachePolicy::new_options(&request, &response, system_time(now_ms), options))
}

/// Whether the answer depends on `Accept-Encoding`; `None` if it depends on anything else, for then our key is no key.
fn varies(head: &Head) -> Option<bool> {
    let mut varies = false;
    for value in head.headers.get_all(header::VARY) {
        for name in value.to_str().ok()?.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if !name.eq_ignore_ascii_case("accept-encoding") {
                return None;
            }
            varies = true;
        }
    }
    Some(varies)
}

impl Head {
    /// What the origin tells this cache: `Surrogate-Control`, or else `Cache-Control`.
    pub(super) fn control(&self) -> String {
        match self.surrogate_control.as_ref().and_then(|control| control.to_str().ok()) {
            Some(control) => surrogate(control),
            None if self.surrogate_control.is_some() => "no-store".to_owned(),
            None => joined(&self.headers),
        }
    }

    /// Whether the bytes under this key never change (RFC 8246).
    pub(crate) fn is_immutable(&self) -> bool {
        self.status == 200
            && directives(&joined(&self.headers)).any(|(name, _)| name == "immutable")
    }
}

fn joined(headers: &HeaderMap) -> String {
    let lists = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|l| l.to_str().ok());
    lists.collect::<Vec<_>>().join(", ")
}

/// The directives of a list, their names in lower case.
pub(super) fn directives(list: &str) -> impl Iterator<Item = (String, &str)> {
    list.split(',').map(|item| {
        let (name, value) = item.split_once('=').unwrap_or((item, ""));
        (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"'))
    })
}

fn seconds_ms(list: &str, wanted: &str) -> u64 {
    let value = directives(list).find(|(name, _)| name == wanted).map(|(_, value)| value);
    value.and_then(|value| value.parse::<u64>().ok()).unwrap_or(0).saturating_mul(1000)
}

/// `Surrogate-Control` as a `Cache-Control`: `max-age`, `no-store` and the two kinds of staleness mean the same in both
/// (Edge Architecture Specification, 2.2); `max-age=600+30` allows 30 s of staleness while a newer one is fetched; its
/// `content` and other extensions are nothing to us.
fn surrogate(control: &str) -> String {
    let mut ours = Vec::new();
    for (name, value) in directives(control) {
        match name.as_str() {
            "stale-if-error" | "stale-while-revalidate" => ours.push(format!("{name}={value}")),
            "no-store" => ours.push(name),
            "max-age" => {
                let (age, stale) = value.split_once('+').unwrap_or((value, ""));
                ours.push(format!("max-age={age}"));
                if !stale.is_empty() {
                    ours.push(format!("stale-while-revalidate={stale}"));
                }
            }
            _ => {}
        }
    }
    ours.join(", ")
}
