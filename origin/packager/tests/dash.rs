//! What DASH players ask the driver for, on tokio's paused clock.
//!
//! In: a show delivered at the pace of its arrival. Out: MPDs and segments while they are made.

mod simulation;

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use origin_packager::{Answer, Config, Growth, Handle, Refusal, spawn};
use shared_media::{ObjectSink, Staged, Ticks};
use shared_playlist::blocking::TooFar;
use shared_wire::key::Key;
use simulation::Shape;
use simulation::house::{ANCHOR, SHOW};
use simulation::store::Store;
use tokio::sync::mpsc;
use tokio::time::Instant;

struct Show {
    handle: Handle,
    store: Arc<Store>,
    started: Instant,
}

/// Starts a show that arrives in real time, up to `until_s` seconds; then it hangs, unless it ended.
fn start(config: Config, shape: &Shape, until_s: i64) -> Show {
    let (sender, staged) = mpsc::channel(64);
    let store = Arc::new(Store::default());
    let sink: Arc<dyn ObjectSink> = store.clone();
    let show = SHOW.parse().unwrap();
    let (handle, _) = spawn(config, show, "e1".to_owned(), ANCHOR, staged, sink);
    let (events, started) = (shape.events(), Instant::now());
    tokio::spawn(async move {
        for (at, event) in events {
            if at > until_s * 90_000 {
                std::future::pending::<()>().await;
            }
            let micros = Ticks(at).as_micros().max(0).unsigned_abs();
            tokio::time::sleep_until(started + Duration::from_micros(micros)).await;
            let is_end = event == Staged::End;
            sender.send(event).await.unwrap();
            if is_end {
                break;
            }
        }
    });
    Show { handle, store, started }
}

impl Show {
    async fn at(&self, millis: u64) {
        tokio::time::sleep_until(self.started + Duration::from_millis(millis)).await;
    }
}

/// GOP 2 s, 30 Hz: a part every 333 ms, there one frame after its last.
fn shape() -> Shape {
    Shape { target_duration_s: 2, ..Shape::default() }
}

/// What an MPD says it lists at last, and where the next one is.
fn newest(answer: &Answer) -> (String, u64) {
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let next = text.split("<Location>manifest.").nth(1).unwrap().split('.').next().unwrap();
    let next = next.parse().unwrap();
    (text, next)
}

#[tokio::test(start_paused = true)]
async fn an_mpd_comes_when_the_segment_begins_that_it_is_to_list() {
    let show = start(Config::default(), &shape(), 100);
    assert_eq!(show.handle.manifest(None, false).await, Err(Refusal::NotFound));
    show.at(8500).await; // in segment 4
    let (text, next) = newest(&show.handle.manifest(None, false).await.unwrap());
    assert_eq!(next, 5, "{text}");
    assert!(text.contains("timeShiftBufferDepth=\"PT7200S\""), "{text}");
    let answer = show.handle.manifest(Some(5), false).await.unwrap();
    let at = show.started.elapsed().as_millis();
    assert!((10_299..10_333).contains(&at), "with its first part: {at}");
    assert_eq!(answer.cache.to_string(), "public, max-age=12");
    assert_eq!(newest(&answer).1, 6);
    // What is old is answered with what is new.
    assert_eq!(newest(&show.handle.manifest(Some(1), false).await.unwrap()).1, 6);
    let packed = show.handle.manifest(None, true).await.unwrap();
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&*packed.body).read_to_end(&mut plain).unwrap();
    assert_eq!(plain, answer.body);
    let far = TooFar::Segment { msn_max: 6 };
    assert_eq!(show.handle.manifest(Some(7), false).await, Err(Refusal::TooFar(far)));
}

#[tokio::test(start_paused = true)]
async fn an_mpd_that_is_waited_for_is_late_or_the_last() {
    // The publisher hangs within segment 4.
    let hangs = start(Config::default(), &shape(), 9);
    hangs.at(9500).await;
    let asked = hangs.started.elapsed();
    assert_eq!(hangs.handle.manifest(Some(5), false).await, Err(Refusal::Late));
    assert_eq!((hangs.started.elapsed() - asked).as_secs(), 6);
    let few = start(Config { waiting_requests_max: 0, ..Config::default() }, &shape(), 9);
    few.at(8500).await;
    assert_eq!(few.handle.manifest(Some(5), false).await, Err(Refusal::Busy));

    let ends = start(Config::default(), &Shape { stretches: vec![270], ..shape() }, 100);
    ends.at(8500).await;
    let last = ends.handle.manifest(Some(5), false).await.unwrap();
    let text = String::from_utf8(last.body.to_vec()).unwrap();
    assert!(text.contains("type=\"static\"") && !text.contains("<Location>"), "{text}");
    assert!(text.contains("mediaPresentationDuration=\"PT9"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_segment_is_handed_out_part_by_part_while_it_is_made() {
    let show = start(Config::default(), &shape(), 100);
    show.at(4700).await; // in segment 2: parts 0 and 1 are there
    let key = |rest: &str| Key::parse(&format!("{SHOW}/{rest}")).unwrap();
    let whole = "source/e1/s2.m4s";
    let mut growing = show.handle.growing(&key(whole)).unwrap();
    let mut bytes = Vec::new();
    for number in 0..6 {
        let Growth::Part(part) = growing.next().await else { panic!("part {number}") };
        assert_eq!(part, format!("{SHOW}/source/e1/p2.{number}.m4s"));
        bytes.extend(show.store.get(&part).unwrap());
        let at = show.started.elapsed().as_millis();
        let there = 4000 + (number * 10 + 9) * 1000 / 30; // with its last frame
        assert!((there.max(4700)..there.max(4700) + 30).contains(&at), "part {number} at {at}");
    }
    assert_eq!(growing.next().await, Growth::Whole);
    assert_eq!(show.store.get(&key(whole).to_string()).unwrap(), bytes);
    // The next may be asked for before it begins; what is whole, another's, or far ahead is not made now.
    assert!(show.handle.growing(&key("audio/e1/s3.m4s")).is_some());
    assert!(show.handle.growing(&key("source/e1/s4.m4s")).is_some());
    for other in
        ["source/e1/s2.m4s", "source/e1/s9.m4s", "source/e2/s3.m4s", "240p/e1/s3.m4s", "index.m3u8"]
    {
        assert!(show.handle.growing(&key(other)).is_none(), "{other}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_segment_that_is_not_made_to_its_end_is_lost() {
    let hangs = start(Config::default(), &shape(), 5);
    hangs.at(5500).await;
    let key = Key::parse(&format!("{SHOW}/source/e1/s2.m4s")).unwrap();
    let mut growing = hangs.handle.growing(&key).unwrap();
    while let Growth::Part(_) = growing.next().await {}
    assert_eq!(growing.next().await, Growth::Lost);
    let few = start(Config { waiting_requests_max: 0, ..Config::default() }, &shape(), 5);
    few.at(4500).await;
    assert!(few.handle.growing(&key).is_none(), "as many wait as may");
}
