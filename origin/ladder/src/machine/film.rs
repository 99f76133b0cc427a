//! The messages of a film's child, in the frames of `machine::frame`.
//!
//! In: messages, or bytes that may be broken. Out: the other of the two. Does not know pipes.

use bytes::{Buf, BufMut, Bytes};
use serde::{Deserialize, Serialize};
use shared_media::{AccessUnit, Ticks, TrackConfig};

use super::frame::{Error, RUNGS_MAX, SOUNDS_MAX, frame, json, open, put_json, put_unit, unit};
use crate::film::{Index, Job};

/// Highest number of texts.
pub(crate) const TEXTS_MAX: usize = 64;

/// All that a child is told: it comes first, and nothing follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// How far it gives way to others, up to 19.
    pub(crate) niceness: u8,
    /// What it is to do.
    pub(crate) task: Task,
}

/// What a child is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Says when things are shown in these streams of a file.
    Index {
        file: String,
        streams: Vec<u32>,
        pictures: Option<u32>,
        keyframes_max: u32,
        whole_bytes_max: u64,
    },
    /// Makes what a job asks of a file.
    Make { file: String, job: Job },
}

/// Whose fault it is that a child did not do its task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fault {
    /// The file's.
    File(String),
    /// That of this machine's FFmpeg, which lacks something or refuses our settings.
    Lack(String),
}

/// From a film's child. Rungs are named from 0, sounds from [`super::frame::SOUND`] downwards, texts from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FromFilm {
    /// How to decode the units of that rendition.
    Config(u8, TrackConfig),
    /// One access unit of that rendition.
    Unit(u8, AccessUnit),
    /// Text of that rendition.
    Cue { index: u8, start: Ticks, end: Ticks, text: String },
    /// The work has come so far.
    Progress(Ticks),
    /// The answer to [`Task::Index`].
    Indexed(Index),
    /// The end of [`Task::Make`].
    Counted(Counts),
    /// It was not done.
    Failed(Fault),
}

/// What was made of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Units, or cues, of every rung, sound and text, in the job's order.
    pub(crate) rungs: Vec<u64>,
    /// Of every sound.
    pub(crate) sounds: Vec<u64>,
    /// Cues of every text.
    pub(crate) texts: Vec<u64>,
    /// Packets that no decoder took, and pictures and sound whose place in time was taken.
    pub(crate) left_out: u64,
}

impl Asked {
    /// The whole frame, length included.
    pub(crate) fn to_bytes(&self) -> Bytes {
        frame(64, |body| put_json(body, self))
    }

    /// The message of a frame, without its length.
    pub(crate) fn parse(frame: Bytes) -> Result<Self, Error> {
        let (kind, body) = open(frame)?;
        match kind {
            64 => json(&body),
            kind => Err(Error::Kind(kind)),
        }
    }
}

/// Whether so many renditions can be named.
pub(crate) fn fits(job: &Job) -> bool {
    job.rungs.len() <= RUNGS_MAX && job.sounds.len() <= SOUNDS_MAX && job.texts.len() <= TEXTS_MAX
}

impl FromFilm {
    /// The whole frame, length included.
    pub(crate) fn to_bytes(&self) -> Bytes {
        match self {
            Self::Config(index, config) => frame(192, |body| {
                body.put_u8(*index);
                put_json(body, config);
            }),
            Self::Unit(index, unit) => frame(193, |body| put_unit(body, *index, unit)),
            Self::Cue { index, start, end, text } => frame(194, |body| {
                body.put_u8(*index);
                body.put_i64(start.0);
                body.put_i64(end.0);
                body.extend_from_slice(text.as_bytes());
            }),
            Self::Progress(point) => frame(195, |body| body.put_i64(point.0)),
            Self::Indexed(index) => frame(196, |body| put_json(body, index)),
            Self::Counted(counts) => frame(197, |body| put_json(body, counts)),
            Self::Failed(fault) => frame(198, |body| put_json(body, fault)),
        }
    }

    /// The message of a frame, without its length.
    pub(crate) fn parse(frame: Bytes) -> Result<Self, Error> {
        let (kind, mut body) = open(frame)?;
        Ok(match kind {
            192 if !body.is_empty() => Self::Config(body.get_u8(), json(&body)?),
            193 => unit(body).map(|(index, unit)| Self::Unit(index, unit))?,
            194 if body.len() >= 17 => Self::Cue {
                index: body.get_u8(),
                start: Ticks(body.get_i64()),
                end: Ticks(body.get_i64()),
                text: String::from_utf8(body.to_vec()).map_err(|_| Error::Content)?,
            },
            195 if body.len() == 8 => Self::Progress(Ticks(body.get_i64())),
            196 => Self::Indexed(json(&body)?),
            197 => Self::Counted(json(&body)?),
            198 => Self::Failed(json(&body)?),
            192..=198 => return Err(Error::Content),
            kind => return Err(Error::Kind(kind)),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared_media::{Rational, RenditionId};

    use super::super::frame::{LENGTH_BYTES, length};
    use super::*;
    use crate::film::Sound;

    fn body(frame: &Bytes) -> Bytes {
        let length = length(frame[..LENGTH_BYTES].try_into().unwrap()).unwrap();
        assert_eq!(length, frame.len() - LENGTH_BYTES);
        frame.slice(LENGTH_BYTES..)
    }

    fn job() -> Job {
        let id = RenditionId::new("audio").unwrap();
        let sound = Sound { id, stream: 1, channels: 2, bit_rate: 128_000, is_copy: false };
        Job { begin: -3, cuts: vec![0, 7], sounds: vec![sound], ..Job::default() }
    }

    #[test]
    fn every_message_survives() {
        let file = "film.mp4".to_owned();
        let tasks = [
            Task::Index {
                file: file.clone(),
                streams: vec![0],
                pictures: None,
                keyframes_max: 9,
                whole_bytes_max: 1,
            },
            Task::Make { file, job: job() },
        ];
        for task in tasks {
            let asked = Asked { niceness: 19, task };
            assert_eq!(Asked::parse(body(&asked.to_bytes())), Ok(asked));
        }
        let index = Index {
            begin: Ticks(-1),
            length: Ticks(2),
            keyframes: vec![Ticks(0)],
            early: vec![Ticks(0)],
            pictures: 3,
            frame_rate: Some(Rational { num: 25, den: 1 }),
            is_untimed: true,
        };
        let data = Bytes::from_static(b"abc");
        let from = [
            FromFilm::Unit(3, AccessUnit { pts: Ticks(1), dts: Ticks(-1), keyframe: false, data }),
            FromFilm::Cue { index: 1, start: Ticks(2), end: Ticks(3), text: "hé".to_owned() },
            FromFilm::Progress(Ticks(9)),
            FromFilm::Indexed(index),
            FromFilm::Counted(Counts { rungs: vec![1], left_out: 2, ..Counts::default() }),
            FromFilm::Failed(Fault::File("no".to_owned())),
        ];
        for message in from {
            assert_eq!(FromFilm::parse(body(&message.to_bytes())), Ok(message));
        }
    }

    proptest! {
        #[test]
        fn hostile_frames_never_panic(
            kind in prop_oneof![63u8..66, 191u8..200],
            rest in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let version = FromFilm::Progress(Ticks(0)).to_bytes()[LENGTH_BYTES];
            let frame: Bytes = [vec![version, kind], rest].concat().into();
            let _ = Asked::parse(frame.clone());
            let _ = FromFilm::parse(frame);
        }
    }
}
