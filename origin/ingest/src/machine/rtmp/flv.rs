//! FLV tag bodies, as RTMP carries them (Adobe FLV 10.1, E.4; Enhanced RTMP v2).
//!
//! In: a tag. Out: what it holds of each track, with its codec. Does not look into the codec.

use bytes::Bytes;
use shared_media::{AudioCodec, Ticks, VideoCodec};

use super::session::Tag;
use crate::machine::arrival::{Arrival, Held, Stamp};
use crate::machine::cursor::Cursor;

/// Enhanced RTMP's packet types that are understood. Those of video and of audio are numbered alike but for one.
mod packet {
    pub(super) const SEQUENCE_START: u8 = 0;
    pub(super) const CODED_FRAMES: u8 = 1;
    /// Video: coded frames without a composition time, which then is zero.
    pub(super) const CODED_FRAMES_X: u8 = 3;
    pub(super) const MULTITRACK_AUDIO: u8 = 5;
    pub(super) const MULTITRACK_VIDEO: u8 = 6;
    pub(super) const MODIFIER: u8 = 7;
}

/// How a multitrack packet is laid out.
mod layout {
    pub(super) const ONE_TRACK: u8 = 0;
    pub(super) const MANY_TRACKS_MANY_CODECS: u8 = 2;
}

/// Tracks in one tag that are read.
const TRACKS_MAX: usize = 32;

/// What one track's part of an enhanced tag says.
struct Packet {
    kind: u8,
    fourcc: [u8; 4],
    track: u8,
    body: Bytes,
}

/// What a video tag holds: nothing, or something of each track in it.
#[must_use]
pub fn video(tag: &Tag) -> Vec<Arrival<VideoCodec>> {
    let at = Stamp::Millis(tag.timestamp_ms);
    match video_tracks(&tag.body) {
        Some(tracks) => {
            tracks.into_iter().map(|(track, held)| Arrival { track, at, held }).collect()
        }
        None => vec![Arrival { track: 0, at, held: Held::Malformed }],
    }
}

/// What an audio tag holds: nothing, or something of each track in it.
#[must_use]
pub fn audio(tag: &Tag) -> Vec<Arrival<AudioCodec>> {
    let at = Stamp::Millis(tag.timestamp_ms);
    match audio_tracks(&tag.body) {
        Some(tracks) => {
            tracks.into_iter().map(|(track, held)| Arrival { track, at, held }).collect()
        }
        None => vec![Arrival { track: 0, at, held: Held::Malformed }],
    }
}

/// `None` if the tag ends too early.
fn video_tracks(body: &Bytes) -> Option<Vec<(u8, Held<VideoCodec>)>> {
    let mut cursor = Cursor(body);
    let first = cursor.u8()?;
    if first >> 4 & 7 == 5 {
        return Some(Vec::new()); // a command to a player
    }
    if first & 0x80 == 0 {
        let codec = match first & 0x0F {
            7 => VideoCodec::Avc,
            12 => VideoCodec::Hevc, // agreed on by encoders before the enhanced form was
            other => return Some(vec![(0, Held::Foreign(video_name(other)))]),
        };
        let kind = cursor.u8()?;
        let composition = cursor.i24()?;
        let data = rest(body, &cursor);
        return Some(match kind {
            0 => vec![(0, Held::Config(codec, data))],
            1 => vec![(0, unit(codec, composition, data))],
            _ => Vec::new(),
        });
    }
    let packets = packets(body, cursor, first & 0x0F, packet::MULTITRACK_VIDEO)?;
    let held = packets.into_iter().map(|packet| Some((packet.track, video_packet(packet)?)));
    let held: Option<Vec<_>> = held.collect();
    Some(held?.into_iter().filter_map(|(track, held)| Some((track, held?))).collect())
}

/// Outer `None`: it ends too early; inner `None`: it is nothing that matters.
fn video_packet(packet: Packet) -> Option<Option<Held<VideoCodec>>> {
    let codec = match &packet.fourcc {
        b"avc1" => VideoCodec::Avc,
        b"hvc1" => VideoCodec::Hevc,
        b"av01" => VideoCodec::Av1,
        other => return Some(Some(Held::Foreign(fourcc_name(*other)))),
    };
    let body = packet.body;
    Some(match packet.kind {
        packet::SEQUENCE_START => Some(Held::Config(codec, body)),
        // AV1 has no composition time in either form.
        packet::CODED_FRAMES if codec != VideoCodec::Av1 => {
            let mut cursor = Cursor(&body);
            let composition = cursor.i24()?;
            Some(unit(codec, composition, rest(&body, &cursor)))
        }
        packet::CODED_FRAMES | packet::CODED_FRAMES_X => Some(unit(codec, 0, body)),
        _ => None,
    })
}

/// `None` if the tag ends too early.
fn audio_tracks(body: &Bytes) -> Option<Vec<(u8, Held<AudioCodec>)>> {
    let mut cursor = Cursor(body);
    let first = cursor.u8()?;
    match first >> 4 {
        10 => {
            let kind = cursor.u8()?;
            let (codec, data) = (AudioCodec::Aac, rest(body, &cursor));
            Some(vec![(
                0,
                if kind == 0 { Held::Config(codec, data) } else { unit(codec, 0, data) },
            )])
        }
        9 => {
            let packets = packets(body, cursor, first & 0x0F, packet::MULTITRACK_AUDIO)?;
            let held = packets.into_iter().map(|packet| (packet.track, audio_packet(packet)));
            Some(held.filter_map(|(track, held)| Some((track, held?))).collect())
        }
        other => Some(vec![(0, Held::Foreign(audio_name(other)))]),
    }
}

fn audio_packet(packet: Packet) -> Option<Held<AudioCodec>> {
    let codec = match &packet.fourcc {
        b"mp4a" => AudioCodec::Aac,
        b"Opus" => AudioCodec::Opus,
        other => return Some(Held::Foreign(fourcc_name(*other))),
    };
    match packet.kind {
        packet::SEQUENCE_START => Some(Held::Config(codec, packet.body)),
        packet::CODED_FRAMES => Some(unit(codec, 0, packet.body)),
        _ => None,
    }
}

/// Takes an enhanced tag apart, behind its first byte. `None` if it ends too early.
fn packets(body: &Bytes, mut cursor: Cursor<'_>, kind: u8, multitrack: u8) -> Option<Vec<Packet>> {
    let mut kind = unmodified(&mut cursor, kind)?;
    if kind != multitrack {
        let fourcc = cursor.array::<4>()?;
        return Some(vec![Packet { kind, fourcc, track: 0, body: rest(body, &cursor) }]);
    }
    let form = cursor.u8()?;
    kind = form & 0x0F;
    let layout = form >> 4;
    if layout > layout::MANY_TRACKS_MANY_CODECS {
        return Some(Vec::new()); // of a later version
    }
    let mut fourcc = [0; 4];
    if layout != layout::MANY_TRACKS_MANY_CODECS {
        fourcc = cursor.array()?;
    }
    let mut packets = Vec::new();
    while !cursor.0.is_empty() && packets.len() < TRACKS_MAX {
        if layout == layout::MANY_TRACKS_MANY_CODECS {
            fourcc = cursor.array()?;
        }
        let track = cursor.u8()?;
        let size = match layout {
            layout::ONE_TRACK => cursor.0.len(),
            _ => usize::try_from(cursor.u24()?).ok()?,
        };
        let begin = body.len() - cursor.0.len();
        cursor.take(size)?;
        packets.push(Packet { kind, fourcc, track, body: body.slice(begin..begin + size) });
    }
    Some(packets)
}

/// Skips the modifiers before an enhanced packet; its packet type.
fn unmodified(cursor: &mut Cursor<'_>, mut packet: u8) -> Option<u8> {
    while packet == packet::MODIFIER {
        let mut size = usize::from(cursor.u8()?) + 1;
        if size == 256 {
            size = usize::from(cursor.u16()?) + 1;
        }
        cursor.take(size)?;
        packet = cursor.u8()? & 0x0F;
    }
    Some(packet)
}

fn unit<C>(codec: C, composition_ms: i32, data: Bytes) -> Held<C> {
    Held::Unit { codec, composition: Ticks::from_millis(composition_ms.into()), data }
}

fn rest(body: &Bytes, cursor: &Cursor<'_>) -> Bytes {
    body.slice(body.len() - cursor.0.len()..)
}

fn fourcc_name(fourcc: [u8; 4]) -> String {
    match &fourcc {
        b"vp08" => "VP8".to_owned(),
        b"vp09" => "VP9".to_owned(),
        b"vvc1" => "H.266/VVC".to_owned(),
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

    fn tag(body: &[u8]) -> Tag {
        Tag { timestamp_ms: 7, body: Bytes::copy_from_slice(body) }
    }

    fn pictures(body: &[u8]) -> Vec<(u8, Held<VideoCodec>)> {
        video(&tag(body)).into_iter().map(|arrival| (arrival.track, arrival.held)).collect()
    }

    fn sounds(body: &[u8]) -> Vec<(u8, Held<AudioCodec>)> {
        audio(&tag(body)).into_iter().map(|arrival| (arrival.track, arrival.held)).collect()
    }

    fn unit<C>(codec: C, composition_ms: i32, data: &'static [u8]) -> Held<C> {
        super::unit(codec, composition_ms, Bytes::from_static(data))
    }

    #[test]
    fn both_spellings_of_h264_are_the_same() {
        use VideoCodec::Avc;
        let classic = [0x17, 1, 0xFF, 0xFF, 0xFE, 9];
        assert_eq!(pictures(&classic), [(0, unit(Avc, -2, &[9]))]);
        assert_eq!(pictures(b"\x91avc1\x00\x00\x21\x09"), [(0, unit(Avc, 33, &[9]))]);
        assert_eq!(pictures(b"\x93avc1\x09"), [(0, unit(Avc, 0, &[9]))]);
        assert_eq!(pictures(b"\x97\x02abc\x03avc1\x09"), [(0, unit(Avc, 0, &[9]))]);
    }

    #[test]
    fn newer_codecs_are_taken() {
        use VideoCodec::{Av1, Hevc};
        assert_eq!(pictures(b"\x91hvc1\x00\x00\x21\x09"), [(0, unit(Hevc, 33, &[9]))]);
        assert_eq!(pictures(&[0x1C, 1, 0, 0, 0x21, 9]), [(0, unit(Hevc, 33, &[9]))]);
        assert_eq!(pictures(b"\x91av01\x09"), [(0, unit(Av1, 0, &[9]))]);
        let config = Held::Config(AudioCodec::Opus, Bytes::from_static(b"OpusHead"));
        assert_eq!(sounds(b"\x90OpusOpusHead"), [(0, config)]);
        assert_eq!(pictures(b"\xD4hvc1\x02\x00\x09colorInfo"), [], "a command");
        assert_eq!(pictures(b"\x94hvc1\x02\x00\x09colorInfo"), [], "a description of colours");
    }

    #[test]
    fn aac_is_taken_in_both_spellings() {
        use AudioCodec::Aac;
        assert_eq!(sounds(&[0xAF, 1, 9]), [(0, unit(Aac, 0, &[9]))]);
        assert_eq!(sounds(b"\x91mp4a\x09"), [(0, unit(Aac, 0, &[9]))]);
        let config = Held::Config(Aac, Bytes::from_static(&[0x12, 0x10]));
        assert_eq!(sounds(&[0xAF, 0, 0x12, 0x10]), [(0, config)]);
    }

    #[test]
    fn several_tracks_in_one_tag_are_told_apart() {
        use AudioCodec::{Aac, Opus};
        assert_eq!(sounds(b"\x95\x01mp4a\x03\x09"), [(3, unit(Aac, 0, &[9]))]);
        let many = b"\x95\x11mp4a\x00\x00\x00\x01\x09\x01\x00\x00\x02\x08\x08";
        assert_eq!(sounds(many), [(0, unit(Aac, 0, &[9])), (1, unit(Aac, 0, &[8, 8]))]);
        let mixed = b"\x95\x21mp4a\x00\x00\x00\x01\x09Opus\x01\x00\x00\x01\x08";
        assert_eq!(sounds(mixed), [(0, unit(Aac, 0, &[9])), (1, unit(Opus, 0, &[8]))]);
        let picture = b"\x96\x13hvc1\x05\x00\x00\x01\x09";
        assert_eq!(pictures(picture), [(5, unit(VideoCodec::Hevc, 0, &[9]))]);
        assert_eq!(sounds(&many[..12]), [(0, Held::Malformed)]);
        assert_eq!(sounds(b"\x95\x31mp4a\x00"), [], "of a later version");
    }

    #[test]
    fn other_codecs_are_called_by_their_name() {
        assert_eq!(pictures(b"\x90vp09"), [(0, Held::Foreign("VP9".to_owned()))]);
        assert_eq!(pictures(&[0x22]), [(0, Held::Foreign("Sorenson H.263 (FLV1)".to_owned()))]);
        assert_eq!(sounds(b"\x90fLaC"), [(0, Held::Foreign("FLAC".to_owned()))]);
        assert_eq!(sounds(&[0x2F]), [(0, Held::Foreign("MP3".to_owned()))]);
    }

    #[test]
    fn what_ends_too_early_is_malformed() {
        for whole in [&b"\x91hvc1\x00\x00\x21"[..], b"\x96\x13hvc1\x05\x00\x00\x01\x09"] {
            for end in 0..whole.len() {
                let found = pictures(&whole[..end]);
                let is_whole = end == 6 && whole[1] == 0x13; // no track is named yet
                assert_eq!(found == [(0, Held::Malformed)], !is_whole, "{end}: {found:?}");
            }
        }
    }
}
