//! The store on a real directory, and on a disk that fails when told to.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::SeqCst;

use super::*;

const SHOW: &str = "0123456789abcdef";

fn key(rest: &str) -> Key {
    Key::parse(&format!("{SHOW}/{rest}")).expect("a key of the scheme")
}

fn object(rest: &str, bytes: impl Into<Bytes>) -> Object {
    Object { key: format!("{SHOW}/{rest}"), bytes: bytes.into() }
}

fn at(root: &std::path::Path) -> Config {
    Config { root: root.join("objects"), ..Config::default() }
}

async fn text(store: &Store, rest: &str) -> Option<String> {
    store.read_text(&key(rest)).await.expect("readable")
}

/// A disk in memory that fails the way its switch says: 0 works, 1 is full, 2 refuses.
#[derive(Clone, Default)]
struct Faulty {
    files: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    switch: Arc<AtomicU8>,
}

impl Faulty {
    fn check(&self) -> io::Result<()> {
        match self.switch.load(SeqCst) {
            0 => Ok(()),
            1 => Err(io::ErrorKind::StorageFull.into()),
            _ => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }
}

impl Disk for Faulty {
    fn create(&self, key: &str, bytes: &[u8]) -> io::Result<()> {
        self.check()?;
        self.files.lock().expect("whole").insert(key.to_owned(), bytes.to_vec());
        Ok(())
    }
    fn append(&self, key: &str, bytes: &[u8]) -> io::Result<u64> {
        self.check()?;
        let mut files = self.files.lock().expect("whole");
        let file = files.entry(key.to_owned()).or_default();
        file.extend_from_slice(bytes);
        Ok(file.len() as u64)
    }
    fn read(&self, key: &str) -> io::Result<Option<Bytes>> {
        Ok(self.files.lock().expect("whole").get(key).map(|bytes| Bytes::from(bytes.clone())))
    }
    fn delete(&self, show: &str) -> io::Result<()> {
        self.files.lock().expect("whole").retain(|key, _| !key.starts_with(show));
        Ok(())
    }
    fn open_recordings(&self) -> io::Result<Vec<Key>> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn what_was_put_is_read_at_once_and_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(at(directory.path())).expect("open");
    store.put(object("720p/e/i0.mp4", "init"));
    store.put(object("720p/e/s0.m4s", "segment"));
    store.put_part(object("720p/e/p1.0.m4s", "part"));
    store.replace(object("index.m3u8", "#EXTM3U 1\n"));
    store.replace(object("index.m3u8", "#EXTM3U 2\n"));
    assert_eq!(store.get(&key("720p/e/s0.m4s")).await, Ok(Some(Bytes::from("segment"))));
    assert_eq!(store.get(&key("720p/e/p1.0.m4s")).await, Ok(Some(Bytes::from("part"))));
    store.flush().await.expect("the disk takes it");
    drop(store);

    let store = Store::open(at(directory.path())).expect("open again");
    assert_eq!(store.get(&key("720p/e/i0.mp4")).await, Ok(Some(Bytes::from("init"))));
    assert_eq!(store.get(&key("720p/e/s0.m4s")).await, Ok(Some(Bytes::from("segment"))));
    assert_eq!(text(&store, "index.m3u8").await.as_deref(), Some("#EXTM3U 2\n"));
    assert_eq!(store.get(&key("720p/e/p1.0.m4s")).await, Ok(None), "parts are not kept");
    assert_eq!(store.get(&key("720p/e/s1.m4s")).await, Ok(None));
}

#[tokio::test]
async fn a_recording_that_a_crash_cut_off_is_found_and_whole_up_to_its_last_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(at(directory.path())).expect("open");
    assert_eq!(store.open_recordings().await, Ok(vec![]));
    store.append(object("720p/index.m3u8", "#EXTM3U\n"));
    store.append(object("720p/index.m3u8", "#EXTINF:2,\ne/s0.m4s\n#EXTI"));
    store.append(object("480p/index.m3u8", "#EXTM3U\n#EXT-X-ENDLIST\n"));
    store.append(object("480p/iframes.m3u8", "#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTER"));
    store.flush().await.expect("the disk takes it");
    drop(store);

    let part = at(directory.path()).root.join(".part");
    std::fs::write(part.join("17"), "torn").expect("a torn file");
    let store = Store::open(at(directory.path())).expect("open again");
    assert_eq!(std::fs::read_dir(&part).expect("there").count(), 0, "torn files are cleared");
    let open = vec![key("480p/iframes.m3u8"), key("720p/index.m3u8")];
    assert_eq!(store.open_recordings().await, Ok(open));
    let i_frames = "#EXTM3U\n#EXTINF:1,\n";
    assert_eq!(text(&store, "480p/iframes.m3u8").await.as_deref(), Some(i_frames));
    store.replace(object("480p/iframes.m3u8", format!("{i_frames}#EXT-X-ENDLIST\n")));
    let whole = "#EXTM3U\n#EXTINF:2,\ne/s0.m4s\n";
    assert_eq!(text(&store, "720p/index.m3u8").await.as_deref(), Some(whole));
    store.replace(object("720p/index.m3u8", format!("{whole}#EXT-X-ENDLIST\n")));
    store.flush().await.expect("the disk takes it");
    assert_eq!(store.open_recordings().await, Ok(vec![]));
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_says_why() {
    let directory = tempfile::tempdir().expect("a directory");
    let in_use = Store::open(at(directory.path())).expect("open");
    let locked = Store::open(at(directory.path())).err();
    assert_eq!(locked, Some(Error::Locked(directory.path().join("objects"))));
    drop(in_use);

    let file = directory.path().join("file");
    std::fs::write(&file, "").expect("a file");
    let refused = Store::open(Config { root: file.clone(), ..Config::default() }).err();
    assert!(matches!(refused, Some(Error::NotWritable { root, .. }) if root == file));

    let missing = directory.path().join("no/such");
    let refused = Store::open(Config { root: missing.clone(), ..Config::default() }).err();
    assert_eq!(refused, Some(Error::Missing(missing)));
}

#[tokio::test]
async fn what_is_in_the_way_of_one_object_stops_no_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = Config { write_retry_ms: 1, ..at(directory.path()) };
    let store = Store::open(config.clone()).expect("open");
    std::fs::write(config.root.join(SHOW), "in the way").expect("a file");
    store.put(object("720p/e/s0.m4s", "lost"));
    let other = "zzzzzzzzzzzzzzzz/720p/e/s0.m4s";
    store.put(Object { key: other.to_owned(), bytes: Bytes::from("kept") });
    store.flush().await.expect("given up");
    assert_eq!(std::fs::read(config.root.join(other)).expect("on disk"), b"kept");
    assert_eq!(store.get(&key("720p/e/s0.m4s")).await, Ok(Some(Bytes::from("lost"))), "live");
    assert_eq!(store.health(), Health::Good);
}

#[tokio::test]
async fn a_name_outside_the_scheme_never_reaches_the_disk() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(at(directory.path())).expect("open");
    for name in ["../evil", "/etc/evil", "x", ".lock", ".part/0"] {
        store.put(Object { key: name.to_owned(), bytes: Bytes::from("evil") });
    }
    store.flush().await.expect("nothing waits");
    assert!(!directory.path().join("evil").exists());
    assert_eq!(std::fs::read(directory.path().join("objects/.lock")).expect("there"), b"");
}

#[tokio::test]
async fn live_outlives_a_full_disk_and_the_recording_resumes() {
    let disk = Faulty::default();
    let config = Config { write_retry_ms: 1, drain_ms_max: 500, ..Config::default() };
    let store = Store::start(config, Box::new(disk.clone()), (None, Instant::now()), None, None);
    disk.switch.store(1, SeqCst);
    store.put(object("720p/e/s0.m4s", "segment"));
    store.append(object("720p/index.m3u8", "e/s0.m4s\n"));
    assert_eq!(store.flush().await, Err(Error::Unsaved { objects: 2 }));
    assert_eq!(store.health(), Health::Degraded(crate::Failure::DiskFull));
    assert_eq!(store.get(&key("720p/e/s0.m4s")).await, Ok(Some(Bytes::from("segment"))));
    assert_eq!(text(&store, "720p/index.m3u8").await.as_deref(), Some("e/s0.m4s\n"));
    disk.switch.store(0, SeqCst);
    store.flush().await.expect("space is back");
    assert_eq!(store.health(), Health::Good);
    assert_eq!(disk.files.lock().expect("whole").len(), 2);
    assert_eq!(text(&store, "720p/index.m3u8").await.as_deref(), Some("e/s0.m4s\n"));
}

#[tokio::test]
async fn a_disk_that_refuses_loses_the_recording_only() {
    let disk = Faulty::default();
    disk.switch.store(2, SeqCst);
    let config = Config { write_retry_ms: 1, ..Config::default() };
    let store = Store::start(config, Box::new(disk.clone()), (None, Instant::now()), None, None);
    store.put(object("720p/e/s0.m4s", "segment"));
    store.flush().await.expect("given up after the last attempt");
    assert_eq!(store.health(), Health::Degraded(crate::Failure::Refused));
    assert_eq!(store.get(&key("720p/e/s0.m4s")).await, Ok(Some(Bytes::from("segment"))));
}

/// The real thing, where the test may mount: a disk of 256 kB.
#[tokio::test]
async fn a_really_full_disk_tears_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let mount = |program: &str, arguments: &[&str]| {
        let mut command = std::process::Command::new(program);
        command.args(arguments).arg(directory.path()).stderr(std::process::Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !mount("mount", &["-t", "tmpfs", "-o", "size=256k", "tmpfs"]) {
        tracing::warn!("no right to mount: the injected full disk is the only proof");
        return;
    }
    let config = Config { write_retry_ms: 1, drain_ms_max: 200, ..at(directory.path()) };
    let store = Store::open(config.clone()).expect("open");
    store.put(object("720p/e/s0.m4s", vec![1; 100_000]));
    store.put(object("720p/e/s1.m4s", vec![2; 250_000]));
    store.append(object("720p/index.m3u8", "e/s0.m4s\n"));
    let unsaved = store.flush().await;
    let first = std::fs::read(config.root.join(SHOW).join("720p/e/s0.m4s"));
    let second = config.root.join(SHOW).join("720p/e/s1.m4s").exists();
    let health = store.health();
    drop(store);
    let filler = std::fs::write(directory.path().join("filler"), vec![0; 300_000]);
    let reopened = loop {
        // The writer lets go of the directory's lock when it next looks.
        match Store::open(config.clone()).err() {
            Some(Error::Locked(_)) => tokio::task::yield_now().await,
            other => break other,
        }
    };
    assert!(mount("umount", &[]));
    assert_eq!(unsaved, Err(Error::Unsaved { objects: 2 }));
    assert_eq!(first.expect("saved").len(), 100_000);
    assert!(!second, "nothing torn stands under the key");
    assert_eq!(health, Health::Degraded(crate::Failure::DiskFull));
    assert!(filler.is_err());
    assert_eq!(reopened, Some(Error::Full(config.root)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_every_line_once_while_lines_are_added() {
    const LINES: usize = 200;
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(at(directory.path())).expect("open");
    let writer = store.clone();
    let adding = tokio::spawn(async move {
        for line in 0..LINES {
            writer.append(object("720p/index.m3u8", format!("{line}\n")));
            writer.put(object(&format!("720p/e/s{line}.m4s"), format!("{line}")));
            tokio::task::yield_now().await;
        }
    });
    let mut seen = 0;
    while seen < LINES {
        let text = text(&store, "720p/index.m3u8").await.unwrap_or_default();
        let lines: Vec<usize> = text.lines().map(|line| line.parse().expect("whole")).collect();
        assert_eq!(lines, (0..lines.len()).collect::<Vec<_>>());
        assert!(lines.len() >= seen, "a line that was there is gone");
        seen = lines.len();
    }
    adding.await.expect("added");
    store.flush().await.expect("the disk takes it");
    for line in 0..LINES {
        let segment = store.get(&key(&format!("720p/e/s{line}.m4s"))).await;
        assert_eq!(segment, Ok(Some(Bytes::from(format!("{line}")))));
    }
}

#[tokio::test]
async fn a_deleted_recording_is_gone_and_its_space_counted_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(at(directory.path())).expect("open");
    let other = "0123456789abcdee";
    store.put(object("720p/e/s0.m4s", vec![1; 1000]));
    store.put(Object { key: format!("{other}/720p/e/s0.m4s"), bytes: vec![1; 10].into() });
    store.flush().await.expect("on disk");
    drop(store);
    // The lock goes with the writer, which ends when it next looks.
    let store = loop {
        match Store::open(at(directory.path())) {
            Ok(store) => break store,
            Err(Error::Locked(_)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(store.usage().is_empty(), "nobody has summed up yet");
    store.sum_up().await.expect("a sum");
    let mut usage: Vec<_> = store.usage().into_iter().map(|one| (one.show, one.bytes)).collect();
    usage.sort();
    assert_eq!(usage, [(other.to_owned(), 10), (SHOW.to_owned(), 1000)]);
    store.delete(SHOW).await.expect("deleted");
    store.delete(SHOW).await.expect("deleted already");
    assert_eq!(store.get(&key("720p/e/s0.m4s")).await, Ok(None));
    assert_eq!(store.usage().len(), 1);
    assert!(!directory.path().join("objects").join(SHOW).exists());
    assert!(store.delete("../x").await.is_err(), "only shows can be deleted");
}
