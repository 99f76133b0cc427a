//! Which job is next, what people are told of jobs, and what they may do about them.

use super::*;

async fn change(house: &TestHouse, id: AssetId, priority: &str) {
    let path = format!("/v1/assets/{id}");
    let changed = house.admin("PATCH", &path, json!({ "priority": priority })).await;
    assert_eq!(field(&changed.json, "priority"), priority, "{changed:?}");
}

async fn next(house: &TestHouse) -> FilmLease {
    take(house, &MEDIA).await.expect("there is more to do")
}

async fn get(house: &TestHouse, path: &str) -> serde_json::Value {
    let answer = house.admin("GET", path, json!(null)).await;
    assert!(answer.status.is_success(), "{path}: {answer:?}");
    answer.json
}

#[tokio::test]
async fn a_higher_priority_goes_first_and_can_be_given_while_a_film_waits() {
    let house = TestHouse::open().await;
    let (normal, bulk) = (planned(&house).await, planned(&house).await);
    change(&house, bulk, "bulk").await;
    let urgent = planned(&house).await;
    change(&house, urgent, "urgent").await;
    let mut order = Vec::new();
    for _ in 0..4 {
        order.push(next(&house).await);
    }
    let numbers: Vec<_> = order.iter().map(|job| (job.asset, job.number)).collect();
    assert_eq!(numbers, [(urgent, 2), (urgent, 3), (urgent, 4), (normal, 2)]);
    let waiting = house.control.film_jobs_waiting().await.unwrap();
    let of = |priority| {
        let own = waiting.iter().filter(|one: &&FilmsWaiting| one.priority == priority);
        own.filter(|one| one.kind == FilmJobKind::Chunk).map(|one| one.jobs).sum::<u64>()
    };
    assert_eq!(Priority::ALL.map(of), [0, 2, 2]);
    change(&house, bulk, "urgent").await;
    let job = next(&house).await;
    assert_eq!((job.asset, job.number), (bulk, 2));
    let path = format!("/v1/assets/{bulk}");
    let odd = house.admin("PATCH", &path, json!({ "priority": "high" })).await;
    assert_eq!(odd.code(), "body_malformed");
}

#[tokio::test]
async fn a_short_film_does_not_wait_for_all_of_a_long_one() {
    let house = TestHouse::open().await;
    let long = planned_of(&house, &pieces(50)).await;
    for number in [2, 3] {
        let job = next(&house).await;
        assert_eq!((job.asset, job.number), (long, number));
        assert!(house.control.film_job_done(&job, "r").await.unwrap());
    }
    let short = planned(&house).await;
    // One at a time: by turns.
    for (asset, number) in [(short, 2), (long, 4), (short, 3), (long, 5)] {
        let job = next(&house).await;
        assert_eq!((job.asset, job.number), (asset, number));
        assert!(house.control.film_job_done(&job, "r").await.unwrap());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // Many at a time: whoever has fewer.
    let (one, two, three) = (next(&house).await, next(&house).await, next(&house).await);
    assert_eq!([one.asset, two.asset, three.asset], [short, long, long]);
    assert!(house.control.film_job_done(&one, "r").await.unwrap());
    assert!(house.control.film_job_done(&three, "r").await.unwrap());
    assert_eq!(next(&house).await.asset, long);
}

#[tokio::test]
async fn what_was_passed_over_for_long_has_one_piece_made() {
    let wait = Duration::from_secs(1);
    let house = TestHouse::with(|config| config.films_passed_over_max = wait).await;
    let bulk = planned_of(&house, &pieces(9)).await;
    change(&house, bulk, "bulk").await;
    let urgent = planned_of(&house, &pieces(9)).await;
    change(&house, urgent, "urgent").await;
    assert_eq!(next(&house).await.asset, urgent);
    for _ in 0..2 {
        tokio::time::sleep(wait + Duration::from_millis(50)).await;
        // Both have waited for so long; it is the turn of whoever was served before the other.
        assert_eq!(next(&house).await.asset, bulk);
        assert_eq!(next(&house).await.asset, urgent);
    }
}

#[tokio::test]
async fn what_was_only_looked_through_goes_first_and_sounds_take_no_turn_of_pictures() {
    let house = TestHouse::open().await;
    let first = planned(&house).await;
    let job = next(&house).await;
    assert_eq!((job.asset, job.kind), (first, FilmJobKind::Sounds));
    let chunk = || async {
        let job = take(&house, &[FilmJobKind::Index, FilmJobKind::Chunk]).await.unwrap();
        assert!(house.control.film_job_done(&job, "r").await.unwrap());
        tokio::time::sleep(Duration::from_millis(2)).await;
        job.asset
    };
    assert_eq!(chunk().await, first);
    let second = planned(&house).await;
    assert_eq!(chunk().await, second, "nothing of it can be seen yet");
    assert_eq!(chunk().await, first, "its sounds are made all the while");
    assert_eq!(chunk().await, second);
}

#[tokio::test]
async fn a_job_that_failed_waits_by_the_clock_of_the_database() {
    let house = TestHouse::open().await;
    let id = planned(&house).await;
    let job = next(&house).await;
    assert!(house.control.film_job_failed(&job, "the disk is full", Some(2_000)).await.unwrap());
    let told = get(&house, &format!("/v1/assets/{id}/jobs")).await["jobs"][2].clone();
    assert_eq!((&told["state"], &told["attempts"]), (&json!("waiting"), &json!(1)));
    assert_eq!(told["reason"], "the disk is full");
    assert!(told["again_at"].as_i64() >= told["failed_at"].as_i64(), "{told}");
    let others = [next(&house).await.number, next(&house).await.number];
    assert_eq!((others, take(&house, &MEDIA).await), ([3, 4], None), "it waits");
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(next(&house).await.number, job.number);
}

#[tokio::test]
async fn what_was_given_up_is_listed_with_the_reason_until_it_is_tried_again() {
    let house = TestHouse::open().await;
    let mut ids = Vec::new();
    for reason in ["first", "second"] {
        let id = planned(&house).await;
        let (sounds, chunk) = (next(&house).await, next(&house).await);
        assert!(house.control.film_job_done(&sounds, "r").await.unwrap());
        assert!(house.control.film_job_failed(&chunk, reason, None).await.unwrap());
        ids.push(id);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let all = get(&house, "/v1/failed-jobs").await;
    let [last, first] = &all["jobs"].as_array().unwrap()[..] else { panic!("{all}") };
    assert_eq!((&first["reason"], &last["reason"]), (&json!("first"), &json!("second")));
    let expected = json!({
        "asset": ids[1], "number": 3, "kind": "chunk", "state": "dead", "attempts": 1,
        "from_ms": 0, "length_ms": 4000, "done_ms": 0, "reason": "second",
        "node": last["node"], "failed_at": last["failed_at"]
    });
    assert_eq!(last, &expected);
    assert!(field(last, "node").len() > 2 && !field(last, "node").contains('/'), "{last}");
    let page = get(&house, "/v1/failed-jobs?limit=1").await;
    assert_eq!(page["jobs"][0], *last);
    let rest = format!("/v1/failed-jobs?limit=1&cursor={}", field(&page, "next"));
    let rest = get(&house, &rest).await;
    assert_eq!(rest, json!({ "jobs": [first] }));
    for odd in ["cursor=x", "cursor=1-2-3", "limit=0"] {
        let odd = house.admin("GET", &format!("/v1/failed-jobs?{odd}"), json!(null)).await;
        assert_eq!(odd.code(), "field_invalid");
    }
    for id in ids {
        house.admin("POST", &format!("/v1/assets/{id}/transcode"), json!(null)).await;
    }
    assert_eq!(get(&house, "/v1/failed-jobs").await, json!({ "jobs": [] }));
}

#[tokio::test]
async fn a_film_that_is_cancelled_is_made_no_further_until_it_is_begun_again() {
    let house = TestHouse::open().await;
    let id = planned(&house).await;
    let (done, going) = (next(&house).await, next(&house).await);
    assert!(house.control.film_job_done(&done, "kept").await.unwrap());
    let [cancel, again] = ["cancel", "transcode"].map(|what| format!("/v1/assets/{id}/{what}"));
    let told = house.admin("POST", &cancel, json!(null)).await;
    assert_eq!((field(&told.json, "state"), &told.json["left_s"]), ("cancelled", &json!(null)));
    assert!(
        !house
            .control
            .show_state(told.json["show"].as_str().unwrap().parse().unwrap())
            .unwrap()
            .is_growing
    );
    assert!(!house.control.keep_film_job(&going, 1).await.unwrap(), "whoever has it stops");
    assert!(!house.control.film_job_done(&going, "late").await.unwrap());
    house.control.give_film_job_back(&going).await.unwrap();
    assert_eq!(take(&house, &FilmJobKind::ALL).await, None);
    assert_eq!(house.admin("POST", &cancel, json!(null)).await.code(), "asset_not_transcoding");

    let told = house.admin("POST", &again, json!(null)).await;
    assert_eq!(field(&told.json, "state"), "transcoding");
    let job = next(&house).await;
    assert_eq!((job.number, job.attempts), (going.number, 1));
    assert!(job.fence > going.fence + 1, "nobody has the fence of who was stopped");
    assert_eq!(house.control.film_results(id).await.unwrap(), [(2, "kept".to_owned())]);
    let none = house.admin("POST", "/v1/assets/0123456789abcdef/cancel", json!(null)).await;
    assert_eq!(none.code(), "asset_unknown");
}

#[tokio::test]
async fn what_was_not_begun_is_cancelled_too() {
    let house = TestHouse::open().await;
    let id = uploaded(&house).await;
    let path = format!("/v1/assets/{id}");
    let told = house.admin("POST", &format!("{path}/cancel"), json!(null)).await;
    assert_eq!(field(&told.json, "state"), "cancelled");
    assert_eq!(house.control.begin_films().await, Ok(0));
    assert_eq!(get(&house, &format!("{path}/jobs")).await, json!({ "jobs": [] }));
    let told = house.admin("POST", &format!("{path}/transcode"), json!(null)).await;
    assert_eq!(field(&told.json, "state"), "uploaded");
    assert_eq!(house.control.begin_films().await, Ok(1));
}

#[tokio::test]
async fn it_is_told_how_far_each_job_and_the_film_are() {
    let house = TestHouse::open().await;
    let id = planned(&house).await;
    let path = format!("/v1/assets/{id}");
    assert_eq!(get(&house, &path).await["left_s"], json!(null), "nothing was begun");
    let (sounds, chunk) = (next(&house).await, next(&house).await);
    assert!(house.control.film_job_done(&sounds, "r").await.unwrap());
    assert!(house.control.keep_film_job(&chunk, 2_000).await.unwrap());
    let told = get(&house, &path).await;
    // 401 and 2000 of 8403.
    assert_eq!(told["progress_percent"], 28);
    assert!(told["left_s"].as_u64().is_some_and(|s| s < 60), "{told}");
    let listed = get(&house, "/v1/assets").await;
    assert_eq!(listed["assets"][0]["progress_percent"], 28);
    let first = get(&house, &format!("{path}/jobs?limit=3")).await;
    let next = format!("{path}/jobs?limit=3&cursor={}", field(&first, "next"));
    let rest = get(&house, &next).await;
    let jobs = [&first, &rest].map(|page| page["jobs"].as_array().unwrap().clone()).concat();
    let told: Vec<_> = jobs
        .iter()
        .map(|job| (field(job, "kind"), field(job, "state"), job["done_ms"].as_i64().unwrap()))
        .collect();
    let expected = [
        ("index", "done", 0),
        ("list", "waiting", 0),
        ("sounds", "done", 8_000),
        ("chunk", "running", 2_000),
        ("chunk", "waiting", 0),
    ];
    assert_eq!(told, expected);
    assert_eq!((&jobs[4]["from_ms"], rest.get("next")), (&json!(4_000), None));
}
