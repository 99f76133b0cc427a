//! The timeline against clocks as publishers have them.
//!
//! In: timestamps that wrap, jitter, jump. Out: nothing. Does not know RTMP.

use proptest::prelude::*;

use super::*;

mod hours;

const VIDEO: TrackId = TrackId::Video;
const AUDIO: TrackId = TrackId::Audio(0);

fn at(ms: u64) -> Now {
    let us = ms * 1000;
    Now { monotonic_us: us, utc_us: 1_700_000_000_000_000 + i64::try_from(us).unwrap_or(0) }
}

fn timeline() -> Timeline {
    Timeline::new(&Config::default(), None)
}

/// Places a frame by RTMP's clock.
fn place(
    timeline: &mut Timeline,
    now: Now,
    kind: TrackId,
    timestamp_ms: u32,
    composition_ms: i32,
) -> Result<Placed, Misplaced> {
    let composition = Ticks::from_millis(composition_ms.into());
    timeline.place(now, kind, Stamp::Millis(timestamp_ms), composition)
}

fn dts(placed: Result<Placed, Misplaced>) -> Option<i64> {
    placed.ok().map(|placed| placed.dts.0)
}

#[test]
fn rounded_milliseconds_become_exact_frames() {
    for (num, den) in [(30, 1), (30_000, 1001), (60_000, 1001), (24_000, 1001), (25, 1)] {
        let mut timeline = timeline();
        timeline.set_frame_duration(VIDEO, den, num);
        let first = 5_000;
        let rounded =
            |units: u64| (2 * units * u64::from(den) + u64::from(num)) / (2 * u64::from(num));
        for frame in 0..2_000_u64 {
            let ms = rounded(frame * 1000);
            let placed = place(&mut timeline, at(ms), VIDEO, first + ms as u32, 0);
            let exact = rounded(frame * 90_000);
            assert_eq!(dts(placed), i64::try_from(exact).ok(), "frame {frame} at {num}/{den}");
        }
    }
}

#[test]
fn sound_lies_on_its_sample_grid_and_keeps_its_distance_to_the_picture() {
    let mut timeline = timeline();
    timeline.set_frame_duration(AUDIO, 1024, 44_100);
    assert_eq!(dts(place(&mut timeline, at(0), VIDEO, 100, 0)), Some(0));
    assert_eq!(dts(place(&mut timeline, at(0), AUDIO, 140, 0)), Some(40 * 90));
    assert_eq!(dts(place(&mut timeline, at(23), AUDIO, 163, 0)), Some(40 * 90 + 2090));
    assert_eq!(dts(place(&mut timeline, at(46), AUDIO, 186, 0)), Some(40 * 90 + 4180));
    assert_eq!(dts(place(&mut timeline, at(69), AUDIO, 210, 0)), Some(40 * 90 + 6269));
}

#[test]
fn a_clock_that_wraps_goes_on() {
    let mut timeline = timeline();
    let first = place(&mut timeline, at(0), VIDEO, u32::MAX - 9, 0);
    let second = place(&mut timeline, at(20), VIDEO, 10, 0);
    assert_eq!((dts(first), dts(second)), (Some(0), Some(20 * 90)));
    assert_eq!(second.map(|placed| placed.broke), Ok(false));
}

#[test]
fn reordered_pictures_are_shown_after_they_are_decoded() {
    let mut timeline = timeline();
    timeline.set_frame_duration(VIDEO, 1, 30);
    let placed = [(0, 67), (33, 133), (67, 0), (100, -50)].map(|(ms, composition)| {
        let placed = place(&mut timeline, at(ms.into()), VIDEO, ms, composition).expect("it fits");
        (placed.dts.0, placed.pts.0)
    });
    assert_eq!(placed, [(0, 6000), (3000, 15_000), (6000, 6000), (9000, 9000)]);
}

#[test]
fn a_small_step_back_moves_a_picture_and_drops_a_sound() {
    let mut timeline = timeline();
    place(&mut timeline, at(0), VIDEO, 0, 0).expect("the first fits");
    place(&mut timeline, at(40), VIDEO, 40, 0).expect("it grows");
    assert_eq!(dts(place(&mut timeline, at(80), VIDEO, 30, 0)), Some(40 * 90 + 1));
    assert_eq!(dts(place(&mut timeline, at(80), VIDEO, 80, 0)), Some(80 * 90));
    place(&mut timeline, at(80), AUDIO, 80, 0).expect("it grows");
    assert_eq!(place(&mut timeline, at(80), AUDIO, 80, 0), Err(Misplaced::Late));
}

#[test]
fn a_jump_is_a_discontinuity_at_the_wall_clock() {
    let mut timeline = timeline();
    for ms in (0..5_000).step_by(40) {
        place(&mut timeline, at(ms), VIDEO, ms as u32, 0).expect("it grows");
        place(&mut timeline, at(ms), AUDIO, ms as u32, 0).expect("it grows");
    }
    let jump = place(&mut timeline, at(5_000), VIDEO, 900_000, 0).expect("a jump is no error");
    assert_eq!(jump, Placed { dts: Ticks(450_000), pts: Ticks(450_000), broke: true });
    // one frame of the other track was still on its way
    assert_eq!(place(&mut timeline, at(5_010), AUDIO, 5_000, 0), Err(Misplaced::Stale));
    let audio = place(&mut timeline, at(5_020), AUDIO, 900_020, 0).expect("it is back");
    assert_eq!((audio.dts.0, audio.broke), (5_020 * 90, false));
}

#[test]
fn a_pause_that_time_explains_is_no_jump() {
    let mut timeline = timeline();
    place(&mut timeline, at(0), VIDEO, 0, 0).expect("the first fits");
    let placed = place(&mut timeline, at(20_000), VIDEO, 20_010, 0).expect("it grows");
    assert_eq!((placed.dts.0, placed.broke), (20_010 * 90, false));
}

#[test]
fn a_gap_in_one_track_is_no_jump() {
    let mut timeline = timeline();
    place(&mut timeline, at(0), AUDIO, 0, 0).expect("the first fits");
    // faster than time, as a file is sent
    for ms in (0..9_000).step_by(1_000) {
        place(&mut timeline, at(0), VIDEO, ms, 0).expect("it grows");
    }
    let back = place(&mut timeline, at(0), AUDIO, 9_000, 0).expect("it grows");
    assert_eq!((back.dts.0, back.broke), (9_000 * 90, false));
}

#[test]
fn a_track_whose_clock_alone_was_reset_gets_its_own_clock() {
    let mut timeline = timeline();
    let mut broken = 0;
    for ms in (0..10_000_u64).step_by(20) {
        let video_ms = if ms < 3_000 { 600_000 + ms } else { ms - 3_000 };
        for (kind, ms_sent) in [(VIDEO, video_ms), (AUDIO, 600_000 + ms)] {
            if let Ok(placed) = place(&mut timeline, at(ms), kind, ms_sent as u32, 0) {
                broken += u32::from(placed.broke);
                let late = (placed.dts.0 - ms as i64 * 90).abs();
                assert!(late <= 90 * 40, "{kind:?} at {ms} ms is {late} ticks off");
            }
        }
    }
    assert_eq!(broken, 1);
}

#[test]
fn a_publisher_who_returns_goes_on_at_the_wall_clock() {
    let mut timeline = timeline();
    place(&mut timeline, at(0), VIDEO, 0, 0).expect("the first fits");
    timeline.interrupt();
    let back = place(&mut timeline, at(30_000), VIDEO, 777, 0).expect("it is back");
    assert_eq!((back.dts, back.broke), (Ticks::from_millis(30_000), true));
}

#[test]
fn a_clock_ahead_of_time_never_makes_the_timeline_go_back() {
    let mut timeline = timeline();
    for ms in (0..60_000).step_by(1_000) {
        place(&mut timeline, at(0), VIDEO, ms, 40).expect("it grows");
    }
    timeline.interrupt();
    let back = place(&mut timeline, at(10), VIDEO, 0, 0).expect("it is back");
    assert_eq!(back.dts.0, 59_040 * 90 + 1);
}

#[test]
fn a_show_of_an_earlier_process_goes_on() {
    let anchor = Anchor { utc_us: at(0).utc_us };
    let resume = Resume { anchor, last_dts: Ticks::from_millis(9_000) };
    let mut timeline = Timeline::new(&Config::default(), Some(resume));
    let back = place(&mut timeline, at(60_000), AUDIO, 0, 0).expect("it is back");
    assert_eq!((back.dts, back.broke), (Ticks::from_millis(60_000), true));
    assert_eq!(timeline.anchor(), Some(anchor));
}

proptest! {
    #[test]
    fn whatever_comes_time_only_grows(
        frames in prop::collection::vec(
            (any::<bool>(), prop_oneof![0_u32..10_000, any::<u32>()], any::<i32>(), 0_u64..3_000),
            1..200,
        )
    ) {
        let mut timeline = timeline();
        timeline.set_frame_duration(VIDEO, 1001, 30_000);
        timeline.set_frame_duration(AUDIO, 1024, 44_100);
        let mut ms = 0;
        let mut last = [None, None];
        let mut highest = None;
        for (video, timestamp, composition, passed) in frames {
            ms += passed;
            let kind = if video { VIDEO } else { AUDIO };
            if let Ok(placed) = place(&mut timeline, at(ms), kind, timestamp, composition) {
                let last = &mut last[usize::from(video)];
                prop_assert!(Some(placed.dts) > *last, "{:?} after {last:?}", placed.dts);
                prop_assert!(placed.pts >= placed.dts);
                if placed.broke {
                    prop_assert!(Some(placed.dts) > highest);
                }
                *last = Some(placed.dts);
                highest = highest.max(Some(placed.pts));
            }
        }
    }
}
