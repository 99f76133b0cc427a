//! Shows that a machine has not the processor time for: fewer rungs, or a refusal that says why, as the house is set.

use reqwest::Client;
use serde_json::json;
use tests::viewer::{fetch, renditions};
use tests::{House, Publisher};

use crate::clip::Clip;
use crate::on_air;

const CLIP: Clip = Clip { seconds: 8, height: 480, gop: 30, b_frames: 0 };

#[tokio::test]
async fn a_show_that_does_not_fit_gets_fewer_rungs() {
    let house = House::start(&["--encode-cpus", "0.15", "--ladder", "160p"]);
    let show = house.show("Too much");
    // The show's own rungs count before those of the house.
    let set = ["show", "set", &show.id, "--ladder", "360p,240p@300k,160p", "--json"];
    let changed = house.cli_json(&set);
    assert_eq!(changed["broadcast"]["ladder"][1], json!({ "height": 240, "bit_rate": 300_000 }));
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    CLIP.make(&file);
    let client = Client::new();
    let _publisher = Publisher::of_file(&file, &show.rtmp);
    let text = on_air(&client, &ticket.playlist_url).await;
    let names: Vec<String> =
        renditions(&text, &ticket.playlist_url).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["audio", "source", "240p", "160p"], "{text}");
    let metrics = fetch(&client, &format!("{}/metrics", house.api)).await.text();
    assert!(metrics.contains("matinee_ladder_left_out_rungs_total 1"), "{metrics}");
    assert!(house.log().contains("the show gets fewer rungs"), "{}", house.log());
}

#[tokio::test]
async fn a_show_that_does_not_fit_is_refused_where_the_house_says_so() {
    let house = House::start(&["--encode-cpus", "0.15", "--no-room", "refuse"]);
    let show = house.show("Too much");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    CLIP.make(&file);
    let (well, said) = Publisher::of_file(&file, &show.rtmp).finish();
    assert!(!well, "there is no room for it: {said}");
    assert!(house.log().contains("no room to encode this show"), "{}", house.log());
    let client = Client::new();
    let metrics = fetch(&client, &format!("{}/metrics", house.api)).await.text();
    assert!(metrics.contains("no_room"), "{metrics}");
}
