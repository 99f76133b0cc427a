//! What of the origin's answer reaches the viewer.
//!
//! In: the origin's status and headers. Out: [`Relay`]: the viewer's head, and what becomes of the body. Does not
//! see the body.
//!
//! Media and media playlists are the same bytes for everyone, so the origin's cache policy holds for viewers as
//! well. What is for caches alone (`Surrogate-*`) and what is of one connection stops here.

use std::borrow::Cow;

use shared_wire::header::{CACHE, TYPE_PROBLEM};

use crate::fetch::Then;
use crate::{Answer, Fetch, Head, Method, Refusal};

/// What to send after the origin's head has come.
pub enum Relay {
    /// This head and the origin's body, untouched.
    Pass(Head),
    /// This head and what [`Fetch::edit`] makes of the origin's whole body, up to
    /// [`crate::config::PLAYLIST_BYTES_MAX`].
    Edit(Head),
    /// This, and not the origin's body.
    Replace(Answer),
}

/// What passes with media and media playlists.
const MEDIA: [&str; 16] = [
    "accept-ranges",
    "age",
    "cache-control",
    "cache-status",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "retry-after",
    "server-timing",
    "vary",
    CACHE,
];

/// What passes besides with pages.
const PAGES: [&str; 6] = [
    "content-language",
    "content-security-policy",
    "link",
    "permissions-policy",
    "referrer-policy",
    "x-frame-options",
];

/// What passes with a playlist that is one viewer's own.
const OWN: [&str; 4] = ["cache-status", "content-type", "date", CACHE];

impl Fetch {
    /// What becomes of the origin's answer. `header` looks a header up by its name in lower case.
    #[must_use]
    pub fn relay<'a>(&self, status: u16, header: &dyn Fn(&str) -> Option<&'a str>) -> Relay {
        if let Some(what) = self.fault(status, header) {
            return Relay::Replace(self.refuse(&Refusal::OriginFailed(what)));
        }
        let mut head = Head::new(status, &self.request_id);
        let mut pass = |names: &[&'static str]| {
            for name in names {
                // These have no body; some hosts hold that against a length of the one they stand for.
                if *name == "content-length" && matches!(status, 204 | 304) {
                    continue;
                }
                // Each name comes once, and none of them stands there yet.
                let value = header(name).map(str::to_owned);
                head.headers.extend(value.map(|value| (Cow::Borrowed(*name), Cow::Owned(value))));
            }
        };
        let mut is_edited = false;
        match &self.then {
            Then::Edit(_) if status == 200 => {
                pass(&OWN);
                head.put("cache-control", "private, no-store");
                head.put("vary", "Accept-Encoding");
                is_edited = self.method != Method::Head;
            }
            Then::Public => {
                pass(&MEDIA);
                pass(&PAGES);
            }
            Then::Purge => return Relay::Replace(Answer::done(&self.request_id)),
            Then::Media | Then::Edit(_) => pass(&MEDIA),
        }
        // Hosts differ in their spelling.
        if let Some((_, value)) = head.headers.iter_mut().find(|(name, _)| *name == CACHE) {
            value.to_mut().make_ascii_lowercase();
        }
        self.own.put(&mut head);
        if is_edited { Relay::Edit(head) } else { Relay::Pass(head) }
    }

    /// What the viewer must not see: the origin refusing its own edge, a redirect to who knows where, an answer that
    /// is none of ours.
    fn fault<'a>(
        &self,
        status: u16,
        header: &dyn Fn(&str) -> Option<&'a str>,
    ) -> Option<&'static str> {
        let is = |content_type: &str| {
            let sent = header("content-type").unwrap_or_default();
            sent.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(content_type)
        };
        if matches!(self.then, Then::Purge) {
            return (!matches!(status, 200 | 204)).then_some("the cache did not purge");
        }
        match status {
            // A ticket that is refused is the viewer's trouble; an edge that is, is not.
            401 | 403 if self.method != Method::Post => Some("it does not know this edge"),
            304 => None,
            100..=199 | 300..=399 => Some("it answered with a redirect"),
            200 => match &self.then {
                Then::Edit(edit) if !is(edit.content_type()) => Some("it sent no playlist"),
                Then::Edit(_) if header("content-encoding").is_some() => {
                    Some("it encoded what was to be edited")
                }
                _ => None,
            },
            400..=599 if !is(TYPE_PROBLEM) => Some("it sent an error without a reason"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
