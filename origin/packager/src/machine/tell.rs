//! What the world is told of a show: each playlist, whenever it has become another.
//!
//! In: the tracks with their windows. Out: views of media playlists, and the multivariant playlist. Does not know why
//! something has changed.

use std::sync::Arc;

use shared_playlist::Multivariant;
use shared_playlist::date_range::DateRanges;
use shared_playlist::media::{MediaPlaylist, Report};

use super::form::Form;
use super::output::object;
use super::{Machine, Output, catalogue, facts, names};

impl Machine {
    /// Tells what has changed: playlists of renditions, then the multivariant playlist.
    pub(super) fn tell(&mut self, ended: bool) {
        if self.common.piece.is_some() {
            return; // nobody watches a piece
        }
        if !ended && !self.tracks.iter().any(|track| track.writer.changed) {
            return;
        }
        let date_ranges = Arc::new(self.slide_date_ranges());
        let multivariant = self.newer_multivariant(ended);
        let offered = |one: &Multivariant| {
            (one.sounds.len(), one.subtitles.len(), one.variants.len(), one.i_frames.len())
        };
        let offers_others = multivariant
            .as_ref()
            .map(offered)
            .is_some_and(|new| self.told.as_ref().map(offered) != Some(new));
        let with_pictures =
            self.tracks.iter().filter(|track| track.window.last_i_frame().is_some()).count();
        let lists_others =
            std::mem::replace(&mut self.with_pictures, with_pictures) != with_pictures;
        if offers_others || lists_others {
            // A report stands in each before a player can ask for what it is about.
            self.all_changed();
        }
        for index in 0..self.tracks.len() {
            if std::mem::take(&mut self.tracks[index].writer.changed) {
                let arrived_us = self.tracks[index].writer.arrived_us.take();
                let ranges = Arc::clone(&date_ranges);
                self.view(index, self.playlist(index, ranges, ended), arrived_us);
            }
        }
        // Behind all of those: whoever is answered with pictures finds them reported of in each.
        for index in 0..self.tracks.len() {
            if std::mem::take(&mut self.tracks[index].writer.i_frames_changed) {
                let ranges = Arc::clone(&date_ranges);
                self.view(index, self.i_frame_playlist(index, ranges, ended), None);
            }
        }
        if let Some(new) = multivariant {
            let key = self.common.names.multivariant();
            self.common.outputs.push_back(Output::Multivariant(object(key, new.render())));
            self.told = Some(new);
        }
    }

    fn view(&mut self, index: usize, playlist: MediaPlaylist, arrived_us: Option<u64>) {
        let rendition = self.tracks[index].id.clone();
        self.common.outputs.push_back(Output::View { rendition, playlist, arrived_us });
    }

    /// It is told once all renditions are ready, or the leader has run so long that the rest may
    /// never come; and again when it has become another.
    fn newer_multivariant(&self, ended: bool) -> Option<Multivariant> {
        let patience = self.millis(self.common.config.lag_ms_max);
        let ready = self.tracks.iter().all(facts::is_ready)
            || ended
            || self.tracks.iter().any(|track| track.rates.duration() > patience);
        if !ready {
            return None;
        }
        let mut new = catalogue::catalogue(&self.facts(), self.common.anchor)?;
        let has_pictures = self.tracks.iter().any(|track| track.form == Form::Video);
        new.closed_captions = self.common.closed_captions.said(has_pictures, ended);
        let differs = |old: &Multivariant| catalogue::differs(old, &new) || (ended && *old != new);
        self.told.as_ref().is_none_or(differs).then_some(new)
    }

    fn playlist(&self, index: usize, date_ranges: Arc<DateRanges>, ended: bool) -> MediaPlaylist {
        let track = &self.tracks[index];
        MediaPlaylist {
            i_frames_only: false,
            target_duration_s: self.common.target_duration_s,
            part_target_us: self.common.part_target_us,
            media_sequence: track.window.media_sequence,
            discontinuity_sequence: track.window.discontinuity_sequence,
            past: track.window.past().map(|shelf| Arc::clone(&shelf.segments)).collect(),
            segments: track.window.segments.iter().cloned().collect(),
            open: track.window.open.clone(),
            hint: (!ended).then(|| track.hint(&self.common)),
            reports: self.reports(index, false),
            date_ranges,
            ended,
        }
    }

    /// The pictures of the same segments. They are listed when their segment is whole: before that,
    /// the object whose bytes they are is not there.
    fn i_frame_playlist(
        &self,
        index: usize,
        date_ranges: Arc<DateRanges>,
        ended: bool,
    ) -> MediaPlaylist {
        let window = &self.tracks[index].window;
        MediaPlaylist {
            i_frames_only: true,
            target_duration_s: self.common.target_duration_s,
            part_target_us: self.common.part_target_us,
            media_sequence: window.i_frame_sequence,
            discontinuity_sequence: window.discontinuity_sequence,
            past: window.past().filter_map(|shelf| shelf.i_frames.clone()).collect(),
            segments: window.i_frames.iter().cloned().collect(),
            open: None,
            hint: None,
            reports: self.reports(index, true),
            date_ranges,
            ended,
        }
    }

    /// One report for each playlist but the one it stands in: that of `index`, or its I-frame playlist.
    fn reports(&self, index: usize, in_i_frames: bool) -> Vec<Report> {
        let mut reports = Vec::new();
        for (other, track) in self.tracks.iter().enumerate() {
            let uri = |i_frames| match other == index {
                true => names::own(i_frames).to_owned(),
                false => names::sibling(&track.id, i_frames),
            };
            let is_other = |i_frames| other != index || i_frames != in_i_frames;
            if let Some((last_msn, last_part)) = track.window.last().filter(|_| is_other(false)) {
                reports.push(Report { uri: uri(false), last_msn, last_part });
            }
            if let Some(last_msn) = track.window.last_i_frame().filter(|_| is_other(true)) {
                reports.push(Report { uri: uri(true), last_msn, last_part: None });
            }
        }
        reports
    }
}
