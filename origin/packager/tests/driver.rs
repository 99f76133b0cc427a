//! The driver on tokio's paused clock: who waits, for how long, and what they get.
//!
//! In: a show delivered at the pace of its arrival. Out: answers to requests made meanwhile.

mod simulation;

use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use origin_packager::{CachePolicy, Config, Finished, Handle, Hint, Refusal, spawn};
use shared_media::{ObjectSink, Staged, Ticks};
use shared_playlist::blocking::TooFar;
use shared_playlist::directives::Skip;
use shared_playlist::{Directives, recording};
use simulation::house::{ANCHOR, SHOW};
use simulation::store::Store;
use simulation::{Shape, id};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

struct Show {
    handle: Handle,
    store: Arc<Store>,
    publisher: JoinHandle<()>,
    packager: JoinHandle<Finished>,
    started: Instant,
}

/// Starts a show that arrives in real time, up to `until_s` seconds; then it hangs, unless it ended.
fn start(config: Config, shape: &Shape, until_s: i64) -> Show {
    start_on(Store::default(), config, shape, until_s)
}

fn start_on(store: Store, config: Config, shape: &Shape, until_s: i64) -> Show {
    let (sender, staged) = mpsc::channel(64);
    let store = Arc::new(store);
    let sink: Arc<dyn ObjectSink> = store.clone();
    let show = SHOW.parse().unwrap();
    let (handle, packager) = spawn(config, show, "e1".to_owned(), ANCHOR, staged, sink);
    let (events, started) = (shape.events(), Instant::now());
    let publisher = tokio::spawn(async move {
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
    Show { handle, store, publisher, packager, started }
}

impl Show {
    async fn at(&self, millis: u64) {
        tokio::time::sleep_until(self.started + Duration::from_millis(millis)).await;
    }

    async fn ask(&self, query: &str) -> Result<(String, u64), Refusal> {
        let directives = Directives::parse(query).unwrap();
        let answer = self.handle.playlist("source", &directives, false).await?;
        let millis = self.started.elapsed().as_millis().try_into().unwrap();
        Ok((String::from_utf8(answer.body.to_vec()).unwrap(), millis))
    }
}

/// GOP 2 s, 30 Hz: a part every 333 ms, there with its last frame.
fn shape() -> Shape {
    Shape { target_duration_s: 2, ..Shape::default() }
}

#[tokio::test(start_paused = true)]
async fn a_part_is_answered_the_moment_it_is_there() {
    let show = start(Config::default(), &shape(), 100);
    show.at(4900).await; // in segment 2: parts 0 and 1 are there, part 2's last frame is to come
    let (text, at) = show.ask("_HLS_msn=2&_HLS_part=2").await.unwrap();
    assert!(text.contains("e1/p2.2.m4s\"\n"), "{text}");
    assert!((4966..5000).contains(&at), "{at}");
    let (text, at) = show.ask("_HLS_msn=2&_HLS_part=5").await.unwrap();
    // The next keyframe is expected to begin a segment, and what it begins is hinted at; nobody has it yet.
    assert!(text.contains("e1/p2.5.m4s\"\n") && !text.contains("e1/s2.m4s"), "{text}");
    assert!(text.contains("PRELOAD-HINT:TYPE=PART,URI=\"e1/p3.0.m4s\""), "{text}");
    assert!((5966..6000).contains(&at), "{at}");
    // Part 6 of a segment of 6 is part 0 of the next.
    let (text, at) = show.ask("_HLS_msn=2&_HLS_part=6").await.unwrap();
    assert!(text.contains("PART:DURATION=0.333333,URI=\"e1/p3.0.m4s\",INDEPENDENT=YES"));
    assert!(text.contains("e1/s2.m4s"), "{text}");
    assert!((6300..6333).contains(&at), "{at}");
    let (text, at) = show.ask("_HLS_msn=3").await.unwrap();
    assert!(text.contains("e1/s3.m4s\n"));
    assert!((8000..8040).contains(&at), "{at}");
    assert!(show.ask("_HLS_msn=0&_HLS_part=99").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_listed_before_its_note_is_kept_or_the_disk_too_slow() {
    let mut listed_at = Vec::new();
    for settle_ms in [0, 7, 5000] {
        let store = Store(Mutex::default(), settle_ms);
        let show = start_on(store, Config::default(), &shape(), 100);
        show.at(4000).await;
        let (text, at) = show.ask("_HLS_msn=2&_HLS_part=2").await.unwrap();
        assert!(text.contains("e1/p2.2.m4s\"\n"), "{text}");
        listed_at.push(at);
    }
    let late = |at: u64| at - listed_at[0];
    // Another rendition's part may have been noted and waited for just before.
    assert!((7..=16).contains(&late(listed_at[1])), "{listed_at:?}");
    assert!(
        late(listed_at[2]) <= 22,
        "a disk that does not answer is waited for once: {listed_at:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_asks_while_a_show_begins_waits_until_it_has() {
    let show = start(Config::default(), &shape(), 100);
    assert!(show.handle.multivariant(false).is_none());
    show.handle.begins().await;
    assert!(show.handle.multivariant(false).is_some());
    // As soon as the first segment has told what the source takes.
    assert!(show.started.elapsed() < Duration::from_millis(2500), "{:?}", show.started.elapsed());
    let (asked, silent) = (Instant::now(), start(Config::default(), &shape(), -1));
    silent.handle.begins().await;
    assert!(silent.handle.multivariant(false).is_none());
    assert_eq!(asked.elapsed(), Duration::from_secs(4), "but not for ever");
}

#[tokio::test(start_paused = true)]
async fn where_rates_are_expected_a_show_is_there_with_its_first_parts_and_pictures_are_waited_for()
{
    let shape = Shape { expected_bit_rate: Some(3_000_000), ..shape() };
    let show = start(Config::default(), &shape, 100);
    show.handle.begins().await;
    // The rung is a third of a second late.
    assert!(show.started.elapsed() < Duration::from_millis(800), "{:?}", show.started.elapsed());
    let told = || {
        let answer = show.handle.multivariant(false).unwrap();
        String::from_utf8(answer.body.to_vec()).unwrap()
    };
    let first = told();
    assert!(first.contains("BANDWIDTH=3128000,AVERAGE-BANDWIDTH=3128000"), "{first}");
    assert_eq!(first.matches("FRAME-RATE=30.000").count(), 2, "{first}");
    assert_eq!(first.matches("#EXT-X-I-FRAME-STREAM-INF:").count(), 2, "{first}");
    let (text, _) = show.ask("").await.unwrap();
    assert!(text.contains("URI=\"e1/p0.0.m4s\"") && !text.contains("#EXTINF"), "{text}");
    assert!(!text.contains("iframes.m3u8"), "nothing to report of: {text}");

    let pictures = show.handle.i_frames("source", &Directives::default(), false).await.unwrap();
    let at = show.started.elapsed();
    assert!((2000..2040).contains(&at.as_millis()), "with the first whole segment: {at:?}");
    let text = String::from_utf8(pictures.body.to_vec()).unwrap();
    assert!(text.contains("e1/s0.m4s\n"), "{text}");
    let sound = show.handle.i_frames("audio", &Directives::default(), false).await;
    assert_eq!((sound, show.started.elapsed()), (Err(Refusal::NotFound), at), "it has none");
    show.at(2100).await;
    assert!(!told().contains("BANDWIDTH=3128000"), "what was measured counts now: {}", told());
    let (text, _) = show.ask("").await.unwrap();
    assert!(text.contains("RENDITION-REPORT:URI=\"iframes.m3u8\",LAST-MSN=0\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_far_or_unknown_is_refused_at_once() {
    let show = start(Config::default(), &shape(), 100);
    assert_eq!(show.ask("").await, Err(Refusal::NotFound));
    assert!(show.handle.multivariant(false).is_none());
    show.at(5000).await;
    let asked = Instant::now();
    let too_far = Refusal::TooFar(TooFar::Segment { msn_max: 3 });
    assert_eq!(show.ask("_HLS_msn=4").await, Err(too_far));
    assert_eq!((too_far.status(), too_far.cache_control()), (400, "no-store"));
    let part = show.ask("_HLS_msn=2&_HLS_part=40").await;
    assert!(matches!(part, Err(Refusal::TooFar(TooFar::Part { .. }))), "{part:?}");
    let other = show.handle.playlist("1080p", &Directives::default(), false).await;
    assert_eq!(other, Err(Refusal::NotFound));
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_is_told_after_three_target_durations() {
    let show = start(Config::default(), &shape(), 5);
    show.at(7000).await;
    let asked = Instant::now();
    let late = show.ask("_HLS_msn=3&_HLS_part=0").await;
    assert_eq!((late, asked.elapsed()), (Err(Refusal::Late), Duration::from_secs(6)));
    let asked = Instant::now();
    assert_eq!(show.handle.hinted(&format!("{SHOW}/source/e1/p2.3.m4s")).await, Hint::Late);
    assert_eq!(asked.elapsed(), Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_hinted_part_is_waited_for_and_no_other() {
    let show = start(Config::default(), &shape(), 100);
    show.at(5000).await;
    let (text, _) = show.ask("").await.unwrap();
    let hint = text.split("PRELOAD-HINT:TYPE=PART,URI=\"").nth(1).unwrap();
    let uri = hint.split('"').next().unwrap();
    let key = format!("{SHOW}/source/{uri}");
    assert!(show.store.get(&key).is_none());
    assert_eq!(show.handle.hinted(&key).await, Hint::Ready);
    assert!(show.store.get(&key).is_some());
    assert!(show.started.elapsed() < Duration::from_millis(5400));
    for other in
        ["source/e1/p9.0.m4s", "source/e2/p2.5.m4s", "none/e1/p2.5.m4s", "source/e1/s9.m4s"]
    {
        assert_eq!(show.handle.hinted(&format!("{SHOW}/{other}")).await, Hint::Absent, "{other}");
    }
    assert_eq!(show.handle.hinted("../../etc/passwd").await, Hint::Absent);
}

#[tokio::test(start_paused = true)]
async fn pictures_are_waited_for_by_their_own_numbers() {
    let shape = Shape { gops: vec![30], ..shape() };
    let show = start(Config::default(), &shape, 9);
    let ask = async |query: &str| {
        let directives = Directives::parse(query).unwrap();
        let answer = show.handle.i_frames("source", &directives, false).await?;
        let millis: u64 = show.started.elapsed().as_millis().try_into().unwrap();
        Ok((String::from_utf8(answer.body.to_vec()).unwrap(), millis))
    };
    assert_eq!(ask("").await, Err(Refusal::NotFound));
    show.at(3000).await; // segment 0 is whole: pictures 0 and 1
    let (text, _) = ask("").await.unwrap();
    assert!(text.contains("#EXT-X-I-FRAMES-ONLY\n") && !text.contains("EXT-X-PART"), "{text}");
    assert_eq!(text.matches("e1/s0.m4s\n").count(), 2);
    assert!(
        text.contains("RENDITION-REPORT:URI=\"index.m3u8\",LAST-MSN=1,LAST-PART=0\n"),
        "{text}"
    );
    let (text, at) = ask("_HLS_msn=2").await.unwrap();
    assert_eq!(text.matches("e1/s1.m4s\n").count(), 2, "{text}");
    assert!((4000..4040).contains(&at), "{at}");
    // There are no parts to wait for: the picture is.
    let (_, at) = ask("_HLS_msn=4&_HLS_part=7").await.unwrap();
    assert!((6000..6040).contains(&at), "{at}");
    assert_eq!(ask("_HLS_msn=8").await, Err(Refusal::TooFar(TooFar::Segment { msn_max: 7 })));
    let (text, _) = show.ask("").await.unwrap();
    assert!(text.contains("RENDITION-REPORT:URI=\"iframes.m3u8\",LAST-MSN=5\n"), "{text}");
    show.at(8100).await; // eight pictures of a second: more than CAN-SKIP-UNTIL is six targets
    assert_eq!(ask("_HLS_msn=8").await, Err(Refusal::Late));
    let (whole, _) = ask("_HLS_skip=YES").await.unwrap();
    assert!(!whole.contains("EXT-X-SKIP"), "eight seconds are no reason to skip");
    let sound = show.handle.i_frames("audio", &Directives::default(), false).await;
    assert_eq!(sound, Err(Refusal::NotFound));
}

#[tokio::test(start_paused = true)]
async fn a_long_i_frame_playlist_answers_a_delta() {
    let show = start(Config::default(), &shape(), 100);
    show.at(19_500).await; // nine pictures of two seconds
    let directives = Directives::parse("_HLS_skip=v2").unwrap();
    let answer = show.handle.i_frames("source", &directives, true).await.unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&answer.body[..]).read_to_string(&mut text).unwrap();
    let skip = "#EXT-X-SKIP:SKIPPED-SEGMENTS=2,RECENTLY-REMOVED-DATERANGES=\"\"\n";
    let (_, after) = text.split_once(skip).unwrap();
    assert!(after.starts_with("#EXT-X-MAP:URI=\"e1/i0.mp4\"\n"), "{text}");
    assert_eq!(after.matches("#EXT-X-BYTERANGE:").count(), 7);
    assert_eq!(answer.cache.to_string(), "public, max-age=1");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_viewers_share_one_rendering() {
    let show = start(Config::default(), &shape(), 100);
    show.at(5100).await;
    let directives = Directives { msn: Some(2), part: Some(5), skip: Some(Skip::Segments) };
    let viewers: Vec<_> = (0..1000)
        .map(|_| {
            let handle = show.handle.clone();
            tokio::spawn(async move { handle.playlist("source", &directives, true).await })
        })
        .collect();
    let mut answers = Vec::new();
    for viewer in viewers {
        answers.push(viewer.await.unwrap().unwrap());
    }
    let first = &answers[0];
    assert!(answers.iter().all(|answer| answer.body.as_ptr() == first.body.as_ptr()));
    assert!(first.gzip);
    let mut text = String::new();
    flate2::read::GzDecoder::new(&first.body[..]).read_to_string(&mut text).unwrap();
    assert!(text.contains("e1/p2.5.m4s"));
    assert_eq!(first.cache, CachePolicy { max_age_s: 12 });
    let plain = show.handle.playlist("source", &Directives::default(), false).await.unwrap();
    assert_eq!(plain.cache.to_string(), "public, max-age=1");
}

#[tokio::test(start_paused = true)]
async fn no_more_wait_than_may() {
    let config = Config { waiting_requests_max: 2, ..Config::default() };
    let show = start(config, &shape(), 5);
    show.at(6000).await;
    let directives = Directives { msn: Some(3), part: None, skip: None };
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let handle = show.handle.clone();
            tokio::spawn(async move { handle.playlist("source", &directives, false).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(show.ask("_HLS_msn=3").await, Err(Refusal::Busy));
    assert!(show.ask("").await.is_ok());
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), Err(Refusal::Late));
    }
    // The places are free again.
    assert_eq!(show.ask("_HLS_msn=3").await, Err(Refusal::Late));
}

#[tokio::test(start_paused = true)]
async fn a_show_ends_with_endlist_and_a_recording() {
    let show = start(Config::default(), &Shape { stretches: vec![200, 100], ..shape() }, 100);
    show.at(6000).await;
    let status = show.handle.status();
    assert!(status.started && !status.ended && status.renditions.len() == 3);
    let waiting = show.handle.clone();
    let finished = show.packager.await.unwrap();
    show.publisher.await.unwrap();
    assert!(waiting.status().ended);
    // Directives are ignored now, and nobody waits.
    let directives = Directives { msn: Some(999), part: Some(9), skip: Some(Skip::Segments) };
    let answer = waiting.playlist("audio", &directives, false).await.unwrap();
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(text.contains("#EXT-X-ENDLIST") && !text.contains("PRELOAD-HINT"));
    assert!(text.contains("#EXT-X-DISCONTINUITY\n") && !text.contains("EXT-X-SKIP"));
    assert_eq!(finished.recordings.len(), 5);
    for name in ["source", "480p", "audio"] {
        let written = show.store.get(&format!("{SHOW}/{name}/index.m3u8")).unwrap();
        let vod = recording::finish(std::str::from_utf8(&written).unwrap());
        for uri in vod.lines().filter(|line| !line.starts_with('#')) {
            assert!(show.store.get(&format!("{SHOW}/{name}/{uri}")).is_some(), "{name} {uri}");
        }
        assert!(vod.contains("e1/i0.mp4") && vod.ends_with("#EXT-X-ENDLIST\n"));
    }
    let answer = waiting.i_frames("480p", &directives, false).await.unwrap();
    let live = String::from_utf8(answer.body.to_vec()).unwrap();
    let written = show.store.get(&format!("{SHOW}/480p/iframes.m3u8")).unwrap();
    let vod = recording::finish(std::str::from_utf8(&written).unwrap());
    let entries = |text: &str| {
        let from = text.find("#EXT-X-MAP").unwrap();
        text[from..text.find("#EXT-X-ENDLIST").unwrap()].to_owned()
    };
    assert_eq!(entries(&live), entries(&vod));
    assert!(vod.contains("#EXT-X-DISCONTINUITY\n") && vod.contains("PLAYLIST-TYPE:VOD\n"));
    let multivariant = waiting.multivariant(false).unwrap().body;
    assert_eq!(Some(multivariant.to_vec()), show.store.get(&format!("{SHOW}/index.m3u8")));
}

#[tokio::test(start_paused = true)]
async fn a_closed_channel_is_the_end() {
    let (sender, staged) = mpsc::channel(8);
    let sink: Arc<dyn ObjectSink> = Arc::new(Store::default());
    let show = SHOW.parse().unwrap();
    let (handle, packager) = spawn(Config::default(), show, "e1".to_owned(), ANCHOR, staged, sink);
    sender.send(Staged::Plan(simulation::plan(2))).await.unwrap();
    sender.send(Staged::Config(id("audio"), simulation::audio_config())).await.unwrap();
    drop(sender);
    assert_eq!(packager.await.unwrap(), Finished { recordings: Vec::new() });
    assert!(!handle.status().started);
    let _: Option<Bytes> = handle.multivariant(true).map(|answer| answer.body);
}
