//! Workers that share a film, and one that is killed.

use crate::alone::{CHUNKS, expected, upload};
use crate::site::Site;

#[tokio::test]
async fn workers_share_a_film_and_make_what_one_house_makes_also_when_one_is_killed() {
    let Some(site) = Site::open(2).await else { return };
    let (mut one, two) = (site.worker(), site.worker());
    let asset = upload(&site.house);
    site.made(&asset).await.is(expected().await);
    let (by_one, by_two) = (one.jobs("chunk", "done").await, two.jobs("chunk", "done").await);
    let sounds = [one.jobs("sounds", "done").await, two.jobs("sounds", "done").await];
    println!("one made {by_one} chunks, the other {by_two}; sounds {sounds:?}");
    assert!(by_one + sounds[0] > 0 && by_two + sounds[1] > 0, "both have work");
    assert_eq!((by_one + by_two, sounds[0] + sounds[1]), (CHUNKS, 1), "each piece once");

    // Both would have a chunk of it sooner or later, but for one that is busy with the sounds while the other makes
    // all.
    two.signal("STOP");
    let asset = upload(&site.house);
    one.begins(&asset).await;
    one.kill();
    two.signal("CONT");
    site.made(&asset).await.is(expected().await);
    let begun = two.said(&["a job is begun", "chunk", &asset]).len();
    println!("the other made {begun} chunks");
    assert!(begun > 0);
    let log = two.log();
    assert!(!log.contains("S3RVER"), "a secret in a log");
}
