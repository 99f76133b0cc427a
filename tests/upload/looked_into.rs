//! Films of all kinds, and what is none: what the house says is in them, and why it refuses them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tests::House;

use crate::{Tus, shared};

/// Makes a file with the `ffmpeg` program.
pub(crate) fn make(folder: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments)
        .arg(&path)
        .status();
    assert!(made.expect("ffmpeg runs").success(), "{name}");
    path
}

pub(crate) const PICTURES: [&str; 4] =
    ["-f", "lavfi", "-i", "testsrc=size=320x240:rate=25:duration=4"];
const SOUND: [&str; 4] = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=4"];

/// Has the pictures of an MP4 turned to the right, as a telephone's: by the matrix of the first track (ISO/IEC
/// 14496-12, 8.3.2; what it means is in 6.2.2).
fn turn(file: &Path) {
    let mut bytes = std::fs::read(file).expect("a film");
    let at = bytes.windows(4).position(|four| four == b"tkhd").expect("a track") + 4 + 40;
    let matrix = [0, 0x1_0000, 0, -0x1_0000, 0, 0, 0, 0, 0x4000_0000_i32];
    let matrix: Vec<u8> = matrix.into_iter().flat_map(i32::to_be_bytes).collect();
    bytes[at..at + matrix.len()].copy_from_slice(&matrix);
    std::fs::write(file, bytes).expect("writable");
}

/// Uploads a file by the command line; what became of it.
async fn upload(house: &House, file: &Path) -> Value {
    let made = house.cli_json(&["asset", "upload", file.to_str().expect("a path"), "--json"]);
    let asset = made["asset"].as_str().expect("an id").to_owned();
    Tus::to(house).looked_into(&asset).await
}

#[tokio::test]
async fn what_is_in_a_film_is_told() {
    let (house, folder) = (shared(), tempfile::tempdir().expect("a directory"));
    let chapters = folder.path().join("chapters.txt");
    let text = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=Anfang\n\
                [CHAPTER]\nTIMEBASE=1/1000\nSTART=2000\nEND=4000\ntitle=Ende\n";
    std::fs::write(&chapters, text).expect("writable");
    let film = make(
        folder.path(),
        "film.mkv",
        &[
            &PICTURES[..],
            &SOUND,
            &["-i", chapters.to_str().expect("a path"), "-map", "0", "-map", "1", "-map", "1"],
            &["-map_chapters", "2", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25"],
            &["-pix_fmt", "yuv420p", "-c:a", "aac", "-ac:a:0", "2", "-ac:a:1", "6"],
            &["-metadata:s:a:0", "language=deu", "-metadata:s:a:1", "language=eng"],
        ]
        .concat(),
    );
    let told = upload(&house, &film).await;
    assert_eq!((&told["state"], &told["title"]), (&json!("uploaded"), &json!("film.mkv")));
    let media = &told["media"];
    assert_eq!(media["container"], "matroska,webm");
    assert!((3900..=4200).contains(&media["duration_ms"].as_u64().expect("a number")));
    let chapters = media["chapters"].as_array().expect("a list");
    let titles: Vec<_> = chapters.iter().filter_map(|one| one["title"].as_str()).collect();
    assert_eq!((titles, &chapters[1]["start_ms"]), (vec!["Anfang", "Ende"], &json!(2000)));
    let [video, german, english] = &media["streams"].as_array().expect("a list")[..] else {
        panic!("{media}");
    };
    assert_eq!((&video["kind"], &video["codec"]), (&json!("video"), &json!("h264")));
    let pictures = json!({
        "width": 320, "height": 240, "pixel_format": "yuv420p", "frames_per_1000_s": 25000,
        "is_vfr": false, "is_interlaced": false, "rotation": 0, "is_cover": false
    });
    let mut seen = video["video"].clone();
    let seen = seen.as_object_mut().expect("an object");
    assert_eq!(seen.remove("keyframe_ms_max"), Some(json!(1000)));
    assert!(seen.remove("complexity_percent").is_some_and(|percent| percent.is_u64()));
    assert_eq!(Value::Object(seen.clone()), pictures);
    let stereo = json!({ "channels": 2, "layout": "stereo", "samples_per_s": 48000 });
    assert_eq!((&german["language"], &german["audio"]), (&json!("deu"), &stereo));
    assert_eq!((&english["language"], &english["audio"]["channels"]), (&json!("eng"), &json!(6)));
}

/// Makes pictures interlaced, and says that they are meant for HLG.
const HLG: &str =
    "interlace,setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc";

/// What a telephone films upright, and what a broadcaster films in fields and with a wider range.
#[tokio::test]
async fn how_pictures_are_meant_is_told_and_assets_can_be_described_found_and_deleted() {
    let (house, folder) = (shared(), tempfile::tempdir().expect("a directory"));
    let encode = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
    let upright = make(folder.path(), "upright.mp4", &[&PICTURES[..], &encode].concat());
    turn(&upright);
    let told = upload(&house, &upright).await;
    assert_eq!(told["media"]["streams"][0]["video"]["rotation"], 90, "{told}");
    let wide = make(
        folder.path(),
        "wide.ts",
        &[
            &PICTURES[..],
            // Newer programs take what is said of colours from the pictures, older ones from the encoder's options.
            &["-vf", HLG, "-c:v", "libx264", "-preset", "ultrafast"],
            &["-flags", "+ildct+ilme"],
            &["-pix_fmt", "yuv420p10le", "-color_trc", "arib-std-b67"],
            &["-color_primaries", "bt2020", "-colorspace", "bt2020nc"],
        ]
        .concat(),
    );
    let told = upload(&house, &wide).await;
    let video = &told["media"]["streams"][0]["video"];
    assert_eq!((&video["is_interlaced"], &video["hdr"]), (&json!(true), &json!("hlg")), "{told}");
    assert_eq!(video["pixel_format"], "yuv420p10le");

    let id = told["asset"].as_str().expect("an id").to_owned();
    let change = ["asset", "change", &id, "--title", "Weit", "--tag", "hdr"];
    let changed = house.cli_json(&[&change[..], &["--visibility", "public", "--json"]].concat());
    assert_eq!((&changed["title"], &changed["tags"]), (&json!("Weit"), &json!(["hdr"])));
    let listed = house.cli_json(&["asset", "list", "--search", "HDR", "--json"]);
    assert_eq!(listed["assets"].as_array().map(Vec::len), Some(1));
    let shown = house.cli(&["asset", "show", &id]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("320×240 12.5/s") && shown.contains("interlaced hlg"), "{shown}");
    let folder = house.data().join("uploads").join(&id);
    assert!(folder.join("file").is_file());
    let gone = house.cli_json(&["asset", "delete", &id, "--json"]);
    assert_eq!(gone["asset"], json!(id));
    assert!(!folder.exists(), "its bytes are gone");
}

/// A film under Common Encryption (ISO/IEC 23001-7).
fn encrypted(folder: &Path, film: &str) -> PathBuf {
    let (key, kid) = ("76a6c65c5ea762046bd749a2e632ccbb", "a7e61c373e219033c21091fa607bf3b8");
    let scheme = ["-i", film, "-c", "copy", "-encryption_scheme", "cenc-aes-ctr"];
    let keys = ["-encryption_key", key, "-encryption_kid", kid];
    make(folder, "encrypted.mp4", &[&scheme[..], &keys].concat())
}

#[tokio::test]
async fn what_is_no_film_is_refused_with_the_reason() {
    let (house, folder) = (shared(), tempfile::tempdir().expect("a directory"));
    let secret = make(
        folder.path(),
        "secret.mp4",
        &[&PICTURES[..], &["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]]
            .concat(),
    );
    let there = secret.to_str().expect("a path").to_owned();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("writable");
        path
    };
    let whole = std::fs::read(&secret).expect("a film");
    let transport =
        make(folder.path(), "whole.mkv", &["-i", &there, "-c", "copy", "-cues_to_front", "1"]);
    let cut = std::fs::read(transport).expect("a film");
    let encrypted = encrypted(folder.path(), &there);
    let spoken = write("words.srt", b"1\n00:00:00,000 --> 00:00:04,000\nHallo\n");
    let words =
        make(folder.path(), "words.mkv", &["-f", "srt", "-i", spoken.to_str().expect("a path")]);
    let tiny = make(
        folder.path(),
        "tiny.mkv",
        &["-f", "lavfi", "-i", "testsrc=size=8x8:rate=25:duration=1", "-c:v", "ffv1"],
    );
    for (file, says) in [
        (write("empty.mp4", b""), "the file is empty"),
        (
            write("list.m3u8", format!("#EXTM3U\n#EXTINF:4,\n{there}\n").as_bytes()),
            "a playlist (HLS",
        ),
        (
            write("list.mp4", format!("ffconcat version 1.0\nfile '{there}'\n").as_bytes()),
            "(ffconcat)",
        ),
        (write("list.mpd", b"<?xml version=\"1.0\"?><MPD></MPD>"), "a playlist (DASH)"),
        // The same behind a beginning that no list is known by: nothing that opens other files is tried.
        (
            write("odd.mp4", format!("# \n#EXTM3U\n#EXTINF:4,\n{there}\n").as_bytes()),
            "no audio or video that is taken",
        ),
        (write("text.mp4", &b"hello world ".repeat(1000)), "no audio or video that is taken"),
        (write("cut.mp4", &whole[..whole.len() / 2]), "no audio or video that is taken"),
        (write("cut.mkv", &cut[..cut.len() / 3]), "the file is cut off"),
        (encrypted, "the file is encrypted"),
        (words, "neither video nor audio"),
        (tiny, "pictures of 8 × 8 are not taken"),
    ] {
        let told = upload(&house, &file).await;
        assert_eq!(told["state"], "refused", "{}: {told}", file.display());
        let reason = told["reason"].as_str().expect("a reason");
        assert!(reason.contains(says), "{}: {reason}", file.display());
        let folder = house.data().join("uploads").join(told["asset"].as_str().expect("an id"));
        assert!(!folder.exists(), "its bytes are gone");
        assert_eq!(told["bytes"], 0);
    }
}
