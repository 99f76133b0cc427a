//! Whole clips through a real child: what comes out is what went in, once per rung.
//!
//! In: clips made by `ffmpeg`. Out: verdicts. Does not know the machines.

use std::collections::BTreeMap;

use origin_ladder::{Config, Hardware, RungSpec};
use shared_media::closed_captions::{read, write};
use shared_media::{Publication, Ticks, TrackId, VideoCodec};

use crate::clip::{Outcome, config, make, picture, pictures, through};

const SMALL: (u32, u32) = (640, 360);
const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

/// Every rung has every picture of the source and is cut where the source is.
fn assert_mirrors(outcome: &Outcome, source: &(Vec<i64>, Vec<i64>), ids: &[&str]) {
    for id in ids {
        assert_eq!(&outcome.shown(id), source, "{id}");
        let units = &outcome.units[*id];
        if *id != "source" {
            assert!(units.iter().all(|unit| unit.pts == unit.dts), "{id}");
        }
        assert_eq!(outcome.decoded(id).0, units.len(), "{id} decodes");
    }
}

fn assert_on_grid(outcome: &Outcome) {
    let sound = &outcome.units["audio"];
    for pair in sound.windows(2) {
        assert_eq!((pair[1].pts - pair[0].pts).0, 1920);
        assert_eq!(pair[1].pts, pair[1].dts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_ladder_mirrors_irregular_keyframes() {
    let size = (1920, 1080);
    let clip = make(
        size,
        &format!(
            "{} -f lavfi -i sine=frequency=1000:sample_rate=48000:duration=4 {X264} \
             -sc_threshold 0 -g 300 -force_key_frames 0,0.6,1.1,2.5,2.6 -c:a aac -ac 2",
            picture(size, 30, 4)
        ),
    );
    let outcome = through(config(), &clip).await;
    assert_eq!(outcome.ids(), ["source", "720p", "480p", "160p", "audio"]);
    assert_eq!(outcome.plan.as_ref().unwrap().target_duration_s, 2);
    let source = pictures(&clip);
    assert_eq!((source.0.len(), source.1.len()), (120, 5));
    assert_mirrors(&outcome, &source, &["source", "720p", "480p", "160p"]);
    assert_eq!(outcome.decoded("720p").1, "1280,720");
    assert_eq!(outcome.decoded("160p").1, "284,160");
    assert_on_grid(&outcome);
    assert!(outcome.breaks.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn reordered_pictures_come_out_in_order_and_all() {
    let clip = make(
        SMALL,
        &format!("{} -c:v libx264 -preset medium -bf 3 -g 50 -an", picture(SMALL, 25, 5)),
    );
    let outcome = through(config(), &clip).await;
    assert_eq!(outcome.ids(), ["source", "160p"], "no sound, only rungs below");
    assert_mirrors(&outcome, &pictures(&clip), &["source", "160p"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_gop_is_cut_every_two_seconds() {
    let clip =
        make(SMALL, &format!("{} {X264} -sc_threshold 0 -g 300 -an", picture(SMALL, 25, 11)));
    let outcome = through(config(), &clip).await;
    assert_eq!(outcome.ids(), ["360p", "160p"]);
    assert_eq!(outcome.plan.as_ref().unwrap().target_duration_s, 2);
    let cadence: Vec<i64> = (0..6).map(|n| n * 180_000).collect();
    let shown = pictures(&clip).0;
    assert_mirrors(&outcome, &(shown, cadence), &["360p", "160p"]);
    assert_eq!(outcome.decoded("360p").1, "640,360");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gop_that_outgrows_the_playlist_is_encoded_from_there() {
    let clip = make(
        SMALL,
        &format!(
            "{} -c:v libx264 -bf 2 -sc_threshold 0 -g 300 -force_key_frames 0,1,2 -an",
            picture(SMALL, 25, 9)
        ),
    );
    let outcome = through(config(), &clip).await;
    assert_eq!(outcome.ids(), ["source", "160p"]);
    let (shown, _) = pictures(&clip);
    for id in ["source", "160p"] {
        assert_eq!(outcome.shown(id).0, shown, "{id} has every picture once");
    }
    assert_eq!(outcome.shown("source").1, outcome.shown("160p").1);
    let [at] = &outcome.breaks[..] else { panic!("one break: {:?}", outcome.breaks) };
    let late = &outcome.units["source"][at["source"]..];
    assert_eq!(at["source"], at["160p"], "both break at the same picture");
    assert!(late[0].keyframe && late.iter().all(|unit| unit.pts == unit.dts));
    assert_eq!(outcome.configs["source"].len(), 2);
    let keys: Vec<i64> = late.iter().filter(|unit| unit.keyframe).map(|unit| unit.pts.0).collect();
    assert!(keys.windows(2).all(|pair| pair[1] - pair[0] == 180_000), "{keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mono_sound_at_another_rate_stays_in_step() {
    // One beep of 100 ms in each second, beginning at the second.
    let beeps = "aevalsrc=exprs='if(lt(mod(t,1),0.1),0.8*sin(2*PI*1000*t),0)':s=44100:d=6";
    let clip = make(
        SMALL,
        &format!("{} -f lavfi -i {beeps} {X264} -g 25 -c:a aac -ac 1", picture(SMALL, 25, 6)),
    );
    let outcome = through(config(), &clip).await;
    assert_eq!(outcome.ids(), ["source", "160p", "audio"]);
    assert_on_grid(&outcome);
    // FLV knows no negative time: ffmpeg moves everything by what its encoder puts before the first sample.
    let zero = Ticks(outcome.shown("source").0[0]);
    let origin = (outcome.units["audio"][0].pts - zero).as_secs_f64();
    assert!(origin.abs() < 0.04, "{origin}");
    let heard = outcome.sound();
    for second in 1..6_u32 {
        let begin = f64::from(second) - 0.5;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds")]
        let from = ((begin - origin) * 48_000.0) as usize;
        let onset = heard[from..].iter().position(|sample| sample.abs() > 0.2).unwrap();
        #[expect(clippy::cast_precision_loss, reason = "a second's samples")]
        let off = begin + onset as f64 / 48_000.0 - f64::from(second);
        assert!(off.abs() < 0.005, "beep of second {second} is {off} s off");
    }
}

/// The rungs are made whatever cannot be opened: there is no such device here, so software does it.
#[tokio::test(flavor = "multi_thread")]
async fn hevc_and_av1_rungs_mirror_the_source_also_where_hardware_is_missing() {
    let clip = make(
        SMALL,
        &format!(
            "{} {X264} -sc_threshold 0 -g 300 -force_key_frames 0,0.6,1.5 -an",
            picture(SMALL, 25, 3)
        ),
    );
    let rung = |height, codec| RungSpec { height, bit_rate: 300_000, codec };
    for hardware in [Some(Hardware::Nvenc), Some(Hardware::Vaapi), Some(Hardware::V4l2), None] {
        let rungs = vec![
            rung(240, VideoCodec::Avc),
            rung(240, VideoCodec::Hevc),
            rung(160, VideoCodec::Av1),
        ];
        let outcome = through(Config { rungs, hardware, ..config() }, &clip).await;
        let ids = ["source", "240p", "240p-hevc", "160p-av1"];
        assert_eq!(outcome.ids(), ids);
        let source = pictures(&clip);
        for (id, codec) in ids[1..].iter().zip(["h264", "hevc", "av1"]) {
            assert_eq!(outcome.shown(id), source, "{id}");
            assert_eq!(outcome.configs[*id].len(), 1, "{id}");
            assert_eq!(outcome.decoded_as(id, codec), (75, codec.to_owned()), "{id}");
        }
    }
}

/// Of pictures that would take ten times as much, every encoder gives what the playlist promises.
#[tokio::test(flavor = "multi_thread")]
async fn rungs_have_the_rate_they_are_to_have() {
    const BITS_PER_S: u32 = 300_000;
    const SECONDS: u32 = 6;
    let noise = format!("{},noise=alls=40:allf=t", picture(SMALL, 25, SECONDS));
    let clip = make(SMALL, &format!("{noise} {X264} -g 50 -an"));
    let rung = |codec| RungSpec { height: 240, bit_rate: BITS_PER_S, codec };
    let rungs = [VideoCodec::Avc, VideoCodec::Hevc, VideoCodec::Av1].map(rung).to_vec();
    let outcome = through(Config { rungs, ..config() }, &clip).await;
    for id in ["240p", "240p-hevc", "240p-av1"] {
        let bytes: usize = outcome.units[id].iter().map(|unit| unit.data.len()).sum();
        let percent = bytes as u64 * 8 * 100 / u64::from(BITS_PER_S * SECONDS);
        assert!((70..=130).contains(&percent), "{id}: {percent} %");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn surround_is_kept_beside_stereo() {
    // A tone behind the listener on the left; the five other channels are silent.
    let behind = "aevalsrc=exprs=0|0|0|0|0.5*sin(2*PI*700*t)|0:channel_layout=5.1:s=48000:d=4";
    let clip = make(
        SMALL,
        &format!("{} -f lavfi -i {behind} {X264} -g 25 -c:a aac", picture(SMALL, 25, 4)),
    );
    let outcome = through(config(), &clip).await;
    assert_eq!(outcome.ids(), ["source", "160p", "audio", "surround"]);
    assert_on_grid(&outcome);
    let starts = |id: &str| outcome.units[id][0].pts;
    assert_eq!(starts("audio"), starts("surround"), "one grid");
    let channels = |id: &str| match &outcome.configs[id][0] {
        shared_media::TrackConfig::Audio(audio) => audio.channels,
        shared_media::TrackConfig::Video(_) => 0,
    };
    assert_eq!((channels("audio"), channels("surround")), (2, 6));
    let loudest = |id: &str, channels: u8| -> Vec<f32> {
        let samples = outcome.heard(id, channels.into(), "");
        let frames = || samples.chunks_exact(channels.into()).skip(24_000).take(96_000);
        let loudest = |at: usize| frames().map(|frame| frame[at].abs()).fold(0.0, f32::max);
        (0..usize::from(channels)).map(loudest).collect()
    };
    let surround = loudest("surround", 6);
    assert!((0.45..0.55).contains(&surround[4]), "as loud as it was: {surround:?}");
    let others = [0, 1, 2, 3, 5].map(|at| surround[at]);
    assert!(others.iter().all(|loudest| *loudest < 0.01), "{surround:?}");
    let stereo = loudest("audio", 2);
    assert!(stereo[0] > 0.2 && stereo[1] < 0.01, "on the left: {stereo:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_alone_is_a_show() {
    let clip = make(SMALL, "-f lavfi -i sine=frequency=440:duration=6 -c:a aac -ar 22050");
    let outcome = through(config(), &clip).await;
    assert_eq!(outcome.ids(), ["audio"]);
    assert_on_grid(&outcome);
    assert!(outcome.units["audio"].len() > 275, "{}", outcome.units["audio"].len());
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_that_stops_becomes_silence() {
    let clip = make(
        SMALL,
        &format!(
            "{} -f lavfi -i sine=frequency=440:duration=2 {X264} -g 25 -c:a aac",
            picture(SMALL, 25, 6)
        ),
    );
    let outcome = through(config(), &clip).await;
    assert_on_grid(&outcome);
    let last = outcome.units["audio"].last().unwrap().pts.as_secs_f64();
    assert!((4.8..6.1).contains(&last), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_that_always_comes_late_is_heard_all_the_same() {
    let clip = make(
        SMALL,
        &format!(
            "{} -f lavfi -i sine=frequency=440:duration=10 {X264} -g 25 -c:a aac",
            picture(SMALL, 25, 10)
        ),
    );
    // The same events, but each sound stands where the pictures are two seconds further on.
    let place = |event: &Publication| match event {
        Publication::Unit(TrackId::Audio(_), unit) => unit.dts.0 + 180_000,
        Publication::Unit(TrackId::Video, unit) => unit.dts.0,
        _ => i64::MIN,
    };
    let mut late = clip;
    late.sort_by_key(place);
    let outcome = through(config(), &late).await;
    assert_on_grid(&outcome);
    let heard = outcome.sound();
    let loud = heard[4 * 48_000..9 * 48_000].chunks(480);
    assert!(loud.clone().count() > 450);
    assert!(loud.into_iter().all(|chunk| chunk.iter().any(|sample| sample.abs() > 0.02)));
}

/// Every picture has its own captions, some in two messages and some none; also where the source itself is encoded.
#[tokio::test(flavor = "multi_thread")]
async fn captions_go_with_their_pictures_into_every_rung() {
    let rung = |height, codec| RungSpec { height, bit_rate: 300_000, codec };
    let rungs =
        vec![rung(240, VideoCodec::Avc), rung(240, VideoCodec::Hevc), rung(160, VideoCodec::Av1)];
    for (gop, first) in [(25, "source"), (300, "360p")] {
        let mut clip = make(
            SMALL,
            &format!(
                "{} -c:v libx264 -preset veryfast -bf 3 -sc_threshold 0 -g {gop} -an",
                picture(SMALL, 25, 5)
            ),
        );
        let mut sent = BTreeMap::new();
        for (at, event) in clip.iter_mut().enumerate() {
            let Publication::Unit(TrackId::Video, unit) = event else { continue };
            let [.., high, low] = unit.pts.0.to_be_bytes();
            let triplets = vec![[0xFC, high, low]; at % 3 * 20];
            unit.data = write(VideoCodec::Avc, unit.data.clone(), &triplets);
            sent.insert(unit.pts.0, triplets);
        }
        let outcome = through(Config { rungs: rungs.clone(), ..config() }, &clip).await;
        let codecs = [VideoCodec::Avc, VideoCodec::Avc, VideoCodec::Hevc, VideoCodec::Av1];
        let ids = [first, "240p", "240p-hevc", "160p-av1"];
        assert_eq!(outcome.ids(), ids);
        for (id, codec) in ids.iter().zip(codecs) {
            let units = outcome.units[*id].iter();
            let came = units.map(|unit| (unit.pts.0, read(codec, &unit.data))).collect();
            assert_eq!(sent, came, "{id}");
        }
    }
}
