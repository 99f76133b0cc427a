//! The decisions under a virtual clock.

use std::collections::HashSet;

use bytes::Bytes;
use proptest::prelude::*;
use shared_media::{Now, Object, Poll};

use super::*;

const PLAYLIST: &str = "0123456789abcdef/720p/index.m3u8";

fn at(seconds: u64) -> Now {
    Now { monotonic_us: seconds * 1_000_000, utc_us: 0 }
}

fn object(key: &str, bytes: usize) -> Object {
    Object { key: key.to_owned(), bytes: Bytes::from(vec![7; bytes]) }
}

fn small() -> Config {
    Config {
        memory_bytes_max: 100,
        object_bytes_max: 50,
        write_queue_max: 3,
        write_queue_bytes_max: 200,
        write_attempts_max: 2,
        ..Config::default()
    }
}

fn outputs(machine: &mut Machine) -> Vec<Output> {
    std::iter::from_fn(|| match machine.poll() {
        Poll::Output(output) => Some(output),
        Poll::Wait => None,
    })
    .collect()
}

fn after(machine: &mut Machine, seconds: u64, input: Input) -> Vec<Output> {
    machine.handle(at(seconds), input);
    outputs(machine)
}

fn lost(key: &str, loss: Loss) -> Output {
    Output::Lost { key: key.to_owned(), loss }
}

#[test]
fn writes_go_out_one_at_a_time_in_order() {
    let mut machine = Machine::new(&small());
    let first = after(&mut machine, 0, Input::Whole(object("a", 1)));
    assert!(matches!(&first[..], [Output::Write(write)] if write.key == "a"));
    assert_eq!(after(&mut machine, 0, Input::Whole(object("b", 1))), []);
    let second = after(&mut machine, 0, Input::Written);
    assert!(matches!(&second[..], [Output::Write(write)] if write.key == "b"));
}

#[test]
fn a_part_is_never_written_and_goes_after_its_time() {
    let mut machine = Machine::new(&small());
    assert_eq!(after(&mut machine, 0, Input::Part(object("p", 10))), []);
    after(&mut machine, 59, Input::Tick);
    assert!(machine.held("p").is_some());
    after(&mut machine, 61, Input::Tick);
    assert_eq!(machine.held("p"), None);
    assert_eq!(machine.memory(), (0, 0));
}

#[test]
fn what_is_not_on_disk_outlives_its_time() {
    let mut machine = Machine::new(&small());
    after(&mut machine, 0, Input::Whole(object("s", 10)));
    after(&mut machine, 1000, Input::Tick);
    assert!(machine.held("s").is_some());
    after(&mut machine, 1001, Input::Written);
    after(&mut machine, 1002, Input::Tick);
    assert_eq!(machine.held("s"), None);
}

#[test]
fn a_full_disk_is_waited_for_and_writing_resumes() {
    let mut machine = Machine::new(&small());
    after(&mut machine, 0, Input::Whole(object("a", 1)));
    for second in 1..20 {
        let failed = after(&mut machine, second, Input::Failed(Failure::DiskFull));
        assert!(!failed.iter().any(|output| matches!(output, Output::Lost { .. })), "{failed:?}");
        assert_eq!(machine.health(), Health::Degraded(Failure::DiskFull));
        let again = after(&mut machine, second + 1, Input::Tick);
        assert!(matches!(&again[..], [Output::Write(write)] if write.key == "a"), "{again:?}");
    }
    assert_eq!(after(&mut machine, 21, Input::Written), [Output::Health(Health::Good)]);
}

#[test]
fn a_broken_path_is_given_up_and_the_next_object_goes_on() {
    let mut machine = Machine::new(&small());
    after(&mut machine, 0, Input::Whole(object("a", 1)));
    after(&mut machine, 0, Input::Whole(object("b", 1)));
    after(&mut machine, 0, Input::Failed(Failure::Refused));
    after(&mut machine, 1, Input::Tick);
    let given_up = after(&mut machine, 1, Input::Failed(Failure::Refused));
    assert_eq!(given_up, [lost("a", Loss::Disk(Failure::Refused))]);
    let next = after(&mut machine, 2, Input::Tick);
    assert!(matches!(&next[..], [Output::Write(write)] if write.key == "b"));
    after(&mut machine, 14 * 60, Input::Written);
    assert!(machine.held("a").is_some(), "it is listed still, and only memory has it");
    assert_eq!(machine.held("b"), None);
    after(&mut machine, 16 * 60, Input::Tick);
    assert_eq!(machine.held("a"), None);
}

#[test]
fn with_a_full_queue_the_newest_is_lost_to_the_recording_but_not_to_live() {
    let mut machine = Machine::new(&small());
    for key in ["a", "b", "c"] {
        after(&mut machine, 0, Input::Whole(object(key, 1)));
    }
    let full = after(&mut machine, 0, Input::Whole(object("d", 1)));
    assert_eq!(full, [lost("d", Loss::QueueFull)]);
    assert!(machine.held("d").is_some());
}

#[test]
fn the_recording_skips_a_lost_segment() {
    let mut machine = Machine::new(&small());
    let segment = "0123456789abcdef/720p/e/s1.m4s";
    after(&mut machine, 0, Input::Whole(object(segment, 51)));
    let line = Object { key: PLAYLIST.to_owned(), bytes: Bytes::from("#EXTINF:2,\ne/s1.m4s\n") };
    let write = after(&mut machine, 0, Input::Append(line));
    let [Output::Write(write)] = &write[..] else { panic!("{write:?}") };
    assert_eq!(write.bytes, "#EXTINF:2,\n#EXT-X-GAP\ne/s1.m4s\n");
}

#[test]
fn a_text_is_read_as_replaced_then_appended() {
    let mut machine = Machine::new(&small());
    let text = |text: &'static str| Object { key: PLAYLIST.into(), bytes: Bytes::from(text) };
    after(&mut machine, 0, Input::Append(text("a")));
    let appended = Text { base: None, pieces: vec![Bytes::from("a")] };
    assert_eq!(machine.unwritten(PLAYLIST), appended);
    after(&mut machine, 0, Input::Whole(text("b")));
    assert_eq!(machine.held(PLAYLIST), Some(Bytes::from("b")));
    after(&mut machine, 0, Input::Append(text("c")));
    assert_eq!(machine.held(PLAYLIST), None);
    let replaced = Text { base: Some(Bytes::from("b")), pieces: vec![Bytes::from("c")] };
    assert_eq!(machine.unwritten(PLAYLIST), replaced);
}

#[test]
fn an_object_too_large_is_not_taken() {
    let mut machine = Machine::new(&small());
    let refused = after(&mut machine, 0, Input::Whole(object("a", 51)));
    assert_eq!(refused, [lost("a", Loss::TooLarge)]);
    assert_eq!(machine.memory(), (0, 0));
}

/// What may happen to a store, in any order.
fn happening() -> impl Strategy<Value = Input> {
    let key = || (0_u8..12).prop_map(|n| format!("k{n}"));
    let any = || (key(), 0_usize..60).prop_map(|(key, bytes)| object(&key, bytes));
    prop_oneof![
        4 => any().prop_map(Input::Part),
        4 => any().prop_map(Input::Whole),
        1 => any().prop_map(Input::Append),
        3 => Just(Input::Written),
        1 => Just(Input::Failed(Failure::DiskFull)),
        1 => Just(Input::Failed(Failure::Io)),
        1 => Just(Input::Tick),
    ]
}

proptest! {
    /// Whatever happens: memory and queue stay within their limits, what is held is held once, and an object that
    /// is not on disk leaves memory only with a loss that says so.
    #[test]
    fn nothing_unsaved_leaves_silently(
        story in prop::collection::vec((0_u64..30, happening()), 1..200),
    ) {
        let config = small();
        let mut machine = Machine::new(&config);
        let mut seconds = 0;
        let mut unsaved: std::collections::HashSet<String> = std::collections::HashSet::new();
        let mut out: Option<Write> = None;
        for (pause, input) in story {
            seconds += pause;
            let answers = matches!(input, Input::Written | Input::Failed(_));
            if answers && out.is_none() {
                continue;
            }
            match &input {
                Input::Whole(object) => drop(unsaved.insert(object.key.clone())),
                Input::Part(object) | Input::Append(object) => drop(unsaved.remove(&object.key)),
                Input::Written => drop(out.take().map(|write| unsaved.remove(&write.key))),
                Input::Failed(_) => out = None,
                Input::Stop(_) | Input::SpoolFull(_) | Input::Tick => {}
            }
            for output in after(&mut machine, seconds, input) {
                match output {
                    Output::Write(write) => {
                        prop_assert!(out.is_none(), "two writes at a time");
                        out = Some(write);
                    }
                    Output::Lost { key, .. } => drop(unsaved.remove(&key)),
                    Output::Health(_) => {}
                }
            }
            prop_assert!(machine.memory().1 <= config.memory_bytes_max);
            prop_assert!(machine.waiting() <= config.write_queue_max);
            let outstanding = out.as_ref().map(|write| write.key.as_str());
            for key in unsaved.iter().filter(|key| Some(key.as_str()) != outstanding) {
                prop_assert!(machine.held(key).is_some(), "{key} left silently");
            }
        }
    }
}

#[test]
fn what_is_nowhere_any_more_is_told_once() {
    let mut machine = Machine::new(&Config { lost_memory_s: 100, ..small() });
    let segment = |n: u32| format!("0123456789abcdef/720p/e1/s{n}.m4s");
    let stop = HashSet::from(["0123456789abcdef".to_owned()]);
    after(&mut machine, 0, Input::Stop(stop));
    let outputs = after(&mut machine, 0, Input::Whole(object(&segment(0), 10)));
    assert_eq!(outputs, [lost(&segment(0), Loss::Stopped)]);
    let other = "0123456789abcdee/720p/e1/s0.m4s";
    let outputs = after(&mut machine, 0, Input::Whole(object(other, 10)));
    assert!(matches!(&outputs[..], [Output::Write(write)] if write.key == other));
    let playlist = after(&mut machine, 0, Input::Append(object(PLAYLIST, 10)));
    assert_eq!(playlist, [], "the playlist waits for its turn: it is written, stopped or not");
    after(&mut machine, 99, Input::Tick);
    assert!(machine.held(&segment(0)).is_some());
    assert_eq!(machine.take_gone("0123456789abcdef"), Vec::<String>::new());
    after(&mut machine, 101, Input::Tick);
    assert_eq!(machine.take_gone("0123456789abcdee"), Vec::<String>::new());
    assert_eq!(machine.take_gone("0123456789abcdef"), [segment(0)]);
    assert_eq!(machine.take_gone("0123456789abcdef"), Vec::<String>::new());
    after(&mut machine, 101, Input::Stop(HashSet::new()));
    after(&mut machine, 101, Input::Written);
    after(&mut machine, 101, Input::Written);
    let outputs = after(&mut machine, 101, Input::Whole(object(&segment(1), 10)));
    assert!(matches!(&outputs[..], [Output::Write(write)] if write.key == segment(1)));
}

#[test]
fn a_full_spool_costs_the_recording_until_there_is_room() {
    let mut machine = Machine::new(&small());
    let segment = |n: u32| format!("0123456789abcdef/720p/e1/s{n}.m4s");
    after(&mut machine, 0, Input::SpoolFull(true));
    let outputs = after(&mut machine, 0, Input::Whole(object(&segment(0), 10)));
    assert_eq!(outputs, [lost(&segment(0), Loss::SpoolFull)]);
    assert!(machine.held(&segment(0)).is_some(), "live goes on");
    after(&mut machine, 0, Input::SpoolFull(false));
    let outputs = after(&mut machine, 0, Input::Whole(object(&segment(1), 10)));
    assert!(matches!(&outputs[..], [Output::Write(write)] if write.key == segment(1)));
}
