//! What is said of a show's time while it is on the air.
//!
//! In: date ranges, told and taken back; ID3 tags. Out: playlists that list the ranges, at once; their lines in the
//! recordings; notes; tags on their way into the media. Does not know who tells.

use bytes::Bytes;
use shared_media::{Now, RenditionId};
use shared_playlist::date_range::{DateRange, DateRanges as Listed};
use shared_playlist::media::SKIP_TARGETS;
use shared_playlist::recording;

use super::captions::{Caption, CaptionRefusal, Cue};
use super::date_ranges::DateRangeRefusal;
use super::journal::Line;
use super::messages::TooManyTags;
use super::output::{Output, object};
use super::{Machine, Phase};

impl Machine {
    /// Lists a date range, or says more of one, in every playlist. Gives all that is known of it. Poll afterwards until
    /// it waits.
    ///
    /// # Errors
    /// [`DateRangeRefusal`]; then nothing has changed.
    pub fn put_date_range(
        &mut self,
        now: Now,
        range: DateRange,
    ) -> Result<DateRange, DateRangeRefusal> {
        self.now_us = now.monotonic_us;
        let first_ms = self.first_ms();
        let ranges = &mut self.common.date_ranges;
        let (range, is_new) = ranges.put(range, first_ms, now.monotonic_us)?;
        if is_new {
            let tag = self.common.date_ranges.tag(&range.id).unwrap_or_default();
            self.date_ranges_changed(&format!("{tag}\n"));
        }
        Ok(range)
    }

    /// Takes a date range back, from every playlist and from the recording, and gives it; `None` if there is none of
    /// this id. Poll afterwards until it waits.
    pub fn remove_date_range(&mut self, now: Now, id: &str) -> Option<DateRange> {
        self.now_us = now.monotonic_us;
        let range = self.common.date_ranges.take_back(id, now.monotonic_us)?;
        self.date_ranges_changed(&recording::without_date_range(id));
        Some(range)
    }

    /// Puts an ID3 tag into the next part of every rendition with pictures.
    ///
    /// # Errors
    /// [`TooManyTags`] if as many wait for it as may.
    pub fn put_id3(&mut self, tag: Bytes) -> Result<(), TooManyTags> {
        self.common.messages.push(tag)
    }

    /// Shows cues on a track of captions, all or none. Poll afterwards until it waits.
    ///
    /// # Errors
    /// [`CaptionRefusal`]; then nothing has changed.
    pub fn put_captions(
        &mut self,
        of: &RenditionId,
        captions: Vec<Caption>,
    ) -> Result<(), CaptionRefusal> {
        let ticks = |utc_us| self.common.anchor.ticks_at(utc_us).0;
        let cue = |Caption { start_us, end_us, settings, text }| Cue {
            start: ticks(start_us),
            end: ticks(end_us),
            settings,
            text,
        };
        let cues = captions.into_iter().map(cue).collect();
        for cue in self.common.captions.put(of, cues)? {
            self.common.journal.line(&Line::Cue { of: of.clone(), cue });
        }
        self.note();
        Ok(())
    }

    /// When the show's media began to count, in microseconds since the Unix epoch.
    #[must_use]
    pub const fn begun_us(&self) -> i64 {
        self.common.anchor.utc_us
    }

    /// The date ranges that playlists list.
    #[must_use]
    pub fn date_ranges(&self) -> Vec<DateRange> {
        self.common.date_ranges.all()
    }

    /// Every playlist lists other ranges than before; `recorded` says so in the recordings.
    fn date_ranges_changed(&mut self, recorded: &str) {
        // A recording that has not begun will begin with all there are.
        for key in self.recordings() {
            self.common.outputs.push_back(Output::Append(object(key, recorded.to_owned())));
        }
        self.all_changed();
        self.note_date_ranges();
        self.note();
        self.tell(self.phase == Phase::Ended);
    }

    /// The ranges that playlists list now, without those that have left all of them.
    pub(super) fn slide_date_ranges(&mut self) -> Listed {
        if let Some(first_ms) = self.first_ms() {
            self.common.date_ranges.slide(first_ms, self.now_us);
            self.note_date_ranges();
        }
        let target_us = u64::from(self.common.target_duration_s) * 1_000_000;
        let skip_us = target_us * SKIP_TARGETS.unsigned_abs();
        self.common.date_ranges.listed(self.now_us, skip_us)
    }

    fn note_date_ranges(&mut self) {
        let notes = self.common.date_ranges.take_notes();
        notes.iter().for_each(|line| self.common.journal.line(line));
    }

    /// Where the oldest playlist begins, in milliseconds since the Unix epoch.
    fn first_ms(&self) -> Option<i64> {
        let first = |track: &super::Track| Some(track.window.segments.front()?.head.utc_us / 1000);
        self.tracks.iter().filter_map(first).min()
    }
}
