//! How long a film is kept: it goes by itself, with all that there is of it, unless somebody says that it stays.

use std::time::Instant;

use reqwest::Method;
use tests::House;

use crate::looked_into::make;
use crate::transcoded::{FLAGS, MADE_MAX, ready, text, upload};
use crate::{LOOK_EVERY, Tus};

#[tokio::test]
async fn a_film_goes_when_it_was_kept_long_enough() {
    let (house, folder) = (House::start(&FLAGS), tempfile::tempdir().expect("a directory"));
    let pictures = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=3"];
    let arguments = [&pictures[..], &["-pix_fmt", "yuv420p", "-c:v", "mpeg4"]].concat();
    let film = make(folder.path(), "film.mkv", &arguments);
    let (goes, stays) = (upload(&house, &film), upload(&house, &film));
    let show = text(&ready(&house, &goes).await, "show");
    let other = text(&ready(&house, &stays).await, "show");
    let objects = house.data().join("objects");
    assert!(objects.join(&show).is_dir() && objects.join(&other).is_dir());
    let told = house.cli_json(&["asset", "keep", &stays, "--forever", "--json"]);
    assert_eq!(
        (told["retention"]["forever"].as_bool(), told.get("deleted_at")),
        (Some(true), None)
    );
    let told = house.cli_json(&["asset", "keep", &goes, "--for", "1s", "--json"]);
    assert!(told["deleted_at"].as_i64().is_some(), "{told}");

    let (tus, deadline) = (Tus::to(&house), Instant::now() + MADE_MAX);
    let path = format!("/v1/assets/{goes}");
    while tus.ask(Method::GET, &path).send().await.expect("an answer").status() != 404 {
        assert!(Instant::now() < deadline, "it is still there: {}", house.log_tail());
        tokio::time::sleep(LOOK_EVERY).await;
    }
    assert!(!objects.join(&show).exists(), "its objects are gone with it");
    let uploads = house.data().join("uploads");
    assert!(!uploads.join(&goes).exists() && uploads.join(&stays).exists(), "and its file");
    assert!(house.log().contains("kept long enough"), "{}", house.log_tail());
    assert!(objects.join(&other).is_dir(), "the other stays");
}
