//! Films with a wider range than screens have as a rule: brought into the standard one by their own curve, and kept.
//!
//! In: files made by `ffmpeg`. Out: verdicts. Does not know the child.

use std::process::Command;

use origin_ladder::film::{Job, Pictures, Rung};
use shared_media::hdr::{Curve, Hdr};
use shared_media::{TrackConfig, VideoCodec};

use super::*;
use crate::clip::file;

const SIZE: (u32, u32) = (320, 180);
/// What a screen shows of a film that was mastered on it: P3 colours, 0.0001 to 1,000 cd/m².
const SCREEN: &str = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)\
    L(10000000,1):max-cll=900,300";

/// A file of these pictures, whose numbers are said to follow a curve.
fn wide(pictures: &str, curve: &str) -> File {
    let said = format!("-color_primaries bt2020 -color_trc {curve} -colorspace bt2020nc");
    let coded = format!("colorprim=bt2020:transfer={curve}:colormatrix=bt2020nc:{SCREEN}");
    File::make(
        "film.mp4",
        &format!(
            "-f lavfi -i {pictures} -pix_fmt yuv420p10le -c:v libx265 -preset ultrafast {said} \
             -x265-params log-level=none:{coded}"
        ),
    )
}

/// The luma of the first pixel of a rung's first picture, as it is coded: no scaler may take its range for another.
fn luma(film: &Film, id: &str, form: &str) -> u16 {
    let (_folder, path) = file("rung", &film.outcome().annex_b(id));
    let arguments = "-frames:v 1 -vf extractplanes=y -f rawvideo -";
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", form, "-i"]).arg(path).args(arguments.split(' '));
    let bytes = run(&mut ffmpeg);
    match form {
        "h264" => bytes[0].into(),
        _ => u16::from_le_bytes([bytes[0], bytes[1]]),
    }
}

fn tone_mapped() -> Option<Pictures> {
    Some(Pictures { tone_map: true, ..Pictures::default() })
}

/// Hable's curve, as FFmpeg's `tonemap` has it.
fn hable(light: f64) -> f64 {
    let (a, b, c, d, e, f) = (0.15, 0.5, 0.1, 0.2, 0.02, 0.3);
    (light * (light * a + b * c) + d * e) / (light * (light * a + b) + d * f) - e / f
}

/// The luma that a grey comes to, in the limited range: light on a screen of 1,000 cd/m², where 1 is a page's white of
/// 100 cd/m²; hable's curve; BT.709's numbers for a screen of today (BT.1886).
fn expected(light: f64) -> f64 {
    16.0 + 219.0 * (hable(light) / hable(10.0)).clamp(0.0, 1.0).powf(1.0 / 2.4)
}

/// BT.2100: what a number of HLG is on such a screen, by its system gamma of 1.2.
fn hlg(number: f64) -> f64 {
    let (a, b, c) = (0.178_832_77, 0.284_668_92, 0.559_910_73);
    let scene = match number <= 0.5 {
        true => number * number / 3.0,
        false => (((number - c) / a).exp() + b) / 12.0,
    };
    scene.powf(1.2) * 10.0
}

/// BT.2100: what a number of PQ is on any.
fn pq(number: f64) -> f64 {
    let power = number.powf(32.0 / 2523.0);
    let light = (power - 0.835_937_5).max(0.0) / (18.851_562_5 - 18.6875 * power);
    light.powf(16_384.0 / 2610.0) * 100.0
}

#[tokio::test(flavor = "multi_thread")]
async fn each_curve_is_undone_by_itself() {
    for (name, curve) in [("arib-std-b67", hlg as fn(f64) -> f64), ("smpte2084", pq)] {
        for grey in [0x60_u8, 0x80, 0xa0] {
            let drawn =
                format!("color=0x{grey:02x}{grey:02x}{grey:02x}:size=320x180:rate=25:d=0.2");
            let file = wide(&drawn, name);
            let index = file.index(&[0], Some(0)).await.unwrap();
            let rungs = vec![rung("180p", SIZE, false)];
            let job = Job { pictures: tone_mapped(), rungs, ..job(&index) };
            let film = file.film(&job).await.unwrap();
            let (seen, right) =
                (luma(&film, "180p", "h264"), expected(curve(f64::from(grey) / 255.0)));
            println!("{name} {grey}: {seen}, {right:.1} by the book");
            assert!((f64::from(seen) - right).abs() < 6.0, "{name} {grey}: {seen}, not {right}");
        }
    }
}

/// What ffprobe says of a rung's first picture: stream, colours, and what is said of its screen.
fn said(film: &Film, id: &str, codec: VideoCodec) -> String {
    let outcome = film.outcome();
    let (form, bytes) = match codec {
        VideoCodec::Av1 => {
            let units = outcome.units[id].iter().map(|unit| [&[0x12, 0], &unit.data[..]].concat());
            ("obu", units.flatten().collect())
        }
        _ => ("hevc", outcome.annex_b(id)),
    };
    let (_folder, path) = file("rung", &bytes);
    let entries = "stream=codec_name,profile,pix_fmt,color_range,color_space,color_transfer,\
        color_primaries,chroma_location:frame_side_data";
    let mut probe = Command::new("ffprobe");
    probe.args(["-v", "error", "-f", form, "-show_frames", "-read_intervals", "%+#1"]);
    let said = run(probe.args(["-show_entries", entries, "-of", "default=nk=0:nw=1"]).arg(path));
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_kept_beside_the_standard_one() {
    let file = wide("testsrc2=size=320x180:rate=25:duration=3", "smpte2084");
    let index = file.index(&[0], Some(0)).await.unwrap();
    let kept = |name, codec, size| {
        let hdr = Some(Curve::Pq);
        Rung { codec, hdr, ..rung(name, size, false) }
    };
    let rungs = vec![
        rung("180p", SIZE, false),
        rung("90p", (160, 90), false),
        kept("180p-hdr", VideoCodec::Hevc, SIZE),
        kept("90p-hdr", VideoCodec::Av1, (160, 90)),
    ];
    let standard = Job { pictures: tone_mapped(), rungs: rungs[..2].to_vec(), ..job(&index) };
    let film = file.film(&Job { rungs, ..standard.clone() }).await.unwrap();
    let outcome = film.outcome();
    let every: Vec<i64> = (0..75).map(|picture| picture * PICTURE).collect();
    let cuts = (0..3).map(|second| second * SECOND).collect::<Vec<_>>();
    for id in ["180p", "90p", "180p-hdr", "90p-hdr"] {
        assert_eq!(outcome.shown(id), (every.clone(), cuts.clone()), "{id}");
        let TrackConfig::Video(config) = &outcome.configs[id][0] else { panic!("it is video") };
        let hdr = id.ends_with("-hdr").then_some(Hdr { curve: Curve::Pq, is_full_range: false });
        assert_eq!((config.hdr, outcome.configs[id].len()), (hdr, 1), "{id}");
    }
    let alone = file.film(&standard).await.unwrap();
    for id in ["180p", "90p"] {
        assert_eq!(alone.outcome().units[id], outcome.units[id], "{id} is what it is without");
    }
    let hevc = said(&film, "180p-hdr", VideoCodec::Hevc);
    for part in ["codec_name=hevc", "profile=Main 10", "max_luminance=10000000/10000"] {
        assert!(hevc.contains(part), "{part}: {hevc}");
    }
    assert!(hevc.contains("max_content=900") && hevc.contains("max_average=300"), "{hevc}");
    let av1 = said(&film, "90p-hdr", VideoCodec::Av1);
    for said in [&hevc, &av1] {
        for part in [
            "pix_fmt=yuv420p10le",
            "color_range=tv",
            "color_space=bt2020nc",
            "color_transfer=smpte2084",
            "color_primaries=bt2020",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    for id in ["180p-hdr", "90p-hdr"] {
        // Of three seconds at 400 kb/s; encoders take some time to find their rate.
        let bits: usize = outcome.units[id].iter().map(|unit| unit.data.len() * 8).sum();
        assert!((600_000..2_000_000).contains(&bits), "{id} has {bits} bits");
    }
    assert_eq!(outcome.decoded_as("180p-hdr", "hevc"), (75, "hevc".to_owned()));
    assert_eq!(outcome.decoded_as("90p-hdr", "av1"), (75, "av1".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_of_two_fields_that_are_turned_keep_their_numbers() {
    let file = wide("color=0x808080:size=320x180:rate=25:d=0.4", "arib-std-b67");
    let index = file.index(&[0], Some(0)).await.unwrap();
    let turned = Pictures { tone_map: true, deinterlace: true, rotate: 90, ..Pictures::default() };
    let (codec, hdr) = (VideoCodec::Hevc, Some(Curve::Hlg));
    let rungs = vec![
        rung("160p", (160, 284), false),
        Rung { codec, hdr, ..rung("180p-hdr", (180, 320), false) },
    ];
    let film = file.film(&Job { pictures: Some(turned), rungs, ..job(&index) }).await.unwrap();
    // Grey 128 of 255 in the limited range, with two bits more.
    let kept = luma(&film, "180p-hdr", "hevc");
    assert!(kept.abs_diff(126 * 4) < 6, "{kept}");
    assert!(said(&film, "180p-hdr", codec).contains("color_transfer=arib-std-b67"));
}

/// Rows are encoded by several threads, and which is done first is chance.
#[tokio::test(flavor = "multi_thread")]
async fn a_kept_range_is_the_same_bytes_whoever_is_first() {
    let noise = "testsrc2=size=640x360:rate=25:duration=1.2,noise=alls=30:allf=t:all_seed=5";
    let file = wide(noise, "smpte2084");
    let index = file.index(&[0], Some(0)).await.unwrap();
    let (hdr, bit_rate) = (Some(Curve::Pq), 900_000);
    for (codec, again) in [(VideoCodec::Hevc, 3), (VideoCodec::Av1, 1)] {
        let rungs = vec![Rung { codec, hdr, bit_rate, ..rung("360p-hdr", (640, 360), false) }];
        let job = Job { pictures: tone_mapped(), rungs, threads: 4, ..job(&index) };
        let first = file.film(&job).await.unwrap();
        for _ in 0..again {
            assert!(file.film(&job).await.unwrap() == first, "{codec:?} has other bytes");
        }
    }
}
