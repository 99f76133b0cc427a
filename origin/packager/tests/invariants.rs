//! Shows of every shape, from their first unit to their end, on a virtual clock.
//!
//! In: random sources, ladders and faults. Out: the rules of `reference/ll-hls.md` hold at every
//! step (`simulation::house` checks each playlist as it is published) and at the end.

mod simulation;

use origin_packager::{Config, Drop, Error};
use proptest::prelude::*;
use shared_media::{AccessUnit, Staged, Ticks};
use shared_playlist::recording;
use simulation::house::{House, SHOW, key, run, span};
use simulation::{Shape, id, plan};

const RENDITIONS: [&str; 3] = ["source", "480p", "audio"];

/// Same number, same span of time, in every rendition; segments join; discontinuities agree.
fn check_alignment(house: &House, frame: i64) {
    let last = house.playlists.values().map(|playlist| playlist.edge().next_msn).max().unwrap();
    for msn in 0..last {
        let of = |name: &str| house.segments[&(name.to_owned(), msn)];
        let (start, duration, _) = of("source");
        for name in RENDITIONS {
            let (other, other_duration, gap) = of(name);
            let slack = if gap { 0 } else { frame.max(1920) };
            assert!((other - start).abs() <= slack, "{name} {msn}: {other} against {start}");
            let apart = (other_duration.0 - duration.0).abs();
            // The sound of a stretch ends with its last whole frame, and has no reorder delay.
            assert!(apart <= 4 * frame.max(1920), "{name} {msn} {other_duration:?} {duration:?}");
        }
    }
    for name in RENDITIONS {
        assert_eq!(house.playlists[name].edge().next_msn, last, "{name} ended elsewhere");
    }
}

/// A video segment's first decode time is the presentation time its date says, and it is as long as is listed: to a
/// rounding of its publisher's, and where frames are missing no longer.
fn check_dates(house: &House, shape: &Shape) {
    let has_holes = !shape.left_out.is_empty() || shape.silence.is_some();
    for ((name, msn), (start, duration, gap)) in &house.segments {
        if *gap {
            continue;
        }
        let (first, end) = span(&house.objects[&key(name, &format!("e1/s{msn}.m4s"))]);
        let timescale = if name == "audio" { 48_000 } else { 90_000 };
        // Dates are whole microseconds.
        let slack = 1;
        let apart = Ticks(*start).in_timescale(timescale) - first as i64;
        assert!(apart.abs() <= slack, "{name} {msn}: {start} against {first}");
        let missing = duration.in_timescale(timescale) - (end - first) as i64;
        let rounding = if shape.rounded { i64::from(timescale) / 1000 } else { 0 };
        assert!(missing >= -rounding - slack, "{name} {msn}: {missing}");
        assert!(missing <= rounding + slack || has_holes, "{name} {msn}: {missing}");
    }
}

fn check_recordings(house: &House) {
    for name in RENDITIONS {
        let text = recording::finish(&house.texts[&format!("{SHOW}/{name}/index.m3u8")]);
        let listed = house.segments.keys().filter(|(rendition, _)| rendition == name).count();
        assert_eq!(text.matches("#EXTINF").count(), listed, "{name}");
        assert!(text.contains("TYPE:VOD") && text.ends_with("#EXT-X-ENDLIST\n"));
    }
    for name in house.i_frames.keys() {
        let key = format!("{SHOW}/{name}/iframes.m3u8");
        assert!(house.recordings.as_ref().unwrap().contains(&key));
        let text = recording::finish(&house.texts[&key]);
        let listed = house.pictures.keys().filter(|(rendition, _)| rendition == name).count();
        assert_eq!(text.matches("#EXTINF").count(), listed, "{name}");
        assert!(text.contains("TYPE:VOD") && text.contains("\n#EXT-X-I-FRAMES-ONLY\n"));
    }
    let with_pictures: Vec<&str> = house.i_frames.keys().map(String::as_str).collect();
    assert_eq!(with_pictures, ["480p", "source"]);
}

fn gaps(house: &House) -> Vec<(String, u64)> {
    let gap = |trouble: &Error| match trouble {
        Error::Gap { rendition, msn } => Some((rendition.to_string(), *msn)),
        _ => None,
    };
    house.troubles.iter().filter_map(gap).collect()
}

#[test]
fn a_plain_show_is_cut_every_two_seconds_without_trouble() {
    let house = run(Config::default(), Shape::default().events());
    assert_eq!((&house.troubles[..], &house.missed_hints[..]), (&[][..], &[][..]));
    check_alignment(&house, 3000);
    check_dates(&house, &Shape::default());
    check_recordings(&house);
    let source = &house.playlists["source"];
    assert_eq!(source.segments.len(), 10);
    assert!(source.segments.iter().all(|segment| segment.duration == Ticks(180_000)));
    assert!(source.segments.iter().all(|segment| segment.parts.len() == 6));
    let multivariant = &house.texts[&format!("{SHOW}/index.m3u8")];
    assert!(
        multivariant
            .contains("CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=30.000")
    );
    assert!(
        multivariant.contains("TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"audio\""),
        "{multivariant}"
    );
    // The sound is also offered alone, after all pictures.
    let alone = multivariant.lines().skip_while(|line| *line != "480p/index.m3u8").nth(1);
    let alone = alone.filter(|line| line.contains("CODECS=\"mp4a.40.2\",AUDIO=\"audio\""));
    assert!(alone.is_some_and(|line| !line.contains("RESOLUTION")), "{multivariant}");
    assert!(multivariant.contains("\naudio/index.m3u8\n"), "{multivariant}");
}

#[test]
fn every_keyframe_is_listed_once_with_how_much_it_takes() {
    let shape = Shape { gops: vec![30, 15, 45], target_duration_s: 2, ..Shape::default() };
    let house = run(Config::default(), shape.events());
    for name in ["source", "480p"] {
        let playlist = &house.i_frames[name];
        let durations: Vec<i64> =
            playlist.segments.iter().map(|picture| picture.duration.0 / 3000).collect();
        assert_eq!(durations[..6], [30, 15, 45, 30, 15, 45], "{name}");
        assert_eq!((playlist.segments.len(), playlist.edge().next_msn), (21, 21));
    }
    let multivariant = &house.texts[&format!("{SHOW}/index.m3u8")];
    let lines: Vec<&str> = multivariant
        .lines()
        .filter(|line| line.starts_with("#EXT-X-I-FRAME-STREAM-INF:"))
        .collect();
    assert_eq!(lines.len(), 2, "{multivariant}");
    let bytes: u64 =
        house.i_frames["source"].segments.iter().map(|picture| picture.range.unwrap().length).sum();
    let average = (bytes * 8).div_ceil(20);
    assert!(lines[0].contains(&format!("AVERAGE-BANDWIDTH={average},CODECS=\"avc1.64001f\"")));
    assert!(lines[0].ends_with("RESOLUTION=1280x720,URI=\"source/iframes.m3u8\""), "{}", lines[0]);
    // The last second has two pictures; half a second alone is no stretch that counts (4.4.6.2).
    let picture = house.i_frames["source"].segments[0].range.unwrap().length;
    let peak = format!("#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={},", picture * 8 * 2);
    assert!(lines[0].starts_with(&peak), "{peak} {}", lines[0]);
}

#[test]
fn where_every_picture_is_a_keyframe_some_are_listed() {
    let house = run(Config::default(), Shape { gops: vec![1], ..Shape::default() }.events());
    let durations: Vec<i64> =
        house.i_frames["source"].segments.iter().map(|picture| picture.duration.0 / 3000).collect();
    assert_eq!(durations, [12; 50]); // two seconds are five times twelve frames
    check_alignment(&house, 3000);
}

#[test]
fn a_gop_of_three_seconds_gives_segments_of_three() {
    let shape = Shape { gops: vec![90], ..Shape::default() };
    let house = run(Config::default(), shape.events());
    let durations: Vec<i64> =
        house.playlists["480p"].segments.iter().map(|segment| segment.duration.0).collect();
    assert_eq!(durations[..6], [270_000; 6]);
    assert_eq!(house.troubles, []);
}

#[test]
fn a_rung_that_dies_has_gaps_and_disturbs_nobody() {
    let shape = Shape { silence: Some((100, 400)), ..Shape::default() };
    let house = run(Config::default(), shape.events());
    check_alignment(&house, 3000);
    check_dates(&house, &shape);
    // Segment 1 is cut short in the rung; 2 to 5 are gaps; 6 and 7 come too late to start
    // properly only if the rung came back within them: it came back at frame 400, inside 6.
    let gaps = gaps(&house);
    assert!(gaps.iter().all(|(name, _)| name == "480p"), "{gaps:?}");
    assert_eq!(gaps.iter().map(|(_, msn)| *msn).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
    let before_end = &house.playlists["source"].segments;
    assert!(before_end.iter().all(|segment| segment.duration == Ticks(180_000)));
}

#[test]
fn a_silent_leader_does_not_stop_the_sound() {
    let shape = Shape { stretches: vec![900], ..Shape::default() };
    let events = shape.events().into_iter().filter(|(at, event)| {
        let from_leader = matches!(event, Staged::Unit(name, _) if *name != id("audio"));
        !(from_leader && (900_000..2_000_000).contains(at))
    });
    let house = run(Config::default(), events.collect());
    check_dates(&house, &Shape { silence: Some((300, 666)), ..shape });
    let audio = &house.playlists["audio"];
    assert!(audio.segments.iter().all(|segment| !segment.gap), "{:?}", gaps(&house));
    let total: i64 = audio.segments.iter().map(|segment| segment.duration.0).sum();
    assert!(total > 890 * 3000, "{total}");
    assert!(gaps(&house).iter().any(|(name, _)| name == "source"));
}

#[test]
fn units_before_the_first_keyframe_are_left_out_everywhere() {
    let mut events = Shape::default().events();
    let first_keyframes = events.iter().position(|(at, event)| {
        *at == 0 && matches!(event, Staged::Unit(name, _) if *name == id("source"))
    });
    events.remove(first_keyframes.unwrap());
    let house = run(Config::default(), events);
    check_alignment(&house, 3000);
    // Everything starts at the second keyframe, two seconds in.
    assert_eq!(house.segments[&("audio".to_owned(), 0)].0, 180_479); // in whole µs
    assert!(house.troubles.iter().all(|trouble| matches!(
        trouble,
        Error::Dropped { why: Drop::NoKeyframe | Drop::Late, .. }
    )));
}

#[test]
fn the_window_slides_and_counts_the_discontinuities_it_leaves_behind() {
    let config = Config { window_ms: 20_000, ..Config::default() };
    let shape = Shape { stretches: vec![300, 300, 600], target_duration_s: 2, ..Shape::default() };
    let house = run(config, shape.events());
    for name in RENDITIONS {
        let playlist = &house.playlists[name];
        let span: i64 = playlist.segments.iter().map(|segment| segment.duration.0).sum();
        assert!((1_790_000..2_000_000).contains(&span), "{name}: {span}");
        // The sound's last segments may add up to a hair less than the window: it keeps one more.
        assert!((9..=10).contains(&playlist.media_sequence), "{name}");
        assert_eq!(playlist.discontinuity_sequence, 1, "{name}");
    }
    check_recordings(&house);
}

#[test]
fn another_configuration_brings_another_init_segment_and_a_cut() {
    let mut events = Shape { gops: vec![30], ..Shape::default() }.events();
    let at = |seconds: i64| events.iter().position(|(at, _)| *at >= seconds * 90_000).unwrap();
    let other = simulation::video_config(None, 1080);
    events.insert(at(5), (450_000, Staged::Config(id("source"), other)));
    let house = run(Config::default(), events);
    // The keyframe at 5 s starts a segment, although the one before is of one second.
    let segments = &house.playlists["source"].segments;
    assert_eq!(segments[2].duration, Ticks(90_000));
    let maps: Vec<_> = segments.iter().map(|segment| segment.head.map.as_deref()).collect();
    assert_eq!(
        maps[..4],
        [Some("e1/i0.mp4"), Some("e1/i0.mp4"), Some("e1/i0.mp4"), Some("e1/i1.mp4")]
    );
    check_alignment(&house, 3000);
    assert!(house.texts[&format!("{SHOW}/index.m3u8")].contains("RESOLUTION=1920x1080"));
}

#[test]
fn a_configuration_that_cannot_be_stored_costs_only_its_rendition() {
    let mut events = Shape::default().events();
    let bad = shared_media::TrackConfig::Video(shared_media::VideoConfig {
        codec: shared_media::VideoCodec::Avc,
        record: bytes::Bytes::from_static(b"\x01\x64"),
        width: 854,
        height: 480,
        frame_rate: None,
        hdr: None,
    });
    for (_, event) in &mut events {
        if matches!(event, Staged::Config(name, _) if *name == id("480p")) {
            *event = Staged::Config(id("480p"), bad.clone());
        }
    }
    let house = run(Config::default(), events);
    let configuration = |trouble: &&Error| matches!(trouble, Error::Configuration { .. });
    assert_eq!(house.troubles.iter().filter(configuration).count(), 1);
    assert!(house.playlists["480p"].segments.iter().all(|segment| segment.gap));
    assert!(house.playlists["source"].segments.iter().all(|segment| !segment.gap));
    let multivariant = &house.texts[&format!("{SHOW}/index.m3u8")];
    assert!(multivariant.contains("source/index.m3u8") && !multivariant.contains("480p"));
}

#[test]
fn nothing_at_all_is_a_show_without_recordings() {
    let house = run(Config::default(), vec![(0, Staged::Plan(plan(2))), (0, Staged::End)]);
    assert_eq!(house.recordings, Some(Vec::new()));
    let house = run(Config::default(), vec![(0, Staged::Discontinuity), (0, Staged::End)]);
    assert_eq!(house.recordings, Some(Vec::new()));
}

/// Nobody published for longer than the leader may be silent beside the others.
#[test]
fn after_a_long_break_sound_that_comes_first_waits_for_the_picture() {
    let shape = Shape { stretches: vec![300, 300], audio_delay: -2000, ..Shape::default() };
    let away = Ticks(8 * 90_000);
    let (mut events, mut breaks) = (Vec::new(), 0);
    for (at, event) in shape.events() {
        breaks += i64::from(event == Staged::Discontinuity);
        let later = Ticks(if breaks > 0 { away.0 } else { 0 });
        match event {
            // It is said when a publisher goes, and when one comes.
            Staged::Discontinuity => {
                events.extend([(at, Staged::Discontinuity), (at + later.0, Staged::Discontinuity)]);
            }
            Staged::Unit(name, unit) => {
                let unit = AccessUnit { pts: unit.pts + later, dts: unit.dts + later, ..unit };
                events.push((at + later.0, Staged::Unit(name, unit)));
            }
            other => events.push((at + later.0, other)),
        }
    }
    let house = run(Config::default(), events);
    check_dates(&house, &shape);
    check_alignment(&house, 3000);
    let gaps = house.playlists["audio"].segments.iter().filter(|segment| segment.gap).count();
    assert_eq!(gaps, 0, "the simulation has no clock that ticks while nobody publishes");
}

/// A source whose encoder counts frames, not time: what it leaves out makes its GOPs longer than the target duration.
#[test]
fn an_encoder_that_leaves_frames_out_makes_no_segment_too_long() {
    for hole in (1..40).step_by(2) {
        for from in [5, 30, 59 - hole.min(50), 58] {
            let left_out = (120 + from..120 + from + hole).collect();
            let gops = vec![60, 60, 60 + hole, 60, 60];
            let shape = Shape { gops, left_out, target_duration_s: 2, ..Shape::default() };
            let house = run(Config::default(), shape.events());
            check_dates(&house, &shape);
            check_alignment(&house, 3000);
        }
    }
}

fn shapes() -> impl Strategy<Value = Shape> {
    let frame = prop::sample::select(vec![1500, 1800, 3000, 3003, 3600, 3750, 6000, 9000]);
    let gops = prop::collection::vec(10_i64..120, 1..4);
    let faults = (any::<bool>(), prop::collection::vec(0_i64..900, 0..20), any::<bool>());
    let delays = (0_i64..180_000, -9000_i64..60_000);
    let silence = prop::option::of((0_i64..600, 1_i64..400));
    let stretches = prop::collection::vec(30_i64..400, 1..4);
    (frame, gops, 0_i64..4, faults, delays, silence, stretches).prop_map(
        |(frame, gops, b_frames, faults, delays, silence, stretches)| Shape {
            frame,
            states_rate: faults.2,
            // No GOP longer than four seconds.
            gops: gops.into_iter().map(|gop| gop.min(360_000 / frame)).collect(),
            b_frames,
            rounded: faults.0,
            left_out: faults.1,
            stretches,
            rung_delay: delays.0,
            audio_delay: delays.1,
            silence: silence.map(|(from, frames)| (from, from + frames)),
            target_duration_s: 4,
            expected_bit_rate: faults.0.then_some(3_000_000),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_show_keeps_the_rules(shape in shapes()) {
        let house = run(Config::default(), shape.events());
        if !house.segments.is_empty() {
            check_dates(&house, &shape);
            check_recordings(&house);
        }
        // What is hinted at comes, as long as keyframes keep their distance and nothing is missing.
        let is_steady = shape.gops.iter().all(|gop| *gop == shape.gops[0]);
        if is_steady && shape.left_out.is_empty() && shape.silence.is_none() {
            prop_assert_eq!(&house.missed_hints, &[]);
        }
        if shape.silence.is_none() && !house.segments.is_empty() {
            check_alignment(&house, shape.frame);
        }
        // Keyframes at a steady distance never come too late.
        if shape.silence.is_none() && is_steady {
            for (name, msn) in gaps(&house) {
                // A stretch may end with a picture so short that no sound begins beside it.
                let (_, duration, _) = house.segments[&(name.clone(), msn)];
                let is_tiny = duration.0 <= 2 * shape.frame.max(1920);
                prop_assert!(name == "audio" && is_tiny, "{name} {msn}");
            }
        }
    }

    #[test]
    fn no_order_of_events_breaks_it(
        shape in shapes(),
        swaps in prop::collection::vec(any::<[prop::sample::Index; 2]>(), 0..50),
    ) {
        let mut events = shape.events();
        let end = events.pop();
        for [one, other] in swaps {
            let (one, other) = (one.index(events.len()), other.index(events.len()));
            let (at_one, at_other) = (events[one].0, events[other].0);
            events.swap(one, other);
            (events[one].0, events[other].0) = (at_one, at_other);
        }
        events.extend(end);
        let mut machine = origin_packager::Machine::new(
            Config::default(),
            SHOW.parse().unwrap(),
            "e1".to_owned(),
            simulation::house::ANCHOR,
        );
        for (at, event) in events {
            let now = shared_media::Now { monotonic_us: at.max(0) as u64 * 11, utc_us: 0 };
            machine.handle(now, event);
            while let shared_media::Poll::Output(_) = machine.poll() {}
        }
    }
}
