//! What is published by other programs than `ffmpeg`: GStreamer's own RTMP, and librtmp, which OBS's is a branch of.

use std::process::{Command, Stdio};

use reqwest::Client;
use tests::House;

use crate::clip::{self, Clip, FRAME_RATE};
use crate::ended;

/// Publishes a clip through an RTMP sink of GStreamer's, and checks that each picture of it is seen once, in order.
async fn shown_whole(sink: &str) {
    let house = House::start(&["--reconnect-window-s", "1"]);
    let show = house.show("By another program");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    // GStreamer 1.26 itself moves the first B-frames of a file against the others when it writes them again.
    let clip = Clip { seconds: 6, height: 360, gop: 30, b_frames: 0 };
    clip.make(&file);
    let (from, to) = (format!("location={}", file.display()), format!("location={}", show.rtmp));
    let published = Command::new("gst-launch-1.0")
        .args(["-q", "filesrc", &from, "!", "flvdemux", "name=demux"])
        .args(["demux.video", "!", "queue", "!", "h264parse", "!", "mux."])
        .args(["demux.audio", "!", "queue", "!", "aacparse", "!", "mux."])
        .args(["flvmux", "name=mux", "streamable=true", "!", sink, &to, "sync=true"])
        .stdin(Stdio::null())
        .output()
        .expect("gst-launch-1.0 runs (scripts/setup.sh test)");
    let said = String::from_utf8_lossy(&published.stderr);
    assert!(published.status.success(), "{sink}: {said}\n{}", house.log_tail());
    let client = Client::new();
    let lists = ended(&client, &ticket.playlist_url).await;
    assert!(lists.iter().any(|(name, _)| name == "audio"), "{sink}: there is sound");
    for (name, list) in &lists {
        let media = directory.path().join(format!("{name}.mp4"));
        list.download(&client, &media).await;
        if name == "audio" {
            let beeps = clip::beeps(&media).len();
            assert!(beeps + 1 >= clip.seconds, "{beeps} beeps");
            continue;
        }
        let seen = clip::pictures(&media);
        let numbers = seen.iter().map(|picture| picture.number);
        assert!(numbers.eq(0..clip.seconds * FRAME_RATE), "{sink}, {name}: {}", seen.len());
    }
}

#[tokio::test]
async fn a_show_by_gstreamer_has_every_frame_in_order() {
    shown_whole("rtmp2sink").await;
}

#[tokio::test]
async fn a_show_by_librtmp_has_every_frame_in_order() {
    shown_whole("rtmpsink").await;
}
