//! Sealed sessions: what is sealed opens; whatever was touched does not.

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_700_000_000;

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
        policy: 7,
    }
}

#[test]
fn what_is_sealed_opens_until_its_time_is_over() {
    let sealed = keys().seal(&session());
    assert_eq!(sealed.len(), 82);
    assert!(sealed.len() <= SESSION_CHARS_MAX);
    assert_eq!(keys().open(&sealed, NOW), Ok(session()));
    assert_eq!(keys().open(&sealed, NOW + 99), Ok(session()));
    assert_eq!(keys().open(&sealed, NOW + 100), Err(SessionError::Expired));
}

#[test]
fn an_older_key_still_opens_and_an_unknown_one_does_not() {
    let old = SessionKeys::parse(&SessionKeys::generate("a", &[1; 32])).unwrap();
    let sealed = old.seal(&session());
    assert_eq!(keys().open(&sealed, NOW), Ok(session()));
    let other = SessionKeys::parse(&SessionKeys::generate("c", &[1; 32])).unwrap();
    assert_eq!(other.open(&sealed, NOW), Err(SessionError::Forged));
    let same_name = SessionKeys::parse(&SessionKeys::generate("a", &[9; 32])).unwrap();
    assert_eq!(same_name.open(&sealed, NOW), Err(SessionError::Forged));
}

#[test]
fn what_has_not_the_form_is_malformed() {
    let sealed = keys().seal(&session());
    let cut = sealed.get(..80).unwrap();
    for text in ["", "x", "..", cut, &format!("{sealed}AA"), &"A".repeat(97), &"A".repeat(82)] {
        assert_eq!(keys().open(text, NOW), Err(SessionError::Malformed), "{text}");
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

proptest! {
    #[test]
    fn any_flipped_bit_is_refused(bit in 0_usize..61 * 8) {
        let mut bytes = BASE64URL_NOPAD.decode(keys().seal(&session()).as_bytes()).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(keys().open(&BASE64URL_NOPAD.encode(&bytes), NOW).is_err());
    }

    #[test]
    fn any_changed_character_is_refused(at in 0_usize..82, byte in 0_u8..=127) {
        let sealed = keys().seal(&session());
        let mut text = sealed.clone().into_bytes();
        text[at] = byte;
        let text = String::from_utf8(text).unwrap();
        prop_assert_eq!(keys().open(&text, NOW).is_ok(), text == sealed);
    }

    #[test]
    fn no_text_panics(text in ".{0,120}", now in any::<i64>()) {
        prop_assert!(keys().open(&text, now).is_err());
        let _ = SessionKeys::parse(&text);
    }
}
