//! A publisher, a ladder and a store, on a virtual clock.
//!
//! In: how a show is to go ([`Shape`]). Out: its events in the order a ladder delivers them, and a
//! [`House`] that carries out what the machine wants and checks every playlist as it is published.

#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod house;
mod i_frames;
pub(crate) mod store;

use bytes::Bytes;
use shared_media::{
    AccessUnit, AudioCodec, AudioConfig, Plan, Rational, Rendition, RenditionId, Rung, Staged,
    Ticks, TrackConfig, TrackKind, VideoCodec, VideoConfig,
};

/// High profile, level 3.1, one SPS and one PPS.
const AVCC: &[u8] = &[1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x1f, 1, 0, 2, 0x68, 0xee];

/// How a show goes.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// Ticks per frame of the source.
    pub(crate) frame: i64,
    /// Whether the configuration states the frame rate.
    pub(crate) states_rate: bool,
    /// Frames of each GOP, used in turn.
    pub(crate) gops: Vec<i64>,
    /// Consecutive B-frames between references; each run ends before a keyframe.
    pub(crate) b_frames: i64,
    /// Timestamps are rounded to milliseconds, as RTMP does.
    pub(crate) rounded: bool,
    /// Frames that the source leaves out, keyframes excepted.
    pub(crate) left_out: Vec<i64>,
    /// Frames of each stretch between discontinuities.
    pub(crate) stretches: Vec<i64>,
    /// How far the encoded rung is behind the source, in ticks.
    pub(crate) rung_delay: i64,
    /// How far the sound is behind the source, in ticks; negative: ahead.
    pub(crate) audio_delay: i64,
    /// Source frames between which the encoded rung delivers nothing.
    pub(crate) silence: Option<(i64, i64)>,
    /// `EXT-X-TARGETDURATION`.
    pub(crate) target_duration_s: u32,
    /// What the source is expected to take.
    pub(crate) expected_bit_rate: Option<u32>,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            frame: 3000,
            states_rate: true,
            gops: vec![60],
            b_frames: 0,
            rounded: false,
            left_out: Vec::new(),
            stretches: vec![600],
            rung_delay: 30_000,
            audio_delay: 4000,
            silence: None,
            target_duration_s: 4,
            expected_bit_rate: None,
        }
    }
}

/// A rendition's name.
pub(crate) fn id(name: &str) -> RenditionId {
    RenditionId::new(name).unwrap()
}

/// `source` leads, `480p` is encoded, `audio` is sound.
pub(crate) fn plan(target_duration_s: u32) -> Plan {
    let rung = |name, kind, target_bit_rate| Rung {
        rendition: Rendition { id: id(name), kind },
        target_bit_rate,
        expected_bit_rate: None,
        sound: None,
    };
    Plan {
        rungs: vec![
            rung("source", TrackKind::Video, None),
            rung("480p", TrackKind::Video, Some(1_200_000)),
            rung("audio", TrackKind::Audio, Some(128_000)),
        ],
        target_duration_s,
        memo: String::new(),
    }
}

pub(crate) fn video_config(frame_rate: Option<Rational>, height: u32) -> TrackConfig {
    let avcc = Bytes::from_static(AVCC);
    TrackConfig::Video(VideoConfig {
        codec: VideoCodec::Avc,
        record: avcc,
        width: height * 16 / 9,
        height,
        frame_rate,
        hdr: None,
    })
}

pub(crate) fn audio_config() -> TrackConfig {
    let asc = Bytes::from_static(&[0x11, 0x90]);
    TrackConfig::Audio(AudioConfig {
        codec: AudioCodec::Aac,
        record: asc,
        sample_rate: 48_000,
        channels: 2,
    })
}

impl Shape {
    /// All events with the tick of their arrival, in order of arrival.
    pub(crate) fn events(&self) -> Vec<(i64, Staged)> {
        let mut plan = plan(self.target_duration_s);
        plan.rungs[0].expected_bit_rate = self.expected_bit_rate;
        let mut events = vec![(0, Staged::Plan(plan))];
        let mut start = 0; // of the stretch, in ticks
        let mut number = 0; // of the stretch's first frame
        for (index, frames) in self.stretches.iter().enumerate() {
            if index > 0 {
                let last = events.iter().map(|(at, _)| *at).max().unwrap_or_default();
                events.push((last, Staged::Discontinuity));
                start = (last + 90_000).max(start);
            }
            let mut stretch = self.stretch(start, number, *frames);
            stretch.sort_by_key(|(at, _)| *at);
            events.extend(stretch);
            start += frames * self.frame;
            number += frames;
        }
        let last = events.iter().map(|(at, _)| *at).max().unwrap_or_default();
        events.push((last, Staged::End));
        events
    }

    fn stretch(&self, start: i64, number: i64, frames: i64) -> Vec<(i64, Staged)> {
        let rate = Rational { num: 90_000, den: u32::try_from(self.frame).unwrap() };
        let rate = Some(rate).filter(|_| self.states_rate);
        let first = start + self.audio_delay.min(0); // before the first unit
        let mut events = vec![
            (first, Staged::Config(id("source"), video_config(rate, 720))),
            (first, Staged::Config(id("480p"), video_config(rate, 480))),
            (first, Staged::Config(id("audio"), audio_config())),
        ];
        for (dts, unit, frame) in self.pictures(start, number, frames) {
            let silent = self.silence.is_some_and(|(from, to)| (from..to).contains(&frame));
            if !silent {
                let at = dts + self.rung_delay;
                events.push((at, Staged::Unit(id("480p"), unit.clone())));
            }
            events.push((dts, Staged::Unit(id("source"), unit)));
        }
        for frame in 0..frames * self.frame / 1920 {
            let at = Ticks(start + frame * 1920);
            let data = Bytes::from(vec![b'a'; 300]);
            let unit = AccessUnit { pts: at, dts: at, keyframe: true, data };
            events.push((at.0 + self.audio_delay, Staged::Unit(id("audio"), unit)));
        }
        events
    }

    /// Arrival, access unit and frame number, in decoding order.
    fn pictures(&self, start: i64, number: i64, frames: i64) -> Vec<(i64, AccessUnit, i64)> {
        let mut keyframes = Vec::new();
        let mut next = 0;
        for gop in self.gops.iter().cycle() {
            if next >= frames {
                break;
            }
            keyframes.push(next);
            next += gop;
        }
        let shown = |frame: i64| {
            let at = start + (frame + self.b_frames.min(1)) * self.frame;
            if self.rounded { at / 90 * 90 } else { at }
        };
        let decoded = |place: i64| {
            let at = start + place * self.frame;
            if self.rounded { at / 90 * 90 } else { at }
        };
        let order = self.decoding_order(frames, &keyframes);
        let pictures = order.into_iter().enumerate().filter_map(|(place, frame)| {
            let keyframe = keyframes.contains(&frame);
            if self.left_out.contains(&(number + frame)) && !keyframe {
                return None;
            }
            let (pts, dts) = (Ticks(shown(frame)), Ticks(decoded(place as i64)));
            let bytes = if keyframe { 9000 } else { 1500 + (frame % 7) as usize * 100 };
            let data = Bytes::from(vec![frame as u8; bytes]);
            Some((dts.0, AccessUnit { pts, dts, keyframe, data }, number + frame))
        });
        pictures.collect()
    }

    /// Frame numbers as they are decoded: each reference before the B-frames shown before it.
    fn decoding_order(&self, frames: i64, keyframes: &[i64]) -> Vec<i64> {
        let mut order = Vec::new();
        let mut held = Vec::new();
        for frame in 0..frames {
            let next_is_key = keyframes.contains(&(frame + 1)) || frame + 1 == frames;
            let is_reference =
                keyframes.contains(&frame) || next_is_key || held.len() as i64 == self.b_frames;
            if is_reference {
                order.push(frame);
                order.append(&mut held);
            } else {
                held.push(frame);
            }
        }
        order
    }
}
