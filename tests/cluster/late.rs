//! Workers that are given up for gone and come back: what they bring is too late.

use std::time::Duration;

use crate::alone::{expected, told, upload};
use crate::line::Line;
use crate::site::Site;

/// For how long nothing may come of a worker that is too late.
const QUIET: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_worker_that_stood_still_for_longer_than_its_lease_changes_nothing() {
    let Some(site) = Site::open(2).await else { return };
    let (late, mut asset) = (site.worker(), upload(&site.house));
    late.stands_still(&asset).await;
    let mut other = site.worker();
    let before = site.made(&asset).await;
    before.is(expected().await);
    late.signal("CONT");
    late.says(&["a job is over", "chunk", "lost", &asset]).await;
    assert!(late.jobs("chunk", "lost").await > 0);
    tokio::time::sleep(QUIET).await;
    assert_eq!(told(&site.house, &asset)["state"], "ready");
    site.made(&asset).await.is(&before);

    // The same, of a film that is deleted meanwhile.
    other.signal("TERM");
    assert_eq!(other.ended().await, Some(0), "{}", other.log());
    asset = upload(&site.house);
    late.begins(&asset).await;
    let show = told(&site.house, &asset)["show"].as_str().expect("a show").to_owned();
    site.has(&show).await;
    late.stands_still(&asset).await;
    let _ = site.house.cli_json(&["asset", "delete", &asset, "--json"]);
    site.loses(&show, Duration::ZERO).await;
    late.signal("CONT");
    late.says(&["a job is over", "lost", &asset]).await;
    late.says(&["what was made of a film that is deleted is gone", &asset]).await;
    site.loses(&show, QUIET).await;
}

// The line is there for whoever starts while this thread waits for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_worker_that_is_cut_off_from_the_database_lets_go_and_works_on_when_it_is_back() {
    let Some(site) = Site::open(2).await else { return };
    let url = site.postgres.url();
    let line = Line::to(&url).await;
    let cut_off = site.worker_by(&line.url(&url));
    let asset = upload(&site.house);
    cut_off.begins(&asset).await;
    line.cut();
    let mut other = site.worker();
    site.made(&asset).await.is(expected().await);
    cut_off.says(&["a job is over", "chunk", &asset]).await;
    let unheard = cut_off.jobs("chunk", "lost").await + cut_off.jobs("chunk", "unknown").await;
    assert_eq!(unheard, 1, "{}", cut_off.log());
    other.signal("TERM");
    assert_eq!(other.ended().await, Some(0), "{}", other.log());
    line.mend();
    let asset = upload(&site.house);
    site.made(&asset).await.is(expected().await);
    assert!(cut_off.jobs("chunk", "done").await > 0);
}
