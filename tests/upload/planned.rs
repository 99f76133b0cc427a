//! What a film is to become: less for a slide show than for football, nothing encoded that need not be.

use std::path::Path;

use serde_json::{Value, json};
use tests::House;

use crate::looked_into::make;
use crate::{Tus, shared};

const ENCODE: [&str; 8] =
    ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50"];

/// Uploads a file by the command line; its plan.
async fn planned(house: &House, file: &Path) -> (String, Value) {
    let made = house.cli_json(&["asset", "upload", file.to_str().expect("a path"), "--json"]);
    let id = made["asset"].as_str().expect("an id").to_owned();
    let told = Tus::to(house).looked_into(&id).await;
    assert_eq!(told["state"], "uploaded", "{told}");
    let plan = house.cli_json(&["asset", "plan", &id, "--json"]);
    (id, plan)
}

fn rungs(plan: &Value) -> Vec<(&str, u64, bool)> {
    let rungs = plan["rungs"].as_array().expect("a list").iter();
    rungs
        .map(|rung| {
            let name = rung["rendition"].as_str().expect("a name");
            let bits = rung["bits_per_s"].as_u64().expect("a number");
            (name, bits, rung["is_copy"] == true)
        })
        .collect()
}

#[tokio::test]
async fn a_slide_show_is_planned_with_less_than_what_moves_everywhere() {
    let (house, folder) = (shared(), tempfile::tempdir().expect("a directory"));
    // A still picture; and one in which every block is new and finely grained.
    let still = ["-f", "lavfi", "-i", "smptehdbars=size=854x480:rate=25:duration=8"];
    let wild = ["-f", "lavfi", "-i", "life=size=854x480:rate=25:ratio=0.3:seed=7"];
    // In 4:2:2, so that neither is taken as it is; at a quality that leaves room for both.
    let encode = ["-c:v", "libx264", "-preset", "ultrafast", "-qp", "20", "-pix_fmt", "yuv422p"];
    let slides = make(folder.path(), "slides.mkv", &[&still[..], &encode].concat());
    let match_of = [&wild[..], &["-t", "8"], &encode].concat();
    let football = make(folder.path(), "football.mkv", &match_of);
    let (_, slides) = planned(&house, &slides).await;
    let (_, football) = planned(&house, &football).await;
    let percent = |plan: &Value| plan["pictures"]["complexity_percent"].as_u64();
    println!("a slide show: {:?} {:?}", percent(&slides), rungs(&slides));
    println!("what moves everywhere: {:?} {:?}", percent(&football), rungs(&football));
    assert!(percent(&slides) < Some(50) && percent(&football) > Some(150));
    let (few, many) = (rungs(&slides), rungs(&football));
    assert_eq!((few[0].0, many[0].0), ("480p", "480p"));
    assert!(few[0].1 * 3 < many[0].1 && few.len() < many.len(), "{few:?} {many:?}");
}

#[tokio::test]
async fn what_fits_is_taken_as_it_is_and_every_sound_and_text_is_kept() {
    let (house, folder) = (shared(), tempfile::tempdir().expect("a directory"));
    let spoken = folder.path().join("words.srt");
    std::fs::write(&spoken, b"1\n00:00:00,000 --> 00:00:04,000\nHallo\n").expect("writable");
    let pictures = ["-f", "lavfi", "-i", "testsrc2=size=854x480:rate=25:duration=8"];
    let sound = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=8"];
    let film = make(
        folder.path(),
        "film.mp4",
        &[
            &pictures[..],
            &sound,
            &["-i", spoken.to_str().expect("a path")],
            &["-map", "0", "-map", "1", "-map", "1", "-map", "2"],
            &ENCODE,
            &["-b:v", "900k", "-maxrate", "900k", "-bufsize", "900k", "-keyint_min", "50"],
            &["-c:a", "aac", "-ac:a:0", "2", "-ac:a:1", "6", "-b:a", "128k", "-c:s", "mov_text"],
            &["-metadata:s:a:0", "language=deu", "-metadata:s:a:1", "language=eng"],
            &["-metadata:s:s:0", "language=deu"],
        ]
        .concat(),
    );
    let (id, plan) = planned(&house, &film).await;
    let told = rungs(&plan);
    assert_eq!((told[0].0, told[0].2), ("480p", true), "{plan}");
    assert!(told.len() > 1 && told[1..].iter().all(|(.., copies)| !copies), "{plan}");
    let sounds: Vec<_> = plan["sounds"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (&one["rendition"], &one["language"], &one["channels"], &one["is_copy"]))
        .collect();
    let expected = [
        (&json!("audio"), &json!("deu"), &json!(2), &json!(true)),
        (&json!("audio-2"), &json!("eng"), &json!(2), &json!(false)),
        (&json!("surround-2"), &json!("eng"), &json!(6), &json!(false)),
    ];
    assert_eq!(sounds, expected);
    assert_eq!(plan["subtitles"][0]["language"], "deu", "{plan}");
    assert_eq!(plan["left_out"], json!([]));
    let shown = house.cli(&["asset", "plan", &id]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("854×480 h264") && shown.contains("as it is"), "{shown}");
}

#[tokio::test]
async fn of_what_is_no_film_there_is_no_plan() {
    let (house, folder) = (shared(), tempfile::tempdir().expect("a directory"));
    let file = folder.path().join("empty.mp4");
    std::fs::write(&file, b"").expect("writable");
    let made = house.cli_json(&["asset", "upload", file.to_str().expect("a path"), "--json"]);
    let id = made["asset"].as_str().expect("an id").to_owned();
    let _ = Tus::to(&house).looked_into(&id).await;
    let refused = house.cli(&["asset", "plan", &id]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("what is in the asset is not known"),
        "{said}"
    );
}
