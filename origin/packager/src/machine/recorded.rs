//! The playlists of a recording, which grow by the segments that close.
//!
//! In: closed segments and their pictures. Out: lines to append. Does not know what a segment holds.

use std::sync::Arc;

use shared_playlist::media::Segment as Listed;
use shared_playlist::recording;

use super::output::{Output, object};
use super::segment::{Segment, Writer};
use super::track::Common;

impl Writer {
    /// Goes on with a recording whose text an earlier process wrote.
    pub(super) fn resume_recording(&mut self, map: Option<Arc<str>>, i_frames: Option<Arc<str>>) {
        self.is_recording = true;
        (self.recorded_map, self.recorded_i_frames_map) = (map, i_frames);
    }

    /// Adds a segment to the recording's playlist, and its pictures to the recording's I-frame playlist.
    pub(super) fn record(
        &mut self,
        segment: &Segment,
        listed: &Listed,
        i_frames: &[Arc<Listed>],
        common: &mut Common,
    ) {
        self.withhold(listed, i_frames);
        if segment.is_gap {
            return;
        }
        let is_first = !std::mem::replace(&mut self.is_recording, true);
        let (entry, pictures) = std::mem::take(&mut self.withheld);
        let rendition = &segment.rendition;
        append(common.names.playlist(rendition), false, is_first, entry, common);
        if !pictures.is_empty() {
            append(common.names.i_frames(rendition), true, is_first, pictures, common);
        }
    }

    /// Makes the entries of a segment and its pictures, behind those that are withheld already.
    pub(super) fn withhold(&mut self, listed: &Listed, i_frames: &[Arc<Listed>]) {
        self.withheld.0.push_str(&recording::entry(listed, &mut self.recorded_map));
        for picture in i_frames {
            let entry = recording::entry(picture, &mut self.recorded_i_frames_map);
            self.withheld.1.push_str(&entry);
        }
    }
}

/// Adds entries to a recording's playlist, after its header if they are the first.
fn append(key: String, i_frames_only: bool, is_first: bool, entries: String, common: &mut Common) {
    if is_first {
        let mut header = recording::header(common.target_duration_s, i_frames_only);
        common.date_ranges.tags().for_each(|tag| header.extend([tag, "\n"]));
        common.outputs.push_back(Output::Replace(object(key.clone(), header)));
    }
    common.outputs.push_back(Output::Append(object(key, entries)));
}
