//! Captions of each kind, and what is none.
//!
//! In: triplets made by hand, or at random. Out: the names of channels and services. Does not know where they stand.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

/// With odd parity, as the second and third byte of a triplet.
fn odd(byte: u8) -> u8 {
    if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte }
}

/// Two bytes of a field of line 21.
fn line_21(field: u8, a: u8, b: u8) -> Triplet {
    [0xFC | field, odd(a), odd(b)]
}

/// A packet of CEA-708 with these blocks.
fn packet(blocks: &[u8]) -> Vec<Triplet> {
    let mut bytes = vec![u8::try_from(blocks.len() / 2 + 1).unwrap()];
    bytes.extend_from_slice(blocks);
    bytes.resize(usize::from(bytes[0]) * 2, 0);
    let pairs = bytes.chunks(2).enumerate();
    pairs.map(|(at, pair)| [if at == 0 { 0xFF } else { 0xFE }, pair[0], pair[1]]).collect()
}

/// A picture with these triplets.
fn picture(pts: i64, dts: i64, triplets: &[Triplet]) -> AccessUnit {
    let slice = Bytes::from_static(&[0, 0, 0, 2, 0x41, 1]);
    let data = carriage::write(VideoCodec::Avc, slice, triplets);
    AccessUnit { pts: Ticks(pts), dts: Ticks(dts), keyframe: false, data }
}

fn names(triplets: &[Triplet]) -> Vec<String> {
    let mut listener = Listener::default();
    for (at, triplets) in (0..).zip(triplets.chunks(31)) {
        listener.take(VideoCodec::Avc, &picture(at, at, triplets));
    }
    listener.heard().names().collect()
}

#[test]
fn channels_are_those_whose_captions_begin() {
    let none: [&str; 0] = [];
    // Padding, erasing, text mode, characters, and extended data, which begins below the commands.
    let idle = [(0, 0), (0x14, 0x2C), (0x14, 0x2A), (0x14, 0x2B), (0x48, 0x49), (0x01, 0x03)];
    let idle: Vec<Triplet> =
        [0, 1].iter().flat_map(|field| idle.map(|(a, b)| line_21(*field, a, b))).collect();
    assert_eq!(names(&idle), none);
    assert_eq!(names(&[line_21(0, 0x14, 0x20)]), ["CC1"]); // pop-on
    assert_eq!(names(&[line_21(0, 0x1C, 0x25)]), ["CC2"]); // roll-up
    assert_eq!(names(&[line_21(1, 0x15, 0x29)]), ["CC3"]); // paint-on
    assert_eq!(names(&[line_21(1, 0x1D, 0x2F), line_21(0, 0x14, 0x27)]), ["CC1", "CC4"]);
    assert_eq!(names(&[line_21(1, 0x14, 0x20)]), ["CC3"], "as many encoders have it");
    let [head, a, b] = line_21(0, 0x14, 0x20);
    assert_eq!(names(&[[head, a ^ 0x80, b]]), none, "a byte that was damaged");
    assert_eq!(names(&[[0xF8, a, b]]), none, "not valid");
}

#[test]
fn services_are_those_with_blocks_that_are_not_empty() {
    let none: [&str; 0] = [];
    assert_eq!(names(&packet(&[1 << 5 | 2, b'h', b'i'])), ["SERVICE1"]);
    let several = [1 << 5 | 1, b'a', 6 << 5 | 1, b'b', 7 << 5 | 1, 63, b'c', 7 << 5 | 1, 7, b'd'];
    assert_eq!(names(&packet(&several)), ["SERVICE1", "SERVICE6", "SERVICE7", "SERVICE63"]);
    for blocks in [
        &[1 << 5][..],                // of nothing
        &[0, 1 << 5 | 1, b'a'],       // behind the end
        &[7 << 5 | 1, 3, b'a'],       // an extended number that is none
        &[1 << 5 | 9, b'a', 0, 0, 0], // longer than the packet
    ] {
        assert_eq!(names(&packet(blocks)), none, "{blocks:x?}");
    }
    let whole = packet(&[1 << 5 | 4, b'a', b'b', b'c', b'd']);
    assert_eq!(names(&whole[1..]), none, "its beginning is lost");
    let cut_off = [&whole[..2], &packet(&[2 << 5 | 1, b'a'])].concat();
    assert_eq!(names(&cut_off), ["SERVICE2"]);
}

#[test]
fn a_packet_goes_over_pictures_in_the_order_they_are_shown() {
    let parts = packet(&[3 << 5 | 6, 1, 2, 3, 4, 5, 6, 5 << 5 | 1, 9]);
    assert_eq!(parts.len(), 5);
    // Shown as 0 1 2 3 4, decoded as 0 4 2 1 3.
    let decoded = [(0, -2), (4, -1), (2, 0), (1, 1), (3, 2)];
    let mut listener = Listener::default();
    for (pts, dts) in decoded {
        let part = parts[usize::try_from(pts).unwrap()];
        listener.take(VideoCodec::Avc, &picture(pts, dts, &[part]));
    }
    assert!(listener.heard().is_empty(), "what comes before the last may still come");
    listener.take(VideoCodec::Avc, &picture(5, 4, &[]));
    assert_eq!(listener.heard().names().collect::<Vec<_>>(), ["SERVICE3", "SERVICE5"]);
}

proptest! {
    #[test]
    fn whatever_comes_little_is_kept(
        pictures in proptest::collection::vec(
            (any::<i32>(), any::<i32>(), proptest::collection::vec(any::<Triplet>(), 0..9)), 0..60
        )
    ) {
        let mut listener = Listener::default();
        let mut before = Channels::default();
        for (pts, dts, triplets) in pictures {
            listener.take(VideoCodec::Avc, &picture(pts.into(), dts.into(), &triplets));
            prop_assert!(listener.waiting.len() <= WAITING_MAX && listener.packet.len() < 128);
            prop_assert_eq!(listener.heard().and(before), listener.heard(), "nothing is forgotten");
            before = listener.heard();
            prop_assert_eq!(before.is_empty(), before.names().next().is_none());
        }
    }
}
