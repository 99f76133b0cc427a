//! Where captions stand in an access unit.
//!
//! In: hostile bytes. Out: triplets; the same unit with triplets. Does not know what they mean.
//!
//! All of them stand before a picture's first slice, so nothing is looked at from there on. What a unit may ask of us
//! is bounded: so many NAL units, so many bytes of each, so many triplets.

use bytes::Bytes;

use super::Triplet;
use crate::{Obu, VideoCodec};

/// Most triplets of a picture: eight messages full.
pub const TRIPLETS_MAX: usize = 8 * MESSAGE_TRIPLETS_MAX;
/// Most triplets of a message: their count has five bits.
const MESSAGE_TRIPLETS_MAX: usize = 31;
/// Most NAL units or OBUs before a picture that are looked at.
const PIECES_MAX: usize = 64;
/// Most bytes of a NAL unit that are looked at.
const SEI_BYTES_MAX: usize = 16 << 10;

/// `payloadType` of a user data message registered by ITU-T T.35 (ITU-T H.264, D.1.1; H.265, D.2.1).
const REGISTERED: usize = 4;
/// `metadata_type` of the same in AV1 (6.7.1).
const ITUT_T35: u8 = 4;
/// The United States, ATSC, its identifier, and the type of what follows: `cc_data` (A/53 part 4, 6.2.3.1).
const CC_DATA: [u8; 8] = [0xB5, 0x00, 0x31, b'G', b'A', b'9', b'4', 0x03];

/// The triplets that stand beside a picture, in their order. Whatever is malformed has none.
#[must_use]
pub fn read(codec: VideoCodec, unit: &[u8]) -> Vec<Triplet> {
    let mut found = Vec::new();
    for piece in pieces(codec, unit).take(PIECES_MAX) {
        match piece.role {
            Role::Picture => break,
            Role::Messages(body) => each_message(&unescaped(body), &mut found),
            Role::Metadata(body) => {
                if let Some((&ITUT_T35, message)) = body.split_first() {
                    take_message(message, &mut found);
                }
            }
            Role::Other => {}
        }
    }
    found
}

/// A unit with these triplets before its picture, behind those it has; as it is if it has no picture.
#[must_use]
pub fn write(codec: VideoCodec, unit: Bytes, triplets: &[Triplet]) -> Bytes {
    if triplets.is_empty() {
        return unit;
    }
    let mut pieces = pieces(codec, &unit).take(PIECES_MAX);
    let picture = pieces.find(|piece| matches!(piece.role, Role::Picture)).map(|piece| piece.at);
    let Some((before, after)) = picture.and_then(|at| unit.split_at_checked(at)) else {
        return unit.clone();
    };
    let message = message(codec, triplets);
    let mut out = Vec::with_capacity(unit.len() + message.len() + 4);
    out.extend_from_slice(before);
    if codec != VideoCodec::Av1 {
        out.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    }
    out.extend_from_slice(&message);
    out.extend_from_slice(after);
    out.into()
}

/// What carries these triplets, [`TRIPLETS_MAX`] at most: a NAL unit without length or start code, or OBUs.
#[must_use]
pub fn message(codec: VideoCodec, triplets: &[Triplet]) -> Vec<u8> {
    let triplets = &triplets[..triplets.len().min(TRIPLETS_MAX)];
    let payloads = triplets.chunks(MESSAGE_TRIPLETS_MAX).map(payload);
    // A payload has 104 bytes at most, so its size is one byte everywhere.
    let size = |payload: &[u8]| u8::try_from(payload.len()).unwrap_or(u8::MAX);
    if codec == VideoCodec::Av1 {
        // An OBU of metadata with its size, then the trailing bit (AV1, 5.3.2 and 5.8).
        let obu = |payload: Vec<u8>| {
            [&[0x2A, size(&payload) + 2, ITUT_T35][..], &payload, &[0x80]].concat()
        };
        return payloads.flat_map(obu).collect();
    }
    let head: &[u8] = if codec == VideoCodec::Avc { &[6] } else { &[39 << 1, 1] };
    let mut rbsp = Vec::new();
    for payload in payloads {
        rbsp.extend([4, size(&payload)]);
        rbsp.extend(payload);
    }
    rbsp.push(0x80);
    escaped(head, &rbsp)
}

/// The message by T.35: that its triplets are to be processed, and how many they are.
fn payload(triplets: &[Triplet]) -> Vec<u8> {
    let count = u8::try_from(triplets.len()).unwrap_or_default();
    [&CC_DATA[..], &[0xC0 | count, 0xFF], triplets.as_flattened(), &[0xFF]].concat()
}

/// A NAL unit or OBU, and where it begins.
struct Piece<'a> {
    at: usize,
    role: Role<'a>,
}

enum Role<'a> {
    /// An SEI, behind its header.
    Messages(&'a [u8]),
    /// An OBU of metadata, behind its header.
    Metadata(&'a [u8]),
    /// Slices, or frames.
    Picture,
    Other,
}

fn pieces(codec: VideoCodec, unit: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = unit.get(at..).filter(|rest| !rest.is_empty())?;
        let (role, length) = match codec {
            VideoCodec::Avc | VideoCodec::Hevc => nal(codec, rest)?,
            VideoCodec::Av1 => obu(rest)?,
        };
        let piece = Piece { at, role };
        at += length;
        Some(piece)
    })
}

/// The NAL unit in front, and how long it is with its length.
fn nal(codec: VideoCodec, rest: &[u8]) -> Option<(Role<'_>, usize)> {
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let nal = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let first = nal.first().copied().unwrap_or_default();
    let (picture, sei, head) = match codec {
        VideoCodec::Avc => (matches!(first & 0x1F, 1..=5), first & 0x1F == 6, 1),
        // Types below 32 are slices (ITU-T H.265, table 7-1), 39 is an SEI before them.
        _ => (first >> 1 & 0x3F < 32, first >> 1 & 0x3F == 39, 2),
    };
    let role = match nal.get(head..) {
        Some(body) if sei => Role::Messages(body),
        Some(_) if picture => Role::Picture,
        _ => Role::Other,
    };
    Some((role, 4 + nal.len()))
}

/// The OBU in front, and how long it is as a whole.
fn obu(rest: &[u8]) -> Option<(Role<'_>, usize)> {
    let Obu { kind, payload, length } = Obu::first(rest)?;
    let role = match kind {
        3 | 4 | 6 => Role::Picture, // a frame's header, tiles, a frame
        5 => Role::Metadata(payload),
        _ => Role::Other,
    };
    Some((role, length))
}

/// Without the bytes that keep start codes out (ITU-T H.264, 7.3.1), as far as it is looked at.
fn unescaped(body: &[u8]) -> Vec<u8> {
    let mut zeros = 0;
    let kept = body.iter().take(SEI_BYTES_MAX).filter(move |byte| {
        let is_kept = !(zeros >= 2 && **byte == 3);
        zeros = if **byte == 0 { zeros + 1 } else { 0 };
        is_kept
    });
    kept.copied().collect()
}

/// A NAL unit of this header and payload.
fn escaped(head: &[u8], rbsp: &[u8]) -> Vec<u8> {
    let mut out = head.to_vec();
    let mut zeros = 0;
    for byte in rbsp {
        if zeros >= 2 && *byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        out.push(*byte);
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
    }
    out
}

/// The messages of an SEI (ITU-T H.264, 7.3.2.3.1). Its trailing bits are no message: nothing follows them.
fn each_message(mut rbsp: &[u8], found: &mut Vec<Triplet>) {
    while let Some((kind, rest)) = number(rbsp)
        && let Some((size, rest)) = number(rest)
        && let Some((payload, rest)) = rest.split_at_checked(size)
    {
        if kind == REGISTERED {
            take_message(payload, found);
        }
        rbsp = rest;
    }
}

/// A number in bytes that are added up to the first that is not 255.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let full = bytes.iter().take_while(|byte| **byte == 0xFF).count();
    let (last, rest) = bytes.get(full..)?.split_first()?;
    Some((full * 0xFF + usize::from(*last), rest))
}

/// The triplets of a message by T.35, if it has any.
fn take_message(message: &[u8], found: &mut Vec<Triplet>) {
    let Some([flags, _, triplets @ ..]) = message.strip_prefix(&CC_DATA) else { return };
    if flags & 0x40 != 0 {
        let room = TRIPLETS_MAX.saturating_sub(found.len());
        let count = usize::from(flags & 0x1F).min(room);
        found.extend(triplets.as_chunks::<3>().0.iter().take(count));
    }
}

#[cfg(test)]
mod tests;
