//! What a house makes of a film alone: what all others are compared with.
//!
//! In: a film. Out: its objects, and its playlists as its origin answers them. Does not know workers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use reqwest::Client;
use serde_json::Value;
use tests::House;
use tokio::sync::OnceCell;

use crate::{LOOK_EVERY, WAIT_MAX};

/// Pieces of four seconds, but for the first, of two.
pub(crate) const CHUNK_S: &str = "4";
/// How many chunks its pictures have.
pub(crate) const CHUNKS: u64 = 7;

/// Each house makes it by itself, as it does playlists.
const STORYBOARD: &str = "storyboard.vtt";

/// Objects by their names below the show.
pub(crate) type Objects = BTreeMap<String, Vec<u8>>;

/// What was made of the film.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) media: Objects,
    /// Without what the moment of the upload decides.
    pub(crate) playlists: BTreeMap<String, String>,
}

impl Made {
    /// Says what is another than it is to be, without all its bytes.
    pub(crate) fn is(&self, expected: &Self) {
        let names = |all: &Objects| all.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&self.media), names(&expected.media));
        for (name, bytes) in &expected.media {
            let found = &self.media[name];
            assert!(found == bytes, "{name} is another");
        }
        assert_eq!(self.playlists, expected.playlists);
        assert!(self.media.len() > 32 && self.playlists.len() > 3, "{:?}", names(&self.media));
    }
}

/// Makes the film: 32 seconds, a keyframe every two; small, for it is made many times.
pub(crate) fn film(folder: &Path) -> PathBuf {
    let path = folder.join("film.mkv");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i"])
        .arg("testsrc2=size=240x136:rate=10:duration=32")
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=32"])
        .args(["-c:v", "mpeg4", "-q:v", "3", "-g", "20", "-bf", "2", "-c:a", "ac3"])
        .arg(&path)
        .status();
    assert!(made.expect("ffmpeg runs").success());
    path
}

/// Uploads the film; its asset.
pub(crate) fn upload(house: &House) -> String {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = film(folder.path());
    let made = house.cli_json(&["asset", "upload", file.to_str().expect("a path"), "--json"]);
    made["asset"].as_str().expect("an id").to_owned()
}

/// What a house says of an asset.
pub(crate) fn told(house: &House, asset: &str) -> Value {
    house.cli_json(&["asset", "show", asset, "--json"])
}

/// The show of an asset that is ready.
pub(crate) async fn ready(house: &House, asset: &str) -> String {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let told = told(house, asset);
        let state = told["state"].as_str().expect("a state").to_owned();
        match state.as_str() {
            "ready" => return told["show"].as_str().expect("a show").to_owned(),
            "failed" | "refused" => panic!("{told}\n{}", house.log_tail()),
            _ => assert!(Instant::now() < deadline, "{told}\n{}", house.log_tail()),
        }
        tokio::time::sleep(LOOK_EVERY * 5).await;
    }
}

/// What a house's origin lists of a show: its storyboard, and from the multivariant playlist on.
pub(crate) async fn playlists(house: &House, show: &str) -> BTreeMap<String, String> {
    let key = std::fs::read_to_string(house.data().join("keys/edge.key")).expect("a key");
    let client = Client::builder().no_proxy().build().expect("a client");
    let (mut found, mut left) =
        (BTreeMap::new(), vec!["index.m3u8".to_owned(), STORYBOARD.to_owned()]);
    while let Some(name) = left.pop() {
        let url = format!("{}/o/{show}/{name}", house.api);
        let asked = client.get(url).header(shared_wire::header::EDGE_KEY, key.trim());
        let answer = asked.send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{name}");
        let text = answer.text().await.expect("text");
        if name == "index.m3u8" {
            let in_quotes = text.split('"').skip(1).step_by(2);
            let listed = in_quotes.chain(text.lines()).filter(|name| name.ends_with(".m3u8"));
            left.extend(listed.map(str::to_owned));
        } else if name != STORYBOARD {
            assert!(text.ends_with("#EXT-X-ENDLIST\n"), "{name}: {text}");
        }
        let is_of_day = |line: &&str| {
            let moments = ["#EXT-X-PROGRAM-DATE-TIME", "matinee.anchor", "NOTE start_us="];
            moments.iter().any(|moment| line.contains(moment))
        };
        let lines: Vec<&str> = text.lines().filter(|line| !is_of_day(line)).collect();
        found.insert(name, lines.join("\n"));
    }
    found
}

/// Objects below a folder; a house's own playlists are asked for.
fn walk(folder: &Path, below: &str, found: &mut Objects) {
    for entry in std::fs::read_dir(folder).expect("a directory").flatten() {
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            walk(&entry.path(), &format!("{name}/"), found);
        } else if !name.ends_with(".m3u8") && name != STORYBOARD {
            found.insert(name, std::fs::read(entry.path()).expect("readable"));
        }
    }
}

/// What stands on a house's disk of a show, and what it lists.
pub(crate) async fn on_disk(house: &House, show: &str) -> Made {
    let mut media = Objects::new();
    walk(&house.data().join("objects").join(show), "", &mut media);
    Made { media, playlists: playlists(house, show).await }
}

/// What a house makes of the film that is alone, nothing in its way.
pub(crate) async fn expected() -> &'static Made {
    static MADE: OnceCell<Made> = OnceCell::const_new();
    let make = || async {
        let house = House::start(&["--chunk-s", CHUNK_S]);
        let asset = upload(&house);
        let show = ready(&house, &asset).await;
        on_disk(&house, &show).await
    };
    MADE.get_or_init(make).await
}
