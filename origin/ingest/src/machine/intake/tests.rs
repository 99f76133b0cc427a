//! Tags, good and bad, and what becomes of them.
//!
//! In: tags. Out: nothing. Does not know RTMP.

use bytes::Bytes;
use shared_media::{SpliceKind, SplicePoint};

use super::*;
use crate::machine::arrival::Stamp;
use crate::machine::rtmp::flv;
use crate::machine::rtmp::samples::{
    AVCC, DELTA, KEY, audio, audio_config, tag, video, video_config,
};
use crate::machine::rtmp::session::Tag;

const NOW: Now = Now { monotonic_us: 5_000_000, utc_us: 1_700_000_000_000_000 };

fn after(ms: u64) -> Now {
    let us = NOW.monotonic_us + ms * 1000;
    Now { monotonic_us: us, utc_us: NOW.utc_us + (ms * 1000) as i64 }
}

/// What one tag is to the intake.
fn picture(tag: Tag) -> Input {
    Input::Video(flv::video(&tag).remove(0))
}

fn sound(tag: Tag) -> Input {
    Input::Audio(flv::audio(&tag).remove(0))
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
                Output::Publish(Publication::Picture(_)) => "picture".to_owned(),
                Output::Publish(Publication::Sound(..)) => "sound".to_owned(),
                Output::Publish(Publication::Sounds(named)) => format!("{named} sounds"),
                Output::Publish(Publication::Rates(rates)) => {
                    format!("{:?}+{:?}", rates.video, rates.audio)
                }
                Output::Publish(Publication::Unit(TrackId::Video, unit)) => {
                    format!("{}{}", if unit.keyframe { "I" } else { "P" }, unit.dts.0)
                }
                Output::Publish(Publication::Unit(TrackId::Audio(track), unit)) => {
                    format!("{}{}", char::from(b'a' + track), unit.dts.0)
                }
                Output::Publish(Publication::Discontinuity) => "break".to_owned(),
                Output::Publish(Publication::End) => "end".to_owned(),
                Output::Splice(splice) => format!("splice{}", splice.at.0),
                Output::Dropped(reason) => reason.as_str().to_owned(),
                Output::Refuse(refusal) => refusal.reason().to_owned(),
            });
        }
    }
    words
}

#[test]
fn splices_are_on_the_timeline_of_the_show() {
    let mut intake = intake();
    let point = SplicePoint { event: 1, class: 0, kind: SpliceKind::Out, planned: None };
    let cue = |pts| Input::Splice(Cue { pts, section: Bytes::new(), points: vec![point] });
    assert!(words(&mut intake, NOW, [cue(Some(900_000))]).is_empty(), "no media came");
    let media =
        [picture(video_config(&AVCC)), picture(video(1000, &KEY)), picture(video(1040, &DELTA))];
    assert_eq!(words(&mut intake, NOW, media), ["picture", "I0", "P3600"]);
    let later = [cue(Some(900_000)), cue(None), cue(Some((1 << 33) - 90_000))];
    assert_eq!(words(&mut intake, NOW, later), ["splice810000", "splice3600", "splice-180000"]);
}

#[test]
fn configurations_come_with_the_first_unit_and_once() {
    let mut intake = intake();
    let inputs = [
        sound(audio_config()),
        picture(video_config(&AVCC)),
        picture(video(0, &KEY)),
        picture(video_config(&AVCC)),
        sound(audio(0)),
        picture(video(40, &DELTA)),
    ];
    let expected = ["picture", "sound", "I0", "a0", "P3600"];
    assert_eq!(words(&mut intake, NOW, inputs), expected);
    assert_eq!(intake.anchor(), Some(Anchor { utc_us: NOW.utc_us }));
}

#[test]
fn units_nobody_could_decode_are_dropped() {
    let mut intake = intake();
    let inputs = [
        picture(video(0, &KEY)),
        sound(audio(0)),
        picture(video_config(&AVCC[..20])),
        picture(video_config(&AVCC)),
        picture(video(40, &DELTA)),
        picture(video(80, &KEY)),
        picture(video(120, &[0, 0, 0, 9, 0x41])),
        picture(video(160, &DELTA)),
        picture(video(200, &KEY)),
        picture(tag(0, &[])),
        sound(tag(0, &[&[0xAF]])),
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
    let inputs = [picture(video_config(&AVCC)), picture(video(0, &KEY)), picture(liar)];
    assert_eq!(words(&mut intake, NOW, inputs), ["picture", "I0", "P3600"]);
}

#[test]
fn a_new_picture_size_is_a_new_configuration_at_a_keyframe() {
    let mut intake = intake();
    let mut other = AVCC;
    other[3] = 0x1F;
    let inputs = [
        picture(video_config(&AVCC)),
        picture(video(0, &KEY)),
        picture(video_config(&other)),
        picture(video(40, &DELTA)),
        picture(video(80, &KEY)),
    ];
    let expected = ["picture", "I0", "no_keyframe", "picture", "I7200"];
    assert_eq!(words(&mut intake, NOW, inputs), expected);
}

#[test]
fn who_returns_brings_a_break_and_all_configurations() {
    let mut intake = intake();
    let begin = || {
        [
            picture(video_config(&AVCC)),
            sound(audio_config()),
            picture(video(0, &KEY)),
            sound(audio(0)),
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
    let inputs = [picture(video_config(&AVCC)), sound(audio_config()), picture(video(0, &KEY))];
    words(&mut intake, NOW, inputs);
    let inputs = [
        picture(video(60_000, &DELTA)),
        sound(audio(60_020)),
        picture(video(60_040, &DELTA)),
        picture(video(60_080, &KEY)),
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
    let vp9 = picture(tag(0, &[b"\x90vp09"]));
    let mp3 = sound(tag(0, &[&[0x2F, 0xFF]]));
    let expected = ["unsupported_codec", "unsupported_codec"];
    assert_eq!(words(&mut intake(), NOW, [vp9, mp3]), expected);
}

#[test]
fn a_unit_above_the_limit_is_dropped() {
    let config = Config { access_unit_bytes_max: 5, ..Config::default() };
    let mut intake = Intake::new(Arc::new(config), None);
    let inputs = [picture(video_config(&AVCC)), picture(video(0, &KEY))];
    assert_eq!(words(&mut intake, NOW, inputs), ["too_large"]);
}

/// Something of an HEVC track with this one NAL unit, or its configuration if there is none.
fn hevc(track: u8, ms: u32, kind: Option<u8>) -> Input {
    let (vps, sps, pps) = codec::samples::HEVC_SETS;
    let held = match kind {
        None => {
            let sets = [vps, sps, pps].map(|set| vec![set.to_vec()]);
            let record = codec::record(VideoCodec::Hevc, &sets).expect("good parameter sets");
            Held::Config(VideoCodec::Hevc, record)
        }
        Some(kind) => Held::Unit {
            codec: VideoCodec::Hevc,
            composition: Ticks::ZERO,
            data: Bytes::copy_from_slice(&[0, 0, 0, 3, kind << 1, 1, 9]),
        },
    };
    Input::Video(Arrival { track, at: Stamp::Millis(ms), held })
}

#[test]
fn hevc_may_begin_at_an_open_gop_without_the_pictures_that_cannot_be_decoded() {
    let mut intake = intake();
    let (trail, rasl, idr, cra) = (1, 8, 19, 21);
    let kinds = [trail, cra, rasl, trail, cra, rasl, trail, idr, trail];
    let units = kinds.iter().zip((0..).step_by(40)).map(|(kind, ms)| hevc(0, ms, Some(*kind)));
    let inputs = std::iter::once(hevc(0, 0, None)).chain(units);
    let expected = [
        "no_keyframe",
        "picture",
        "I0",
        "no_keyframe",
        "P7200",
        "P10800",
        "P14400",
        "P18000",
        "I21600",
        "P25200",
    ];
    assert_eq!(words(&mut intake, NOW, inputs), expected);
}

#[test]
fn one_picture_is_taken_and_eight_sounds() {
    let mut intake = intake();
    let other = |track, tag: Tag| Input::Audio(Arrival { track, ..flv::audio(&tag).remove(0) });
    let foreign = Held::Foreign("FLAC".to_owned());
    let inputs = [
        hevc(2, 0, None),
        picture(video_config(&AVCC)),
        sound(audio_config()),
        hevc(2, 0, Some(19)),
        sound(audio(0)),
        other(1, audio(0)),
        other(1, audio_config()),
        other(1, audio(0)),
        Input::Audio(Arrival { track: 3, at: Stamp::Millis(0), held: foreign }),
        Input::Interrupt,
        picture(video_config(&AVCC)),
        picture(video(40, &KEY)),
    ];
    let expected = [
        "other_track",
        "picture",
        "sound",
        "I0",
        "a0",
        "no_config",
        "sound",
        "b0",
        "other_track",
        "break",
        "picture",
        "I1",
    ];
    assert_eq!(words(&mut intake, NOW, inputs), expected);
}

#[test]
fn sounds_are_told_with_the_languages_that_the_publisher_names() {
    let mut intake = intake();
    let other = |track, tag: Tag| Input::Audio(Arrival { track, ..flv::audio(&tag).remove(0) });
    let named = |codes: &[&str]| {
        let sounds = codes.iter().map(|code| Language::new(code)).collect();
        Input::Metadata(Metadata { sounds, ..Metadata::default() })
    };
    let mut take = |input| {
        let mut told = Vec::new();
        intake.handle(NOW, input);
        while let Poll::Output(output) = intake.poll() {
            match output {
                Output::Publish(Publication::Sounds(named)) => told.push((named, None)),
                Output::Publish(Publication::Sound(track, _)) => {
                    told.push((track.number, track.language));
                }
                _ => {}
            }
        }
        told
    };
    let configs = (0..9).map(|track| other(track, audio_config()));
    let quiet = std::iter::once(named(&["en", "-", "de"])).chain(configs);
    for input in quiet.chain([other(8, audio(0))]) {
        assert_eq!(take(input), [], "no unit, no news");
    }
    let told = take(other(2, audio(0)));
    let language = |number: u8| match number {
        0 => Language::new("en"),
        2 => Language::new("de"),
        _ => None,
    };
    let all = (0..8).map(|number| (number, language(number)));
    assert_eq!(told, std::iter::once((3, None)).chain(all).collect::<Vec<_>>());
}

#[test]
fn declared_bit_rates_are_handed_on_once_and_impossible_ones_never() {
    let declared = |video_kbps, audio_kbps| {
        Input::Metadata(Metadata { video_kbps, audio_kbps, ..Metadata::default() })
    };
    let media = |ms| picture(video(ms, &KEY));
    let mut known = intake();
    let inputs = [
        declared(Some(2500.0), Some(160.5)),
        picture(video_config(&AVCC)),
        media(0),
        media(40),
        Input::Interrupt,
        picture(video_config(&AVCC)),
        media(80),
    ];
    let expected = ["picture", "Some(2500000)+Some(160500)", "I0", "I3600", "break", "picture"];
    assert_eq!(
        words(&mut known, NOW, inputs)[..6],
        expected,
        "the next publisher has said nothing"
    );
    for wrong in [0.0, -1.0, 1e12, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut lied_to = intake();
        let inputs =
            [declared(Some(wrong), Some(wrong)), picture(video_config(&AVCC)), media(0), media(40)];
        assert_eq!(words(&mut lied_to, NOW, inputs), ["picture", "I0", "I3600"], "{wrong}");
    }
}
