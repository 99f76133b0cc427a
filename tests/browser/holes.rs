//! A publisher whose machine leaves out pictures, wherever parts end.
//!
//! In: the test pattern with holes of some frames. Out: whether the picture goes on behind each. Does not know parts.

use serde_json::json;
use tests::House;

use crate::{JOIN_MAX, NOTICE_MAX, Viewer, alone, publish_with};

/// When pictures are missing and for how long, in seconds: at the ends of parts of a third of a second, within them,
/// and at a keyframe.
const HOLES: [(f64, f64); 6] =
    [(8.333, 0.1), (10.667, 0.2), (13.333, 0.3), (15.5, 0.2), (17.9, 0.3), (20.333, 0.034)];

#[test]
fn missing_pictures_do_not_stop_the_others() {
    let _alone = alone();
    let house = House::start(&[]);
    let show = house.show("A slow machine");
    let faults =
        HOLES.iter().flat_map(|(at, lasts)| ["--fault".to_owned(), format!("drop:{at}:{lasts}")]);
    let _publisher = publish_with(&show, &faults.collect::<Vec<_>>());
    let mut viewer = Viewer::open(&house.ticket(&show.id).watch_url);
    viewer.until_state("live", JOIN_MAX);
    viewer.until_moving(NOTICE_MAX);
    let measured = viewer.ask(&json!({ "do": "measure", "seconds": 22 }));
    let frames = (&measured["frames"], &measured["gapMsMax"], &measured["stalls"]);
    println!("frames, longest gap in ms, stalls: {frames:?}");
    if measured["stalls"] != 0 {
        println!("--- what the player said last ---\n{}", viewer.log());
    }
    assert_eq!(measured["stalls"], 0, "the picture stood still");
    let played = measured["played"].as_f64().unwrap_or_default();
    assert!((21.0..25.0).contains(&played), "22 s of watching showed {played} s");
    // They were there: a picture stood as long as the longest hole.
    assert!(measured["gapMsMax"].as_f64() > Some(250.0), "nothing was missing: {measured}");
    viewer.assert_clean();
}
