//! A file that is read for some of its streams.
//!
//! In: a path, streams. Out: their packets, in ticks, from a place that is sought. Does not know what is in packets.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Dictionary, Packet, Rational, Rescale as _, format};

use super::raw;
use crate::encode::ticks_base;
use crate::film::config::{
    BROKEN_READS_MAX, DEMUXERS, HOUSE, KEYFRAMES_APART_MIN, KEYFRAMES_SOUGHT_MAX, PROBE_BYTES_MAX,
    PROBE_US_MAX, PROTOCOLS, PROTOCOLS_OF_HOUSE, SEEK_MARGINS, STREAMS_MAX,
};
use crate::machine::film::Fault;

/// Times beyond this are no times: sums of them would not be either.
const TIME_MAX: i64 = 1 << 50;

/// The file.
pub(super) struct File {
    path: String,
    streams: Vec<u32>,
    input: Input,
    bases: Vec<Rational>,
    broken: u64,
}

impl File {
    /// Opens it and skips all streams but these.
    pub(super) fn open(path: &str, streams: &[u32]) -> Result<Self, Fault> {
        let mut input = open(path).map_err(|error| {
            Fault::File(format!("it is no audio or video that is taken, or damaged: {error}"))
        })?;
        let bases: Vec<Rational> = input.streams().map(|stream| stream.time_base()).collect();
        let wanted: Vec<usize> = streams.iter().map(|stream| place(*stream)).collect();
        if let Some(lacking) = wanted.iter().find(|stream| **stream >= bases.len()) {
            return Err(Fault::File(format!("it has no stream {lacking}")));
        }
        raw::discard_others(&mut input, &wanted);
        Ok(Self { path: path.to_owned(), streams: streams.to_vec(), input, bases, broken: 0 })
    }

    /// One of its streams, as the demuxer has it.
    pub(super) fn stream(&self, stream: u32) -> Result<format::stream::Stream<'_>, Fault> {
        let found = self.input.stream(place(stream));
        found.ok_or_else(|| Fault::File(format!("it has no stream {stream}")))
    }

    /// How often it could not be read.
    pub(super) const fn broken(&self) -> u64 {
        self.broken
    }

    /// The next packet of the streams that are wanted, and which stream that is; its times are ticks. `None` at the
    /// end.
    pub(super) fn next(&mut self) -> Option<(u32, Packet)> {
        let mut broken = 0;
        while broken < BROKEN_READS_MAX {
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) => {
                    if let Some(stream) = self.take(&mut packet) {
                        return Some((stream, packet));
                    }
                }
                Err(ffmpeg::Error::InvalidData | ffmpeg::Error::Other { .. }) => {
                    broken += 1;
                    self.broken += 1;
                }
                Err(_) => return None,
            }
        }
        None
    }

    /// Goes to a place from which everything of this stream that is shown from a time on can be decoded: to the last
    /// keyframe that is not shown after it, or to the beginning.
    ///
    /// Some formats know where keyframes are. Others guess by when pictures are decoded, and may end up behind it.
    pub(super) fn seek_keyframe(&mut self, stream: u32, time: i64) -> Result<(), Fault> {
        for margin in SEEK_MARGINS {
            let place = time.saturating_sub(margin);
            if !self.seek(stream, place) {
                break;
            }
            if self.reaches_keyframe(stream, time) && self.seek(stream, place) {
                return Ok(());
            }
        }
        self.rewind()
    }

    /// Goes to a place where nothing of this stream has been read that is heard at a time or later.
    pub(super) fn seek_before(&mut self, stream: u32, time: i64) -> Result<(), Fault> {
        if self.seek(stream, time) { Ok(()) } else { self.rewind() }
    }

    /// Goes to the last place of this stream that is not after a time; `false`: nobody knows where it stands then.
    pub(super) fn seek(&mut self, stream: u32, ticks: i64) -> bool {
        let Some(base) = self.bases.get(place(stream)) else { return false };
        let up = ffmpeg::Rounding::Up; // the keyframe at a time is not after it
        let time = ticks.rescale_with(ticks_base(), *base, up);
        raw::seek(&mut self.input, place(stream), time)
    }

    /// Whether a keyframe comes before anything that is shown after it.
    fn reaches_keyframe(&mut self, stream: u32, time: i64) -> bool {
        while let Some((of, packet)) = self.next() {
            if of == stream && packet.is_key() {
                return time_of(&packet).is_some_and(|keyframe| keyframe <= time);
            }
            if of == stream && packet.dts().is_some_and(|dts| dts > time) {
                return false;
            }
        }
        false
    }

    /// When keyframes of a stream are shown, without what is between them; `None` where a format does not say that
    /// without being read. It may stand anywhere then.
    pub(super) fn keyframes(&mut self, stream: u32) -> Result<Option<Vec<i64>>, Fault> {
        let name = self.input.format().name().to_owned();
        let is_of = |form: &str| name.split(',').any(|one| one == form);
        if is_of("mp4") {
            return Self::open(&self.path, &[stream])?.sought_keyframes(stream);
        }
        if !is_of("matroska") {
            return Ok(None);
        }
        // It reads its cues, which stand at the end, only when they are needed. Without any it reads all.
        self.seek(stream, TIME_MAX - 1);
        let Some(base) = self.bases.get(place(stream)).copied() else { return Ok(None) };
        let known = raw::known_keyframes(&mut self.input, place(stream));
        Ok(Some(known.into_iter().map(|time| time.rescale(base, ticks_base())).collect()))
    }

    /// Tables say when pictures are decoded; when they are shown, stands with each. Of keyframes that are close to one
    /// another some are left out.
    fn sought_keyframes(mut self, stream: u32) -> Result<Option<Vec<i64>>, Fault> {
        let base = self.stream(stream)?.time_base();
        let apart = KEYFRAMES_APART_MIN.rescale(ticks_base(), base);
        let mut known = raw::known_keyframes(&mut self.input, place(stream));
        let mut last = None;
        known.retain(|time| {
            let is_next = last.is_none_or(|last| *time - last >= apart);
            last = if is_next { Some(*time) } else { last };
            is_next
        });
        if known.len() > KEYFRAMES_SOUGHT_MAX {
            return Ok(None);
        }
        let mut keyframes = Vec::new();
        for time in known {
            let is_there = raw::seek(&mut self.input, place(stream), time);
            let Some((_, packet)) = self.next().filter(|_| is_there) else { break };
            let is_one = packet.is_key() && !raw::is_hidden(&packet);
            keyframes.extend(time_of(&packet).filter(|_| is_one));
        }
        Ok(Some(keyframes))
    }

    /// Goes to the beginning, whether or not it can be sought in.
    pub(super) fn rewind(&mut self) -> Result<(), Fault> {
        let broken = self.broken;
        *self = Self::open(&self.path, &self.streams)?;
        self.broken = broken;
        Ok(())
    }

    /// Whose packet it is, if it is wanted and its times can be.
    fn take(&mut self, packet: &mut Packet) -> Option<u32> {
        let stream = u32::try_from(packet.stream()).ok();
        let stream = stream.filter(|stream| self.streams.contains(stream))?;
        packet.rescale_ts(*self.bases.get(packet.stream())?, ticks_base());
        let times = [packet.pts(), packet.dts()].into_iter().flatten();
        if times.chain([packet.duration()]).all(|time| (-TIME_MAX..TIME_MAX).contains(&time)) {
            return Some(stream);
        }
        self.broken += 1;
        None
    }
}

/// When a packet is shown; where its file does not know that, when it is decoded.
pub(super) fn time_of(packet: &Packet) -> Option<i64> {
    packet.pts().or(packet.dts())
}

fn place(stream: u32) -> usize {
    usize::try_from(stream).unwrap_or(usize::MAX)
}

fn open(path: &str) -> Result<Input, ffmpeg::Error> {
    let mut options = Dictionary::new();
    if path.starts_with(HOUSE) {
        options.set("protocol_whitelist", PROTOCOLS_OF_HOUSE);
        options.set("http_proxy", ""); // whatever the environment says
    } else {
        options.set("protocol_whitelist", PROTOCOLS);
    }
    options.set("format_whitelist", DEMUXERS);
    options.set("probesize", &PROBE_BYTES_MAX.to_string());
    options.set("analyzeduration", &PROBE_US_MAX.to_string());
    options.set("max_streams", &(STREAMS_MAX + 1).to_string());
    format::input_with_dictionary(path, options)
}
