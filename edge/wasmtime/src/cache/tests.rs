//! The cache's rules, each by an example.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use tokio::sync::Notify;

use super::*;
use crate::outbound::Failure;

fn request(path: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn object(status: u16, headers: &[(&str, &str)], body: &str) -> Arc<Object> {
    let named = headers.iter().map(|(name, value)| {
        (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
    });
    let status = StatusCode::from_u16(status).unwrap();
    Arc::new(Object::new(status, named.collect(), Bytes::copy_from_slice(body.as_bytes())))
}

fn cache() -> Cache {
    Cache::new(&CacheLimits::default())
}

/// Asks for `path` and tells how it was answered and with what; the origin would say `object`.
async fn ask(cache: &Cache, parts: &Parts, object: Arc<Object>) -> (&'static str, String) {
    let fetch = async move { Fetched::<()>::Whole(object) };
    match cache.answer(Key::of(parts), parts, fetch).await {
        Answer::Object(object, via, age) => {
            let body = object.respond(parts, age).into_body();
            (via.as_str(), String::from_utf8(body.to_vec()).unwrap())
        }
        Answer::Stream(_) => ("stream", String::new()),
        Answer::Alone => ("alone", String::new()),
        Answer::Failed(_) => ("failed", String::new()),
    }
}

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
    let (cache, parts) = (cache(), request("/x", &[]));
    ask(&cache, &parts, object(404, &[("cache-control", "max-age=4")], "gone")).await;
    assert_eq!(ask(&cache, &parts, object(200, &[], "two")).await, ("hit", "gone".into()));
}

#[test]
fn surrogate_control_goes_before_cache_control() {
    let lifetime = |headers: &[(&str, &str)]| {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        freshness::of("/x", false, &object(200, headers, ""), now)
            .map(|f| (f.lifetime.as_secs(), f.age.as_secs()))
    };
    assert_eq!(lifetime(&[("cache-control", "max-age=1")]), Some((1, 0)));
    let both = [
        ("cache-control", "no-store"),
        ("surrogate-control", "max-age=12+30, content=\"ESI/1.0\""),
    ];
    assert_eq!(lifetime(&both), Some((12, 0)));
    let old = [("cache-control", "max-age=10, s-maxage=20"), ("age", "5")];
    assert_eq!(lifetime(&old), Some((15, 5)));
    assert_eq!(lifetime(&[("cache-control", "max-age=4"), ("age", "5")]), None);
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
    let cache = cache();
    ask(&cache, &parts, stored).await;
    let (object, age) = cache.lookup(&Key::of(&parts), false).await.unwrap();
    assert_eq!(object.respond(&parts, Some(age)).headers()["age"], "7");
    let later = age + Duration::from_secs(2);
    assert_eq!(object.respond(&parts, Some(later)).headers()["age"], "9");
}

#[test]
fn conditions_are_answered_from_the_whole_object() {
    let whole = object(
        200,
        &[("etag", "W/\"a\""), ("x-request-id", "r"), ("connection", "close")],
        "0123456789",
    );
    let answer = |headers: &[(&str, &str)]| whole.respond(&request("/x", headers), None);
    let ranged = |range: &str| {
        let answer = answer(&[("range", range)]);
        let at = answer.headers().get("content-range").map(|at| at.to_str().unwrap().to_owned());
        (answer.status().as_u16(), at.unwrap_or_default(), answer.into_body())
    };
    let ten = Bytes::from_static(b"0123456789");
    assert_eq!(ranged("bytes=2-4"), (206, "bytes 2-4/10".into(), ten.slice(2..5)));
    assert_eq!(ranged("bytes=8-"), (206, "bytes 8-9/10".into(), ten.slice(8..)));
    assert_eq!(ranged("bytes=-3"), (206, "bytes 7-9/10".into(), ten.slice(7..)));
    assert_eq!(ranged("bytes=5-99999999999"), (206, "bytes 5-9/10".into(), ten.slice(5..)));
    let beyond = ranged("bytes=10-");
    assert_eq!((beyond.0, beyond.1.as_str()), (416, "bytes */10"));
    assert!(beyond.2.starts_with(b"{\"status\":416"));
    for ignored in ["bytes=4-2", "bytes=a-b", "bytes=0-1,3-4", "lines=1-2", "bytes=-"] {
        assert_eq!(ranged(ignored).0, 200, "{ignored}");
    }
    assert_eq!(answer(&[("range", "bytes=0-1"), ("if-range", "\"other\"")]).status(), 200);
    for known in ["\"a\"", "\"b\", W/\"a\"", "*"] {
        let answer = answer(&[("if-none-match", known)]);
        assert_eq!((answer.status().as_u16(), answer.body().len()), (304, 0));
    }
    assert_eq!(answer(&[("if-none-match", "\"b\"")]).status(), 200);
    let mut head = request("/x", &[]);
    head.method = Method::HEAD;
    let answer = whole.respond(&head, None);
    assert_eq!(
        (answer.headers()["content-length"].to_str().unwrap(), answer.body().len()),
        ("10", 0)
    );
    assert!(
        !answer.headers().contains_key("x-request-id")
            && !answer.headers().contains_key("connection")
    );
}

#[tokio::test]
async fn all_who_wait_are_answered_by_one_fetch_though_its_viewer_goes_away() {
    let (cache, gate) = (cache(), Arc::new(Notify::new()));
    let fetches = Arc::new(AtomicUsize::new(0));
    let call = || {
        let (cache, gate, fetches) = (cache.clone(), gate.clone(), fetches.clone());
        tokio::spawn(async move {
            let parts = request("/x", &[]);
            let fetch = async move {
                fetches.fetch_add(1, Ordering::SeqCst);
                gate.notified().await;
                Fetched::<()>::Whole(object(200, &[("cache-control", "max-age=9")], "one"))
            };
            match cache.answer(Key::of(&parts), &parts, fetch).await {
                Answer::Object(_, via, _) => via,
                _ => panic!("no object"),
            }
        })
    };
    let leader = call();
    tokio::task::yield_now().await;
    let waiters: Vec<_> = (0..50).map(|_| call()).collect();
    tokio::task::yield_now().await;
    leader.abort();
    gate.notify_one();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), Via::Collapsed);
    }
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
}

/// Two ask at once, the origin says `fetched`; tells how both were answered, and that a third asks anew.
async fn two(fetched: fn() -> Fetched<()>) -> (Answer<()>, Answer<()>) {
    let (cache, gate, parts) = (cache(), Arc::new(Notify::new()), request("/x", &[]));
    let wait = gate.clone();
    let fetch = async move {
        wait.notified().await;
        fetched()
    };
    let first = cache.answer(Key::of(&parts), &parts, fetch);
    let second = cache.answer(Key::of(&parts), &parts, async { panic!("asked twice") });
    let open = async { gate.notify_one() };
    let (first, second, ()) = tokio::join!(first, second, open);
    assert_eq!(ask(&cache, &parts, object(200, &[], "new")).await, ("miss", "new".into()));
    (first, second)
}

#[tokio::test]
async fn a_failure_goes_to_all_who_waited_and_is_forgotten() {
    let (first, second) = two(|| Fetched::Failed(Failure::Slow)).await;
    assert!(matches!(first, Answer::Failed(Failure::Slow)));
    assert!(matches!(second, Answer::Failed(Failure::Slow)));
    let (first, second) =
        two(|| Fetched::Whole(object(503, &[("cache-control", "no-store")], ""))).await;
    assert!(matches!(first, Answer::Object(_, Via::Miss, None)));
    assert!(matches!(second, Answer::Object(_, Via::Collapsed, None)));
}

#[tokio::test]
async fn what_cannot_be_shared_is_fetched_by_each_for_oneself() {
    let (first, second) = two(|| Fetched::Stream(Response::new(()))).await;
    assert!(matches!((first, second), (Answer::Stream(_), Answer::Alone)));
    let (first, second) =
        two(|| Fetched::Whole(object(200, &[("cache-control", "private")], "mine"))).await;
    assert!(matches!((first, second), (Answer::Object(..), Answer::Alone)));
}

#[tokio::test]
async fn a_fetch_that_panics_fails_and_is_forgotten() {
    let (first, second) = two(|| panic!("in the fetch")).await;
    assert!(matches!((first, second), (Answer::Failed(_), Answer::Failed(_))));
}

#[tokio::test]
async fn what_is_stale_stands_in_for_a_failure_if_the_origin_lets_it() {
    let (cache, parts) = (cache(), request("/edge/denied", &[]));
    let brief = object(200, &[("cache-control", "max-age=1, stale-if-error=60")], "list");
    ask(&cache, &parts, brief).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let down = async { Fetched::<()>::Failed(Failure::Connect) };
    let answer = cache.answer(Key::of(&parts), &parts, down).await;
    assert!(matches!(answer, Answer::Object(_, Via::Hit, Some(age)) if age.as_secs() >= 1));
    let failing = object(503, &[("cache-control", "no-store")], "no");
    assert_eq!(ask(&cache, &parts, failing).await, ("hit", "list".into()));
    assert_eq!(ask(&cache, &parts, object(404, &[], "gone")).await, ("miss", "gone".into()));
    assert_eq!(ask(&cache, &parts, object(200, &[], "new")).await, ("miss", "new".into()));
}

#[tokio::test]
async fn the_store_keeps_its_bytes_below_the_limit() {
    let limits =
        CacheLimits { bytes_max: 100_000, object_bytes_max: 50_000, ..CacheLimits::default() };
    let cache = Cache::new(&limits);
    for n in 0..40 {
        let parts = request(&format!("/{n}"), &[]);
        ask(&cache, &parts, object(200, &[("cache-control", "max-age=60")], &"x".repeat(10_000)))
            .await;
    }
    cache.store.run_pending_tasks().await;
    assert!(cache.store.weighted_size() <= 100_000);
}
