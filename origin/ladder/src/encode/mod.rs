//! The child: turns the source's units into rungs and sound, through FFmpeg.
//!
//! In: frames of the parent on standard input. Out: frames to the parent on standard output, complaints on standard
//! error. Ends when its input ends, so it never outlives its parent. Does not know playlists, the network, or time.

use std::io::{self, BufReader, BufWriter, Read, Write};

use bytes::Bytes;
use ffmpeg_next as ffmpeg;
use shared_media::{AccessUnit, AudioConfig, Ticks, TrackId};

use crate::error::Error;
use crate::machine::frame::{self, FromChild, LENGTH_BYTES, Setup, ToChild};

pub(crate) mod pictures;

mod rung;

pub(crate) mod drawer;

pub(crate) mod encoder;

pub(crate) mod purpose;

mod mastering;

mod identity;

mod vaapi;

mod sound;

pub(crate) mod aac;

mod channels;

pub use identity::identity;
use pictures::Pictures;
use sound::Sound;

const PIPE_BUFFER_BYTES: usize = 256 << 10;

/// Media came that cannot be used; it is dropped and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

/// Why a piece of work was not done.
pub(crate) enum Trouble {
    /// The peer's media; dropped.
    Media,
    /// Our encoder; the child cannot go on.
    Encoder(Error),
}

impl From<Refused> for Trouble {
    fn from(Refused: Refused) -> Self {
        Self::Media
    }
}

/// Runs the child until its input ends.
///
/// # Errors
/// A broken pipe or protocol, or an FFmpeg that lacks what is needed. Bad media is never an error.
pub fn child_main(stdin: impl Read, stdout: impl Write) -> Result<(), Error> {
    let quiet = ffmpeg::init().map(|()| ffmpeg::log::set_level(ffmpeg::log::Level::Error));
    quiet.map_err(|error| Error::Encoder("any", error.to_string()))?;
    let mut input = BufReader::with_capacity(PIPE_BUFFER_BYTES, stdin);
    let mut output = BufWriter::with_capacity(PIPE_BUFFER_BYTES, stdout);
    let mut worker: Option<Worker> = None;
    while let Some(frame) = read(&mut input)? {
        let mut said = Vec::new();
        let refused = match (ToChild::parse(frame)?, &mut worker) {
            (ToChild::Setup(setup), _) => {
                worker = Some(Worker::new(&setup));
                0
            }
            (message, Some(worker)) => worker.take(message, &mut said)?,
            (_, None) => return Err(Error::Frame(frame::Error::Content)),
        };
        said.push(FromChild::Progress { refused });
        for message in said {
            output.write_all(&message.to_bytes()).map_err(|error| Error::Pipe(error.kind()))?;
        }
        output.flush().map_err(|error| Error::Pipe(error.kind()))?;
    }
    Ok(())
}

/// The next frame without its length; `None` at the end of input, even within a frame: the parent is gone.
pub(crate) fn read(input: &mut impl Read) -> Result<Option<Bytes>, Error> {
    let mut prefix = [0; LENGTH_BYTES];
    let mut fill = |buffer: &mut [u8]| match input.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(Error::Pipe(error.kind())),
    };
    if !fill(&mut prefix)? {
        return Ok(None);
    }
    let mut body = vec![0; frame::length(prefix)?];
    Ok(fill(&mut body)?.then(|| body.into()))
}

struct Worker {
    pictures: Pictures,
    /// Those made of the same sound of the publisher's beside one another.
    sounds: Vec<Sound>,
    /// There are no pictures that tell a sound how late it is.
    is_sound_alone: bool,
}

impl Worker {
    fn new(setup: &Setup) -> Self {
        let sounds = setup.sounds.iter().map(Sound::new).collect();
        Self { pictures: Pictures::new(setup), sounds, is_sound_alone: setup.rungs.is_empty() }
    }

    /// Works one message off; says how many units were refused.
    fn take(&mut self, message: ToChild, said: &mut Vec<FromChild>) -> Result<u32, Error> {
        let mut refused = 0;
        let mut judge = |done: Result<(), Trouble>| match done {
            Ok(()) => Ok(()),
            Err(Trouble::Media) => {
                refused += 1;
                Ok(())
            }
            Err(Trouble::Encoder(error)) => Err(error),
        };
        match message {
            ToChild::Picture(video) => judge(self.pictures.configure(video))?,
            ToChild::Sound(track, audio) => judge(self.configure(track, &audio))?,
            ToChild::Unit(TrackId::Video, unit) => {
                judge(self.pictures.take(&unit, said))?;
                if let Some(shown) = self.pictures.shown() {
                    judge(each(&mut self.sounds, |sound| sound.follow(shown, said)))?;
                }
            }
            ToChild::Unit(TrackId::Audio(track), unit) => judge(self.hear(track, &unit, said))?,
            ToChild::Rest(rungs) => self.pictures.rest(rungs.into(), said),
            ToChild::Switch { after, cadence } => self.pictures.switch(after, cadence),
            ToChild::Flush => {
                judge(self.pictures.flush(said))?;
                judge(each(&mut self.sounds, |sound| sound.flush(said)))?;
                said.push(FromChild::Flushed);
            }
            ToChild::Setup(_) => {}
        }
        Ok(refused)
    }

    fn configure(&mut self, track: u8, audio: &AudioConfig) -> Result<(), Trouble> {
        let of_it = self.sounds.iter_mut().filter(|sound| sound.track() == track);
        each(of_it, |sound| sound.configure(audio))
    }

    fn hear(
        &mut self,
        track: u8,
        unit: &AccessUnit,
        said: &mut Vec<FromChild>,
    ) -> Result<(), Trouble> {
        let of_it = self.sounds.iter_mut().filter(|sound| sound.track() == track);
        each(of_it, |sound| sound.take(unit, said))?;
        if self.is_sound_alone {
            // One that falls silent holds up the others else: all are cut at the same places.
            let others = self.sounds.iter_mut().filter(|sound| sound.track() != track);
            each(others, |sound| sound.follow(unit.pts, said))?;
        }
        Ok(())
    }
}

/// Lets every sound do the same. Media that is of no use to one is of none to the others: it counts once.
fn each<'a>(
    sounds: impl IntoIterator<Item = &'a mut Sound>,
    mut work: impl FnMut(&mut Sound) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut judged = Ok(());
    for sound in sounds {
        match work(sound) {
            Ok(()) => {}
            Err(Trouble::Media) => judged = Err(Trouble::Media),
            Err(encoder) => return Err(encoder),
        }
    }
    judged
}

/// The timeline's unit for FFmpeg.
pub(crate) fn ticks_base() -> ffmpeg::Rational {
    ffmpeg::Rational::new(1, i32::try_from(shared_media::TICKS_PER_SECOND).unwrap_or(i32::MAX))
}

/// A packet of the source for a decoder.
fn packet(data: &[u8], pts: Ticks, dts: Ticks) -> ffmpeg::Packet {
    let mut packet = ffmpeg::Packet::copy(data);
    packet.set_pts(Some(pts.0));
    packet.set_dts(Some(dts.0));
    packet
}

#[cfg(test)]
mod tests {
    use shared_media::Rational;

    use super::*;
    use crate::machine::frame::SoundJob;

    fn setup() -> Setup {
        let sound = SoundJob {
            index: 255,
            track: 0,
            channels: 2,
            bit_rate: 64_000,
            grid: None,
            resume: None,
            slack: 0,
            gap_max: 0,
            lag_max: 0,
        };
        let frame_rate = Rational { num: 25, den: 1 };
        Setup {
            rungs: Vec::new(),
            sounds: vec![sound],
            cadence: None,
            frame_rate,
            threads: 1,
            hardware: None,
        }
    }

    fn answers(messages: &[ToChild], more: &[u8]) -> (Result<(), Error>, Vec<FromChild>) {
        let mut input: Vec<u8> = messages.iter().flat_map(ToChild::to_bytes).collect();
        input.extend_from_slice(more);
        let mut output = Vec::new();
        let ended = child_main(&input[..], &mut output);
        let mut said = Vec::new();
        let mut rest = &output[..];
        while let Some(frame) = read(&mut rest).unwrap() {
            said.push(FromChild::parse(frame).unwrap());
        }
        (ended, said)
    }

    #[test]
    fn every_message_is_answered_and_unusable_media_is_counted() {
        let data = Bytes::from_static(b"no media");
        let unit = AccessUnit { pts: Ticks(0), dts: Ticks(0), keyframe: true, data };
        let messages = [
            ToChild::Setup(setup()),
            ToChild::Unit(TrackId::Video, unit.clone()),
            ToChild::Unit(TrackId::Audio(0), unit),
            ToChild::Flush,
        ];
        let (ended, said) = answers(&messages, &[]);
        assert_eq!(ended, Ok(()));
        let progress = |refused| FromChild::Progress { refused };
        let expected = [progress(0), progress(1), progress(1), FromChild::Flushed, progress(0)];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_frame_of_silence_is_silent() {
        let adts = crate::machine::adts::Adts::new(&[0x11, 0x90]).unwrap();
        let wrapped = adts.wrap(&crate::machine::passing::SILENCE).unwrap();
        let codec = ffmpeg::decoder::find(ffmpeg::codec::Id::AAC).unwrap();
        let mut decoder = ffmpeg::codec::Context::new_with_codec(codec).decoder().audio().unwrap();
        let mut decoded = 0;
        for _ in 0..5 {
            decoder.send_packet(&packet(&wrapped, Ticks(0), Ticks(0))).unwrap();
            let mut frame = ffmpeg::frame::Audio::empty();
            while decoder.receive_frame(&mut frame).is_ok() {
                assert_eq!((frame.samples(), frame.channels(), frame.rate()), (1024, 2, 48_000));
                let channels = (0..2).map(|channel| frame.plane::<f32>(channel));
                assert!(channels.flatten().all(|sample| sample.abs() < 1e-6), "nothing is heard");
                decoded += 1;
            }
        }
        assert!(decoded >= 4, "{decoded} frames");
    }

    #[test]
    fn the_end_of_input_ends_it_even_within_a_frame() {
        assert_eq!(answers(&[], &[]).0, Ok(()));
        assert_eq!(answers(&[ToChild::Setup(setup())], &[0, 0, 0, 9, 1]).0, Ok(()));
    }

    #[test]
    fn a_broken_protocol_is_our_own_fault() {
        let broken = |error| Err(Error::Frame(error));
        assert_eq!(answers(&[ToChild::Flush], &[]).0, broken(frame::Error::Content));
        assert_eq!(answers(&[], &[0, 0, 0, 2, 9, 9]).0, broken(frame::Error::Version(9)));
        assert_eq!(answers(&[], &[255; 9]).0, broken(frame::Error::TooLong(0xffff_ffff)));
    }
}
