//! Chapters: a film's own, as players are told of them, others in their place, and those of what is shown.

use std::path::{Path, PathBuf};

use reqwest::Client;
use serde_json::{Value, json};
use tests::House;
use tests::viewer::{attribute, fetch, renditions, resolve};

use crate::looked_into::make;
use crate::transcoded::{FLAGS, ready, text, upload};

/// What players look for.
const DATA_ID: &str = "com.apple.hls.chapters";

/// Twelve seconds with two chapters.
fn film(folder: &Path) -> PathBuf {
    let told = folder.join("chapters.txt");
    let chapter = |from: u32, to: u32, title: &str| {
        format!("[CHAPTER]\nTIMEBASE=1/1000\nSTART={from}\nEND={to}\ntitle={title}\n")
    };
    let chapters = [chapter(0, 5000, "Overture & beginners"), chapter(5000, 12_000, "Act one")];
    std::fs::write(&told, format!(";FFMETADATA1\n{}", chapters.concat())).expect("writable");
    let pictures = "testsrc2=size=320x180:rate=25:duration=12,format=yuv420p";
    make(
        folder,
        "film.mkv",
        &[
            &["-f", "lavfi", "-i", pictures, "-i", told.to_str().expect("a path")][..],
            &["-map", "0:v", "-map_metadata", "1", "-map_chapters", "1"],
            &["-c:v", "mpeg4", "-q:v", "5", "-g", "50"],
        ]
        .concat(),
    )
}

/// Of chapters as JSON: where each begins, how long it is, and its title.
fn told(body: &[u8]) -> Vec<(f64, f64, String)> {
    let all: Vec<Value> = serde_json::from_slice(body).expect("JSON");
    let seconds = |one: &Value, name: &str| one[name].as_f64().expect("seconds");
    let title = |one: &Value| one["titles"][0]["title"].as_str().expect("a title").to_owned();
    all.iter()
        .map(|one| (seconds(one, "start-time"), seconds(one, "duration"), title(one)))
        .collect()
}

/// What a viewer's player learns from the multivariant playlist, if there is anything: the chapters, and their address.
async fn chapters(client: &Client, house: &House, show: &str) -> Option<(Vec<u8>, String)> {
    let url = house.ticket(show).playlist_url;
    let all = fetch(client, &url).await.text();
    let line = all.lines().find(|line| line.contains(DATA_ID))?;
    let address = resolve(&url, &attribute(line, "URI").expect("an address"));
    let found = fetch(client, &address).await;
    assert_eq!(
        (found.status, &found.headers["content-type"]),
        (200, &"application/json".parse().expect("a type"))
    );
    Some((found.body, address))
}

#[tokio::test]
async fn a_films_chapters_reach_its_viewers() {
    let (house, folder) = (House::start(&FLAGS), tempfile::tempdir().expect("a directory"));
    let id = upload(&house, &film(folder.path()));
    let show = text(&ready(&house, &id).await, "show");
    let listed = house.cli_json(&["asset", "chapters", &id, "--json"]);
    assert_eq!(listed["is_set"], false);
    assert_eq!(listed["chapters"][1], json!({ "start_ms": 5000, "title": "Act one" }));

    let client = Client::builder().no_proxy().build().expect("a client");
    let (body, address) = chapters(&client, &house, &show).await.expect("chapters");
    let found = told(&body);
    assert_eq!((found[0].0, found[0].1, &*found[0].2), (0.0, 5.0, "Overture & beginners"));
    assert_eq!((found[1].0, &*found[1].2), (5.0, "Act one"));
    assert!((found[1].1 - 7.0).abs() < 0.1, "{found:?}");
    let state = fetch(&client, &format!("{}/v1/shows/{show}/state", house.edge)).await.text();
    assert!(state.contains("\"has_chapters\":true"), "{state}");
    // Who has no ticket has no chapters.
    let (base, _) = address.rsplit_once('/').expect("a folder");
    assert_eq!(fetch(&client, &format!("{base}x/chapters.json")).await.status, 403);
    let vtt = fetch(&client, &format!("{base}/chapters.vtt")).await;
    assert_eq!(&vtt.headers["content-type"], "text/vtt; charset=utf-8");
    let first = "\n1\n00:00:00.000 --> 00:00:05.000\nOverture &amp; beginners\n";
    assert!(vtt.text().contains(first), "{}", vtt.text());

    others(&house, &id, &show).await;
}

/// Others are set, of which a trim leaves those that are shown, counted from where playlists begin. The edge has asked
/// already, and keeps what it got for a minute: a house that is started again has another.
async fn others(house: &House, id: &str, show: &str) {
    let set = ["--at", "0:00 One", "--at", "0:03.5 Two", "--at", "0:10 Three", "--json"];
    let listed = house.cli_json(&[&["asset", "chapters", id][..], &set].concat());
    assert_eq!(listed["chapters"].as_array().expect("a list").len(), 3);
    let _ = house.cli_json(&["asset", "trim", id, "--in", "3", "--out", "9", "--json"]);
    let key = std::fs::read_to_string(house.data().join("keys/edge.key")).expect("a key");
    let client = Client::builder().no_proxy().build().expect("a client");
    let get = async |file: &str| {
        let asked = client.get(format!("{}/o/{show}/{file}", house.api));
        let asked = asked.header(shared_wire::header::EDGE_KEY, key.trim());
        asked.send().await.expect("an answer").text().await.expect("a body")
    };
    let list = get("index.m3u8").await;
    let (name, _) = renditions(&list, "http://house/p/s/index.m3u8").remove(0);
    let begins = get(&format!("{name}/index.m3u8")).await;
    let offset = begins.lines().find_map(|line| attribute(line, "TIME-OFFSET"));
    let offset: f64 = offset.and_then(|text| text.parse().ok()).unwrap_or_default();
    let found = told(get("chapters.json").await.as_bytes());
    assert_eq!(found.len(), 2, "{found:?}");
    assert!((found[0].0 - offset).abs() < 0.01 && (found[0].1 - 0.5).abs() < 0.01, "{found:?}");
    assert!((found[1].0 - offset - 0.5).abs() < 0.01 && found[1].2 == "Two", "{found:?}");
    let listed = house.cli_json(&["asset", "chapters", id, "--none", "--json"]);
    assert_eq!(listed, json!({ "chapters": [], "is_set": true }));
    assert!(!get("index.m3u8").await.contains(DATA_ID));
    let listed = house.cli_json(&["asset", "chapters", id, "--undo", "--json"]);
    assert_eq!(
        (&listed["is_set"], listed["chapters"].as_array().map(Vec::len)),
        (&json!(false), Some(2))
    );
    assert!(get("index.m3u8").await.contains(DATA_ID));
}
