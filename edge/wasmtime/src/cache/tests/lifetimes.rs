//! How long an answer is used, and what for.

use super::*;

#[tokio::test]
async fn what_is_fresh_is_answered_from_the_store() {
    let (cache, parts) = (cache(), request("/o/s/index.m3u8", &[]));
    let first = object(200, &[("cache-control", "max-age=60")], "one");
    assert_eq!(ask(&cache, &parts, first.clone()).await, ("miss", "one".into()));
    let second = object(200, &[("cache-control", "max-age=60")], "two");
    assert_eq!(ask(&cache, &parts, second.clone()).await, ("hit", "one".into()));
    let other = request("/o/s/index.m3u8?_HLS_msn=1", &[]);
    assert_eq!(ask(&cache, &other, second.clone()).await, ("miss", "two".into()));
    let reload = request("/o/s/index.m3u8", &[("cache-control", "no-cache")]);
    assert_eq!(ask(&cache, &reload, second).await, ("miss", "two".into()));
}

#[tokio::test]
async fn what_must_not_be_kept_is_not() {
    for (status, headers) in [
        (200, &[][..]),
        (200, &[("cache-control", "no-store, max-age=60")]),
        (200, &[("cache-control", "private, max-age=60")]),
        (200, &[("cache-control", "max-age=0")]),
        (200, &[("cache-control", "max-age=60"), ("surrogate-control", "no-store")]),
        (200, &[("cache-control", "max-age=60"), ("vary", "cookie")]),
        (200, &[("cache-control", "max-age=60"), ("vary", "*")]),
        (200, &[("cache-control", "max-age=60"), ("set-cookie", "a=b")]),
        (404, &[]),
        (400, &[("cache-control", "max-age=60")]),
        (503, &[("cache-control", "max-age=60")]),
    ] {
        let (cache, parts) = (cache(), request("/x", &[]));
        assert_eq!(ask(&cache, &parts, object(status, headers, "one")).await.0, "miss");
        let again = ask(&cache, &parts, object(200, &[], "two")).await;
        assert_eq!(again, ("miss", "two".into()), "{status} {headers:?}");
    }
}

#[tokio::test]
async fn an_error_with_a_lifetime_is_kept_for_that_long() {
    for status in [404, 410] {
        let (cache, clock) = cache_of(&CacheLimits::default());
        let parts = request("/x", &[]);
        ask(&cache, &parts, object(status, &[("cache-control", "max-age=4")], "gone")).await;
        clock.pass(Duration::from_millis(3_900));
        assert_eq!(ask(&cache, &parts, object(200, &[], "two")).await, ("hit", "gone".into()));
        clock.pass(Duration::from_millis(100));
        assert_eq!(ask(&cache, &parts, object(200, &[], "two")).await, ("miss", "two".into()));
    }
}

fn freshness(headers: &[(&str, &str)]) -> Option<(u64, u64, u64, u64)> {
    let key = Key { path: "/x".into(), coding: Coding::Identity };
    freshness::of(&key, &head(200, headers), 1_000_000_000).map(|f| {
        (f.lifetime_ms / 1000, f.age_ms / 1000, f.revalidate_ms / 1000, f.if_error_ms / 1000)
    })
}

#[test]
fn surrogate_control_goes_before_cache_control() {
    assert_eq!(freshness(&[("cache-control", "max-age=1")]), Some((1, 0, 0, 0)));
    let both =
        |surrogate| freshness(&[("cache-control", "no-store"), ("surrogate-control", surrogate)]);
    assert_eq!(both("max-age=12+30, content=\"ESI/1.0\""), Some((12, 0, 30, 0)));
    let all = "max-age=12, stale-while-revalidate=3, stale-if-error=4";
    assert_eq!(both(all), Some((12, 0, 3, 4)));
    assert_eq!(both("no-store"), None);
}

#[test]
fn the_age_of_an_answer_is_taken_off_its_lifetime() {
    let old = [("cache-control", "max-age=10, s-maxage=20"), ("age", "5")];
    assert_eq!(freshness(&old), Some((15, 5, 0, 0)));
    assert_eq!(freshness(&[("cache-control", "max-age=4"), ("age", "5")]), None);
}

#[test]
fn who_says_must_revalidate_gets_no_stale_answers() {
    for word in ["must-revalidate", "proxy-revalidate, must-revalidate"] {
        let control = format!("max-age=1, stale-if-error=9, stale-while-revalidate=9, {word}");
        let found = freshness(&[("cache-control", &control), ("etag", "\"a\"")]);
        assert!(found.is_some_and(|(_, _, swr, sie)| (swr, sie) == (0, 0)), "{control}");
    }
}

#[tokio::test]
async fn an_object_that_varies_has_one_entry_per_coding() {
    let (cache, headers) =
        (cache(), [("cache-control", "max-age=60"), ("vary", "Accept-Encoding")]);
    let plain = request("/x", &[("accept-encoding", "br, gzip;q=0")]);
    let gzip = request("/x", &[("accept-encoding", "br;q=1, GZIP")]);
    assert_eq!(ask(&cache, &plain, object(200, &headers, "plain")).await.0, "miss");
    assert_eq!(ask(&cache, &gzip, object(200, &headers, "gzip")).await.0, "miss");
    assert_eq!(ask(&cache, &plain, object(200, &headers, "")).await, ("hit", "plain".into()));
    assert_eq!(ask(&cache, &gzip, object(200, &headers, "")).await, ("hit", "gzip".into()));
    let segment = request("/s", &[]);
    ask(&cache, &segment, object(200, &headers[..1], "one")).await;
    let segment = request("/s", &[("accept-encoding", "gzip")]);
    assert_eq!(ask(&cache, &segment, object(200, &[], "")).await, ("hit", "one".into()));
}

#[tokio::test]
async fn the_age_grows_in_the_store() {
    let parts = request("/x", &[]);
    let stored = object(200, &[("cache-control", "max-age=60"), ("age", "7")], "one");
    assert_eq!(stored.respond(&parts, None).headers()["age"], "7");
    let (cache, clock) = cache_of(&CacheLimits::default());
    ask(&cache, &parts, stored).await;
    for (pass_s, expected) in [(0, "7"), (2, "9"), (40, "49")] {
        clock.pass(Duration::from_secs(pass_s));
        let (stored, good) = cache.look(&Key::of(&parts)).await.unwrap();
        let age = Some(stored.age(clock.now_ms()));
        let response = stored.object.respond(&parts, age);
        assert_eq!((good, &response.headers()["age"]), (Use::Fresh, &expected.parse().unwrap()));
        assert_eq!(response.headers()["date"], DATE, "when the origin made it");
    }
}

#[tokio::test]
async fn what_is_stale_stands_in_for_a_failure_if_the_origin_lets_it() {
    let (cache, clock) = cache_of(&CacheLimits::default());
    let parts = request("/edge/denied", &[]);
    let brief = object(200, &[("cache-control", "max-age=1, stale-if-error=60")], "list");
    ask(&cache, &parts, brief).await;
    clock.pass(Duration::from_secs(1));
    assert_eq!(ask_nobody(&cache, &parts).await, ("stale", "list".into()));
    let failing = object(503, &[("cache-control", "no-store")], "no");
    assert_eq!(ask(&cache, &parts, failing.clone()).await, ("stale", "list".into()));
    assert_eq!(ask(&cache, &parts, object(404, &[], "gone")).await, ("miss", "gone".into()));
    clock.pass(Duration::from_secs(60));
    assert_eq!(ask(&cache, &parts, failing).await, ("miss", "no".into()));
    assert_eq!(ask_nobody(&cache, &parts).await.0, "failed");
}

#[tokio::test]
async fn what_is_stale_is_answered_while_a_newer_one_is_fetched_once() {
    let (cache, clock) = cache_of(&CacheLimits::default());
    let parts = request("/x", &[]);
    let control = [("cache-control", "max-age=2, stale-while-revalidate=5")];
    ask(&cache, &parts, object(200, &control, "old")).await;
    clock.pass(Duration::from_secs(3));
    assert_eq!(ask(&cache, &parts, object(200, &control, "new")).await, ("stale", "old".into()));
    // The newer one is there when the task that fetches it has run.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(&cache, &parts, object(200, &[], "other")).await, ("hit", "new".into()));
    clock.pass(Duration::from_secs(7));
    let late = ask(&cache, &parts, object(200, &control, "late")).await;
    assert_eq!(late, ("miss", "late".into()), "too stale to be shown");
}

#[tokio::test]
async fn what_the_origin_confirms_is_answered_with_a_new_lifetime() {
    let (cache, clock) = cache_of(&CacheLimits::default());
    let parts = request("/x", &[]);
    let first = [("cache-control", "max-age=2"), ("etag", "\"a\""), ("content-type", "text/a")];
    ask(&cache, &parts, object(200, &first, "body")).await;
    clock.pass(Duration::from_secs(3));
    let confirm = |job: Job| async move {
        assert_eq!(job.stored.unwrap().head.etag(), Some("\"a\""));
        let by = [("cache-control", "max-age=9"), ("etag", "\"a\""), ("content-type", "x/y")];
        Fetched::<()>::Confirmed(head(304, &by))
    };
    let answer = cache.answer(Key::of(&parts), &parts, confirm).await;
    let Answer::Object(object_, Via::Revalidated, _) = &answer else { panic!("no object") };
    assert_eq!(object_.head.headers["cache-control"], "max-age=9");
    assert_eq!(object_.head.headers["content-type"], "text/a", "of the bytes, which are the old");
    assert_eq!(told(answer, &parts).1, "body");
    clock.pass(Duration::from_secs(8));
    assert_eq!(ask(&cache, &parts, object(200, &[], "new")).await, ("hit", "body".into()));
    clock.pass(Duration::from_secs(9 + 600));
    let unconfirmed = |job: Job| async move {
        assert!(job.stored.is_none(), "too old to be confirmed");
        Fetched::<()>::Failed(Failure::Connect)
    };
    drop(cache.answer(Key::of(&parts), &parts, unconfirmed).await);
}

#[tokio::test]
async fn what_always_must_be_confirmed_is_kept_for_that() {
    let (cache, parts) = (cache(), request("/x", &[]));
    let headers = [("cache-control", "no-cache"), ("etag", "\"a\"")];
    ask(&cache, &parts, object(200, &headers, "body")).await;
    let confirm = move |job: Job| async move {
        assert!(job.stored.is_some());
        Fetched::<()>::Confirmed(head(304, &headers))
    };
    let answer = cache.answer(Key::of(&parts), &parts, confirm).await;
    assert_eq!(told(answer, &parts), ("revalidated", "body".into()));
}
