//! The parent's machine on a virtual clock, with a child that encodes by copying.

use bytes::Bytes;
use proptest::prelude::*;
use shared_media::{Rational, VideoCodec};

use super::*;
use crate::machine::frame::{SOUND, Setup};

mod passing;

const FRAME_RATE: i64 = 25;

/// Ladder, child and clock in one thread.
struct House {
    ladder: Ladder,
    now: u64,
    child: Option<Copier>,
    starts: usize,
    staged: Vec<Staged>,
    finished: bool,
    gave_up: usize,
    left_out: usize,
    fallbacks: Vec<String>,
}

/// Answers each picture with one unit per active rung and each sound with a unit on the grid.
struct Copier {
    setup: Option<Setup>,
    configured: Vec<u8>,
    switch: Option<Ticks>,
    resting: usize,
}

impl Copier {
    fn answer(&mut self, message: ToChild) -> Vec<FromChild> {
        let mut said = Vec::new();
        match message {
            ToChild::Setup(setup) => self.setup = Some(setup),
            ToChild::Picture(_) | ToChild::Sound(..) => {}
            ToChild::Rest(rungs) => self.resting = rungs.into(),
            ToChild::Unit(track, unit) => self.copy(track.kind(), &unit, &mut said),
            ToChild::Switch { after, .. } => self.switch = Some(after),
            ToChild::Flush => said.push(FromChild::Flushed),
        }
        said.push(FromChild::Progress { refused: 0 });
        said
    }

    fn copy(&mut self, kind: TrackKind, unit: &AccessUnit, said: &mut Vec<FromChild>) {
        if kind == TrackKind::Audio {
            return self.say(SOUND, unit, said);
        }
        if self.switch.take_if(|after| unit.pts > *after).is_some() {
            said.push(FromChild::Switched);
            self.setup.as_mut().unwrap().rungs[0].active = true;
        }
        let rungs = self.setup.clone().unwrap().rungs;
        let resting = 1..=self.resting;
        let rests = |index: usize| resting.contains(&index);
        for (index, job) in rungs.iter().enumerate().filter(|(at, job)| job.active && !rests(*at)) {
            if job.resume.is_none_or(|resume| unit.pts.0 > resume) {
                self.say(u8::try_from(index).unwrap(), unit, said);
            }
        }
    }

    fn say(&mut self, index: u8, unit: &AccessUnit, said: &mut Vec<FromChild>) {
        if !self.configured.contains(&index) {
            self.configured.push(index);
            let form = match index {
                SOUND => TrackConfig::Audio(crate::machine::passing::plain()),
                _ => TrackConfig::Video(video(index.into())),
            };
            said.push(FromChild::Config(index, form));
        }
        said.push(FromChild::Unit(index, unit.clone()));
    }
}

impl House {
    fn new(config: &Config) -> Self {
        Self {
            ladder: Ladder::new(config),
            now: 0,
            child: None,
            starts: 0,
            staged: Vec::new(),
            finished: false,
            gave_up: 0,
            left_out: 0,
            fallbacks: Vec::new(),
        }
    }

    fn handle(&mut self, input: Input) {
        self.ladder.handle(self.now, input);
        while let Poll::Output(output) = self.ladder.poll() {
            match output {
                Output::Stage { event, .. } => self.staged.push(event),
                Output::Start => {
                    self.starts += 1;
                    self.child =
                        Some(Copier { setup: None, configured: vec![], switch: None, resting: 0 });
                    self.ladder.handle(self.now, Input::Started);
                }
                Output::Kill => self.kill(),
                Output::Send(message) => {
                    for said in self.child.as_mut().unwrap().answer(message) {
                        self.ladder.handle(self.now, Input::Said(said));
                    }
                }
                Output::GaveUp => self.gave_up += 1,
                Output::Fallback(rendition) => self.fallbacks.push(rendition.to_string()),
                Output::Finish => self.finished = true,
                Output::Admit(_) => self.ladder.handle(self.now, Input::Admitted(self.left_out)),
                Output::Restarted | Output::Refused(_) | Output::Measured { .. } => {}
            }
        }
    }

    fn kill(&mut self) {
        if self.child.take().is_some() {
            self.handle(Input::Died);
        }
    }

    /// Lets the child work, if there is one.
    fn work(&mut self) {
        while self.child.is_some() && self.ladder.wants_room() {
            self.handle(Input::Room);
        }
    }

    fn feed(&mut self, event: Publication) {
        assert!(self.ladder.wants_input());
        self.handle(Input::Publication(event));
    }

    fn wait(&mut self) {
        if let Some(deadline) = self.ladder.deadline() {
            self.now = self.now.max(deadline);
            self.handle(Input::Time);
        }
    }

    fn pictures(&self, id: &str) -> Vec<i64> {
        let units = self.staged.iter().filter_map(|event| match event {
            Staged::Unit(of, unit) if of.as_str() == id => Some(unit.pts.0 / tick()),
            _ => None,
        });
        units.collect()
    }

    fn breaks(&self) -> usize {
        self.staged.iter().filter(|event| **event == Staged::Discontinuity).count()
    }
}

fn video(width: u32) -> VideoConfig {
    let frame_rate = Some(Rational { num: 25, den: 1 });
    VideoConfig {
        codec: VideoCodec::Avc,
        record: Bytes::new(),
        width,
        height: 360,
        frame_rate,
        hdr: None,
    }
}

fn tick() -> i64 {
    shared_media::TICKS_PER_SECOND / FRAME_RATE
}

fn picture(number: i64, gop: i64) -> Publication {
    let pts = Ticks(number * tick());
    let data = Bytes::from_static(b"picture");
    let keyframe = number % gop == 0;
    Publication::Unit(TrackId::Video, AccessUnit { pts, dts: pts, keyframe, data })
}

fn config(width: u32) -> Publication {
    Publication::Picture(video(width))
}

#[test]
fn the_backlog_goes_out_at_once_and_the_end_comes_last() {
    let mut house = House::new(&Config::default());
    house.feed(config(640));
    for number in 0..25 {
        house.feed(picture(number, 25));
        assert!(house.staged.is_empty());
    }
    house.feed(picture(25, 25));
    assert_eq!(house.pictures("source").len(), 26);
    house.work();
    assert_eq!(house.pictures("160p").len(), 26);
    house.feed(Publication::End);
    assert!(!house.finished);
    house.work();
    assert!(house.finished);
    assert_eq!(house.staged.last(), Some(&Staged::End));
    assert!(matches!(house.staged[0], Staged::Plan(_)));
}

#[test]
fn a_fallback_is_named_by_its_rung_and_a_strange_one_by_nothing() {
    let mut house = House::new(&Config::default());
    house.handle(Input::Said(FromChild::Fallback(1)));
    assert!(house.fallbacks.is_empty(), "no rungs yet");
    house.feed(config(640));
    (0..26).for_each(|number| house.feed(picture(number, 25)));
    for index in [1, 9, SOUND] {
        house.handle(Input::Said(FromChild::Fallback(index)));
    }
    assert_eq!(house.fallbacks, ["160p"]);
}

#[test]
fn nothing_at_all_ends_too() {
    let mut house = House::new(&Config::default());
    house.feed(Publication::End);
    assert!(house.finished);
    assert_eq!(house.staged, [Staged::End]);
}

#[test]
fn a_hang_is_noticed_while_input_flows() {
    let mut house = House::new(&Config::default());
    house.feed(config(640));
    (0..60).for_each(|number| house.feed(picture(number, 25)));
    house.handle(Input::Room); // The copier answers this one at once.
    house.ladder.life.sent(house.now); // This one gets no answer.
    house.wait();
    assert_eq!((house.starts, house.now), (2, 3_000_000));
    house.work();
    assert_eq!(house.pictures("160p").len(), 60);
}

#[test]
fn a_child_that_cannot_keep_up_rests_rungs_from_the_top_and_wakes_them_later() {
    let rung = |height| crate::config::RungSpec { height, bit_rate: 1, codec: VideoCodec::Avc };
    let rungs = vec![rung(160), rung(240)];
    let limits = Config { rungs, overload_calm_ms: 2_000, ..Config::default() };
    let mut house = House::new(&limits);
    house.feed(config(640));
    for number in 0..260 {
        house.now += 40_000;
        house.feed(picture(number, 25));
        if number % 2 == 0 && house.child.is_some() && house.ladder.wants_room() {
            house.handle(Input::Room); // it works at half the speed of life
        }
    }
    for number in 260..800 {
        house.now += 40_000;
        house.feed(picture(number, 25));
        house.work();
    }
    let offers: Vec<(String, bool)> = house
        .staged
        .iter()
        .filter_map(|event| match event {
            Staged::Offer(id, is_offered) => Some((id.to_string(), *is_offered)),
            _ => None,
        })
        .collect();
    let said = |id: &str, is_offered| (id.to_owned(), is_offered);
    let expected =
        [said("240p", false), said("160p", false), said("160p", true), said("240p", true)];
    assert_eq!(offers, expected);
    assert_eq!(house.pictures("source"), (0..800).collect::<Vec<_>>());
    let rung = house.pictures("240p");
    assert!(rung.len() < 700 && rung.last() == Some(&799), "{}", rung.len());
    assert_eq!((house.breaks(), house.gave_up, house.ladder.unsent()), (0, 0, 0));
    house.kill();
    house.wait();
    house.feed(picture(800, 25));
    house.work();
    assert_eq!(house.pictures("240p").last(), Some(&800), "the next child knows");
}

#[test]
fn rungs_that_do_not_fit_are_not_planned() {
    let mut house = House::new(&Config::default());
    house.left_out = 1;
    house.feed(config(640));
    (0..30).for_each(|number| house.feed(picture(number, 25)));
    house.work();
    let Staged::Plan(plan) = &house.staged[0] else { panic!("the plan comes first") };
    assert_eq!(plan.rungs.len(), 1);
    assert_eq!(house.pictures("source").len(), 30);
}

#[test]
fn what_kills_every_child_is_given_up_and_the_next_keyframe_begins_anew() {
    let mut house = House::new(&Config::default());
    house.feed(config(640));
    (0..30).for_each(|number| house.feed(picture(number, 25)));
    house.work();
    house.feed(picture(30, 25));
    for _ in 0..4 {
        house.kill();
        house.wait();
    }
    assert_eq!(house.gave_up, 1);
    (31..80).for_each(|number| house.feed(picture(number, 25)));
    house.wait();
    house.work();
    assert_eq!(house.pictures("source"), (0..80).collect::<Vec<_>>());
    assert_eq!(house.pictures("160p"), (0..30).chain(50..80).collect::<Vec<_>>());
    assert_eq!(house.breaks(), 1);
    let at = |event: &Staged| house.staged.iter().position(|staged| staged == event).unwrap();
    let Publication::Unit(_, key) = picture(50, 25) else { unreachable!() };
    let source = shared_media::RenditionId::new("source").unwrap();
    assert_eq!(at(&Staged::Discontinuity) + 1, at(&Staged::Unit(source, key)));
}

#[test]
fn a_child_too_slow_is_given_up_and_the_source_never_waits() {
    let limits = Config { replay_media_ms_max: 3_000, ..Config::default() };
    let mut house = House::new(&limits);
    house.feed(config(640));
    (0..100).for_each(|number| house.feed(picture(number, 25)));
    assert_eq!(house.pictures("source").len(), 100);
    assert_eq!(house.gave_up, 1);
    house.feed(Publication::End);
    house.work();
    assert!(house.finished);
}

#[test]
fn a_configuration_before_any_picture_breaks_nothing() {
    let mut house = House::new(&Config::default());
    house.feed(config(320));
    house.feed(config(640));
    (0..30).for_each(|number| house.feed(picture(number, 25)));
    house.work();
    assert_eq!(house.breaks(), 0);
    assert_eq!(house.pictures("160p").len(), 30);
}

#[test]
fn other_pictures_break_even_if_nobody_says_so() {
    let mut house = House::new(&Config::default());
    house.feed(config(640));
    (0..30).for_each(|number| house.feed(picture(number, 25)));
    house.work();
    house.feed(config(640));
    assert_eq!(house.breaks(), 0, "the same again");
    house.feed(config(320));
    assert!(!house.ladder.wants_input());
    house.work();
    assert_eq!(house.breaks(), 1);
    (50..60).for_each(|number| house.feed(picture(number, 25)));
    house.work();
    assert_eq!(house.pictures("160p"), (0..30).chain(50..60).collect::<Vec<_>>());
    assert_eq!(house.pictures("source"), house.pictures("160p"));
}

proptest! {
    /// Whenever a child dies, each rung has each picture once, in order, without a break.
    #[test]
    fn no_death_loses_a_picture(
        steps in proptest::collection::vec((0u8..8, 0usize..40), 100..300),
        gop in 5i64..49,
    ) {
        let mut house = House::new(&Config {
            fruitless_deaths_max: u32::MAX, replay_media_ms_max: 60_000, ..Config::default()
        });
        house.feed(config(640));
        for (number, (fate, room)) in steps.iter().enumerate() {
            house.feed(picture(i64::try_from(number).unwrap(), gop));
            if *fate == 0 {
                house.kill();
                house.wait();
            }
            for _ in 0..*room {
                if house.child.is_some() && house.ladder.wants_room() {
                    house.handle(Input::Room);
                }
            }
        }
        house.feed(Publication::End);
        while !house.finished {
            house.wait();
            house.work();
        }
        let all: Vec<i64> = (0..i64::try_from(steps.len()).unwrap()).collect();
        prop_assert_eq!(house.pictures("source"), &all[..]);
        prop_assert_eq!(house.pictures("160p"), &all[..]);
        prop_assert_eq!(house.breaks(), 0);
    }

    /// A GOP that outgrows the playlist breaks once, whatever happens to the child.
    #[test]
    fn an_outgrown_gop_breaks_once(deaths in proptest::collection::vec(0u8..20, 250)) {
        let mut house = House::new(&Config {
            fruitless_deaths_max: u32::MAX, replay_media_ms_max: 60_000, ..Config::default()
        });
        house.feed(config(640));
        for (number, fate) in deaths.iter().enumerate() {
            let number = i64::try_from(number).unwrap();
            let gop = if number <= 50 { 25 } else { 1000 };
            house.feed(picture(number, gop));
            if *fate == 0 {
                house.kill();
                house.wait();
            }
            if *fate > 10 {
                house.work();
            }
        }
        house.feed(Publication::End);
        while !house.finished {
            house.wait();
            house.work();
        }
        let all: Vec<i64> = (0..250).collect();
        prop_assert_eq!(house.pictures("source"), &all[..]);
        prop_assert_eq!(house.pictures("160p"), &all[..]);
        prop_assert_eq!(house.breaks(), 1);
    }
}
