//! A show outlives its publisher's connection, for a while.

use std::time::Duration;

use origin_ingest::{Airtime, Config};
use shared_media::{Publication, Ticks, TrackId, TrackKind};

use crate::stagehand::{
    House, USUAL, assert_in_order, configs, ffmpeg, quick, units, until, whole, words,
};

#[tokio::test]
async fn a_publisher_who_returns_continues_the_show_at_the_wall_clock() {
    let mut house =
        House::open(Config { reconnect_window: Duration::from_secs(3), ..quick() }).await;
    let mut first = ffmpeg("30", &format!("-t 600 {USUAL}"), &house.url("k1"));
    let mut opening = house.opening().await;
    let began = tokio::time::Instant::now();
    let mut publications = until(&mut opening, |publication| {
        matches!(publication, Publication::Unit(TrackId::Video, unit) if unit.dts.0 >= 60_000)
    })
    .await;
    first.kill().await.expect("ffmpeg runs");
    drop(first);
    // It sent faster than time passes; let the wall clock overtake it, so that it decides where the show goes on.
    let leftover = async {
        while let Some(publication) = opening.publications.recv().await {
            publications.push(publication);
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), leftover).await;
    assert_eq!(house.airtimes(), [Airtime::Live, Airtime::Interrupted]);

    let second = ffmpeg("30", &format!("-t 1 {USUAL}"), &house.url("k1"));
    let mut rest = whole(&mut opening).await;
    assert!(words(second).await.0);
    assert_eq!(rest.first(), Some(&Publication::Discontinuity));
    assert_eq!(configs(&rest).len(), 2, "configurations come again");
    let video = units(&rest, TrackKind::Video);
    assert_eq!(video.len(), 30);
    assert!(video[0].keyframe);
    let last = publications.iter().filter_map(|publication| match publication {
        Publication::Unit(_, unit) => Some(unit.pts),
        _ => None,
    });
    let last = last.max().expect("there were frames");
    let back = video[0].dts;
    let passed = Ticks::from_micros(i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX));
    assert!(
        back > last && (back <= passed || back <= last + Ticks(4000)),
        "{back:?} after {last:?}"
    );

    publications.append(&mut rest);
    assert_in_order(&publications);
    let airtimes = [Airtime::Live, Airtime::Interrupted];
    let expected = [airtimes, airtimes].concat();
    assert_eq!(house.airtimes()[..4], expected);
    assert_eq!(house.airtimes().last(), Some(&Airtime::Ended));
    house.close().await;
}

#[tokio::test]
async fn a_show_ended_at_the_desk_sends_its_publisher_away() {
    let mut house =
        House::open(Config { reconnect_window: Duration::from_secs(60), ..quick() }).await;
    let publisher = ffmpeg("30", &format!("-t 600 {USUAL}"), &house.url("k1"));
    let mut opening = house.opening().await;
    assert_eq!(house.desk.airtime("show-1"), Some(Airtime::Live));
    assert!(house.desk.end("show-1"));
    assert_eq!(whole(&mut opening).await.last(), Some(&Publication::End));
    let (went_well, said) = words(publisher).await;
    assert!(!went_well && said.contains("the show has ended"), "{said}");
    assert_eq!(house.desk.airtime("show-1"), Some(Airtime::Ended));

    let late = ffmpeg("30", &format!("-t 1 {USUAL}"), &house.url("k1"));
    let (_, said) = words(late).await;
    assert!(said.contains("the show has ended"), "{said}");
    house.close().await;
}

#[tokio::test]
async fn a_closing_house_ends_its_shows() {
    let mut house =
        House::open(Config { reconnect_window: Duration::from_secs(60), ..quick() }).await;
    let publisher = ffmpeg("30", &format!("-t 600 {USUAL}"), &house.url("k1"));
    let mut opening = house.opening().await;
    let show = tokio::spawn(async move { whole(&mut opening).await });
    house.close().await;
    let publications = show.await.expect("the show ends");
    assert_eq!(publications.last(), Some(&Publication::End));
    let (_, said) = words(publisher).await;
    assert!(said.contains("the house cannot take publishers now"), "{said}");
}

#[tokio::test]
async fn a_show_nobody_takes_is_given_up() {
    let mut house = House::open(quick()).await;
    let publisher = ffmpeg("30", &format!("-t 600 {USUAL}"), &house.url("k1"));
    drop(house.opening().await);
    let (went_well, said) = words(publisher).await;
    assert!(!went_well, "{said}");
    assert_eq!(house.airtimes(), [Airtime::Live, Airtime::Ended]);
    house.close().await;
}

#[tokio::test]
async fn a_silent_publisher_counts_as_gone() {
    let config = Config { idle_timeout: Duration::from_millis(500), ..quick() };
    let mut house = House::open(config).await;
    let publisher = ffmpeg("30", &format!("-t 600 {USUAL}"), &house.url("k1"));
    let mut opening = house.opening().await;
    stop(&publisher).await;
    assert_eq!(whole(&mut opening).await.last(), Some(&Publication::End));
    house.close().await;
}

#[tokio::test]
async fn a_silent_publisher_makes_room_for_its_return() {
    let config = Config { takeover_silence: Duration::from_millis(300), ..quick() };
    let mut house = House::open(config).await;
    let first = ffmpeg("30", &format!("-vf realtime -t 600 {USUAL}"), &house.url("k1"));
    let mut opening = house.opening().await;
    stop(&first).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    let second = ffmpeg("30", &format!("-t 1 {USUAL}"), &house.url("k1"));
    let (went_well, said) = words(second).await;
    assert!(went_well, "{said}");
    let publications = whole(&mut opening).await;
    assert!(publications.contains(&Publication::Discontinuity));
    assert_in_order(&publications);
    house.close().await;
}

/// Leaves the process and its connections as they are, without a sign of life.
async fn stop(ffmpeg: &tokio::process::Child) {
    let pid = ffmpeg.id().expect("ffmpeg runs").to_string();
    let stopped = tokio::process::Command::new("kill").args(["-STOP", &pid]).status().await;
    assert!(stopped.expect("kill runs").success());
}
