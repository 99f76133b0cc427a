//! The items that no proxy before a real origin shows: addresses, TLS, and that silence is no pass.

use super::seen::{Exchange, Followed, Version};
use super::*;

#[test]
fn addresses_are_resolved() {
    for (uri, resolved) in [
        ("a.m4s", "http://h:1/x/y/a.m4s"),
        ("../z/i.m3u8", "http://h:1/x/z/i.m3u8"),
        ("./a", "http://h:1/x/y/a"),
        ("../../../a", "http://h:1/a"),
        ("/a/b", "http://h:1/a/b"),
        ("https://o/a", "https://o/a"),
    ] {
        assert_eq!(resolve("http://h:1/x/y/index.m3u8?token=a/b", uri), resolved);
    }
    assert_eq!(resolve("http://h", "a"), "http://h/a");
}

#[test]
fn there_is_one_finding_for_each_item_and_silence_is_no_pass() {
    let findings = judge(&Seen::default());
    let items: Vec<u8> = findings.iter().map(|finding| finding.item).collect();
    assert_eq!(items, (1..=37).collect::<Vec<u8>>());
    for finding in findings {
        assert_eq!(finding.verdict, Verdict::NotTested, "{finding:?}");
        assert!(!finding.evidence.is_empty());
    }
}

#[test]
fn http_1_over_tls_is_warned_of() {
    let verdict = |http| {
        let exchange = Exchange { http, ..Exchange::default() };
        let versions = vec![Version { exchange, ..Version::default() }];
        let lists = vec![Followed { versions, ..Followed::default() }];
        judge(&Seen { lists, tls: true, multivariant: None })[25].verdict
    };
    assert_eq!((verdict(1), verdict(2)), (Verdict::Warn, Verdict::Pass));
}
