//! FLV tag bodies, as RTMP carries them (Adobe FLV 10.1, E.4; Enhanced RTMP v2).
//!
//! In: a tag's body. Out: what it holds, if the codec is one we take, or the codec's name. Does not look into the
//! codec.

use bytes::Bytes;

use super::cursor::Cursor;

/// What a tag holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    /// The decoder's configuration record.
    Config(Bytes),
    /// One access unit.
    Unit {
        /// How long after decoding it is shown, in milliseconds.
        composition_ms: i32,
        /// The access unit.
        data: Bytes,
    },
    /// Nothing that matters.
    Nothing,
}

/// A tag that is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Useless {
    /// It ends too early.
    CutOff,
    /// Its codec is not taken; the codec's name.
    Codec(String),
}

/// Enhanced RTMP's packet types that are understood.
mod packet {
    pub(super) const SEQUENCE_START: u8 = 0;
    pub(super) const CODED_FRAMES: u8 = 1;
    /// Video: coded frames without a composition time, which then is zero.
    pub(super) const CODED_FRAMES_X: u8 = 3;
    pub(super) const MULTITRACK_AUDIO: u8 = 5;
    pub(super) const MULTITRACK_VIDEO: u8 = 6;
    pub(super) const MODIFIER: u8 = 7;
}

/// The body of a video tag.
pub(super) fn video(body: &Bytes) -> Result<Held, Useless> {
    let mut cursor = Cursor(body);
    let first = cursor.u8().ok_or(Useless::CutOff)?;
    let frame_type = first >> 4 & 7;
    if frame_type == 5 {
        return Ok(Held::Nothing); // a command to a player
    }
    if first & 0x80 != 0 {
        let packet = unmodified(&mut cursor, first & 0x0F)?;
        if packet == packet::MULTITRACK_VIDEO {
            return Err(Useless::Codec("multitrack video".to_owned()));
        }
        let fourcc = cursor.array::<4>().ok_or(Useless::CutOff)?;
        if &fourcc != b"avc1" {
            return Err(Useless::Codec(fourcc_name(fourcc)));
        }
        return match packet {
            packet::SEQUENCE_START => Ok(Held::Config(rest(body, &cursor))),
            packet::CODED_FRAMES => unit(body, cursor),
            packet::CODED_FRAMES_X => {
                Ok(Held::Unit { composition_ms: 0, data: rest(body, &cursor) })
            }
            _ => Ok(Held::Nothing),
        };
    }
    match first & 0x0F {
        7 => match cursor.u8().ok_or(Useless::CutOff)? {
            0 => {
                cursor.i24().ok_or(Useless::CutOff)?;
                Ok(Held::Config(rest(body, &cursor)))
            }
            1 => unit(body, cursor),
            _ => Ok(Held::Nothing),
        },
        other => Err(Useless::Codec(video_name(other))),
    }
}

/// The body of an audio tag.
pub(super) fn audio(body: &Bytes) -> Result<Held, Useless> {
    let mut cursor = Cursor(body);
    let first = cursor.u8().ok_or(Useless::CutOff)?;
    match first >> 4 {
        10 => match cursor.u8().ok_or(Useless::CutOff)? {
            0 => Ok(Held::Config(rest(body, &cursor))),
            _ => Ok(Held::Unit { composition_ms: 0, data: rest(body, &cursor) }),
        },
        9 => {
            let packet = unmodified(&mut cursor, first & 0x0F)?;
            if packet == packet::MULTITRACK_AUDIO {
                return Err(Useless::Codec("multitrack audio".to_owned()));
            }
            let fourcc = cursor.array::<4>().ok_or(Useless::CutOff)?;
            if &fourcc != b"mp4a" {
                return Err(Useless::Codec(fourcc_name(fourcc)));
            }
            match packet {
                packet::SEQUENCE_START => Ok(Held::Config(rest(body, &cursor))),
                packet::CODED_FRAMES => {
                    Ok(Held::Unit { composition_ms: 0, data: rest(body, &cursor) })
                }
                _ => Ok(Held::Nothing),
            }
        }
        other => Err(Useless::Codec(audio_name(other))),
    }
}

/// Skips the modifiers before an enhanced packet; its packet type.
fn unmodified(cursor: &mut Cursor<'_>, mut packet: u8) -> Result<u8, Useless> {
    while packet == packet::MODIFIER {
        let mut size = usize::from(cursor.u8().ok_or(Useless::CutOff)?) + 1;
        if size == 256 {
            size = usize::from(cursor.u16().ok_or(Useless::CutOff)?) + 1;
        }
        cursor.take(size).ok_or(Useless::CutOff)?;
        packet = cursor.u8().ok_or(Useless::CutOff)? & 0x0F;
    }
    Ok(packet)
}

fn unit(body: &Bytes, mut cursor: Cursor<'_>) -> Result<Held, Useless> {
    let composition_ms = cursor.i24().ok_or(Useless::CutOff)?;
    Ok(Held::Unit { composition_ms, data: rest(body, &cursor) })
}

fn rest(body: &Bytes, cursor: &Cursor<'_>) -> Bytes {
    body.slice(body.len() - cursor.0.len()..)
}

fn fourcc_name(fourcc: [u8; 4]) -> String {
    match &fourcc {
        b"hvc1" | b"hev1" => "H.265/HEVC".to_owned(),
        b"av01" => "AV1".to_owned(),
        b"vp08" => "VP8".to_owned(),
        b"vp09" => "VP9".to_owned(),
        b"vvc1" => "H.266/VVC".to_owned(),
        b"Opus" => "Opus".to_owned(),
        b"fLaC" => "FLAC".to_owned(),
        b"ac-3" => "AC-3".to_owned(),
        b"ec-3" => "E-AC-3".to_owned(),
        b".mp3" => "MP3".to_owned(),
        other => format!("codec \"{}\"", other.escape_ascii()),
    }
}

fn video_name(codec: u8) -> String {
    match codec {
        1 => "JPEG".to_owned(),
        2 => "Sorenson H.263 (FLV1)".to_owned(),
        3 | 6 => "Screen Video".to_owned(),
        4 | 5 => "VP6".to_owned(),
        9 => "MPEG-4 Visual".to_owned(),
        8 => "H.263".to_owned(),
        12 => "H.265/HEVC".to_owned(),
        13 => "AV1".to_owned(),
        other => format!("FLV video codec {other}"),
    }
}

fn audio_name(codec: u8) -> String {
    match codec {
        0 | 3 => "PCM".to_owned(),
        1 => "ADPCM".to_owned(),
        2 | 14 => "MP3".to_owned(),
        4..=6 => "Nellymoser".to_owned(),
        7 | 8 => "G.711".to_owned(),
        11 => "Speex".to_owned(),
        other => format!("FLV audio codec {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(composition_ms: i32, data: &'static [u8]) -> Result<Held, Useless> {
        Ok(Held::Unit { composition_ms, data: Bytes::from_static(data) })
    }

    #[test]
    fn both_spellings_of_h264_are_the_same() {
        let classic = Bytes::from_static(&[0x17, 1, 0xFF, 0xFF, 0xFE, 9]);
        assert_eq!(video(&classic), unit(-2, &[9]));
        let enhanced = Bytes::from_static(b"\x91avc1\x00\x00\x21\x09");
        assert_eq!(video(&enhanced), unit(33, &[9]));
        let without_time = Bytes::from_static(b"\x93avc1\x09");
        assert_eq!(video(&without_time), unit(0, &[9]));
        let modified = Bytes::from_static(b"\x97\x02abc\x03avc1\x09");
        assert_eq!(video(&modified), unit(0, &[9]));
    }

    #[test]
    fn aac_is_taken_in_both_spellings() {
        assert_eq!(audio(&Bytes::from_static(&[0xAF, 1, 9])), unit(0, &[9]));
        assert_eq!(audio(&Bytes::from_static(b"\x91mp4a\x09")), unit(0, &[9]));
        let config = Ok(Held::Config(Bytes::from_static(&[0x12, 0x10])));
        assert_eq!(audio(&Bytes::from_static(&[0xAF, 0, 0x12, 0x10])), config);
    }

    #[test]
    fn other_codecs_are_called_by_their_name() {
        let named = |name: &str| Err(Useless::Codec(name.to_owned()));
        assert_eq!(video(&Bytes::from_static(b"\x90hvc1")), named("H.265/HEVC"));
        assert_eq!(video(&Bytes::from_static(b"\x90av01")), named("AV1"));
        assert_eq!(video(&Bytes::from_static(&[0x22])), named("Sorenson H.263 (FLV1)"));
        assert_eq!(audio(&Bytes::from_static(b"\x90Opus")), named("Opus"));
        assert_eq!(audio(&Bytes::from_static(&[0x2F])), named("MP3"));
    }
}
