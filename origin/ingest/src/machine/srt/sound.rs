//! Sound as a transport stream carries it: frames that say themselves how long they are, several to a PES packet and
//! some across two.
//!
//! In: the data of PES packets. Out: frames with their times, and a configuration record when it is new. Does not know
//! packets.

use bytes::Bytes;
use shared_media::{AudioCodec, TICKS_PER_SECOND};

use crate::machine::codec::{self, Header};

/// One frame, or news about those that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// The configuration record.
    Config(Bytes),
    /// A frame, and its time: 33 bits.
    Frame(u64, Bytes),
    /// Bytes that are no frame.
    Malformed,
}

/// One audio stream.
#[derive(Debug)]
pub(super) struct Audio {
    pub(super) codec: AudioCodec,
    /// Opus: the record, which the program map states.
    stated: Option<Bytes>,
    record: Option<Bytes>,
    /// The beginning of a frame whose end comes with the next PES packet, and its time.
    open: Vec<u8>,
    open_at: u64,
}

impl Audio {
    pub(super) const fn new(codec: AudioCodec, stated: Option<Bytes>) -> Self {
        Self { codec, stated, record: None, open: Vec::new(), open_at: 0 }
    }

    /// What came before is lost: no frame goes on.
    pub(super) fn lose(&mut self) {
        self.open.clear();
    }

    /// Takes a PES packet apart. Its time is that of the first frame that begins in it (2.4.3.7).
    pub(super) fn take(&mut self, pts: u64, data: &[u8]) -> Vec<Heard> {
        let mut heard = Vec::new();
        let carried = self.open.len();
        let mut bytes = std::mem::take(&mut self.open);
        bytes.extend_from_slice(data);
        let mut rest = &bytes[..];
        let mut at = if carried > 0 { self.open_at } else { pts };
        let mut damaged = false;
        while !rest.is_empty() {
            let (skip, length, samples, rate, record) = match self.frame(rest) {
                Header::Frame { skip, length, samples, rate, record } => {
                    (skip, length, samples, rate, record)
                }
                Header::CutOff => {
                    (self.open, self.open_at) = (rest.to_vec(), at);
                    break;
                }
                Header::Nothing => {
                    damaged = true;
                    rest = &rest[1..];
                    continue;
                }
            };
            if self.record.as_ref() != Some(&record) {
                self.record = Some(record.clone());
                heard.push(Heard::Config(record));
            }
            heard.push(Heard::Frame(at, Bytes::copy_from_slice(&rest[skip..length])));
            let was_carried = bytes.len() - rest.len() < carried;
            rest = &rest[length..];
            let span =
                u64::from(samples) * TICKS_PER_SECOND.unsigned_abs() / u64::from(rate.max(1));
            at = if was_carried { pts } else { at + span };
        }
        heard.extend(damaged.then_some(Heard::Malformed));
        heard
    }

    fn frame(&self, bytes: &[u8]) -> Header {
        match (self.codec, &self.stated) {
            (AudioCodec::Aac, _) => codec::adts(bytes),
            (AudioCodec::Mpeg, _) => codec::mpeg_audio(bytes),
            (AudioCodec::Opus, Some(record)) => opus(bytes, record),
            (AudioCodec::Opus, None) => Header::Nothing,
        }
    }
}

/// An Opus packet behind its control header (ETSI TS 103 491 as FFmpeg writes it: `opus_control_header`).
fn opus(bytes: &[u8], record: &Bytes) -> Header {
    let [a, b, sizes @ ..] = bytes else { return Header::CutOff };
    if *a != 0x7F || b & 0xE0 != 0xE0 {
        return Header::Nothing;
    }
    let Some(last) = sizes.iter().position(|size| *size != 0xFF) else { return Header::CutOff };
    let size = 255 * last + usize::from(sizes[last]);
    let mut skip = 2 + last + 1;
    skip += 2 * usize::from(b & 0x10 != 0) + 2 * usize::from(b & 0x08 != 0); // trimming
    if b & 0x04 != 0 {
        let Some(extension) = bytes.get(skip) else { return Header::CutOff };
        skip += 1 + usize::from(*extension);
    }
    let length = skip + size;
    let Some(packet) = bytes.get(skip..length) else { return Header::CutOff };
    match codec::sound(AudioCodec::Opus, packet) {
        Some((samples, rate)) => {
            Header::Frame { skip, length, samples, rate, record: record.clone() }
        }
        None => Header::Nothing,
    }
}

/// The identification header of an Opus stream of which the program map says only how many channels it has.
pub(super) fn opus_record(channels: u8) -> Option<Bytes> {
    let rate = 48_000_u32.to_le_bytes();
    let fits = (1..=2).contains(&channels);
    fits.then(|| [&b"OpusHead\x01"[..], &[channels, 0, 0], &rate, &[0, 0, 0]].concat().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ADTS frame of AAC-LC, 48 kHz, stereo, with four bytes in it.
    const ADTS: [u8; 11] = [0xFF, 0xF1, 0x4C, 0x80, 0x01, 0x7F, 0xFC, 1, 2, 3, 4];

    fn frames(heard: &[Heard]) -> Vec<u64> {
        let at = |heard: &Heard| match heard {
            Heard::Frame(at, data) => {
                assert_eq!(data[..], [1, 2, 3, 4]);
                Some(*at)
            }
            _ => None,
        };
        heard.iter().filter_map(at).collect()
    }

    #[test]
    fn frames_across_packets_keep_their_times() {
        let mut audio = Audio::new(AudioCodec::Aac, None);
        let three = ADTS.repeat(3);
        let first = audio.take(9000, &three[..25]);
        assert_eq!(first[0], Heard::Config(Bytes::from_static(&[0x11, 0x90])));
        assert_eq!(frames(&first), [9000, 10_920]);
        let second = audio.take(14_760, &[&three[25..], &ADTS].concat());
        assert_eq!(frames(&second), [12_840, 14_760]);
        audio.take(20_000, &three[..5]);
        audio.lose();
        assert_eq!(frames(&audio.take(30_000, &ADTS)), [30_000]);
    }

    #[test]
    fn noise_before_a_frame_is_skipped_and_told() {
        let mut audio = Audio::new(AudioCodec::Aac, None);
        let heard = audio.take(0, &[&[0, 7, 0xFF, 0][..], &ADTS].concat());
        assert_eq!((frames(&heard), heard.last()), (vec![0], Some(&Heard::Malformed)));
    }

    #[test]
    fn opus_packets_are_found_behind_their_control_headers() {
        let record = opus_record(2).expect("two channels");
        let mut audio = Audio::new(AudioCodec::Opus, Some(record));
        let packet = [&[0x7F, 0xE0, 3, 0xFC, 1, 2][..], &[0x7F, 0xF0, 2, 0, 9, 0xFC, 3]].concat();
        let heard = audio.take(90, &packet);
        let expected = [
            Heard::Frame(90, Bytes::from_static(&[0xFC, 1, 2])),
            Heard::Frame(1890, Bytes::from_static(&[0xFC, 3])),
        ];
        assert_eq!(heard[1..], expected);
    }
}
