//! The store before a bucket in memory that fails when it is told to, and does late what it was asked.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use shared_media::{Answer, BucketError, BucketFailure, Page};

use super::*;

/// Objects of a page.
const PAGE: usize = 3;

#[derive(Default)]
struct Fake(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    objects: BTreeMap<String, Bytes>,
    /// What becomes of the next puts: done, refused for a moment, or done and not heard of.
    puts: Vec<Put>,
    /// Nothing is answered.
    is_down: bool,
    /// Objects on their way at the same time, at most.
    most: usize,
    now: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Put {
    Done,
    Busy,
    Unheard,
}

impl Fake {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap()
    }

    fn keys(&self) -> Vec<String> {
        self.inside().objects.keys().cloned().collect()
    }

    fn answer<T: Send + 'static>(&self, work: impl FnOnce(&mut Inside) -> T) -> Answer<'_, T> {
        let mut inside = self.inside();
        let answer = if inside.is_down { Err(failure()) } else { Ok(work(&mut inside)) };
        Box::pin(async move { answer })
    }
}

fn failure() -> BucketError {
    BucketError { failure: BucketFailure::Unreachable, reason: "by order".to_owned() }
}

impl Bucket for Fake {
    fn put(&self, key: &str, bytes: Bytes) -> Answer<'_, ()> {
        let key = key.to_owned();
        Box::pin(async move {
            {
                let mut inside = self.inside();
                inside.now += 1;
                inside.most = inside.most.max(inside.now);
            }
            tokio::task::yield_now().await;
            let mut inside = self.inside();
            inside.now -= 1;
            let put =
                if inside.is_down { Put::Busy } else { inside.puts.pop().unwrap_or(Put::Done) };
            if put != Put::Busy {
                let old = inside.objects.insert(key.clone(), bytes.clone());
                assert!(old.is_none_or(|old| old == bytes), "{key} was something else");
            }
            if put == Put::Done { Ok(()) } else { Err(failure()) }
        })
    }

    fn get(&self, key: &str, range: Option<Range<u64>>, most: usize) -> Answer<'_, Option<Bytes>> {
        let key = key.to_owned();
        self.answer(move |inside| {
            let bytes = inside.objects.get(&key)?.clone();
            let end = bytes.len() as u64;
            let range = range.map_or(0..end, |range| range.start..range.end.min(end));
            let place = |at| usize::try_from(at).unwrap();
            let bytes = bytes.slice(place(range.start)..place(range.end));
            assert!(bytes.len() <= most);
            Some(bytes)
        })
    }

    fn list(&self, prefix: &str, after: Option<&str>) -> Answer<'_, Page> {
        let (prefix, after) = (prefix.to_owned(), after.unwrap_or_default().to_owned());
        self.answer(move |inside| {
            let below = inside.objects.iter();
            let below = below.filter(|(key, _)| key.starts_with(&prefix) && **key > after);
            let listed = |(key, bytes): (&String, &Bytes)| Listed {
                key: key.clone(),
                bytes: bytes.len() as u64,
                at_s: 0,
            };
            let mut objects: Vec<Listed> = below.map(listed).collect();
            let more = objects.len() > PAGE;
            objects.truncate(PAGE);
            Page { objects, more }
        })
    }

    fn delete(&self, keys: Vec<String>) -> Answer<'_, ()> {
        self.answer(move |inside| keys.iter().for_each(|key| drop(inside.objects.remove(key))))
    }

    fn begin(&self, _: &str) -> Answer<'_, String> {
        Box::pin(async { Err(failure()) })
    }

    fn piece(&self, _: &str, _: &str, _: i32, _: Bytes) -> Answer<'_, shared_media::Piece> {
        Box::pin(async { Err(failure()) })
    }

    fn complete(&self, _: &str, _: &str, _: Vec<shared_media::Piece>) -> Answer<'_, ()> {
        Box::pin(async { Err(failure()) })
    }

    fn abort(&self, _: &str, _: &str) -> Answer<'_, ()> {
        Box::pin(async { Err(failure()) })
    }
}

/// A store whose objects have 8 bytes at most.
fn small() -> (Arc<Fake>, Far) {
    let fake = Arc::new(Fake::default());
    let limits =
        Limits { slice_bytes: 8, flying_max: 2, tail_bytes: 4, litter_max: 2, ..Limits::default() };
    (fake.clone(), Far::new(fake, limits))
}

const ID: AssetId = AssetId::from_bytes([9; 10]);

const fn session(piece: i64, at: u64, fence: i64) -> Session {
    Session { piece, at, fence }
}

/// Puts a text, byte by byte, and has it settled; how much is there then.
async fn write(far: &Far, session: Session, text: &str) -> Result<u64, Error> {
    let mut writer = far.open(ID, session).await?;
    for byte in text.as_bytes() {
        writer.put(Bytes::copy_from_slice(&[*byte])).await?;
    }
    writer.settle().await
}

async fn text(far: &Far, id: AssetId) -> String {
    let whole = far.whole(id).await.unwrap().expect("a file");
    let mut text = Vec::new();
    while (text.len() as u64) < whole.bytes() {
        text.extend_from_slice(&whole.get(text.len() as u64, 5).await.unwrap());
    }
    assert!(whole.get(whole.bytes(), 5).await.unwrap().is_empty());
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn pieces_of_several_sessions_become_one_file() {
    let (fake, far) = small();
    let all = "the quick brown fox jumps over the lazy dog";
    let (one, rest) = all.split_at(19);
    assert_eq!(write(&far, session(1, 0, 1), one).await, Ok(19));
    assert_eq!(write(&far, session(1, 19, 4), &rest[..10]).await, Ok(29));
    // A node was killed: who goes on begins a piece.
    assert_eq!(write(&far, session(5, 0, 5), &rest[10..]).await, Ok(14));
    let pieces = vec![Piece { fence: 1, bytes: 29 }, Piece { fence: 5, bytes: 14 }];
    for fence in [6, 7] {
        far.finish(ID, pieces.clone(), fence).await.unwrap();
        assert_eq!(text(&far, ID).await, all);
    }
    assert_eq!(fake.keys().iter().filter(|key| key.contains("/whole/")).count(), 1);
    assert!(fake.inside().most <= 2, "{}", fake.inside().most);
    let whole = far.whole(ID).await.unwrap().unwrap();
    far.delete(ID).await.unwrap();
    far.delete(ID).await.unwrap();
    assert_eq!((fake.keys(), far.whole(ID).await.unwrap().is_none()), (vec![], true));
    assert!(matches!(whole.get(0, 5).await, Err(Error::Storage(_))));
}

#[tokio::test]
async fn who_wakes_up_late_puts_nothing_that_counts() {
    let (_, far) = small();
    let mut late = far.open(ID, session(1, 0, 1)).await.unwrap();
    late.put(Bytes::from_static(b"hello, I am here")).await.unwrap();
    assert_eq!(late.settle().await, Ok(16));
    // It was heard to have 5 bytes; then the same node began anew, and another one after that.
    assert_eq!(write(&far, session(1, 5, 2), " wor").await, Ok(9));
    late.put(Bytes::from_static(b"XXXXXXXXXXXX")).await.unwrap();
    assert_eq!(late.settle().await, Ok(28));
    assert_eq!(write(&far, session(1, 9, 3), "ld").await, Ok(11));
    late.put(Bytes::from_static(b"YYYYYYYYYYYY")).await.unwrap();
    late.settle().await.unwrap();
    far.finish(ID, vec![Piece { fence: 1, bytes: 11 }], 4).await.unwrap();
    assert_eq!(text(&far, ID).await, "hello world");
}

#[tokio::test]
async fn small_chunks_leave_few_objects() {
    let (fake, far) = small();
    let all = "abcdefghijklmnopqrstuvwxyz";
    for (at, letter) in (0_u32..).zip(all.chars()) {
        let session = session(1, at.into(), i64::from(at) + 1);
        assert_eq!(write(&far, session, &letter.to_string()).await, Ok(u64::from(at) + 1));
        assert!(fake.keys().len() <= 8 + 8, "{:?}", fake.keys());
    }
    far.finish(ID, vec![Piece { fence: 1, bytes: 26 }], 99).await.unwrap();
    assert_eq!(text(&far, ID).await, all);
    assert!(fake.keys().len() <= 8, "{:?}", fake.keys());
}

#[tokio::test(start_paused = true)]
async fn what_the_bucket_does_not_take_is_told_and_what_it_took_is_kept() {
    let (fake, far) = small();
    fake.inside().puts = vec![Put::Done, Put::Busy, Put::Unheard, Put::Unheard, Put::Busy];
    assert_eq!(write(&far, session(1, 0, 1), "once upon a time").await, Ok(16), "it passes");
    let mut writer = far.open(ID, session(1, 16, 2)).await.unwrap();
    writer.put(Bytes::from_static(b" there w")).await.unwrap();
    assert_eq!(writer.safe().await.map(|bytes| bytes >= 16), Ok(true));
    assert_eq!(writer.settle().await, Ok(24));
    fake.inside().is_down = true;
    writer.put(Bytes::from_static(b"as a h")).await.unwrap();
    let began = tokio::time::Instant::now();
    assert!(matches!(writer.settle().await, Err(Error::Bucket(_))));
    assert!(began.elapsed() <= Limits::default().patience, "{:?}", began.elapsed());
    assert_eq!(writer.settle().await, Ok(24), "what is there");
    assert!(matches!(writer.put(Bytes::from_static(b"X")).await, Err(Error::Bucket(_))));
    assert!(matches!(write(&far, session(1, 24, 3), "X").await, Err(Error::Bucket(_))));
    let pieces = || vec![Piece { fence: 1, bytes: 29 }];
    assert!(matches!(far.finish(ID, pieces(), 3).await, Err(Error::Bucket(_))));
    assert!(matches!(far.delete(ID).await, Err(Error::Bucket(_))));
    fake.inside().is_down = false;
    assert!(matches!(far.finish(ID, pieces(), 3).await, Err(Error::Storage(_))), "it is not there");
    assert_eq!(write(&far, session(1, 24, 4), "as a ").await, Ok(29));
    far.finish(ID, pieces(), 5).await.unwrap();
    assert_eq!(text(&far, ID).await, "once upon a time there was a ");
    assert!(matches!(write(&far, session(1, 40, 6), "X").await, Err(Error::Storage(_))));
}

#[tokio::test]
async fn parts_are_joined_and_may_be_deleted_then() {
    let (fake, far) = small();
    let names = [1, 2, 3].map(|byte| AssetId::from_bytes([byte; 10]));
    for (id, text) in names.iter().zip(["hello wonderful ", "", "world"]) {
        let mut writer = far.open(*id, session(1, 0, 1)).await.unwrap();
        writer.put(Bytes::from(text)).await.unwrap();
        let bytes = writer.settle().await.unwrap();
        far.finish(*id, vec![Piece { fence: 1, bytes }], 2).await.unwrap();
    }
    // Somebody came to no end with it before.
    let litter = format!("{}{}", folder(ID, 1), "x");
    fake.inside().objects.insert(litter.clone(), Bytes::new());
    for fence in [2, 3] {
        far.join(ID, names.to_vec(), fence).await.unwrap();
    }
    assert!(!fake.keys().contains(&litter));
    for id in names {
        far.delete(id).await.unwrap();
    }
    assert_eq!(text(&far, ID).await, "hello wonderful world");
    assert!(matches!(far.join(names[0], vec![names[1]], 4).await, Err(Error::Storage(_))));
}
