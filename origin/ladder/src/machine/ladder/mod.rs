//! The parent's whole logic: passes the source on, keeps the child fed, and stages what comes out in order.
//!
//! In: publication events, the child's messages, its life and death, the time. Out: staged events, messages for the
//! child, the wish to start or kill it. Does not know processes, channels, or FFmpeg.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use shared_media::{
    AccessUnit, AudioConfig, Poll, Publication, RenditionId, Staged, Ticks, TrackConfig, TrackId,
    TrackKind, VideoConfig,
};

use crate::config::{Config, span};
use crate::machine::capacity::{Demand, Kind};
use crate::machine::frame::{FromChild, ToChild};
use crate::machine::hints::seconds_span;
use crate::machine::life::{Act, Life};
use crate::machine::overload::Overload;
use crate::machine::passing::Passing;
use crate::machine::plan::{Shape, SoundShape, decide};
use crate::machine::probe::{Arrived, Probe};
use crate::machine::renditions::Renditions;
use crate::machine::replay::Replay;
use crate::machine::source::{Source, Verdict};

mod child;

mod load;

mod passing;

mod staging;

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    Publication(Publication),
    /// The child runs.
    Started,
    /// The child is gone.
    Died,
    Said(FromChild),
    /// One message can go to the child.
    Room,
    /// The show may begin, without so many of its highest rungs.
    Admitted(usize),
    /// The deadline has passed.
    Time,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Hand on. The delay is how long its picture took from arrival, in microseconds, where one is known.
    Stage {
        event: Staged,
        delay_us: Option<u64>,
    },
    /// Send to the child, using up the room.
    Send(ToChild),
    Start,
    Kill,
    /// The show asks this of the machine; `Admitted` is awaited.
    Admit(Demand),
    /// So many pixels took so much processor time, in microseconds.
    Measured {
        rendition: RenditionId,
        kind: Kind,
        pixels: u64,
        cpu_us: u64,
    },
    /// This rung's encoder in hardware could not be opened.
    Fallback(RenditionId),
    /// The child that just started replaces a dead one.
    Restarted,
    /// Unfinished media was given up: the rungs have a gap.
    GaveUp,
    /// So many units were dropped, by us or by a decoder.
    Refused(u32),
    /// Close the child's input and end.
    Finish,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drain {
    Break,
    End,
}

/// One show's ladder.
#[derive(Debug)]
pub(crate) struct Ladder {
    config: Config,
    probe: Option<Probe>,
    shape: Option<Shape>,
    /// The shape that the machine may not have room for.
    asked: Option<Shape>,
    /// Arrived, but not worked on: the rest of the hold, and what waits for a drain.
    pending: VecDeque<Arrived>,
    draining: Option<Drain>,
    over: bool,
    video: Option<VideoConfig>,
    /// Of each of the publisher's sounds that is a rendition.
    sounds: BTreeMap<u8, AudioConfig>,
    source: Source,
    /// The source is encoded since its GOP outgrew the playlist; until the child says so the break is awaited.
    switched: bool,
    switch_awaited: bool,
    /// The child's work was given up; the next keyframe begins anew.
    lost: bool,
    renditions: Renditions,
    /// The sounds that are not encoded, by their place among the sounds.
    passing: BTreeMap<usize, Passing>,
    replay: Replay,
    life: Life,
    overload: Overload,
    /// So many of the rungs below the first rest.
    resting: usize,
    /// Those that rest, or have not delivered since.
    not_offered: BTreeSet<usize>,
    preface: VecDeque<ToChild>,
    unanswered: usize,
    outputs: VecDeque<Output>,
}

impl Ladder {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            config: config.clone(),
            probe: Some(Probe::new(config)),
            shape: None,
            asked: None,
            pending: VecDeque::new(),
            draining: None,
            over: false,
            video: None,
            sounds: BTreeMap::new(),
            source: Source::new(Ticks(i64::MAX)),
            switched: false,
            switch_awaited: false,
            lost: false,
            renditions: Renditions::default(),
            passing: BTreeMap::new(),
            replay: Replay::new(config),
            life: Life::new(config),
            overload: Overload::new(config),
            resting: 0,
            not_offered: BTreeSet::new(),
            preface: VecDeque::new(),
            unanswered: 0,
            outputs: VecDeque::new(),
        }
    }

    /// The ladder of a show that an earlier process had on air, with the renditions it had.
    pub(crate) fn resume(config: &Config, shape: Shape) -> Self {
        let mut ladder = Self::new(config);
        ladder.probe = None;
        // It was let in before: whatever the answer is, it goes on.
        ladder.outputs.push_back(Output::Admit(shape.demand()));
        ladder.begin(shape);
        ladder
    }

    /// Takes what happened at this moment, in microseconds of the monotonic clock.
    pub(crate) fn handle(&mut self, now: u64, input: Input) {
        match input {
            Input::Publication(event) => self.publication(now, event),
            Input::Started => self.started(now),
            Input::Died => {
                self.life.died(now);
                self.overload.interrupted();
                if self.life.fruitless_deaths() >= self.config.fruitless_deaths_max {
                    self.give_up();
                }
            }
            Input::Said(message) if self.life.is_up() => self.said(now, message),
            Input::Room => self.send(now),
            Input::Admitted(left_out) => {
                if let Some(shape) = self.asked.take() {
                    self.begin(shape.without_highest(left_out));
                    self.work();
                }
            }
            Input::Said(_) | Input::Time => {}
        }
        if !self.over
            && let Some(act) = self.life.due(now, self.wants_child())
        {
            self.outputs.push_back(if act == Act::Start { Output::Start } else { Output::Kill });
        }
    }

    pub(crate) fn poll(&mut self) -> Poll<Output> {
        self.outputs.pop_front().map_or(Poll::Wait, Poll::Output)
    }

    /// When `handle` must be called again at the latest, in microseconds of the monotonic clock.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.life.deadline(self.wants_child())
    }

    /// Whether the next publication event may come.
    pub(crate) fn wants_input(&self) -> bool {
        self.draining.is_none() && !self.over
    }

    /// Whether there is a message for the child.
    pub(crate) fn wants_room(&self) -> bool {
        self.life.is_up() && (!self.preface.is_empty() || self.replay.has_next())
    }

    /// Steps that wait for the child.
    pub(crate) fn unsent(&self) -> usize {
        self.replay.unsent()
    }

    fn publication(&mut self, now: u64, event: Publication) {
        let Some(probe) = &mut self.probe else {
            self.pending.push_back((now, event));
            return self.work();
        };
        let ended = event == Publication::End;
        probe.take(now, event);
        if !(ended || probe.is_done(now)) {
            return;
        }
        let seen = self.probe.take().and_then(Probe::finish);
        if let Some((seen, events)) = seen {
            let shape = decide(&self.config, &seen);
            self.outputs.push_back(Output::Admit(shape.demand()));
            self.asked = Some(shape);
            self.pending.extend(events);
        }
        if ended {
            self.pending.push_back((now, Publication::End));
        }
        self.work();
    }

    fn begin(&mut self, shape: Shape) {
        if shape.passed.is_some() {
            let target = seconds_span(shape.plan.target_duration_s);
            self.source = Source::new(target + span(self.config.gop_slack_ms));
        }
        let ids = shape.plan.rungs.iter().map(|rung| rung.rendition.id.clone());
        self.renditions = Renditions::new(ids);
        self.stage(Staged::Plan(shape.plan.clone()));
        self.shape = Some(shape);
        self.begin_passing();
    }

    fn work(&mut self) {
        while self.draining.is_none()
            && self.asked.is_none()
            && let Some((arrived, event)) = self.pending.pop_front()
        {
            match event {
                Publication::Picture(video) => self.picture_form(arrived, video),
                Publication::Sound(track, audio) => self.sound_form(arrived, track.number, audio),
                Publication::Sounds(_) | Publication::Rates(_) => {}
                Publication::Unit(TrackId::Video, unit) => self.picture(arrived, unit),
                Publication::Unit(TrackId::Audio(track), unit) => self.sound(arrived, track, unit),
                Publication::Discontinuity => {
                    self.video = None;
                    self.sounds.clear();
                    self.source.interrupted();
                    self.drain(arrived, Drain::Break);
                }
                Publication::End => self.drain(arrived, Drain::End),
            }
        }
    }

    fn picture_form(&mut self, arrived: u64, video: VideoConfig) {
        if !self.has_video() {
            return;
        }
        match self.video.replace(video.clone()) {
            Some(before) if same_pictures(&before, &video) => return,
            Some(_) if self.source.is_running() => {
                // Pictures of another form cannot join the ones before: the same as a publisher's return.
                self.video = None;
                self.source.interrupted();
                self.pending.push_front((arrived, Publication::Picture(video)));
                return self.drain(arrived, Drain::Break);
            }
            _ => {}
        }
        if self.passes() {
            self.stage_config(0, TrackConfig::Video(video.clone()));
        }
        self.keep(arrived, ToChild::Picture(video));
    }

    fn sound_form(&mut self, arrived: u64, track: u8, audio: AudioConfig) {
        if self.hears(track) && self.sounds.get(&track) != Some(&audio) {
            self.sounds.insert(track, audio.clone());
            self.form_passing(track, &audio);
            if self.encodes(track) {
                self.keep(arrived, ToChild::Sound(track, audio));
            }
        }
    }

    fn picture(&mut self, arrived: u64, unit: AccessUnit) {
        if self.video.is_none() {
            return self.outputs.push_back(Output::Refused(1));
        }
        match self.source.take(&unit) {
            Verdict::Pass => {}
            Verdict::Drop => return self.outputs.push_back(Output::Refused(1)),
            Verdict::Outgrown(after) => {
                self.source.outgrew();
                self.source.take(&unit);
                (self.switched, self.switch_awaited) = (true, true);
                let cadence = span(self.config.cadence_ms);
                self.keep(arrived, ToChild::Switch { after, cadence });
            }
        }
        if self.lost && unit.keyframe {
            self.recover();
        }
        if self.passes() && self.renditions.accept(0, &unit) {
            self.stage_unit(0, unit.clone(), None);
        }
        self.accompany(unit.pts);
        self.keep(arrived, ToChild::Unit(TrackId::Video, unit));
    }

    fn sound(&mut self, arrived: u64, track: u8, unit: AccessUnit) {
        if !self.sounds.contains_key(&track) {
            return self.outputs.push_back(Output::Refused(1));
        }
        if self.lost && self.leading() == TrackKind::Audio {
            self.recover();
        }
        self.pass_sound(track, &unit);
        if self.encodes(track) {
            self.keep(arrived, ToChild::Unit(TrackId::Audio(track), unit));
        }
    }

    /// Keeps a step for the child. While its work is lost, only what configures it is kept.
    fn keep(&mut self, arrived: u64, step: ToChild) {
        if self.lost && matches!(step, ToChild::Unit(..)) {
            return;
        }
        let begins = matches!(&step, ToChild::Unit(TrackId::Video, unit) if unit.keyframe);
        if begins && !self.needs_child() {
            // Only what a child would begin with that is needed later.
            self.replay.clear();
        }
        self.replay.push(arrived, self.leading(), step);
        if self.lost {
            self.replay.clear();
        } else if self.replay.is_overfull() {
            self.give_up();
        }
    }

    fn drain(&mut self, arrived: u64, drain: Drain) {
        self.draining = Some(drain);
        if self.lost || !self.wants_child() {
            self.drained();
        } else {
            self.replay.push(arrived, self.leading(), ToChild::Flush);
        }
    }

    fn drained(&mut self) {
        self.replay.clear();
        self.passing.values_mut().for_each(Passing::finish);
        match self.draining.take() {
            Some(Drain::Break) => self.stage_break(),
            Some(Drain::End) => {
                self.over = true;
                self.stage(Staged::End);
                self.outputs.push_back(Output::Finish);
            }
            None => {}
        }
    }

    fn give_up(&mut self) {
        self.outputs.extend([Output::GaveUp]);
        self.outputs.extend(self.life.kill().map(|_| Output::Kill));
        self.life.forgive();
        self.replay.clear();
        self.lost = true;
        if self.draining.is_some() {
            self.drained();
            self.work();
        }
    }

    /// A keyframe: the child can begin anew. Renditions that were staged since the last break have a gap now.
    fn recover(&mut self) {
        self.lost = false;
        let passed = usize::from(self.passes());
        let (jobs, all) =
            self.shape.as_ref().map_or((0, 0), |shape| (shape.jobs.len(), shape.plan.rungs.len()));
        let mut encoded = (passed..all)
            .filter(|at| at.checked_sub(jobs).is_none_or(|at| !self.passing.contains_key(&at)));
        if self.switch_awaited || encoded.any(|at| self.renditions.delivered(at).is_some()) {
            self.stage_break();
        }
    }

    fn has_video(&self) -> bool {
        self.shape.as_ref().is_some_and(|shape| !shape.jobs.is_empty())
    }

    /// Whether the source itself is a rendition; it is the first one then.
    fn passes(&self) -> bool {
        !self.switched && self.shape.as_ref().is_some_and(|shape| shape.passed.is_some())
    }

    /// Whether anything is encoded.
    fn needs_child(&self) -> bool {
        self.shape.as_ref().is_some_and(|shape| {
            let encodes = shape.jobs.iter().any(|job| job.active || self.switched);
            encodes || shape.sounds.iter().any(|sound| !sound.passes)
        })
    }

    /// Whether there is work for a child.
    fn wants_child(&self) -> bool {
        self.needs_child() && !self.replay.is_empty()
    }

    /// Whether a rendition of this sound is encoded.
    fn encodes(&self, track: u8) -> bool {
        let is_it = |sound: &SoundShape| sound.track.number == track && !sound.passes;
        self.shape.as_ref().is_some_and(|shape| shape.sounds.iter().any(is_it))
    }

    /// Whether a rendition is made of this sound.
    fn hears(&self, track: u8) -> bool {
        let is_it = |sound: &SoundShape| sound.track.number == track;
        self.shape.as_ref().is_some_and(|shape| shape.sounds.iter().any(is_it))
    }

    /// The kind of track a child can begin at.
    const fn leading(&self) -> TrackKind {
        if self.video.is_some() { TrackKind::Video } else { TrackKind::Audio }
    }
}

/// Whether pictures of one configuration can join those of the other. A frame rate that metadata states later on
/// changes nothing in them.
fn same_pictures(one: &VideoConfig, other: &VideoConfig) -> bool {
    (one.codec, &one.record, one.width, one.height)
        == (other.codec, &other.record, other.width, other.height)
}

#[cfg(test)]
mod tests;
