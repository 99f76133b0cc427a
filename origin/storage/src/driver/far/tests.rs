//! The store before a bucket that does what it is told, on a real directory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use bytes::Bytes;
use shared_media::{
    Answer, BucketError, BucketFailure, Listed, Object, ObjectSink as _, Page, Piece,
};

use super::*;
use crate::machine::spool::Limits;
use crate::{Error, Store};

const SHOW: &str = "0123456789abcdef";

/// A bucket in memory.
#[derive(Default)]
struct Fake {
    objects: Mutex<BTreeMap<String, Bytes>>,
    is_dead: AtomicBool,
    gets: AtomicUsize,
}

impl Fake {
    fn check(&self) -> Result<(), BucketError> {
        let failure = BucketFailure::Unreachable;
        let dead = BucketError { failure, reason: "dead".to_owned() };
        if self.is_dead.load(SeqCst) { Err(dead) } else { Ok(()) }
    }

    fn keys(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }

    fn text(&self, rest: &str) -> Option<Bytes> {
        self.objects.lock().unwrap().get(&format!("{SHOW}/{rest}")).cloned()
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

    fn get(&self, key: &str, _: Option<Range<u64>>, _: usize) -> Answer<'_, Option<Bytes>> {
        let key = key.to_owned();
        Box::pin(async move {
            self.gets.fetch_add(1, SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            self.check()?;
            Ok(self.objects.lock().unwrap().get(&key).cloned())
        })
    }

    fn list(&self, prefix: &str, _: Option<&str>) -> Answer<'_, Page> {
        let prefix = prefix.to_owned();
        Box::pin(async move {
            self.check()?;
            let keys = self.keys().into_iter().filter(|key| key.starts_with(&prefix));
            let listed = |key| Listed { key, bytes: 1, at_s: 0 };
            Ok(Page { objects: keys.map(listed).take(2).collect(), more: true })
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
        unreachable!("the store leaves pieces to the bucket")
    }

    fn piece(&self, _: &str, _: &str, _: i32, _: Bytes) -> Answer<'_, Piece> {
        unreachable!("the store leaves pieces to the bucket")
    }

    fn complete(&self, _: &str, _: &str, _: Vec<Piece>) -> Answer<'_, ()> {
        unreachable!("the store leaves pieces to the bucket")
    }

    fn abort(&self, _: &str, _: &str) -> Answer<'_, ()> {
        unreachable!("the store leaves pieces to the bucket")
    }
}

fn key(rest: &str) -> Key {
    Key::parse(&format!("{SHOW}/{rest}")).expect("a key of the scheme")
}

fn object(rest: &str, bytes: impl Into<Bytes>) -> Object {
    Object { key: format!("{SHOW}/{rest}"), bytes: bytes.into() }
}

/// A store with a spool of ten bytes, which keeps nothing in memory that is on disk.
fn open(root: &Path, fake: &Arc<Fake>) -> Store {
    let config = Config {
        root: root.join("objects"),
        segment_memory_s: 0,
        spool: Limits { bytes_max: 10, pause_ms_min: 1, pause_ms_max: 5, ..Limits::default() },
        ..Config::default()
    };
    let elsewhere = Elsewhere { bucket: fake.clone(), name: "fake".to_owned() };
    Store::open_before(config, Some(elsewhere)).expect("open")
}

/// Waits until something is so; a store that never does it hangs the test.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("in time");
}

#[tokio::test]
async fn what_was_dropped_is_fetched_once_for_all_and_nothing_else_is_asked_for() {
    let root = tempfile::tempdir().unwrap();
    let fake = Arc::new(Fake::default());
    let store = open(root.path(), &fake);
    for n in 0..4 {
        store.put(object(&format!("720p/e/s{n}.m4s"), "12345"));
    }
    let folder = root.path().join("objects").join(SHOW).join("720p/e");
    until(async || !folder.join("s1.m4s").exists()).await;
    // Memory drops what it has on disk within a second.
    let first = key("720p/e/s0.m4s");
    until(async || {
        let before = fake.gets.load(SeqCst);
        store.get_live(&first).await == Ok(Some(Bytes::from("12345")))
            && fake.gets.load(SeqCst) > before
    })
    .await;
    let before = fake.gets.load(SeqCst);
    let all = futures_of(&store, &first).await;
    assert!(all.iter().all(|got| got == &Ok(Some(Bytes::from("12345")))), "{all:?}");
    assert_eq!(fake.gets.load(SeqCst), before + 1, "one request for all");
    assert_eq!(store.get_live(&key("720p/e/s4.m4s")).await, Ok(None), "it is not made yet");
    assert_eq!(store.get_live(&key("480p/e/s0.m4s")).await, Ok(None));
    assert_eq!(store.own_text(&key("720p/index.m3u8")).await, Ok(None));
    assert_eq!(fake.gets.load(SeqCst), before + 1, "the bucket was not asked");
    let held = store.held(SHOW, (0..5).map(|n| format!("{SHOW}/720p/e/s{n}.m4s")).collect()).await;
    assert_eq!(held.map(|held| held.len()), Ok(4));
    fake.is_dead.store(true, SeqCst);
    let failed = store.get_live(&first).await;
    assert!(matches!(failed, Err(Error::Far { .. })), "{failed:?}");
}

/// Ten who ask at once.
async fn futures_of(store: &Store, key: &Key) -> Vec<Result<Option<Bytes>, Error>> {
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (store, key) = (store.clone(), key.clone());
        asking.spawn(async move { store.get(&key).await });
    }
    asking.join_all().await
}

#[tokio::test]
async fn what_was_not_sent_is_sent_by_the_next_process_and_deletions_too() {
    let root = tempfile::tempdir().unwrap();
    let fake = Arc::new(Fake::default());
    fake.is_dead.store(true, SeqCst);
    let store = open(root.path(), &fake);
    store.put(object("720p/e/i0.mp4", "init"));
    store.append(object("720p/index.m3u8", "#EXTM3U\n"));
    store.put(object("720p/e/s0.m4s", "123"));
    store.append(object("720p/index.m3u8", "e/s0.m4s\n"));
    store.replace(object("index.m3u8", "#EXTM3U all\n"));
    store.flush().await.expect("the disk takes it");
    drop(store);
    assert!(fake.keys().is_empty());

    fake.is_dead.store(false, SeqCst);
    let store = open(root.path(), &fake);
    until(async || fake.keys().len() == 4).await;
    assert_eq!(fake.text("720p/index.m3u8"), Some(Bytes::from("#EXTM3U\ne/s0.m4s\n")));
    let marks = root.path().join("objects/.unsent");
    until(async || std::fs::read_dir(&marks).unwrap().count() == 1).await;

    fake.is_dead.store(true, SeqCst);
    store.delete(SHOW).await.expect("the disk does it");
    assert_eq!(store.own_text(&key("720p/index.m3u8")).await, Ok(None));
    drop(store);
    fake.is_dead.store(false, SeqCst);
    let _store = open(root.path(), &fake);
    until(async || fake.keys().is_empty()).await;
    until(async || std::fs::read_dir(&marks).unwrap().count() == 1).await;
}

#[tokio::test]
async fn a_house_with_another_bucket_sends_all_it_has() {
    let root = tempfile::tempdir().unwrap();
    let config = Config { root: root.path().join("objects"), ..Config::default() };
    let store = Store::open(config).expect("open");
    store.put(object("720p/e/s0.m4s", "123"));
    store.append(object("720p/index.m3u8", "e/s0.m4s\n"));
    store.flush().await.expect("the disk takes it");
    drop(store);
    let fake = Arc::new(Fake::default());
    let _store = open(root.path(), &fake);
    until(async || fake.keys().len() == 2).await;
}
