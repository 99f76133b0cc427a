//! What a publisher that stands by has sent: enough to go on air in the middle of a GOP without a gap.
//!
//! In: what it sends, and when. Out: the same again, from its last keyframe on, once it goes on air. Does not know who
//! is on air.
//!
//! It keeps an intake of its own, whose publications nobody gets: that one knows a keyframe in every codec.

use std::collections::VecDeque;
use std::sync::Arc;

use shared_media::{Now, Poll, Publication, TrackId, TrackKind};

use super::arrival::Held;
use super::intake::{Input, Intake, Output};
use crate::{Config, Refusal};

/// Of how many tracks it is kept how they are decoded, and of the whole.
const PREFACE_MAX: usize = 16;

/// A publisher that stands by.
#[derive(Debug)]
pub struct Standby {
    config: Arc<Config>,
    intake: Intake,
    /// What says how to decode, the newest of each track.
    preface: Vec<(Now, Input)>,
    /// What it sent since its last keyframe; nothing if there was none.
    held: VecDeque<(Now, Input)>,
    held_bytes: usize,
    has_video: bool,
}

impl Standby {
    /// Nothing has come yet.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            intake: Intake::new(Arc::clone(&config), None),
            config,
            preface: Vec::new(),
            held: VecDeque::new(),
            held_bytes: 0,
            has_video: false,
        }
    }

    /// Takes in what it sent. Why it must go, if it must.
    pub fn take(&mut self, now: Now, input: Input) -> Option<Refusal> {
        self.intake.handle(now, input.clone());
        let mut begins = false;
        let mut refusal = None;
        while let Poll::Output(output) = self.intake.poll() {
            match output {
                Output::Publish(Publication::Unit(TrackId::Video, unit)) => {
                    self.has_video = true;
                    begins |= unit.keyframe;
                }
                Output::Publish(Publication::Unit(TrackId::Audio(_), _)) => {
                    begins |= !self.has_video;
                }
                Output::Refuse(why) => refusal = Some(why),
                Output::Publish(_) | Output::Splice(_) | Output::Dropped(_) => {}
            }
        }
        self.keep(now, input, begins);
        refusal
    }

    /// Whether it could go on air now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.held.is_empty()
    }

    /// It goes on air: what it sent, in order, for the intake of its show.
    pub fn go_on_air(&mut self) -> Vec<(Now, Input)> {
        self.held_bytes = 0;
        self.preface.iter().cloned().chain(self.held.drain(..)).collect()
    }

    /// It is on air and sends this. Should it stand by again, it will not say again how to decode what follows.
    pub fn overhear(&mut self, now: Now, input: &Input) {
        if is_preface(input) {
            // Its show's own intake says what is wrong with it.
            let _ = self.take(now, input.clone());
        }
    }

    fn keep(&mut self, now: Now, input: Input, begins: bool) {
        if is_preface(&input) {
            // Behind a keyframe it would be out of its place: what follows waits for the next one.
            self.clear();
            // In the place of what it replaces: the first track told of is the one that is taken.
            let same = |(_, kept): &&mut (Now, Input)| of_what(kept) == of_what(&input);
            if let Some(kept) = self.preface.iter_mut().find(same) {
                *kept = (now, input);
            } else if self.preface.len() < PREFACE_MAX {
                self.preface.push((now, input));
            }
            return;
        }
        if begins {
            self.clear();
        } else if self.held.is_empty() {
            return;
        }
        self.held_bytes += bytes(&input);
        self.held.push_back((now, input));
        let config = &self.config;
        if self.held.len() > config.standby_units_max || self.held_bytes > config.standby_bytes_max
        {
            self.clear();
        }
    }

    fn clear(&mut self) {
        self.held.clear();
        self.held_bytes = 0;
    }
}

/// Which track's configuration it is, or that it is no track's.
const fn of_what(input: &Input) -> Option<(TrackKind, u8)> {
    match input {
        Input::Video(arrival) => Some((TrackKind::Video, arrival.track)),
        Input::Audio(arrival) => Some((TrackKind::Audio, arrival.track)),
        Input::Metadata(_) | Input::Splice(_) | Input::Interrupt => None,
    }
}

const fn is_preface(input: &Input) -> bool {
    match input {
        Input::Video(arrival) => matches!(arrival.held, Held::Config(..)),
        Input::Audio(arrival) => matches!(arrival.held, Held::Config(..)),
        Input::Metadata(_) => true,
        Input::Splice(_) | Input::Interrupt => false,
    }
}

const fn bytes(input: &Input) -> usize {
    match input {
        Input::Video(arrival) => unit_bytes(&arrival.held),
        Input::Audio(arrival) => unit_bytes(&arrival.held),
        Input::Splice(cue) => cue.section.len(),
        Input::Metadata(_) | Input::Interrupt => 0,
    }
}

const fn unit_bytes<C>(held: &Held<C>) -> usize {
    match held {
        Held::Unit { data, .. } => data.len(),
        Held::Config(..) | Held::Malformed | Held::Foreign(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use shared_media::AudioCodec;

    use super::super::arrival::{Arrival, Stamp};
    use super::*;

    const fn sound(at: u32, held: Held<AudioCodec>) -> Input {
        Input::Audio(Arrival { track: 0, at: Stamp::Millis(at), held })
    }

    fn frame(at: u32) -> Input {
        let data = Bytes::from_static(&[1; 100]);
        sound(at, Held::Unit { codec: AudioCodec::Aac, composition: shared_media::Ticks(0), data })
    }

    fn now(ms: u32) -> Now {
        Now { monotonic_us: u64::from(ms) * 1000, utc_us: i64::from(ms) * 1000 }
    }

    #[test]
    fn of_several_tracks_the_first_stays_the_first() {
        let mut standby = Standby::new(Arc::new(Config::default()));
        let config = |track, record: &'static [u8]| {
            let held = Held::Config(AudioCodec::Aac, Bytes::from_static(record));
            Input::Audio(Arrival { track, at: Stamp::Millis(0), held })
        };
        standby.overhear(now(0), &config(0, &[0x11, 0x90]));
        for track in 1..40 {
            standby.overhear(now(0), &config(track, &[0x12, 0x10]));
        }
        let newer = config(0, &[0x12, 0x10]);
        standby.overhear(now(1), &newer);
        let said = standby.go_on_air();
        assert_eq!((said.len(), &said[0]), (PREFACE_MAX, &(now(1), newer)));
    }

    #[test]
    fn it_goes_on_air_more_than_once_and_says_each_time_how_to_decode() {
        let mut standby = Standby::new(Arc::new(Config::default()));
        let config = sound(0, Held::Config(AudioCodec::Aac, Bytes::from_static(&[0x11, 0x90])));
        standby.overhear(now(0), &config);
        for start in [0, 5000] {
            assert!(!standby.is_ready());
            for at in [start, start + 21] {
                assert_eq!(standby.take(now(at), frame(at)), None);
                assert!(standby.is_ready());
            }
            let said = standby.go_on_air();
            assert_eq!(said, [(now(0), config.clone()), (now(start + 21), frame(start + 21))]);
        }
    }
}
