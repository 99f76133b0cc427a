//! A media playlist's window: how long its segments are, and what it promises.
//!
//! In: its text. Out: [`Window`], and how much of it is beyond a depth. Does not write anything.

use super::DvrError;
use super::tag::{self, Scope};
use crate::scan::{self, Content, attribute, integer, micros};

/// Least `EXT-X-VERSION` of a playlist with `EXT-X-SKIP` (clause 8).
const SKIP_VERSION: u64 = 9;
/// Most of `HOLD-BACK` that is kept for players, in target durations.
const HOLD_BACK_TARGETS_MAX: u64 = 6;
/// The least there is to `HOLD-BACK`, and what is kept behind it, in target durations.
const TARGETS_MIN: u64 = 3;

/// What a media playlist says of its window. Times are microseconds.
#[derive(Debug, Default)]
pub(super) struct Window {
    pub(super) media_sequence: Option<u64>,
    pub(super) discontinuity_sequence: Option<u64>,
    /// It is an `EVENT` playlist that has not ended.
    pub(super) is_event: bool,
    /// Its lines end with a carriage return too.
    pub(super) has_cr: bool,
    /// It offers to skip date ranges.
    pub(super) skips_ranges: bool,
    version: u64,
    target_us: u64,
    hold_back_us: Option<u64>,
    skip_until_us: Option<u64>,
    entries: Vec<Entry>,
}

#[derive(Debug, Default)]
struct Entry {
    duration_us: u64,
    /// How many `EXT-X-DISCONTINUITY` stand before it and after the one before.
    discontinuities: u64,
}

impl Window {
    pub(super) fn read(playlist: &[u8]) -> Result<Self, DvrError> {
        let mut window = Self::default();
        let (mut open, mut in_body, mut has_ended, mut is_vod) =
            (Entry::default(), false, false, false);
        for (index, line) in scan::lines(playlist).enumerate() {
            window.has_cr |= index == 0 && line.whole.ends_with(b"\r\n");
            let (name, value) = match line.content() {
                Content::Tag(name, value) => (name, value),
                Content::Blank => continue,
                Content::Uri(_) => {
                    in_body = true;
                    window.entries.push(std::mem::take(&mut open));
                    continue;
                }
            };
            match name {
                tag::EXTINF => open.duration_us = extinf(value),
                tag::DISCONTINUITY => open.discontinuities += 1,
                tag::SKIP => return Err(DvrError::Delta),
                tag::END => has_ended = true,
                tag::TYPE => {
                    is_vod |= value == b"VOD";
                    window.is_event |= value == b"EVENT";
                }
                tag::VARIANT => return Err(DvrError::Malformed("it is a multivariant one")),
                _ => window.header(name, value, in_body)?,
            }
            in_body |= Scope::of(name) == Scope::Segment;
        }
        if window.target_us == 0 {
            return Err(DvrError::Malformed("it has no EXT-X-TARGETDURATION"));
        }
        if is_vod || (window.is_event && has_ended) {
            return Err(DvrError::Recording);
        }
        Ok(window)
    }

    fn header(&mut self, name: &[u8], value: &[u8], in_body: bool) -> Result<(), DvrError> {
        let sequence = |what| match integer(value) {
            _ if in_body => Err(DvrError::Malformed("a sequence number after a segment")),
            None => Err(DvrError::Malformed(what)),
            number => Ok(number),
        };
        match name {
            tag::SEQUENCE => self.media_sequence = sequence("EXT-X-MEDIA-SEQUENCE is no number")?,
            tag::DISCONTINUITY_SEQUENCE => {
                self.discontinuity_sequence =
                    sequence("EXT-X-DISCONTINUITY-SEQUENCE is no number")?;
            }
            tag::VERSION => self.version = integer(value).unwrap_or_default(),
            tag::TARGET => self.target_us = micros(value).unwrap_or_default(),
            tag::CONTROL => {
                let time = |name| attribute(value, name).and_then(|one| micros(one.value));
                self.hold_back_us = time("HOLD-BACK");
                self.skip_until_us = time("CAN-SKIP-UNTIL");
                let skips = attribute(value, "CAN-SKIP-DATERANGES");
                self.skips_ranges = skips.is_some_and(|one| one.value == b"YES");
            }
            _ => {}
        }
        Ok(())
    }

    /// How many segments, from the first, are beyond a depth and `grace` target durations more.
    pub(super) fn gone(&self, depth_us: u64, grace_targets: u64) -> usize {
        let targets = |count: u64| self.target_us.saturating_mul(count);
        let hold_back = self.hold_back_us.unwrap_or_default();
        let hold_back = hold_back.clamp(targets(TARGETS_MIN), targets(HOLD_BACK_TARGETS_MAX));
        let grace = targets(grace_targets);
        let least = hold_back.saturating_add(targets(TARGETS_MIN)).saturating_add(grace);
        let depth = depth_us.saturating_add(grace);
        self.after_each(0).take_while(|left| *left > depth && *left >= least).count()
    }

    /// How many segments after the first `gone` a delta update may skip (4.4.3.8).
    pub(super) fn skippable(&self, gone: usize) -> usize {
        let Some(boundary) = self.skip_until_us.filter(|_| self.version >= SKIP_VERSION) else {
            return 0;
        };
        self.after_each(gone).take_while(|left| *left > boundary).count()
    }

    /// For each segment from the `from`th on, how much comes after it.
    fn after_each(&self, from: usize) -> impl Iterator<Item = u64> {
        let entries = || self.entries.iter().skip(from);
        let total = entries().fold(0_u64, |sum, one| sum.saturating_add(one.duration_us));
        entries().scan(total, |left, one| {
            *left = left.saturating_sub(one.duration_us);
            Some(*left)
        })
    }

    /// The Media Sequence Number of the segment with this index.
    pub(super) fn msn(&self, index: usize) -> u64 {
        self.media_sequence.unwrap_or_default().saturating_add(index as u64)
    }

    /// The discontinuity sequence number once the first `gone` segments are not there (6.2.1).
    pub(super) fn discontinuities(&self, gone: usize) -> u64 {
        let first = self.discontinuity_sequence.unwrap_or_default();
        let counts = self.entries.iter().take(gone).map(|one| one.discontinuities);
        counts.fold(first, u64::saturating_add)
    }
}

/// The duration of an `EXTINF`, in microseconds; 0 where it is no number.
pub(super) fn extinf(value: &[u8]) -> u64 {
    let comma = memchr::memchr(b',', value).unwrap_or(value.len());
    value.get(..comma).and_then(|text| micros(text.trim_ascii())).unwrap_or_default()
}
