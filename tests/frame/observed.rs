//! What an operator sees of a live show: metrics, request ids, logs, probes.

use std::time::Duration;

use reqwest::Client;
use tests::viewer::{fetch, read, renditions};
use tests::{House, Publisher};

use crate::clip::Clip;
use crate::on_air;

/// What `/metrics` must tell of a house with one show and one viewer.
const METRICS: [&str; 11] = [
    "matinee_shows_live 1",
    "matinee_ingest_bytes_total",
    "matinee_ingest_frames_total",
    "matinee_ingest_publishers 1",
    "matinee_part_publish_delay_seconds_bucket",
    "matinee_playlist_blocked",
    "matinee_edge_cache_requests_total{result=\"hit\"}",
    "matinee_edge_cache_requests_total{result=\"miss\"}",
    "matinee_edge_cache_requests_total{result=\"collapsed\"}",
    "matinee_edge_sessions_active 1",
    "matinee_edge_denials_total{reason=\"session_malformed\"}",
];

#[tokio::test]
async fn an_operator_can_see_and_follow_what_happens() {
    let house = House::start(&["--log", "json"]);
    let show = house.show("Observed");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 30, height: 360, gop: 30, b_frames: 0 }.make(&file);
    let _publisher = Publisher::of_file(&file, &show.rtmp);
    let client = Client::new();
    let text = on_air(&client, &ticket.playlist_url).await;
    for (_, url) in renditions(&text, &ticket.playlist_url) {
        // Two viewers wait for the same part: one of them collapses onto the other.
        let reload = next_part(&client, &url).await;
        let (one, two) = tokio::join!(fetch(&client, &reload), fetch(&client, &reload));
        assert_eq!((one.status, two.status), (200, 200));
        assert_eq!(fetch(&client, &reload).await.status, 200);
    }
    let denied = fetch(&client, &format!("{}/p/AAAA/source/index.m3u8", house.edge)).await;
    assert_eq!(denied.code(), "session_malformed");
    // The gauge of sessions is set each second.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let metrics = fetch(&client, &format!("{}/metrics", house.api)).await.text();
    for metric in METRICS {
        assert!(metrics.contains(metric), "{metric} in:\n{metrics}");
    }
    for probe in ["healthz", "readyz"] {
        assert_eq!(fetch(&client, &format!("{}/{probe}", house.api)).await.status, 200, "{probe}");
    }

    let named = client
        .get(format!("{}/v1/shows/0000000000000000/state", house.edge))
        .header("x-request-id", "follow-me.1")
        .send()
        .await
        .expect("an answer");
    let named = read(named).await;
    assert!(named.text().contains("\"request_id\":\"follow-me.1\""), "{}", named.text());
    assert_eq!(named.headers["x-request-id"], "follow-me.1");
    let log = house.log();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect();
    assert!(lines.iter().any(|line| line["request_id"] == "follow-me.1"), "{log}");
    for secret in [&show.stream_key, &ticket.ticket] {
        assert!(!log.contains(secret.as_str()), "no secret in the log");
    }
}

/// The address that waits for the part after the newest.
async fn next_part(client: &Client, url: &str) -> String {
    let list = tests::viewer::Playlist::parse(&fetch(client, url).await.text(), url);
    let msn = list.media_sequence + list.segments.len() as u64;
    format!("{url}?_HLS_msn={msn}&_HLS_part={}", list.open_parts.len())
}
