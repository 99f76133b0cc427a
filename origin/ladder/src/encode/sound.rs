//! A sound rendition: decode, and have it encoded as AAC-LC on the show's grid.
//!
//! In: units of any codec taken. Out: AAC units. Does not know pictures, except how far they have come.

use std::borrow::Cow;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::{self, Id};
use ffmpeg_next::frame::Audio as Frame;
use shared_media::{AccessUnit, AudioCodec, AudioConfig, Ticks};

use super::aac::{Aac, Written, lacking};
use super::{Refused, Trouble, packet, ticks_base};
use crate::machine::adts::Adts;
use crate::machine::frame::{FromChild, SoundJob};
use crate::machine::sound::{Timeline, lag_max_after};

/// The sound half of a child.
pub(super) struct Sound {
    track: u8,
    lag_max: Ticks,
    gap_max: Ticks,
    form: Option<Form>,
    decoder: Option<ffmpeg::decoder::Audio>,
    first_shown: Option<Ticks>,
    last_shown: Option<Ticks>,
    aac: Aac,
}

/// In what form frames come, and which decoder reads it.
#[derive(Clone, Copy)]
enum Form {
    /// Raw frames, which get this header.
    Aac(Adts),
    /// Packets of at most two channels, which need no header.
    Opus,
    /// Frames with a header of their own.
    Mpeg,
}

impl Sound {
    pub(super) fn new(job: &SoundJob) -> Self {
        let (grid, resume) = (job.grid.map(Ticks), job.resume.map(Ticks));
        let timeline = Timeline::new(Ticks(job.slack), Ticks(job.gap_max), grid, resume);
        Self {
            track: job.track,
            lag_max: Ticks(job.lag_max),
            gap_max: Ticks(job.gap_max),
            form: None,
            decoder: None,
            first_shown: None,
            last_shown: None,
            aac: Aac::new(job.index, job.channels, job.bit_rate, timeline),
        }
    }

    /// Of which of the publisher's sounds it is made.
    pub(super) const fn track(&self) -> u8 {
        self.track
    }

    pub(super) fn configure(&mut self, config: &AudioConfig) -> Result<(), Trouble> {
        self.decoder = None;
        self.aac.forget_form();
        self.form = match config.codec {
            AudioCodec::Aac => Adts::new(&config.record).map(Form::Aac),
            AudioCodec::Opus => Some(Form::Opus),
            AudioCodec::Mpeg => Some(Form::Mpeg),
        };
        self.form.map(|_| ()).ok_or(Trouble::Media)
    }

    pub(super) fn take(
        &mut self,
        unit: &AccessUnit,
        said: &mut Vec<FromChild>,
    ) -> Result<(), Trouble> {
        let form = self.form.ok_or(Refused)?;
        let data = match form {
            Form::Aac(adts) => Cow::Owned(adts.wrap(&unit.data).ok_or(Refused)?),
            Form::Opus | Form::Mpeg => Cow::Borrowed(&unit.data[..]),
        };
        if self.decoder.is_none() {
            self.decoder = Some(form.open_decoder()?);
        }
        let Some(decoder) = &mut self.decoder else { return Err(Trouble::Media) };
        let sent = decoder.send_packet(&packet(&data, unit.pts, unit.dts));
        while let Some(decoder) = &mut self.decoder {
            let mut frame = Frame::empty();
            match decoder.receive_frame(&mut frame) {
                Ok(()) => self.decoded(unit.pts, &mut frame, said)?,
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN }) => {
                    break;
                }
                Err(_) => return Err(Trouble::Media),
            }
        }
        sent.map_err(|_| Trouble::Media)
    }

    /// Pictures have come this far: missing sound becomes silence, so that no player waits for it.
    pub(super) fn follow(
        &mut self,
        shown: Ticks,
        said: &mut Vec<FromChild>,
    ) -> Result<(), Trouble> {
        let first = *self.first_shown.get_or_insert(shown);
        self.last_shown = Some(shown);
        let due = shown - self.lag_max;
        if due <= first {
            // Sound has its full time to come, so that it decides itself where it begins.
            return Ok(());
        }
        // Begins where the pictures do, unless sound has come.
        self.aac.begin(first);
        self.aac.silence_until(due, said)
    }

    /// Delivers everything; what follows does not continue it.
    pub(super) fn flush(&mut self, said: &mut Vec<FromChild>) -> Result<(), Trouble> {
        (self.decoder, self.first_shown) = (None, None);
        self.aac.finish(said)
    }

    fn decoded(
        &mut self,
        pts: Ticks,
        frame: &mut Frame,
        said: &mut Vec<FromChild>,
    ) -> Result<(), Trouble> {
        let planes = self.aac.resample(frame)?;
        let mut written = self.aac.write(pts, &planes, said)?;
        if written == Written::Elsewhere {
            self.aac.finish(said)?;
            written = self.aac.write(pts, &planes, said)?;
        }
        match (written, self.last_shown) {
            (Written::Elsewhere, _) => return Err(Trouble::Media),
            (Written::Late, Some(shown)) => {
                self.lag_max = lag_max_after(pts, shown, self.lag_max, self.gap_max);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Form {
    fn open_decoder(self) -> Result<ffmpeg::decoder::Audio, Trouble> {
        let id = match self {
            Self::Aac(_) => Id::AAC,
            Self::Opus => Id::OPUS,
            Self::Mpeg => Id::MP3, // reads layers I and II too
        };
        let codec =
            ffmpeg::decoder::find(id).ok_or_else(|| lacking(ffmpeg::Error::DecoderNotFound))?;
        let mut decoder = codec::Context::new_with_codec(codec).decoder();
        decoder.set_packet_time_base(ticks_base());
        decoder.audio().map_err(lacking)
    }
}
