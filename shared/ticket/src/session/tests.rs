//! Sealed sessions: what is sealed opens; whatever was touched does not.

use hmac_sha256::HMAC;
use proptest::prelude::*;
use shared_wire::{Bind, Policy, Watermark};

use super::*;

const NOW: i64 = 1_700_000_000;
const HOME: &str = "192.0.2.7";

fn keys() -> SessionKeys {
    let (new, old) = (SessionKeys::generate("b", &[2; 32]), SessionKeys::generate("a", &[1; 32]));
    SessionKeys::parse(&format!("{new},{old}")).unwrap()
}

fn session() -> SealedSession {
    SealedSession {
        show: ShowId::from_bytes([1; 10]),
        session: SessionId::from_bytes([2; 10]),
        ticket: TicketId::from_bytes([3; 10]),
        expires_at: 1_700_000_100,
        admitted: Admitted::default(),
    }
}

fn tied(bind: Bind) -> SealedSession {
    SealedSession { admitted: Admitted { bind, ..Admitted::default() }, ..session() }
}

fn sealed() -> String {
    keys().seal(&session(), None).unwrap()
}

fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

#[test]
fn what_is_sealed_opens_until_its_time_is_over() {
    let sealed = sealed();
    assert_eq!(sealed.len(), SESSION_CHARS);
    assert!(format!("/p/{sealed}/").len() <= 96, "the prefix of every URL");
    assert_eq!(keys().open(&sealed, None, NOW), Ok(session()));
    assert_eq!(keys().open(&sealed, ip(HOME), NOW + 99), Ok(session()));
    assert_eq!(keys().open(&sealed, None, NOW + 100), Err(SessionError::Expired));
}

#[test]
fn a_preview_ends_at_a_wall() {
    let policy = Policy { preview_s: Some(300), ..Policy::default() };
    let session = SealedSession { admitted: Admitted::from(&policy), ..session() };
    let sealed = keys().seal(&session, None).unwrap();
    assert_eq!(keys().open(&sealed, None, NOW), Ok(session));
    assert_eq!(keys().open(&sealed, None, NOW + 100), Err(SessionError::PreviewOver));
}

#[test]
fn a_session_that_is_tied_opens_at_home_only() {
    for (bind, home, same, elsewhere) in [
        (Bind::Network, HOME, "192.0.2.250", "192.0.3.7"),
        (Bind::Network, HOME, "::ffff:192.0.2.9", "2001:db8::1"),
        (Bind::Address, HOME, "::ffff:192.0.2.7", "192.0.2.8"),
        (Bind::Network, "2001:db8:1::5", "2001:db8:1:ffff::9", "2001:db8:2::5"),
        (Bind::Address, "2001:db8:1:2::5", "2001:db8:1:2:3:4:5:6", "2001:db8:1:3::5"),
    ] {
        let session = tied(bind);
        let sealed = keys().seal(&session, ip(home)).unwrap();
        for there in [home, same] {
            assert_eq!(keys().open(&sealed, ip(there), NOW), Ok(session), "{bind:?} {there}");
        }
        for there in [ip(elsewhere), None] {
            let opened = keys().open(&sealed, there, NOW);
            assert_eq!(opened, Err(SessionError::WrongNetwork), "{bind:?} {there:?}");
        }
        assert_eq!(keys().seal(&session, None), Err(SessionError::WrongNetwork));
    }
    // The whole address is more than its network, although the first may have the same bits.
    let network = keys().seal(&tied(Bind::Network), ip("192.0.2.0")).unwrap();
    let address = keys().seal(&tied(Bind::Address), ip("192.0.2.0")).unwrap();
    assert_ne!(network, address);
}

#[test]
fn an_older_key_still_opens_and_an_unknown_one_does_not() {
    let old = SessionKeys::parse(&SessionKeys::generate("a", &[1; 32])).unwrap();
    let sealed = old.seal(&session(), None).unwrap();
    assert_eq!(keys().open(&sealed, None, NOW), Ok(session()));
    let other = SessionKeys::parse(&SessionKeys::generate("c", &[1; 32])).unwrap();
    assert_eq!(other.open(&sealed, None, NOW), Err(SessionError::Forged));
    let same_name = SessionKeys::parse(&SessionKeys::generate("a", &[9; 32])).unwrap();
    assert_eq!(same_name.open(&sealed, None, NOW), Err(SessionError::Forged));
}

#[test]
fn keys_rotate_without_a_refused_viewer() {
    // An edge learns the new key, then seals with it, then forgets the old one. Edges change at different times, so
    // at each step both of two neighbouring sets are in use, and every session opens at both.
    let (a, b) = (SessionKeys::generate("a", &[1; 32]), SessionKeys::generate("b", &[2; 32]));
    let steps = [a.clone(), format!("{a},{b}"), format!("{b},{a}"), b];
    let steps = steps.map(|text| SessionKeys::parse(&text).unwrap());
    for pair in steps.windows(2) {
        for from in pair {
            let sealed = from.seal(&session(), None).unwrap();
            for at in pair {
                assert_eq!(at.open(&sealed, None, NOW), Ok(session()));
            }
        }
    }
}

#[test]
fn the_seal_is_an_hmac_of_the_derived_key() {
    let keys = SessionKeys::parse(&SessionKeys::generate("a", &[1; 32])).unwrap();
    let session = tied(Bind::Network);
    let sealed = keys.seal(&session, ip(HOME)).unwrap();
    let bytes = BASE64URL_NOPAD.decode(sealed.as_bytes()).unwrap();
    let (body, tag) = bytes.split_at(BODY_BYTES);
    let message = [body, &[1, 192, 0, 2]].concat();
    let expected = HMAC::mac(message, HMAC::mac(PURPOSE, [1; 32]));
    assert_eq!(tag, &expected[..TAG_BYTES]);
}

#[test]
fn marks_are_one_sessions_and_one_objects() {
    let mark = |sealed: &str, object: &str| {
        let mut text = Vec::new();
        keys().marker(sealed).unwrap().put(object.as_bytes(), &mut text);
        String::from_utf8(text).unwrap()
    };
    let other = SealedSession { session: SessionId::from_bytes([9; 10]), ..session() };
    let (mine, others) = (sealed(), keys().seal(&other, None).unwrap());
    let good = mark(&mine, "720p/e/s1.m4s");
    assert_eq!((good.len(), &good), (marker::MARK_CHARS, &mark(&mine, "720p/e/s1.m4s")));
    let knows =
        |sealed: &str, object: &str, mark: &str| keys().marker(sealed).unwrap().knows(object, mark);
    assert!(knows(&mine, "720p/e/s1.m4s", &good));
    assert!(!knows(&mine, "720p/e/s2.m4s", &good));
    assert!(!knows(&others, "720p/e/s1.m4s", &good));
    for wrong in ["", "AAAAAAAAAAA", "ä", &good[1..], &format!("{good}A")] {
        assert!(!knows(&mine, "720p/e/s1.m4s", wrong), "{wrong}");
    }
    let new = SessionKeys::generate("c", &[7; 32]);
    let rotated = format!("{new},{}", SessionKeys::generate("b", &[2; 32]));
    let rotated = SessionKeys::parse(&rotated).unwrap().marker(&mine).unwrap();
    assert!(rotated.knows("720p/e/s1.m4s", &good), "after a change of keys");
}

#[test]
fn what_has_not_the_form_is_malformed() {
    let sealed = sealed();
    let cut = sealed.get(..80).unwrap();
    let zeros = "A".repeat(88);
    for text in
        ["", "x", "..", cut, &format!("{sealed}AA"), &"A".repeat(97), &zeros, &"ä".repeat(44)]
    {
        assert_eq!(keys().open(text, None, NOW), Err(SessionError::Malformed), "{text}");
    }
}

#[test]
fn keys_that_are_none_are_refused() {
    let twice = format!("{0},{0}", SessionKeys::generate("a", &[1; 32]));
    for text in ["", "a", "a:", "a:AAAA", ":AAAA", "ninechars:AAAA", "a b:AAAA", &twice] {
        assert!(SessionKeys::parse(text).is_err(), "{text}");
    }
}

#[test]
fn debug_shows_ids_only() {
    assert_eq!(format!("{:?}", keys()), r#"["b", "a"]"#);
}

fn any_admitted() -> impl Strategy<Value = Admitted> {
    let bind = prop_oneof![Just(Bind::Nothing), Just(Bind::Network), Just(Bind::Address)];
    let mark = prop_oneof![Just(None), Just(Some(Watermark::A)), Just(Some(Watermark::B))];
    let rest = (any::<Option<u16>>(), any::<bool>(), any::<Option<u32>>(), any::<bool>());
    (rest, bind, mark).prop_map(
        |((height_max, has_source, dvr_s_max, is_preview), bind, watermark)| Admitted {
            height_max,
            has_source,
            dvr_s_max,
            bind,
            is_preview,
            watermark,
        },
    )
}

proptest! {
    #[test]
    fn whatever_is_admitted_reads_back(admitted in any_admitted(), v4 in any::<[u8; 4]>()) {
        let session = SealedSession { admitted, ..session() };
        let sealed = keys().seal(&session, Some(IpAddr::from(v4))).unwrap();
        prop_assert_eq!(keys().open(&sealed, Some(IpAddr::from(v4)), NOW), Ok(session));
    }

    #[test]
    fn any_flipped_bit_is_refused(bit in 0_usize..BYTES * 8) {
        let mut bytes = BASE64URL_NOPAD.decode(sealed().as_bytes()).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(keys().open(&BASE64URL_NOPAD.encode(&bytes), None, NOW).is_err());
    }

    #[test]
    fn any_changed_character_is_refused(at in 0_usize..SESSION_CHARS, byte in 0_u8..=127) {
        let sealed = sealed();
        let mut text = sealed.clone().into_bytes();
        text[at] = byte;
        let text = String::from_utf8(text).unwrap();
        prop_assert_eq!(keys().open(&text, None, NOW).is_ok(), text == sealed);
    }

    #[test]
    fn no_text_panics(text in ".{0,120}", now in any::<i64>()) {
        prop_assert!(keys().open(&text, None, now).is_err());
        let _ = SessionKeys::parse(&text);
    }
}
