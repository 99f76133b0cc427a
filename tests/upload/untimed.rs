//! Films that say only when their pictures are decoded: AVI, whatever the codec. Each picture is shown once, in order.

use serde_json::json;
use tests::House;
use tests::viewer::{self, fetch};

use crate::Tus;
use crate::looked_into::{PICTURES, make};
use crate::transcoded::{FLAGS, drawn, ended, pictures, ready, text, upload};

/// What FFmpeg is told of films. Of the last one pictures overtake keyframes, so that it is not cut.
const FILMS: [(&str, &[&str]); 2] = [
    ("h264.avi", &["-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-bf", "2"]),
    ("open.avi", &["-c:v", "mpeg4", "-q:v", "3", "-g", "50", "-bf", "2"]),
];

#[tokio::test]
async fn a_film_without_times_is_encoded_and_every_picture_is_there() {
    let (house, folder) = (House::start(&FLAGS), tempfile::tempdir().expect("a directory"));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let sine = "sine=frequency=440:sample_rate=48000:duration=20";
    let drawn = drawn();
    for (name, how) in FILMS {
        let film = make(
            folder.path(),
            name,
            &[
                &["-f", "lavfi", "-i", &drawn, "-f", "lavfi", "-i", sine][..],
                &["-map", "0", "-map", "1", "-c:a", "mp3", "-ac", "2"],
                how,
            ]
            .concat(),
        );
        let id = upload(&house, &film);
        let told = ready(&house, &id).await;
        assert_eq!(told["media"]["streams"][0]["video"]["is_untimed"], json!(true), "{told}");
        let plan = house.cli_json(&["asset", "plan", &id, "--json"]);
        let rungs = plan["rungs"].as_array().expect("rungs");
        assert!(rungs.iter().all(|rung| rung["is_copy"] == false), "{name}: {plan}");
        let ticket = house.ticket(&text(&told, "show"));
        let whole = fetch(&client, &ticket.playlist_url).await.text();
        for (rendition, url) in viewer::renditions(&whole, &ticket.playlist_url) {
            let list = ended(&client, &url).await;
            assert!(list.segments.iter().all(|one| !one.gap), "{name}: {rendition}");
            let lasts: f64 = list.segments.iter().map(|one| one.duration_s).sum();
            assert!((lasts - 20.0).abs() < 0.2, "{name}: {rendition} lasts {lasts} s");
            if rendition.ends_with('p') {
                pictures(&url);
            }
        }
    }
}

#[tokio::test]
async fn h264_in_avi_is_not_copied_though_nothing_in_it_is_reordered() {
    let (house, folder) = (crate::shared(), tempfile::tempdir().expect("a directory"));
    let coded = ["-c:v", "libx264", "-g", "50", "-bf", "0", "-pix_fmt", "yuv420p"];
    let film = make(folder.path(), "plain.avi", &[&PICTURES[..], &coded].concat());
    let id = upload(&house, &film);
    let told = Tus::to(&house).looked_into(&id).await;
    assert_eq!(told["media"]["streams"][0]["video"]["is_untimed"], json!(true), "{told}");
    let plan = house.cli_json(&["asset", "plan", &id, "--json"]);
    assert_eq!(plan["rungs"][0]["is_copy"], json!(false), "{plan}");
}
