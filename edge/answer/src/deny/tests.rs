//! The deny list: who is on it, how old it may get, and that no failure loses it.

use super::*;

const NOW: i64 = 1_700_000_000_000;

fn ticket(byte: u8) -> TicketId {
    TicketId::from_bytes([byte; 10])
}

fn session(byte: u8) -> SessionId {
    SessionId::from_bytes([byte; 10])
}

fn list(version: u64, entries: &[String]) -> Vec<u8> {
    format!(r#"{{"version":{version},"entries":[{}]}}"#, entries.join(",")).into_bytes()
}

fn entry(kind: &str, id: impl std::fmt::Display, reason: &str, in_s: i64) -> String {
    let until = NOW / 1000 + in_s;
    format!(r#"{{"{kind}":"{id}","reason":"{reason}","until":{until}}}"#)
}

#[test]
fn tickets_and_sessions_are_refused_until_their_time() {
    let mut deny = DenyState::new();
    let entries = [
        entry("ticket", ticket(1), "revoked", 10),
        entry("session", session(2), "replaced", 10),
        entry("ticket", ticket(3), "revoked", 0),
        entry("ticket", ticket(4), "not a code\\n", 10),
    ];
    deny.accept(NOW, &list(7, &entries)).unwrap();
    assert_eq!(deny.version(), 7);
    assert_eq!(deny.reason(&ticket(1), &session(9)), Some("revoked"));
    assert_eq!(deny.reason(&ticket(9), &session(2)), Some("replaced"));
    assert_eq!(deny.reason(&ticket(3), &session(9)), None, "its time is over");
    assert_eq!(deny.reason(&ticket(4), &session(9)), Some("revoked"));
    assert_eq!(deny.reason(&ticket(9), &session(9)), None);
}

#[test]
fn a_bad_or_older_list_changes_nothing() {
    let mut deny = DenyState::new();
    deny.accept(NOW, &list(7, &[entry("ticket", ticket(1), "revoked", 10)])).unwrap();
    assert_eq!(deny.accept(NOW, &list(6, &[])), Err(DenyError::Older));
    assert_eq!(deny.accept(NOW, b"{"), Err(DenyError::Malformed));
    assert_eq!(deny.accept(NOW, &vec![b' '; DENY_BYTES_MAX + 1]), Err(DenyError::TooLarge));
    deny.failed(NOW);
    assert_eq!(deny.reason(&ticket(1), &session(9)), Some("revoked"));
    deny.accept(NOW, &list(7, &[])).unwrap();
    assert_eq!(deny.reason(&ticket(1), &session(9)), None, "the same version is current");
}

#[test]
fn a_list_is_due_when_it_is_old_and_one_looks_at_a_time() {
    let mut deny = DenyState::new();
    assert!(deny.is_due(NOW) && deny.is_due(NOW), "before the first list everyone looks");
    deny.accept(NOW, &list(1, &[])).unwrap();
    assert!(!deny.is_due(NOW + DENY_AGE_MS_MAX - 1));
    let old = NOW + DENY_AGE_MS_MAX;
    assert!(deny.is_due(old));
    assert!(!deny.is_due(old + DENY_CLAIM_MS - 1), "someone looks");
    assert!(deny.is_due(old + DENY_CLAIM_MS), "their look has come to nothing");
    deny.accept(old + DENY_CLAIM_MS, &list(1, &[])).unwrap();
    assert!(!deny.is_due(old + DENY_CLAIM_MS + 1));
    assert!(deny.is_due(NOW - 1), "the clock was set back");
}

#[test]
fn after_a_failure_there_is_a_rest() {
    let mut deny = DenyState::new();
    deny.failed(NOW);
    assert!(!deny.is_due(NOW + DENY_AGE_MS_MAX - 1));
    assert!(deny.is_due(NOW + DENY_AGE_MS_MAX));
    assert!(deny.accept(NOW, b"").is_err());
    assert!(!deny.is_due(NOW + 1), "a bad list is a failure too");
    assert!(deny.is_due(NOW - 2 * DENY_AGE_MS_MAX), "the clock was set back");
}

#[test]
fn the_newest_entries_stay_when_there_are_too_many() {
    let mut deny = DenyState::new();
    let id = |n: usize| {
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        SessionId::from_bytes(bytes)
    };
    let entries: Vec<String> =
        (0..=DENY_ENTRIES_MAX).map(|n| entry("session", id(n), "revoked", 10)).collect();
    deny.accept(NOW, &list(1, &entries)).unwrap();
    assert_eq!(deny.reason(&ticket(1), &id(0)), None);
    assert!(deny.reason(&ticket(1), &id(1)).is_some());
    assert!(deny.reason(&ticket(1), &id(DENY_ENTRIES_MAX)).is_some());
}
