//! Timed metadata in media: an event message box before a fragment.
//!
//! In: an ID3 tag, and when it is for. Out: bytes. Version 1 (ISO/IEC 23009-1, 5.10.3.3.3) with a time of the track's
//! own, so that it is the same in every rendition; scheme and use are those of "Carriage of ID3 Timed Metadata in the
//! Common Media Application Format" (AOMedia, 2020).

use bytes::Bytes;
use mp4_atom::{Emsg, EmsgTimestamp, Encode as _};
use shared_media::{TICKS_PER_SECOND, Ticks};

/// Says that the message is an ID3 tag.
const SCHEME: &str = "https://aomedia.org/emsg/ID3";
/// A moment: how long it lasts is not known, and means nothing.
const DURATION_UNKNOWN: u32 = u32::MAX;

/// The box of an ID3 tag for a time, which must not lie before the show. `id` is another for each.
#[must_use]
pub fn id3(id: u32, at: Ticks, tag: &[u8]) -> Option<Bytes> {
    let message = Emsg {
        timescale: u32::try_from(TICKS_PER_SECOND).ok()?,
        presentation_time: EmsgTimestamp::Absolute(u64::try_from(at.0).ok()?),
        event_duration: DURATION_UNKNOWN,
        id,
        scheme_id_uri: SCHEME.to_owned(),
        value: String::new(),
        message_data: tag.to_vec(),
    };
    let mut bytes = Vec::with_capacity(64 + tag.len());
    message.encode(&mut bytes).ok()?;
    Some(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_the_box_is_where_it_belongs() {
        let at = Ticks(1 << 40);
        let bytes = id3(7, at, b"ID3 and so on").unwrap();
        let head = [
            &[0, 0, 0, 75][..],
            b"emsg\x01\0\0\0",
            &90_000_u32.to_be_bytes(),
            &(1_u64 << 40).to_be_bytes(),
            &[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 7],
            b"https://aomedia.org/emsg/ID3\0\0ID3 and so on",
        ];
        assert_eq!(&bytes[..], &head.concat()[..]);
        assert_eq!(id3(7, Ticks(-1), b""), None);
    }
}
