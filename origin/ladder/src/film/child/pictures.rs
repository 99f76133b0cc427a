//! The pictures of a film: decoded once for all rungs that are encoded, passed on for those that are not.
//!
//! In: a file. Out: access units of every rung. Does not know sounds.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::{self, threading};
use ffmpeg_next::frame::Video as Frame;
use ffmpeg_next::{Dictionary, Packet, decoder};
use shared_media::{Rational, Ticks};

use super::Lane;
use super::cascade::Cascade;
use super::copied::{self, Span};
use super::file::File;
use super::filter::{self, Filter, Range};
use super::index;
use super::out::{End, Out};
use super::raw;
use crate::encode::drawer::Look;
use crate::encode::pictures::take_captions;
use crate::encode::{Trouble, ticks_base};
use crate::film::config::{DECODE_ERRORS_MAX, FILTER_RUN_IN, SIDE_MAX};
use crate::film::{Job, Pictures as Asked};
use crate::machine::cuts::Cuts;
use crate::machine::film::Fault;
use crate::machine::frame::FromChild;
use crate::machine::untimed::{Closed, Coded, Shown};

/// For rate control, where nobody knows how many pictures a second has.
const USUAL_RATE: Rational = Rational { num: 30, den: 1 };

/// The lane of pictures.
pub(super) struct Pictures {
    file: File,
    begin: i64,
    come: i64,
    copied: Vec<(u8, copied::Pictures)>,
    /// What copies say before their first unit.
    configs: Vec<(u8, shared_media::TrackConfig)>,
    drawing: Option<Drawing>,
}

impl Pictures {
    pub(super) fn open(path: &str, job: &Job, asked: &Asked) -> Result<Self, Fault> {
        let mut file = File::open(path, &[asked.stream])?;
        let parameters = file.stream(asked.stream)?.parameters();
        let (span, id) = (span(job), parameters.id());
        let (mut copied, mut configs) = (Vec::new(), Vec::new());
        for (index, _) in (0..).zip(&job.rungs).filter(|(_, rung)| rung.is_copy) {
            if parameters.id() != codec::Id::H264 {
                return Err(Fault::File("its pictures are no H.264, which alone is copied".into()));
            }
            let (told, mut said) = (raw::told(&parameters), Vec::new());
            let copy = copied::Pictures::new(index, span, &told, job.frame_rate, &mut said)?;
            copied.push((index, copy));
            configs.extend(said.into_iter().map(|config| (index, config)));
        }
        let [standard, kept] = [false, true].map(|keeps_range| Side::new(job, keeps_range));
        let sides = (standard?, kept?);
        let drawing = match sides.0.cascade.is_empty() && sides.1.cascade.is_empty() {
            true => None,
            false => Some(Drawing::open(parameters, job, asked, sides)?),
        };
        if job.from > 0 {
            let from = job.begin + job.from;
            file.seek_keyframe(asked.stream, from)?;
            if asked.is_untimed {
                match is_closed(&mut file, index::coded(id)) {
                    true => file.seek_keyframe(asked.stream, from)?,
                    false => file.rewind()?,
                }
            }
        }
        Ok(Self { file, begin: job.begin, come: job.from, copied, configs, drawing })
    }

    fn take(&mut self, packet: &Packet, out: &mut Out<'_>) -> Result<(), End> {
        if let Some(time) = packet.dts().or(packet.pts()) {
            self.come = self.come.max(time - self.begin);
        }
        for (_, copy) in &mut self.copied {
            copy.take(packet, out)?;
        }
        match &mut self.drawing {
            Some(drawing) if !drawing.is_done => drawing.take(packet, out),
            _ => Ok(()),
        }
    }

    fn is_done(&self) -> bool {
        self.copied.iter().all(|(_, copy)| copy.is_done())
            && self.drawing.as_ref().is_none_or(|drawing| drawing.is_done)
    }

    fn finish(&mut self, out: &mut Out<'_>) -> Result<(), End> {
        out.left_out(self.file.broken());
        for (_, copy) in &self.copied {
            out.left_out(copy.left_out);
        }
        match &mut self.drawing {
            Some(drawing) => drawing.finish(out),
            None => Ok(()),
        }
    }
}

impl Lane for Pictures {
    fn come(&self) -> i64 {
        self.come
    }

    fn step(&mut self, out: &mut Out<'_>) -> Result<bool, End> {
        for (index, config) in self.configs.drain(..) {
            out.config(index, config)?;
        }
        if let Some((_, packet)) = self.file.next() {
            self.take(&packet, out)?;
            if !self.is_done() {
                return Ok(true);
            }
        }
        self.finish(out)?;
        Ok(false)
    }
}

/// Whether no picture overtakes the keyframe that comes first. It reads on.
fn is_closed(file: &mut File, coded: Coded) -> bool {
    let mut closed = Closed::new(coded);
    let first = [file.next(), file.next()];
    first.into_iter().flatten().any(|(_, packet)| {
        let data = packet.data().unwrap_or_default();
        closed.take(data, packet.is_key(), packet.dts().unwrap_or_default()).is_some()
    })
}

/// What of a file a job is about.
pub(super) fn span(job: &Job) -> Span {
    Span { begin: job.begin, from: job.from, until: job.until.unwrap_or(i64::MAX) }
}

/// Decodes, filters, and hands pictures to the rungs.
struct Drawing {
    decoder: decoder::Video,
    asked: Asked,
    threads: u8,
    span: Span,
    filter: Option<Filter>,
    standard: Side,
    /// The rungs that keep the film's range.
    kept: Side,
    rate: (Rational, Option<Rational>),
    /// The latest picture that came out of the decoder.
    last: Option<i64>,
    /// When pictures are shown, where the file says only when they are decoded.
    untimed: Option<Shown>,
    tally: Tally,
    said: Vec<FromChild>,
    is_done: bool,
}

/// The rungs of one range, and where they are cut: all at the same pictures.
struct Side {
    cascade: Cascade,
    cuts: Cuts,
}

impl Side {
    fn new(job: &Job, keeps_range: bool) -> Result<Self, Fault> {
        Ok(Self { cascade: Cascade::new(job, keeps_range)?, cuts: Cuts::new(&job.cuts) })
    }
}

/// What became of packets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) packets: u64,
    /// Of which the decoder made nothing.
    pub(super) failed: u64,
    /// What it made.
    pub(super) decoded: u64,
    /// What it made, but for a time that was taken.
    pub(super) late: u64,
}

impl Tally {
    /// Whether the decoder made enough of what it was given.
    pub(super) fn judge(&self, what: &str) -> Result<(), Fault> {
        let Self { packets, failed, decoded, .. } = self;
        if *packets > 0 && (*decoded == 0 || failed * 2 > *packets) {
            let reason = format!("its {what} does not decode: {failed} of {packets} packets fail");
            return Err(Fault::File(reason));
        }
        Ok(())
    }
}

impl Drawing {
    fn open(
        parameters: codec::Parameters,
        job: &Job,
        asked: &Asked,
        (standard, kept): (Side, Side),
    ) -> Result<Self, Fault> {
        Ok(Self {
            decoder: open_decoder(parameters, job.threads)?,
            asked: asked.clone(),
            threads: job.threads,
            span: span(job),
            filter: None,
            standard,
            kept,
            rate: (job.frame_rate.unwrap_or(USUAL_RATE), job.frame_rate),
            last: None,
            untimed: asked.is_untimed.then(Shown::default),
            tally: Tally::default(),
            said: Vec::new(),
            is_done: false,
        })
    }

    fn take(&mut self, packet: &Packet, out: &mut Out<'_>) -> Result<(), End> {
        self.tally.packets += 1;
        match (self.decoder.send_packet(packet), &mut self.untimed) {
            (Ok(()), Some(shown)) => packet.dts().into_iter().for_each(|dts| shown.decode(dts)),
            (Ok(()), None) => {}
            (Err(_), _) => self.tally.failed += 1,
        }
        self.receive(out)
    }

    /// Delivers everything, and judges.
    fn finish(&mut self, out: &mut Out<'_>) -> Result<(), End> {
        if !self.is_done {
            // Refused only if it is at its end already.
            let _ = self.decoder.send_eof();
            self.receive(out)?;
        }
        self.change_filter(None, out)?;
        self.standard.cascade.finish(&mut self.said);
        self.kept.cascade.finish(&mut self.said);
        out.deliver(&mut self.said, |_| true)?;
        out.left_out(self.tally.failed + self.tally.late);
        Ok(self.tally.judge("video")?)
    }

    fn receive(&mut self, out: &mut Out<'_>) -> Result<(), End> {
        let mut errors = 0;
        while !self.is_done && errors < DECODE_ERRORS_MAX {
            let mut picture = Frame::empty();
            match self.decoder.receive_frame(&mut picture) {
                Ok(()) => self.decoded(picture, out)?,
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN }) => {
                    break;
                }
                Err(_) => errors += 1,
            }
        }
        self.tally.failed += errors;
        Ok(())
    }

    /// The next picture in the order they are shown. The first behind the span ends it.
    fn decoded(&mut self, mut picture: Frame, out: &mut Out<'_>) -> Result<(), End> {
        self.tally.decoded += 1;
        let time = match &mut self.untimed {
            Some(shown) => shown.show(),
            None => picture.pts().or_else(|| picture.timestamp()),
        };
        let Some(pts) = time.map(|time| time.saturating_sub(self.span.begin)) else {
            self.tally.late += 1;
            return Ok(());
        };
        if self.last.is_some_and(|last| pts <= last) {
            self.tally.late += 1;
            return Ok(());
        }
        self.last = Some(pts);
        picture.set_pts(Some(pts));
        self.is_done = pts >= self.span.until;
        if !filter::is_needed(&self.asked) && !self.keeps_range() {
            return self.show(Range::Standard, &mut picture, out);
        }
        // A filter that makes one picture of two fields looks at those before and behind it.
        let looks_around = self.asked.deinterlace && pts >= self.span.from - FILTER_RUN_IN;
        if looks_around || (self.span.from..self.span.until).contains(&pts) {
            self.filter(&picture, out)?;
        }
        Ok(())
    }

    fn keeps_range(&self) -> bool {
        !self.kept.cascade.is_empty()
    }

    fn filter(&mut self, picture: &Frame, out: &mut Out<'_>) -> Result<(), End> {
        if !self.filter.as_ref().is_some_and(|filter| filter.fits(picture)) {
            let filter = Filter::new(picture, &self.asked, self.keeps_range(), self.threads)?;
            self.change_filter(Some(filter), out)?;
        }
        let Some(filter) = &mut self.filter else { return Ok(()) };
        if filter.push(picture).is_err() {
            self.tally.failed += 1;
        }
        self.pull(out)
    }

    /// Takes what the filter still holds, and puts another in its place.
    fn change_filter(&mut self, other: Option<Filter>, out: &mut Out<'_>) -> Result<(), End> {
        if let Some(filter) = &mut self.filter {
            filter.finish();
            self.pull(out)?;
        }
        self.filter = other;
        Ok(())
    }

    fn pull(&mut self, out: &mut Out<'_>) -> Result<(), End> {
        for range in [Range::Standard, Range::Kept] {
            while let Some(mut picture) = self.filter.as_mut().and_then(|one| one.pull(range)) {
                self.show(range, &mut picture, out)?;
            }
        }
        Ok(())
    }

    /// Draws a picture of the span in all rungs of a range.
    fn show(&mut self, range: Range, picture: &mut Frame, out: &mut Out<'_>) -> Result<(), End> {
        let Some(pts) = picture.pts() else { return Ok(()) };
        if !(self.span.from..self.span.until).contains(&pts) {
            return Ok(());
        }
        let captions = take_captions(picture);
        let (frame_rate, stated_rate) = self.rate;
        let side = match range {
            Range::Standard => &mut self.standard,
            Range::Kept => &mut self.kept,
        };
        let look = Look {
            cut: side.cuts.is_at(pts),
            pts: Ticks(pts),
            frame_rate,
            stated_rate,
            captions: &captions,
        };
        look.mark(picture);
        match side.cascade.draw(picture, look, &mut self.said) {
            Ok(()) => {}
            Err(Trouble::Media) => self.tally.failed += 1,
            Err(Trouble::Encoder(error)) => return Err(Fault::Lack(error.to_string()).into()),
        }
        out.deliver(&mut self.said, |_| true)
    }
}

/// A decoder whose packets come in ticks. Threads share a picture: where each has one of its own, what they make of
/// damaged ones depends on which is first.
fn open_decoder(parameters: codec::Parameters, threads: u8) -> Result<decoder::Video, Fault> {
    let name = parameters.id().name();
    let refused = |error: ffmpeg::Error| Fault::File(format!("its video ({name}): {error}"));
    let mut context = codec::Context::from_parameters(parameters).map_err(refused)?;
    let mut by_slice = threading::Config::count(usize::from(threads.max(1)));
    by_slice.kind = threading::Type::Slice;
    context.set_threading(by_slice);
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(ticks_base());
    let lacking = || refused(ffmpeg::Error::DecoderNotFound);
    let found = decoder::find(decoder.id()).ok_or_else(lacking)?;
    // A stream may grow on its way: what its file says of its size binds no decoder.
    let pixels_max = (u64::from(SIDE_MAX) * u64::from(SIDE_MAX)).to_string();
    let options = Dictionary::from_iter([("max_pixels", pixels_max.as_str())]);
    decoder.open_as_with(found, options).and_then(|opened| opened.video()).map_err(refused)
}
