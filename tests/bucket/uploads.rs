//! Uploads in a bucket: nodes that share it and their rows, and nothing else; a bucket that fails.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::{Body, Client};
use tests::postgres::Postgres;
use tests::viewer::{Playlist, fetch, renditions};
use tests::{House, resident};

use crate::house::{before, metric};
use crate::proxy::{Fault, Proxy};
use crate::server::{Kind, Server};
use crate::tus::{LOOK_EVERY, Tus, endless, name, pattern};

/// How long a film may take: two slow processors do other tests as well.
const MADE_MAX: Duration = Duration::from_secs(400);
/// Pictures of the film.
const PICTURES: usize = 200;
const MIB: usize = 1 << 20;

/// A film of eight seconds that takes many bytes.
fn film(folder: &Path) -> PathBuf {
    let file = folder.join("film.mp4");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i"])
        .arg("testsrc2=size=320x180:rate=25:duration=8,noise=alls=80:allf=t")
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=8"])
        .args(["-c:v", "mpeg4", "-q:v", "1", "-g", "25", "-bf", "0", "-c:a", "aac"])
        .arg(&file)
        .status();
    assert!(made.expect("ffmpeg runs").success());
    file
}

/// What stands before the keys of an upload.
fn below(path: &str) -> String {
    format!("a/house/uploads/{}/", name(path))
}

/// The keys of the bucket below a prefix.
async fn keys(server: &Server, kind: Kind, prefix: &str) -> Vec<String> {
    if kind == Kind::S3rver {
        let Ok(found) = Command::new("find").arg(server.folder()).args(["-type", "f"]).output()
        else {
            panic!("find runs");
        };
        let folder = format!("{}/", server.folder().display());
        let found = String::from_utf8(found.stdout).expect("text");
        let key = |line: &str| {
            let key = line.strip_prefix(&folder)?.strip_suffix("._S3rver_object")?;
            key.starts_with(prefix).then(|| key.to_owned())
        };
        let mut keys: Vec<String> = found.lines().filter_map(key).collect();
        keys.sort();
        return keys;
    }
    server.listed(prefix).await
}

async fn object(server: &Server, kind: Kind, key: &str) -> Vec<u8> {
    if kind == Kind::S3rver {
        let file = server.folder().join(format!("{key}._S3rver_object"));
        return std::fs::read(file).expect("an object");
    }
    server.object(key).await
}

/// The file of an upload, as its list in the bucket says.
async fn content(server: &Server, kind: Kind, path: &str) -> Vec<u8> {
    let below = below(path);
    let lists = keys(server, kind, &format!("{below}whole/")).await;
    let list = object(server, kind, lists.last().expect("a list")).await;
    let list = String::from_utf8(list).expect("text");
    let mut content = Vec::new();
    for line in list.lines().skip(1) {
        let (bytes, name) = line.split_once(' ').expect("a line");
        let bytes: usize = bytes.parse().expect("a number");
        let object = object(server, kind, &format!("{below}{name}")).await;
        content.extend_from_slice(&object[..bytes]);
    }
    content
}

/// Waits until a film is made; its pictures as a viewer has them.
async fn pictures(house: &House, tus: &Tus, asset: &str) -> usize {
    let deadline = Instant::now() + MADE_MAX;
    let told = loop {
        let told = tus.looked_into(asset).await;
        match told["state"].as_str() {
            Some("ready") => break told,
            Some("failed" | "refused") => panic!("{told}\n{}", house.log_tail()),
            _ => assert!(Instant::now() < deadline, "{told}\n{}", house.log_tail()),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let ticket = house.ticket(told["show"].as_str().expect("a show"));
    let path = ticket.playlist_url.splitn(4, '/').nth(3).expect("a path");
    let (client, url) = (Client::new(), format!("{}/{path}", house.edge));
    let all = renditions(&fetch(&client, &url).await.text(), &url);
    let (_, rung) = all.iter().find(|(name, _)| name != "audio").expect("pictures");
    let list = Playlist::parse(&fetch(&client, rung).await.text(), rung);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let whole = directory.path().join("whole.mp4");
    list.download(&client, &whole).await;
    tests::frame_times(&whole).len()
}

/// Begins a chunk that does not end, and waits until as many bytes of it are counted.
async fn break_off(at_one: &Tus, path: &str, (at, bytes): (usize, &[u8]), house: &House) {
    let (sender, body) = endless();
    let before = metric(house, "matinee_upload_bytes_total").await;
    let length = bytes.len() - at;
    let chunk = at_one.chunk(path, at as u64).header("content-length", length).body(body);
    // It fails, when the node is killed.
    tokio::spawn(async move { chunk.send().await.map(drop) });
    let sent = 9 * MIB;
    for piece in bytes[at..at + sent].chunks(MIB) {
        sender.send(piece.to_vec()).await.expect("it is read");
    }
    let deadline = Instant::now() + MADE_MAX;
    while metric(house, "matinee_upload_bytes_total").await - before < sent as f64 {
        assert!(Instant::now() < deadline, "it is not read");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    // What is whole of it is put and counted within a second or two; if not, less is kept.
    tokio::time::sleep(Duration::from_secs(3)).await;
    std::mem::forget(sender);
}

#[tokio::test]
async fn nodes_that_share_rows_and_a_bucket_take_chunks_by_turns_also_of_one_that_was_killed() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let bytes = std::fs::read(film(folder.path())).expect("a film");
    assert!(bytes.len() > 16 * MIB, "{} bytes", bytes.len());
    for kind in [Kind::Moto, Kind::S3rver] {
        let Some(rows) = Postgres::start() else { return };
        let server = Server::with_bucket(kind).await;
        let endpoint = format!("http://{}", server.address);
        let url = rows.url();
        let flags = ["--database", &url, "--lease-s", "2", "--transcodes", "1"];
        let node = || before(tempfile::tempdir().expect("a directory"), &endpoint, &flags);
        let (mut one, two) = (node(), node());
        let (at_one, at_two) = (Tus::to(&one), Tus::to(&two));
        let path = at_one.create(bytes.len() as u64).await;
        let mut at = 0;
        for (turn, size) in (0..).zip([MIB, 3, 100_000, 2 * MIB + 17, 65_536]) {
            let tus = if turn % 2 == 0 { &at_one } else { &at_two };
            let patched = tus.patch(&path, at as u64, bytes[at..at + size].to_vec()).await;
            assert_eq!(patched.status(), 204, "{kind:?} {turn}");
            at += size;
        }
        let (of_one, of_two) = (at_one.offset(&path).await, at_two.offset(&path).await);
        assert_eq!((of_one, of_two), (at as u64, at as u64));
        break_off(&at_one, &path, (at, &bytes), &one).await;
        one.kill();
        let began = Instant::now();
        let offset = usize::try_from(at_two.offset(&path).await).expect("it fits");
        println!("{kind:?}: {offset} of {at} + {} after {:?}", 9 * MIB, began.elapsed());
        assert!((at..=at + 9 * MIB).contains(&offset), "{offset}");
        assert!(offset >= at + 7 * MIB, "what had come is kept as far as it fills an object");
        let patched = at_two.patch(&path, offset as u64, bytes[offset..].to_vec()).await;
        assert_eq!(patched.status(), 204, "{kind:?}");
        assert!(content(&server, kind, &path).await == bytes, "{kind:?}: other bytes");
        assert!(!two.data().join("uploads").exists(), "nothing is on the disk");
        assert_eq!(pictures(&two, &at_two, name(&path)).await, PICTURES, "{kind:?}");

        let deleted = two.cli(&["asset", "delete", name(&path)]);
        assert!(deleted.status.success(), "{deleted:?}");
        let gone = two.cli_json(&["asset", "list", "--json"]);
        assert!(!gone.to_string().contains(name(&path)), "{gone}");
        assert_eq!(keys(&server, kind, &below(&path)).await, [""; 0], "{kind:?}");
    }
}

#[tokio::test]
async fn a_bucket_that_fails_costs_time_and_nothing_that_was_acknowledged() {
    let server = Server::with_bucket(Kind::S3rver).await;
    let proxy = Proxy::before(server.address).await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let house = before(directory, &proxy.url(), &["--transcodes", "0"]);
    let tus = Tus::to(&house);
    let bytes = pattern(0, 20 * MIB);
    let path = tus.create(bytes.len() as u64).await;
    // What the server did and could not say is done once more, and is the same.
    proxy.faults(&[Fault::None, Fault::Error, Fault::Unheard, Fault::None, Fault::Reset]);
    let first = 9 * MIB;
    assert_eq!(tus.patch(&path, 0, bytes[..first].to_vec()).await.status(), 204);

    proxy.faults(&[Fault::Error]);
    let began = Instant::now();
    let refused = tus.patch(&path, first as u64, bytes[first..].to_vec()).await;
    println!("said after {:?}", began.elapsed());
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let said = refused.text().await.expect("a body");
    assert!(said.contains("bucket_unavailable") && !said.contains("InternalError"), "{said}");
    let made = tus.ask(reqwest::Method::POST, "/v1/assets?title=x").body("x").send().await;
    let made = made.expect("an answer");
    assert_eq!((made.status().as_u16(), made.headers().contains_key("retry-after")), (503, true));
    assert!(made.text().await.expect("a body").contains("bucket_unavailable"));
    assert_eq!(tus.offset(&path).await, first as u64, "what was acknowledged, while it is dead");

    proxy.faults(&[Fault::None]);
    // A chunk with a wrong checksum leaves nothing.
    let wrong = tus.chunk(&path, first as u64).header("upload-checksum", "sha1 AAAA");
    let wrong = wrong.body(bytes[..MIB].to_vec()).send().await.expect("an answer");
    assert!([400, 460].contains(&wrong.status().as_u16()), "{}", wrong.status());
    let wrong = tus.chunk(&path, first as u64);
    let wrong = wrong.header("upload-checksum", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=");
    let wrong = wrong.body(bytes[..9 * MIB].to_vec()).send().await.expect("an answer");
    assert_eq!(wrong.status(), 460);
    assert_eq!(tus.offset(&path).await, first as u64);
    assert_eq!(tus.patch(&path, first as u64, bytes[first..].to_vec()).await.status(), 204);
    assert!(content(&server, Kind::S3rver, &path).await == bytes, "other bytes");
}

#[tokio::test]
async fn a_directory_that_is_named_is_used_before_a_bucket_too() {
    let server = Server::with_bucket(Kind::Moto).await;
    let folder = tempfile::tempdir().expect("a temporary directory");
    let named = folder.path().to_str().expect("a path");
    let endpoint = format!("http://{}", server.address);
    let flags = ["--uploads", named, "--transcodes", "0"];
    let house = before(tempfile::tempdir().expect("a directory"), &endpoint, &flags);
    let tus = Tus::to(&house);
    let path = tus.create(9).await;
    assert_eq!(tus.patch(&path, 0, b"some".to_vec()).await.status(), 204);
    assert!(folder.path().join(name(&path)).is_dir());
    assert_eq!(keys(&server, Kind::Moto, "a/house/uploads/").await, [""; 0]);
}

#[tokio::test]
async fn a_large_file_on_its_way_to_a_bucket_takes_no_memory() {
    let server = Server::with_bucket(Kind::S3rver).await;
    let endpoint = format!("http://{}", server.address);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let house = before(directory, &endpoint, &["--transcodes", "0"]);
    let tus = Tus::to(&house);
    // What the first upload sets up is there to stay.
    let warm = tus.create(64 * MIB as u64 + 1).await;
    assert_eq!(tus.patch(&warm, 0, pattern(0, 64 * MIB)).await.status(), 204);
    let (before, _) = resident(house.pid());
    let pieces = 320;
    let bytes = pieces * MIB;
    let path = tus.create(bytes as u64 + 1).await;
    let piece = axum::body::Bytes::from(pattern(0, MIB));
    let stream =
        futures::stream::iter((0..pieces).map(move |_| Ok::<_, std::io::Error>(piece.clone())));
    let began = Instant::now();
    let chunk = tus.chunk(&path, 0).header("content-length", bytes);
    let chunk = chunk.body(Body::wrap_stream(stream)).send().await;
    assert_eq!(chunk.expect("an answer").status(), 204);
    let took = began.elapsed().as_secs_f64();
    let (_, most) = resident(house.pid());
    let growth = most.saturating_sub(before) >> 20;
    println!("{pieces} MiB in {took:.1} s; {} MiB before, {growth} MiB more", before >> 20);
    assert!(growth < 64, "the house grew by {growth} MiB");
}
