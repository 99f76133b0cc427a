//! What is asked of a bucket, when it is left alone, and what its answers become.

use proptest::prelude::*;

use super::*;
use crate::config::{BUCKET, BUCKET_KEY_ID, BUCKET_REGION, BUCKET_SECRET};

const FOLDER: &str = "/o/0123456789abcdef/720p/e1";

fn bucket() -> Bucket {
    let found = Bucket::from_lookup(|name| {
        let said = [
            (BUCKET, "films"),
            (BUCKET_REGION, "eu-1"),
            (BUCKET_KEY_ID, "AKID"),
            (BUCKET_SECRET, "secret"),
        ];
        said.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
    });
    found.unwrap().unwrap()
}

fn nothing(_: &str) -> Option<&'static str> {
    None
}

/// Asks for a file of the folder.
fn ask(state: &mut BucketState, file: &str, now_ms: i64) -> Result<BucketFetch, Spared> {
    let path = format!("{FOLDER}/{file}");
    state.ask(&bucket(), Method::Get, &path, &nothing, now_ms).expect("a bucket may have it")
}

fn segment(state: &mut BucketState, msn: u64, now_ms: i64) -> Result<BucketFetch, Spared> {
    ask(state, &format!("s{msn}.m4s"), now_ms)
}

#[test]
fn closed_segments_and_init_segments_are_asked_for_and_nothing_else() {
    let mut state = BucketState::default();
    for file in ["s1.m4s", "s1.vtt", "i0.mp4"] {
        let fetch = ask(&mut state, file, 0).unwrap();
        assert_eq!(fetch.path, format!("/0123456789abcdef/720p/e1/{file}"));
    }
    let mut never = |method, path: &str| {
        assert!(state.ask(&bucket(), method, path, &nothing, 0).is_none(), "{path}");
    };
    for file in ["p1.0.m4s", "p1.0.vtt", "s1.m4s?wm=a", "s1.m4s?", "x", "s01.m4s", "b0.jpg"] {
        never(Method::Get, &format!("{FOLDER}/{file}"));
    }
    for path in ["index.m3u8", "manifest.mpd", "720p/index.m3u8", "cover.jpg"] {
        never(Method::Get, &format!("/o/0123456789abcdef/{path}"));
    }
    never(Method::Get, "/edge/denied");
    for method in [Method::Head, Method::Post, Method::Purge] {
        never(method, &format!("{FOLDER}/s1.m4s"));
    }
}

#[test]
fn nothing_of_the_viewer_goes_there_but_a_range_without_conditions() {
    let names = |header: &dyn Fn(&str) -> Option<&'static str>| -> Vec<&'static str> {
        let path = format!("{FOLDER}/s1.m4s");
        let mut state = BucketState::default();
        let asked = state.ask(&bucket(), Method::Get, &path, header, 0);
        asked.unwrap().unwrap().headers.iter().map(|(name, _)| *name).collect()
    };
    let own = ["authorization", "x-amz-content-sha256", "x-amz-date"];
    assert_eq!(names(&|name| (name != "range").then_some("SPY")), own);
    let ranged = |name: &str| (name == "range").then_some("bytes=0-9");
    assert_eq!(names(&ranged), [&own[..], &["range"]].concat());
    assert_eq!(names(&|_| Some("bytes=0-9")), own, "a tag that nobody was given");
}

#[test]
fn what_cannot_be_there_yet_is_not_asked_for() {
    let mut state = BucketState::default();
    let first = segment(&mut state, 100, 0).unwrap();
    state.went(&first, Went::Missing, 0);
    for msn in 100..200 {
        let now_ms = i64::try_from(msn - 100).unwrap() * 2000;
        assert_eq!(segment(&mut state, msn, now_ms).err(), Some(Spared::Live), "{msn}");
        assert!(msn < 110 || segment(&mut state, msn - 10, now_ms).is_ok(), "gone back");
    }
    let now_ms = 99 * 2000;
    assert!(segment(&mut state, 196, now_ms).is_ok());
    assert_eq!(segment(&mut state, 197, now_ms).err(), Some(Spared::Live));
    assert_eq!(ask(&mut state, "i0.mp4", now_ms).err(), Some(Spared::Live));
    // A bucket that is further behind.
    let behind = segment(&mut state, 190, now_ms).unwrap();
    state.went(&behind, Went::Missing, now_ms);
    assert_eq!(segment(&mut state, 188, now_ms).err(), Some(Spared::Live));
    assert!(segment(&mut state, 187, now_ms).is_ok());
    // Another rendition is another matter, and so is a show that has ended.
    let other = "/o/0123456789abcdef/480p/e1/s199.m4s";
    assert!(state.ask(&bucket(), Method::Get, other, &nothing, now_ms).unwrap().is_ok());
    assert!(segment(&mut state, 199, now_ms + BUCKET_LIVE_MS).is_ok());
}

#[test]
fn a_bucket_that_fails_is_left_alone_for_ever_longer() {
    let mut state = BucketState::default();
    let mut now_ms = 0;
    let fail = |state: &mut BucketState, now_ms| {
        let fetch = segment(state, 1, now_ms).unwrap();
        state.went(&fetch, Went::Slow, now_ms);
        fetch
    };
    for _ in 1..BUCKET_FAILURES_MAX {
        fail(&mut state, now_ms);
        assert!(!state.is_resting(now_ms));
    }
    let mut rests = Vec::new();
    for _ in 0..7 {
        let fetch = fail(&mut state, now_ms);
        // Another that was under way.
        state.went(&fetch, Went::Unreachable, now_ms);
        assert_eq!(segment(&mut state, 1, now_ms).err(), Some(Spared::Resting));
        let start = now_ms;
        while state.is_resting(now_ms) {
            now_ms += 500;
        }
        rests.push((now_ms - start) / 1000);
    }
    assert_eq!(rests, [1, 2, 4, 8, 16, 30, 30]);
    let fetch = segment(&mut state, 1, now_ms).unwrap();
    state.went(&fetch, Went::Well, now_ms);
    fail(&mut state, now_ms);
    assert!(!state.is_resting(now_ms), "it did well in between");
    for _ in 0..5 {
        state.went(&fetch, Went::OutOfRange, now_ms);
    }
    assert!(!state.is_resting(now_ms), "a viewer must not silence it");
}

#[test]
fn an_answer_is_the_origins_or_none() {
    let mut state = BucketState::default();
    let plain = segment(&mut state, 1, 0).unwrap();
    let none: &dyn Fn(&str) -> Option<&'static str> = &nothing;
    for (status, went) in [
        (200, Went::Well),
        (206, Went::Failed),
        (204, Went::Failed),
        (301, Went::Refused),
        (400, Went::Refused),
        (403, Went::Refused),
        (404, Went::Missing),
        (416, Went::OutOfRange),
        (429, Went::Failed),
        (500, Went::Failed),
        (503, Went::Failed),
    ] {
        assert_eq!(plain.judge(status, none), went, "{status}");
    }
    assert_eq!(
        plain.judge(200, &|name| (name == "content-encoding").then_some("gzip")),
        Went::Failed
    );
    let headers = plain.headers(&|_| Some("x"));
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names[..3], ["content-type", "cache-control", "surrogate-key"]);
    assert_eq!(names[3..], PASSED);
    assert_eq!(headers[0].1, "video/mp4");
    assert_eq!(headers[2].1, "0123456789abcdef 0123456789abcdef/720p");
    let text = ask(&mut state, "s1.vtt", 0).unwrap();
    assert_eq!(text.headers(none)[0].1, "text/vtt; charset=utf-8");
}

proptest! {
    /// Whatever happens, what it remembers is bounded, a rest ends, and the live edge alone is spared.
    #[test]
    fn no_history_silences_the_bucket_for_good(
        steps in proptest::collection::vec((0_u64..40, 0_u8..6, 0_i64..40_000, 0_u8..4), 0..80),
    ) {
        let mut state = BucketState::default();
        let (mut now_ms, mut newest) = (0, 0);
        for (msn, went, later_ms, show) in steps {
            now_ms += later_ms;
            newest = newest.max(msn);
            let path = format!("/o/0123456789abcde{show}/720p/e1/s{msn}.m4s");
            if let Ok(fetch) = state.ask(&bucket(), Method::Get, &path, &nothing, now_ms).unwrap() {
                let went = [
                    Went::Well, Went::Missing, Went::Refused, Went::Failed, Went::Slow,
                    Went::OutOfRange,
                ][usize::from(went)];
                state.went(&fetch, went, now_ms);
            }
            prop_assert!(state.live.len() <= 4);
            prop_assert!(state.rest_ms <= BUCKET_REST_MS_MAX);
        }
        let later_ms = now_ms + BUCKET_REST_MS_MAX.max(BUCKET_LIVE_MS);
        prop_assert!(segment(&mut state, newest, later_ms).is_ok());
        // Nor does a clock that is set back.
        prop_assert!(segment(&mut state, newest, now_ms - 2 * BUCKET_LIVE_MS).is_ok());
    }
}

#[test]
fn of_too_many_shows_the_quietest_is_forgotten() {
    let mut state = BucketState::default();
    for show in 0..=BUCKET_LIVE_MAX {
        let path = format!("/o/{show:016x}/720p/e1/s5.m4s");
        let now_ms = i64::try_from(show).unwrap();
        let fetch = state.ask(&bucket(), Method::Get, &path, &nothing, now_ms).unwrap().unwrap();
        state.went(&fetch, Went::Missing, now_ms);
    }
    assert_eq!(state.live.len(), BUCKET_LIVE_MAX);
    assert!(!state.live.contains_key(&format!("{:016x}/720p/e1", 0)));
}
