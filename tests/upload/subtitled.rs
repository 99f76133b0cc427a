//! Subtitles that are uploaded for a film: players find them, cut as the film is, whenever they came.

use std::path::Path;
use std::time::Instant;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tests::House;
use tests::viewer::{Playlist, fetch, renditions};

use crate::Tus;
use crate::looked_into::make;
use crate::transcoded::{FLAGS, LOOK_EVERY, MADE_MAX, ended, ready, text, upload};

const SRT: &str = "1\n00:00:01,000 --> 00:00:03,500\n\
                   <i>One</i> & <font color=\"red\">only</font>\n\n\
                   2\n00:00:07,000 --> 00:00:07,900\n{\\an8}Two\n";
const VTT: &str = "WEBVTT\n\nNOTE of a film\n\nid\n00:05.000 --> 00:06.000 size:50%\n<b>Drei</b>\n";
/// Longer than its film.
const LATE: &str =
    "WEBVTT\n\n00:07.500 --> 00:30.000\nOn and on\n\n00:09.000 --> 00:10.000\nNever\n";

/// Eight seconds of pictures.
fn film(folder: &Path) -> std::path::PathBuf {
    let drawn = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=8"];
    let coded = ["-c:v", "mpeg4", "-q:v", "8", "-g", "25", "-pix_fmt", "yuv420p"];
    make(folder, "film.mkv", &[&drawn[..], &coded].concat())
}

fn put(house: &House, id: &str, more: &[&str], name: &str, text: &str) -> Value {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join(name);
    std::fs::write(&file, text).expect("writable");
    let file = file.to_str().expect("a path");
    let (language, more) = more.split_first().expect("a language");
    house.cli_json(
        &[&["asset", "subtitles", "put", id, *language, file, "--json"][..], more].concat(),
    )
}

/// The subtitles of an asset, once all are so.
async fn once(house: &House, id: &str, state: &str) -> Vec<Value> {
    let deadline = Instant::now() + MADE_MAX;
    loop {
        let told = house.cli_json(&["asset", "subtitles", "list", id, "--json"]);
        let all = told["subtitles"].as_array().expect("a list").clone();
        if all.iter().all(|one| one["state"] == state) {
            return all;
        }
        assert!(Instant::now() < deadline, "{told}\n{}", house.log_tail());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What stands in the store as soon as it is so.
async fn listed(house: &House, show: &str, is: impl Fn(&str) -> bool) -> String {
    let file = house.data().join("objects").join(show).join("index.m3u8");
    let deadline = Instant::now() + MADE_MAX;
    loop {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        if is(&text) {
            return text;
        }
        assert!(Instant::now() < deadline, "{text}\n{}", house.log_tail());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The `EXT-X-MEDIA` tag of a name.
fn tag<'a>(multivariant: &'a str, name: &str) -> Option<&'a str> {
    let name = format!("NAME=\"{name}\"");
    multivariant.lines().find(|line| line.contains("TYPE=SUBTITLES") && line.contains(&name))
}

/// The segments of a playlist in which a text stands, by when they begin; all of them have the film's cuts.
async fn segments_with(client: &Client, list: &Playlist, text: &str) -> Vec<u64> {
    let (mut found, mut at) = (Vec::new(), 0.0);
    for segment in &list.segments {
        let own = fetch(client, &segment.url).await;
        assert_eq!(
            (own.status, own.headers["content-type"].to_str().expect("text")),
            (200, "text/vtt; charset=utf-8")
        );
        assert!(own.text().starts_with("WEBVTT\nX-TIMESTAMP-MAP="), "{}", own.text());
        if own.text().contains(text) {
            found.push((at * 1000.0_f64).round() as u64);
        }
        at += segment.duration_s;
    }
    found
}

#[tokio::test]
async fn uploaded_subtitles_are_found_by_players_whenever_they_came() {
    let (house, folder) = (House::start(&FLAGS), tempfile::tempdir().expect("a directory"));
    let client = Client::builder().no_proxy().build().expect("a client");
    let id = upload(&house, &film(folder.path()));
    // Whether the film is begun by then or not.
    let kept = put(&house, &id, &["EN"], "film.srt", SRT);
    assert_eq!(
        (&kept["language"], &kept["name"], &kept["cues"]),
        (&json!("en"), &json!("English"), &json!(2))
    );
    let told = ready(&house, &id).await;
    let show = text(&told, "show");
    assert_eq!(once(&house, &id, "ready").await.len(), 1);
    listed(&house, &show, |text| tag(text, "English").is_some()).await;
    // And when it is ready.
    put(&house, &id, &["de", "--default", "--name", "Deutsch"], "film.vtt", VTT);
    put(&house, &id, &["de", "--forced", "--name", "Schilder"], "late.vtt", LATE);
    let all = once(&house, &id, "ready").await;
    let shown: Vec<_> = all.iter().map(|one| (&one["default"], &one["forced"])).collect();
    assert_eq!(
        shown,
        [
            (&json!(false), &json!(false)),
            (&json!(true), &json!(false)),
            (&json!(false), &json!(true))
        ]
    );
    listed(&house, &show, |text| tag(text, "Schilder").is_some()).await;

    let ticket = house.ticket(&show);
    let whole = fetch(&client, &ticket.playlist_url).await.text();
    assert!(whole.contains(",SUBTITLES=\""), "{whole}");
    let english = tag(&whole, "English").expect("English");
    assert!(english.contains("LANGUAGE=\"en\",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO"), "{english}");
    let german = tag(&whole, "Deutsch").expect("German");
    assert!(german.contains("LANGUAGE=\"de\",DEFAULT=YES,AUTOSELECT=YES,FORCED=NO"), "{german}");
    let signs = tag(&whole, "Schilder").expect("signs");
    assert!(signs.contains("LANGUAGE=\"de\",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES"), "{signs}");
    let (mut lists, mut cuts) = (Vec::new(), Vec::new());
    for (name, url) in renditions(&whole, &ticket.playlist_url) {
        let list = ended(&client, &url).await;
        assert!(list.segments.iter().all(|one| !one.gap), "{name}");
        cuts.push(
            list.segments
                .iter()
                .map(|one| (one.duration_s * 1000.0).round() as u64)
                .collect::<Vec<_>>(),
        );
        if name.starts_with("sub-") {
            lists.push(list);
        }
    }
    assert!(lists.len() == 3 && cuts[0].len() == 4, "{whole}");
    assert!(cuts.windows(2).all(|two| two[0] == two[1]), "all are cut alike: {cuts:?}");
    let one = "00:00:01.000 --> 00:00:03.500\n<i>One</i> &amp; only\n";
    assert_eq!(segments_with(&client, &lists[0], one).await, [0, 2000]);
    let two = "00:00:07.000 --> 00:00:07.900 line:0\nTwo\n";
    assert_eq!(segments_with(&client, &lists[0], two).await, [6000]);
    let three = "00:00:05.000 --> 00:00:06.000 size:50%\n<b>Drei</b>\n";
    assert_eq!(segments_with(&client, &lists[1], three).await, [4000]);
    assert_eq!(segments_with(&client, &lists[2], "On and on").await, [6000]);
    assert_eq!(segments_with(&client, &lists[2], "Never").await, [0_u64; 0]);
    replaced_and_deleted(&house, &id, &show).await;
}

async fn replaced_and_deleted(house: &House, id: &str, show: &str) {
    let other = SRT.replace("Two", "Other");
    put(house, id, &["en", "--name", "Deutsch"], "film.srt", &other);
    assert_eq!(once(house, id, "ready").await.len(), 3);
    // Each is chosen by a name of its own.
    let is_named =
        |text: &str| tag(text, "Deutsch").is_some() && text.contains("NAME=\"Deutsch (sub-");
    let after = listed(house, show, is_named).await;
    assert!(tag(&after, "English").is_none(), "{after}");
    let gone = house.cli(&["asset", "subtitles", "delete", id, "de"]);
    assert!(gone.status.success(), "{}", String::from_utf8_lossy(&gone.stderr));
    listed(house, show, |text| text.matches("TYPE=SUBTITLES").count() == 2).await;
    let again = house.cli(&["asset", "subtitles", "delete", id, "de"]);
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(!again.status.success() && said.contains("nobody has uploaded such"), "{said}");
    let shown = house.cli(&["asset", "subtitles", "list", id]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("forced") && shown.contains("ready"), "{shown}");
    assert!(Tus::to(house).looked_into(id).await["state"] == "ready");
    let _ = house.cli_json(&["asset", "delete", id, "--json"]);
    assert!(!house.data().join("objects").join(show).exists());
    let list = house.cli(&["asset", "subtitles", "list", id]);
    assert!(!list.status.success(), "they went with it");
}

#[tokio::test]
async fn what_is_no_subtitles_is_refused_with_its_line() {
    let (house, folder) = (crate::shared(), tempfile::tempdir().expect("a directory"));
    let id = upload(&house, &film(folder.path()));
    let tus = Tus::to(&house);
    let send = async |address: &str, body: Vec<u8>| {
        let sent = tus.ask(Method::PUT, &format!("/v1/assets/{id}/subtitles/{address}"));
        let answer = sent.body(body).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let problem: Value =
            serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
        (status, problem["detail"].as_str().unwrap_or_default().to_owned())
    };
    let backwards = SRT.replace("00:00:07,900", "00:00:06,000");
    let latin = b"1\n00:00:01,000 --> 00:00:02,000\nGr\xfcn\n".to_vec();
    let utf16: Vec<u8> = "\u{feff}1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (address, body, status, why) in [
        ("en", backwards.into_bytes(), 422, "line 6: the cue ends before it begins"),
        ("en", VTT.replace("-->", "->").into_bytes(), 422, "line 5: times such as"),
        ("en", latin, 422, "line 3: the byte 0xfc is no UTF-8"),
        ("en", utf16, 422, "line 1: it is UTF-16"),
        ("en", b"PK\x03\x04 a zip".to_vec(), 422, "line 1: it has the control character U+0003"),
        ("en", Vec::new(), 422, "have no cue with a text"),
        ("en", vec![b'a'; (2 << 20) + 1], 413, "at most 2097152 bytes"),
        ("english-language", SRT.into(), 422, "must be one of BCP 47"),
        ("en?name=a%22b", SRT.into(), 422, "must be 1 to 64 characters"),
        ("en?forced=maybe", SRT.into(), 400, "forced"),
        ("en?loud=true", SRT.into(), 400, "loud"),
    ] {
        let (told, detail) = send(address, body).await;
        assert!(told == status && detail.contains(why), "{address}: {told} {detail}, not {why}");
    }
    for number in 0..32_u8 {
        let language = format!("x{}", char::from(b'a' + number % 26));
        let forced = if number < 26 { "" } else { "?forced=true" };
        assert_eq!(send(&format!("{language}{forced}"), SRT.into()).await.0, 200);
    }
    assert_eq!(send("en", SRT.into()).await.0, 409, "it has as many as it may");
    assert_eq!(send("xa", SRT.into()).await.0, 200, "in the place of others");
    let all = house.cli_json(&["asset", "subtitles", "list", &id, "--json"]);
    assert_eq!(all["subtitles"].as_array().expect("a list").len(), 32);
}
