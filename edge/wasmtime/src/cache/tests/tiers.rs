//! Where objects lie: memory, the disk, a restart, a purge.

use std::fs;
use std::path::Path;

use super::*;
use crate::config::DiskLimits;

const KEPT: [(&str, &str); 3] =
    [("cache-control", "max-age=100"), ("surrogate-key", "show show/720p"), ("etag", "\"a\"")];

#[tokio::test]
async fn the_store_keeps_its_bytes_below_the_limit() {
    let limits =
        CacheLimits { bytes_max: 100_000, object_bytes_max: 50_000, ..CacheLimits::default() };
    let (cache, _) = cache_of(&limits);
    for n in 0..40 {
        let parts = request(&format!("/{n}"), &[]);
        ask(&cache, &parts, object(200, &[("cache-control", "max-age=60")], &"x".repeat(10_000)))
            .await;
        assert!(cache.0.memory.bytes() <= 100_000);
    }
    assert!(cache.0.memory.bytes() > 50_000);
}

/// A cache on disk in `folder`; waits until a former one has let go of it.
async fn on_disk(folder: &Path, bytes_max: u64) -> (Cache, Clock) {
    let disk = Some(DiskLimits::new(folder, bytes_max));
    let limits = CacheLimits { disk, ..CacheLimits::default() };
    let clock = Clock::system();
    for _ in 0..500 {
        if let Ok(cache) = Cache::new(&limits, clock.clone()) {
            return (cache, clock);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the folder stays locked")
}

/// The files of objects.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let objects = folders.filter(|path| path.is_dir() && !path.ends_with("new"));
    let files = objects.flat_map(|path| fs::read_dir(path).unwrap());
    files.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn a_restarted_cache_answers_from_the_disk_what_is_still_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let (long, brief) = (request("/o/s/720p/e/s1.m4s", &[]), request("/index.m3u8", &[]));
    let (cache, _) = on_disk(folder.path(), 1_000_000).await;
    ask(&cache, &long, object(200, &KEPT, "segment")).await;
    ask(&cache, &brief, object(200, &[("cache-control", "max-age=1")], "playlist")).await;
    cache.flush().await;
    drop(cache);
    assert_eq!(files(folder.path()).len(), 1, "a playlist is not worth a file");
    let (cache, clock) = on_disk(folder.path(), 1_000_000).await;
    let answer = cache.answer::<(), _, _>(Key::of(&long), &long, |_| async { panic!() }).await;
    let Answer::Object(found, Via::Hit, Some(_)) = &answer else { panic!("not from the disk") };
    assert_eq!(found.head.headers["etag"], "\"a\"");
    assert_eq!(*found.head.surrogate_keys, ["show".into(), "show/720p".into()]);
    assert_eq!(told(answer, &long).1, "segment");
    assert_eq!(ask(&cache, &brief, object(200, &[], "new")).await, ("miss", "new".into()));
    drop(cache);
    clock.pass(Duration::from_secs(200));
    let (cache, clock) = on_disk(folder.path(), 1_000_000).await;
    clock.pass(Duration::from_secs(200));
    let confirm = |job: Job| async move {
        assert!(job.stored.is_some(), "stale, and good to be confirmed");
        Fetched::<()>::Confirmed(head(304, &KEPT))
    };
    let answer = cache.answer(Key::of(&long), &long, confirm).await;
    assert_eq!(told(answer, &long), ("revalidated", "segment".into()));
}

#[tokio::test]
async fn a_file_that_is_not_as_it_was_written_is_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let parts = request("/x", &[]);
    let spoil: [fn(&mut Vec<u8>); 4] = [
        |bytes| bytes.truncate(bytes.len() - 1),
        |bytes| *bytes.last_mut().unwrap() ^= 1,
        |bytes| bytes.truncate(10),
        |bytes| bytes[70] ^= 1,
    ];
    for spoil in spoil {
        let (cache, _) = on_disk(folder.path(), 1_000_000).await;
        ask(&cache, &parts, object(200, &KEPT, "segment")).await;
        cache.flush().await;
        drop(cache);
        let file = files(folder.path()).remove(0);
        let mut bytes = fs::read(&file).unwrap();
        spoil(&mut bytes);
        fs::write(&file, bytes).unwrap();
        fs::write(folder.path().join("new").join("object"), "half a file").unwrap();
        let (cache, _) = on_disk(folder.path(), 1_000_000).await;
        let again = ask(&cache, &parts, object(200, &[], "anew")).await;
        assert_eq!(again, ("miss", "anew".into()));
        cache.flush().await;
        assert_eq!(files(folder.path()), [] as [&Path; 0], "and it is gone");
        assert!(!folder.path().join("new").join("object").exists());
    }
}

#[tokio::test]
async fn the_files_keep_below_their_limit_and_the_least_used_goes() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, _) = on_disk(folder.path(), 50_000).await;
    for n in 0..10 {
        let parts = request(&format!("/{n}"), &[]);
        ask(&cache, &parts, object(200, &KEPT, &"x".repeat(10_000))).await;
    }
    cache.flush().await;
    let bytes: u64 = files(folder.path()).iter().map(|f| fs::metadata(f).unwrap().len()).sum();
    assert!((30_000..=50_000).contains(&bytes), "{bytes}");
    drop(cache);
    let (cache, _) = on_disk(folder.path(), 50_000).await;
    let (old, new) = (request("/0", &[]), request("/9", &[]));
    assert_eq!(ask(&cache, &old, object(200, &[], "")).await.0, "miss");
    assert_eq!(ask(&cache, &new, object(200, &[], "")).await.0, "hit");
}

#[tokio::test]
async fn a_disk_that_refuses_leaves_the_cache_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, _) = on_disk(folder.path(), 1_000_000).await;
    cache.flush().await;
    fs::remove_dir(folder.path().join("new")).unwrap();
    fs::write(folder.path().join("new"), "in the way").unwrap();
    let parts = request("/x", &[]);
    ask(&cache, &parts, object(200, &KEPT, "segment")).await;
    cache.flush().await;
    assert_eq!(files(folder.path()), [] as [&Path; 0]);
    assert_eq!(ask(&cache, &parts, object(200, &[], "")).await, ("hit", "segment".into()));
}

#[tokio::test]
async fn two_edges_do_not_share_a_directory() {
    let folder = tempfile::tempdir().unwrap();
    let (_cache, clock) = on_disk(folder.path(), 1_000_000).await;
    let disk = Some(DiskLimits::new(folder.path(), 1_000_000));
    let limits = CacheLimits { disk, ..CacheLimits::default() };
    let error = Cache::new(&limits, clock).err().expect("refused").to_string();
    assert!(error.contains("another edge uses it"), "{error}");
}

#[tokio::test]
async fn a_purge_reaches_memory_disk_and_what_is_on_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, _) = on_disk(folder.path(), 1_000_000).await;
    let (parts, other) = (request("/x", &[]), request("/y", &[]));
    ask(&cache, &parts, object(200, &KEPT, "segment")).await;
    ask(&cache, &other, object(200, &[("cache-control", "max-age=100")], "other")).await;
    cache.flush().await;
    assert_eq!(cache.purge(&["another"], false).await, 0);
    assert_eq!(cache.purge(&["show/720p"], false).await, 1);
    assert_eq!(files(folder.path()).len(), 1);
    let begun = cache.clone();
    let fetch = move |_| async move {
        begun.purge(&["show"], false).await;
        Fetched::<()>::Whole(object(200, &KEPT, "from before"))
    };
    let answer = cache.answer(Key::of(&parts), &parts, fetch).await;
    assert_eq!(told(answer, &parts), ("miss", "from before".into()));
    let after = ask(&cache, &parts, object(200, &KEPT, "from after")).await;
    assert_eq!(after, ("miss", "from after".into()), "what began before the purge is not kept");
    assert_eq!(ask(&cache, &parts, object(200, &[], "")).await, ("hit", "from after".into()));
    assert_eq!(ask(&cache, &other, object(200, &[], "")).await, ("hit", "other".into()));
}

#[tokio::test]
async fn a_soft_purge_has_the_origin_confirm() {
    let (cache, parts) = (cache(), request("/x", &[]));
    ask(&cache, &parts, object(200, &KEPT, "segment")).await;
    cache.purge(&["show"], true).await;
    let confirm = |job: Job| async move {
        assert!(job.stored.is_some());
        Fetched::<()>::Confirmed(head(304, &KEPT))
    };
    let answer = cache.answer(Key::of(&parts), &parts, confirm).await;
    assert_eq!(told(answer, &parts), ("revalidated", "segment".into()));
    assert_eq!(ask(&cache, &parts, object(200, &[], "")).await, ("hit", "segment".into()));
}
