//! Sounds and texts of films: where they should be, and nothing where there is nothing.
//!
//! In: files made by `ffmpeg`. Out: verdicts. Does not know the child.

use origin_ladder::film::Job;

use super::*;
use crate::clip::Outcome;

/// Frames of a sound, and that they have neither gap nor overlap and begin with the film.
fn frames(outcome: &Outcome, id: &str) -> i64 {
    let units = &outcome.units[id];
    let times = units.iter().map(|unit| unit.pts.0);
    assert!(times.eq((0_i64..).map(|frame| frame * 1_920).take(units.len())), "{id}");
    i64::try_from(units.len()).unwrap()
}

/// How loud each tenth of a second is.
fn loudness(samples: &[f32]) -> Vec<f32> {
    let loudest = |tenth: &[f32]| tenth.iter().fold(0.0_f32, |most, one| most.max(one.abs()));
    samples.chunks(4_800).map(loudest).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_is_as_long_as_it_was_and_begins_with_the_film() {
    for (name, codec) in [
        ("film.mp4", "aac -ar 44100 -ac 1"),
        ("film.mkv", "flac -ar 22050"),
        ("film.avi", "mp3 -ar 44100"),
        ("film.mov", "pcm_s16le"),
        ("film.ts", "mp2 -ar 48000"),
        ("film.ogg", "libvorbis"),
    ] {
        let file = File::make(name, &format!("{} -c:a {codec}", tone(5)));
        let index = file.index(&[0], None).await.unwrap();
        let job = Job { sounds: vec![sound("audio", 0, 2, false)], ..job(&index) };
        let outcome = file.film(&job).await.unwrap().outcome();
        let end = frames(&outcome, "audio") * 1_920;
        let off = end - index.length.0;
        assert!((-1_920..=1_920).contains(&off), "{name}: {end} of {:?}", index.length);
        let heard = loudness(&outcome.sound());
        assert!(heard[1..48].iter().all(|loud| *loud > 0.05), "{name}: {heard:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn late_sound_has_silence_in_front_and_gaps_become_silence() {
    let file = File::make(
        "film.mkv",
        "-f lavfi -i testsrc2=size=160x90:rate=25:duration=6 -itsoffset 1.5 \
         -f lavfi -i sine=frequency=440:sample_rate=48000:duration=4.5 \
         -af aselect='not(between(t,3,4))' -c:v libx264 -c:a flac",
    );
    let index = file.index(&[0, 1], Some(0)).await.unwrap();
    let job = Job { sounds: vec![sound("audio", 1, 2, false)], ..job(&index) };
    let outcome = file.film(&job).await.unwrap().outcome();
    let end = frames(&outcome, "audio") * 1_920;
    assert!((end - 6 * SECOND).abs() <= 1_920, "{end}");
    let heard = loudness(&outcome.sound());
    let is_heard = |from: usize, to: usize| heard[from..to].iter().all(|loud| *loud > 0.05);
    let is_silent = |from: usize, to: usize| heard[from..to].iter().all(|loud| *loud < 0.01);
    assert!(is_silent(0, 14) && is_heard(16, 29), "{heard:?}");
    assert!(is_silent(32, 39) && is_heard(42, 59), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_that_begins_after_a_minute_is_waited_for() {
    let file = File::make(
        "film.mkv",
        "-f lavfi -i color=size=32x32:rate=1:duration=62 -itsoffset 60 \
         -f lavfi -i sine=frequency=440:sample_rate=48000:duration=2 -c:v libx264 -c:a flac",
    );
    let index = file.index(&[0, 1], Some(0)).await.unwrap();
    let job = Job { sounds: vec![sound("audio", 1, 2, false)], ..job(&index) };
    let outcome = file.film(&job).await.unwrap().outcome();
    let end = frames(&outcome, "audio") * 1_920;
    assert!((end - 62 * SECOND).abs() <= 1_920, "{end}");
}

#[tokio::test(flavor = "multi_thread")]
async fn aac_in_a_transport_stream_is_copied_without_its_headers() {
    let file = File::make("film.ts", &format!("{} -c:a aac -ac 2", tone(3)));
    let index = file.index(&[0], None).await.unwrap();
    let sounds = vec![sound("audio", 0, 2, true)];
    let outcome = file.film(&Job { sounds, ..job(&index) }).await.unwrap().outcome();
    assert!(frames(&outcome, "audio") >= 141);
    let shared_media::TrackConfig::Audio(audio) = &outcome.configs["audio"][0] else {
        panic!("it is sound")
    };
    assert_eq!(
        (&audio.record[..], audio.sample_rate, audio.channels),
        (&[0x11, 0x90][..], 48_000, 2)
    );
    assert!(loudness(&outcome.sound())[2..29].iter().all(|loud| *loud > 0.05));
}

const SUBTITLES: &str = "1\n00:00:00,500 --> 00:00:01,250\n<i>Hello</i> & {\\an8}welcome\n\n\
    2\n00:00:02,000 --> 00:00:03,000\n<font color=\"red\">Two</font>\nlines\n\n";

#[tokio::test(flavor = "multi_thread")]
async fn subtitles_become_cues() {
    let source = File::of("texts.srt", SUBTITLES.as_bytes());
    for (name, codec) in [
        ("film.mkv", "subrip"),
        ("film.mp4", "mov_text"),
        ("film.webm", "webvtt"),
        ("film2.mkv", "ass"),
    ] {
        let video = if name == "film.webm" { "libvpx-vp9" } else { "libx264" };
        let file = File::make(
            name,
            &format!(
                "-f lavfi -i color=size=64x64:rate=25:duration=4 -i {} -c:v {video} -c:s {codec}",
                source.path.display()
            ),
        );
        let index = file.index(&[0, 1], Some(0)).await.unwrap();
        let whole = Job { texts: vec![text("text-1", 1)], ..job(&index) };
        let film = file.film(&whole).await.unwrap();
        let cues = film.cues("text-1");
        assert_eq!(cues.len(), 2, "{name}: {cues:?}");
        let times: Vec<(i64, i64)> = cues.iter().map(|cue| (cue.0, cue.1)).collect();
        let near = |time: i64, wanted: i64| (time - wanted).abs() <= 900;
        assert!(near(times[0].0, 45_000) && near(times[0].1, 112_500), "{name}: {times:?}");
        assert!(near(times[1].0, 180_000) && near(times[1].1, 270_000), "{name}: {times:?}");
        assert_eq!(cues[0].2, "<i>Hello</i> &amp; welcome", "{name}");
        assert_eq!(cues[1].2, "Two\nlines", "{name}");
        let later = Job { from: SECOND, ..whole.clone() };
        assert_eq!(file.film(&later).await.unwrap().cues("text-1").len(), 1, "{name}");
        let earlier = Job { until: Some(SECOND), ..whole };
        assert_eq!(file.film(&earlier).await.unwrap().cues("text-1").len(), 1, "{name}");
    }
}
