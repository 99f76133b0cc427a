//! Films of many kinds: every picture of them in every rung, at its time, and looking as it should.
//!
//! In: files made by `ffmpeg`. Out: verdicts. Does not know the child.

use std::process::Command;

use origin_ladder::film::{Job, Pictures, Rung};
use shared_media::{TrackConfig, VideoCodec};

use super::*;
use crate::clip::file;

const SIZE: (u32, u32) = (320, 180);
const HALF: (u32, u32) = (160, 90);

/// Cuts at whole seconds, of so many seconds.
fn seconds(count: i64) -> Vec<i64> {
    (0..count).map(|second| second * SECOND).collect()
}

/// The mean of each plane of a rung's first picture, over a part of it as `crop` has it.
fn mean(film: &Film, id: &str, form: &str, crop: &str) -> [u8; 3] {
    let (_folder, path) = file("rung", &film.outcome().annex_b(id));
    let arguments =
        format!("-frames:v 1 -vf crop={crop},scale=1:1:flags=area,format=rgb24 -f rawvideo -");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", form, "-i"]).arg(path).args(arguments.split(' '));
    run(&mut ffmpeg)[..3].try_into().expect("one pixel")
}

#[tokio::test(flavor = "multi_thread")]
async fn h264_and_aac_are_copied_and_encoded() {
    let file = File::make(
        "film.mp4",
        &format!("{} {} -c:v libx264 -g 25 -bf 2 -c:a aac -ac 2", picture(SIZE, 4), tone(4)),
    );
    let index = file.index(&[0, 1], Some(0)).await.unwrap();
    assert_eq!((index.begin.0, index.pictures), (0, 100));
    assert_eq!(index.frame_rate.map(|rate| (rate.num, rate.den)), Some((25, 1)));
    assert_eq!(index.keyframes.iter().map(|key| key.0).collect::<Vec<_>>(), seconds(4));
    assert!((4 * SECOND..4 * SECOND + 1_920).contains(&index.length.0), "{:?}", index.length);

    let job = Job {
        rungs: vec![rung("180p", SIZE, true), rung("90p", HALF, false), rung("180b", SIZE, false)],
        sounds: vec![sound("audio", 1, 2, false), sound("copy", 1, 2, true)],
        ..job(&index)
    };
    let film = file.film(&job).await.unwrap();
    let outcome = film.outcome();
    let every: Vec<i64> = (0..100).map(|picture| picture * PICTURE).collect();
    for id in ["180p", "90p", "180b"] {
        assert_eq!(outcome.shown(id), (every.clone(), seconds(4)), "{id}");
        let reorders = outcome.units[id].iter().any(|unit| unit.dts < unit.pts);
        assert!(reorders, "{id} has pictures that refer to later ones");
    }
    assert_eq!(outcome.decoded("180p"), (100, "320,180".to_owned()));
    assert_eq!(outcome.decoded("90p"), (100, "160,90".to_owned()));
    let TrackConfig::Video(video) = &outcome.configs["90p"][0] else { panic!("it is video") };
    assert_eq!((video.width, video.height, video.frame_rate), (160, 90, index.frame_rate));
    for id in ["audio", "copy"] {
        let begins: Vec<i64> = outcome.units[id].iter().map(|unit| unit.pts.0).collect();
        assert!(begins.iter().copied().eq((0..188).map(|frame| frame * 1_920)), "{id}: {begins:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broadcast_is_made_whole_and_its_pixels_square() {
    let file = File::make(
        "film.ts",
        "-f lavfi -i testsrc2=size=720x576:rate=50:duration=3 \
         -f lavfi -i aevalsrc=0|0|0|0|0.4*sin(2*PI*500*t)|0:channel_layout=5.1:s=48000:d=3 \
         -vf tinterlace=interleave_top,setfield=tff -aspect 16:9 -c:v mpeg2video -b:v 3M -g 12 \
         -bf 2 -flags +ilme+ildct -c:a ac3 -b:a 384k",
    );
    let index = file.index(&[0, 1], Some(0)).await.unwrap();
    assert_eq!(index.pictures, 75);
    let job = Job {
        pictures: Some(Pictures { deinterlace: true, ..Pictures::default() }),
        rungs: vec![rung("576p", (1024, 576), false)],
        sounds: vec![sound("audio", 1, 2, false), sound("surround", 1, 6, false)],
        ..job(&index)
    };
    let film = file.film(&job).await.unwrap();
    let outcome = film.outcome();
    let (shown, keys) = outcome.shown("576p");
    assert_eq!((shown.len(), keys.len()), (75, 3), "one picture of two fields");
    assert!(shown.windows(2).all(|pair| pair[1] - pair[0] == PICTURE));
    assert_eq!(outcome.decoded("576p"), (75, "1024,576".to_owned()));
    let loudest = |id: &str, channels: u8| -> Vec<f32> {
        let samples = outcome.heard(id, channels.into(), "");
        let frames = || samples.chunks_exact(channels.into()).skip(24_000).take(48_000);
        let loudest = |at: usize| frames().map(|frame| frame[at].abs()).fold(0.0, f32::max);
        (0..usize::from(channels)).map(loudest).collect()
    };
    let surround = loudest("surround", 6);
    assert!(surround[4] > 0.3 && surround[0] < 0.05 && surround[5] < 0.05, "{surround:?}");
    let stereo = loudest("audio", 2);
    assert!(stereo[0] > 0.15 && stereo[1] < 0.05, "{stereo:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn vp9_and_opus_become_what_everybody_plays() {
    let file = File::make(
        "film.webm",
        &format!(
            "{} {} -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 300k -g 50 -c:a libopus",
            picture(SIZE, 2),
            tone(2)
        ),
    );
    let index = file.index(&[0, 1], Some(0)).await.unwrap();
    let job = Job {
        rungs: vec![rung("90p", HALF, false)],
        sounds: vec![sound("audio", 1, 2, false)],
        ..job(&index)
    };
    let outcome = file.film(&job).await.unwrap().outcome();
    assert_eq!(outcome.shown("90p").0.len(), 50);
    assert_eq!(outcome.decoded("90p"), (50, "160,90".to_owned()));
    assert_eq!(outcome.units["audio"][0].pts.0, 0);
    assert!((93..=95).contains(&outcome.units["audio"].len()), "{}", outcome.units["audio"].len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phones_pictures_are_turned() {
    // The left half is red, the right one blue.
    let file = File::make(
        "film.mp4",
        "-f lavfi -i color=red:size=320x180:rate=25:duration=1 \
         -vf drawbox=x=160:w=160:color=blue:t=fill -c:v libx264 -pix_fmt yuv420p",
    );
    let index = file.index(&[0], Some(0)).await.unwrap();
    for (rotate, size, red) in [
        (90, (180, 320), "180:100:0:0"),
        (180, (320, 180), "100:180:220:0"),
        (270, (180, 320), "180:100:0:220"),
    ] {
        let job = Job {
            pictures: Some(Pictures { rotate, ..Pictures::default() }),
            rungs: vec![rung("180p", size, false)],
            ..job(&index)
        };
        let film = file.film(&job).await.unwrap();
        let [r, _, b] = mean(&film, "180p", "h264", red);
        assert!(r > 200 && b < 50, "{rotate}: {r} {b}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_that_come_as_they_like_keep_their_times() {
    let file = File::make(
        "film.mkv",
        &format!(
            "{} -vf select='not(mod(n\\,3))+not(mod(n\\,7))' -fps_mode vfr -c:v libx264 -g 20",
            picture(SIZE, 4)
        ),
    );
    let index = file.index(&[0], Some(0)).await.unwrap();
    let job =
        Job { rungs: vec![rung("180p", SIZE, true), rung("90p", HALF, false)], ..job(&index) };
    let outcome = file.film(&job).await.unwrap().outcome();
    let (times, keys) = outcome.shown("90p");
    assert_eq!(times, outcome.shown("180p").0);
    let steps: std::collections::BTreeSet<i64> =
        times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps.len() > 1, "{steps:?}");
    // The first picture at or after each cut.
    let first = |cut: i64| *times.iter().find(|pts| **pts >= cut).unwrap();
    assert_eq!(keys, seconds(4).into_iter().map(first).collect::<Vec<_>>());
    assert_eq!(outcome.decoded("90p").0, times.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wide_range_is_brought_into_the_standard_one() {
    let file = File::make(
        "film.mp4",
        "-f lavfi -i color=0xbfbfbf:size=320x180:rate=25:duration=1 -pix_fmt yuv420p10le \
         -c:v libx265 -preset ultrafast -color_primaries bt2020 -color_trc smpte2084 \
         -colorspace bt2020nc -x265-params \
         log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc",
    );
    let index = file.index(&[0], Some(0)).await.unwrap();
    let job = Job {
        pictures: Some(Pictures { tone_map: true, ..Pictures::default() }),
        rungs: vec![rung("180p", SIZE, false)],
        ..job(&index)
    };
    let film = file.film(&job).await.unwrap();
    let [r, g, b] = mean(&film, "180p", "h264", "320:180:0:0");
    // Three quarters of PQ's code are a thousand cd/m², as bright as it gets, and would else be a light grey.
    assert!(r > 230 && r.abs_diff(g) < 6 && r.abs_diff(b) < 6, "{r} {g} {b}");
    let (_folder, path) = crate::clip::file("rung", &film.outcome().annex_b("180p"));
    let mut probe = Command::new("ffprobe");
    let entries = "-v error -f h264 -show_entries stream=color_transfer,color_space -of csv=p=0";
    let said = run(probe.args(entries.split(' ')).arg(path));
    assert_eq!(String::from_utf8_lossy(&said).trim(), "bt709,bt709");
}

#[tokio::test(flavor = "multi_thread")]
async fn hevc_and_av1_rungs_are_cut_alike() {
    let file = File::make("film.mp4", &format!("{} -c:v libx264 -g 50", picture(HALF, 2)));
    let index = file.index(&[0], Some(0)).await.unwrap();
    let coded = |name, codec| Rung { codec, ..rung(name, HALF, false) };
    let rungs = vec![coded("hevc", VideoCodec::Hevc), coded("av1", VideoCodec::Av1)];
    let outcome = file.film(&Job { rungs, ..job(&index) }).await.unwrap().outcome();
    for id in ["hevc", "av1"] {
        let every: Vec<i64> = (0..50).map(|picture| picture * PICTURE).collect();
        assert_eq!(outcome.shown(id), (every, seconds(2)), "{id}");
        assert_eq!(outcome.decoded_as(id, id), (50, id.to_owned()));
    }
}
