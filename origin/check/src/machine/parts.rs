//! Items 1 to 7: partial segments.
//!
//! In: [`Seen`]. Out: findings. Does not know the delivery.

use shared_playlist::read::{Media, Segment};

use super::seen::{Ask, Exchange, Followed, Kind, Seen};
use super::tally::{Finding, Tally};
use super::{ms, target_us};

/// What the network and a busy machine may add to when a part appears, in microseconds.
const LATE_US: u64 = 250_000;
/// An answer this fast did not wait: who asked was late, in microseconds.
const LATE_PLAYER_US: u64 = 20_000;
/// Least of the part target a part must have, in percent (4.4.4.9).
const LEAST_PERCENT: u64 = 85;
/// What rounding of a duration in a playlist may do, in microseconds.
const ROUNDING_US: u64 = 1000;

pub(super) fn judge(seen: &Seen) -> Vec<Finding> {
    let no_parts = "no playlist lists parts";
    vec![
        each(seen, part_target).end((1, "part-target", "4.4.3.7"), no_parts),
        each(seen, durations).end((2, "part-durations", "4.4.4.9"), no_parts),
        each(seen, independent).end((3, "part-independent", "4.4.4.9"), "no part was fetched"),
        each(seen, parents).end((4, "part-parent", "3.2"), "no segment was fetched with its parts"),
        timely(seen).end((5, "part-timing", "6.2.1"), "no new part was awaited"),
        each(seen, removal).end((6, "removal", "6.2.2"), "nothing was removed meanwhile"),
        each(seen, i_frames).end((7, "i-frame-blocking", "6.2.5.2"), "no I-frame playlist"),
    ]
}

/// One tally over all playlists.
pub(super) fn each(seen: &Seen, judge: fn(&mut Tally, &Followed)) -> Tally {
    let mut tally = Tally::default();
    for list in &seen.lists {
        judge(&mut tally, list);
    }
    tally
}

fn with_parts(list: &Followed) -> impl Iterator<Item = &Media> {
    let lists = list.versions.iter().map(|version| &version.list);
    lists.filter(|list| list.all().any(|(_, segment)| !segment.parts.is_empty()))
}

fn part_target(tally: &mut Tally, list: &Followed) {
    for media in with_parts(list) {
        let name = &list.name;
        tally.must(media.has_part_inf, || format!("{name}: parts without EXT-X-PART-INF"));
        let target = media.part_target_us.is_some_and(|target| target > 0);
        tally.must(target, || format!("{name}: EXT-X-PART-INF without PART-TARGET"));
    }
}

fn durations(tally: &mut Tally, list: &Followed) {
    let name = &list.name;
    for media in with_parts(list) {
        let target = media.part_target_us.unwrap_or(0);
        for (msn, segment) in media.all() {
            let is_whole = !segment.uri.is_empty();
            for (number, part) in segment.parts.iter().enumerate() {
                let lasts = part.duration_us;
                let said = || format!("{name}: part {msn}.{number} lasts {}", ms(lasts));
                let most = target + ROUNDING_US;
                tally.must(lasts > 0 && lasts <= most, || {
                    format!("{}, PART-TARGET is {}", said(), ms(target))
                });
                let next = segment.parts.get(number + 1);
                // The last listed of an open segment may turn out to be its last.
                let is_last = next.is_none();
                let before_gap = next.is_some_and(|next| next.gap);
                let excused = part.independent || part.gap || before_gap || is_last;
                let least = target * LEAST_PERCENT / 100;
                tally.must(excused || lasts + ROUNDING_US >= least, || {
                    format!("{}, less than 85 % of {} (whole: {is_whole})", said(), ms(target))
                });
            }
        }
    }
}

fn independent(tally: &mut Tally, list: &Followed) {
    let name = &list.name;
    for (segment, number, part) in newest_parts(list) {
        let Some(seen) = list.parts.iter().find(|seen| seen.uri == part.uri) else { continue };
        if seen.exchange.status == 404 {
            tally.must(part.gap, || {
                format!("{name}: part {number} of {} is gone without GAP=YES", segment.uri)
            });
        }
        let Some(media) = seen.media.as_ref().filter(|_| list.kind == Kind::Video) else {
            continue;
        };
        let starts = media.samples.first().is_some_and(|(_, sync)| *sync);
        tally.should(part.independent || !starts, || {
            format!(
                "{name}: {} begins with an independent frame, INDEPENDENT is not said",
                part.uri
            )
        });
        let any = media.samples.iter().any(|(_, sync)| *sync);
        tally.must(any || !part.independent, || {
            format!("{name}: {} says INDEPENDENT=YES and has no independent frame", part.uri)
        });
    }
}

/// Every part in the last version that lists it.
fn newest_parts(
    list: &Followed,
) -> impl Iterator<Item = (&Segment, usize, &shared_playlist::read::Part)> {
    let mut known = std::collections::HashSet::new();
    let versions = list.versions.iter().rev().map(|version| &version.list);
    let segments = versions.flat_map(|media| media.all().map(|(_, segment)| segment));
    let parts = segments.flat_map(|segment| {
        segment.parts.iter().enumerate().map(move |(number, part)| (segment, number, part))
    });
    parts.filter(move |(_, _, part)| known.insert(part.uri.as_str()))
}

fn parents(tally: &mut Tally, list: &Followed) {
    let name = &list.name;
    for media in with_parts(list) {
        for (msn, segment) in media.all().filter(|(_, segment)| !segment.parts.is_empty()) {
            let late = segment.late_tag.as_deref();
            tally.must(late.is_none(), || {
                format!("{name}: segment {msn}: {} after a part", late.unwrap_or_default())
            });
        }
    }
    for segment in &list.segments {
        let (Some(whole), Some(parts)) = (&segment.media, &segment.of_parts) else { continue };
        let same = whole.sum == parts.sum
            && whole.start == parts.start
            && whole.duration == parts.duration
            && whole.samples == parts.samples;
        tally.must(same, || {
            format!(
                "{name}: segment {} has {} samples of {} bytes, its parts {} of {}",
                segment.msn,
                whole.samples.len(),
                whole.payload_bytes,
                parts.samples.len(),
                parts.payload_bytes
            )
        });
    }
}

fn timely(seen: &Seen) -> Tally {
    let mut tally = Tally::default();
    for list in &seen.lists {
        timely_in(&mut tally, list, seen);
    }
    tally
}

fn timely_in(tally: &mut Tally, list: &Followed, seen: &Seen) {
    let name = &list.name;
    let mut last: Option<((u64, u64), &Exchange)> = None;
    let mut longest = 0;
    for version in &list.versions {
        let (media, exchange) = (&version.list, &version.exchange);
        let Some(target) = media.part_target_us.filter(|_| list.has_parts()) else { continue };
        let edge = (media.next_msn(), media.next_part());
        if let Some((before, earlier)) = last.filter(|(before, _)| edge > *before) {
            // A player that asked late may find several at once; one that waited may not.
            let late = exchange.waited_us() < LATE_PLAYER_US;
            let several = late && edge.0 == before.0 && edge.1 > before.1 + 1;
            let (from, to) = (earlier.head_us, exchange.head_us);
            let gap = to.saturating_sub(from).saturating_sub(seen.late_us(from, to));
            if version.asked.is_some() && !several {
                longest = longest.max(gap);
                let said = || {
                    format!("{name}: part {}.{} came {} after the last", edge.0, edge.1, ms(gap))
                };
                if gap > 2 * target + LATE_US {
                    tally.must(false, said);
                } else {
                    tally.should(gap <= target + LATE_US, said);
                }
            }
        }
        last = Some((edge, exchange));
    }
    if longest > 0 && list.kind == Kind::Video {
        tally.note(format!("{name}: longest time between parts {}", ms(longest)));
    }
    for part in &list.parts {
        let listed = newest_parts(list).find(|(_, _, one)| one.uri == part.uri);
        let Some((_, _, one)) = listed else { continue };
        let status = part.exchange.status;
        tally.must(one.gap || status == 200 || status == 206, || {
            format!("{name}: {} is listed and answers {status}", part.uri)
        });
    }
}

fn removal(tally: &mut Tally, list: &Followed) {
    let name = &list.name;
    for pair in list.versions.windows(2) {
        let [before, after] = pair else { continue };
        let (before, after) = (&before.list, &after.list);
        tally.must(after.media_sequence >= before.media_sequence, || {
            format!("{name}: EXT-X-MEDIA-SEQUENCE fell to {}", after.media_sequence)
        });
        for msn in after.first_msn()..before.next_msn() {
            let (Some(old), Some(new)) = (before.segment(msn), after.segment(msn)) else {
                continue;
            };
            tally.must(old.uri == new.uri, || {
                format!("{name}: segment {msn} was {} and became {}", old.uri, new.uri)
            });
        }
    }
    if let Some(media) = list.versions.last().map(|version| &version.list) {
        let mut after = 0;
        for (msn, segment) in media.all().collect::<Vec<_>>().into_iter().rev() {
            let far = after > 3 * target_us(media) + segment.duration_us;
            tally.should(!far || segment.parts.is_empty(), || {
                format!("{name}: segment {msn}, {} from the end, still lists parts", ms(after))
            });
            after += segment.duration_us;
        }
    }
    if let Some(gone) = &list.removed {
        tally.must(matches!(gone.status, 200 | 206), || {
            format!("{name}: a part just removed answers {}", gone.status)
        });
    }
}

fn i_frames(tally: &mut Tally, list: &Followed) {
    if list.kind != Kind::IFrames {
        return;
    }
    let name = &list.name;
    let parts = list.has_parts();
    tally.should(!parts, || format!("{name}: an I-frame playlist with parts"));
    for probe in list.asked(Ask::MsnAlone) {
        let (Some((msn, _)), status) = (probe.named, probe.exchange.status) else { continue };
        let has = probe.list.as_ref().is_some_and(|list| list.next_msn() > msn);
        tally.should(has, || format!("{name}: _HLS_msn={msn} was answered {status} without it"));
    }
}
