//! A source in HEVC or AV1: viewers who can play it get it untouched, all others get H.264.

use reqwest::Client;
use tests::viewer::fetch;
use tests::{House, enhanced, probe};

use crate::clip::{self, Clip, FRAME_RATE};
use crate::whole::aligned;
use crate::{ended, start_s};

const CLIP: Clip = Clip { seconds: 6, height: 360, gop: 30, b_frames: 2 };

#[tokio::test]
async fn an_hevc_source_plays_as_hvc1_and_as_h264() {
    let encoders = "-c:v libx265 -preset ultrafast -g 30 -x265-params \
                    log-level=none:open-gop=0:bframes=2:b-adapt=0:scenecut=0 -c:a aac -f mp4";
    plays(encoders, "hevc", "hvc1").await;
}

#[tokio::test]
async fn an_av1_source_with_opus_plays_as_av01_and_as_h264() {
    // At its fastest some versions show a picture of it twice.
    let encoders = "-c:v libsvtav1 -preset 8 -g 30 -svtav1-params scd=0 -c:a libopus -f mp4";
    plays(encoders, "av1", "av01").await;
}

/// Publishes the clip and checks every frame of every rendition.
async fn plays(encoders: &str, codec: &str, tag: &str) {
    let house = House::start(&["--reconnect-window-s", "1"]);
    let show = house.show("A newer codec");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.mp4");
    CLIP.make_with(encoders, &file);
    let (address, tracks) = (house.rtmp.clone(), enhanced::read(&file));
    let publisher = tokio::task::spawn_blocking(move || {
        enhanced::publish(&address, &show.stream_key, &tracks, true)
    });
    publisher.await.expect("it does not panic").expect("it is served");

    let client = Client::new();
    let lists = ended(&client, &ticket.playlist_url).await;
    let multivariant = fetch(&client, &ticket.playlist_url).await.text();
    assert!(multivariant.contains(&format!("CODECS=\"{tag}.")), "{multivariant}");
    assert!(multivariant.contains("CODECS=\"avc1."), "{multivariant}");
    let names: Vec<&str> = lists.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["audio", "source", "160p"]);
    aligned(&lists);

    let mut beeps = Vec::new();
    for (name, list) in &lists {
        let media = directory.path().join(format!("{name}.mp4"));
        list.download(&client, &media).await;
        let stream = &probe(&media).0["streams"][0];
        let form = (stream["codec_name"].as_str(), stream["codec_tag_string"].as_str());
        if name == "audio" {
            let start = start_s(&media);
            beeps = clip::beeps(&media).iter().map(|at| start + at).collect();
            assert_eq!(form, (Some("aac"), Some("mp4a")));
            assert_eq!(beeps.len(), CLIP.seconds, "{beeps:?}");
            continue;
        }
        let expected = if name == "source" { (codec, tag) } else { ("h264", "avc1") };
        assert_eq!(form, (Some(expected.0), Some(expected.1)), "{name}");
        let seen = clip::pictures(&media);
        let numbers = seen.iter().map(|picture| picture.number);
        assert!(numbers.eq(0..CLIP.seconds * FRAME_RATE), "{name}: every frame once, in order");
        let times = tests::frame_times(&media);
        let begins =
            (0..times.len()).filter(|at| seen[*at].flash && (*at == 0 || !seen[at - 1].flash));
        for (flash, beep) in begins.map(|at| times[at]).zip(&beeps) {
            assert!((flash - beep).abs() < 0.04, "{name}: flash at {flash} s, beep at {beep} s");
        }
    }
}
