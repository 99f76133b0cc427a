//! What becomes of shows and recordings.

use std::fs;
use std::path::Path;

use tests::House;

use crate::house::{OnAir, before, metric, until, with_reading_edge};
use crate::proxy::{Fault, Proxy, Seen};
use crate::server::{CREDENTIALS, Kind, Server};

/// Ends the house well, and loses all its objects but not its database.
fn emptied(house: House) -> tempfile::TempDir {
    let directory = house.stop();
    fs::remove_dir_all(directory.path().join("data/objects")).expect("removed");
    directory
}

/// Nothing that is listed in the bucket is missing there; how many playlists list anything.
fn sound(bucket: &Path) -> usize {
    let mut lists = 0;
    let mut folders = vec![bucket.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(folder_of) = name.strip_suffix("index.m3u8._S3rver_object") else { continue };
            assert_eq!(folder_of, "");
            let text = fs::read_to_string(entry.path()).expect("text");
            let listed = text.lines().filter(|line| !line.starts_with('#'));
            lists += usize::from(text.contains("#EXTINF"));
            for uri in listed {
                let at = folder.join(format!("{uri}._S3rver_object"));
                assert!(at.is_file(), "{uri} is listed and missing: {text}");
            }
        }
    }
    lists
}

async fn a_show_is_recorded_and_plays_from_the_bucket_alone(kind: Kind) {
    let server = Server::with_bucket(kind).await;
    let proxy = Proxy::before(server.address).await;
    // Half of all goes wrong, each thing in turn.
    proxy.faults(&[
        Fault::None,
        Fault::Error,
        Fault::None,
        Fault::Unheard,
        Fault::None,
        Fault::Reset,
        Fault::None,
        Fault::Slow,
    ]);
    let house = before(tempfile::tempdir().expect("a directory"), &proxy.url(), &[]);
    let mut on_air = OnAir::begin(&house, 8).await;
    let (well, said) = on_air.publisher.finish();
    assert!(well, "{said}");
    let seconds = on_air.plays(&house).await;
    until(&house, "matinee_bucket_waiting_objects", |waiting| waiting == 0.0).await;
    for fault in [Fault::Error, Fault::Unheard, Fault::Reset] {
        let met = |one: &Seen| one.fault == fault && one.method == "PUT";
        assert!(proxy.seen().iter().any(met), "{fault:?} never happened");
    }
    for one in proxy.seen() {
        assert!(one.target.starts_with("/films/a/house/"), "{}", one.target);
        assert!(one.headers.contains_key("authorization"), "{}", one.target);
    }
    let directory = emptied(house);
    let again = before(directory, &proxy.url(), &[]);
    let from_bucket = on_air.plays(&again).await;
    assert!((from_bucket - seconds).abs() < 0.01, "{from_bucket} of {seconds}");
    let log = again.log();
    assert!(CREDENTIALS[..2].iter().all(|(_, secret)| !log.contains(secret)), "a secret in a log");
}

#[tokio::test]
async fn a_show_is_recorded_to_moto_and_plays_from_there_alone() {
    a_show_is_recorded_and_plays_from_the_bucket_alone(Kind::Moto).await;
}

#[tokio::test]
async fn a_show_is_recorded_to_s3rver_and_plays_from_there_alone() {
    a_show_is_recorded_and_plays_from_the_bucket_alone(Kind::S3rver).await;
}

async fn a_recording_plays_at_the_edge_from_the_bucket_alone(kind: Kind) {
    let server = Server::with_bucket(kind).await;
    let proxy = Proxy::before(server.address).await;
    let url = proxy.url();
    let house = with_reading_edge(tempfile::tempdir().expect("a directory"), &url);
    let mut on_air = OnAir::begin(&house, 8).await;
    let (well, said) = on_air.publisher.finish();
    assert!(well, "{said}");
    let seconds = on_air.plays(&house).await;
    until(&house, "matinee_bucket_waiting_objects", |waiting| waiting == 0.0).await;
    // Nothing in any cache, nothing on the house's disk: whoever has media has it from the bucket.
    let house = with_reading_edge(emptied(house), &url);
    let before = proxy.seen().len();
    let again = on_air.plays(&house).await;
    assert!((again - seconds).abs() < 0.01, "{again} of {seconds}");
    let seen = proxy.seen().split_off(before);
    let is_media = |one: &&Seen| one.target.contains(".m4s") || one.target.contains(".mp4");
    let by_house = |one: &&Seen| {
        let agent = one.headers.get("user-agent").and_then(|agent| agent.to_str().ok());
        agent.is_some_and(|agent| agent.contains("aws-sdk"))
    };
    let media: Vec<&Seen> = seen.iter().filter(is_media).collect();
    let through_origin: Vec<&str> =
        media.iter().filter(|one| by_house(one)).map(|one| one.target.as_str()).collect();
    assert_eq!(through_origin, [""; 0], "the origin read media");
    let list = on_air.until(&house, |list| list.ended).await;
    assert!(media.len() > list.segments.len(), "{} of {}", media.len(), list.segments.len());
    assert_eq!(metric(&house, "matinee_edge_bucket_reads_total").await, media.len() as f64);
    assert_eq!(metric(&house, "matinee_edge_bucket_fallbacks_total").await, 0.0);
    let log = house.log();
    assert!(CREDENTIALS[..2].iter().all(|(_, secret)| !log.contains(secret)), "a secret in a log");
}

#[tokio::test]
async fn a_recording_plays_at_the_edge_from_moto_alone() {
    a_recording_plays_at_the_edge_from_the_bucket_alone(Kind::Moto).await;
}

#[tokio::test]
async fn a_recording_plays_at_the_edge_from_s3rver_alone_which_checks_signatures() {
    a_recording_plays_at_the_edge_from_the_bucket_alone(Kind::S3rver).await;
}

#[tokio::test]
async fn a_dead_bucket_stalls_no_show_and_has_it_whole_when_it_is_back() {
    let server = Server::with_bucket(Kind::S3rver).await;
    let proxy = Proxy::before(server.address).await;
    let house = before(tempfile::tempdir().expect("a directory"), &proxy.url(), &[]);
    let mut on_air = OnAir::begin(&house, 12).await;
    until(&house, "matinee_bucket_sent_bytes_total", |sent| sent > 0.0).await;
    proxy.faults(&[Fault::Silent]);
    on_air.goes_on(&house).await;
    proxy.faults(&[Fault::Reset]);
    on_air.goes_on(&house).await;
    until(&house, "matinee_bucket_degraded", |degraded| degraded == 1.0).await;
    until(&house, "matinee_bucket_spool_bytes", |bytes| bytes > 0.0).await;
    until(&house, "matinee_bucket_oldest_seconds", |seconds| seconds > 0.5).await;
    assert!(house.log().contains("the bucket does not take objects"), "{}", house.log_tail());
    sound(&server.folder());
    let (well, said) = on_air.publisher.finish();
    assert!(well, "{said}");
    on_air.plays(&house).await;
    proxy.faults(&[Fault::None]);
    until(&house, "matinee_bucket_waiting_objects", |waiting| waiting == 0.0).await;
    assert!(sound(&server.folder()) >= 3, "source, 160p and the sound");
    let again = before(emptied(house), &proxy.url(), &[]);
    assert!(on_air.plays(&again).await > 11.0);
}

#[tokio::test]
async fn a_killed_house_sends_the_rest_when_it_is_back_and_another_plays_it() {
    let server = Server::with_bucket(Kind::S3rver).await;
    let proxy = Proxy::before(server.address).await;
    let house = before(tempfile::tempdir().expect("a directory"), &proxy.url(), &[]);
    let on_air = OnAir::begin(&house, 60).await;
    until(&house, "matinee_bucket_sent_bytes_total", |sent| sent > 0.0).await;
    proxy.faults(&[Fault::Silent]);
    on_air.goes_on(&house).await;
    until(&house, "matinee_bucket_spool_bytes", |bytes| bytes > 0.0).await;
    let directory = house.killed();
    proxy.faults(&[Fault::None]);
    sound(&server.folder());
    let house = before(directory, &proxy.url(), &[]);
    let seconds = on_air.plays(&house).await;
    until(&house, "matinee_bucket_waiting_objects", |waiting| waiting == 0.0).await;
    sound(&server.folder());
    // A house elsewhere: the same database and keys, a disk of its own.
    let another = tempfile::tempdir().expect("a directory");
    let directory = house.stop();
    let copied = std::process::Command::new("cp")
        .args(["-r", "--"])
        .arg(directory.path().join("data"))
        .arg(another.path())
        .status();
    assert!(copied.expect("cp runs").success());
    fs::remove_dir_all(another.path().join("data/objects")).expect("removed");
    let another = before(another, &proxy.url(), &[]);
    let from_bucket = on_air.plays(&another).await;
    assert!((from_bucket - seconds).abs() < 0.01, "{from_bucket} of {seconds}");
}

#[tokio::test]
async fn a_small_spool_keeps_to_its_size_and_a_recording_is_deleted_from_the_bucket_too() {
    let server = Server::with_bucket(Kind::S3rver).await;
    let proxy = Proxy::before(server.address).await;
    let directory = tempfile::tempdir().expect("a directory");
    let house = before(directory, &proxy.url(), &["--s3-spool-mib", "1"]);
    let on_air = OnAir::begin(&house, 60).await;
    let first = on_air.until(&house, |_| true).await.segments.remove(0);
    let objects = house.data().join("objects").join(&on_air.show.id);
    let file = objects.join("source").join(first.url.rsplit("/source/").next().expect("a name"));
    while file.exists() {
        on_air.goes_on(&house).await;
    }
    proxy.faults(&[Fault::Reset]);
    until(&house, "matinee_bucket_spool_full", |full| full == 1.0).await;
    on_air.goes_on(&house).await;
    assert!(house.log().contains("the spool is full"), "{}", house.log_tail());
    proxy.faults(&[Fault::None]);
    until(&house, "matinee_bucket_spool_full", |full| full == 0.0).await;
    let OnAir { show, publisher, .. } = on_air;
    drop(publisher);
    let directory = house.stop();
    assert!(sound(&server.folder()) >= 3, "source, 160p and the sound");
    // What the bucket has counts, also where the disk does not have it any more.
    let house = before(directory, &proxy.url(), &["--recordings-max-mib", "1"]);
    until(&house, "matinee_recordings_deleted_total", |deleted| deleted > 0.0).await;
    until(&house, "matinee_bucket_waiting_objects", |waiting| waiting == 0.0).await;
    assert_eq!(sound(&server.folder()), 0, "{}", show.id);
    assert!(!objects_of(&server, &show.id), "objects of a recording that was deleted");
}

/// Whether the bucket has anything of a show.
fn objects_of(server: &Server, show: &str) -> bool {
    let folder = server.folder().join("a/house").join(show);
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                return true;
            }
        }
    }
    false
}
