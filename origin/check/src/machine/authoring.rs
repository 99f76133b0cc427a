//! Items 32 to 37: what Apple's authoring specification asks for and servers get wrong.
//!
//! In: [`Seen`]. Out: findings. Does not decode pictures.

use shared_playlist::read::{Attributes, Media};

use super::cmaf::Fragment;
use super::parts::each;
use super::seen::{Followed, Kind, Seen, SegmentSeen};
use super::tally::{Finding, Tally};
use super::{ms, target_us};

/// How far a segment may exceed the target duration (Apple 7.7), in microseconds.
const LONGER_US: u64 = 500_000;
/// How far apart keyframes may be (Apple 1.13), in microseconds, and what rounding adds.
const KEYFRAMES_US: u64 = 2_050_000;
/// Least segments in a live playlist (Apple 8.11).
const SEGMENTS_MIN: usize = 6;
/// How far segments of two playlists may begin apart: a frame of sound and rounding, in microseconds.
const APART_US: u64 = 45_000;

pub(super) fn judge(seen: &Seen) -> Vec<Finding> {
    let mut keyed = each(seen, keyframe_first);
    let mut offered = Tally::default();
    let mut fast = Tally::default();
    if let Some((_, list)) = &seen.multivariant {
        let tagged = |one: &Followed| {
            one.kind != Kind::Video || one.last().is_some_and(|media| media.independent_segments)
        };
        keyed.must(list.independent_segments || seen.lists.iter().all(tagged), || {
            "no EXT-X-INDEPENDENT-SEGMENTS".to_owned()
        });
        for (tag, uri) in &list.variants {
            variant(&mut offered, tag, seen.lists.iter().find(|one| names(one, uri)));
        }
        let pictures = list.variants.iter().any(|(tag, _)| tag.get("RESOLUTION").is_some());
        if pictures {
            fast.must(!list.i_frames.is_empty(), || "no EXT-X-I-FRAME-STREAM-INF".to_owned());
        }
    }
    i_frame_targets(&mut fast, seen);
    let mut aligned = each(seen, discontinuities);
    align(&mut aligned, seen);
    vec![
        keyed.end((32, "independent-segments", "Apple 9.11, 7.4"), "no multivariant playlist"),
        offered.end((33, "variant-attributes", "Apple 9.1 to 9.15"), "no multivariant playlist"),
        fast.end((34, "i-frame-playlists", "Apple 6.1, 6.11"), "no pictures are offered"),
        aligned.end((35, "aligned-renditions", "Apple 8.2, 8.22"), "no media playlist"),
        each(seen, segments).end((36, "segment-durations", "Apple 7.7, 8.1"), "no segment"),
        each(seen, media_form).end((37, "media-delivery", "Apple 8.18, 10.4"), "no media"),
    ]
}

/// Whether a playlist is the one a URI names, as far as its end shows: bases differ by session.
fn names(list: &Followed, uri: &str) -> bool {
    let path = |text: &str| text.split(['?', '#']).next().unwrap_or_default().to_owned();
    let wanted = path(uri);
    path(&list.url).ends_with(wanted.trim_start_matches(['.', '/']))
}

fn keyframe_first(tally: &mut Tally, list: &Followed) {
    for segment in list.segments.iter().filter(|_| list.kind == Kind::Video) {
        let Some(media) = &segment.media else { continue };
        let starts = media.samples.first().is_some_and(|(_, sync)| *sync);
        tally.must(starts, || {
            format!("{}: segment {} does not begin with a keyframe", list.name, segment.msn)
        });
    }
}

fn variant(tally: &mut Tally, tag: &Attributes, list: Option<&Followed>) {
    let name = list.map_or("a variant", |list| list.name.as_str());
    let pictures = list.is_none_or(|list| list.kind == Kind::Video);
    let mut wanted = vec!["BANDWIDTH", "AVERAGE-BANDWIDTH", "CODECS"];
    if pictures {
        wanted.extend(["RESOLUTION", "FRAME-RATE"]);
    }
    for attribute in wanted {
        tally.must(tag.get(attribute).is_some(), || format!("{name}: no {attribute}"));
    }
    let Some(list) = list else { return };
    if let Some((track, _)) = &list.track {
        let codecs = tag.get("CODECS").unwrap_or_default();
        let has = codecs.split(',').any(|one| one.trim().to_lowercase().starts_with(&track.codec));
        tally.must(track.codec.is_empty() || has, || {
            format!("{name}: the media is {}, CODECS say {codecs}", track.codec)
        });
        let size = track.size.map(|(width, height)| format!("{width}x{height}"));
        let said = tag.get("RESOLUTION");
        tally.must(size.is_none() || said.is_none() || said == size.as_deref(), || {
            format!("{name}: the media is {size:?}, RESOLUTION says {said:?}")
        });
    }
    let Some(peak) = tag.number("BANDWIDTH") else { return };
    let average = tag.number("AVERAGE-BANDWIDTH").unwrap_or(peak);
    tally.must(average <= peak, || format!("{name}: AVERAGE-BANDWIDTH above BANDWIDTH"));
    let rate = |one: &SegmentSeen| bit_rate(list, one);
    for (msn, rate) in list.segments.iter().filter_map(|one| Some((one.msn, rate(one)?))) {
        tally.must(rate * 100 <= peak.saturating_mul(125), || {
            format!("{name}: segment {msn} has {rate} bit/s, BANDWIDTH is {peak}")
        });
    }
}

/// Bits per second of a segment; those of the sound beside it are not in it.
fn bit_rate(list: &Followed, segment: &SegmentSeen) -> Option<u64> {
    let versions = list.versions.iter().rev();
    let listed = versions.filter_map(|version| version.list.segment(segment.msn)).next()?;
    let bits = (segment.exchange.bytes as u64).saturating_mul(8_000_000);
    bits.checked_div(listed.duration_us)
}

fn i_frame_targets(tally: &mut Tally, seen: &Seen) {
    let target = |list: &Followed| list.last().and_then(|media| media.target_duration_s);
    let others = seen.lists.iter().filter(|list| list.kind != Kind::IFrames).find_map(target);
    for list in seen.lists.iter().filter(|list| list.kind == Kind::IFrames) {
        tally.must(target(list) == others, || {
            format!("{}: another EXT-X-TARGETDURATION than the others", list.name)
        });
        let marked = list.last().is_some_and(|media| media.i_frames_only);
        tally.must(marked, || format!("{}: no EXT-X-I-FRAMES-ONLY", list.name));
    }
}

fn discontinuities(tally: &mut Tally, list: &Followed) {
    for media in list.versions.iter().map(|version| &version.list) {
        let broken = media.all().any(|(_, segment)| segment.discontinuity);
        tally.must(!broken || media.discontinuity_sequence.is_some(), || {
            format!("{}: EXT-X-DISCONTINUITY without EXT-X-DISCONTINUITY-SEQUENCE", list.name)
        });
    }
}

/// Segments of the same number begin at the same date and break at the same places.
fn align(tally: &mut Tally, seen: &Seen) {
    let lists = seen.lists.iter().filter(|list| matches!(list.kind, Kind::Video | Kind::Audio));
    let mut lists = lists.filter_map(|list| Some((list, list.last()?)));
    let Some((first, model)) = lists.next() else { return };
    for (list, media) in lists {
        let pair = || format!("{} and {}", first.name, list.name);
        for (msn, segment) in media.all().filter(|(_, one)| !one.uri.is_empty()) {
            let Some(other) = model.segment(msn) else { continue };
            if let (Some(one), Some(two)) = (other.date_us, segment.date_us) {
                let apart = one.abs_diff(two);
                tally.should(apart <= APART_US, || {
                    format!("{}: segment {msn} begins {} apart", pair(), ms(apart))
                });
            }
            tally.must(other.discontinuity == segment.discontinuity, || {
                format!("{}: segment {msn} is a discontinuity in one only", pair())
            });
        }
    }
}

fn segments(tally: &mut Tally, list: &Followed) {
    let Some(media) = list.last() else { return };
    let name = &list.name;
    let most = target_us(media) + LONGER_US;
    for (msn, segment) in media.all().filter(|(_, one)| !one.uri.is_empty()) {
        let lasts = segment.duration_us;
        tally.must(lasts <= most, || format!("{name}: segment {msn} lasts {}", ms(lasts)));
    }
    if !media.ended && list.kind != Kind::IFrames {
        let count = media.segments.len();
        let young = media.media_sequence == 0;
        tally.should(young || count >= SEGMENTS_MIN, || format!("{name}: {count} segments"));
    }
    let Some((track, _)) = list.track.as_ref().filter(|(track, _)| track.timescale > 0) else {
        return;
    };
    let us = |ticks: u64| ticks.saturating_mul(1_000_000) / u64::from(track.timescale);
    for segment in list.segments.iter().filter(|_| list.kind != Kind::IFrames) {
        let (Some(found), Some(said)) = (&segment.media, said_us(list, segment.msn)) else {
            continue;
        };
        let (lasts, frame) = (us(found.duration), us(found.longest));
        tally.must(lasts.abs_diff(said) <= frame + 1000, || {
            format!("{name}: segment {} lasts {}, EXTINF says {}", segment.msn, ms(lasts), ms(said))
        });
        let apart = us(keyframes_apart(found));
        tally.should(list.kind != Kind::Video || apart <= KEYFRAMES_US, || {
            format!("{name}: keyframes {} apart in segment {}", ms(apart), segment.msn)
        });
    }
}

fn said_us(list: &Followed, msn: u64) -> Option<u64> {
    let versions = list.versions.iter().rev().map(|version| &version.list);
    versions.filter_map(|media: &Media| media.segment(msn)).next().map(|one| one.duration_us)
}

/// The longest time between two sync samples, or from the last to the end, in ticks.
fn keyframes_apart(media: &Fragment) -> u64 {
    let syncs = media.samples.iter().filter(|(_, sync)| *sync).map(|(at, _)| *at);
    let mut places: Vec<u64> = syncs.collect();
    places.push(media.duration);
    places.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or(0)
}

fn media_form(tally: &mut Tally, list: &Followed) {
    for exchange in list.media() {
        let (place, status) = (&exchange.place, exchange.status);
        tally.must(!(300..400).contains(&status), || format!("{place}: redirected ({status})"));
        let kind = exchange.header("content-type").unwrap_or_default();
        let media = ["video/", "audio/", "application/mp4", "text/vtt"];
        let known = status != 200 || media.iter().any(|one| kind.starts_with(one));
        tally.should(known, || format!("{place}: media of type {kind:?}"));
    }
    for version in &list.versions {
        let kind = version.exchange.header("content-type").unwrap_or_default().to_lowercase();
        let right = ["application/vnd.apple.mpegurl", "audio/mpegurl", "application/x-mpegurl"];
        tally.must(right.iter().any(|one| kind.starts_with(one)), || {
            format!("{}: a playlist of type {kind:?}", list.name)
        });
    }
    if let Some((track, _)) = &list.track {
        tally.should(track.codec != "hev1", || format!("{}: hev1 instead of hvc1", list.name));
    }
    if let Some(media) = list.last().filter(|media| media.ended && media.media_sequence == 0) {
        let typed = media.playlist_type.is_some();
        tally.should(typed, || format!("{}: ended without EXT-X-PLAYLIST-TYPE", list.name));
    }
}
