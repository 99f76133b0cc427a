//! When things are shown in a file.
//!
//! In: its packets, none of which is decoded. Out: the index. Does not know what it is for.
//!
//! A large file is not read through where its format tells of keyframes, for somebody may wait for the film: what comes
//! of it is the same each time, but keyframes that it does not tell of are missing.

use std::collections::BTreeMap;
use std::fs;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::Packet;
use ffmpeg_next::codec::Id;
use ffmpeg_next::codec::packet::side_data::Type as Side;
use shared_media::{Rational, Ticks};

use super::file::{File, time_of};
use super::out::{End, Out};
use super::raw;
use crate::film::Index;
use crate::film::config::{EARLY, EARLY_APART_MAX, HEAD, KEYFRAMES_APART_MAX, LENGTH_MAX};
use crate::machine::film::Fault;
use crate::machine::untimed::{Closed, Coded};

/// What is kept within.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Keyframes that are taken.
    pub(super) keyframes_max: u32,
    /// Bytes of a file that is read through in any case.
    pub(super) whole_bytes_max: u64,
}

/// Reads a file: all of it, or as much as is needed.
pub(super) fn index(
    path: &str,
    streams: &[u32],
    pictures: Option<u32>,
    limits: Limits,
    out: &mut Out<'_>,
) -> Result<Index, End> {
    let mut file = File::open(path, streams)?;
    let mut rates = BTreeMap::new();
    for stream in streams {
        rates.insert(*stream, raw::told(&file.stream(*stream)?.parameters()).rate);
    }
    let rate = pictures.map(|stream| file.stream(stream)).transpose()?;
    let frame_rate = rate.and_then(|stream| frame_rate(stream.avg_frame_rate(), stream.rate()));
    let keyframes_max = usize::try_from(limits.keyframes_max).unwrap_or(usize::MAX);
    let mut seen = Seen::of(pictures.map(|stream| file.stream(stream)).transpose()?);
    let is_large = fs::metadata(path).is_ok_and(|told| told.len() > limits.whole_bytes_max);
    let mut skips = pictures.filter(|_| is_large);
    while let Some((stream, packet)) = file.next() {
        let is_picture = Some(stream) == pictures;
        let shown = if is_picture { frame_rate.map(picture_ticks) } else { None };
        seen.take(&packet, is_picture, rates.get(&stream).copied(), shown.unwrap_or_default());
        let has_head = is_picture && seen.has_head(&packet);
        if let Some(stream) = skips.take_if(|_| has_head)
            && !seen.skip(&mut file, stream)?
        {
            file.rewind()?;
            seen = Seen::of(pictures.map(|stream| file.stream(stream)).transpose()?);
        }
        if seen.keyframes.len() > keyframes_max {
            let reason = format!("it has more than {keyframes_max} keyframes");
            return Err(Fault::File(reason).into());
        }
        let come = seen.span.map_or(0, |(begin, end)| end - begin);
        out.progress(Ticks(come))?;
    }
    Ok(seen.index(frame_rate)?)
}

/// How pictures of a codec are read, where their file does not say when they are shown.
pub(super) const fn coded(codec: Id) -> Coded {
    match codec {
        Id::H264 => Coded::H264,
        Id::MPEG4 => Coded::Mpeg4,
        _ => Coded::Otherwise,
    }
}

struct Seen {
    /// From the first thing shown to the end of the last.
    span: Option<(i64, i64)>,
    keyframes: Vec<i64>,
    /// Pictures of the beginning, in the order of the file.
    early: Vec<i64>,
    pictures: u64,
    /// The file says when pictures are decoded alone, and can be cut at these keyframes.
    untimed: Option<Vec<i64>>,
    closed: Closed,
}

impl Seen {
    fn of(pictures: Option<ffmpeg::format::stream::Stream<'_>>) -> Self {
        let coded = pictures.map(|stream| coded(stream.parameters().id()));
        let closed = Closed::new(coded.unwrap_or(Coded::Otherwise));
        let (keyframes, early) = (Vec::new(), Vec::new());
        Self { span: None, keyframes, early, pictures: 0, untimed: None, closed }
    }

    /// Takes a packet of a stream with so many samples per second, if it is sound; `shown` is how long it is shown
    /// where it does not say so.
    fn take(&mut self, packet: &Packet, is_picture: bool, rate: Option<u32>, shown: i64) {
        self.pictures += u64::from(is_picture);
        let Some(time) = time_of(packet).filter(|_| !raw::is_hidden(packet)) else { return };
        let duration = Some(packet.duration()).filter(|duration| *duration > 0).unwrap_or(shown);
        // What an encoder puts in front of the first sample is decoded and not heard.
        let begin = time + unheard(packet, rate.unwrap_or_default()).min(duration);
        let end = time + duration;
        let (first, last) = self.span.unwrap_or((begin, end));
        self.span = Some((first.min(begin), last.max(end)));
        if is_picture && packet.is_key() {
            self.keyframes.push(time);
            if self.pictures == 1 && packet.pts().is_none() {
                self.untimed = Some(Vec::new());
            }
        }
        let is_early = self.keyframes.first().is_some_and(|first| time - first <= EARLY);
        if is_picture && is_early {
            self.early.push(time);
        }
        if let Some(keyframes) = self.untimed.as_mut().filter(|_| is_picture) {
            let data = packet.data().unwrap_or_default();
            keyframes.extend(self.closed.take(data, packet.is_key(), time));
        }
    }

    /// Whether the beginning was read, with this packet of the pictures.
    fn has_head(&self, packet: &Packet) -> bool {
        let begin = self.span.map(|(begin, _)| begin);
        let time = packet.dts().or(packet.pts());
        begin.zip(time).is_some_and(|(begin, time)| time - begin >= HEAD)
    }

    /// Takes the keyframes that a file tells of, and goes to the last; `false` if it tells too little.
    fn skip(&mut self, file: &mut File, stream: u32) -> Result<bool, Fault> {
        if self.untimed.is_some() {
            return Ok(false);
        }
        let Some(mut told) = file.keyframes(stream)? else { return Ok(false) };
        told.sort_unstable();
        let last_seen = self.keyframes.iter().max().copied().unwrap_or(i64::MIN);
        let mut known = told.iter().take_while(|time| **time <= last_seen);
        let is_true = known.all(|time| self.keyframes.contains(time));
        self.keyframes.extend(told);
        self.keyframes.sort_unstable();
        let is_close = |pair: &[i64]| pair[1] - pair[0] <= KEYFRAMES_APART_MAX;
        let is_enough = is_true && self.keyframes.windows(2).all(is_close);
        Ok(is_enough && self.keyframes.last().is_some_and(|last| file.seek(stream, *last)))
    }

    /// The first pictures in the order in which they are shown, up to the first gap.
    fn early(&mut self, begin: i64) -> Vec<Ticks> {
        let mut early = std::mem::take(&mut self.early);
        early.sort_unstable();
        early.dedup();
        let is_close = |one: &i64, next: &i64| next - one <= EARLY_APART_MAX;
        let close = early.chunk_by(is_close).next().unwrap_or_default();
        close.iter().map(|time| Ticks(time - begin)).collect()
    }

    fn index(mut self, frame_rate: Option<Rational>) -> Result<Index, Fault> {
        let (begin, end) =
            self.span.ok_or_else(|| Fault::File("nothing is shown in it".to_owned()))?;
        if end - begin > LENGTH_MAX {
            return Err(Fault::File("it lasts more than two days".to_owned()));
        }
        let is_untimed = self.untimed.is_some();
        let early = if is_untimed { Vec::new() } else { self.early(begin) };
        let mut keyframes = self.untimed.take().unwrap_or(self.keyframes);
        keyframes.sort_unstable();
        keyframes.dedup();
        Ok(Index {
            begin: Ticks(begin),
            length: Ticks(end - begin),
            keyframes: keyframes.into_iter().map(|time| Ticks(time - begin)).collect(),
            early,
            pictures: self.pictures,
            frame_rate,
            is_untimed,
        })
    }
}

/// How much of a packet's beginning is not heard, in ticks: its first four bytes say how many samples.
fn unheard(packet: &Packet, rate: u32) -> i64 {
    let skipped = packet.side_data().find(|data| data.kind() == Side::SkipSamples);
    let samples = skipped.and_then(|data| data.data().first_chunk().copied());
    let samples = i64::from(samples.map_or(0, u32::from_le_bytes));
    (samples * shared_media::TICKS_PER_SECOND).checked_div(i64::from(rate)).unwrap_or_default()
}

/// The base is the least that all times fit: where it is the average but for rounding it is the true rate.
fn frame_rate(average: ffmpeg::Rational, base: ffmpeg::Rational) -> Option<Rational> {
    let rate = |rate: ffmpeg::Rational| {
        let num = u32::try_from(rate.numerator()).ok().filter(|num| *num > 0)?;
        let den = u32::try_from(rate.denominator()).ok().filter(|den| *den > 0)?;
        Some(Rational { num, den })
    };
    match (rate(average), rate(base)) {
        (Some(average), Some(base)) => {
            let off = (average.as_f64() - base.as_f64()).abs();
            Some(if off < average.as_f64() / 100.0 { base } else { average })
        }
        (average, base) => average.or(base),
    }
}

fn picture_ticks(rate: Rational) -> i64 {
    shared_media::TICKS_PER_SECOND * i64::from(rate.den) / i64::from(rate.num.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_the_rate_where_pictures_come_at_it() {
        let rate = |average: (i32, i32), base: (i32, i32)| {
            let ratio = |(num, den)| ffmpeg::Rational::new(num, den);
            frame_rate(ratio(average), ratio(base)).map(|rate| (rate.num, rate.den))
        };
        assert_eq!(rate((2997, 100), (30_000, 1001)), Some((30_000, 1001)));
        assert_eq!(rate((18, 1), (90_000, 1)), Some((18, 1)), "pictures come as they like");
        assert_eq!(rate((0, 0), (25, 1)), Some((25, 1)));
        assert_eq!(rate((0, 1), (0, 0)), None);
    }
}
