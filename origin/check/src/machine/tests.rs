//! The items that no proxy before a real origin shows: addresses, TLS, and that silence is no pass.

use shared_playlist::read::Media;

use super::seen::{Ask, Exchange, Followed, Late, Probe, Version};
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
        judge(&Seen { lists, tls: true, ..Seen::default() })[25].verdict
    };
    assert_eq!((verdict(1), verdict(2)), (Verdict::Warn, Verdict::Pass));
}

/// Versions of a playlist of one part more each, with a part target of 333 ms, that came so.
fn versions(came_ms: &[u64]) -> Followed {
    let parts = |number: u64| {
        let parts = (0..number).map(|at| format!("#EXT-X-PART:DURATION=0.333,URI=\"p{at}\"\n"));
        let head = "#EXTM3U\n#EXT-X-PART-INF:PART-TARGET=0.333\n#EXT-X-MEDIA-SEQUENCE:1\n";
        shared_playlist::read::media(format!("{head}{}", parts.collect::<String>()).as_bytes())
    };
    let version = |(number, ms): (u64, &u64)| {
        let (asked_us, head_us) = (ms.saturating_sub(300) * 1000, ms * 1000);
        let exchange = Exchange { asked_us, head_us, ..Exchange::default() };
        let list: Media = parts(number + 1).unwrap();
        Version { exchange, list, asked: Some((1, Some(number))) }
    };
    Followed { versions: (0..).zip(came_ms).map(version).collect(), ..Followed::default() }
}

#[test]
fn what_this_machine_was_late_by_is_not_the_origins() {
    let verdict = |late_ms: &[(u64, u64)]| {
        let late =
            late_ms.iter().map(|(due, came)| Late { due_us: due * 1000, came_us: came * 1000 });
        let lists = vec![versions(&[1000, 1333, 2000])];
        judge(&Seen { lists, late: late.collect(), ..Seen::default() })[4].verdict
    };
    assert_eq!(verdict(&[]), Verdict::Warn, "667 ms after the last");
    assert_eq!(verdict(&[(1500, 1700)]), Verdict::Pass, "of which this machine slept 200 ms");
    assert_eq!(verdict(&[(1100, 1333), (2000, 2200)]), Verdict::Warn, "at other times");
    assert_eq!(verdict(&[(1100, 1383), (1500, 1510)]), Verdict::Warn, "60 ms of it");
}

#[test]
fn a_round_trip_is_the_routes_and_not_its_slowest_answer() {
    let verdict = |waits_ms: &[u64]| {
        let probe = |ms: &u64| Probe {
            ask: Ask::Plain,
            named: None,
            before: Media::default(),
            plain: Exchange { head_us: ms * 1000, status: 200, ..Exchange::default() },
            exchange: Exchange { head_us: ms * 1000, status: 200, ..Exchange::default() },
            list: None,
        };
        let mut list = versions(&[1000]);
        list.probes = waits_ms.iter().map(probe).collect();
        judge(&Seen { lists: vec![list], ..Seen::default() })[30].verdict
    };
    let mut waits = [20; 40];
    assert_eq!(verdict(&waits), Verdict::Pass);
    waits[7] = 900;
    assert_eq!(verdict(&waits), Verdict::Pass, "one in forty");
    waits[..4].fill(200);
    assert_eq!(verdict(&waits), Verdict::Warn);
    waits[..4].fill(400);
    assert_eq!(verdict(&waits), Verdict::Fail);
}
