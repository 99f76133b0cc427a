//! The deny list is followed, not looked up.

use std::time::{Duration, Instant};

use tests::ticket;

use crate::edge::{self, Running};
use crate::origin::{Origin, Say};
use crate::viewer::get;

/// How long a picture may go on after its ticket was revoked.
const STOPPED_MAX: Duration = Duration::from_secs(2);

/// Viewers, each with a ticket and a segment to watch.
async fn scene(origin: &Origin, count: usize) -> (Running, Vec<(String, String)>) {
    let show = ticket::fresh_show();
    let path = format!("/o/{show}/720p/e1/s1.m4s");
    let say = Say::body("segment").with("cache-control", "public, max-age=31536000, immutable");
    origin.on(&path, [say.with("content-type", "video/mp4")]);
    let edge = edge::start(edge::config(&[origin])).await;
    let viewers = (0..count).map(|_| {
        let claims = ticket::claims(show);
        let target = format!("/p/{}/720p/e1/s1.m4s", ticket::sealed(&claims));
        (claims.ticket.to_string(), target)
    });
    (edge, viewers.collect())
}

async fn stopped(edge: &Running, target: &str) -> Duration {
    let start = Instant::now();
    while get(edge.address, target).await.status == 200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_stops_within_two_seconds_of_its_revocation() {
    let origin = Origin::start().await;
    let (edge, viewers) = scene(&origin, 20).await;
    let (mut times, mut denied) = (Vec::new(), Vec::new());
    for (ticket, target) in &viewers {
        assert_eq!(get(edge.address, target).await.status, 200);
        denied.push(ticket.clone());
        origin.deny(&denied);
        times.push(stopped(&edge, target).await);
    }
    times.sort();
    let (middle, last) = (times[times.len() / 2], times[times.len() - 1]);
    println!("revocation to refusal: median {middle:?}, longest of 20 {last:?}");
    assert!(last < STOPPED_MAX, "{last:?}");
    let asked = origin.seen("/edge/denied").len();
    assert!(asked <= viewers.len() + 5, "{asked} questions for {} news", viewers.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_does_not_hold_its_answer_is_asked_once_a_second() {
    let origin = Origin::old().await;
    let (edge, viewers) = scene(&origin, 1).await;
    let (ticket, target) = &viewers[0];
    assert_eq!(get(edge.address, target).await.status, 200);
    let (start, before) = (Instant::now(), origin.seen("/edge/denied").len());
    tokio::time::sleep(Duration::from_secs(3)).await;
    let asked = origin.seen("/edge/denied").len() - before;
    assert!((2..=4).contains(&asked), "{asked} times in {:?}", start.elapsed());
    origin.deny(std::slice::from_ref(ticket));
    let time = stopped(&edge, target).await;
    assert!(time < STOPPED_MAX, "{time:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_stay_in_and_the_denied_stay_out_while_the_origin_is_away() {
    let origin = Origin::start().await;
    let (edge, viewers) = scene(&origin, 2).await;
    assert_eq!(get(edge.address, &viewers[0].1).await.status, 200);
    origin.deny(&[viewers[1].0.clone()]);
    stopped(&edge, &viewers[1].1).await;
    origin.vanish().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(get(edge.address, &viewers[0].1).await.status, 200);
    assert_eq!(get(edge.address, &viewers[1].1).await.status, 403);
    let back = Origin::back_at(origin.address).await;
    // Its list is of a later version, and without anybody on it.
    for _ in 0..5 {
        back.deny(&[]);
    }
    let start = Instant::now();
    while get(edge.address, &viewers[1].1).await.status != 200 {
        assert!(start.elapsed() < Duration::from_secs(10), "followed again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
