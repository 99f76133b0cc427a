//! What may go wrong while a show is on: the child dies or hangs, the publisher leaves, media is corrupt.
//!
//! In: clips made by `ffmpeg`, and violence. Out: verdicts. Does not know the machines.

use std::process::Command;
use std::time::Duration;

use crate::clip::{Outcome, Running, config, later, make, picture, pictures, through};
use bytes::Bytes;
use origin_ladder::{Config, Error};
use shared_media::{Publication, Staged, Ticks, TrackId};

const SMALL: (u32, u32) = (640, 360);

fn clip(seconds: u32) -> Vec<Publication> {
    let arguments = format!(
        "{} -f lavfi -i sine=frequency=440:sample_rate=48000:duration={seconds} -c:v libx264 \
         -preset veryfast -bf 2 -g 25 -sc_threshold 0 -c:a aac -ac 2",
        picture(SMALL, 25, seconds)
    );
    make(SMALL, &arguments)
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

async fn pid(running: &Running) -> u32 {
    for _ in 0..500 {
        if let Some(pid) = running.handle.child_pid() {
            return pid;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no child");
}

/// Feeds a clip at about the speed of life, and hurts the child at some events.
async fn hurt(config: Config, events: &[Publication], at: &[usize], name: &str) -> Outcome {
    let running = Running::start(config);
    for (index, event) in events.iter().enumerate() {
        if at.contains(&index) {
            signal(name, pid(&running).await);
        }
        running.feed(std::slice::from_ref(event)).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running.finish().await
}

fn assert_whole(outcome: &Outcome, events: &[Publication]) {
    let (shown, keys) = pictures(events);
    assert_eq!(outcome.shown("source"), (shown.clone(), keys.clone()));
    assert_eq!(outcome.shown("160p"), (shown, keys), "each picture once");
    assert_eq!(outcome.decoded("160p").0, outcome.units["160p"].len());
    for pair in outcome.units["audio"].windows(2) {
        assert_eq!((pair[1].pts - pair[0].pts).0, 1920, "sound has no gap");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_child_is_replaced_without_a_gap() {
    let events = clip(8);
    let outcome = hurt(config(), &events, &[200, 207, 330], "-KILL").await;
    assert_whole(&outcome, &events);
    assert!(outcome.breaks.is_empty(), "{:?}", outcome.breaks);
    assert!(outcome.configs.values().all(|configs| configs.len() == 1));
    let heard = outcome.sound();
    let quiet = heard[9_600..heard.len() - 9_600]
        .chunks(480)
        .filter(|chunk| chunk.iter().all(|sample| sample.abs() < 0.02));
    assert_eq!(quiet.count(), 0, "the tone goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_child_is_replaced_without_a_gap() {
    let events = clip(6);
    let impatient = Config { hang_ms: 2_000, ..config() };
    let outcome = hurt(impatient, &events, &[250], "-STOP").await;
    assert_whole(&outcome, &events);
    assert!(outcome.breaks.is_empty());
}

/// The child is stopped most of the time: it answers, but cannot keep up.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_cannot_keep_up_encodes_less_and_the_source_never_waits() {
    let events = clip(9);
    let rung = |height| origin_ladder::RungSpec {
        height,
        bit_rate: 300_000,
        codec: shared_media::VideoCodec::Avc,
    };
    let rungs = vec![rung(240), rung(160)];
    let running = Running::start(Config { rungs, overload_lag_ms_max: 1_000, ..config() });
    for event in &events[..120] {
        running.feed(std::slice::from_ref(event)).await;
    }
    let child = pid(&running).await;
    let (end, mut ended) = tokio::sync::oneshot::channel::<()>();
    let slow = tokio::spawn(async move {
        while ended.try_recv().is_err() {
            signal("-STOP", child);
            tokio::time::sleep(Duration::from_millis(195)).await;
            signal("-CONT", child);
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
    });
    let pictures_ms = 40;
    for event in &events[120..] {
        running.feed(std::slice::from_ref(event)).await;
        if matches!(event, Publication::Unit(TrackId::Video, _)) {
            tokio::time::sleep(Duration::from_millis(pictures_ms)).await;
        }
    }
    end.send(()).expect("it goes on until then");
    slow.await.expect("no panic");
    let outcome = running.finish().await;
    assert_eq!(outcome.offers.first(), Some(&("240p".to_owned(), false)), "{:?}", outcome.offers);
    let (shown, keys) = pictures(&events);
    assert_eq!(outcome.shown("source"), (shown, keys));
    assert!(outcome.units["240p"].len() < outcome.units["source"].len());
    assert!(outcome.breaks.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_returns_continues_after_a_discontinuity() {
    let first = clip(3);
    let smaller = (320, 120);
    let arguments = format!("{} -c:v libx264 -g 25 -an", picture(smaller, 25, 3));
    let second = later(&make(smaller, &arguments), Ticks::from_millis(10_000));
    let running = Running::start(config());
    running.feed(&first).await;
    running.feed(&[Publication::Discontinuity]).await;
    running.feed(&second).await;
    let outcome = running.finish().await;
    let [at] = &outcome.breaks[..] else { panic!("one break: {:?}", outcome.breaks) };
    assert_eq!((at["source"], at["160p"]), (75, 75));
    assert!(at["audio"] >= 141, "{at:?}");
    assert_eq!(outcome.units["160p"].len(), 150);
    assert_eq!(outcome.configs["160p"].len(), 2, "a smaller source is not scaled up");
    let shared_media::TrackConfig::Video(config) = &outcome.configs["160p"][1] else { panic!() };
    assert_eq!((config.width, config.height), smaller);
    let sound = &outcome.units["audio"];
    let phase = |at: usize| (sound[at].pts - sound[0].pts).0 % 1920;
    assert!((0..sound.len()).all(|at| phase(at) == 0), "one grid for the whole show");
    assert!(sound.last().unwrap().pts > Ticks::from_millis(11_500), "silence accompanies it");
}

#[tokio::test(flavor = "multi_thread")]
async fn corrupt_media_is_dropped_and_kills_nothing() {
    let mut events = clip(5);
    let mut damaged = 0;
    for (index, event) in events.iter_mut().enumerate() {
        if let Publication::Unit(kind, unit) = event
            && index % 7 == 3
            && !(*kind == TrackId::Video && unit.keyframe)
        {
            let fill = u8::try_from(index % 251).unwrap();
            unit.data = Bytes::from(vec![fill; unit.data.len() / 2]);
            damaged += 1;
        }
    }
    assert!(damaged > 20);
    let running = Running::start(config());
    running.feed(&events).await;
    let before = pid(&running).await;
    assert_eq!(running.handle.child_pid(), Some(before));
    let outcome = running.finish().await;
    assert_eq!(outcome.units["source"].len(), 125, "the source passes whatever it holds");
    assert!(outcome.units["160p"].len() > 80, "{}", outcome.units["160p"].len());
    assert!(outcome.breaks.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_always_dies_leaves_the_source_alone() {
    let events = clip(4);
    let broken = Config { command: vec!["/bin/false".into()], ..config() };
    let outcome = through(broken, &events).await;
    assert_eq!(outcome.shown("source"), pictures(&events));
    assert!(!outcome.units.contains_key("160p"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_there_is_a_configuration_error() {
    let nowhere = Config { command: vec!["/nowhere/matinee".into()], ..config() };
    let (input, events) = tokio::sync::mpsc::channel(500);
    let (mut staged, task) = origin_ladder::spawn(nowhere, events, "test");
    tokio::spawn(async move { while staged.recv().await.is_some() {} });
    for event in clip(2) {
        let _ = input.send(event).await;
    }
    drop(input);
    assert_eq!(task.await.unwrap(), Err(Error::Command(std::io::ErrorKind::NotFound)));
}

/// A picture's way through decoder, scalers and encoders, at the speed of life.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: needs an idle core"]
async fn a_picture_of_720p30_takes_less_than_80_ms() {
    let size = (1280, 720);
    let arguments = format!(
        "{} -c:v libx264 -preset veryfast -tune zerolatency -b:v 4M -g 30 -an",
        picture(size, 30, 6)
    );
    let events = make(size, &arguments);
    let (input, receiver) = tokio::sync::mpsc::channel(16);
    let (mut staged, task) = origin_ladder::spawn(config(), receiver, "test");
    let clock = std::time::Instant::now();
    let came = tokio::spawn(async move {
        let mut came = Vec::new();
        while let Some(event) = staged.recv().await {
            if let Staged::Unit(id, unit) = event
                && id.as_str() == "160p"
            {
                came.push((unit.pts.0, clock.elapsed()));
            }
        }
        came
    });
    let mut went = std::collections::BTreeMap::new();
    let mut pace = tokio::time::interval(Duration::from_millis(33));
    for event in events {
        if let Publication::Unit(_, unit) = &event {
            pace.tick().await;
            went.insert(unit.pts.0, clock.elapsed());
        }
        input.send(event).await.unwrap();
    }
    drop(input);
    task.await.unwrap().unwrap();
    let came = came.await.unwrap();
    let mut delays: Vec<Duration> = came.iter().map(|(pts, at)| *at - went[pts]).collect();
    let settled = &mut delays[90..];
    settled.sort_unstable();
    let (median, worst) = (settled[settled.len() / 2], settled[settled.len() - 1]);
    eprintln!("last rung: median {median:?}, worst {worst:?}");
    assert!(median < Duration::from_millis(80), "{median:?}");
}
