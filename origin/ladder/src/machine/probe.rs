//! Holds the first units of a show until it is known what it needs.
//!
//! In: publication events. Out: what was seen, and the held events in their order. Does not know rungs.

use std::collections::BTreeMap;

use shared_media::{AccessUnit, Publication, Ticks, TrackId, VideoConfig};

use crate::config::{Config, span};
use crate::machine::passing;
use crate::machine::plan::{Heard, Seen};

/// An event and when it arrived, in microseconds of the monotonic clock.
pub(crate) type Arrived = (u64, Publication);

/// The hold.
#[derive(Debug)]
pub(crate) struct Probe {
    media_max: Ticks,
    audio_wait: Ticks,
    events_max: usize,
    bytes_max: usize,
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
    first_key: Option<Ticks>,
    gop: Option<Ticks>,
    /// Earliest and latest timestamp of each kind.
    pictures: Option<(Ticks, Ticks)>,
    picture_count: i64,
    sounds: Option<(Ticks, Ticks)>,
}

impl Probe {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            media_max: span(config.probe_media_ms_max),
            audio_wait: span(config.probe_audio_wait_ms),
            events_max: config.probe_events_max,
            bytes_max: config.probe_bytes_max,
            held: Held::default(),
        }
    }

    /// Takes the next event. Pictures before the first keyframe are of no use to anyone and are dropped; a break during
    /// the hold starts it anew, since nothing was shown yet.
    pub(crate) fn take(&mut self, now: u64, event: Publication) {
        match &event {
            Publication::Picture(video) => self.held.video = Some(video.clone()),
            Publication::Sound(track, audio) => {
                let (track, passes) = (track.clone(), passing::passes(audio));
                let heard = Heard { track, channels: audio.channels, passes };
                self.held.heard.insert(heard.track.number, heard);
            }
            Publication::Sounds(named) => self.held.named = usize::from(*named),
            Publication::Unit(TrackId::Video, unit) => {
                if self.held.video.is_none() || !self.held.picture(unit) {
                    return;
                }
                self.held.bytes += unit.data.len();
            }
            Publication::Unit(TrackId::Audio(_), unit) => {
                self.held.sounds = Some(reach(self.held.sounds, unit.pts));
                self.held.bytes += unit.data.len();
            }
            Publication::Discontinuity => {
                self.held = Held::default();
                return;
            }
            Publication::End => return,
        }
        self.held.events.push((now, event));
    }

    /// Whether enough was seen.
    pub(crate) fn is_done(&self) -> bool {
        let held = &self.held;
        let full = held.events.len() >= self.events_max || held.bytes >= self.bytes_max;
        let pictures = held.pictures.map_or(Ticks::ZERO, |(first, last)| last - first);
        let sounds = held.sounds.map_or(Ticks::ZERO, |(first, last)| last - first);
        let heard = held.heard.len() >= held.named.max(1);
        let known = held.gop.is_some() && (heard || pictures >= self.audio_wait);
        let long = pictures >= self.media_max || (held.video.is_none() && sounds >= self.media_max);
        full || known || long || sounds >= self.media_max + self.media_max
    }

    /// What was seen, and all held events. `None` if there was no media at all.
    pub(crate) fn finish(self) -> Option<(Seen, Vec<Arrived>)> {
        let Held { events, video, heard, gop, pictures, picture_count, .. } = self.held;
        let video = video.filter(|_| pictures.is_some());
        if video.is_none() && heard.is_empty() {
            return None;
        }
        let picture_distance = pictures
            .filter(|_| picture_count > 1)
            .map(|(first, last)| Ticks((last - first).0 / (picture_count - 1)));
        let sounds = heard.into_values().collect();
        Some((Seen { video, sounds, gop, picture_distance }, events))
    }
}

impl Held {
    /// Whether this picture is kept.
    fn picture(&mut self, unit: &AccessUnit) -> bool {
        if unit.keyframe {
            match self.first_key {
                None => self.first_key = Some(unit.pts),
                Some(first) => self.gop = self.gop.or(Some(unit.pts - first)),
            }
        }
        if self.first_key.is_some() {
            self.pictures = Some(reach(self.pictures, unit.pts));
            self.picture_count += 1;
        }
        self.first_key.is_some()
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
            assert!(!probe.is_done());
            probe.take(0, event);
        }
        probe
    }

    #[test]
    fn the_second_keyframe_ends_the_hold() {
        let pictures = (0..=50).map(|n| picture(n * 40, n % 50 == 0));
        let probe = fed([audio(), video()].into_iter().chain(pictures));
        assert!(probe.is_done());
        let (seen, events) = probe.finish().unwrap();
        assert_eq!(seen.gop, Some(Ticks::from_millis(2000)));
        assert_eq!(seen.picture_distance, Some(Ticks::from_millis(40)));
        assert_eq!(seen.sounds.len(), 1);
        assert_eq!(events.len(), 53);
    }

    #[test]
    fn all_sounds_that_are_named_are_waited_for() {
        let pictures = |from: i64| (from..from + 10).map(|n| picture(n * 40, n % 5 == 0));
        let mut probe =
            fed([Publication::Sounds(2), audio(), video()].into_iter().chain(pictures(0)));
        assert!(!probe.is_done());
        let second = SoundTrack { number: 1, language: Language::new("de"), name: None };
        probe.take(0, sound(second.clone()));
        assert!(probe.is_done());
        let (seen, _) = probe.finish().unwrap();
        assert_eq!(seen.sounds[1].track, second);
        let late = [Publication::Sounds(2), audio(), video()].into_iter().chain(pictures(0));
        let probe = fed(late.chain((10..=25).map(|n| picture(n * 40, n % 5 == 0))));
        assert!(probe.is_done(), "a sound that does not come is not waited for for long");
    }

    #[test]
    fn a_very_short_gop_waits_for_sound() {
        let pictures = (0..=25).map(|n| picture(n * 40, n % 5 == 0));
        let probe = fed([video()].into_iter().chain(pictures));
        assert!(probe.is_done());
        assert_eq!(probe.finish().unwrap().0.sounds, []);
    }

    #[test]
    fn a_long_gop_ends_by_media_time() {
        let pictures = (0..=107).map(|n| picture(n * 40, n == 0));
        let probe = fed([video(), audio()].into_iter().chain(pictures));
        assert!(probe.is_done());
        assert_eq!(probe.finish().unwrap().0.gop, None);
    }

    #[test]
    fn sound_alone_ends_by_media_time() {
        let sounds = (0..=213).map(|n| Publication::Unit(TrackId::Audio(0), unit(n * 20, true)));
        let probe = fed([audio()].into_iter().chain(sounds));
        assert!(probe.is_done());
        assert_eq!(probe.finish().unwrap().0.video, None);
    }

    #[test]
    fn a_break_starts_the_hold_anew() {
        let mut probe = fed([video(), picture(0, true), Publication::Discontinuity]);
        assert!(!probe.is_done());
        probe.take(0, Publication::End);
        assert_eq!(probe.finish(), None);
    }

    #[test]
    fn pictures_without_a_keyframe_are_dropped() {
        let probe = fed([video(), picture(0, false), picture(40, true)]);
        assert_eq!(probe.finish().unwrap().1.len(), 2);
    }
}
