//! Pictures of a file that says only when they are decoded, as AVI does: when they are shown, and where it can be cut.
//!
//! In: packets in the order they are decoded; which picture comes next. Out: its time; keyframes before which nothing
//! is shown that is decoded after them. Does not know decoders.
//!
//! As many pictures are shown as are decoded, and at the same times: the first that is shown at the first time. That
//! holds from any keyframe on that no picture overtakes. Where others stand in front of a keyframe that are decoded
//! after it, whoever begins there lacks them, and cannot know how many they are: it begins with the file.

use std::collections::VecDeque;

use super::nal::Nals;

/// Most pictures that wait to be shown (`max_dec_frame_buffering`, ITU-T H.264, E.2.1), and the one that is decoded.
const WAITING_MAX: usize = 17;
/// Of a NAL unit (ITU-T H.264, table 7-1): a slice of a picture before which nothing is shown that comes after it.
const IDR: u8 = 5;
/// Begins a picture of MPEG-4 Visual (ISO/IEC 14496-2, table 6-3), …
const VOP: u8 = 0xb6;
/// … whose first two bits say that it needs pictures on both sides (6.3.5).
const BOTH_SIDES: u8 = 2;

/// When pictures are shown.
#[derive(Debug, Default)]
pub(crate) struct Shown(VecDeque<i64>);

impl Shown {
    /// A picture is decoded at this time.
    pub(crate) fn decode(&mut self, dts: i64) {
        self.0.push_back(dts);
        // One that was never shown has left its time behind.
        if self.0.len() > WAITING_MAX {
            self.0.pop_front();
        }
    }

    /// When the next picture is shown.
    pub(crate) fn show(&mut self) -> Option<i64> {
        self.0.pop_front()
    }
}

/// How pictures are coded, as far as it is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coded {
    H264,
    Mpeg4,
    /// Nothing is known of its keyframes: it is not cut.
    Otherwise,
}

/// Finds keyframes that nothing overtakes.
#[derive(Debug)]
pub(crate) struct Closed {
    coded: Coded,
    /// A keyframe of which the next picture says it.
    open: Option<i64>,
}

impl Closed {
    pub(crate) const fn new(coded: Coded) -> Self {
        Self { coded, open: None }
    }

    /// Takes a picture, of this time; that of a keyframe nothing overtakes, as soon as it is known.
    pub(crate) fn take(&mut self, data: &[u8], is_key: bool, dts: i64) -> Option<i64> {
        match self.coded {
            Coded::H264 => {
                let is_idr = |nal: &[u8]| nal.first().is_some_and(|head| head & 0x1f == IDR);
                (is_key && Nals(data).any(is_idr)).then_some(dts)
            }
            Coded::Mpeg4 => {
                let pictures = pictures(data);
                let overtakes = pictures.first().is_none_or(|kind| *kind == BOTH_SIDES);
                // Two pictures in one packet: that behind the keyframe may be shown before it.
                let next = (is_key && pictures.len() == 1).then_some(dts);
                std::mem::replace(&mut self.open, next).filter(|_| !overtakes)
            }
            Coded::Otherwise => None,
        }
    }
}

/// What kinds of pictures of MPEG-4 Visual there are in a packet.
fn pictures(data: &[u8]) -> Vec<u8> {
    let is_vop = |five: &&[u8]| five.starts_with(&[0, 0, 1, VOP]);
    let kind = |five: &[u8]| five.last().map_or(BOTH_SIDES, |byte| byte >> 6);
    data.windows(5).filter(is_vop).map(kind).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_that_is_shown_is_shown_at_the_first_time() {
        let mut shown = Shown::default();
        [0, 10, 20].iter().for_each(|dts| shown.decode(*dts));
        assert_eq!((shown.show(), shown.show()), (Some(0), Some(10)));
        shown.decode(30);
        assert_eq!((shown.show(), shown.show(), shown.show()), (Some(20), Some(30), None));
        (0..100).for_each(|dts| shown.decode(dts));
        assert_eq!(shown.show(), Some(83), "what a decoder swallowed is not waited for");
    }

    #[test]
    fn of_h264_those_are_cut_at_that_forget_what_was_before() {
        let mut closed = Closed::new(Coded::H264);
        assert_eq!(closed.take(&[0, 0, 1, 0x67, 9, 0, 0, 1, 0x65, 9], true, 7), Some(7));
        assert_eq!(closed.take(&[0, 0, 1, 0x65, 9], false, 8), None);
        assert_eq!(closed.take(&[0, 0, 1, 0x41, 9], true, 9), None, "it merely recovers");
        assert_eq!(Closed::new(Coded::Otherwise).take(&[0, 0, 1, 0x65, 9], true, 7), None);
    }

    #[test]
    fn of_mpeg_4_those_are_cut_at_that_nothing_is_shown_before() {
        let vop = |kind: u8| vec![0, 0, 1, 0xb6, kind << 6];
        let (key, ahead, between) = (vop(0), vop(1), vop(2));
        let mut closed = Closed::new(Coded::Mpeg4);
        assert_eq!(closed.take(&key, true, 0), None);
        assert_eq!(closed.take(&ahead, false, 1), Some(0));
        assert_eq!(closed.take(&between, false, 2), None);
        assert_eq!(closed.take(&key, true, 3), None);
        assert_eq!(closed.take(&between, false, 4), None, "it is shown before that keyframe");
        assert_eq!(closed.take(&[key.clone(), between].concat(), true, 5), None);
        assert_eq!(closed.take(&ahead, false, 6), None);
        assert_eq!(closed.take(&key, true, 7), None);
        assert_eq!(closed.take(&[], false, 8), None, "nobody knows what that is");
        assert_eq!((closed.take(&key, true, 9), closed.take(&key, true, 10)), (None, Some(9)));
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(0u8..8, 0..200)) {
            for coded in [Coded::H264, Coded::Mpeg4, Coded::Otherwise] {
                let mut closed = Closed::new(coded);
                let _ = closed.take(&bytes, true, 0);
                let _ = closed.take(&bytes, false, 1);
            }
        }
    }
}
