//! The spool against a model of a bucket that fails in every way, on a virtual clock.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const SHOW: &str = "0123456789abcdef";

fn at(ms: u64) -> Now {
    Now { monotonic_us: ms * 1000, utc_us: 0 }
}

fn segment(n: u64) -> String {
    format!("{SHOW}/720p/e1/s{n}.m4s")
}

fn playlist() -> String {
    format!("{SHOW}/720p/index.m3u8")
}

fn multivariant() -> String {
    format!("{SHOW}/index.m3u8")
}

fn stored(key: String, bytes: u64) -> Event {
    let grows = key.ends_with("p/index.m3u8");
    Event::Stored(Stored { key, bytes, grows })
}

fn steps(spool: &mut Spool) -> Vec<Step> {
    std::iter::from_fn(|| match spool.poll() {
        Poll::Output(step) => Some(step),
        Poll::Wait => None,
    })
    .collect()
}

fn after(spool: &mut Spool, ms: u64, event: Event) -> Vec<Step> {
    spool.handle(at(ms), event);
    steps(spool)
}

/// The requests among steps.
fn puts(steps: &[Step]) -> Vec<(u64, &str, u64)> {
    let put = |step| match step {
        &Step::Put { id, ref key, bytes } => Some((id, key.as_str(), bytes)),
        _ => None,
    };
    steps.iter().filter_map(put).collect()
}

fn small() -> Limits {
    Limits { bytes_max: 100, at_once_max: 2, failures_max: 2, ..Limits::default() }
}

#[test]
fn a_playlist_is_sent_as_far_as_its_segments_are() {
    let mut spool = Spool::new(small());
    let first = after(&mut spool, 0, stored(segment(0), 10));
    let [(a, _, 10)] = puts(&first)[..] else { panic!("{first:?}") };
    assert_eq!(after(&mut spool, 0, stored(playlist(), 1)), [], "its segment is on its way");
    let second = after(&mut spool, 0, stored(segment(1), 10));
    let [(b, _, 10)] = puts(&second)[..] else { panic!("{second:?}") };
    after(&mut spool, 0, stored(playlist(), 2));
    let told = after(&mut spool, 1, Event::Done(a));
    let [(list, key, 1)] = puts(&told)[..] else { panic!("{told:?}") };
    assert_eq!(key, playlist());
    assert!(told.contains(&Step::Sent(segment(0))));
    assert_eq!(after(&mut spool, 2, Event::Done(list)), [], "it has changed since");
    after(&mut spool, 3, Event::Done(b));
    assert_eq!(after(&mut spool, 9_000, Event::Tick), [], "it was sent a moment ago");
    let told = after(&mut spool, 10_002, Event::Tick);
    let [(list, _, 2)] = puts(&told)[..] else { panic!("{told:?}") };
    assert_eq!(after(&mut spool, 10_003, Event::Done(list)), [Step::Sent(playlist())]);
    assert_eq!(spool.waiting(), 0);
}

#[test]
fn the_multivariant_playlist_follows_those_it_lists() {
    let mut spool = Spool::new(small());
    assert_eq!(after(&mut spool, 0, stored(multivariant(), 5)), []);
    let told = after(&mut spool, 0, stored(playlist(), 1));
    let [(list, _, 1)] = puts(&told)[..] else { panic!("{told:?}") };
    let told = after(&mut spool, 0, Event::Done(list));
    let [(_, key, 5)] = puts(&told)[..] else { panic!("{told:?}") };
    assert_eq!(key, multivariant());
}

#[test]
fn a_text_that_was_made_anew_on_its_way_is_sent_again_at_once() {
    let mut spool = Spool::new(small());
    let told = after(&mut spool, 0, stored(playlist(), 7));
    let [(id, _, 7)] = puts(&told)[..] else { panic!("{told:?}") };
    assert!(spool.is_current(id));
    let anew = Event::Stored(Stored { key: playlist(), bytes: 6, grows: false });
    after(&mut spool, 1, anew);
    assert!(!spool.is_current(id));
    let told = after(&mut spool, 2, Event::Done(id));
    let [(id, _, 6)] = puts(&told)[..] else { panic!("{told:?}") };
    assert_eq!(after(&mut spool, 3, Event::Done(id)), [Step::Sent(playlist())]);
}

#[test]
fn what_the_bucket_has_makes_room_and_what_it_lacks_stops_recordings() {
    let mut spool = Spool::new(small());
    after(&mut spool, 0, Event::Kept(Stored { key: segment(0), bytes: 60, grows: false }));
    let told = after(&mut spool, 0, stored(segment(1), 50));
    assert_eq!(told[0], Step::Drop(segment(0)));
    let [(first, ..)] = puts(&told)[..] else { panic!("{told:?}") };
    let told = after(&mut spool, 0, stored(segment(2), 51));
    assert!(told.contains(&Step::Full(true)), "{told:?}");
    assert_eq!(told.iter().filter(|step| matches!(step, Step::Drop(_))).count(), 0);
    let told = after(&mut spool, 0, Event::Done(first));
    assert!(told.contains(&Step::Full(false)), "{told:?}");
    assert!(told.contains(&Step::Drop(segment(1))), "the two are more than there is room for");
}

#[test]
fn a_deletion_waits_for_what_is_on_its_way_and_is_tried_until_it_is_done() {
    let mut spool = Spool::new(small());
    let told = after(&mut spool, 0, stored(segment(0), 10));
    let [(id, ..)] = puts(&told)[..] else { panic!("{told:?}") };
    after(&mut spool, 0, stored(playlist(), 1));
    assert_eq!(after(&mut spool, 0, Event::Delete(SHOW.to_owned())), []);
    let told = after(&mut spool, 1, Event::Done(id));
    let [Step::Delete { id, .. }] = told[..] else { panic!("{told:?}") };
    assert_eq!(after(&mut spool, 2, Event::Failed(id, BucketFailure::Busy)), []);
    let told = after(&mut spool, 1000, Event::Tick);
    let [Step::Delete { id, .. }] = told[..] else { panic!("{told:?}") };
    assert_eq!(after(&mut spool, 1001, Event::Done(id)), [Step::Deleted(SHOW.to_owned())]);
    assert_eq!((spool.waiting(), spool.bytes()), (0, (0, 0)));
}

#[test]
fn a_dead_bucket_is_asked_ever_more_seldom_and_told_of_once() {
    let mut spool = Spool::new(small());
    let mut asked = 0;
    let mut told_of = 0;
    (0..50).for_each(|n| spool.handle(at(0), stored(segment(n), 1)));
    for ms in (0..600_000).step_by(50) {
        let mut told = after(&mut spool, ms, Event::Tick);
        while let Some(step) = told.pop() {
            told_of += usize::from(matches!(step, Step::Health(_)));
            if let Step::Put { id, .. } = step {
                asked += 1;
                let failed = Event::Failed(id, BucketFailure::Unreachable);
                told.extend(after(&mut spool, ms, failed));
            }
        }
    }
    assert!((20..60).contains(&asked), "{asked} requests in ten minutes");
    assert_eq!(told_of, 1);
    assert_eq!(spool.oldest_us(at(600_000)), 600_000_000);
}

/// A bucket, the disk and a show, as far as the spool can tell.
#[derive(Default)]
struct World {
    /// Media in the bucket.
    bucket: BTreeSet<String>,
    /// How many segments the bucket's playlist lists.
    listed: Option<u64>,
    /// Segments on disk, and how many the playlist there lists: a byte for each.
    segments: u64,
    lines: u64,
    /// What a process after this one would find not sent.
    unsent: BTreeSet<String>,
    dropped: BTreeSet<String>,
    out: BTreeMap<u64, (String, u64)>,
}

impl World {
    fn carry_out(&mut self, steps: Vec<Step>) -> Result<(), TestCaseError> {
        for step in steps {
            match step {
                Step::Put { id, key, bytes } => {
                    prop_assert!(self.out.insert(id, (key, bytes)).is_none());
                }
                Step::Sent(key) => {
                    let is_there = key == playlist() || self.bucket.contains(&key);
                    prop_assert!(is_there, "{key} is not there");
                    self.unsent.remove(&key);
                }
                Step::Drop(key) => {
                    prop_assert!(self.bucket.contains(&key), "{key} is lost");
                    self.dropped.insert(key);
                }
                Step::Full(_) | Step::Health(_) => {}
                Step::Delete { .. } | Step::Deleted(_) => prop_assert!(false, "nobody asked"),
            }
        }
        Ok(())
    }

    /// The bucket takes what a request brings.
    fn take(&mut self, key: &str, bytes: u64) -> Result<(), TestCaseError> {
        if key == playlist() {
            let lacks = (0..bytes).find(|n| !self.bucket.contains(&segment(*n)));
            prop_assert_eq!(lacks, None, "a segment is listed that is not there");
            self.listed = Some(bytes);
        } else {
            self.bucket.insert(key.to_owned());
        }
        Ok(())
    }
}

/// How the bucket treats one request.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Done,
    Failed,
    /// It is done, and nobody hears of it.
    Unheard,
}

#[derive(Debug, Clone, Copy)]
enum Turn {
    /// A segment, and its line.
    Segment,
    Answer(usize, Fate),
    Wait(u64),
    Kill,
}

fn turn() -> impl Strategy<Value = Turn> {
    let fate = prop_oneof![
        3 => Just(Fate::Done), 2 => Just(Fate::Failed), 1 => Just(Fate::Unheard)];
    prop_oneof![
        4 => Just(Turn::Segment),
        8 => (0_usize..4, fate).prop_map(|(which, fate)| Turn::Answer(which, fate)),
        2 => (1_u64..20_000).prop_map(Turn::Wait),
        1 => Just(Turn::Kill),
    ]
}

/// The spool of a process after this one.
fn again(world: &World, limits: &Limits, now: Now) -> Spool {
    let mut spool = Spool::new(limits.clone());
    for n in 0..world.segments {
        let stored = Stored { key: segment(n), bytes: 10, grows: false };
        if world.unsent.contains(&stored.key) {
            spool.handle(now, Event::Left(stored));
        } else if !world.dropped.contains(&stored.key) {
            spool.handle(now, Event::Kept(stored));
        }
    }
    if world.unsent.contains(&playlist()) {
        let stored = Stored { key: playlist(), bytes: world.lines, grows: true };
        spool.handle(now, Event::Left(stored));
    }
    spool
}

fn play(
    world: &mut World,
    spool: &mut Spool,
    now_ms: &mut u64,
    turn: Turn,
) -> Result<(), TestCaseError> {
    let limits = small();
    match turn {
        Turn::Segment => {
            let key = segment(world.segments);
            world.segments += 1;
            world.lines = world.segments;
            world.unsent.extend([key.clone(), playlist()]);
            spool.handle(at(*now_ms), stored(key, 10));
            spool.handle(at(*now_ms), stored(playlist(), world.lines));
        }
        Turn::Answer(which, fate) => {
            let Some(id) = world.out.keys().nth(which).copied() else { return Ok(()) };
            let (key, bytes) = world.out.remove(&id).unwrap();
            if !matches!(fate, Fate::Failed) {
                world.take(&key, bytes)?;
            }
            let event = match fate {
                Fate::Done => Event::Done(id),
                _ => Event::Failed(id, BucketFailure::Unreachable),
            };
            spool.handle(at(*now_ms), event);
        }
        Turn::Wait(ms) => {
            *now_ms += ms;
            spool.handle(at(*now_ms), Event::Tick);
        }
        Turn::Kill => {
            world.out.clear();
            *spool = again(world, &limits, at(*now_ms));
        }
    }
    let told = steps(spool);
    world.carry_out(told)?;
    prop_assert!(world.out.len() <= limits.at_once_max);
    let (unsent, kept) = spool.bytes();
    prop_assert!(kept == 0 || unsent + kept <= limits.bytes_max);
    Ok(())
}

proptest! {
    /// Whatever the bucket does: it lists nothing it lacks, nothing leaves the disk that is not there, and once it
    /// does well it has everything, in bounded time.
    #[test]
    fn the_bucket_is_always_sound_and_whole_in_the_end(
        story in prop::collection::vec(turn(), 1..200),
    ) {
        let mut world = World::default();
        let mut spool = Spool::new(small());
        let mut now_ms = 0;
        for turn in story {
            play(&mut world, &mut spool, &mut now_ms, turn)?;
        }
        for _ in 0..(4 * world.segments + 100) {
            play(&mut world, &mut spool, &mut now_ms, Turn::Wait(1000))?;
            while !world.out.is_empty() {
                play(&mut world, &mut spool, &mut now_ms, Turn::Answer(0, Fate::Done))?;
            }
        }
        prop_assert_eq!(spool.waiting(), 0);
        prop_assert!(world.unsent.is_empty());
        prop_assert_eq!(world.bucket.len() as u64, world.segments);
        prop_assert_eq!(world.listed.unwrap_or(0), world.lines);
    }
}
