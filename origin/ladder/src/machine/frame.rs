//! The messages between parent and child, as length-prefixed frames.
//!
//! In: messages, or bytes that may be broken. Out: the other of the two. A frame is its length (4 bytes, big-endian,
//! counting what follows), the version, the kind of message, and the message; those of films are in `machine::film`.
//! Does not know pipes.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use shared_media::{
    AccessUnit, AudioConfig, Rational, RenditionId, Ticks, TrackConfig, TrackId, VideoCodec,
    VideoConfig,
};

use crate::config::Hardware;

/// Bytes of the length in front of every frame.
pub(crate) const LENGTH_BYTES: usize = 4;
/// Longest frame either side accepts: far above any access unit a publisher may send.
pub(crate) const FRAME_BYTES_MAX: usize = 32 << 20;
/// Raised whenever the two sides of a running house could misunderstand each other.
const VERSION: u8 = 4;
/// The index by which units of the first sound rendition are named, and downwards those of further ones; rungs count
/// from 0.
pub(crate) const SOUND: u8 = u8::MAX;
/// Highest number of sounds.
pub(crate) const SOUNDS_MAX: usize = 16;
/// Highest number of rungs.
pub(crate) const RUNGS_MAX: usize = 32;

const UNIT_HEAD_BYTES: usize = 18;

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than any message is.
    #[error("a frame of {0} bytes is too long")]
    TooLong(usize),
    /// Ends within its head.
    #[error("a frame is too short")]
    TooShort,
    /// Written by another version of this program.
    #[error("a frame is of version {0}")]
    Version(u8),
    /// Of a kind that does not exist.
    #[error("a frame is of unknown kind {0}")]
    Kind(u8),
    /// Not what its kind requires.
    #[error("a frame's content is malformed")]
    Content,
}

/// One rung the child encodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    /// Its name, for the log.
    pub(crate) id: RenditionId,
    /// Lines; `None` is the source's own size. A lower source is not scaled up.
    pub(crate) height: Option<u32>,
    /// In bit/s.
    pub(crate) bit_rate: u32,
    /// How it is encoded.
    pub(crate) codec: VideoCodec,
    /// Whether it is encoded from the start, or only once a `Switch` asks for it.
    pub(crate) active: bool,
    /// Pictures up to this timestamp were delivered by an earlier child.
    pub(crate) resume: Option<i64>,
}

/// The sound the child encodes. Spans are in ticks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SoundJob {
    /// By what its units are named: [`SOUND`], and downwards.
    pub(crate) index: u8,
    /// Of which of the publisher's sounds it is made.
    pub(crate) track: u8,
    /// How many channels it has: 2 or 6.
    pub(crate) channels: u8,
    pub(crate) bit_rate: u32,
    /// A timestamp of the show's sound: all others are a multiple of 1920 away from it.
    pub(crate) grid: Option<i64>,
    /// The sound continues after the frame with this timestamp without a gap.
    pub(crate) resume: Option<i64>,
    pub(crate) slack: i64,
    pub(crate) gap_max: i64,
    pub(crate) lag_max: i64,
}

/// All a child must know before media comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// Highest first.
    pub(crate) rungs: Vec<Job>,
    /// The one every player plays first.
    pub(crate) sounds: Vec<SoundJob>,
    /// Keyframe distance besides the source's keyframes, in ticks.
    pub(crate) cadence: Option<i64>,
    /// For rate control where the stream does not state its own.
    pub(crate) frame_rate: Rational,
    pub(crate) threads: u8,
    pub(crate) hardware: Option<Hardware>,
}

/// From parent to child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToChild {
    /// Comes first, once.
    Setup(Setup),
    /// How to decode the pictures that follow.
    Picture(VideoConfig),
    /// How to decode the units of that sound that follow.
    Sound(u8, AudioConfig),
    /// One access unit of the source.
    Unit(TrackId, AccessUnit),
    /// Encode the source-sized rung too, and cut at the cadence, from the first picture after `after` on.
    Switch { after: Ticks, cadence: Ticks },
    /// So many of the rungs below the first do not encode from now on; those that did not and may again begin at the
    /// next cut.
    Rest(u8),
    /// Deliver everything, then say `Flushed`; what follows does not continue it.
    Flush,
}

/// From child to parent. The last answer to each message of the parent is a `Progress`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FromChild {
    /// How to decode the units of that rung.
    Config(u8, TrackConfig),
    /// One access unit of that rung.
    Unit(u8, AccessUnit),
    /// Everything before a `Switch` was delivered, nothing after it.
    Switched,
    /// Everything before a `Flush` was delivered.
    Flushed,
    /// What the work of a while has taken.
    Spent(Spent),
    /// That rung's encoder in hardware could not be opened: another is tried.
    Fallback(u8),
    /// One more message was worked off; so many units in it were refused by a decoder.
    Progress { refused: u32 },
}

/// What a while of work has taken, in microseconds of processor time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spent {
    /// Pictures decoded, …
    pub(crate) pictures: u32,
    /// … and what that took.
    pub(crate) decode_us: u64,
    /// Of each rung: pictures scaled and encoded, and what that took.
    pub(crate) rungs: Vec<(u32, u64)>,
}

/// How many bytes follow this length.
pub(crate) fn length(prefix: [u8; LENGTH_BYTES]) -> Result<usize, Error> {
    let length = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
    match length {
        0..2 => Err(Error::TooShort),
        2..=FRAME_BYTES_MAX => Ok(length),
        _ => Err(Error::TooLong(length)),
    }
}

impl ToChild {
    /// The whole frame, length included.
    pub(crate) fn to_bytes(&self) -> Bytes {
        match self {
            Self::Setup(setup) => frame(0, |body| put_json(body, setup)),
            Self::Picture(config) => frame(1, |body| put_json(body, config)),
            Self::Unit(TrackId::Video, unit) => frame(2, |body| put_unit(body, 0, unit)),
            Self::Switch { after, cadence } => frame(3, |body| {
                body.put_i64(after.0);
                body.put_i64(cadence.0);
            }),
            Self::Flush => frame(4, |_| {}),
            Self::Rest(rungs) => frame(5, |body| body.put_u8(*rungs)),
            Self::Sound(track, config) => frame(6, |body| {
                body.put_u8(*track);
                put_json(body, config);
            }),
            Self::Unit(TrackId::Audio(track), unit) => {
                frame(7, |body| put_unit(body, *track, unit))
            }
        }
    }

    /// The message of a frame, without its length.
    pub(crate) fn parse(frame: Bytes) -> Result<Self, Error> {
        let (kind, mut body) = open(frame)?;
        Ok(match kind {
            0 => {
                let setup: Setup = json(&body)?;
                let fits = setup.rungs.len() <= RUNGS_MAX && setup.sounds.len() <= SOUNDS_MAX;
                if !fits || setup.frame_rate.den == 0 {
                    return Err(Error::Content);
                }
                Self::Setup(setup)
            }
            1 => Self::Picture(json(&body)?),
            2 => match unit(body)? {
                (0, unit) => Self::Unit(TrackId::Video, unit),
                _ => return Err(Error::Content),
            },
            3 if body.len() == 16 => {
                Self::Switch { after: Ticks(body.get_i64()), cadence: Ticks(body.get_i64()) }
            }
            4 if body.is_empty() => Self::Flush,
            5 if body.len() == 1 => Self::Rest(body.get_u8()),
            6 if !body.is_empty() => Self::Sound(body.get_u8(), json(&body)?),
            7 => unit(body).map(|(track, unit)| Self::Unit(TrackId::Audio(track), unit))?,
            3..=6 => return Err(Error::Content),
            kind => return Err(Error::Kind(kind)),
        })
    }
}

impl FromChild {
    /// The whole frame, length included.
    pub(crate) fn to_bytes(&self) -> Bytes {
        match self {
            Self::Config(index, config) => frame(128, |body| {
                body.put_u8(*index);
                put_json(body, config);
            }),
            Self::Unit(index, unit) => frame(129, |body| put_unit(body, *index, unit)),
            Self::Switched => frame(130, |_| {}),
            Self::Flushed => frame(131, |_| {}),
            Self::Progress { refused } => frame(132, |body| body.put_u32(*refused)),
            Self::Spent(spent) => frame(133, |body| put_json(body, spent)),
            Self::Fallback(index) => frame(134, |body| body.put_u8(*index)),
        }
    }

    /// The message of a frame, without its length.
    pub(crate) fn parse(frame: Bytes) -> Result<Self, Error> {
        let (kind, mut body) = open(frame)?;
        Ok(match kind {
            128 if !body.is_empty() => Self::Config(body.get_u8(), json(&body)?),
            129 => unit(body).map(|(index, unit)| Self::Unit(index, unit))?,
            130 if body.is_empty() => Self::Switched,
            131 if body.is_empty() => Self::Flushed,
            132 if body.len() == 4 => Self::Progress { refused: body.get_u32() },
            133 => Self::Spent(json(&body)?),
            134 if body.len() == 1 => Self::Fallback(body.get_u8()),
            128..=134 => return Err(Error::Content),
            kind => return Err(Error::Kind(kind)),
        })
    }
}

pub(super) fn frame(kind: u8, content: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut frame = BytesMut::with_capacity(64);
    frame.put_u32(0);
    frame.put_u8(VERSION);
    frame.put_u8(kind);
    content(&mut frame);
    let length = u32::try_from(frame.len() - LENGTH_BYTES).unwrap_or(u32::MAX);
    frame[..LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
    frame.freeze()
}

pub(super) fn open(mut frame: Bytes) -> Result<(u8, Bytes), Error> {
    if frame.len() < 2 {
        return Err(Error::TooShort);
    }
    match frame.get_u8() {
        VERSION => Ok((frame.get_u8(), frame)),
        version => Err(Error::Version(version)),
    }
}

pub(super) fn put_json<T: Serialize>(body: &mut BytesMut, value: &T) {
    // Our own plain structs always serialise: no maps with odd keys, no failing writer. An empty body is refused by
    // the reader, so even a mistake here ends as an error and not as a panic.
    body.extend_from_slice(&serde_json::to_vec(value).unwrap_or_default());
}

pub(super) fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|_| Error::Content)
}

pub(super) fn put_unit(body: &mut BytesMut, index: u8, unit: &AccessUnit) {
    body.reserve(UNIT_HEAD_BYTES + unit.data.len());
    body.put_u8(index);
    body.put_u8(u8::from(unit.keyframe));
    body.put_i64(unit.pts.0);
    body.put_i64(unit.dts.0);
    body.extend_from_slice(&unit.data);
}

pub(super) fn unit(mut body: Bytes) -> Result<(u8, AccessUnit), Error> {
    if body.len() < UNIT_HEAD_BYTES {
        return Err(Error::TooShort);
    }
    let index = body.get_u8();
    let keyframe = match body.get_u8() {
        0 => false,
        1 => true,
        _ => return Err(Error::Content),
    };
    let (pts, dts) = (Ticks(body.get_i64()), Ticks(body.get_i64()));
    Ok((index, AccessUnit { pts, dts, keyframe, data: body }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared_media::AudioCodec;

    use super::*;

    fn picture() -> AccessUnit {
        AccessUnit {
            pts: Ticks(-3),
            dts: Ticks(i64::MIN),
            keyframe: true,
            data: Bytes::from_static(b"abc"),
        }
    }

    fn sound() -> AudioConfig {
        let record = Bytes::from_static(&[0x11, 0x90]);
        AudioConfig { codec: AudioCodec::Aac, record, sample_rate: 48_000, channels: 2 }
    }

    fn setup() -> Setup {
        let id = RenditionId::new("720p").unwrap();
        let (height, resume, codec) = (Some(720), Some(-7), VideoCodec::Hevc);
        let job = Job { id, height, bit_rate: 1, codec, active: true, resume };
        Setup {
            rungs: vec![job],
            sounds: Vec::new(),
            cadence: Some(180_000),
            frame_rate: Rational { num: 30, den: 1 },
            threads: 2,
            hardware: Some(Hardware::Nvenc),
        }
    }

    fn body(frame: &Bytes) -> Bytes {
        let length = length(frame[..LENGTH_BYTES].try_into().unwrap()).unwrap();
        assert_eq!(length, frame.len() - LENGTH_BYTES);
        frame.slice(LENGTH_BYTES..)
    }

    #[test]
    fn every_message_survives() {
        let to = [
            ToChild::Setup(setup()),
            ToChild::Sound(3, sound()),
            ToChild::Unit(TrackId::Video, picture()),
            ToChild::Unit(TrackId::Audio(255), picture()),
            ToChild::Switch { after: Ticks(5), cadence: Ticks(-6) },
            ToChild::Flush,
            ToChild::Rest(2),
        ];
        for message in to {
            assert_eq!(ToChild::parse(body(&message.to_bytes())), Ok(message));
        }
        let from = [
            FromChild::Config(SOUND, TrackConfig::Audio(sound())),
            FromChild::Unit(3, picture()),
            FromChild::Switched,
            FromChild::Flushed,
            FromChild::Fallback(2),
            FromChild::Progress { refused: 9 },
            FromChild::Spent(Spent { pictures: 3, decode_us: 4, rungs: vec![(5, 6)] }),
        ];
        for message in from {
            assert_eq!(FromChild::parse(body(&message.to_bytes())), Ok(message));
        }
    }

    #[test]
    fn broken_frames_say_what_is_wrong() {
        assert_eq!(length([0, 0, 0, 1]), Err(Error::TooShort));
        assert_eq!(length([0xff; 4]), Err(Error::TooLong(0xffff_ffff)));
        assert_eq!(ToChild::parse(Bytes::from_static(&[9, 4])), Err(Error::Version(9)));
        assert_eq!(ToChild::parse(Bytes::from_static(&[VERSION, 128])), Err(Error::Kind(128)));
        assert_eq!(ToChild::parse(Bytes::from_static(&[VERSION, 4, 0])), Err(Error::Content));
        assert_eq!(FromChild::parse(Bytes::from_static(&[VERSION, 129, 0])), Err(Error::TooShort));
    }

    proptest! {
        #[test]
        fn hostile_frames_never_panic(
            kind in prop_oneof![0u8..9, 127u8..136],
            rest in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let frame: Bytes = [vec![VERSION, kind], rest].concat().into();
            let _ = ToChild::parse(frame.clone());
            let _ = FromChild::parse(frame);
        }
    }
}
