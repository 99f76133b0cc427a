//! Subtitles as rows and jobs: they come and go at any time, and playlists follow.

use serde_json::{Value, json};

use super::super::FilmListed;
use super::super::tests::{MEDIA, pieces, planned, take, uploaded};
use super::*;
use crate::testing::TestHouse;

fn new(language: &str, is_default: bool, text: &str) -> NewSubtitles {
    let (settings, text) = (String::new(), text.to_owned());
    let cues = vec![SubtitleCue { start_ms: 1, end_ms: 2, settings, text }];
    let (language, name) = (language.to_owned(), language.to_uppercase());
    NewSubtitles { language, name, is_default, is_forced: false, cues }
}

async fn put(house: &TestHouse, id: AssetId, new: NewSubtitles) {
    house.control.house.films.put_subtitles(id, 7, new).await.unwrap();
}

/// What a lister says that has looked at everything.
async fn list(house: &TestHouse, id: AssetId) -> Option<bool> {
    let lease = take(house, &[FilmJobKind::List]).await?;
    let results = house.control.film_results(id).await.unwrap().len();
    let subtitle_changes = house.control.film(id).await.unwrap().subtitle_changes;
    let (is_playable, is_complete) = (results >= 3, results >= 3);
    let listed =
        FilmListed { results, is_playable, is_complete, has_cover: true, subtitle_changes };
    Some(house.control.film_listed(&lease, listed).await.unwrap())
}

async fn states(house: &TestHouse, id: AssetId) -> Vec<(String, SubtitlesState)> {
    let all = house.control.house.films.list_subtitles(id).await.unwrap();
    all.into_iter().map(|one| (one.language, one.state)).collect()
}

#[tokio::test]
async fn subtitles_that_came_before_the_film_are_made_with_it_and_later_ones_after() {
    let house = TestHouse::open().await;
    let id = uploaded(&house).await;
    put(&house, id, new("en", false, "one")).await;
    assert_eq!(take(&house, &[FilmJobKind::Texts]).await, None, "it is not known how it is cut");
    house.control.begin_films().await.unwrap();
    let index = take(&house, &[FilmJobKind::Index]).await.unwrap();
    assert!(house.control.film_planned(&index, "cuts", &pieces(2)).await.unwrap());
    let texts = take(&house, &[FilmJobKind::Texts]).await.unwrap();
    let (known, cues) = house.control.film_subtitles_of(&texts).await.unwrap().unwrap();
    assert_eq!((known.number, &*known.name, &*cues[0].text), (texts.number, "EN", "one"));
    assert!(house.control.film_job_done(&texts, "text").await.unwrap());
    assert_eq!(house.control.asset(id).await.unwrap().progress_percent, 0, "it is none of these");
    for _ in pieces(2) {
        let job = take(&house, &MEDIA).await.unwrap();
        assert!(house.control.film_job_done(&job, "media").await.unwrap());
    }
    assert_eq!(list(&house, id).await, Some(true));
    let asset = house.control.asset(id).await.unwrap();
    assert_eq!((asset.state, asset.is_playable), (AssetState::Ready, true));
    let show = house.control.show_state(asset.show.unwrap()).unwrap();
    assert_eq!(show.cover.as_deref(), Some("cover.jpg"));
    assert_eq!(list(&house, id).await, None);
    // It is ready, and something is to be done for it nevertheless.
    put(&house, id, new("de", true, "zwei")).await;
    assert_eq!(list(&house, id).await, Some(true), "the default may have changed");
    let texts = take(&house, &[FilmJobKind::Texts]).await.unwrap();
    assert!(house.control.film_job_failed(&texts, "no", None).await.unwrap());
    assert_eq!(house.control.asset(id).await.unwrap().state, AssetState::Ready);
    let expected =
        [("en".to_owned(), SubtitlesState::Ready), ("de".to_owned(), SubtitlesState::Failed)];
    assert_eq!(states(&house, id).await, expected);
}

#[tokio::test]
async fn what_replaces_others_is_another_job_and_a_lister_looks_again() {
    let house = TestHouse::open().await;
    let id = planned(&house).await;
    put(&house, id, new("en", true, "one")).await;
    let old = take(&house, &[FilmJobKind::Texts]).await.unwrap();
    let lister = take(&house, &[FilmJobKind::List]).await.unwrap();
    let before = house.control.film(id).await.unwrap().subtitle_changes;
    put(&house, id, new("en", false, "two")).await;
    assert!(!house.control.keep_film_job(&old, 0).await.unwrap(), "nobody wants it any more");
    assert!(!house.control.film_job_done(&old, "old").await.unwrap());
    assert_eq!(house.control.film_subtitles_of(&old).await.unwrap(), None);
    let seen = FilmListed { subtitle_changes: before, ..FilmListed::default() };
    assert!(house.control.film_listed(&lister, seen).await.unwrap());
    assert_eq!(list(&house, id).await, Some(true), "it looks again");
    let new = take(&house, &[FilmJobKind::Texts]).await.unwrap();
    assert!(new.number > old.number);
    assert!(house.control.film_job_done(&new, "new").await.unwrap());
    let results = house.control.film_results(id).await.unwrap();
    assert_eq!(results, [(new.number, "new".to_owned())]);
    let all = house.control.film_subtitles(id).await.unwrap();
    assert_eq!((all.len(), all[0].number, all[0].is_default), (1, new.number, false));
}

#[tokio::test]
async fn they_are_listed_limited_and_go_with_their_asset() {
    let house = TestHouse::open().await;
    let id = planned(&house).await;
    let films = &house.control.house.films;
    for number in 0..32 {
        put(&house, id, new(&format!("x{number}"), true, "a")).await;
    }
    let more = films.put_subtitles(id, 7, new("en", true, "a")).await;
    assert_eq!(more, Err(Error::SubtitlesFull));
    put(&house, id, new("x0", true, "b")).await;
    let all = films.list_subtitles(id).await.unwrap();
    let defaults: Vec<&str> =
        all.iter().filter(|one| one.default).map(|one| &*one.language).collect();
    assert_eq!((all.len(), defaults), (32, vec!["x0"]));
    assert_eq!(films.delete_subtitles(id, "x0", true).await, Err(Error::SubtitlesUnknown));
    assert_eq!(films.delete_subtitles(id, "x0", false).await, Ok(()));
    assert_eq!(films.delete_subtitles(id, "x0", false).await, Err(Error::SubtitlesUnknown));
    let none = AssetId::from_bytes([0; 10]);
    let unknown = films.put_subtitles(none, 7, new("en", true, "a")).await;
    assert_eq!(unknown, Err(Error::AssetUnknown));
    let path = format!("/v1/assets/{id}/subtitles");
    let listed = house.admin("GET", &path, Value::Null).await.json;
    let known = |name: &str| listed["subtitles"][0][name].clone();
    let expected = (json!("x1"), json!("making"), json!(1), json!(7));
    assert_eq!((known("language"), known("state"), known("cues"), known("created_at")), expected);
    films.cancel(id).await.unwrap();
    house.control.house.assets.forget(id).await.unwrap();
    let rows = subtitles::Entity::find().count(films.rows.read()).await.unwrap();
    assert_eq!(rows, 0, "none is left");
    let gone = house.admin("GET", &path, Value::Null).await;
    assert_eq!(gone.code(), "asset_unknown");
}

#[tokio::test]
async fn their_jobs_take_no_turn_of_their_film_and_wait_while_it_is_cancelled() {
    let house = TestHouse::open().await;
    let (id, other) = (planned(&house).await, planned(&house).await);
    put(&house, id, new("en", false, "one")).await;
    let texts = take(&house, &[FilmJobKind::Texts]).await.unwrap();
    assert_eq!(texts.asset, id);
    // Neither that it was taken nor that it goes on counts.
    let turns = [take(&house, &MEDIA).await.unwrap(), take(&house, &MEDIA).await.unwrap()];
    assert_eq!(turns.map(|job| job.asset), [id, other]);
    let path = |what: &str| format!("/v1/assets/{id}/{what}");
    let jobs = house.admin("GET", &path("jobs"), Value::Null).await.json;
    let told = jobs["jobs"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&told["kind"], &told["length_ms"]), (&json!("texts"), &json!(1_000)));
    house.admin("POST", &path("cancel"), Value::Null).await;
    assert!(!house.control.keep_film_job(&texts, 0).await.unwrap());
    put(&house, id, new("de", false, "zwei")).await;
    assert_eq!(take(&house, &[FilmJobKind::Texts]).await, None, "its film is cancelled");
    house.admin("POST", &path("transcode"), Value::Null).await;
    assert_eq!(take(&house, &[FilmJobKind::Texts]).await.unwrap().number, texts.number);
    assert!(take(&house, &[FilmJobKind::Texts]).await.unwrap().number > texts.number);
}
