//! What comes of frames, and when keyframes are asked for.

use super::*;
use crate::machine::rtmp::samples::AVCC;

/// The parameter sets of the sample record.
fn sets() -> (&'static [u8], &'static [u8]) {
    static RECORD: [u8; 41] = AVCC;
    (&RECORD[8..33], &RECORD[36..41])
}

fn picture(rtp: u32, keyframe: bool, follows: bool) -> Input {
    let code = &[0, 0, 0, 1][..];
    let (sps, pps) = sets();
    let data = if keyframe {
        [code, sps, code, pps, code, &[0x65, 1]].concat()
    } else {
        [code, &[0x41, 2]].concat()
    };
    let data = Bytes::from(data);
    Input::Frame(Frame { kind: TrackKind::Video, rtp, report: None, follows, keyframe, data })
}

fn sound(rtp: u32) -> Input {
    let data = Bytes::from_static(&[0xFC, 1]);
    let (kind, report) = (TrackKind::Audio, None);
    Input::Frame(Frame { kind, rtp, report, follows: true, keyframe: false, data })
}

fn after(reception: &mut Reception, now_ms: u64, input: Input) -> Vec<Output> {
    reception.handle(now_ms * 1000, input);
    let mut outputs = Vec::new();
    while let Poll::Output(output) = reception.poll() {
        outputs.push(output);
    }
    outputs
}

/// One word for each output.
fn words(outputs: &[Output]) -> Vec<&'static str> {
    let word = |output: &Output| match output {
        Output::AskForKeyframe => "ask",
        Output::Media(intake::Input::Video(arrival)) => match &arrival.held {
            Held::Config(..) => "record",
            Held::Unit { .. } => "picture",
            Held::Malformed => "lost",
            Held::Foreign(_) => "foreign",
        },
        Output::Media(intake::Input::Audio(arrival)) => match &arrival.held {
            Held::Config(..) => "header",
            _ => "sound",
        },
        Output::Media(_) => "other",
    };
    outputs.iter().map(word).collect()
}

#[test]
fn a_keyframe_is_asked_for_at_the_start_and_before_every_segment() {
    let mut reception = Reception::new(true);
    assert_eq!(reception.deadline_us(), None, "nobody is there to be asked");
    assert_eq!(words(&after(&mut reception, 0, Input::Connected)), ["ask"]);
    assert_eq!(words(&after(&mut reception, 100, Input::Tick)), [""; 0]);
    assert_eq!(reception.deadline_us(), Some(300_000));
    assert_eq!(words(&after(&mut reception, 300, Input::Tick)), ["ask"], "it may be lost");
    let first = after(&mut reception, 400, picture(0, true, true));
    assert_eq!(words(&first), ["record", "picture"]);
    assert_eq!(reception.deadline_us(), Some(2_300_000));
    assert_eq!(words(&after(&mut reception, 433, picture(3000, false, true))), ["picture"]);
    assert_eq!(words(&after(&mut reception, 2300, Input::Tick)), ["ask"]);
    let again = after(&mut reception, 2400, picture(180_000, true, true));
    assert_eq!(words(&again), ["picture"], "the same parameter sets are no news");
}

#[test]
fn a_lost_picture_is_told_and_a_keyframe_asked_for_at_once() {
    let mut reception = Reception::new(true);
    after(&mut reception, 0, Input::Connected);
    after(&mut reception, 10, picture(0, true, true));
    let lost = after(&mut reception, 100, picture(9000, false, false));
    assert_eq!(words(&lost), ["lost", "picture", "ask"]);
    let before_it_came = after(&mut reception, 133, picture(12_000, false, true));
    assert_eq!(words(&before_it_came), ["picture"]);
    assert_eq!(words(&after(&mut reception, 200, picture(15_000, true, false))), ["picture"]);
    assert_eq!(reception.deadline_us(), Some(2_100_000));
}

#[test]
fn sound_alone_has_its_header_and_asks_for_nothing() {
    let mut reception = Reception::new(false);
    assert_eq!(words(&after(&mut reception, 0, Input::Connected)), [""; 0]);
    assert_eq!(words(&after(&mut reception, 0, sound(0))), ["header", "sound"]);
    assert_eq!(words(&after(&mut reception, 20, sound(960))), ["sound"]);
    assert_eq!(reception.deadline_us(), None);
}

#[test]
fn other_parameter_sets_make_another_record() {
    let mut reception = Reception::new(true);
    after(&mut reception, 0, Input::Connected);
    after(&mut reception, 0, picture(0, true, true));
    let Input::Frame(mut frame) = picture(180_000, true, true) else { unreachable!() };
    let mut data = frame.data.to_vec();
    data[6] ^= 0x20; // constraint_set2_flag
    frame.data = data.into();
    assert_eq!(words(&after(&mut reception, 10, Input::Frame(frame))), ["record", "picture"]);
}
