//! Whole connections: good ones in any portions, broken ones in any way.
//!
//! In: bytes. Out: nothing. Does not know what is inside the machines.

use proptest::prelude::*;
use shared_media::TrackKind;

use super::*;
use crate::machine::portions::portions;
use crate::machine::rtmp::samples::connection;
use crate::{Error, Refusal};

fn at_once(bytes: &[u8]) -> Outcome {
    rehearse(Config::default(), [bytes], 0)
}

/// What may not depend on how bytes arrive. What is said may: acknowledgements count what has come.
fn lasting(outcome: Outcome) -> Outcome {
    Outcome { said: Vec::new(), ..outcome }
}

#[test]
fn a_connection_comes_to_its_media() {
    let outcome = at_once(&connection());
    assert_eq!(outcome.key, Some(StreamKey::new("secret")));
    assert_eq!(outcome.closing, Some(Closing::Unpublished));
    let kinds = outcome.publications.iter().map(|publication| match publication {
        Publication::Picture(_) => ("config", TrackKind::Video),
        Publication::Sound(..) => ("config", TrackKind::Audio),
        Publication::Unit(track, _) => ("unit", track.kind()),
        _ => ("other", TrackKind::Video),
    });
    let kinds: Vec<_> = kinds.collect();
    assert_eq!(kinds[..2], [("config", TrackKind::Video), ("config", TrackKind::Audio)]);
    for kind in [TrackKind::Video, TrackKind::Audio] {
        assert_eq!(kinds.iter().filter(|found| **found == ("unit", kind)).count(), 50);
    }
    assert_eq!(outcome.dropped, []);
}

#[test]
fn every_first_part_of_a_connection_is_survived() {
    let bytes = connection();
    for end in (0..bytes.len()).step_by(97).chain(0..4000) {
        let closing = at_once(&bytes[..end.min(bytes.len())]).closing;
        assert!(closing.is_none(), "{closing:?} after {end} bytes");
    }
}

#[test]
fn other_protocols_are_recognised() {
    for (bytes, first) in [(&b"GET / HTTP/1.1\r\n"[..], b'G'), (&[0x16, 3, 1], 0x16)] {
        assert_eq!(at_once(bytes).closing, Some(Closing::Failed(Error::NotRtmp(first))));
    }
}

#[test]
fn bytes_before_a_key_are_limited() {
    let limit = Error::Limit("bytes before a stream key");
    let chatter = [0x02, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0].repeat(5_000);
    let bytes = [&[3][..], &[0; 2 * 1536], &chatter].concat();
    assert_eq!(at_once(&bytes).closing, Some(Closing::Failed(limit)));
}

#[test]
fn a_player_is_sent_to_the_right_door() {
    let bytes = connection();
    let publish = bytes.windows(7).position(|window| window == b"publish").expect("it is there");
    let mut player = bytes[..publish].to_vec();
    player.extend(b"play\0\0\0");
    // the name is shorter: its length stands in the two bytes before
    player[publish - 1] = 4;
    player.truncate(publish + 4);
    player.extend(&bytes[publish + 7..publish + 10_000]);
    // three bytes of the message are now missing at its end, which chunks do not mind
    let closing = at_once(&player).closing;
    assert_eq!(closing, Some(Closing::Refused(Refusal::NotAViewersDoor)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn portions_do_not_matter(sizes in prop::collection::vec(1_usize..9000, 1..200)) {
        let bytes = connection();
        let portions = portions(&bytes, &sizes);
        let apart = lasting(rehearse(Config::default(), portions, 0));
        prop_assert_eq!(apart, lasting(at_once(&bytes)));
    }

    #[test]
    fn garbage_never_panics(noise in prop::collection::vec(any::<u8>(), 0..5000)) {
        let _ = at_once(&noise);
        let _ = at_once(&[&[3][..], &[0; 2 * 1536], &noise].concat());
    }

    #[test]
    fn damage_never_panics(
        damage in prop::collection::vec((0_usize..20_000, any::<u8>()), 1..20),
        portion in 1_usize..5000,
    ) {
        let mut bytes = connection();
        for (position, value) in damage {
            // most of the structure is at the front, behind the handshake
            let position = (3073 + position).min(bytes.len() - 1);
            bytes[position] = value;
        }
        let whole = lasting(at_once(&bytes));
        let apart = lasting(rehearse(Config::default(), bytes.chunks(portion), 0));
        prop_assert_eq!(whole, apart);
    }
}
