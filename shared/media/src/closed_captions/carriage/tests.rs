//! Units with messages as libx264 writes them, and as nobody should.
//!
//! In: bytes, many of them hostile. Out: the triplets that are read of them. Does not know captions.

use proptest::prelude::*;

use super::*;

const CODECS: [VideoCodec; 3] = [VideoCodec::Avc, VideoCodec::Hevc, VideoCodec::Av1];

/// A message as libx264 writes it: two triplets, the second of which has zeros that are kept apart.
const OF_X264: [u8; 21] = [
    0x06, 0x04, 0x11, 0xB5, 0x00, 0x31, 0x47, 0x41, 0x39, 0x34, 0x03, 0xC2, 0xFF, 0xFC, 0x94, 0x2C,
    0xF9, 0x00, 0x00, 0xFF, 0x80,
];

/// A unit of these NAL units, or OBUs without their size.
fn unit(codec: VideoCodec, pieces: &[&[u8]]) -> Bytes {
    let mut unit = Vec::new();
    for piece in pieces {
        if codec == VideoCodec::Av1 {
            unit.extend([piece[0], u8::try_from(piece.len() - 1).unwrap()]);
            unit.extend_from_slice(&piece[1..]);
        } else {
            unit.extend_from_slice(&u32::try_from(piece.len()).unwrap().to_be_bytes());
            unit.extend_from_slice(piece);
        }
    }
    unit.into()
}

/// A picture of this codec, and something that may stand before it.
fn picture(codec: VideoCodec) -> (&'static [u8], &'static [u8]) {
    match codec {
        VideoCodec::Avc => (&[0x67, 66, 0], &[0x65, 1, 2, 3]),
        VideoCodec::Hevc => (&[0x42, 1, 7], &[0x26, 1, 9, 9]),
        VideoCodec::Av1 => (&[0x0A, 5, 5], &[0x32, 7, 7]),
    }
}

#[test]
fn a_message_of_libx264_is_read() {
    let codec = VideoCodec::Avc;
    let (_, slice) = picture(codec);
    let found = read(codec, &unit(codec, &[&[0x09, 0xF0], &OF_X264, slice]));
    assert_eq!(found, [[0xFC, 0x94, 0x2C], [0xF9, 0, 0]]);
    assert_eq!(read(codec, &unit(codec, &[slice, &OF_X264])), [[0; 3]; 0], "behind the picture");
    assert_eq!(message(codec, &found), OF_X264);
}

#[test]
fn messages_beside_others_are_found_and_bytes_that_keep_start_codes_out_are_not_theirs() {
    let codec = VideoCodec::Avc;
    let (_, slice) = picture(codec);
    // User data of 300 bytes that are not registered; three zeros in a row in a triplet; another country.
    let mut sei = vec![6, 5, 0xFF, 45];
    sei.extend([0xAA; 300]);
    sei.extend([4, 17, 0xB5, 0, 0x31, b'G', b'A', b'9', b'4', 3, 0xC2, 0xFF]);
    sei.extend([0xFC, 0, 0, 3, 0, 0x80, 0x80, 0xFF]);
    sei.extend([4, 3, 0xB4, 0, 0x31, 0x80]);
    let found = read(codec, &unit(codec, &[&sei, &OF_X264, slice]));
    assert_eq!(found, [[0xFC, 0, 0], [0, 0x80, 0x80], [0xFC, 0x94, 0x2C], [0xF9, 0, 0]]);
}

#[test]
fn what_is_not_to_be_processed_or_is_cut_off_has_none() {
    let codec = VideoCodec::Avc;
    let (_, slice) = picture(codec);
    let none: [Triplet; 0] = [];
    let mut not_processed = OF_X264;
    not_processed[11] = 0x82;
    let (mut longer, mut other) = (OF_X264, OF_X264);
    longer[2] = 0x13; // the message is said to be longer than the unit
    other[7] = b'X';
    for sei in [not_processed, longer, other] {
        assert_eq!(read(codec, &unit(codec, &[&sei, slice])), none);
    }
    let mut counted = OF_X264;
    counted[11] = 0xDF; // 31 are promised, two are there
    assert_eq!(read(codec, &unit(codec, &[&counted, slice])).len(), 2);
}

#[test]
fn a_unit_asks_for_no_more_than_is_bounded() {
    for codec in CODECS {
        let (_, slice) = picture(codec);
        let many = message(codec, &[[0xFC, 0x80, 0x80]; TRIPLETS_MAX]);
        let mut whole = Vec::new();
        for _ in 0..3 {
            if codec != VideoCodec::Av1 {
                whole.extend_from_slice(&u32::try_from(many.len()).unwrap().to_be_bytes());
            }
            whole.extend_from_slice(&many);
        }
        whole.extend_from_slice(&unit(codec, &[slice]));
        assert_eq!(read(codec, &whole).len(), TRIPLETS_MAX);
        let far: Vec<&[u8]> = std::iter::repeat_n(picture(codec).0, PIECES_MAX).collect();
        let far = unit(codec, &[far, vec![slice]].concat());
        assert_eq!(write(codec, far.clone(), &[[0xFC, 0x80, 0x80]]), far);
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        triplets in proptest::collection::vec(any::<Triplet>(), 0..=TRIPLETS_MAX),
        more in proptest::collection::vec(any::<Triplet>(), 0..=4),
        zeros in any::<bool>(),
    ) {
        let zeroed = |triplets: Vec<Triplet>| match zeros {
            true => triplets.iter().map(|one| one.map(|byte| byte & 3)).collect(),
            false => triplets,
        };
        let (triplets, more) = (zeroed(triplets), zeroed(more));
        for codec in CODECS {
            let (head, slice) = picture(codec);
            let plain = unit(codec, &[head, slice]);
            let once = write(codec, plain.clone(), &triplets);
            prop_assert_eq!(&read(codec, &once), &triplets);
            prop_assert!(once.ends_with(&unit(codec, &[slice])));
            prop_assert!(once.starts_with(&unit(codec, &[head])));
            prop_assert_eq!(triplets.is_empty(), once == plain);
            let both = read(codec, &write(codec, once, &more));
            let all = [triplets.clone(), more.clone()].concat();
            prop_assert_eq!(&both[..], &all[..all.len().min(TRIPLETS_MAX)]);
            // Nothing in it is a start code.
            let message = message(codec, &triplets);
            let is_code = |window: &[u8]| window[..2] == [0, 0] && window[2] < 3;
            prop_assert!(codec == VideoCodec::Av1 || !message.windows(3).any(is_code));
        }
    }

    #[test]
    fn wherever_a_unit_is_cut_off_it_is_read_up_to_there(
        triplets in proptest::collection::vec(any::<Triplet>(), 1..40),
        cut in 0..=1000_usize,
    ) {
        for codec in CODECS {
            let (head, slice) = picture(codec);
            let whole = write(codec, unit(codec, &[head, slice]), &triplets);
            let cut = whole.len() * cut / 1000;
            prop_assert!(triplets.starts_with(&read(codec, &whole[..cut])));
        }
    }

    #[test]
    fn hostile_bytes_never_panic(
        bytes in proptest::collection::vec(
            prop_oneof![any::<u8>(), 0u8..8, Just(0x06), Just(0xFF), Just(0x2A)], 0..300
        ),
        triplets in proptest::collection::vec(any::<Triplet>(), 0..3),
    ) {
        for codec in CODECS {
            prop_assert!(read(codec, &bytes).len() <= TRIPLETS_MAX);
            let unit = Bytes::copy_from_slice(&bytes);
            prop_assert!(write(codec, unit.clone(), &triplets).len() >= unit.len());
            let mut behind = OF_X264.to_vec();
            behind.extend_from_slice(&bytes);
            let _ = read(codec, &self::unit(VideoCodec::Avc, &[&behind]));
        }
    }
}
