//! Items 19 to 23: delta updates and preload hints.
//!
//! In: [`Seen`]. Out: findings. Does not know how hints were followed.

use shared_playlist::read::Media;

use super::ms;
use super::parts::each;
use super::seen::{Ask, Followed, Probe, Seen};
use super::tally::{Finding, Tally};

/// A window above which deltas should be offered, in microseconds (Apple 14.4).
const LONG_WINDOW_US: u64 = 120_000_000;
/// How many segments may have come since the playlist that a delta is compared with.
const AHEAD: u64 = 5;
/// What the transfer of a part may take whatever its size, in microseconds.
const TRANSFER_US: u64 = 100_000;

pub(super) fn judge(seen: &Seen) -> Vec<Finding> {
    vec![
        each(seen, delta).end((19, "delta", "6.2.5.1"), "no delta was asked for"),
        each(seen, ranges).end((20, "delta-dateranges", "6.2.5.1, Apple 14.4"), "no delta offered"),
        each(seen, hints).end((21, "hint-kept", "6.2.6"), "no part was hinted"),
        each(seen, whole).end((22, "hint-at-link-speed", "6.2.6"), "no hinted part was fetched"),
        each(seen, hint_rules).end((23, "hint-rules", "4.4.5.3"), "no part was hinted"),
    ]
}

fn delta(tally: &mut Tally, list: &Followed) {
    for probe in list.asked(Ask::Skip) {
        let name = &list.name;
        let Some(media) = &probe.list else {
            let status = probe.exchange.status;
            tally.must(false, || format!("{name}: _HLS_skip=YES was answered {status}"));
            continue;
        };
        let Some(until) = probe.before.control_us("CAN-SKIP-UNTIL").filter(|_| !media.ended) else {
            tally.must(media.skips.is_empty(), || format!("{name}: a delta that was not offered"));
            continue;
        };
        if !can_skip(&probe.before, until) {
            continue;
        }
        tally.must(media.skips.len() == 1, || {
            format!("{name}: a delta has {} EXT-X-SKIP", media.skips.len())
        });
        joined(tally, name, probe, media);
    }
}

/// Whether something lies before the skip boundary.
fn can_skip(media: &Media, until_us: u64) -> bool {
    let window: u64 = media.segments.iter().map(|segment| segment.duration_us).sum();
    let first = media.segments.first().map_or(0, |segment| segment.duration_us);
    window > until_us + 2 * first
}

fn joined(tally: &mut Tally, name: &str, probe: &Probe, media: &Media) {
    let full = &probe.before;
    for msn in media.first_msn()..full.next_msn() {
        let (Some(whole), Some(part)) = (full.segment(msn), media.segment(msn)) else { continue };
        tally.must(whole.uri == part.uri && whole.duration_us == part.duration_us, || {
            format!("{name}: segment {msn} of the delta is not the playlist's")
        });
    }
    let ends = full.next_msn()..=full.next_msn() + AHEAD;
    tally.must(ends.contains(&media.next_msn()), || {
        let (delta, whole) = (media.next_msn(), full.next_msn());
        format!("{name}: the delta ends at {delta}, the playlist at {whole}")
    });
    let until = full.control_us("CAN-SKIP-UNTIL").unwrap_or(0);
    let kept: u64 = media.segments.iter().map(|segment| segment.duration_us).sum();
    let open: u64 = media.open.parts.iter().map(|part| part.duration_us).sum();
    tally.must(kept + open >= until, || {
        format!("{name}: the delta keeps {}, CAN-SKIP-UNTIL is {}", ms(kept + open), ms(until))
    });
    let map = media.segments.first().and_then(|segment| segment.map.as_ref());
    tally.should(full.segments.iter().all(|one| one.map.is_none()) || map.is_some(), || {
        format!("{name}: the first segment of the delta has no EXT-X-MAP")
    });
    let control = media.server_control == full.server_control;
    tally.must(control, || format!("{name}: the delta lacks EXT-X-SERVER-CONTROL"));
}

fn ranges(tally: &mut Tally, list: &Followed) {
    let name = &list.name;
    if let Some(media) = list.last() {
        let window: u64 = media.segments.iter().map(|segment| segment.duration_us).sum();
        let offers = media.control_us("CAN-SKIP-UNTIL").is_some();
        if window > LONG_WINDOW_US || offers {
            tally.should(offers, || format!("{name}: a window of {} without deltas", ms(window)));
        }
    }
    for probe in list.asked(Ask::SkipRanges) {
        let (Some(media), before) = (&probe.list, &probe.before) else {
            let status = probe.exchange.status;
            tally.must(false, || format!("{name}: _HLS_skip=v2 was answered {status}"));
            continue;
        };
        let removed = media.skips.first().and_then(|skip| skip.get("RECENTLY-REMOVED-DATERANGES"));
        let removed: Vec<&str> = removed.unwrap_or_default().split('\t').collect();
        let id = |one: &shared_playlist::read::Attributes| one.get("ID").map(str::to_owned);
        let kept: Vec<String> = media.date_ranges.iter().filter_map(id).collect();
        let offers = before.control_is("CAN-SKIP-DATERANGES");
        for id in before.date_ranges.iter().filter_map(id) {
            let known = kept.contains(&id) || (offers && !removed.contains(&id.as_str()));
            tally.must(known, || format!("{name}: date range {id} is lost in the delta"));
        }
    }
}

fn hints(tally: &mut Tally, list: &Followed) {
    let name = &list.name;
    for pair in list.versions.windows(2) {
        let [before, after] = pair else { continue };
        let (before, after) = (&before.list, &after.list);
        let Some(hinted) = before.hinted_part() else { continue };
        let (msn, part) = (before.next_msn(), before.next_part());
        let Some((_, segment)) = after.all().find(|(number, _)| *number == msn) else { continue };
        // A segment that ended abandons what was hinted for it.
        let Some(came) = usize::try_from(part).ok().and_then(|at| segment.parts.get(at)) else {
            continue;
        };
        tally.must(came.uri == hinted, || {
            format!("{name}: {hinted} was hinted, part {msn}.{part} is {}", came.uri)
        });
    }
    for part in list.parts.iter().filter(|part| part.hinted) {
        let listed = list.versions.iter().any(|version| lists(&version.list, &part.uri));
        let status = part.exchange.status;
        tally.must(!listed || status == 200 || status == 206, || {
            format!("{name}: {} was hinted, asked for and answered {status}", part.uri)
        });
    }
}

fn lists(media: &Media, uri: &str) -> bool {
    media.all().any(|(_, segment)| segment.parts.iter().any(|part| part.uri == uri))
}

fn whole(tally: &mut Tally, list: &Followed) {
    let target = list.last().and_then(|media| media.part_target_us).unwrap_or(0);
    let most = (target / 2).max(TRANSFER_US);
    for part in list.parts.iter().filter(|part| part.hinted && part.exchange.status == 200) {
        let took = part.exchange.done_us.saturating_sub(part.exchange.head_us);
        tally.must(took <= most, || {
            let (name, bytes) = (&list.name, part.exchange.bytes);
            format!("{name}: {bytes} bytes of {} took {} after the head", part.uri, ms(took))
        });
    }
}

fn hint_rules(tally: &mut Tally, list: &Followed) {
    let name = &list.name;
    for media in list.versions.iter().map(|version| &version.list) {
        if media.hints.is_empty() && !list.has_parts() {
            continue;
        }
        for kind in ["PART", "MAP"] {
            let count = media.hints.iter().filter(|hint| hint.get("TYPE") == Some(kind)).count();
            tally.should(count <= 1, || format!("{name}: {count} hints of TYPE={kind}"));
        }
        let none = media.hints.is_empty();
        tally.must(none || !media.ended, || format!("{name}: a hint beside EXT-X-ENDLIST"));
    }
    for probe in list.asked(Ask::UnknownPart) {
        let status = probe.exchange.status;
        tally.should(status == 404, || format!("{name}: an unknown part was answered {status}"));
    }
}
