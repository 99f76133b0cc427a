//! One show's media, from what protocols make of it to publications.
//!
//! In: what publishers of the show send, one after the other, and when. Out: [`Publication`]s in their order, and what
//! was dropped and why. Does not know protocols, connections or keys.
//!
//! The first access unit of a publisher brings along all configurations known by then. Video begins with a keyframe,
//! also after a discontinuity. One bad unit costs that unit; only a codec we do not take ends a publisher.
//!
//! One picture is taken, the first whose configuration comes, and several sounds. Further tracks cost nothing but a
//! count.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use shared_media::{
    AccessUnit, Anchor, AudioCodec, AudioConfig, DeclaredRates, Language, Now, Poll, Publication,
    Rational, SoundTrack, Splice, Ticks, TrackId, VideoCodec, VideoConfig,
};

use super::arrival::{Arrival, Held, Metadata, Stamp};
use super::codec::{self, Entry, plausible};
use super::srt::splice::Cue;
use super::timeline::{Misplaced, Timeline};
use crate::{Config, Refusal, Resume};

/// How many sounds of a publisher are taken.
const SOUNDS_MAX: usize = 8;

/// What a publisher of the show sends.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Something of a video track.
    Video(Arrival<VideoCodec>),
    /// Something of an audio track.
    Audio(Arrival<AudioCodec>),
    /// A description.
    Metadata(Metadata),
    /// A splice is announced.
    Splice(Cue),
    /// It is gone. Another one may come.
    Interrupt,
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Hand this on.
    Publish(Publication),
    /// Tell of this, beside the media: it is for a time to come.
    Splice(Splice),
    /// Count this.
    Dropped(Reason),
    /// Turn the publisher away.
    Refuse(Refusal),
}

/// Why a tag was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It ends too early, or its NAL lengths do not add up.
    Malformed,
    /// A decoder could not do with this configuration.
    BadConfig,
    /// Nothing has said how to decode it.
    NoConfig,
    /// Video that needs a keyframe which did not come.
    NoKeyframe,
    /// An access unit above its limit.
    TooLarge,
    /// It belongs before what was published already.
    Late,
    /// It is left over from a clock that has jumped.
    Stale,
    /// It is of a further picture, or of a sound beyond those that are taken.
    OtherTrack,
}

impl Reason {
    /// One word for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::BadConfig => "bad_config",
            Self::NoConfig => "no_config",
            Self::NoKeyframe => "no_keyframe",
            Self::TooLarge => "too_large",
            Self::Late => "late",
            Self::Stale => "stale",
            Self::OtherTrack => "other_track",
        }
    }
}

/// One show's media.
#[derive(Debug)]
pub struct Intake {
    config: Arc<Config>,
    timeline: Timeline,
    claimed_rate: Option<Rational>,
    /// What it says of its bit rates, until that was handed on.
    declared: Option<DeclaredRates>,
    nal_length_bytes: usize,
    video: Known<VideoConfig>,
    sounds: Vec<Known<AudioConfig>>,
    /// The sounds that the publisher says it has.
    named: Named,
    needs_keyframe: bool,
    /// Decoding began at an [`Entry::Open`], so that what is shown before it cannot be decoded.
    skips_leading: bool,
    outbox: VecDeque<Output>,
}

/// Sounds by number, and whether their number was handed on.
#[derive(Debug, Default)]
struct Named {
    languages: Vec<Option<Language>>,
    announced: bool,
}

/// A configuration, and whether it was handed on.
#[derive(Debug)]
struct Known<T> {
    /// The track that is taken.
    track: Option<u8>,
    config: Option<T>,
    announced: bool,
}

impl<T: PartialEq> Known<T> {
    const NOTHING: Self = Self { track: None, config: None, announced: false };

    /// Whether another track than this one is taken.
    fn is_other(&self, track: u8) -> bool {
        self.track.is_some_and(|taken| taken != track)
    }

    fn learn(&mut self, config: T) {
        if self.config.as_ref() != Some(&config) {
            (self.config, self.announced) = (Some(config), false);
        }
    }

    /// The configuration, once after each change.
    fn news(&mut self) -> Option<&T> {
        let news = self.config.as_ref().filter(|_| !self.announced);
        self.announced |= news.is_some();
        news
    }
}

impl Intake {
    /// A show that begins, or goes on from an earlier process.
    #[must_use]
    pub fn new(config: Arc<Config>, resume: Option<Resume>) -> Self {
        Self {
            timeline: Timeline::new(&config, resume),
            config,
            claimed_rate: None,
            declared: None,
            nal_length_bytes: 4,
            video: Known::NOTHING,
            sounds: Vec::new(),
            named: Named::default(),
            needs_keyframe: true,
            skips_leading: false,
            outbox: VecDeque::new(),
        }
    }

    /// The UTC of tick 0, known with the first access unit.
    #[must_use]
    pub const fn anchor(&self) -> Option<Anchor> {
        self.timeline.anchor()
    }

    /// Something came. Poll until it waits, then come again.
    pub fn handle(&mut self, now: Now, input: Input) {
        let result = match input {
            Input::Video(arrival) => self.video(now, arrival),
            Input::Audio(arrival) => self.audio(now, arrival),
            Input::Metadata(metadata) => {
                self.claimed_rate = metadata.frame_rate.and_then(rational);
                let (video, audio) = (metadata.video_kbps, metadata.audio_kbps);
                let [video, audio] = [video, audio].map(|kbps| kbps.and_then(bit_rate));
                let declared = Some(DeclaredRates { video, audio });
                self.declared = declared.filter(|rates| *rates != DeclaredRates::default());
                self.name(metadata.sounds);
                self.refine_video();
                Ok(())
            }
            Input::Splice(Cue { pts, section, points }) => {
                // Before any media no time is that of the show.
                if let Some(at) = self.timeline.when(pts.map(Stamp::Ticks)) {
                    self.outbox.push_back(Output::Splice(Splice { at, section, points }));
                }
                Ok(())
            }
            Input::Interrupt => {
                self.timeline.interrupt();
                self.claimed_rate = None;
                self.declared = None;
                self.video = Known::NOTHING;
                self.sounds.clear();
                self.named = Named::default();
                self.needs_keyframe = true;
                Ok(())
            }
        };
        if let Err(reason) = result {
            self.outbox.push_back(Output::Dropped(reason));
        }
    }

    /// What is to be handed on next.
    pub fn poll(&mut self) -> Poll<Output> {
        self.outbox.pop_front().map_or(Poll::Wait, Poll::Output)
    }

    fn video(&mut self, now: Now, arrival: Arrival<VideoCodec>) -> Result<(), Reason> {
        let Arrival { track, at, held } = arrival;
        if self.video.is_other(track) {
            return Err(Reason::OtherTrack);
        }
        let (codec, composition, data) = match held {
            Held::Config(codec, record) => return self.configure_video(track, codec, &record),
            Held::Unit { codec, composition, data } => (codec, composition, data),
            Held::Malformed => return self.lose_video(Reason::Malformed),
            Held::Foreign(codec) => return self.refuse(track, codec),
        };
        let config = self.video.config.as_ref().filter(|config| config.codec == codec);
        let Some(config) = config.filter(|_| self.video.track == Some(track)) else {
            return Err(Reason::NoConfig);
        };
        if data.len() > self.config.access_unit_bytes_max {
            return self.lose_video(Reason::TooLarge);
        }
        let coded = codec::picture(codec, &data, self.nal_length_bytes, &config.record);
        let Some(coded) = coded else { return self.lose_video(Reason::Malformed) };
        let keyframe = match coded.entry {
            Entry::Clean => true,
            Entry::Open => self.needs_keyframe,
            Entry::Leading if self.skips_leading => return Err(Reason::NoKeyframe),
            Entry::Leading | Entry::None => false,
        };
        if self.needs_keyframe && !keyframe {
            return Err(Reason::NoKeyframe);
        }
        let placed = self.timeline.place(now, TrackId::Video, at, composition)?;
        self.announce(placed.broke);
        if placed.broke && !keyframe {
            return Err(Reason::NoKeyframe);
        }
        if matches!(coded.entry, Entry::Clean | Entry::Open) {
            self.skips_leading = keyframe && coded.entry == Entry::Open;
        }
        self.needs_keyframe = false;
        let unit = AccessUnit { pts: placed.pts, dts: placed.dts, keyframe, data: coded.data };
        self.publish(Publication::Unit(TrackId::Video, unit));
        Ok(())
    }

    fn audio(&mut self, now: Now, arrival: Arrival<AudioCodec>) -> Result<(), Reason> {
        let Arrival { track, at, held } = arrival;
        let known = self.sounds.iter().find(|known| known.track == Some(track));
        if known.is_none() && self.sounds.len() >= SOUNDS_MAX {
            return Err(Reason::OtherTrack);
        }
        let known = known.and_then(|known| known.config.as_ref()).map(|config| config.codec);
        let (codec, data) = match held {
            Held::Config(codec, record) => return self.configure_audio(track, codec, record),
            Held::Unit { codec, data, .. } => (codec, data),
            Held::Malformed => return Err(Reason::Malformed),
            Held::Foreign(codec) => return self.refuse(track, codec),
        };
        if known != Some(codec) {
            return Err(Reason::NoConfig);
        }
        if data.len() > self.config.access_unit_bytes_max {
            return Err(Reason::TooLarge);
        }
        if data.is_empty() {
            return Err(Reason::Malformed);
        }
        if let Some((samples, per_second)) = codec::sound(codec, &data) {
            self.timeline.set_frame_duration(TrackId::Audio(track), samples, per_second);
        }
        let placed = self.timeline.place(now, TrackId::Audio(track), at, Ticks::ZERO)?;
        self.announce(placed.broke);
        let unit = AccessUnit { pts: placed.dts, dts: placed.dts, keyframe: true, data };
        self.publish(Publication::Unit(TrackId::Audio(track), unit));
        Ok(())
    }

    /// A codec that is not taken ends a publisher, unless it is that of a further track.
    fn refuse(&mut self, track: u8, codec: String) -> Result<(), Reason> {
        if track != 0 {
            return Err(Reason::OtherTrack);
        }
        self.outbox.push_back(Output::Refuse(Refusal::UnsupportedCodec(codec)));
        Ok(())
    }

    fn configure_video(
        &mut self,
        track: u8,
        codec: VideoCodec,
        record: &Bytes,
    ) -> Result<(), Reason> {
        if record.is_empty() {
            return Ok(()); // some encoders end a stream with one
        }
        let side_max = self.config.picture_side_max;
        let read = codec::video(codec, record)
            .filter(|read| read.picture.width <= side_max && read.picture.height <= side_max);
        let Some(read) = read else {
            self.video = Known::NOTHING;
            return Err(Reason::BadConfig);
        };
        self.nal_length_bytes = read.nal_length_bytes;
        let stated = VideoConfig {
            codec,
            record: read.record,
            width: read.picture.width,
            height: read.picture.height,
            frame_rate: read.picture.frame_rate.or(self.claimed_rate),
            hdr: None,
        };
        if self.video.config.as_ref() != Some(&stated) {
            self.needs_keyframe = true;
        }
        self.video.track = Some(track);
        self.video.learn(stated);
        self.refine_video();
        Ok(())
    }

    /// Fills in the frame rate from the metadata, and sets the frame grid.
    fn refine_video(&mut self) {
        let claimed_rate = self.claimed_rate;
        let Some(config) = &mut self.video.config else { return };
        if !self.video.announced {
            config.frame_rate = config.frame_rate.or(claimed_rate);
        }
        if let Some(rate) = config.frame_rate.or(claimed_rate) {
            self.timeline.set_frame_duration(TrackId::Video, rate.den, rate.num);
        }
    }

    fn configure_audio(
        &mut self,
        track: u8,
        codec: AudioCodec,
        record: Bytes,
    ) -> Result<(), Reason> {
        if record.is_empty() && codec != AudioCodec::Mpeg {
            return Ok(());
        }
        let Some(read) = codec::audio(codec, &record) else {
            self.sounds.retain(|known| known.track != Some(track));
            return Err(Reason::BadConfig);
        };
        if let Some((samples, per_second)) = read.frame {
            self.timeline.set_frame_duration(TrackId::Audio(track), samples, per_second);
        }
        let (sample_rate, channels) = (read.sample_rate, read.channels);
        let at = self.sounds.iter().position(|known| known.track == Some(track));
        let at = at.unwrap_or_else(|| {
            self.sounds.push(Known { track: Some(track), ..Known::NOTHING });
            self.sounds.len() - 1
        });
        if let Some(known) = self.sounds.get_mut(at) {
            known.learn(AudioConfig { codec, record, sample_rate, channels });
        }
        Ok(())
    }

    /// The publisher says which sounds it has.
    fn name(&mut self, mut languages: Vec<Option<Language>>) {
        languages.truncate(SOUNDS_MAX);
        if languages != self.named.languages {
            self.named = Named { languages, announced: false };
            // Each is told again, with its language.
            self.sounds.iter_mut().for_each(|known| known.announced = false);
        }
    }

    /// A picture is lost, and with it those that refer to it.
    fn lose_video(&mut self, reason: Reason) -> Result<(), Reason> {
        self.needs_keyframe = true;
        Err(reason)
    }

    /// Everything the next stage must know before the next unit.
    fn announce(&mut self, broke: bool) {
        if broke {
            self.publish(Publication::Discontinuity);
            self.needs_keyframe = true;
            self.video.announced = false;
            self.named.announced = false;
            self.sounds.iter_mut().for_each(|known| known.announced = false);
        }
        if let Some(config) = self.video.news().cloned() {
            self.publish(Publication::Picture(config));
        }
        let named = u8::try_from(self.named.languages.len()).unwrap_or(u8::MAX);
        if named > 0 && !std::mem::replace(&mut self.named.announced, true) {
            self.publish(Publication::Sounds(named));
        }
        for known in &mut self.sounds {
            let number = known.track.unwrap_or_default();
            if let Some(config) = known.news().cloned() {
                let language = self.named.languages.get(usize::from(number)).cloned().flatten();
                let sound = Publication::Sound(SoundTrack { number, language, name: None }, config);
                self.outbox.push_back(Output::Publish(sound));
            }
        }
        if let Some(declared) = self.declared.take() {
            self.publish(Publication::Rates(declared));
        }
    }

    fn publish(&mut self, publication: Publication) {
        self.outbox.push_back(Output::Publish(publication));
    }
}

impl From<Misplaced> for Reason {
    fn from(misplaced: Misplaced) -> Self {
        match misplaced {
            Misplaced::Late => Self::Late,
            Misplaced::Stale => Self::Stale,
        }
    }
}

/// The frame rate an encoder means: 29.97 is 30000/1001.
fn rational(frames_per_second: f64) -> Option<Rational> {
    if !(1.0..=300.0).contains(&frames_per_second) {
        return None;
    }
    let whole = frames_per_second.round();
    if (frames_per_second - whole).abs() < 0.001 {
        return plausible(whole as u32, 1); // at most 300
    }
    let ntsc = (frames_per_second * 1.001).round();
    if (frames_per_second - ntsc / 1.001).abs() < 0.005 {
        return plausible(ntsc as u32 * 1000, 1001); // at most 300 000
    }
    plausible((frames_per_second * 1000.0).round() as u32, 1000)
}

/// A bit rate in bit/s; `None` for what no stream has. Encoders that do not know it say 0.
fn bit_rate(kbps: f64) -> Option<u32> {
    let range = 1.0..=f64::from(u32::MAX / 1000);
    range.contains(&kbps).then_some((kbps * 1000.0) as u32) // at most u32::MAX
}

#[cfg(test)]
mod tests;
