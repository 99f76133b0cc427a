//! Items 12 to 18: blocking playlist reload.
//!
//! In: [`Seen`]. Out: findings. Does not know why a server waited.

use super::ms;
use super::parts::each;
use super::seen::{Ask, Followed, Kind, Probe, Seen};
use super::tally::{Finding, Tally};
use super::target_us;

/// How fast "at once" is, in microseconds: a busy machine is not a waiting one.
const AT_ONCE_US: u64 = 1_000_000;
/// How much longer than three target durations a request may wait, in microseconds.
const LATE_US: u64 = 1_000_000;

pub(super) fn judge(seen: &Seen) -> Vec<Finding> {
    let none = "no playlist has CAN-BLOCK-RELOAD=YES";
    vec![
        each(seen, waits).end((12, "blocking-reload", "6.2.5.2"), none),
        each(seen, part_beyond).end((13, "part-beyond", "6.2.5.2"), none),
        each(seen, stale).end((14, "stale-msn", "6.2.5.2"), none),
        each(seen, part_alone).end((15, "part-alone-400", "6.2.5.2"), none),
        each(seen, too_far).end((16, "too-far-400", "6.2.5.2"), none),
        each(seen, too_long).end((17, "too-long-503", "6.2.5.2"), none),
        each(seen, after_end).end((18, "ended", "6.2.5"), "the show has not ended"),
    ]
}

fn waits(tally: &mut Tally, list: &Followed) {
    let name = &list.name;
    if let Some(media) = list.last().filter(|media| media.has_part_inf && !media.ended) {
        let blocks = media.control_is("CAN-BLOCK-RELOAD");
        tally.must(blocks, || format!("{name}: parts without CAN-BLOCK-RELOAD=YES"));
    }
    for probe in list.asked(Ask::Reload) {
        let status = probe.exchange.status;
        tally.must(false, || format!("{name}: a blocking reload was answered {status}"));
    }
    for version in &list.versions {
        let (Some((msn, part)), media) = (version.asked, &version.list) else { continue };
        if media.ended {
            continue;
        }
        let edge = (media.next_msn(), media.next_part());
        let has = edge.0 > msn || (edge.0 == msn && part.is_some_and(|part| edge.1 > part));
        tally.must(has, || {
            format!(
                "{name}: _HLS_msn={msn}&_HLS_part={part:?} answered with {edge:?} still to come"
            )
        });
    }
    for probe in list.asked(Ask::MsnAlone).filter(|_| list.kind != Kind::IFrames) {
        let Some((msn, _)) = probe.named else { continue };
        let edge = probe.list.as_ref().map(|media| (media.next_msn(), media.next_part()));
        // Some answer with its first part; nobody may answer with neither.
        let has = edge.is_some_and(|edge| edge >= (msn, 1));
        let status = probe.exchange.status;
        tally.must(has, || format!("{name}: _HLS_msn={msn} answered {status} with {edge:?}"));
        let whole = edge.is_some_and(|edge| edge.0 > msn);
        tally.should(whole, || format!("{name}: _HLS_msn={msn} answered before it was whole"));
    }
}

fn part_beyond(tally: &mut Tally, list: &Followed) {
    for probe in list.asked(Ask::PartBeyond) {
        let Some((msn, _)) = probe.named else { continue };
        let next = probe.list.as_ref().map(|media| (media.next_msn(), media.next_part()));
        let has = next.is_some_and(|next| next >= (msn + 1, 1));
        let (name, status) = (&list.name, probe.exchange.status);
        tally.must(has, || {
            format!("{name}: a part beyond the last of {msn} was answered {status} with {next:?}")
        });
    }
}

fn stale(tally: &mut Tally, list: &Followed) {
    let name = &list.name;
    for probe in list.asked(Ask::Stale) {
        let (status, waited) = (probe.exchange.status, probe.exchange.waited_us());
        tally.must(status == 200, || format!("{name}: segment 0 was answered {status}"));
        let whole = probe.list.as_ref().is_some_and(|media| {
            media.skips.is_empty() && media.segments.len() + 2 >= probe.before.segments.len()
        });
        tally.must(whole, || format!("{name}: segment 0 was not answered with the whole playlist"));
        tally.should(waited < AT_ONCE_US, || {
            format!("{name}: segment 0 was answered after {}", ms(waited))
        });
    }
}

fn part_alone(tally: &mut Tally, list: &Followed) {
    for probe in list.asked(Ask::PartAlone) {
        let (name, status) = (&list.name, probe.exchange.status);
        tally.must(status == 400, || format!("{name}: _HLS_part alone was answered {status}"));
    }
}

fn too_far(tally: &mut Tally, list: &Followed) {
    for ask in [Ask::MsnTooFar, Ask::PartTooFar] {
        for probe in list.asked(ask) {
            refused(tally, &list.name, probe);
        }
    }
}

fn refused(tally: &mut Tally, name: &str, probe: &Probe) {
    let (status, waited) = (probe.exchange.status, probe.exchange.waited_us());
    let (msn, part) = probe.named.unwrap_or_default();
    let next = probe.before.next_msn();
    tally.should(status == 400, || {
        format!("{name}: {msn}.{part:?} was answered {status} while {next} was next")
    });
    tally.should(waited < AT_ONCE_US, || {
        format!("{name}: {msn}.{part:?} was answered after {}", ms(waited))
    });
}

fn too_long(tally: &mut Tally, list: &Followed) {
    let name = &list.name;
    let Some(media) = list.last().filter(|media| media.control_is("CAN-BLOCK-RELOAD")) else {
        return;
    };
    let most = 3 * target_us(media) + LATE_US;
    let mut longest = 0;
    let versions = list.versions.iter().map(|version| &version.exchange);
    for exchange in versions.chain(list.probes.iter().map(|probe| &probe.exchange)) {
        let waited = exchange.waited_us();
        longest = longest.max(waited);
        tally.should(waited <= most, || {
            let status = exchange.status;
            format!("{name}: a request waited {}, then {status}", ms(waited))
        });
    }
    tally.note(format!("{name}: longest wait {}", ms(longest)));
}

fn after_end(tally: &mut Tally, list: &Followed) {
    for probe in list.asked(Ask::AfterEnd) {
        let (name, status) = (&list.name, probe.exchange.status);
        tally.must(status == 200 && probe.list.is_some(), || {
            format!("{name}: directives on an ended playlist were answered {status}")
        });
        let waited = probe.exchange.waited_us();
        tally.must(waited < AT_ONCE_US, || {
            format!("{name}: directives on an ended playlist waited {}", ms(waited))
        });
    }
}
