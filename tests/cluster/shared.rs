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
    println!("one made {by_one} chunks, the other {by_two}");
    assert!(by_one > 0 && by_two > 0, "both have work");
    assert_eq!(by_one + by_two, CHUNKS, "each piece once");

    let asset = upload(&site.house);
    one.begins(&asset).await;
    one.kill();
    site.made(&asset).await.is(expected().await);
    let begun = two.said(&["a job is begun", "chunk", &asset]).len();
    println!("the other made {begun} chunks");
    assert!(begun > 0);
    let log = two.log();
    assert!(!log.contains("S3RVER"), "a secret in a log");
}
