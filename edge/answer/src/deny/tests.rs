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

fn reason_of(deny: &DenyState, ticket: TicketId, session: SessionId) -> Option<String> {
    deny.denial(&ticket, &session, NOW).map(|denial| denial.reason.clone())
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
    deny.accept(NOW, 0, &list(7, &entries)).unwrap();
    assert_eq!(deny.version(), 7);
    assert_eq!(reason_of(&deny, ticket(1), session(9)), Some("revoked".into()));
    assert_eq!(reason_of(&deny, ticket(9), session(2)), Some("replaced".into()));
    assert_eq!(reason_of(&deny, ticket(3), session(9)), None, "its time is over");
    assert_eq!(reason_of(&deny, ticket(4), session(9)), Some("revoked".into()));
    assert_eq!(reason_of(&deny, ticket(9), session(9)), None);
}

#[test]
fn a_bad_or_older_list_changes_nothing() {
    let mut deny = DenyState::new();
    deny.accept(NOW, 0, &list(7, &[entry("ticket", ticket(1), "revoked", 10)])).unwrap();
    assert_eq!(deny.accept(NOW, 0, &list(6, &[])), Err(DenyError::Older));
    assert_eq!(deny.accept(NOW, 0, b"{"), Err(DenyError::Malformed));
    assert_eq!(deny.accept(NOW, 0, &vec![b' '; DENY_BYTES_MAX + 1]), Err(DenyError::TooLarge));
    deny.failed(NOW);
    assert_eq!(reason_of(&deny, ticket(1), session(9)), Some("revoked".into()));
    deny.accept(NOW, 0, &list(7, &[])).unwrap();
    assert!(reason_of(&deny, ticket(1), session(9)).is_some(), "a version is one list");
    deny.accept(NOW, 0, &list(8, &[])).unwrap();
    assert_eq!(reason_of(&deny, ticket(1), session(9)), None);
}

#[test]
fn a_list_is_due_when_it_is_old_and_one_looks_at_a_time() {
    let mut deny = DenyState::new();
    assert!(deny.is_due(NOW) && deny.is_due(NOW), "before the first list everyone looks");
    deny.accept(NOW, 0, &list(1, &[])).unwrap();
    assert!(!deny.is_due(NOW + DENY_AGE_MS_MAX - 1));
    let old = NOW + DENY_AGE_MS_MAX;
    assert!(deny.is_due(old));
    assert!(!deny.is_due(old + DENY_CLAIM_MS - 1), "someone looks");
    assert!(deny.is_due(old + DENY_CLAIM_MS), "their look has come to nothing");
    deny.accept(old + DENY_CLAIM_MS, 0, &list(1, &[])).unwrap();
    assert!(!deny.is_due(old + DENY_CLAIM_MS + 1));
    assert!(deny.is_due(NOW - 1), "the clock was set back");
}

#[test]
fn after_a_failure_there_is_a_rest() {
    let mut deny = DenyState::new();
    deny.failed(NOW);
    assert!(!deny.is_due(NOW + DENY_AGE_MS_MAX - 1));
    assert!(deny.is_due(NOW + DENY_AGE_MS_MAX));
    assert!(deny.accept(NOW, 0, b"").is_err());
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
    deny.accept(NOW, 0, &list(1, &entries)).unwrap();
    assert_eq!(reason_of(&deny, ticket(1), id(0)), None);
    assert!(reason_of(&deny, ticket(1), id(1)).is_some());
    assert!(reason_of(&deny, ticket(1), id(DENY_ENTRIES_MAX)).is_some());
}

#[test]
fn an_entry_ends_by_itself_and_may_say_more() {
    let mut deny = DenyState::new();
    let long = "ä".repeat(DENY_DETAIL_CHARS_MAX + 1);
    let until = NOW / 1000 + 10;
    let entry = |id: u8, detail: &str| {
        let session = session(id);
        format!(
            r#"{{"session":"{session}","reason":"displaced","detail":"{detail}","until":{until}}}"#
        )
    };
    deny.accept(NOW, 0, &list(1, &[entry(1, "Anna's phone"), entry(2, &long)])).unwrap();
    let denial = deny.denial(&ticket(9), &session(1), NOW + 9_999).unwrap();
    assert_eq!(
        (denial.reason.as_str(), denial.detail.as_deref()),
        ("displaced", Some("Anna's phone"))
    );
    assert_eq!(deny.denial(&ticket(9), &session(1), NOW + 10_000), None);
    let cut = deny.denial(&ticket(9), &session(2), NOW).unwrap().detail.clone().unwrap();
    assert_eq!(cut.chars().count(), DENY_DETAIL_CHARS_MAX);
}

#[test]
fn a_list_that_nobody_confirms_grows_old() {
    let mut deny = DenyState::new();
    assert!(deny.is_isolated(NOW, 300), "there never was one");
    assert!(!deny.is_isolated(NOW, 0), "the rule is off");
    deny.accept(NOW, 0, &list(1, &[])).unwrap();
    assert!(!deny.is_isolated(NOW + 300_999, 300));
    assert!(deny.is_isolated(NOW + 301_000, 300));
    // A cache below that does not reach the origin hands out the same list with a growing age.
    deny.accept(NOW + 400_000, 400, &list(1, &[])).unwrap();
    assert_eq!(deny.age_s(NOW + 400_000), Some(400));
    assert!(deny.is_isolated(NOW + 400_000, 300) && !deny.is_isolated(NOW + 400_000, 0));
    deny.accept(NOW + 401_000, 1, &list(1, &[])).unwrap();
    assert_eq!(deny.age_s(NOW + 401_000), Some(1));
    // One that says less than is known takes nothing back, and a clock that was set back makes nothing old.
    deny.accept(NOW + 401_500, 200, &list(1, &[])).unwrap();
    assert_eq!(deny.age_s(NOW + 401_000), Some(1));
    assert_eq!(deny.age_s(NOW), Some(0));
}
