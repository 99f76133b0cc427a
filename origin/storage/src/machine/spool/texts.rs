//! Objects that change under their key: which of their states may be sent, and when.
//!
//! In: each change, with a number that media have as well, in one order. Out: the newest state of which all media
//! before it are sent. Does not know media.

use std::collections::{BTreeMap, HashSet, VecDeque};

use super::{Stored, show_of};

/// States of one text that are remembered; between them one less is no harm.
const STATES_MAX: usize = 64;
/// After this time without a change a text that is sent is forgotten.
const FORGET_US: u64 = 2 * 3600 * 1_000_000;

/// All of them.
#[derive(Debug)]
pub(super) struct Texts {
    every_us: u64,
    by_key: BTreeMap<String, Text>,
    /// Shows of which the bucket has some playlist that the multivariant one lists.
    begun: HashSet<String>,
}

#[derive(Debug)]
struct Text {
    /// Number and size, oldest first. A growing text has what it had before, and more.
    states: VecDeque<(u64, u64)>,
    /// States before this are of a text that was made anew since.
    first: u64,
    /// The newest need not wait until its time comes: no more is added.
    is_whole: bool,
    is_sent_once: bool,
    is_out: bool,
    failures: u32,
    not_before_us: u64,
    since_us: u64,
    changed_us: u64,
}

impl Texts {
    pub(super) fn new(every_us: u64) -> Self {
        Self { every_us, by_key: BTreeMap::new(), begun: HashSet::new() }
    }

    pub(super) fn changed(&mut self, now_us: u64, number: u64, stored: Stored, is_left: bool) {
        if is_left {
            self.begun.insert(show_of(&stored.key).to_owned());
        }
        let text = self.by_key.entry(stored.key).or_insert_with(|| Text {
            states: VecDeque::new(),
            first: number,
            is_whole: false,
            is_sent_once: false,
            is_out: false,
            failures: 0,
            not_before_us: 0,
            since_us: now_us,
            changed_us: now_us,
        });
        text.since_us = if text.states.is_empty() { now_us } else { text.since_us };
        text.changed_us = now_us;
        text.is_whole = !stored.grows;
        if stored.grows {
            if text.states.len() >= STATES_MAX {
                text.states.remove(STATES_MAX - 1);
            }
        } else {
            text.states.clear();
            text.first = number;
            text.not_before_us = if text.failures == 0 { 0 } else { text.not_before_us };
        }
        text.states.push_back((number, stored.bytes));
    }

    /// The next to be sent: its key, which state, how many bytes. `first_unsent` is the number of a show's first medium
    /// that is not sent; `None` where the show is being deleted.
    pub(super) fn hand_out(
        &mut self,
        now_us: u64,
        first_unsent: impl Fn(&str) -> Option<u64>,
    ) -> Option<(String, u64, u64)> {
        let never_sent: HashSet<&str> = self
            .by_key
            .iter()
            .filter(|(key, text)| is_listed(key) && !text.is_sent_once)
            .map(|(key, _)| show_of(key))
            .collect();
        let may_go = |key: &str| {
            let show = show_of(key);
            !is_multivariant(key) || (self.begun.contains(show) && !never_sent.contains(show))
        };
        let mut ready = self.by_key.iter().filter(|(key, text)| {
            !text.states.is_empty() && !text.is_out && text.not_before_us <= now_us && may_go(key)
        });
        let (key, (number, bytes)) = ready.find_map(|(key, text)| {
            let first_unsent = first_unsent(show_of(key))?;
            let sent = text.states.iter().rev().find(|(number, _)| *number < first_unsent)?;
            Some((key.clone(), *sent))
        })?;
        self.by_key.get_mut(&key)?.is_out = true;
        Some((key, number, bytes))
    }

    /// Whether a state is still one of the text as it is on disk.
    pub(super) fn has(&self, key: &str, state: u64) -> bool {
        self.by_key.get(key).is_some_and(|text| text.first <= state)
    }

    /// A state was sent; whether it is the newest.
    pub(super) fn sent(&mut self, now_us: u64, key: &str, state: u64) -> bool {
        let Some(text) = self.by_key.get_mut(key) else { return false };
        text.is_out = false;
        text.failures = 0;
        if state < text.first {
            // It was made anew while it was on its way.
            return false;
        }
        text.states.retain(|(number, _)| *number > state);
        text.is_sent_once = true;
        text.since_us = now_us;
        text.not_before_us =
            if text.is_whole && !text.states.is_empty() { 0 } else { now_us + self.every_us };
        let is_newest = text.states.is_empty();
        if is_listed(key) {
            self.begun.insert(show_of(key).to_owned());
        }
        is_newest
    }

    /// A try failed; `until` says until when to wait after so many.
    pub(super) fn failed(&mut self, key: &str, until: impl FnOnce(u32) -> u64) {
        if let Some(text) = self.by_key.get_mut(key) {
            text.is_out = false;
            text.failures = text.failures.saturating_add(1);
            text.not_before_us = until(text.failures);
        }
    }

    /// There was nothing to send, or it has changed since: a state of before is of no use.
    pub(super) fn missing(&mut self, key: &str, state: u64) {
        if let Some(text) = self.by_key.get_mut(key) {
            text.is_out = false;
            text.states.retain(|(number, _)| *number > state);
        }
    }

    pub(super) fn forget(&mut self, show: &str) {
        self.by_key.retain(|key, _| show_of(key) != show);
        self.begun.remove(show);
    }

    /// Forgets what has not changed for long and is sent.
    pub(super) fn forget_old(&mut self, now_us: u64) {
        self.by_key.retain(|_, text| {
            let is_idle = text.states.is_empty() && !text.is_out;
            !is_idle || now_us.saturating_sub(text.changed_us) < FORGET_US
        });
        let by_key = &self.by_key;
        self.begun.retain(|show| by_key.keys().any(|key| show_of(key) == show));
    }

    /// How many have a state that is not sent.
    pub(super) fn waiting(&self) -> usize {
        self.by_key.values().filter(|text| text.is_out || !text.states.is_empty()).count()
    }

    /// Since when the oldest has waited.
    pub(super) fn since_us(&self) -> Option<u64> {
        let waiting = self.by_key.values().filter(|text| !text.states.is_empty());
        waiting.map(|text| text.since_us).min()
    }
}

fn is_multivariant(key: &str) -> bool {
    key.ends_with(".m3u8") && key.split('/').nth(2).is_none()
}

/// Whether it is a playlist of a rendition.
fn is_listed(key: &str) -> bool {
    key.ends_with(".m3u8") && !is_multivariant(key)
}
