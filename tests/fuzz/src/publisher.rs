//! What is promised of whatever a publisher sends, by any protocol.
//!
//! In: what the intake takes. Out: a panic if a promise is broken. Does not know protocols.

use std::collections::BTreeMap;
use std::sync::Arc;

use origin_ingest::Config;
use origin_ingest::machine::intake::{Input, Intake, Output};
use shared_media::{Now, Poll, Publication, Ticks, TrackId};

/// Limits that mutated inputs reach.
#[must_use]
pub fn config() -> Config {
    Config {
        message_bytes_max: 64 << 10,
        access_unit_bytes_max: 8 << 10,
        unauthenticated_bytes_max: 16 << 10,
        ..Config::default()
    }
}

/// A show that must keep its promises.
#[derive(Debug)]
pub struct Stage {
    now: Now,
    intake: Intake,
    law: Law,
}

impl Default for Stage {
    fn default() -> Self {
        let intake = Intake::new(Arc::new(config()), None);
        Self { now: Now::default(), intake, law: Law::default() }
    }
}

impl Stage {
    /// Takes what came, 20 ms after what came before.
    pub fn take(&mut self, input: Input) {
        self.now.monotonic_us += 20_000;
        self.now.utc_us += 20_000;
        self.intake.handle(self.now, input);
        while let Poll::Output(output) = self.intake.poll() {
            if let Output::Publish(publication) = output {
                self.law.hold(&publication);
            }
        }
    }
}

/// What holds of every show's publications.
#[derive(Debug, Default)]
pub struct Law {
    video: Track,
    sounds: BTreeMap<u8, Track>,
}

#[derive(Debug, Default)]
struct Track {
    configured: bool,
    keyed: bool,
    last_dts: Option<Ticks>,
}

impl Law {
    /// The next publication.
    ///
    /// # Panics
    /// If it breaks the law.
    pub fn hold(&mut self, publication: &Publication) {
        match publication {
            Publication::Picture(config) => {
                let side_max = Config::default().picture_side_max;
                assert!((1..=side_max).contains(&config.width), "{config:?}");
                assert!((1..=side_max).contains(&config.height), "{config:?}");
                self.video.configured = true;
            }
            Publication::Sound(track, config) => {
                assert!(config.sample_rate > 0 && config.channels > 0, "{config:?}");
                self.sounds.entry(track.number).or_default().configured = true;
                assert!(self.sounds.len() <= 8, "more sounds than are taken");
            }
            Publication::Unit(kind, unit) => {
                let track = match kind {
                    TrackId::Video => &mut self.video,
                    TrackId::Audio(number) => self.sounds.entry(*number).or_default(),
                };
                assert!(track.configured, "{kind:?} that nobody can decode");
                track.keyed |= unit.keyframe;
                assert!(track.keyed, "{kind:?} does not begin with a keyframe");
                assert!(unit.pts >= unit.dts, "shown before it is decoded: {unit:?}");
                assert!(track.last_dts < Some(unit.dts), "{kind:?} goes back in time");
                track.last_dts = Some(unit.dts);
            }
            Publication::Discontinuity => self.video.keyed = false,
            Publication::Sounds(named) => assert!((1..=8).contains(named), "{named}"),
            Publication::Rates(rates) => {
                assert!(rates.video != Some(0) && rates.audio != Some(0), "{rates:?}");
            }
            Publication::End => {}
        }
    }
}
