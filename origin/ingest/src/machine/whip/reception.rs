//! Frames as RTP brought them, turned into media; and when the publisher is asked for a keyframe.
//!
//! In: frames, put in order and whole, with their timestamps; the time. Out: media as the intake takes it, requests for
//! keyframes. Does not know packets.
//!
//! An encoder of WebRTC makes keyframes only when it is asked to, but segments begin with keyframes: so it is asked
//! before every segment, and at once when a picture was lost.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use shared_media::{AudioCodec, Poll, Ticks, TrackKind, VideoCodec};

use super::clock::Clock;
pub use super::clock::Report;
use crate::machine::annex_b::Video;
use crate::machine::arrival::{Arrival, Held, Stamp};
use crate::machine::intake;

/// A keyframe is asked for this long after the last one. With the way there and back it makes segments of about 2 s;
/// encoders that make one every 2 s by themselves are asked just before and need not listen.
const KEYFRAME_EVERY: Duration = Duration::from_millis(1900);
/// How long a request may go unanswered before it is made again. Encoders answer no more than about three a second.
const ASKED_AGAIN_AFTER: Duration = Duration::from_millis(300);

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The publisher is there and begins to send.
    Connected,
    /// A frame came.
    Frame(Frame),
    /// Time passed.
    Tick,
}

/// One frame of a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Of which track.
    pub kind: TrackKind,
    /// Its timestamp, of 90 kHz for pictures and 48 kHz for sound.
    pub rtp: u32,
    /// The last sender report of the track.
    pub report: Option<Report>,
    /// Nothing is missing between the frame before and this one.
    pub follows: bool,
    /// Whether decoding can begin with it; of pictures.
    pub keyframe: bool,
    /// An access unit of H.264 with start codes, or a packet of Opus.
    pub data: Bytes,
}

/// What follows.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Media.
    Media(intake::Input),
    /// Ask the publisher for a keyframe.
    AskForKeyframe,
}

/// What one publisher sends.
#[derive(Debug)]
pub struct Reception {
    clock: Clock,
    video: Video,
    keyframes: Option<Keyframes>,
    sound_is_known: bool,
    outbox: VecDeque<Output>,
}

/// When keyframes came and were asked for.
#[derive(Debug, Default)]
struct Keyframes {
    connected: bool,
    /// When the last one came; `None` if one is needed now.
    came_us: Option<u64>,
    /// When one was asked for that did not come yet.
    asked_us: Option<u64>,
}

impl Reception {
    /// Nothing has come yet. Without pictures no keyframes are asked for.
    #[must_use]
    pub fn new(with_pictures: bool) -> Self {
        Self {
            clock: Clock::new(),
            video: Video::new(VideoCodec::Avc),
            keyframes: with_pictures.then(Keyframes::default),
            sound_is_known: false,
            outbox: VecDeque::new(),
        }
    }

    /// Something happened. Poll until it waits, then come again.
    pub fn handle(&mut self, now_us: u64, input: Input) {
        match input {
            Input::Connected => {
                if let Some(keyframes) = &mut self.keyframes {
                    keyframes.connected = true;
                }
            }
            Input::Frame(frame) => {
                let tick = self.clock.tick(frame.kind, frame.rtp, now_us);
                if let Some(report) = frame.report {
                    self.clock.report(frame.kind, report);
                }
                match frame.kind {
                    TrackKind::Video => self.picture(now_us, stamp(tick), &frame),
                    TrackKind::Audio => self.sound(stamp(tick), frame.data),
                }
            }
            Input::Tick => {}
        }
        if let Some(keyframes) = &mut self.keyframes
            && keyframes.due_us(now_us).is_some_and(|due_us| due_us <= now_us)
        {
            keyframes.asked_us = Some(now_us);
            self.outbox.push_back(Output::AskForKeyframe);
        }
    }

    /// What to do next.
    pub fn poll(&mut self) -> Poll<Output> {
        self.outbox.pop_front().map_or(Poll::Wait, Poll::Output)
    }

    /// When to come back with [`Input::Tick`], in microseconds of the monotonic clock.
    #[must_use]
    pub fn deadline_us(&self) -> Option<u64> {
        self.keyframes.as_ref()?.due_us(0)
    }

    fn picture(&mut self, now_us: u64, at: Stamp, frame: &Frame) {
        let keyframes = self.keyframes.get_or_insert_default();
        if frame.keyframe {
            (keyframes.came_us, keyframes.asked_us) = (Some(now_us), None);
        } else if !frame.follows {
            // What refers to a lost picture looks broken until the next keyframe.
            keyframes.came_us = None;
            self.media_of_picture(at, Held::Malformed);
        }
        let pictures = self.video.take(&frame.data);
        if let Some(record) = pictures.record {
            self.media_of_picture(at, Held::Config(VideoCodec::Avc, record));
        }
        let composition = Ticks::ZERO; // WebRTC has no B-frames (RFC 7742, 6.2)
        if let Some(data) = pictures.data {
            self.media_of_picture(at, Held::Unit { codec: VideoCodec::Avc, composition, data });
        }
    }

    fn media_of_picture(&mut self, at: Stamp, held: Held<VideoCodec>) {
        let arrival = Arrival { track: 0, at, held };
        self.outbox.push_back(Output::Media(intake::Input::Video(arrival)));
    }

    fn sound(&mut self, at: Stamp, data: Bytes) {
        let codec = AudioCodec::Opus;
        if !self.sound_is_known {
            self.sound_is_known = true;
            let record = Bytes::from_static(&OPUS_HEAD);
            self.media_of_sound(at, Held::Config(codec, record));
        }
        self.media_of_sound(at, Held::Unit { codec, composition: Ticks::ZERO, data });
    }

    fn media_of_sound(&mut self, at: Stamp, held: Held<AudioCodec>) {
        let arrival = Arrival { track: 0, at, held };
        self.outbox.push_back(Output::Media(intake::Input::Audio(arrival)));
    }
}

impl Keyframes {
    /// When one is to be asked for: at `now_us` if nothing speaks for later.
    fn due_us(&self, now_us: u64) -> Option<u64> {
        let after = |us: u64, wait: Duration| us.saturating_add(micros(wait));
        let wanted = self.came_us.map_or(now_us, |came_us| after(came_us, KEYFRAME_EVERY));
        let patient = self.asked_us.map_or(0, |asked_us| after(asked_us, ASKED_AGAIN_AFTER));
        self.connected.then_some(wanted.max(patient))
    }
}

/// The identification header (RFC 7845, 5.1) that RTP leaves out: two channels, as RFC 7587 has it always, and nothing
/// to skip, because RTP timestamps are those of what is decoded.
const OPUS_HEAD: [u8; 19] = *b"OpusHead\x01\x02\0\0\x80\xBB\0\0\0\0\0";

fn stamp(tick: Ticks) -> Stamp {
    Stamp::Ticks(tick.0.rem_euclid(1 << 33).unsigned_abs())
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
