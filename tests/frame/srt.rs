//! A show that is published by SRT, at the address its creator was told.

use reqwest::Client;
use tests::{House, Publisher, SRT_OPTIONS};

use crate::clip::{self, Clip, FRAME_RATE};
use crate::{ended, on_air, start_s};

#[tokio::test]
async fn a_show_by_srt_has_every_frame_in_order_and_in_step_with_the_sound() {
    let house = House::start(&["--reconnect-window-s", "1", "--srt", "127.0.0.1:0"]);
    let show = house.show("By SRT");
    let set = ["show", "set", &show.id, "--sounds", "de=Kommentar", "--json"];
    assert_eq!(house.cli_json(&set)["broadcast"]["sounds"][0]["language"], "de");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    let clip = Clip { seconds: 8, height: 360, gop: 30, b_frames: 2 };
    clip.make(&file);
    let address = show.srt.clone().expect("the house speaks SRT");
    assert!(address.contains(&format!("streamid=publish:{}", show.stream_key)), "{address}");
    // It closes when all is acknowledged.
    let address = format!("{address}&{SRT_OPTIONS}");
    let (well, said) = Publisher::of_file_as("mpegts", &file, &address).finish();
    assert!(well, "the publisher is content: {said}");

    assert!(!house.log().contains(&show.stream_key), "the stream key is not logged");

    let client = Client::new();
    let text = on_air(&client, &ticket.playlist_url).await;
    assert!(text.contains("NAME=\"Kommentar\",LANGUAGE=\"de\",DEFAULT=YES"), "{text}");
    let lists = ended(&client, &ticket.playlist_url).await;
    let mut beeps = Vec::new();
    for (name, list) in &lists {
        let media = directory.path().join(format!("{name}.mp4"));
        list.download(&client, &media).await;
        if name == "audio" {
            let start = start_s(&media);
            beeps = clip::beeps(&media).iter().map(|at| start + at).collect();
            continue;
        }
        let seen = clip::pictures(&media);
        let numbers = seen.iter().map(|picture| picture.number);
        let last = clip.seconds * FRAME_RATE;
        assert!(numbers.eq(0..last), "{name}: every frame once, in order: {}", seen.len());
        let times = tests::frame_times(&media);
        let begins = (1..last).filter(|at| seen[*at].flash && !seen[at - 1].flash);
        for flash in begins.map(|at| times[at]) {
            let apart = beeps.iter().map(|beep| (flash - beep).abs()).fold(f64::INFINITY, f64::min);
            assert!(apart < 0.04, "{name}: flash at {flash} s, beeps at {beeps:?}");
        }
    }
}
