//! Films with a wider range than screens have as a rule: everybody gets the standard one, whoever can the film's own.
//!
//! In: files made by `ffmpeg`, the built program. Out: what `ffprobe` says of what is played. Does not know the inside.

use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tests::House;
use tests::viewer::{self, fetch};

use crate::looked_into::make;
use crate::transcoded::{FLAGS, ended, ready, text, times};
use crate::{Tus, shared};

/// A film of these pictures in BT.2020's colours by this curve, in 10 bits.
fn wide(folder: &Path, pictures: &str, curve: &str) -> PathBuf {
    let coded =
        format!("log-level=none:colorprim=bt2020:transfer={curve}:colormatrix=bt2020nc:keyint=50");
    make(
        folder,
        "wide.mp4",
        &[
            &["-f", "lavfi", "-i", pictures][..],
            &["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-shortest"],
            &["-pix_fmt", "yuv420p10le", "-c:v", "libx265", "-preset", "ultrafast"],
            &["-color_primaries", "bt2020", "-color_trc", curve, "-colorspace", "bt2020nc"],
            &["-x265-params", &coded, "-tag:v", "hvc1", "-c:a", "aac"],
        ]
        .concat(),
    )
}

/// What ffprobe says of the pictures of a playlist.
fn coded(url: &str) -> Value {
    let entries = "stream=codec_name,profile,width,height,pix_fmt,color_range,color_space,\
        color_transfer,color_primaries";
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json", "-select_streams", "v:0"])
        .args(["-show_entries", entries, url])
        .output()
        .expect("ffprobe runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    said["streams"][0].clone()
}

/// The tags of a multivariant playlist that offer pictures, in order, each with where it leads.
fn offers(whole: &str) -> Vec<(&str, &str)> {
    let lines: Vec<&str> = whole.lines().collect();
    let pairs = lines.windows(2).filter(|pair| pair[0].starts_with("#EXT-X-STREAM-INF:"));
    pairs.map(|pair| (pair[0], pair[1])).filter(|(tag, _)| tag.contains("RESOLUTION=")).collect()
}

/// The rung of a name, and how its init segment begins.
async fn init_of(client: &Client, url: &str) -> Vec<u8> {
    let list = fetch(client, url).await.text();
    let map = list.lines().find_map(|line| line.strip_prefix("#EXT-X-MAP:URI=\""));
    let map = map.and_then(|rest| rest.split('"').next()).expect("an init segment");
    fetch(client, &viewer::resolve(url, map)).await.body
}

/// A `colr` box of BT.2020's primaries and matrix with this curve, in the limited range.
fn colr(transfer: u8) -> Vec<u8> {
    [&b"colrnclx"[..], &[0, 9, 0, transfer, 0, 9, 0]].concat()
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn the_range_of_hdr_is_kept_in_hevc_beside_what_everybody_plays() {
    let (house, folder) = (House::start(&FLAGS), tempfile::tempdir().expect("a directory"));
    let film = wide(folder.path(), "testsrc2=size=640x360:rate=25:duration=8", "smpte2084");
    let film = film.to_str().expect("a path");
    let made = house.cli_json(&["asset", "upload", film, "--keep-hdr", "hevc", "--json"]);
    assert_eq!(made["keep_hdr"], "hevc", "{made}");
    let id = text(&made, "asset");
    let told = ready(&house, &id).await;
    let plan = house.cli(&["asset", "plan", &id]);
    let plan = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(plan.contains("360p-hdr") && plan.contains("640×360 hevc pq"), "{plan}");

    let client = Client::builder().no_proxy().build().expect("a client");
    let ticket = house.ticket(&text(&told, "show"));
    let whole = fetch(&client, &ticket.playlist_url).await.text();
    println!("{whole}");
    let offers = offers(&whole);
    let (last, others) = offers.split_last().expect("rungs");
    assert!(last.1.ends_with("360p-hdr/index.m3u8") && !others.is_empty(), "{whole}");
    assert!(last.0.contains("VIDEO-RANGE=PQ") && last.0.contains("CODECS=\"hvc1.2.4.L"), "{whole}");
    for (tag, _) in others {
        assert!(tag.contains("VIDEO-RANGE=SDR") && tag.contains("CODECS=\"avc1."), "{whole}");
    }
    let i_frames = viewer::i_frames(&whole, &ticket.playlist_url);
    assert_eq!(i_frames.iter().filter(|(tag, _)| tag.contains("VIDEO-RANGE=PQ")).count(), 1);
    assert_eq!(i_frames.iter().filter(|(tag, _)| tag.contains("VIDEO-RANGE=SDR")).count(), 2);

    let mut segments = Vec::new();
    for (_, uri) in &offers {
        let url = viewer::resolve(&ticket.playlist_url, uri);
        let list = ended(&client, &url).await;
        segments.push(list.segments.iter().map(|one| one.duration_s).collect::<Vec<_>>());
        assert_eq!(times(&url, "v:0").len(), 200, "{url}");
        let (told, init) = (coded(&url), init_of(&client, &url).await);
        let expected = match uri.contains("-hdr") {
            true => json!({
                "codec_name": "hevc", "profile": "Main 10", "width": 640, "height": 360,
                "pix_fmt": "yuv420p10le", "color_range": "tv", "color_space": "bt2020nc",
                "color_transfer": "smpte2084", "color_primaries": "bt2020"
            }),
            false => json!({
                "codec_name": "h264", "profile": "High", "width": told["width"],
                "height": told["height"], "pix_fmt": "yuv420p", "color_range": "tv",
                "color_space": "bt709", "color_transfer": "bt709", "color_primaries": "bt709"
            }),
        };
        assert_eq!(told, expected, "{url}");
        assert_eq!(has(&init, &colr(16)), uri.contains("-hdr"), "{url}");
    }
    assert!(segments.iter().all(|one| *one == segments[0] && one.len() == 4), "{segments:?}");

    let mpd = fetch(&client, &ticket.mpd_url).await.text();
    let sets = mpd.split("<AdaptationSet ").filter(|set| set.contains("\"video\""));
    let (wide, plain): (Vec<&str>, Vec<&str>) = sets.partition(|set| set.contains("-hdr\""));
    assert!(!wide.is_empty() && wide.len() == plain.len(), "one of each in every Period: {mpd}");
    let says = |set: &&str| set.contains("cicp:TransferCharacteristics\" value=\"16\"");
    assert!(wide.iter().all(says) && !plain.iter().any(says), "{mpd}");
    assert!(wide.iter().all(|set| set.matches("<Representation ").count() == 1), "{mpd}");
}

#[tokio::test]
async fn a_house_may_keep_it_in_av1_unless_a_file_says_otherwise() {
    let flags = [&FLAGS[..], &["--keep-hdr", "av1"]].concat();
    let (house, folder) = (House::start(&flags), tempfile::tempdir().expect("a directory"));
    let film = wide(folder.path(), "testsrc2=size=160x90:rate=25:duration=3", "arib-std-b67");
    let path = film.to_str().expect("a path");
    let made = house.cli_json(&["asset", "upload", path, "--json"]);
    assert_eq!(made["keep_hdr"], "av1", "{made}");
    let plain = house.cli_json(&["asset", "upload", path, "--keep-hdr", "none", "--json"]);
    assert_eq!(plain.get("keep_hdr"), None, "{plain}");
    let client = Client::builder().no_proxy().build().expect("a client");
    for (id, curve) in [(text(&made, "asset"), Some("HLG")), (text(&plain, "asset"), None)] {
        let told = ready(&house, &id).await;
        let ticket = house.ticket(&text(&told, "show"));
        let whole = fetch(&client, &ticket.playlist_url).await.text();
        let Some(curve) = curve else {
            assert!(!whole.contains("VIDEO-RANGE") && !whole.contains("-hdr/"), "{whole}");
            continue;
        };
        let (tag, uri) = *offers(&whole).last().expect("rungs");
        assert!(tag.contains(&format!("VIDEO-RANGE={curve}")), "{whole}");
        assert!(
            tag.contains("CODECS=\"av01.0.") && tag.contains("M.10.0.110.09.18.09.0,"),
            "{tag}"
        );
        let url = viewer::resolve(&ticket.playlist_url, uri);
        let told = coded(&url);
        assert_eq!((&told["codec_name"], &told["pix_fmt"]), (&json!("av1"), &json!("yuv420p10le")));
        let colours = (&told["color_transfer"], &told["color_primaries"], &told["color_space"]);
        assert_eq!(colours, (&json!("arib-std-b67"), &json!("bt2020"), &json!("bt2020nc")));
        assert_eq!(times(&url, "v:0").len(), 75);
        assert!(has(&init_of(&client, &url).await, &colr(18)));
    }
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_with_what_can() {
    let (house, folder) = (shared(), tempfile::tempdir().expect("a directory"));
    let file = folder.path().join("film.mp4");
    std::fs::write(&file, b"").expect("writable");
    let refused =
        house.cli(&["asset", "upload", file.to_str().expect("a path"), "--keep-hdr", "hdr10"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("none, hevc, av1"), "{said}");
    let tus = Tus::to(&house);
    // "h265"
    let odd = tus.ask(Method::POST, "/v1/tus").header("upload-length", 5);
    let odd = odd.header("upload-metadata", "keep_hdr aDI2NQ==").send().await.expect("an answer");
    assert_eq!(odd.status(), 400);
    let said = odd.text().await.expect("a body");
    assert!(said.contains("`keep_hdr` that is none of `none`, `hevc` and `av1`"), "{said}");
}
