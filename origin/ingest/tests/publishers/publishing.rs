//! What publishers send arrives whole, in order and on exact times.

use std::time::Duration;

use shared_media::{AudioConfig, Publication, Rational, TrackKind, VideoConfig};

use crate::stagehand::{
    House, USUAL, assert_in_order, configs, ffmpeg, quick, units, whole, words,
};

#[tokio::test]
async fn a_clip_arrives_whole_with_exact_frame_times() {
    let mut house = House::open(quick()).await;
    let publisher = ffmpeg("30", &format!("-t 3 {USUAL}"), &house.url("k1"));
    let mut opening = house.opening().await;
    assert_eq!(opening.show, "show-1");
    let publications = whole(&mut opening).await;
    let (went_well, words) = words(publisher).await;
    assert!(went_well, "{words}");
    assert_in_order(&publications);

    let video = units(&publications, TrackKind::Video);
    let first = video[0].dts.0;
    let exact: Vec<i64> = (0..90).map(|frame| first + frame * 3000).collect();
    assert_eq!(video.iter().map(|unit| unit.dts.0).collect::<Vec<_>>(), exact);
    let keyframes: Vec<usize> = (0..90).filter(|frame| video[*frame].keyframe).collect();
    assert_eq!(keyframes, [0, 30, 60]);

    let audio = units(&publications, TrackKind::Audio);
    assert!((141..=143).contains(&audio.len()), "{} audio frames", audio.len());
    assert!(audio.windows(2).all(|pair| pair[1].dts.0 - pair[0].dts.0 == 1920));
    assert_eq!(video[0].dts.min(audio[0].dts).0, 0, "tick 0 is the first frame");
    assert!((video[0].dts - audio[0].dts).0.abs() <= 2000, "sound and picture begin together");

    assert!(matches!(publications[0], Publication::Picture(_)));
    let [Publication::Picture(picture), Publication::Sound(_, sound)] = configs(&publications)[..]
    else {
        panic!("one configuration each, first of all: {:?}", configs(&publications));
    };
    let VideoConfig { width, height, frame_rate, .. } = *picture;
    assert_eq!((width, height, frame_rate), (320, 180, Some(Rational { num: 30, den: 1 })));
    let AudioConfig { sample_rate, channels, .. } = *sound;
    assert_eq!((sample_rate, channels), (48_000, 2));
    house.close().await;
}

#[tokio::test]
async fn broadcast_rates_and_44100_samples_are_exact_too() {
    let mut house = House::open(quick()).await;
    let encoding = "-t 2 -c:v libx264 -preset ultrafast -g 30 -c:a aac -ar 44100 -ac 1";
    let _publisher = ffmpeg("30000/1001", encoding, &house.url("k1"));
    let publications = whole(&mut house.opening().await).await;
    assert_in_order(&publications);
    let video = units(&publications, TrackKind::Video);
    assert_eq!(video.len(), 60);
    assert!(video.windows(2).all(|pair| pair[1].dts.0 - pair[0].dts.0 == 3003));
    let audio = units(&publications, TrackKind::Audio);
    let steps = audio.windows(2).map(|pair| pair[1].dts.0 - pair[0].dts.0);
    assert!(
        steps.clone().all(|step| (2089..=2090).contains(&step)),
        "{:?}",
        steps.collect::<Vec<_>>()
    );
    house.close().await;
}

#[tokio::test]
async fn b_frames_are_shown_after_they_are_decoded() {
    let mut house = House::open(quick()).await;
    let encoding = "-t 2 -c:v libx264 -preset veryfast -bf 2 -b_strategy 0 -g 30 -c:a aac";
    let _publisher = ffmpeg("25", encoding, &house.url("k2"));
    let mut opening = house.opening().await;
    assert_eq!(opening.show, "show-2");
    let publications = whole(&mut opening).await;
    assert_in_order(&publications);
    let video = units(&publications, TrackKind::Video);
    assert_eq!(video.len(), 50);
    assert!(video.iter().any(|unit| unit.pts > unit.dts));
    let mut shown: Vec<i64> = video.iter().map(|unit| unit.pts.0).collect();
    shown.sort_unstable();
    assert!(shown.windows(2).all(|pair| pair[1] - pair[0] == 3600), "{shown:?}");
    house.close().await;
}

#[tokio::test]
async fn a_full_channel_slows_the_publisher_and_loses_nothing() {
    let config = origin_ingest::Config { queue_depth: 2, ..quick() };
    let mut house = House::open(config).await;
    // 10 s of noise: far more than the sockets' buffers hold
    let noise = "-t 10 -vf noise=alls=100:allf=t -c:v libx264 -preset ultrafast -g 30 -qp 10 -an";
    let mut publisher = ffmpeg("30", noise, &house.url("k1"));
    let mut opening = house.opening().await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(publisher.try_wait().expect("ffmpeg runs").is_none(), "it was not slowed down");
    let publications = whole(&mut opening).await;
    assert_eq!(units(&publications, TrackKind::Video).len(), 300);
    house.close().await;
}

#[tokio::test]
async fn keys_and_apps_are_understood_in_every_form() {
    let mut house = House::open(quick()).await;
    for (index, path) in ["live//k1", "live/k2?token=x", "live/"].into_iter().enumerate() {
        let url = format!("rtmp://{}/{path}", house.address);
        let mut encoding = format!("-t 0.5 {USUAL}");
        if index == 2 {
            encoding.push_str(" -rtmp_app live/?x=y -rtmp_playpath k1");
        }
        let publisher = ffmpeg("30", &encoding, &url);
        if index < 2 {
            let publications = whole(&mut house.opening().await).await;
            assert_eq!(units(&publications, TrackKind::Video).len(), 15, "{path}");
        } else {
            let (_, words) = words(publisher).await;
            assert!(words.contains("the show has ended"), "{path}: {words}");
        }
    }
    house.close().await;
}
