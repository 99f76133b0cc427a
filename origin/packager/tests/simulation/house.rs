//! A store and a viewer who reads every playlist the moment it is published.
//!
//! In: the machine's outputs. Out: a panic where one breaks a rule of the specification; the objects
//! and the last playlists for a test to look at.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use mp4_atom::{Atom as _, Buf as _, Decode as _, DecodeMaybe as _, Header, Moof};
use origin_packager::machine::Output;
use origin_packager::{Config, Error, Machine};
use shared_media::{Anchor, Now, Poll, Staged, Ticks};
use shared_playlist::MediaPlaylist;
use shared_playlist::media::{Head, Part, Segment};

pub(crate) const SHOW: &str = "0123456789abcdef";
pub(crate) const ANCHOR: Anchor = Anchor { utc_us: 1_700_000_000_000_000 };

/// The store and the playlists as last published.
#[derive(Debug, Default)]
pub(crate) struct House {
    pub(crate) objects: HashMap<String, Bytes>,
    pub(crate) texts: BTreeMap<String, String>,
    pub(crate) playlists: BTreeMap<String, MediaPlaylist>,
    pub(crate) i_frames: BTreeMap<String, MediaPlaylist>,
    /// Every picture ever listed, by rendition and number.
    pub(crate) pictures: BTreeMap<(String, u64), Arc<Segment>>,
    pub(crate) troubles: Vec<Error>,
    pub(crate) recordings: Option<Vec<String>>,
    /// Every segment ever listed: (start, duration, gap) by rendition and number.
    pub(crate) segments: BTreeMap<(String, u64), (i64, Ticks, bool)>,
    /// Parts that were checked already; they must not change.
    checked: HashMap<String, Part>,
    pub(crate) multivariants: usize,
    /// Parts that came where others were hinted at, with those.
    pub(crate) missed_hints: Vec<(Part, String)>,
}

/// The clock at the arrival of something.
pub(crate) fn now(at: i64) -> Now {
    let micros = Ticks(at).as_micros().max(0);
    Now { monotonic_us: micros.unsigned_abs(), utc_us: ANCHOR.utc_us + micros }
}

/// Runs a show to its end. Arrival ticks drive the clock.
pub(crate) fn run(config: Config, events: Vec<(i64, Staged)>) -> House {
    let mut machine = Machine::new(config, SHOW.parse().unwrap(), "e1".to_owned(), ANCHOR);
    let mut house = House::default();
    for (at, event) in events {
        machine.handle(now(at), event);
        while let Poll::Output(output) = machine.poll() {
            house.carry_out(output);
        }
    }
    assert!(house.recordings.is_some(), "the show did not finish");
    house.check_reports();
    house
}

impl House {
    pub(crate) fn carry_out(&mut self, output: Output) {
        match output {
            Output::PutPart(object) | Output::Put(object) => {
                let known = self.objects.insert(object.key.clone(), object.bytes);
                assert!(known.is_none(), "{} was written twice", object.key);
            }
            Output::Multivariant(object) => {
                self.multivariants += 1;
                self.check_who_reports();
                let text = String::from_utf8(object.bytes.to_vec()).unwrap();
                self.texts.insert(object.key, text);
            }
            Output::Replace(object) => {
                let text = String::from_utf8(object.bytes.to_vec()).unwrap();
                self.texts.insert(object.key, text);
            }
            Output::Append(object) => {
                let text = std::str::from_utf8(&object.bytes).unwrap();
                self.texts.get_mut(&object.key).expect("a header first").push_str(text);
            }
            Output::View { rendition, playlist, .. } => self.view(rendition.as_str(), playlist),
            Output::Note(_) => {}
            Output::Trouble(trouble) => self.troubles.push(trouble),
            Output::Finished { recordings } => self.recordings = Some(recordings),
        }
    }

    fn view(&mut self, rendition: &str, playlist: MediaPlaylist) {
        if playlist.i_frames_only {
            self.check_i_frames(rendition, &playlist);
            self.i_frames.insert(rendition.to_owned(), playlist);
            return;
        }
        self.check_parts(rendition, &playlist);
        self.check_segments(rendition, &playlist);
        for report in &playlist.reports {
            let Some(other) = report.uri.strip_suffix("/index.m3u8") else { continue };
            let other = other.trim_start_matches("../");
            // Views of one step come one after another: the other's may be the next output.
            if let Some(other) = self.playlists.get(other) {
                let last_listed = other.edge().next_msn - u64::from(other.open.is_none());
                assert!(report.last_msn >= last_listed.saturating_sub(1), "a stale report");
            }
        }
        if let Some(before) = self.playlists.get(rendition) {
            self.missed_hints.extend(check_progress(rendition, before, &playlist));
        }
        self.playlists.insert(rendition.to_owned(), playlist);
    }

    /// Every listed part is there, lies within the target, and starts where the one before ended.
    fn check_parts(&mut self, rendition: &str, playlist: &MediaPlaylist) {
        let target = Ticks::from_micros(i64::from(playlist.part_target_us)).0;
        let closed = playlist.segments.iter().map(|segment| (&segment.parts, true));
        let open = playlist.open.iter().map(|open| (&open.parts, false));
        for (parts, is_closed) in closed.chain(open) {
            for (index, part) in parts.iter().enumerate() {
                let part_key = key(rendition, &part.uri);
                if let Some(checked) = self.checked.get(&part_key) {
                    assert_eq!(checked, part);
                    continue;
                }
                let bytes = self.objects.get(&part_key);
                let bytes = bytes.unwrap_or_else(|| panic!("{rendition}: {} is missing", part.uri));
                assert!(part.duration.0 > 0 && part.duration.0 <= target, "{part:?}");
                let is_last = is_closed && index + 1 == parts.len();
                let long_enough = part.duration.0 * 100 >= target * 85;
                assert!(long_enough || is_last || part.independent, "{rendition} {part:?}");
                assert_eq!(part.independent, has_keyframe(bytes, rendition), "{part:?}");
                self.checked.insert(part_key, part.clone());
            }
        }
    }

    fn check_segments(&mut self, rendition: &str, playlist: &MediaPlaylist) {
        for (msn, segment) in (playlist.recent_sequence()..).zip(&playlist.segments) {
            let seconds = (segment.duration.as_secs_f64() + 0.5).floor();
            assert!(seconds <= f64::from(playlist.target_duration_s), "{segment:?}");
            assert_eq!(segment.uri, format!("e1/s{msn}.m4s"));
            let start = ANCHOR.ticks_at(segment.head.utc_us).0;
            let known = (start, segment.duration, segment.gap);
            let before = self.segments.insert((rendition.to_owned(), msn), known);
            assert!(before.is_none_or(|before| before == known), "{rendition} {msn} changed");
            if segment.gap || before.is_some() {
                continue;
            }
            let bytes = &self.objects[&key(rendition, &segment.uri)];
            let of_parts: Vec<u8> = segment
                .parts
                .iter()
                .flat_map(|part| self.objects[&key(rendition, &part.uri)].to_vec())
                .collect();
            assert_eq!(&of_parts[..], &bytes[..], "parts and segment {rendition} {msn} differ");
            let map = segment.head.map.as_ref().expect("a segment needs its init segment");
            assert!(self.objects.contains_key(&key(rendition, map)));
        }
    }
}

/// A playlist only grows at its end and shrinks at its front. Gives the part that came where another was hinted at.
fn check_progress(
    rendition: &str,
    before: &MediaPlaylist,
    after: &MediaPlaylist,
) -> Option<(Part, String)> {
    assert!(after.media_sequence >= before.media_sequence);
    assert!(after.discontinuity_sequence >= before.discontinuity_sequence);
    assert!(after.edge().next_msn >= before.edge().next_msn, "{rendition} went back");
    assert_eq!(after.part_target_us, before.part_target_us);
    let listed = |playlist: &MediaPlaylist| -> Vec<(Head, Part)> {
        let closed = playlist.segments.iter().map(|segment| (&segment.head, &segment.parts));
        let open = playlist.open.iter().map(|open| (&open.head, &open.parts));
        let pairs = closed.chain(open);
        pairs
            .flat_map(|(head, parts)| parts.iter().map(|part| (head.clone(), part.clone())))
            .collect()
    };
    let (old, new) = (listed(before), listed(after));
    let known = old.last().and_then(|last| new.iter().position(|part| part == last));
    assert!(old.is_empty() || known.is_some(), "{rendition}: a listed part vanished or changed");
    assert_eq!(after.hint.is_none(), after.ended);
    let hint = before.hint.as_ref()?;
    let came = new.get(known.map_or(0, |known| known + 1));
    let (_, part) = came.filter(|_| !after.segments.iter().any(|s| s.gap))?;
    (part.uri != *hint).then(|| (part.clone(), hint.clone()))
}

pub(crate) fn key(rendition: &str, uri: &str) -> String {
    format!("{SHOW}/{rendition}/{uri}")
}

/// The fragments of a part or segment.
pub(crate) fn fragments(bytes: &[u8]) -> Vec<Moof> {
    let (mut rest, mut moofs) = (bytes, Vec::new());
    while !rest.is_empty() {
        let mut peek = rest;
        let header = Header::decode(&mut peek).unwrap();
        if header.kind == Moof::KIND {
            moofs.push(Moof::decode_maybe(&mut rest).unwrap().unwrap());
        } else {
            rest = peek;
            rest.advance(header.size.unwrap());
        }
    }
    moofs
}

/// Start and end of the samples of a part or segment, in the track's timescale; they must join.
pub(crate) fn span(bytes: &[u8]) -> (u64, u64) {
    let mut bounds: Option<(u64, u64)> = None;
    for moof in fragments(bytes) {
        let start = moof.traf[0].tfdt.as_ref().unwrap().base_media_decode_time;
        let samples = moof.traf[0].trun[0].samples.iter();
        let duration: u64 = samples.map(|sample| u64::from(sample.duration.unwrap())).sum();
        let first = bounds.map_or(start, |(first, end)| {
            assert_eq!(end, start, "fragments do not join");
            first
        });
        bounds = Some((first, start + duration));
    }
    bounds.expect("no fragment")
}

fn has_keyframe(bytes: &[u8], rendition: &str) -> bool {
    let sync = |flags: Option<u32>| flags.is_some_and(|flags| flags & 0x0001_0000 == 0);
    let mut flags = fragments(bytes).into_iter().flat_map(|moof| {
        moof.traf[0].trun[0].samples.iter().map(|sample| sample.flags).collect::<Vec<_>>()
    });
    rendition == "audio" || flags.any(sync)
}
