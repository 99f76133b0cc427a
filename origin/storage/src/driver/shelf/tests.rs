//! Films' objects in a bucket that answers when it likes, and on a disk that another process has open.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU32};

use bytes::Bytes;
use shared_media::{BucketFailure, Listed, Page, Piece};

use super::*;

const SHOW: &str = "0123456789abcdef";
/// Objects of one page.
const PAGE: usize = 3;

/// A bucket in memory, which fails so many times before it does anything.
#[derive(Default)]
struct Fake {
    objects: Mutex<BTreeMap<String, Bytes>>,
    failures: AtomicU32,
    lists: AtomicU32,
}

impl Fake {
    fn check(&self) -> Result<(), BucketError> {
        let left = self.failures.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        let failure = BucketFailure::Busy;
        left.map_or(Ok(()), |_| Err(BucketError { failure, reason: "busy".to_owned() }))
    }

    fn count(&self) -> usize {
        self.objects.lock().unwrap().len()
    }
}

impl Bucket for Fake {
    fn put(&self, key: &str, bytes: Bytes) -> Answer<'_, ()> {
        let key = key.to_owned();
        Box::pin(async move {
            self.check()?;
            self.objects.lock().unwrap().insert(key, bytes);
            Ok(())
        })
    }

    fn get(&self, _: &str, _: Option<Range<u64>>, _: usize) -> Answer<'_, Option<Bytes>> {
        unreachable!("nobody reads here")
    }

    fn list(&self, prefix: &str, after: Option<&str>) -> Answer<'_, Page> {
        let (prefix, after) = (prefix.to_owned(), after.unwrap_or_default().to_owned());
        Box::pin(async move {
            self.check()?;
            self.lists.fetch_add(1, SeqCst);
            let all = self.objects.lock().unwrap();
            let below = all.keys().filter(|key| key.starts_with(&prefix) && **key > after);
            let mut keys: Vec<String> = below.take(PAGE + 1).cloned().collect();
            let more = keys.len() > PAGE;
            keys.truncate(PAGE);
            let listed = |key| Listed { key, bytes: 1, at_s: 0 };
            Ok(Page { objects: keys.into_iter().map(listed).collect(), more })
        })
    }

    fn delete(&self, keys: Vec<String>) -> Answer<'_, ()> {
        Box::pin(async move {
            self.check()?;
            self.objects.lock().unwrap().retain(|key, _| !keys.contains(key));
            Ok(())
        })
    }

    fn begin(&self, _: &str) -> Answer<'_, String> {
        unreachable!("nothing here is large")
    }

    fn piece(&self, _: &str, _: &str, _: i32, _: Bytes) -> Answer<'_, Piece> {
        unreachable!("nothing here is large")
    }

    fn complete(&self, _: &str, _: &str, _: Vec<Piece>) -> Answer<'_, ()> {
        unreachable!("nothing here is large")
    }

    fn abort(&self, _: &str, _: &str) -> Answer<'_, ()> {
        unreachable!("nothing here is large")
    }
}

fn segment(number: u32) -> String {
    format!("{SHOW}/720p/film/s{number}.m4s")
}

fn object(key: &str) -> Object {
    Object { key: key.to_owned(), bytes: "a".into() }
}

#[tokio::test]
async fn what_a_bucket_does_not_take_is_tried_until_it_does_or_may_not_be_any_more() {
    let fake = Arc::new(Fake::default());
    let shelf = Shelf::in_bucket(fake.clone());
    fake.failures.store(2, SeqCst);
    shelf.put(object(&segment(0)), || true).await.unwrap();
    assert_eq!(fake.count(), 1);
    let may = AtomicBool::new(false);
    let late = shelf.put(object(&segment(1)), || may.load(SeqCst)).await;
    assert_eq!(late, Err(Error::NotOurs { key: segment(1) }));
    // It may at first, and fails; it may not any more when it would be tried again.
    fake.failures.store(1, SeqCst);
    let asked = AtomicU32::new(0);
    let put = shelf.put(object(&segment(1)), || asked.fetch_add(1, SeqCst) == 0);
    assert_eq!(put.await, Err(Error::NotOurs { key: segment(1) }));
    assert_eq!(fake.count(), 1);
    assert!(shelf.put(object("../x"), || true).await.is_err());
}

#[tokio::test]
async fn what_a_bucket_has_is_found_by_a_few_pages() {
    let fake = Arc::new(Fake::default());
    let shelf = Shelf::in_bucket(fake.clone());
    for number in 0..120 {
        shelf.put(object(&segment(number)), || true).await.unwrap();
    }
    let init = format!("{SHOW}/720p/film/i0.mp4");
    shelf.put(object(&init), || true).await.unwrap();
    let wanted = |numbers: Range<u32>| numbers.map(segment).collect::<Vec<_>>();
    let held = shelf.held(wanted(100..106), || true).await.unwrap();
    assert_eq!(held.len(), 6);
    assert!(fake.lists.swap(0, SeqCst) <= 3, "what is far from them is not listed");
    let held = shelf.held(wanted(97..125), || true).await.unwrap();
    assert_eq!(held.len(), 23, "{held:?}");
    let others = shelf.held(vec![init.clone(), format!("{SHOW}/480p/film/i0.mp4")], || true);
    assert_eq!(others.await.unwrap(), HashSet::from([init]));
    shelf.delete(SHOW).await.unwrap();
    assert_eq!(fake.count(), 0);
    assert!(shelf.delete("../x").await.is_err());
}

#[tokio::test]
async fn a_process_beside_a_house_writes_where_the_house_reads() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("objects");
    assert!(Shelf::beside(&root).is_err(), "there is no house");
    let store = Store::open(Config { root: root.clone(), ..Config::default() }).unwrap();
    let (own, beside) = (Shelf::of(&store), Shelf::beside(&root).unwrap());
    assert!(!own.is_common() && !beside.is_common());
    beside.put(object(&segment(0)), || true).await.unwrap();
    own.put(object(&segment(1)), || true).await.unwrap();
    let all = vec![segment(0), segment(1), segment(2)];
    for shelf in [&own, &beside] {
        let held = shelf.held(all.clone(), || true).await.unwrap();
        assert_eq!(held, HashSet::from([segment(0), segment(1)]));
    }
    beside.delete(SHOW).await.unwrap();
    assert!(own.held(all, || true).await.unwrap().is_empty());
    let text = Object { key: format!("{SHOW}/index.m3u8"), bytes: "b".into() };
    store.save_here(text.clone()).await.unwrap();
    let key = Key::parse(&text.key).unwrap();
    assert_eq!(store.get(&key).await.unwrap(), Some(text.bytes));
}
