//! Workers: what they say of themselves, what jobs took, and whose films are left to whom.

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared_wire::api::AssetState;

use super::{FilmJobKind, FilmListed, MEDIA, planned, take};
use crate::testing::TestHouse;
use crate::{FilmSpent, FilmsDue};

const SPENT: FilmSpent = FilmSpent { cpu_ms: 900, wall_ms: 1000, bytes: 50, media_ms: 4000 };

async fn told(house: &TestHouse, path: &str) -> Value {
    let answer = house.admin("GET", path, Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json
}

/// The numbers of what can be done.
async fn due(house: &TestHouse) -> Vec<u32> {
    let FilmsDue { jobs, .. } = house.control.films_due(&MEDIA, false).await.unwrap();
    jobs.iter().map(|job| job.number).collect()
}

#[tokio::test]
async fn what_jobs_took_is_told_of_their_film_and_of_whoever_did_them() {
    let house = TestHouse::with(|config| config.host = Some("attic".to_owned())).await;
    house.control.film_worker_is_here(2, false, false).await.unwrap();
    let id = planned(&house).await;
    let statistics = format!("/v1/assets/{id}/statistics");
    let begun = told(&house, &statistics).await;
    assert_eq!((&begun["jobs_done"], &begun["jobs_left"]), (&json!(1), &json!(3)), "{begun}");
    assert!(begun["speed_percent"].is_null() && begun["begun_at"].is_i64(), "{begun}");

    let failing = take(&house, &MEDIA).await.unwrap();
    assert!(house.control.keep_film_job(&failing, 100).await.unwrap());
    let workers = told(&house, "/v1/workers").await;
    let own = &workers["workers"][0];
    assert_eq!((&own["state"], &own["host"]), (&json!("working"), &json!("attic")));
    assert_eq!((&own["hands"], &own["is_worker"]), (&json!(2), &json!(false)));
    let has = &own["jobs"][0];
    assert_eq!((&has["number"], &has["done_ms"]), (&json!(2), &json!(100)), "{workers}");

    let nothing = FilmSpent { bytes: 0, media_ms: 0, ..SPENT };
    assert!(house.control.film_job_spent(&failing, nothing).await.unwrap());
    assert!(house.control.film_job_failed(&failing, "a disk", Some(0)).await.unwrap());
    assert!(!house.control.film_job_spent(&failing, SPENT).await.unwrap(), "it has it no more");
    for _ in 0..3 {
        let job = take(&house, &MEDIA).await.unwrap();
        assert!(house.control.film_job_spent(&job, SPENT).await.unwrap());
        assert!(house.control.film_job_done(&job, "r").await.unwrap());
    }
    let list = take(&house, &[FilmJobKind::List]).await.unwrap();
    let all =
        FilmListed { results: 3, is_playable: true, is_complete: true, ..FilmListed::default() };
    assert!(house.control.film_listed(&list, all).await.unwrap());

    let made = told(&house, &statistics).await;
    for (name, number) in [
        ("source_bytes", 0),
        ("made_bytes", 150),
        ("jobs_done", 4),
        ("jobs_left", 0),
        ("jobs_dead", 0),
        ("failures", 1),
        ("cpu_ms", 3600),
        ("wall_ms", 4000),
        ("made_ms", 8000),
        ("sessions", 0),
    ] {
        assert_eq!(made[name], number, "{name}: {made}");
    }
    assert!(made["ready_at"].as_i64() >= made["begun_at"].as_i64(), "{made}");
    house.control.film_worker_is_here(2, true, false).await.unwrap();
    let own = told(&house, "/v1/workers").await["workers"][0].clone();
    for (name, number) in
        [("jobs_done", 4), ("jobs_failed", 1), ("cpu_ms", 3600), ("media_ms", 12_000)]
    {
        assert_eq!(own[name], number, "{name}: {own}");
    }
    assert_eq!((&own["state"], &own["jobs"]), (&json!("draining"), &json!([])));
    house.control.film_worker_is_over().await.unwrap();
    assert_eq!(told(&house, "/v1/workers").await["workers"][0]["state"], "ended");
    let unknown = house.admin("GET", "/v1/assets/0123456789abcdef/statistics", Value::Null).await;
    assert_eq!(unknown.code(), "asset_unknown");
}

#[tokio::test]
async fn sessions_of_a_film_are_told() {
    let house = TestHouse::open().await;
    let id = planned(&house).await;
    let show = house.control.film(id).await.unwrap().show.to_string();
    let ticket = house.ticket(&show, json!({})).await;
    let swapped = ticket["ticket"].as_str().unwrap();
    let played = house.play_on(&show, swapped, "VLC/3.0", &Value::Null).await;
    assert_eq!(played.status, StatusCode::OK, "{played:?}");
    let statistics = told(&house, &format!("/v1/assets/{id}/statistics")).await;
    assert_eq!((&statistics["sessions"], &statistics["sessions_active"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn what_one_encoder_has_begun_another_leaves_alone_and_says_so() {
    let house = TestHouse::with(|config| config.encoder = Some("old".to_owned())).await;
    let id = planned(&house).await;
    assert_eq!(due(&house).await, [2, 3, 4]);
    let seen = house.control.films_due(&MEDIA, false).await.unwrap();
    let job = take(&house, &MEDIA).await.unwrap();
    assert!(house.control.film_job_done(&job, "r").await.unwrap());
    house.control.film_worker_is_here(1, false, false).await.unwrap();
    let asset = house.control.asset(id).await.unwrap();
    assert_eq!((asset.state, asset.reason), (AssetState::Transcoding, None));
    house.control.film_worker_is_over().await.unwrap();

    let house = house.restart_with(|config| config.encoder = Some("new".to_owned())).await;
    assert_eq!(due(&house).await, [0; 0], "it is not this encoder's");
    assert_eq!(house.control.claim_film_job(&seen.jobs[1]).await.unwrap(), None, "nor by force");
    let list = take(&house, &[FilmJobKind::List]).await;
    assert!(list.is_some(), "what encodes nothing, anybody does");
    let left = house.control.film_worker_is_here(1, false, false).await.unwrap();
    let left: Vec<_> = left.iter().map(|one| (one.asset, one.encoder.as_str(), one.jobs)).collect();
    assert_eq!(left, [(id, "old", 2)]);
    let own = told(&house, "/v1/workers").await["workers"][0].clone();
    let seen = (&own["encoder"], &own["other_encoder"], &own["other_jobs"]);
    assert_eq!(seen, (&json!("new"), &json!("old"), &json!(2)), "{own}");
    let reason = house.control.asset(id).await.unwrap().reason.unwrap();
    assert!(reason.starts_with("it was begun with old, and no worker that is at work"), "{reason}");
    // Another film is anybody's.
    let other = planned(&house).await;
    let job = take(&house, &MEDIA).await.unwrap();
    assert_eq!((job.asset, job.number), (other, 2));

    for action in ["cancel", "transcode"] {
        let done = house.admin("POST", &format!("/v1/assets/{id}/{action}"), Value::Null).await;
        assert_eq!(done.status, StatusCode::OK, "{done:?}");
    }
    assert_eq!(house.control.asset(id).await.unwrap().reason, None);
    let job = take(&house, &MEDIA).await.unwrap();
    assert_eq!((job.asset, job.number), (id, 3), "what was made is kept, the rest is this one's");
    let statistics = told(&house, &format!("/v1/assets/{id}/statistics")).await;
    assert_eq!(statistics["encoder"], "new");
}
