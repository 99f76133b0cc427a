//! Many who want one object at one time.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt as _;
use http::Response;
use tokio::sync::Notify;

use super::*;

#[tokio::test]
async fn all_who_wait_are_answered_by_one_fetch_though_its_viewer_goes_away() {
    let (cache, gate) = (cache(), Arc::new(Notify::new()));
    let fetches = Arc::new(AtomicUsize::new(0));
    let call = || {
        let (cache, gate, fetches) = (cache.clone(), gate.clone(), fetches.clone());
        tokio::spawn(async move {
            let parts = request("/x", &[]);
            let fetch = move |_| async move {
                fetches.fetch_add(1, Ordering::SeqCst);
                gate.notified().await;
                Fetched::<()>::Whole(object(200, &[("cache-control", "max-age=9")], "one"))
            };
            told(cache.answer(Key::of(&parts), &parts, fetch).await, &parts)
        })
    };
    let leader = call();
    tokio::task::yield_now().await;
    let waiters: Vec<_> = (0..1000).map(|_| call()).collect();
    tokio::task::yield_now().await;
    leader.abort();
    gate.notify_one();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), ("collapsed", "one".into()));
    }
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
}

/// Two ask at once, the origin says `fetched`; tells how both were answered, and that a third asks anew.
async fn two(fetched: fn() -> Fetched<()>) -> (Answer<()>, Answer<()>) {
    let (cache, gate, parts) = (cache(), Arc::new(Notify::new()), request("/x", &[]));
    let wait = gate.clone();
    let fetch = move |_| async move {
        wait.notified().await;
        fetched()
    };
    let first = cache.answer(Key::of(&parts), &parts, fetch);
    let second = cache.answer(Key::of(&parts), &parts, |_| async { panic!("asked twice") });
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
async fn a_fetch_that_dies_is_replaced_by_one_of_those_who_wait() {
    let (cache, gate, parts) = (cache(), Arc::new(Notify::new()), request("/x", &[]));
    let wait = gate.clone();
    let dying = move |_| async move {
        wait.notified().await;
        panic!("in the fetch")
    };
    let first = cache.answer::<(), _, _>(Key::of(&parts), &parts, dying);
    let second = ask(&cache, &parts, object(200, &[], "instead"));
    let third = ask(&cache, &parts, object(200, &[], "never asked"));
    let open = async { gate.notify_one() };
    let (first, second, third, ()) = tokio::join!(first, second, third, open);
    assert!(matches!(first, Answer::Failed(_)));
    let found = [second, third];
    assert!(found.contains(&("miss", "instead".into())), "{found:?}");
    assert!(found.contains(&("collapsed", "instead".into())), "{found:?}");
}

#[tokio::test]
async fn no_more_wait_than_may() {
    let limits = CacheLimits { waiters_max: 2, ..CacheLimits::default() };
    let (cache, gate, parts) = (cache_of(&limits).0, Arc::new(Notify::new()), request("/x", &[]));
    let wait = gate.clone();
    let fetch = move |_| async move {
        wait.notified().await;
        Fetched::<()>::Whole(object(200, &[], "one"))
    };
    let call = || ask(&cache, &parts, object(200, &[], "two"));
    let first = cache.answer(Key::of(&parts), &parts, fetch);
    let open = async { gate.notify_one() };
    let (_, a, b, c, ()) = tokio::join!(first, call(), call(), call(), open);
    assert_eq!([a.0, b.0, c.0], ["collapsed", "collapsed", "full"]);
}

/// A large object's fetch: gives its first half, and the rest when it is told to.
async fn halves(job: Job, more: Arc<Notify>, is_good: bool) -> Fetched<()> {
    let control = [("cache-control", "max-age=9")];
    let mut intake = job.intake(head(200, &control), Some(8)).unwrap();
    intake.push(Bytes::from_static(b"half")).unwrap();
    more.notified().await;
    if !is_good {
        intake.fail(Failure::Broken);
        return Fetched::Failed(Failure::Broken);
    }
    intake.push(Bytes::from_static(b"done")).unwrap();
    Fetched::Whole(intake.finish())
}

#[tokio::test]
async fn a_large_object_reaches_all_who_wait_while_it_arrives() {
    let limits = CacheLimits { stream_bytes_min: 8, ..CacheLimits::default() };
    let (cache, parts, more) = (cache_of(&limits).0, request("/x", &[]), Arc::new(Notify::new()));
    let rest = more.clone();
    let fetch = move |job| halves(job, rest, true);
    let first = cache.answer(Key::of(&parts), &parts, fetch);
    let twice = |_| async { panic!("asked twice") };
    let second = cache.answer::<(), _, _>(Key::of(&parts), &parts, twice);
    let (first, second) = tokio::join!(first, second);
    let (Answer::Arriving(one, Via::Miss), Answer::Arriving(two, Via::Collapsed)) = (first, second)
    else {
        panic!("nothing arrives")
    };
    let mut early = Box::pin(Arc::clone(&one).body());
    assert_eq!(early.next().await.unwrap().unwrap(), "half");
    more.notify_one();
    assert_eq!(early.next().await.unwrap().unwrap(), "done");
    assert!(early.next().await.is_none());
    let late: Vec<_> = two.body().map(Result::unwrap).collect().await;
    assert_eq!(late.concat(), b"halfdone");
    assert_eq!(one.whole().await.unwrap().body, "halfdone");
    assert_eq!(ask(&cache, &parts, object(200, &[], "")).await, ("hit", "halfdone".into()));
}

#[tokio::test]
async fn what_breaks_off_for_good_is_an_error_to_all_who_read_and_is_not_kept() {
    let limits = CacheLimits { stream_bytes_min: 8, ..CacheLimits::default() };
    let (cache, parts, more) = (cache_of(&limits).0, request("/x", &[]), Arc::new(Notify::new()));
    let rest = more.clone();
    let fetch = move |job| halves(job, rest, false);
    let Answer::Arriving(one, _) = cache.answer(Key::of(&parts), &parts, fetch).await else {
        panic!("nothing arrives")
    };
    more.notify_one();
    let pieces: Vec<_> = Arc::clone(&one).body().collect().await;
    assert!(matches!(pieces.last(), Some(Err(Failure::Broken))), "{pieces:?}");
    assert!(one.whole().await.is_err());
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(&cache, &parts, object(200, &[], "new")).await, ("miss", "new".into()));
}

#[tokio::test]
async fn what_has_no_room_is_not_collected() {
    let limits = CacheLimits { arriving_bytes_max: 10, ..CacheLimits::default() };
    let (cache, parts) = (cache_of(&limits).0, request("/x", &[]));
    let fetch = |job: Job| async move {
        let first = job.intake(head(200, &[]), Some(6)).unwrap();
        assert!(job.intake(head(200, &[]), Some(6)).is_none(), "that would be 12");
        drop(first);
        let mut unknown = job.intake(head(200, &[]), None).unwrap();
        assert!(unknown.push(Bytes::from_static(b"123456")).is_ok());
        assert_eq!(unknown.push(Bytes::from_static(b"78901")), Err(Bytes::from_static(b"78901")));
        assert_eq!(unknown.take(), ["123456"]);
        Fetched::<()>::Stream(Response::new(()))
    };
    let answer = cache.answer(Key::of(&parts), &parts, fetch).await;
    assert!(matches!(answer, Answer::Stream(_)));
}
