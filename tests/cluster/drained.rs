//! Workers that are told to stop.

use std::time::{Duration, Instant};

use crate::alone::{CHUNKS, expected, told, upload};
use crate::site::Site;

/// Longer than a film takes here: what is waited for does not come of a lease that ends.
const LEASE_S: u32 = 60;

#[tokio::test]
async fn a_worker_that_is_told_to_stop_does_what_it_has_and_gives_back_what_it_is_not_to_finish() {
    let Some(site) = Site::open(LEASE_S).await else { return };
    let mut one = site.worker();
    let asset = upload(&site.house);
    one.begins(&asset).await;
    one.signal("TERM");
    assert_eq!(one.ended().await, Some(0), "{}", one.log());
    let begun = one.said(&["a job is begun", &asset]).len();
    assert_eq!(one.said(&["a job is over", "done", &asset]).len(), begun, "{}", one.log());
    assert!(one.said(&["a job is begun", "chunk"]).len() < CHUNKS as usize, "it went on");
    assert_eq!(told(&site.house, &asset)["state"], "transcoding");

    // Told twice, it gives back at once what it has; that others need not wait for.
    let mut two = site.worker();
    two.begins(&asset).await;
    let began = Instant::now();
    two.signal("TERM");
    two.drains().await;
    two.signal("TERM");
    assert_eq!(two.ended().await, Some(0), "{}", two.log());
    let given_back = two.said(&["a job is over", "given back", &asset]);
    let three = site.worker();
    site.made(&asset).await.is(expected().await);
    println!("{} given back, ready after {:?}", given_back.len(), began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(LEASE_S.into()), "somebody waited for a lease");
    let again = three.said(&["a job is begun", &asset]);
    assert!(again.iter().all(|line| line.contains("attempt=1")), "it was not its fault: {again:?}");
}
