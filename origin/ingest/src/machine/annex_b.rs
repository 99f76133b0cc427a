//! Pictures as transport streams and RTP bring them: NAL units behind start codes, parameter sets among them.
//!
//! In: access units, as live encoders send them. Out: the access unit with NAL lengths, and a configuration record when
//! the parameter sets are new. Does not know packets.

use bytes::{BufMut, Bytes, BytesMut};
use shared_media::VideoCodec;

use crate::machine::codec;

/// What an access unit brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pictures {
    /// The configuration record, where it is another than before.
    pub(super) record: Option<Bytes>,
    /// The access unit; `None` if it has no NAL unit but parameter sets.
    pub(super) data: Option<Bytes>,
}

/// One video stream.
#[derive(Debug)]
pub(super) struct Video {
    pub(super) codec: VideoCodec,
    /// The parameter sets in force: of each kind those that came last. H.264 has no first kind.
    sets: [Vec<Vec<u8>>; 3],
    record: Option<Bytes>,
}

impl Video {
    pub(super) const fn new(codec: VideoCodec) -> Self {
        Self { codec, sets: [Vec::new(), Vec::new(), Vec::new()], record: None }
    }

    /// Takes an access unit apart.
    pub(super) fn take(&mut self, annex_b: &[u8]) -> Pictures {
        let mut data = BytesMut::with_capacity(annex_b.len() + 16);
        let mut came: [Vec<Vec<u8>>; 3] = Default::default();
        for nal in nals(annex_b) {
            match self.role(nal) {
                Role::Set(kind) => came[kind].push(nal.to_vec()),
                Role::Media => {
                    data.put_u32(u32::try_from(nal.len()).unwrap_or(u32::MAX));
                    data.put_slice(nal);
                }
                Role::Nothing => {}
            }
        }
        for (sets, came) in self.sets.iter_mut().zip(came) {
            if !came.is_empty() {
                *sets = came;
            }
        }
        let made = codec::record(self.codec, &self.sets);
        let record = made.filter(|made| self.record.as_ref() != Some(made));
        if record.is_some() {
            self.record.clone_from(&record);
        }
        Pictures { record, data: (!data.is_empty()).then(|| data.freeze()) }
    }

    fn role(&self, nal: &[u8]) -> Role {
        let Some(first) = nal.first() else { return Role::Nothing };
        match self.codec {
            VideoCodec::Avc => match first & 0x1F {
                7 => Role::Set(1),
                8 => Role::Set(2),
                9 | 12 => Role::Nothing, // delimiter, filler
                _ => Role::Media,
            },
            _ => match first >> 1 & 0x3F {
                kind @ 32..=34 => Role::Set(usize::from(kind - 32)),
                35 | 38 => Role::Nothing,
                _ => Role::Media,
            },
        }
    }
}

enum Role {
    Set(usize),
    Media,
    Nothing,
}

/// The NAL units between start codes (ITU-T H.264 and H.265, annex B), without the zeros behind them.
fn nals(annex_b: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(annex_b);
    std::iter::from_fn(move || {
        let nal = rest?;
        let end = memchr::memmem::find(nal, &[0, 0, 1]);
        rest = end.and_then(|end| after_start_code(&nal[end..]));
        let nal = end.map_or(nal, |end| &nal[..end]);
        let kept = nal.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        Some(&nal[..kept])
    })
}

fn after_start_code(bytes: &[u8]) -> Option<&[u8]> {
    memchr::memmem::find(bytes, &[0, 0, 1]).and_then(|at| bytes.get(at + 3..))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::codec::samples::HEVC_SETS;

    #[test]
    fn an_access_unit_is_split_into_its_record_and_its_picture() {
        let (vps, sps, pps) = HEVC_SETS;
        let code = &[0, 0, 0, 1][..];
        let unit =
            [code, &[0x46, 1, 0x50], code, vps, code, sps, code, pps, &[0, 0, 1], &[0x28, 1, 9, 0]];
        let mut video = Video::new(VideoCodec::Hevc);
        let first = video.take(&unit.concat());
        assert_eq!(first.data.as_deref(), Some(&[0, 0, 0, 3, 0x28, 1, 9][..]));
        assert!(first.record.is_some());
        assert_eq!(video.take(&unit.concat()).record, None, "the same again is no news");
        assert_eq!(
            video.take(&[0, 0, 1, 2, 1, 9]).data.as_deref(),
            Some(&[0, 0, 0, 3, 2, 1, 9][..])
        );
        assert_eq!(video.take(b"no start code").data, None);
    }
}
