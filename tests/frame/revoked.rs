//! A ticket that is revoked while it is watched with: everything below it stops.

use std::time::{Duration, Instant};

use reqwest::Client;
use tests::viewer::{fetch, renditions};
use tests::{House, Publisher};

use crate::clip::Clip;
use crate::on_air;

/// How long an edge may go on after a ticket was revoked.
const STOP_MAX: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_revoked_ticket_stops_its_sessions_and_no_others() {
    let house = House::start(&[]);
    let show = house.show("Revoked");
    let (revoked, kept) = (house.ticket(&show.id), house.ticket(&show.id));
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 20, height: 360, gop: 30, b_frames: 0 }.make(&file);
    let _publisher = Publisher::of_file(&file, &show.rtmp);
    let client = Client::new();
    let text = on_air(&client, &revoked.playlist_url).await;
    let (_, session) = renditions(&text, &revoked.playlist_url).swap_remove(0);
    assert_eq!(fetch(&client, &session).await.status, 200);

    let output = house.cli(&["ticket", "revoke", &revoked.ticket]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let since = Instant::now();
    let last = loop {
        let fetched = fetch(&client, &session).await;
        if fetched.status != 200 {
            break fetched;
        }
        assert!(since.elapsed() < STOP_MAX, "the session still plays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    println!("stopped after {:?}", since.elapsed());
    assert_eq!((last.status, last.code().as_str()), (403, "revoked"));
    let again = fetch(&client, &revoked.playlist_url).await;
    assert_eq!((again.status, again.code().as_str()), (403, "revoked"));
    assert_eq!(fetch(&client, &kept.playlist_url).await.status, 200, "another ticket plays on");
}
