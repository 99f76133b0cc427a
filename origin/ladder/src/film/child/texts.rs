//! The subtitles of a film that are text, as cues.
//!
//! In: a file. Out: cues. Does not know pictures.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::subtitle::Rect;
use ffmpeg_next::{Packet, codec, decoder};
use shared_media::Ticks;

use super::Lane;
use super::copied::Span;
use super::file::{File, time_of};
use super::out::{End, Out};
use super::pictures::span;
use super::raw;
use crate::film::Job;
use crate::film::config::{APART_MAX, CUE_CHARS_MAX, CUE_SHOWN, LENGTH_MAX};
use crate::machine::cue::text_of;
use crate::machine::film::Fault;

/// The lane of all texts.
pub(super) struct Texts {
    file: File,
    span: Span,
    come: i64,
    texts: Vec<Text>,
}

struct Text {
    index: u8,
    stream: u32,
    /// Absent: nothing here reads its form, and it stays empty. A film is none the worse for that.
    decoder: Option<decoder::Subtitle>,
    failed: u64,
}

impl Texts {
    pub(super) fn open(path: &str, job: &Job) -> Result<Self, Fault> {
        let streams: Vec<u32> = job.texts.iter().map(|text| text.stream).collect();
        let mut file = File::open(path, &streams)?;
        let mut texts = Vec::new();
        for (index, asked) in (0..).zip(&job.texts) {
            let decoder = open_decoder(file.stream(asked.stream)?.parameters());
            texts.push(Text { index, stream: asked.stream, decoder, failed: 0 });
        }
        if let Some(first) = streams.first().filter(|_| job.from > 0) {
            file.seek_before(*first, job.begin + job.from)?;
        }
        Ok(Self { file, span: span(job), come: job.from, texts })
    }
}

impl Lane for Texts {
    fn come(&self) -> i64 {
        self.come
    }

    fn step(&mut self, out: &mut Out<'_>) -> Result<bool, End> {
        if let Some((stream, packet)) = self.file.next() {
            let time = time_of(&packet).map(|time| time - self.span.begin);
            self.come = self.come.max(time.unwrap_or(self.come).min(LENGTH_MAX));
            let is_inside = |time: &i64| (self.span.from..self.span.until).contains(time);
            if let Some(start) = time.filter(is_inside) {
                for text in self.texts.iter_mut().filter(|text| text.stream == stream) {
                    text.take(&packet, start, out)?;
                }
            }
            // One stream may be written further ahead than another.
            if self.come < self.span.until.saturating_add(APART_MAX) {
                return Ok(true);
            }
        }
        out.left_out(self.file.broken());
        out.left_out(self.texts.iter().map(|text| text.failed).sum());
        Ok(false)
    }
}

impl Text {
    /// A cue is in the span that it begins in.
    fn take(&mut self, packet: &Packet, start: i64, out: &mut Out<'_>) -> Result<(), End> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        let mut subtitle = ffmpeg::Subtitle::new();
        let decoded = decoder.decode(packet, &mut subtitle);
        let lines: Vec<String> = subtitle.rects().filter_map(|rect| line(&rect)).collect();
        raw::free(&mut subtitle);
        if decoded.is_err() {
            self.failed += 1;
        }
        if lines.is_empty() {
            return Ok(());
        }
        let duration = Some(packet.duration()).filter(|duration| *duration > 0);
        let end = start + duration.unwrap_or(CUE_SHOWN).min(LENGTH_MAX);
        out.cue(self.index, (Ticks(start), Ticks(end)), lines.join("\n"))
    }
}

fn line(rect: &Rect<'_>) -> Option<String> {
    let Rect::Ass(ass) = rect else { return None };
    Some(text_of(ass.get(), CUE_CHARS_MAX)).filter(|text| !text.is_empty())
}

fn open_decoder(parameters: codec::Parameters) -> Option<decoder::Subtitle> {
    let mut decoder = codec::Context::from_parameters(parameters).ok()?.decoder();
    decoder.set_packet_time_base(crate::encode::ticks_base());
    decoder.subtitle().ok()
}
