//! Holds the first units of a show until it is known what it needs.
//!
//! In: publication events. Out: what was seen, and the held events in their order. Does not know rungs.

use std::collections::BTreeMap;

use shared_media::{
    AccessUnit, DeclaredRates, Publication, TICKS_PER_SECOND, Ticks, TrackId, VideoConfig,
};

use crate::config::{Config, micros, span};
use crate::machine::hints::{self, Flow, Gop, keyint};
use crate::machine::passing;
use crate::machine::plan::{Heard, Seen, believed_rate};

/// An event and when it arrived, in microseconds of the monotonic clock.
pub(crate) type Arrived = (u64, Publication);

/// The hold.
#[derive(Debug)]
pub(crate) struct Probe {
    config: Config,
    held: Held,
}

#[derive(Debug, Default)]
struct Held {
    events: Vec<Arrived>,
    bytes: usize,
    video: Option<VideoConfig>,
    /// Its sounds, by number.
    heard: BTreeMap<u8, Heard>,
    /// So many sounds are to be heard.
    named: usize,
    declared: DeclaredRates,
    /// When the first keyframe arrived, in microseconds, and its timestamp.
    first_key: Option<(u64, Ticks)>,
    /// How many pictures a GOP has at most, as its encoder says.
    keyint: Option<u32>,
    gop: Option<Ticks>,
    /// Earliest and latest timestamp of each kind.
    pictures: Option<(Ticks, Ticks)>,
    sounds: Option<(Ticks, Ticks)>,
    /// What has come of each track.
    flows: BTreeMap<TrackId, Tally>,
}

/// Units of a track are counted.
#[derive(Debug, Clone, Copy)]
struct Tally {
    began: Ticks,
    count: i64,
    flow: Flow,
}

impl Probe {
    pub(crate) fn new(config: &Config) -> Self {
        Self { config: config.clone(), held: Held::default() }
    }

    /// Takes the next event. Pictures before the first keyframe are of no use to anyone and are dropped; a break during
    /// the hold starts it anew, since nothing was shown yet.
    pub(crate) fn take(&mut self, now: u64, event: Publication) {
        match &event {
            Publication::Picture(video) => self.held.video = Some(video.clone()),
            Publication::Sound(track, audio) => {
                let (track, passes) = (track.clone(), passing::passes(audio));
                let heard =
                    Heard { track, channels: audio.channels, passes, flow: Flow::default() };
                self.held.heard.insert(heard.track.number, heard);
            }
            Publication::Sounds(named) => self.held.named = usize::from(*named),
            Publication::Rates(declared) => self.held.declared = *declared,
            Publication::Unit(TrackId::Video, unit) => {
                if !self.held.picture(now, unit) {
                    return;
                }
                self.held.count(TrackId::Video, unit);
            }
            Publication::Unit(track @ TrackId::Audio(_), unit) => {
                self.held.sounds = Some(reach(self.held.sounds, unit.pts));
                self.held.count(*track, unit);
            }
            Publication::Discontinuity => {
                self.held = Held::default();
                return;
            }
            Publication::End => return,
        }
        self.held.events.push((now, event));
    }

    /// Whether enough was seen by now, in microseconds: the first pictures, and sound, or that there is none.
    ///
    /// Two pictures are the fewest by which a rate can be told. A source that comes faster than it is shown, as one
    /// that is fetched does, costs nobody time while it is held, and so it is measured.
    pub(crate) fn is_done(&self, now: u64) -> bool {
        let (held, config) = (&self.held, &self.config);
        let full =
            held.events.len() >= config.probe_events_max || held.bytes >= config.probe_bytes_max;
        let media_max = span(config.probe_media_ms_max);
        let sounds = held.sounds.map_or(Ticks::ZERO, |(first, last)| last - first);
        let is_alone = held.video.is_none() && sounds >= media_max;
        let settled = held.picture_distance().is_some()
            && held.first_key.is_some_and(|(arrived, _)| {
                now.saturating_sub(arrived) >= micros(config.probe_ms_min)
            });
        let gop = held.known_of_gop();
        let heard = held.heard.len() >= held.named.max(1)
            || gop.watched >= span(config.probe_audio_wait_ms);
        let known = heard && hints::is_known(config, &gop, settled);
        full || known || is_alone || sounds >= media_max + media_max
    }

    /// What was seen, and all held events. `None` if there was no media at all.
    pub(crate) fn finish(self) -> Option<(Seen, Vec<Arrived>)> {
        let (gop, picture_distance) = (self.held.known_of_gop(), self.held.picture_distance());
        let Held { events, video, heard, pictures, declared, flows, .. } = self.held;
        let video = video.filter(|_| pictures.is_some());
        if video.is_none() && heard.is_empty() {
            return None;
        }
        let flow = |track| flows.get(&track).map(|tally| tally.flow).unwrap_or_default();
        let of_sound = |heard: Heard| {
            let flow = flow(TrackId::Audio(heard.track.number));
            Heard { flow, ..heard }
        };
        let sounds = heard.into_values().map(of_sound).collect();
        let flow = flow(TrackId::Video);
        Some((Seen { video, sounds, gop, flow, declared, picture_distance }, events))
    }
}

impl Held {
    /// Whether this picture is kept.
    fn picture(&mut self, now: u64, unit: &AccessUnit) -> bool {
        let Some(video) = &self.video else { return false };
        if unit.keyframe {
            match self.first_key {
                None => {
                    self.first_key = Some((now, unit.pts));
                    self.keyint = keyint(video.codec, &unit.data);
                }
                Some((_, first)) => self.gop = self.gop.or(Some(unit.pts - first)),
            }
        }
        if self.first_key.is_some() {
            self.pictures = Some(reach(self.pictures, unit.pts));
        }
        self.first_key.is_some()
    }

    fn count(&mut self, track: TrackId, unit: &AccessUnit) {
        self.bytes += unit.data.len();
        let bytes = unit.data.len() as u64;
        let first = Flow { first: bytes, ..Flow::default() };
        let tally = self.flows.entry(track);
        let tally = tally.and_modify(|tally| tally.flow.rest += bytes).or_insert(Tally {
            began: unit.dts,
            count: 0,
            flow: first,
        });
        tally.count += 1;
        tally.flow.span = unit.dts - tally.began;
    }

    /// How far pictures are apart, once two have come. Times of decoding say it: the first that are decoded need not
    /// be the first that are shown.
    fn picture_distance(&self) -> Option<Ticks> {
        let tally = self.flows.get(&TrackId::Video).filter(|tally| tally.count > 1)?;
        Some(Ticks(tally.flow.span.0 / (tally.count - 1)))
    }

    fn known_of_gop(&self) -> Gop {
        let stated_rate = self.video.as_ref().and_then(|video| video.frame_rate);
        let rate = believed_rate(stated_rate, self.picture_distance());
        let stated = self.keyint.zip(rate).map(|(pictures, rate)| {
            let ticks = i128::from(pictures) * i128::from(rate.den) * i128::from(TICKS_PER_SECOND);
            Ticks(i64::try_from(ticks / i128::from(rate.num.max(1))).unwrap_or(i64::MAX))
        });
        let watched = self.pictures.map_or(Ticks::ZERO, |(first, last)| last - first);
        Gop { measured: self.gop, stated, watched }
    }
}

fn reach(so_far: Option<(Ticks, Ticks)>, pts: Ticks) -> (Ticks, Ticks) {
    so_far.map_or((pts, pts), |(first, last)| (first.min(pts), last.max(pts)))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use shared_media::{AudioCodec, AudioConfig, Language, SoundTrack, VideoCodec};

    use super::*;

    fn unit(millis: i64, keyframe: bool) -> AccessUnit {
        let pts = Ticks::from_millis(millis);
        AccessUnit { pts, dts: pts, keyframe, data: Bytes::from_static(b"x") }
    }

    fn picture(millis: i64, keyframe: bool) -> Publication {
        Publication::Unit(TrackId::Video, unit(millis, keyframe))
    }

    fn video() -> Publication {
        let config = VideoConfig {
            codec: VideoCodec::Avc,
            record: Bytes::new(),
            width: 640,
            height: 360,
            frame_rate: None,
            hdr: None,
        };
        Publication::Picture(config)
    }

    fn audio() -> Publication {
        sound(SoundTrack::default())
    }

    fn sound(track: SoundTrack) -> Publication {
        let config = AudioConfig {
            codec: AudioCodec::Aac,
            record: Bytes::new(),
            sample_rate: 48_000,
            channels: 2,
        };
        Publication::Sound(track, config)
    }

    fn fed(events: impl IntoIterator<Item = Publication>) -> Probe {
        let mut probe = Probe::new(&Config::default());
        for event in events {
            assert!(!probe.is_done(0));
            probe.take(0, event);
        }
        probe
    }

    #[test]
    fn the_second_keyframe_ends_the_hold() {
        let pictures = (0..=50).map(|n| picture(n * 40, n % 50 == 0));
        let probe = fed([audio(), video()].into_iter().chain(pictures));
        assert!(probe.is_done(0));
        let (seen, events) = probe.finish().unwrap();
        assert_eq!(seen.gop.measured, Some(Ticks::from_millis(2000)));
        assert_eq!(seen.picture_distance, Some(Ticks::from_millis(40)));
        assert_eq!(seen.sounds.len(), 1);
        assert_eq!(events.len(), 53);
    }

    #[test]
    fn all_sounds_that_are_named_are_waited_for() {
        let pictures = |from: i64| (from..from + 10).map(|n| picture(n * 40, n % 5 == 0));
        let mut probe =
            fed([Publication::Sounds(2), audio(), video()].into_iter().chain(pictures(0)));
        assert!(!probe.is_done(0));
        let second = SoundTrack { number: 1, language: Language::new("de"), name: None };
        probe.take(0, sound(second.clone()));
        assert!(probe.is_done(0));
        let (seen, _) = probe.finish().unwrap();
        assert_eq!(seen.sounds[1].track, second);
        let late = [Publication::Sounds(2), audio(), video()].into_iter().chain(pictures(0));
        let probe = fed(late.chain((10..=25).map(|n| picture(n * 40, n % 5 == 0))));
        assert!(probe.is_done(0), "a sound that does not come is not waited for for long");
    }

    #[test]
    fn a_very_short_gop_waits_for_sound() {
        let pictures = (0..=25).map(|n| picture(n * 40, n % 5 == 0));
        let probe = fed([video()].into_iter().chain(pictures));
        assert!(probe.is_done(0));
        assert_eq!(probe.finish().unwrap().0.sounds, []);
    }

    #[test]
    fn a_long_gop_ends_by_media_time() {
        let pictures = (0..=107).map(|n| picture(n * 40, n == 0));
        let probe = fed([video(), audio()].into_iter().chain(pictures));
        assert!(probe.is_done(0));
        assert_eq!(probe.finish().unwrap().0.gop.measured, None);
    }

    #[test]
    fn sound_alone_ends_by_media_time() {
        let sounds = (0..=213).map(|n| Publication::Unit(TrackId::Audio(0), unit(n * 20, true)));
        let probe = fed([audio()].into_iter().chain(sounds));
        assert!(probe.is_done(0));
        assert_eq!(probe.finish().unwrap().0.video, None);
    }

    #[test]
    fn a_break_starts_the_hold_anew() {
        let mut probe = fed([video(), picture(0, true), Publication::Discontinuity]);
        assert!(!probe.is_done(0));
        probe.take(0, Publication::End);
        assert_eq!(probe.finish(), None);
    }

    #[test]
    fn pictures_without_a_keyframe_are_dropped() {
        let probe = fed([video(), picture(0, false), picture(40, true)]);
        assert_eq!(probe.finish().unwrap().1.len(), 2);
    }
}
