//! Sounds that pass: what the publisher sends is what viewers get.
//!
//! In: the publisher's sounds, and how far the pictures have come. Out: staged events. Does not know the child.

use shared_media::{AccessUnit, AudioConfig, Ticks, TrackConfig};

use super::{Ladder, Output};
use crate::machine::passing::{Passing, passes, plain};

impl Ladder {
    /// Sets up the way of each sound that passes.
    pub(super) fn begin_passing(&mut self) {
        let sounds = self.shape.as_ref().map_or(&[][..], |shape| &shape.sounds);
        let passing = sounds.iter().enumerate().filter(|(_, sound)| sound.passes);
        self.passing = passing.map(|(at, _)| (at, Passing::new(&self.config))).collect();
    }

    /// The sounds that pass, of this track.
    fn passing_of(&self, track: u8) -> Vec<usize> {
        let sounds = self.shape.as_ref().map_or(&[][..], |shape| &shape.sounds);
        let is_of_it = |at: &usize| sounds.get(*at).is_some_and(|one| one.track.number == track);
        self.passing.keys().copied().filter(is_of_it).collect()
    }

    /// A sound takes this form: it passes on, or from now on it is encoded like others.
    pub(super) fn form_passing(&mut self, track: u8, audio: &AudioConfig) {
        let of_it = self.passing_of(track);
        if of_it.is_empty() {
            return;
        }
        if passes(audio) {
            for at in of_it {
                self.stage_config(self.sound_index(at), TrackConfig::Audio(plain()));
            }
            return;
        }
        for at in of_it {
            self.passing.remove(&at);
            if let Some(sound) = self.shape.as_mut().and_then(|shape| shape.sounds.get_mut(at)) {
                sound.passes = false;
            }
        }
        // A child that runs does not know of them; the next one does.
        self.outputs.extend(self.life.kill().map(|_| Output::Kill));
    }

    pub(super) fn pass_sound(&mut self, track: u8, unit: &AccessUnit) {
        for at in self.passing_of(track) {
            let mut out = Vec::new();
            let passed = self.passing.get_mut(&at).map(|one| one.take(unit.clone(), &mut out));
            if passed == Some(false) {
                self.outputs.push_back(Output::Refused(1));
            }
            self.stage_passed(at, out);
        }
    }

    /// Pictures have come this far.
    pub(super) fn accompany(&mut self, shown: Ticks) {
        let mut silence: Vec<(usize, Vec<AccessUnit>)> = Vec::new();
        for (at, passing) in &mut self.passing {
            let mut out = Vec::new();
            passing.follow(shown, &mut out);
            silence.push((*at, out));
        }
        for (at, out) in silence {
            if !out.is_empty() {
                // Nothing may have said what it is, where no sound came at all.
                self.stage_config(self.sound_index(at), TrackConfig::Audio(plain()));
                self.stage_passed(at, out);
            }
        }
    }

    fn stage_passed(&mut self, at: usize, units: Vec<AccessUnit>) {
        let index = self.sound_index(at);
        for unit in units {
            if self.renditions.accept(index, &unit) {
                self.stage_unit(index, unit, None);
            }
        }
    }

    /// The place of a sound among all renditions.
    fn sound_index(&self, at: usize) -> usize {
        self.shape.as_ref().map_or(0, |shape| shape.jobs.len()) + at
    }
}
