//! Other people's clients: tus-js-client, which Uppy speaks through, and tuspy.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tests::House;

use crate::looked_into::{PICTURES, make};
use crate::{Tus, name, shared};

pub(crate) fn beside(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A film of some chunks: noise, which no codec makes small.
pub(crate) fn film(folder: &Path) -> PathBuf {
    let noise = ["-t", "1.5", "-vf", "noise=alls=100:allf=t", "-c:v", "mpeg4", "-q:v", "2"];
    let film = make(folder, "film.mkv", &[&PICTURES[..], &noise].concat());
    let bytes = std::fs::metadata(&film).expect("a film").len();
    assert!(bytes > 3 << 20, "{bytes} bytes are too few for several chunks");
    film
}

/// Runs a client, which prints the upload's address; the file must arrive as it is.
async fn arrives(house: &House, program: &Path, script: &Path, arguments: &[&str]) {
    let folder = tempfile::tempdir().expect("a directory");
    let film = film(folder.path());
    let tus = Tus::to(house);
    let output = Command::new(program)
        .arg(script)
        .args([&format!("{}/v1/tus", house.api), &tus.token])
        .arg(&film)
        .args(arguments)
        .output()
        .expect("the client runs");
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let asset = name(said.lines().last().expect("an address"));
    let told = tus.looked_into(asset).await;
    assert_eq!((&told["state"], &told["file_name"]), (&json!("uploaded"), &json!("film.mkv")));
    let there = std::fs::read(house.data().join("uploads").join(asset).join("file"));
    assert!(there.expect("a file") == std::fs::read(&film).expect("a film"), "it is another one");
}

#[tokio::test]
async fn tus_js_client_pauses_and_goes_on() {
    let (house, script) = (shared(), beside("browser/upload.mjs"));
    arrives(&house, Path::new("node"), &script, &["resume"]).await;
}

#[tokio::test]
async fn tus_js_client_uploads_parts_and_what_has_no_length_yet() {
    let (house, script) = (shared(), beside("browser/upload.mjs"));
    for what in ["parallel", "deferred"] {
        arrives(&house, Path::new("node"), &script, &[what]).await;
    }
}

#[tokio::test]
async fn tuspy_goes_on_with_checksums() {
    let cache = std::env::var_os("MATINEE_TOOLS").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        home.map(|home| home.join(".cache/matinee/tools"))
    });
    let python = cache.unwrap_or_default().join("tuspy/bin/python");
    if !python.is_file() {
        println!("left out: tuspy is not installed; scripts/setup.sh test installs it");
        return;
    }
    let house = shared();
    arrives(&house, &python, &beside("upload/tuspy.py"), &[]).await;
}
