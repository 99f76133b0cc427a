//! Tags, good and bad, and what becomes of them.
//!
//! In: tags. Out: nothing. Does not know RTMP.

use super::*;
use crate::machine::samples::{AVCC, DELTA, KEY, audio, audio_config, tag, video, video_config};

const NOW: Now = Now { monotonic_us: 5_000_000, utc_us: 1_700_000_000_000_000 };

fn after(ms: u64) -> Now {
    let us = NOW.monotonic_us + ms * 1000;
    Now { monotonic_us: us, utc_us: NOW.utc_us + (ms * 1000) as i64 }
}

fn intake() -> Intake {
    Intake::new(Arc::new(Config::default()), None)
}

/// One word for each output.
fn words(intake: &mut Intake, now: Now, inputs: impl IntoIterator<Item = Input>) -> Vec<String> {
    let mut words = Vec::new();
    for input in inputs {
        intake.handle(now, input);
        while let Poll::Output(output) = intake.poll() {
            words.push(match output {
                Output::Publish(Publication::Config(TrackConfig::Video(_))) => "picture".to_owned(),
                Output::Publish(Publication::Config(TrackConfig::Audio(_))) => "sound".to_owned(),
                Output::Publish(Publication::Unit(TrackKind::Video, unit)) => {
                    format!("{}{}", if unit.keyframe { "I" } else { "P" }, unit.dts.0)
                }
                Output::Publish(Publication::Unit(TrackKind::Audio, unit)) => {
                    format!("a{}", unit.dts.0)
                }
                Output::Publish(Publication::Discontinuity) => "break".to_owned(),
                Output::Publish(Publication::End) => "end".to_owned(),
                Output::Dropped(reason) => reason.as_str().to_owned(),
                Output::Refuse(refusal) => refusal.reason().to_owned(),
            });
        }
    }
    words
}

#[test]
fn configurations_come_with_the_first_unit_and_once() {
    let mut intake = intake();
    let inputs = [
        Input::Audio(audio_config()),
        Input::Video(video_config(&AVCC)),
        Input::Video(video(0, &KEY)),
        Input::Video(video_config(&AVCC)),
        Input::Audio(audio(0)),
        Input::Video(video(40, &DELTA)),
    ];
    let expected = ["picture", "sound", "I0", "a0", "P3600"];
    assert_eq!(words(&mut intake, NOW, inputs), expected);
    assert_eq!(intake.anchor(), Some(Anchor { utc_us: NOW.utc_us }));
}

#[test]
fn units_nobody_could_decode_are_dropped() {
    let mut intake = intake();
    let inputs = [
        Input::Video(video(0, &KEY)),
        Input::Audio(audio(0)),
        Input::Video(video_config(&AVCC[..20])),
        Input::Video(video_config(&AVCC)),
        Input::Video(video(40, &DELTA)),
        Input::Video(video(80, &KEY)),
        Input::Video(video(120, &[0, 0, 0, 9, 0x41])),
        Input::Video(video(160, &DELTA)),
        Input::Video(video(200, &KEY)),
        Input::Video(tag(0, &[])),
        Input::Audio(tag(0, &[&[0xAF]])),
    ];
    let expected = [
        "no_config",
        "no_config",
        "bad_config",
        "no_keyframe",
        "picture",
        "I0",
        "malformed",
        "no_keyframe",
        "I10800",
        "malformed",
        "malformed",
    ];
    assert_eq!(words(&mut intake, NOW, inputs), expected);
}

#[test]
fn a_keyframe_is_what_holds_an_idr_slice_whatever_the_tag_says() {
    let mut intake = intake();
    let liar = tag(40, &[&[0x17, 1, 0, 0, 0], &DELTA]);
    let inputs =
        [Input::Video(video_config(&AVCC)), Input::Video(video(0, &KEY)), Input::Video(liar)];
    assert_eq!(words(&mut intake, NOW, inputs), ["picture", "I0", "P3600"]);
}

#[test]
fn a_new_picture_size_is_a_new_configuration_at_a_keyframe() {
    let mut intake = intake();
    let mut other = AVCC;
    other[3] = 0x1F;
    let inputs = [
        Input::Video(video_config(&AVCC)),
        Input::Video(video(0, &KEY)),
        Input::Video(video_config(&other)),
        Input::Video(video(40, &DELTA)),
        Input::Video(video(80, &KEY)),
    ];
    let expected = ["picture", "I0", "no_keyframe", "picture", "I7200"];
    assert_eq!(words(&mut intake, NOW, inputs), expected);
}

#[test]
fn who_returns_brings_a_break_and_all_configurations() {
    let mut intake = intake();
    let begin = || {
        [
            Input::Video(video_config(&AVCC)),
            Input::Audio(audio_config()),
            Input::Video(video(0, &KEY)),
            Input::Audio(audio(0)),
            Input::Interrupt,
        ]
    };
    let expected = ["picture", "sound", "I0", "a0"];
    assert_eq!(words(&mut intake, NOW, begin()), expected);
    let expected = ["break", "picture", "sound", "I900000", "a900000"];
    assert_eq!(words(&mut intake, after(10_000), begin()), expected);
}

#[test]
fn a_jump_breaks_and_waits_for_a_keyframe() {
    let mut intake = intake();
    let inputs = [
        Input::Video(video_config(&AVCC)),
        Input::Audio(audio_config()),
        Input::Video(video(0, &KEY)),
    ];
    words(&mut intake, NOW, inputs);
    let inputs = [
        Input::Video(video(60_000, &DELTA)),
        Input::Audio(audio(60_020)),
        Input::Video(video(60_040, &DELTA)),
        Input::Video(video(60_080, &KEY)),
    ];
    let expected =
        ["break", "picture", "sound", "no_keyframe", "a181800", "no_keyframe", "I187200"];
    assert_eq!(words(&mut intake, after(2_000), inputs), expected);
}

#[test]
fn the_metadata_fills_in_a_missing_frame_rate() {
    let rates = [29.97, 30.0, 59.94, 23.976, 23.98, 12.5, 0.0, f64::NAN, 1e9].map(rational);
    let rate = |num, den| Some(Rational { num, den });
    let expected = [
        rate(30_000, 1001),
        rate(30, 1),
        rate(60_000, 1001),
        rate(24_000, 1001),
        rate(24_000, 1001),
        rate(25, 2),
        None,
        None,
        None,
    ];
    assert_eq!(rates, expected);
}

#[test]
fn codecs_not_taken_are_refused() {
    let hevc = Input::Video(tag(0, &[b"\x90hvc1"]));
    let mp3 = Input::Audio(tag(0, &[&[0x2F, 0xFF]]));
    let expected = ["unsupported_codec", "unsupported_codec"];
    assert_eq!(words(&mut intake(), NOW, [hevc, mp3]), expected);
}

#[test]
fn a_unit_above_the_limit_is_dropped() {
    let config = Config { access_unit_bytes_max: 5, ..Config::default() };
    let mut intake = Intake::new(Arc::new(config), None);
    let inputs = [Input::Video(video_config(&AVCC)), Input::Video(video(0, &KEY))];
    assert_eq!(words(&mut intake, NOW, inputs), ["too_large"]);
}
