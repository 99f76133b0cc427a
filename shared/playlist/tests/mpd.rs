//! MPDs of shows that were made up: against their files in `golden/`, and for what every one of them promises.
//!
//! In: playlists of a show with a comeback, a hole and a rendition that lacks a segment. Out: a difference.
//! `MATINEE_GOLDEN=write` writes the files anew.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use shared_media::{Anchor, Ticks};
use shared_playlist::media::{Head, OpenSegment, Part, Segment};
use shared_playlist::mpd::{Catalogue, EditError, Live, Presentation, Starts, Timeline};
use shared_playlist::mpd::{enter, filter};
use shared_playlist::multivariant::{ClosedCaption, ClosedCaptions, Sound, Variant};
use shared_playlist::{DateRanges, MediaPlaylist, Multivariant, Past, mpd, recording};

const ANCHOR: Anchor = Anchor { utc_us: 1_795_244_400_123_456 };
const LIVE: Live = Live { target_duration_s: 2, window_s: 7200, part_target_us: 333_340 };
/// The show's renditions, as the playlist has them.
const NAMES: [&str; 3] = ["source", "480p", "audio"];
/// The publisher comes back with this segment, at once; with the other after a hole, in another size.
const COMEBACK: u64 = 4;
const AFTER_HOLE: u64 = 44;
/// The segments in which nobody has anything, and the one that `480p` lacks.
const HOLE: std::ops::Range<u64> = 42..44;
const LACKS: u64 = 7;

fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("MATINEE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "{}", path.display());
}

fn multivariant() -> String {
    let variant = |name: &str, resolution, bandwidth, codecs: &[&str]| Variant {
        subtitles: None,
        bandwidth,
        average_bandwidth: bandwidth,
        codecs: codecs.iter().map(|codec| (*codec).to_owned()).collect(),
        resolution,
        hdr: None,
        frame_rate_millihertz: resolution.map(|_| 29_970),
        audio: Some("audio".to_owned()),
        uri: format!("{name}/index.m3u8"),
    };
    let sound = Sound {
        group: "audio".to_owned(),
        name: "audio".to_owned(),
        language: Some("en".to_owned()),
        default: true,
        channels: 2,
        sample_rate: Some(48_000),
        uri: "audio/index.m3u8".to_owned(),
    };
    let within = |name: &str, language: Option<&str>| ClosedCaption {
        instream_id: name.to_owned(),
        name: name.to_owned(),
        language: language.map(str::to_owned),
        default: false,
    };
    let within =
        vec![within("CC1", Some("eng")), within("CC3", None), within("SERVICE12", Some("eng"))];
    Multivariant {
        closed_captions: ClosedCaptions::Some(within),
        subtitles: Vec::new(),
        sounds: vec![sound],
        variants: vec![
            variant("source", Some((1280, 720)), 3_130_000, &["avc1.64001f", "mp4a.40.2"]),
            variant("480p", Some((854, 480)), 1_330_000, &["avc1.64001e", "mp4a.40.2"]),
            variant("audio", None, 130_000, &["mp4a.40.2"]),
        ],
        i_frames: Vec::new(),
        anchor_us: Some(ANCHOR.utc_us),
    }
    .render()
}

/// Where a segment begins in a rendition, and how long it is. Segments of sound end with a frame of 1920 ticks.
fn span(name: &str, msn: u64) -> (i64, i64) {
    let cut = |msn: u64| {
        let jump = if msn >= COMEBACK { 123_457 } else { 0 };
        12_345 + i64::try_from(msn).unwrap() * 180_000 + jump
    };
    let section = if msn >= AFTER_HOLE {
        AFTER_HOLE
    } else if msn >= COMEBACK {
        COMEBACK
    } else {
        0
    };
    let at = |msn: u64| {
        let since = cut(msn) - cut(section);
        if name == "audio" { cut(section) + (since + 1919) / 1920 * 1920 } else { cut(msn) }
    };
    let end = match msn + 1 {
        COMEBACK => at(msn) + 180_480,
        next => at(next),
    };
    (at(msn), end - at(msn))
}

fn segment(name: &str, msn: u64) -> Arc<Segment> {
    let (start, duration) = span(name, msn);
    let map = if msn < AFTER_HOLE { "e1/i0.mp4" } else { "e1/i1.mp4" };
    Arc::new(Segment {
        head: Head {
            discontinuity: msn == COMEBACK || msn == AFTER_HOLE,
            map: Some(map.into()),
            utc_us: ANCHOR.utc_us_at(Ticks(start)),
        },
        uri: format!("e1/s{msn}.m4s"),
        range: None,
        duration: Ticks(duration),
        gap: HOLE.contains(&msn) || (name == "480p" && msn == LACKS),
        parts: Vec::new(),
    })
}

/// A live playlist of segments `first` to `last`, and the first part of the one after that.
fn playlist(name: &str, first: u64, last: u64) -> MediaPlaylist {
    let mut segments: Vec<_> = (first..=last).map(|msn| segment(name, msn)).collect();
    let mut past = Vec::new();
    if segments.len() > 40 {
        let old: Vec<_> = segments.drain(..32).collect();
        past.push(Arc::new(Past::new(&old, &mut None)));
    }
    let next = segment(name, last + 1);
    let part = Part {
        uri: format!("e1/p{}.0.m4s", last + 1),
        duration: Ticks(30_000),
        independent: true,
        gap: false,
    };
    MediaPlaylist {
        i_frames_only: false,
        target_duration_s: 2,
        part_target_us: 333_340,
        media_sequence: first,
        discontinuity_sequence: 0,
        past,
        segments,
        open: Some(OpenSegment { head: next.head.clone(), parts: vec![part] }),
        hint: None,
        reports: Vec::new(),
        date_ranges: Arc::new(DateRanges::default()),
        ended: false,
    }
}

fn live(first: u64, last: u64, starts: &mut Starts) -> String {
    let catalogue = Catalogue::read(multivariant().as_bytes()).unwrap();
    assert_eq!(catalogue.names().collect::<Vec<_>>(), NAMES);
    let timelines =
        NAMES.map(|name| Timeline::of_playlist(&playlist(name, first, last), catalogue.anchor_us));
    let presentation =
        Presentation { catalogue: &catalogue, timelines: &timelines, live: Some(LIVE) };
    presentation.render(starts).unwrap()
}

fn recorded(last: u64) -> String {
    let catalogue = Catalogue::read(multivariant().as_bytes()).unwrap();
    let text = |name: &str| {
        let mut map = None;
        let entries = (0..=last).map(|msn| recording::entry(&segment(name, msn), &mut map));
        let entries: String = entries.collect();
        recording::finish(&format!("{}{entries}", recording::header(2, false)))
    };
    let timelines = NAMES.map(|name| Timeline::of_text(&text(name), catalogue.anchor_us));
    let presentation = Presentation { catalogue: &catalogue, timelines: &timelines, live: None };
    presentation.render(&mut Starts::new()).unwrap()
}

/// An element as it was met: the names of those around it and its own, and its attributes.
type Element = (Vec<String>, BTreeMap<String, String>);

/// Every element, in order; fails on what is not well formed.
fn elements(mpd: &str) -> Vec<Element> {
    let (mut open, mut found) = (Vec::new(), Vec::new());
    for tag in mpd.split('<').skip(2) {
        let (tag, after) = tag.split_once('>').unwrap();
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{mpd}");
            continue;
        }
        let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut attributes = BTreeMap::new();
        while let Some((key, value)) = rest.trim_start().split_once("=\"") {
            let (value, next) = value.split_once('"').unwrap();
            assert!(!value.contains(['<', '>']), "{value}");
            assert_eq!(attributes.insert(key.to_owned(), value.to_owned()), None, "{tag}");
            rest = next;
        }
        assert_eq!(rest.trim(), "", "{tag}");
        open.push(name.to_owned());
        attributes.insert("text".to_owned(), after.trim().to_owned());
        found.push((open.clone(), attributes));
        if is_empty {
            open.pop();
        }
    }
    assert!(open.is_empty(), "{open:?}");
    found
}

/// A segment that an MPD lists: its URI, start and duration in ticks, and that of its init segment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    uri: String,
    init: String,
    start: i64,
    duration: i64,
}

/// What a player would find in an MPD: attributes are those of the element or of the one around it.
fn listed(mpd: &str) -> Vec<Listed> {
    let mut all = Vec::new();
    let (mut set, mut own): (BTreeMap<_, _>, BTreeMap<_, _>) = Default::default();
    let (mut set_spans, mut own_spans) = (Vec::new(), Vec::new());
    for (path, attributes) in elements(mpd) {
        let is_own = path.iter().any(|name| name == "Representation");
        let spans = if is_own { &mut own_spans } else { &mut set_spans };
        match path.last().unwrap().as_str() {
            "AdaptationSet" => (set, set_spans) = (BTreeMap::new(), Vec::new()),
            "Representation" => (own, own_spans) = (BTreeMap::new(), Vec::new()),
            "SegmentTemplate" if is_own => own = attributes,
            "SegmentTemplate" => set = attributes,
            "S" => {
                let number = |name: &str| attributes.get(name).map(|text| text.parse().unwrap());
                let end = spans.last().map_or(0, |(start, duration)| start + duration);
                let mut start = number("t").unwrap_or(end);
                for _ in 0..=number("r").unwrap_or(0) {
                    spans.push((start, number("d").unwrap()));
                    start += number("d").unwrap();
                }
            }
            _ => {}
        }
        // The timeline of a Representation stands behind its names.
        let is_last = path.last().is_some_and(|name| name == "SegmentTemplate" || name == "S");
        if is_own && is_last {
            let first: u64 = set["startNumber"].parse().unwrap();
            let spans = if own_spans.is_empty() { &set_spans } else { &own_spans };
            for (number, (start, duration)) in (first..).zip(spans) {
                let uri = own["media"].replace("$Number$", &number.to_string());
                let (start, duration) = (*start, *duration);
                all.push(Listed { uri, init: own["initialization"].clone(), start, duration });
            }
        }
    }
    all.sort();
    all.dedup();
    all
}

/// The same of the playlists themselves.
fn expected(first: u64, last: u64) -> Vec<Listed> {
    let of = |name: &'static str| {
        let segments = (first..=last).map(move |msn| segment(name, msn));
        segments.filter(|one| !one.gap).map(move |one| Listed {
            uri: format!("{name}/{}", one.uri),
            init: format!("{name}/{}", one.head.map.as_ref().unwrap()),
            start: span(name, one.uri[4..one.uri.len() - 4].parse().unwrap()).0,
            duration: one.duration.0,
        })
    };
    let mut all: Vec<_> = NAMES.into_iter().flat_map(of).collect();
    all.sort();
    all
}

#[test]
fn a_live_mpd_lists_what_the_playlists_list() {
    let text = live(0, 50, &mut Starts::new());
    golden("live.mpd", &text);
    let mut found = listed(&text);
    let open = |one: &Listed| one.uri.ends_with("/s51.m4s");
    let being_made: Vec<_> = found.iter().filter(|one| open(one)).cloned().collect();
    assert_eq!(being_made.len(), 3, "{text}");
    for one in &being_made {
        let name = one.uri.split('/').next().unwrap();
        assert_eq!(one.start, span(name, 51).0, "{one:?}");
        // Never shorter than it will be: the player would look for the next one in it.
        assert!((0..=1920).contains(&(one.duration - span(name, 51).1)), "{one:?}");
    }
    found.retain(|one| !open(one));
    assert_eq!(found, expected(0, 50));
}

#[test]
fn a_recordings_mpd_lists_all_of_it() {
    let text = recorded(50);
    golden("recording.mpd", &text);
    // Dates in playlists have milliseconds: a section may seem to begin a little early.
    let (found, all) = (listed(&text), expected(0, 50));
    assert_eq!(found.len(), all.len(), "{text}");
    for (found, one) in found.iter().zip(&all) {
        assert!((0..=90).contains(&(one.start - found.start)), "{found:?} {one:?}");
        let Listed { ref uri, ref init, duration, .. } = *found;
        assert_eq!((uri, init, duration), (&one.uri, &one.init, one.duration));
    }
}

/// Ids and starts of the Periods.
fn periods(mpd: &str) -> Vec<(String, String)> {
    let is_period = |(path, _): &Element| path.last().is_some_and(|name| name == "Period");
    let own = |(_, one): Element| (one["id"].clone(), one["start"].clone());
    elements(mpd).into_iter().filter(is_period).map(own).collect()
}

#[test]
fn periods_begin_where_something_changes_and_keep_their_start() {
    let mut starts = Starts::new();
    let ids = |text: &str| periods(text).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    let whole = live(0, 50, &mut starts);
    assert_eq!(ids(&whole), ["0", "4", "7", "8", "44"]);
    let known: BTreeMap<_, _> = periods(&whole).into_iter().collect();
    for first in [2, 5, 9, 30, 45, 46] {
        let text = live(first, 51, &mut starts);
        for (id, start) in periods(&text) {
            assert_eq!(known.get(&id), Some(&start), "{text}");
        }
        assert_eq!(listed(&text).first().map(|one| one.uri.clone()), {
            expected(first, 51).first().map(|one| one.uri.clone())
        });
    }
    assert_eq!(ids(&live(46, 51, &mut starts)), ["44"]);
    // The same list is the same text, and says so.
    assert_eq!(live(46, 51, &mut starts), live(46, 51, &mut starts));
    assert_eq!(ids(&recorded(50)), ids(&whole));
}

#[test]
fn times_are_the_shows() {
    let text = live(0, 50, &mut Starts::new());
    let all = elements(&text);
    let (_, mpd) = &all[0];
    assert_eq!(mpd["availabilityStartTime"], "2026-11-21T07:00:00.123Z");
    assert_eq!(mpd["type"], "dynamic");
    for (path, attributes) in &all {
        // A sample is shown at its media time, whatever Period it is in.
        if path.ends_with(&["AdaptationSet".to_owned(), "SegmentTemplate".to_owned()]) {
            let first: u64 = attributes["startNumber"].parse().unwrap();
            let offset: i64 = attributes["presentationTimeOffset"].parse().unwrap();
            assert_eq!(offset, span("source", first).0, "{attributes:?}");
            assert_eq!(attributes["availabilityTimeOffset"], "1.66666");
        }
    }
    let names: Vec<&str> = all.iter().map(|(path, _)| path.last().unwrap().as_str()).collect();
    let at = |name: &str| names.iter().position(|other| *other == name).unwrap();
    // The schema has them in this order (5.3.1.2).
    let order = ["MPD", "Location", "ServiceDescription", "Period", "UTCTiming"];
    assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])), "{names:?}");
    assert_eq!(all[at("Location")].1["text"], "manifest.52.mpd");
    assert_eq!(mpd::date_time(1_795_244_400_999_999), "2026-11-21T07:00:00.999Z");
}

#[test]
fn a_viewers_mpd_differs_in_what_the_tier_may_not_see() {
    let text = live(0, 50, &mut Starts::new());
    let lower = filter(text.as_bytes(), 480).unwrap();
    let lower = String::from_utf8(lower).unwrap();
    let mut rest = listed(&text);
    rest.retain(|one| !one.uri.starts_with("source/"));
    assert_eq!(listed(&lower), rest);
    // Where the lower picture lacks a segment, the sound alone is left.
    let sets = elements(&lower)
        .into_iter()
        .filter(|(path, _)| path.len() == 3 && path[2] == "AdaptationSet");
    assert_eq!(sets.count(), 4 * 2 + 1);
    assert_eq!(filter(text.as_bytes(), 720).unwrap(), text.as_bytes());
    assert_eq!(filter(text.as_bytes(), 240), Err(EditError::TierTooLow { height_max: 240 }));
    assert_eq!(filter(b"\xff<MPD ", 240), Err(EditError::NotMpd));
    let entered = String::from_utf8(enter(text.as_bytes(), "/p/S/").unwrap()).unwrap();
    assert_eq!(elements(&entered)[1].1["text"], "/p/S/");
    assert_eq!(elements(&entered)[2].1["text"], "/p/S/manifest.52.mpd");
    assert_eq!(enter(b"#EXTM3U\n", "/p/S/"), Err(EditError::NotMpd));
}

/// Two hours of three renditions: what a version costs, and how large it is.
#[test]
fn two_hours_are_a_small_text() {
    let segments = 3600;
    let of = |name: &str| {
        let mut all: Vec<_> = (100..100 + segments)
            .map(|msn| {
                let mut one = Segment::clone(&segment(name, msn));
                one.head.discontinuity = false;
                Arc::new(one)
            })
            .collect();
        let recent = all.split_off(3584);
        let mut map = None;
        let past = all.chunks(32).map(|piece| Arc::new(Past::new(piece, &mut map))).collect();
        MediaPlaylist { past, segments: recent, ..playlist(name, 100, 3699) }
    };
    let catalogue = Catalogue::read(multivariant().as_bytes()).unwrap();
    let playlists = NAMES.map(of);
    let made = || {
        let begun = std::time::Instant::now();
        let timeline = |playlist| Timeline::of_playlist(playlist, catalogue.anchor_us);
        let timelines: Vec<_> = playlists.iter().map(timeline).collect();
        let presentation =
            Presentation { catalogue: &catalogue, timelines: &timelines, live: Some(LIVE) };
        (presentation.render(&mut Starts::new()).unwrap(), begun.elapsed())
    };
    let (text, first) = made();
    let (again, next) = made();
    println!("{} bytes; the first time {first:?}, then {next:?}", text.len());
    assert_eq!(text, again);
    let elements = text.matches("<S ").count();
    assert!(elements > 1700 && text.len() < 60_000, "{elements} elements, {} bytes", text.len());
}
