//! Opus packets and their identification header (RFC 6716, 3; RFC 7845, 5.1).
//!
//! In: bytes. Out: channels, and how long a packet is. Does not decode.

use bytes::Bytes;

use super::AudioRead;

/// What decoders give out, in samples per second.
pub(super) const RATE: u32 = 48_000;
/// Longer than this no packet may be (RFC 6716, 3.2.5), in samples: 120 ms.
const PACKET_SAMPLES_MAX: u32 = 5760;

/// Reads an identification header of one or two channels. `None` if it is none: more channels need a mapping that the
/// sound rendition has no use for.
pub(super) fn config(header: &Bytes) -> Option<AudioRead> {
    let rest = header.strip_prefix(b"OpusHead")?;
    let [version, channels, _, _, _, _, _, _, _, _, mapping, ..] = *rest else { return None };
    let fits = version >> 4 == 0 && (1..=2).contains(&channels) && mapping == 0;
    fits.then_some(AudioRead { sample_rate: RATE, channels, frame: None })
}

/// How many samples a packet lasts. `None` if it is empty, or longer than a packet may be.
pub(super) fn samples(packet: &[u8]) -> Option<u32> {
    let first = *packet.first()?;
    let frame = match (first >> 3, first >> 3 & 3) {
        (0..=11, size) => [480, 960, 1920, 2880][usize::from(size)],
        (12..=15, size) => [480, 960][usize::from(size & 1)],
        (_, size) => [120, 240, 480, 960][usize::from(size)],
    };
    let frames = match first & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 0x3F),
    };
    Some(frame * frames).filter(|samples| (1..=PACKET_SAMPLES_MAX).contains(samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_one_or_two_channels_are_taken() {
        let header = |channels: u8, mapping: u8| {
            let rest = [1, channels, 0x38, 1, 0x80, 0xBB, 0, 0, 0, 0, mapping];
            config(&Bytes::from([&b"OpusHead"[..], &rest].concat())).map(|read| read.channels)
        };
        assert_eq!([header(1, 0), header(2, 0), header(6, 1)], [Some(1), Some(2), None]);
        assert_eq!(config(&Bytes::from_static(b"OpusHead\x01\x02")), None);
        assert_eq!(config(&Bytes::new()), None);
    }

    #[test]
    fn packets_say_how_long_they_are() {
        assert_eq!(samples(&[0xFC]), Some(960)); // CELT, 20 ms: what FFmpeg sends
        assert_eq!(samples(&[0x78]), Some(960)); // hybrid, 20 ms
        assert_eq!(samples(&[0x83, 0x04]), Some(480)); // four of 2.5 ms
        assert_eq!(samples(&[0x1B, 0x03]), None); // 180 ms
        assert_eq!(samples(&[0xFB]), None);
        assert_eq!(samples(&[]), None);
    }
}
