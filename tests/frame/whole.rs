//! A show from first frame to last: nothing missing, nothing out of place, sound and picture together.

use reqwest::Client;
use tests::{House, Publisher};

use crate::clip::{self, Clip, FRAME_RATE};
use crate::{ended, start_s};

#[tokio::test]
async fn every_rung_has_every_frame_once_in_order_and_in_step_with_the_sound() {
    let house = House::start(&["--reconnect-window-s", "1"]);
    let show = house.show("A whole show");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    let clip = Clip { seconds: 10, height: 720, gop: 30, b_frames: 2 };
    clip.make(&file);

    let (well, said) = Publisher::of_file(&file, &show.rtmp).finish();
    assert!(well, "the publisher is content: {said}");
    let client = Client::new();
    let lists = ended(&client, &ticket.playlist_url).await;
    let names: Vec<&str> = lists.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(sorted(&names), ["160p", "480p", "audio", "source"]);

    let mut flashes = Vec::new();
    let mut sound = Vec::new();
    for (name, list) in &lists {
        let media = directory.path().join(format!("{name}.mp4"));
        list.download(&client, &media).await;
        if name == "audio" {
            let start = start_s(&media);
            sound = clip::beeps(&media).iter().map(|at| start + at).collect();
        } else {
            let seen = clip::pictures(&media);
            let numbers: Vec<usize> = seen.iter().map(|picture| picture.number).collect();
            let expected: Vec<usize> = (0..clip.seconds * FRAME_RATE).collect();
            assert_eq!(numbers, expected, "{name}: every frame once, in order");
            let times = tests::frame_times(&media);
            assert_eq!(times.len(), seen.len(), "{name}");
            let steady =
                times.windows(2).all(|pair| (pair[1] - pair[0] - 1.0 / 30.0).abs() < 0.002);
            assert!(steady, "{name}: no gap: {times:?}");
            flashes.push((name, begins(&seen, &times)));
        }
    }
    for (name, flashes) in &flashes {
        assert_eq!(flashes.len(), clip.seconds, "{name}");
        assert_eq!(sound.len(), clip.seconds, "{sound:?}");
        for (flash, beep) in flashes.iter().zip(&sound) {
            let apart_s = flash - beep;
            println!("{name}: flash at {flash:.3} s, beep {:+.1} ms from it", -1000.0 * apart_s);
            assert!(apart_s.abs() < 1.0 / 30.0, "{name}: within one frame");
        }
    }
    aligned(&lists);
}

/// The same Media Sequence Number is the same time in every rendition.
pub(crate) fn aligned(lists: &[(String, tests::viewer::Playlist)]) {
    let (leader, first) = &lists[0];
    for (name, list) in lists {
        assert_eq!(list.segments.len(), first.segments.len(), "{name} against {leader}");
        assert_eq!(list.media_sequence, first.media_sequence, "{name}");
        assert_eq!(list.target_duration_s, first.target_duration_s, "{name}");
        for (own, other) in list.segments.iter().zip(&first.segments) {
            assert_eq!(own.discontinuity, other.discontinuity, "{name}");
            let tolerance_s =
                if name == "audio" || leader == "audio" { 1024.0 / 48_000.0 } else { 1e-4 };
            assert!(
                (own.duration_s - other.duration_s).abs() <= 2.0 * tolerance_s,
                "{name}: {own:?} against {other:?}"
            );
            if tolerance_s < 1e-3 {
                assert_eq!(own.program_date_time, other.program_date_time, "{name}");
            }
        }
    }
}

/// The times at which a flash begins.
fn begins(seen: &[clip::Seen], times: &[f64]) -> Vec<f64> {
    let mut before = false;
    let mut found = Vec::new();
    for (picture, at) in seen.iter().zip(times) {
        if picture.flash && !before {
            found.push(*at);
        }
        before = picture.flash;
    }
    found
}

fn sorted<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names
}
