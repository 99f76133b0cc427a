//! Jobs: who has which, for how long, and what that changes.

use std::time::Duration;

use serde_json::json;
use shared_wire::api::{AssetState, MediaInfo, Priority, State};

use super::*;

mod queue;

mod workers;

use crate::testing::{TestHouse, field};
use crate::tests::stored::asset_of;

/// An asset that was uploaded and looked into.
pub(super) async fn uploaded(house: &TestHouse) -> AssetId {
    uploaded_by(house, None, "A film", 0).await
}

/// The same, of this account, title and size.
pub(crate) async fn uploaded_by(
    house: &TestHouse,
    account: Option<&str>,
    title: &str,
    bytes: u64,
) -> AssetId {
    let id = asset_of(&house.control, account, title, bytes).await.id;
    let media = MediaInfo {
        container: "mp4".to_owned(),
        duration_ms: 1000,
        bits_per_s: 1,
        streams: Vec::new(),
        chapters: Vec::new(),
    };
    house.control.next_to_probe(1000).await.unwrap().unwrap();
    house.control.probed(id, Ok(media)).await.unwrap();
    id
}

pub(super) async fn take(house: &TestHouse, kinds: &[FilmJobKind]) -> Option<FilmLease> {
    let due = house.control.films_due(kinds, true).await.unwrap();
    house.control.claim_film_job(due.jobs.first()?).await.unwrap()
}

pub(super) const MEDIA: [FilmJobKind; 2] = [FilmJobKind::Sounds, FilmJobKind::Chunk];

/// Its sounds, and that many chunks of four seconds.
pub(super) fn pieces(chunks: u32) -> Vec<NewFilmJob> {
    let length_ms = i64::from(chunks) * 4000;
    let sounds = NewFilmJob { kind: FilmJobKind::Sounds, from_ms: 0, length_ms };
    let chunk = |at: u32| NewFilmJob {
        kind: FilmJobKind::Chunk,
        from_ms: i64::from(at) * 4000,
        length_ms: 4000,
    };
    std::iter::once(sounds).chain((0..chunks).map(chunk)).collect()
}

/// A film that was looked through, of two chunks.
pub(super) async fn planned(house: &TestHouse) -> AssetId {
    planned_of(house, &pieces(2)).await
}

async fn planned_of(house: &TestHouse, pieces: &[NewFilmJob]) -> AssetId {
    let id = uploaded(house).await;
    assert_eq!(house.control.begin_films().await, Ok(1));
    let index = take(house, &[FilmJobKind::Index]).await.unwrap();
    assert_eq!((index.asset, index.number, index.attempts), (id, 0, 1));
    assert!(house.control.film_planned(&index, "cuts", pieces).await.unwrap());
    id
}

#[tokio::test]
async fn a_film_is_made_of_jobs_and_listed_as_they_are_done() {
    let house = TestHouse::open().await;
    let id = planned(&house).await;
    let film = house.control.film(id).await.unwrap();
    assert_eq!(film.made.as_deref(), Some("cuts"));
    let known = house.control.show_state(film.show).unwrap();
    assert_eq!((known.state, known.asset, known.is_growing), (State::Scheduled, Some(id), true));
    assert_eq!(known.title, "A film");
    let list = take(&house, &[FilmJobKind::List]).await.unwrap();
    let nothing = FilmListed::default();
    assert!(house.control.film_listed(&list, nothing).await.unwrap());
    assert_eq!(take(&house, &[FilmJobKind::List]).await, None, "nothing new to list");
    for (number, percent) in [(2, 4), (3, 52), (4, 100)] {
        let job = take(&house, &MEDIA).await.unwrap();
        assert_eq!(job.number, number);
        assert!(house.control.film_job_done(&job, &format!("r{number}")).await.unwrap());
        assert_eq!(house.control.asset(id).await.unwrap().progress_percent, percent);
    }
    let results = house.control.film_results(id).await.unwrap();
    let expected = [(2, "r2"), (3, "r3"), (4, "r4")].map(|(at, text)| (at, text.to_owned()));
    assert_eq!(results, expected);
    // What comes while it lists, is listed next.
    let list = take(&house, &[FilmJobKind::List]).await.unwrap();
    let two = FilmListed { results: 2, is_playable: true, ..FilmListed::default() };
    assert!(house.control.film_listed(&list, two).await.unwrap());
    let asset = house.control.asset(id).await.unwrap();
    assert_eq!((asset.state, asset.is_playable), (AssetState::Transcoding, true));
    let known = house.control.show_state(film.show).unwrap();
    assert_eq!((known.state, known.is_growing), (State::Ended, true));
    let list = take(&house, &[FilmJobKind::List]).await.unwrap();
    let all =
        FilmListed { results: 3, is_playable: true, is_complete: true, ..FilmListed::default() };
    assert!(house.control.film_listed(&list, all).await.unwrap());
    assert_eq!(house.control.asset(id).await.unwrap().state, AssetState::Ready);
    assert!(!house.control.show_state(film.show).unwrap().is_growing);
    assert_eq!(house.control.begin_films().await, Ok(0));
}

#[tokio::test]
async fn what_is_done_while_a_list_is_being_kept_is_listed_too() {
    let house = TestHouse::open().await;
    planned(&house).await;
    let list = take(&house, &[FilmJobKind::List]).await.unwrap();
    let sounds = take(&house, &MEDIA).await.unwrap();
    let films = &house.control.house.films;
    // It is kept, and not yet there for anybody else.
    let kept = films.listed(&list, FilmListed::default()).await.unwrap().unwrap();
    let seen = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        kept.commit().await
    };
    let (done, seen) = tokio::join!(house.control.film_job_done(&sounds, "r2"), seen);
    assert_eq!((done, seen), (Ok(true), Ok(())));
    assert!(take(&house, &[FilmJobKind::List]).await.is_some(), "nobody lists what was done");
}

#[tokio::test]
async fn how_far_a_job_came_is_kept_until_it_is_done_or_lost() {
    let house = TestHouse::open().await;
    let id = planned(&house).await;
    let nothing = FilmListed::default();
    let list = take(&house, &[FilmJobKind::List]).await.unwrap();
    assert!(house.control.film_listed(&list, nothing).await.unwrap());
    let sounds = take(&house, &MEDIA).await.unwrap();
    assert!(house.control.film_job_came(&sounds, "one").await.unwrap());
    assert_eq!(house.control.film_so_far(id).await.unwrap(), [(2, "one".to_owned())]);
    assert!(house.control.film_results(id).await.unwrap().is_empty(), "it is not done");
    // It is listed; and once more if it comes further meanwhile.
    let list = take(&house, &[FilmJobKind::List]).await.unwrap();
    let subtitle_changes = house.control.film(id).await.unwrap().subtitle_changes;
    assert!(house.control.film_job_came(&sounds, "two").await.unwrap());
    let seen = FilmListed { subtitle_changes, ..nothing };
    assert!(house.control.film_listed(&list, seen).await.unwrap());
    let list = take(&house, &[FilmJobKind::List]).await.unwrap();
    let subtitle_changes = house.control.film(id).await.unwrap().subtitle_changes;
    assert!(
        house.control.film_listed(&list, FilmListed { subtitle_changes, ..nothing }).await.unwrap()
    );
    assert_eq!(take(&house, &[FilmJobKind::List]).await, None, "nothing new to list");
    // Whoever makes it next goes on with what was said.
    assert!(house.control.film_job_failed(&sounds, "no", Some(0)).await.unwrap());
    assert!(!house.control.film_job_came(&sounds, "late").await.unwrap());
    assert_eq!(house.control.film_so_far(id).await.unwrap(), [(2, "two".to_owned())]);
    let sounds = take(&house, &[FilmJobKind::Sounds]).await.unwrap();
    let list = take(&house, &[FilmJobKind::List]).await;
    assert_eq!(list, None, "what a late one says is not listed");
    assert!(house.control.film_job_done(&sounds, "all").await.unwrap());
    assert!(house.control.film_so_far(id).await.unwrap().is_empty());
    let list = take(&house, &[FilmJobKind::List]).await.unwrap();
    assert!(house.control.redo_film_jobs(&list, &[2]).await.unwrap());
    assert!(house.control.film_so_far(id).await.unwrap().is_empty(), "its objects are lost");
    let sounds = take(&house, &[FilmJobKind::Sounds]).await.unwrap();
    assert!(house.control.film_job_came(&sounds, "one").await.unwrap());
    assert!(house.control.redo_film_jobs(&list, &[2]).await.unwrap());
    assert!(house.control.film_so_far(id).await.unwrap().is_empty());
    assert!(house.control.keep_film_job(&sounds, 1).await.unwrap(), "it goes on");
}

#[tokio::test]
async fn whoever_was_given_up_for_gone_changes_nothing() {
    let house = TestHouse::with(|config| config.lease = Duration::from_millis(50)).await;
    let id = planned(&house).await;
    let gone = take(&house, &MEDIA).await.unwrap();
    tokio::time::sleep(Duration::from_millis(80)).await;
    let other = take(&house, &MEDIA).await.unwrap();
    assert_eq!((other.number, other.attempts), (gone.number, 2));
    assert!(other.fence > gone.fence);
    assert!(!house.control.keep_film_job(&gone, 0).await.unwrap());
    assert!(!house.control.film_job_done(&gone, "old").await.unwrap());
    assert!(!house.control.film_job_failed(&gone, "old", None).await.unwrap());
    house.control.give_film_job_back(&gone).await.unwrap();
    assert!(house.control.keep_film_job(&other, 0).await.unwrap());
    assert!(house.control.film_job_done(&other, "new").await.unwrap());
    let results = house.control.film_results(id).await.unwrap();
    assert_eq!(results, [(2, "new".to_owned())]);
    assert_eq!(house.control.asset(id).await.unwrap().state, AssetState::Transcoding);
}

#[tokio::test]
async fn of_two_who_saw_the_same_job_one_gets_it() {
    let house = TestHouse::open().await;
    planned(&house).await;
    let due = house.control.films_due(&MEDIA, false).await.unwrap();
    assert_eq!(due.jobs.len(), 3);
    assert!(house.control.claim_film_job(&due.jobs[0]).await.unwrap().is_some());
    assert_eq!(house.control.claim_film_job(&due.jobs[0]).await.unwrap(), None);
}

#[tokio::test]
async fn what_a_killed_process_had_is_free_and_what_it_did_is_kept() {
    let house = TestHouse::open().await;
    let id = planned(&house).await;
    let done = take(&house, &MEDIA).await.unwrap();
    assert!(house.control.film_job_done(&done, "first").await.unwrap());
    let lost = take(&house, &MEDIA).await.unwrap();
    let house = house.restart().await;
    house.control.recover_films().await.unwrap();
    let again = take(&house, &MEDIA).await.unwrap();
    assert_eq!((again.number, again.attempts), (lost.number, 2));
    assert_eq!(house.control.film_results(id).await.unwrap(), [(2, "first".to_owned())]);
    house.control.give_film_job_back(&again).await.unwrap();
    assert_eq!(take(&house, &MEDIA).await.unwrap().attempts, 2, "it was not its fault");
}

#[tokio::test]
async fn a_job_that_fails_waits_or_is_given_up_and_can_be_tried_again() {
    let house = TestHouse::open().await;
    let id = planned(&house).await;
    let job = take(&house, &MEDIA).await.unwrap();
    assert!(house.control.film_job_failed(&job, "no", Some(3_600_000)).await.unwrap());
    let next = take(&house, &MEDIA).await.unwrap();
    assert_eq!(next.number, 3, "the other waits");
    assert!(house.control.film_job_failed(&next, "never", None).await.unwrap());
    let asset = house.control.asset(id).await.unwrap();
    assert_eq!((asset.state, asset.reason.as_deref()), (AssetState::Failed, Some("never")));
    let show = asset.show.unwrap();
    assert!(!house.control.show_state(show).unwrap().is_growing);
    assert_eq!(take(&house, &FilmJobKind::ALL).await, None, "nothing is done for it");
    let path = format!("/v1/assets/{id}/transcode");
    let again = house.admin("POST", &path, json!(null)).await;
    assert_eq!((again.status.as_u16(), field(&again.json, "state")), (200, "transcoding"));
    assert!(house.control.show_state(show).unwrap().is_growing);
    assert_eq!(take(&house, &MEDIA).await.unwrap().number, 2);
    let twice = house.admin("POST", &path, json!(null)).await;
    assert_eq!(twice.code(), "asset_not_failed");
}

#[tokio::test]
async fn nobody_publishes_to_a_film() {
    let house = TestHouse::open().await;
    let id = planned(&house).await;
    let show = house.control.film(id).await.unwrap().show;
    for (method, path, body) in [
        ("POST", "stream-key", json!(null)),
        ("POST", "end", json!(null)),
        ("PUT", "pull", json!({ "url": "rtmp://example.com/live" })),
    ] {
        let refused = house.admin(method, &format!("/v1/shows/{show}/{path}"), body).await;
        assert_eq!(refused.code(), "show_is_film", "{path}");
    }
    let ticket = house.ticket(&show.to_string(), json!({})).await;
    let played = house.play(&show.to_string(), field(&ticket, "ticket")).await;
    assert!(played.status.is_success(), "{played:?}");
}

#[tokio::test]
async fn results_that_are_nowhere_any_more_are_made_again() {
    let house = TestHouse::open().await;
    let id = planned(&house).await;
    let job = take(&house, &MEDIA).await.unwrap();
    assert!(house.control.film_job_done(&job, "lost").await.unwrap());
    let list = take(&house, &[FilmJobKind::List]).await.unwrap();
    assert!(house.control.redo_film_jobs(&list, &[job.number]).await.unwrap());
    assert!(house.control.film_results(id).await.unwrap().is_empty());
    assert_eq!(take(&house, &MEDIA).await.unwrap().number, job.number);
    let waiting = house.control.film_jobs_waiting().await.unwrap();
    let two = |one: &FilmsWaiting| (one.kind, one.jobs) == (FilmJobKind::Chunk, 2);
    assert!(waiting.iter().any(two), "{waiting:?}");
}

#[tokio::test]
async fn a_lister_that_stood_still_says_nothing_of_the_show_any_more() {
    let house = TestHouse::with(|config| config.lease = Duration::from_millis(50)).await;
    let id = planned(&house).await;
    let show = house.control.film(id).await.unwrap().show;
    let late = take(&house, &[FilmJobKind::List]).await.unwrap();
    let seen = house.control.film_listing(id).await.unwrap().unwrap();
    assert_eq!((seen.number, seen.is_settled), (late.fence, false));
    tokio::time::sleep(Duration::from_millis(80)).await;
    let list = take(&house, &[FilmJobKind::List]).await.unwrap();
    let all =
        FilmListed { results: 3, is_playable: true, is_complete: true, ..FilmListed::default() };
    assert!(house.control.film_listed(&list, all).await.unwrap());
    let nothing = FilmListed::default();
    assert!(!house.control.film_listed(&late, nothing).await.unwrap());
    let known = house.control.show_state(show).unwrap();
    assert_eq!((known.state, known.is_growing), (State::Ended, false));
    assert_eq!(house.control.asset(id).await.unwrap().state, AssetState::Ready);
    let seen = house.control.film_listing(id).await.unwrap().unwrap();
    assert_eq!((seen.number, seen.is_settled), (list.fence, true));
    assert!(house.control.is_film_wanted(id).await.unwrap());
}

#[tokio::test]
async fn a_worker_beside_a_house_does_its_jobs_and_takes_nothing_from_it() {
    let house = TestHouse::open().await;
    let show = house.show("On the air").await;
    let show: shared_wire::ShowId = field(&show, "show").parse().unwrap();
    house.control.set_state(show, State::Live).await.unwrap();
    let id = uploaded(&house).await;
    let config = crate::testing::config(house.dir.path(), &house.clock);
    let every = Duration::from_millis(20);
    let worker = Config { is_worker: true, follow_every: every, ..config };
    let worker = crate::Control::open(worker).await.unwrap();
    assert_eq!(worker.show_state(show).unwrap().state, State::Live, "it is the house's");
    assert_eq!(worker.begin_films().await, Ok(1));
    let due = worker.films_due(&[FilmJobKind::Index], true).await.unwrap();
    let index = worker.claim_film_job(&due.jobs[0]).await.unwrap().unwrap();
    // A house that starts again does not take it for that of its own that died.
    let house = house.restart().await;
    house.control.recover_films().await.unwrap();
    assert_eq!(take(&house, &FilmJobKind::ALL).await, None);
    assert!(worker.film_planned(&index, "cuts", &pieces(2)).await.unwrap());
    let film = house.control.film(id).await.unwrap();
    let due = worker.films_due(&[FilmJobKind::List], true).await.unwrap();
    let list = worker.claim_film_job(&due.jobs[0]).await.unwrap().unwrap();
    let all =
        FilmListed { results: 3, is_playable: true, is_complete: true, ..FilmListed::default() };
    assert!(worker.film_listed(&list, all).await.unwrap());
    // The house hears of it.
    let is_over = || house.control.show_state(film.show).is_some_and(|show| !show.is_growing);
    for _ in 0..100 {
        if is_over() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(is_over());
}
