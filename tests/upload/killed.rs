//! Nodes that are killed, and others that go on.

use std::path::Path;
use std::time::{Duration, Instant};

use tests::House;
use tests::postgres::Postgres;
use tokio::sync::mpsc;

use crate::{LOOK_EVERY, Tus, WAIT_MAX, endless, name, pattern};

/// Bytes of the files here.
const BYTES: u64 = 3 << 20;
/// Bytes of a chunk that is acknowledged before anything happens.
const FIRST: usize = 1 << 20;
/// Bytes of the chunk that breaks off.
const SECOND: usize = 1 << 19;

/// Bytes in all files of an upload.
fn on_disk(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|data| data.len()).sum()
}

/// Begins a chunk that does not end; it is on the disk when this returns.
async fn break_off(tus: &Tus, path: &str, at: u64, folder: &Path) -> mpsc::Sender<Vec<u8>> {
    let (sender, body) = endless();
    let chunk = tus.chunk(path, at).header("content-length", BYTES - at).body(body);
    // It fails, when the node is killed.
    tokio::spawn(async move { chunk.send().await.map(drop) });
    sender.send(pattern(at, SECOND)).await.expect("it is read");
    let deadline = Instant::now() + WAIT_MAX;
    while on_disk(folder) < at + SECOND as u64 {
        assert!(Instant::now() < deadline, "{} of {at} bytes", on_disk(folder));
        tokio::time::sleep(LOOK_EVERY).await;
    }
    sender
}

#[tokio::test]
async fn a_house_that_is_killed_amid_a_chunk_loses_nothing_that_it_acknowledged() {
    let mut house = House::start(&[]);
    let tus = Tus::to(&house);
    let path = tus.create(BYTES).await;
    assert_eq!(tus.patch(&path, 0, pattern(0, FIRST)).await.status(), 204);
    let folder = house.data().join("uploads").join(name(&path));
    let sender = break_off(&tus, &path, FIRST as u64, &folder).await;
    house = house.killed_and_started_again(&[]);
    drop(sender);
    let tus = Tus::to(&house);
    let began = Instant::now();
    let offset = tus.offset(&path).await;
    println!("at {offset} of {} after {:?}", FIRST + SECOND, began.elapsed());
    assert!((FIRST as u64..=(FIRST + SECOND) as u64).contains(&offset), "{offset}");
    let rest = pattern(offset, usize::try_from(BYTES - offset).expect("it fits"));
    assert_eq!(tus.patch(&path, offset, rest).await.status(), 204);
    let whole = std::fs::read(folder.join("file")).expect("a whole file");
    assert!(whole == pattern(0, whole.len()) && whole.len() as u64 == BYTES);
}

#[tokio::test]
async fn any_node_takes_any_chunk_also_of_a_node_that_was_killed() {
    let Some(server) = Postgres::start() else { return };
    let uploads = tempfile::tempdir().expect("a temporary directory");
    let shared = uploads.path().to_str().expect("a path").to_owned();
    let (url, lease) = (server.url(), "2".to_owned());
    let flags = ["--database", &url, "--lease-s", &lease, "--uploads", &shared];
    let (mut one, two) = (House::start(&flags), House::start(&flags));
    let (at_one, at_two) = (Tus::to(&one), Tus::to(&two));
    let path = at_one.create(BYTES).await;
    let half = FIRST / 2;
    assert_eq!(at_one.patch(&path, 0, pattern(0, half)).await.status(), 204);
    assert_eq!(at_two.patch(&path, half as u64, pattern(half as u64, half)).await.status(), 204);
    let folder = uploads.path().join(name(&path));
    let sender = break_off(&at_one, &path, FIRST as u64, &folder).await;
    // Who asks the other node, takes the upload over from the request that hangs.
    let offset = at_two.offset(&path).await;
    assert_eq!(offset, (FIRST + SECOND) as u64, "what had come is kept");
    drop(sender);
    // Killed, it cannot let go: it is given up.
    let sender = break_off(&at_one, &path, offset, &folder).await;
    one.kill();
    let began = Instant::now();
    let after = at_two.offset(&path).await;
    println!("at {after} {:?} after the node was killed", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!((offset..=offset + SECOND as u64).contains(&after), "{after}");
    drop(sender);
    let rest = pattern(after, usize::try_from(BYTES - after).expect("it fits"));
    assert_eq!(at_two.patch(&path, after, rest).await.status(), 204);
    let whole = std::fs::read(folder.join("file")).expect("a whole file");
    assert!(whole == pattern(0, whole.len()) && whole.len() as u64 == BYTES);
}
