//! The ladder's side towards the child: what it is told, and what its answers change.
//!
//! In: its start, room for a message, its messages. Out: messages for it, staged events. Does not know the process.

use shared_media::{AccessUnit, Staged, Ticks};

use super::{Ladder, Output};
use crate::config::span;
use crate::machine::frame::{FromChild, Job, SOUND, Setup, SoundJob, ToChild};
use crate::machine::plan::Shape;
use crate::machine::renditions::Renditions;
use crate::machine::replay::Cut;

/// Sound must be delivered this far beyond a cut, so that a decoder, resampler and encoder that start there are in
/// full swing where they take over: five AAC frames.
const SOUND_RUN_IN: Ticks = Ticks(5 * 1920);

impl Ladder {
    pub(super) fn started(&mut self, now: u64) {
        if self.life.started(now) {
            self.outputs.push_back(Output::Restarted);
        }
        self.unanswered = 0;
        self.replay.rewind();
        self.preface.clear();
        let Some(setup) = self.setup() else { return };
        let base = self.replay.base();
        let video = base.video.clone().map(ToChild::Picture);
        let sounds = base.sounds.iter().map(|(track, audio)| ToChild::Sound(*track, audio.clone()));
        let known: Vec<ToChild> = video.into_iter().chain(sounds).collect();
        self.preface.push_back(ToChild::Setup(setup));
        self.preface.extend(known);
        self.tell_resting();
    }

    fn setup(&self) -> Option<Setup> {
        let shape = self.shape.as_ref()?;
        let switched = self.replay.base().switched;
        let mut rungs = shape.jobs.clone();
        for (index, job) in rungs.iter_mut().enumerate() {
            job.active |= switched;
            job.resume = self.renditions.delivered(index).map(|pts| pts.0);
        }
        let named = shape.sounds.iter().zip(shape.jobs.len()..).zip((0..=SOUND).rev());
        let encoded = named.filter(|((sound, _), _)| !sound.passes);
        let sounds = encoded.map(|((sound, index), name)| SoundJob {
            index: name,
            track: sound.track.number,
            channels: sound.channels,
            bit_rate: sound.bit_rate,
            grid: self.renditions.last_dts(index).map(|dts| dts.0),
            resume: self.renditions.delivered(index).map(|pts| pts.0),
            slack: span(self.config.audio_slack_ms).0,
            gap_max: span(self.config.audio_gap_ms_max).0,
            lag_max: span(self.config.audio_lag_ms_max).0,
        });
        let late = switched.then(|| span(self.config.cadence_ms));
        Some(Setup {
            sounds: sounds.collect(),
            rungs,
            cadence: shape.cadence.or(late).map(|cadence| cadence.0),
            frame_rate: shape.frame_rate,
            threads: self.config.threads,
            hardware: self.config.hardware,
        })
    }

    pub(super) fn send(&mut self, now: u64) {
        if !self.life.is_up() {
            return;
        }
        if let Some(message) = self.preface.pop_front().or_else(|| self.replay.next()) {
            self.life.sent(now);
            self.unanswered += 1;
            self.outputs.push_back(Output::Send(message));
        }
    }

    pub(super) fn said(&mut self, now: u64, message: FromChild) {
        match message {
            FromChild::Config(index, config) => {
                if let Some(index) = self.plan_index(index) {
                    self.stage_config(index, config);
                }
            }
            FromChild::Unit(index, unit) => self.encoded(now, index, unit),
            FromChild::Switched => {
                if std::mem::take(&mut self.switch_awaited) {
                    self.renditions.broke();
                    self.stage(Staged::Discontinuity);
                }
            }
            FromChild::Spent(spent) => self.measured(&spent),
            FromChild::Fallback(index) => {
                let jobs = self.shape.as_ref().map_or(&[][..], |shape| &shape.jobs);
                let job = jobs.get(usize::from(index));
                self.outputs.extend(job.map(|job| Output::Fallback(job.id.clone())));
            }
            FromChild::Flushed => {
                if self.draining.is_some() {
                    self.drained();
                    self.work();
                }
            }
            FromChild::Progress { refused } => {
                self.unanswered = self.unanswered.saturating_sub(1);
                self.judge_load(now);
                if refused > 0 {
                    self.outputs.push_back(Output::Refused(refused));
                }
            }
        }
        self.life.said(now, self.unanswered > 0);
    }

    fn encoded(&mut self, now: u64, index: u8, unit: AccessUnit) {
        let Some(index) = self.plan_index(index) else { return };
        if !self.renditions.accept(index, &unit) {
            return;
        }
        self.life.bore_fruit();
        self.offer_again(index);
        let pictures = self.shape.as_ref().map_or(0, |shape| shape.jobs.len());
        let arrived = self.replay.arrived_us(unit.pts).filter(|_| index < pictures);
        self.stage_unit(index, unit, arrived.map(|arrived| now.saturating_sub(arrived)));
        if let Some(shape) = &self.shape {
            let (renditions, resting) = (&self.renditions, &self.not_offered);
            let needs =
                |index, job: &Job| (job.active || self.switched) && !resting.contains(&index);
            self.replay.prune(|cut| is_complete(shape, renditions, needs, cut));
        }
    }

    fn plan_index(&self, index: u8) -> Option<usize> {
        let shape = self.shape.as_ref()?;
        let (rungs, sound) = (shape.jobs.len(), usize::from(SOUND - index));
        if sound < shape.sounds.len() {
            return Some(rungs + sound);
        }
        Some(index.into()).filter(|at| *at < rungs)
    }
}

/// Whether everything before a place was delivered in all renditions.
fn is_complete(
    shape: &Shape,
    renditions: &Renditions,
    needs: impl Fn(usize, &Job) -> bool,
    cut: Cut,
) -> bool {
    let reached = |index, point| renditions.delivered(index) >= Some(point);
    let pictures = cut.picture.is_none_or(|point| {
        let mut jobs = shape.jobs.iter().enumerate();
        jobs.all(|(index, job)| !needs(index, job) || reached(index, point))
    });
    let sounds = cut.sound.is_none_or(|point| {
        let mut encoded =
            shape.sounds.iter().zip(shape.jobs.len()..).filter(|(one, _)| !one.passes);
        encoded.all(|(_, index)| reached(index, point + SOUND_RUN_IN))
    });
    pictures && sounds
}
