//! The rules of I-frame playlists, held against each one as it is published.
//!
//! In: an I-frame playlist and what the house has by then. Out: a panic where it breaks a rule.

use mp4_atom::{Atom as _, Decode as _, Ftyp, Header, Moof, Moov};
use shared_media::Ticks;
use shared_playlist::MediaPlaylist;
use shared_playlist::media::{Report, Segment};

use super::house::{ANCHOR, House, fragments, key};

/// Where presentation begins in an init segment's track.
fn edit(init: &[u8]) -> i64 {
    let mut rest = init;
    Ftyp::decode(&mut rest).unwrap();
    let moov = Moov::decode(&mut rest).unwrap();
    let edits = moov.trak[0].edts.as_ref().and_then(|edts| edts.elst.as_ref());
    edits.and_then(|elst| elst.entries[0].media_time).unwrap_or_default() as i64
}

impl House {
    /// Its pictures are those of the segments that the rendition's playlist lists: each once, in order,
    /// lasting together as long as the segment, with the discontinuity and the init segment it has.
    pub(super) fn check_i_frames(&mut self, rendition: &str, playlist: &MediaPlaylist) {
        let media = &self.playlists[rendition];
        let promises =
            |list: &MediaPlaylist| (list.target_duration_s, list.part_target_us, list.ended);
        assert_eq!(promises(playlist), promises(media), "{rendition}");
        assert_eq!(playlist.discontinuity_sequence, media.discontinuity_sequence, "{rendition}");
        assert!(playlist.open.is_none() && playlist.hint.is_none());
        let mut pictures = playlist.segments.iter().peekable();
        for segment in &media.segments {
            let (mut duration, mut count) = (Ticks::ZERO, 0);
            while let Some(picture) = pictures.next_if(|picture| picture.uri == segment.uri) {
                let is_first = count == 0;
                assert_eq!(picture.head.discontinuity, is_first && segment.head.discontinuity);
                assert_eq!(picture.head.map, segment.head.map, "{rendition} {picture:?}");
                let starts = ANCHOR.ticks_at(segment.head.utc_us) + duration;
                let apart = (ANCHOR.ticks_at(picture.head.utc_us).0 - starts.0).abs();
                assert!(apart <= 1, "{rendition} {picture:?} of {segment:?}"); // whole microseconds
                assert_eq!((picture.gap, picture.range.is_none()), (segment.gap, segment.gap));
                assert!(picture.duration.0 > 0 && picture.parts.is_empty());
                duration = duration + picture.duration;
                count += 1;
            }
            assert!(count > 0 && duration == segment.duration, "{rendition} {segment:?}: {count}");
        }
        assert_eq!(pictures.next(), None, "{rendition}: a picture of no listed segment");
        for (msn, picture) in (playlist.recent_sequence()..).zip(&playlist.segments) {
            let known = self.pictures.insert((rendition.to_owned(), msn), picture.clone());
            match known {
                Some(known) => assert_eq!(&known, picture, "{rendition} {msn} changed"),
                None => self.check_picture(rendition, picture),
            }
        }
    }

    /// Its range is one whole fragment with one sample, which needs no other.
    fn check_picture(&self, rendition: &str, picture: &Segment) {
        let Some(bytes) = self.picture(rendition, picture) else { return };
        let mut rest = bytes;
        assert_eq!(Header::decode(&mut rest).unwrap().kind, Moof::KIND, "{picture:?}");
        let moofs = fragments(bytes); // panics if a box is cut off
        let samples: Vec<_> = moofs[0].traf[0].trun[0].samples.iter().collect();
        assert_eq!((moofs.len(), samples.len()), (1, 1), "{rendition} {picture:?}");
        assert_eq!(samples[0].flags.unwrap() & 0x0001_0000, 0, "{rendition} {picture:?}");
        let shown = ANCHOR.ticks_at(picture.head.utc_us).0;
        let decoded = moofs[0].traf[0].tfdt.as_ref().unwrap().base_media_decode_time as i64;
        let map = picture.head.map.as_ref().expect("a picture needs its init segment");
        let (edit, cts) = (edit(&self.objects[&key(rendition, map)]), samples[0].cts.unwrap());
        let by_sample = decoded + cts - edit;
        assert!((shown - by_sample).abs() <= 1, "{rendition}: {shown} against {by_sample}");
    }

    /// The bytes that a player fetches for a picture; `None` of a gap.
    pub(crate) fn picture(&self, rendition: &str, picture: &Segment) -> Option<&[u8]> {
        let range = picture.range?;
        let (from, length) = (range.offset as usize, range.length as usize);
        Some(&self.objects[&key(rendition, &picture.uri)][from..from + length])
    }

    /// At the end each playlist reports on every other.
    pub(super) fn check_reports(&self) {
        let lists = |i_frames: bool| if i_frames { &self.i_frames } else { &self.playlists };
        let file = |i_frames: bool| if i_frames { "iframes.m3u8" } else { "index.m3u8" };
        for (name, own_i_frames) in self.names() {
            let mut expected = Vec::new();
            for (other, i_frames) in self.names() {
                let edge = lists(i_frames)[&other].edge();
                let last_msn = edge.next_msn - u64::from(edge.open_parts == 0);
                let last_part = edge.last_parts.checked_sub(1).map(|last| last as u32);
                let uri = match other == name {
                    true => file(i_frames).to_owned(),
                    false => format!("../{other}/{}", file(i_frames)),
                };
                if (&other, i_frames) != (&name, own_i_frames) {
                    expected.push(Report { uri, last_msn, last_part });
                }
            }
            let mut reports = lists(own_i_frames)[&name].reports.clone();
            reports.sort_by(|one, other| one.uri.cmp(&other.uri));
            expected.sort_by(|one, other| one.uri.cmp(&other.uri));
            assert_eq!(reports, expected, "{name}, I-frames: {own_i_frames}");
        }
    }

    /// When a player can come, each playlist reports on every other.
    pub(super) fn check_who_reports(&self) {
        for (name, i_frames) in self.names() {
            let list = if i_frames { &self.i_frames[&name] } else { &self.playlists[&name] };
            assert_eq!(list.reports.len() + 1, self.names().len(), "{name}: {:?}", list.reports);
        }
    }

    /// All playlists: a rendition's name, and whether it is its I-frame playlist.
    fn names(&self) -> Vec<(String, bool)> {
        let media = self.playlists.keys().map(|name| (name.clone(), false));
        media.chain(self.i_frames.keys().map(|name| (name.clone(), true))).collect()
    }
}
