//! Runs of segments that make one `Period`.
//!
//! In: what each rendition lists. Out: [`Period`]s. Does not know how they are written.

use super::catalogue::Kind;
use super::{Catalogue, Map, Starts, Timeline};

/// Whole segments whose longest says how long the one that is being made will be.
const NEWEST: usize = 4;

/// Fewer segments than this, with pictures alone or sound alone, are left out.
const STUB: usize = 3;

/// Segments of some renditions, each of which all of these have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    /// The first Media Sequence Number.
    pub(crate) first: u64,
    /// Where it begins, in ticks.
    pub(crate) start: i64,
    /// The renditions, by their place in the catalogue, with the init segment of each.
    pub(crate) members: Vec<Member>,
}

/// A rendition in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) index: usize,
    pub(crate) map: Map,
    /// Start and duration of each segment, in ticks.
    pub(crate) segments: Vec<(i64, i64)>,
}

/// A run in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Period {
    /// The Media Sequence Number of the segment it began with, listed or not.
    pub(crate) id: u64,
    /// Where it began, in ticks.
    pub(crate) start: i64,
    pub(crate) run: Run,
}

/// A rendition's segment at one Media Sequence Number.
struct Found<'a> {
    index: usize,
    map: &'a Map,
    start: i64,
    duration: i64,
    discontinuity: bool,
}

/// All runs, oldest first.
pub(crate) fn runs(catalogue: &Catalogue, timelines: &[Timeline]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let count = timelines.len().min(catalogue.representations.len());
    let timelines = timelines.get(..count).unwrap_or_default();
    // Only of what is listed: the numbers in between may be many, in a list of somebody else's making.
    let listed = timelines.iter().filter_map(|one| Some(one.first_msn..=one.newest()?));
    let mut numbers: Vec<u64> = listed.flatten().collect();
    numbers.sort_unstable();
    numbers.dedup();
    // What was a run before goes on only if the segment before was in it.
    let mut before = None;
    for msn in numbers {
        let goes_on = before.is_some() && before == msn.checked_sub(1);
        let found = found(timelines, msn);
        let Some(leader) = found.first() else { continue };
        let is_same = |run: &Run| {
            let same = |(member, one): (&Member, &Found<'_>)| {
                member.index == one.index && member.map == *one.map
            };
            run.members.len() == found.len() && run.members.iter().zip(&found).all(same)
        };
        let is_broken = found.iter().any(|one| one.discontinuity);
        match runs.last_mut().filter(|run| goes_on && !is_broken && is_same(run)) {
            Some(run) => {
                for (member, one) in run.members.iter_mut().zip(&found) {
                    member.segments.push((one.start, one.duration));
                }
            }
            None => {
                let start = leader.start;
                let member = |one: &Found<'_>| Member {
                    index: one.index,
                    map: one.map.clone(),
                    segments: vec![(one.start, one.duration)],
                };
                let members = found.iter().map(member).collect();
                runs.push(Run { first: msn, start, members });
            }
        }
        before = Some(msn);
    }
    without_stubs(catalogue, runs)
}

/// Leaves out what has pictures alone or sound alone for a moment, as the last segment before a publisher is lost may:
/// a player would have to change over to a Period without one of them and back.
fn without_stubs(catalogue: &Catalogue, mut runs: Vec<Run>) -> Vec<Run> {
    let is_sound = |member: &Member| {
        let one = catalogue.representations.get(member.index);
        one.is_some_and(|one| matches!(one.kind, Kind::Sound { .. }))
    };
    let has_both =
        |run: &Run| run.members.iter().any(is_sound) && !run.members.iter().all(is_sound);
    if runs.iter().any(has_both) {
        let count = |run: &Run| run.members.first().map_or(0, |member| member.segments.len());
        runs.retain(|run| has_both(run) || count(run) >= STUB);
    }
    runs
}

/// The renditions that have this segment: whole, or as it is being made by any of them.
fn found(timelines: &[Timeline], msn: u64) -> Vec<Found<'_>> {
    let mut found = Vec::with_capacity(timelines.len());
    let is_open = |one: &&Timeline| one.next_msn() == msn && one.open.is_some();
    let opened = timelines.iter().find(is_open).and_then(|one| one.open.as_ref());
    for (index, timeline) in timelines.iter().enumerate() {
        let whole = timeline.get(msn);
        let open = || timeline.open.as_ref().filter(|_| timeline.next_msn() == msn);
        let listed = whole.or_else(open).filter(|listed| !listed.gap);
        if let Some(listed) = listed
            && let Some(map) = &listed.map
        {
            let (start, discontinuity) = (listed.start, listed.discontinuity);
            let duration = match whole {
                Some(whole) => whole.duration,
                None => expected(timeline).max(listed.duration),
            };
            found.push(Found { index, map, start, duration, discontinuity });
        } else if whole.is_none() && open().is_none() {
            // It is about to begin it, if it is made at the moment.
            let newest = timeline.listed.last().filter(|newest| !newest.gap);
            if let (Some(newest), Some(opened)) = (newest, opened)
                && let Some(map) = newest.map.as_ref().filter(|_| timeline.next_msn() <= msn)
            {
                let follows = newest.start.saturating_add(newest.duration);
                let is_next = timeline.next_msn() == msn && !opened.discontinuity;
                let start = if is_next { follows } else { opened.start };
                let (duration, discontinuity) = (expected(timeline), opened.discontinuity);
                found.push(Found { index, map, start, duration, discontinuity });
            }
        }
    }
    found
}

/// How long the segment that is being made will be. Too long does no harm: a player that fetched it looks for the next
/// where it ends, and would find itself in the same one if that were too short.
fn expected(timeline: &Timeline) -> i64 {
    let newest = timeline.listed.iter().rev().filter(|one| !one.gap).take(NEWEST);
    newest.map(|one| one.duration).max().unwrap_or(timeline.target)
}

/// The runs as Periods. `starts` is where those before began, and becomes where these do.
pub(crate) fn periods(runs: Vec<Run>, starts: &mut Starts) -> Vec<Period> {
    let mut periods: Vec<Period> = Vec::with_capacity(runs.len());
    for run in runs {
        // Only of the first one may segments be listed no longer.
        let known = starts.range(..=run.first).next_back().filter(|_| periods.is_empty());
        let (id, start) = known.map_or((run.first, run.start), |(id, start)| (*id, *start));
        periods.push(Period { id, start, run });
    }
    *starts = periods.iter().map(|period| (period.id, period.start)).collect();
    periods
}
