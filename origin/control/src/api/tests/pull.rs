//! Shows that are fetched from elsewhere: who may say so, what is kept, what is never shown.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::testing::{TestHouse, field};
use crate::{Config, Pulling};

const FROM: &str = "https://elsewhere/index.m3u8?token=hidden";

/// What whoever fetches was told, in order.
type Told = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// Fetches nothing, but remembers; `refuses` says why it would not.
fn fetching(refuses: Option<&'static str>) -> (impl FnOnce(&mut Config), Told) {
    let told = Told::default();
    let (sender, mut receiver) = mpsc::channel::<Pulling>(4);
    let heard = told.clone();
    tokio::spawn(async move {
        while let Some(Pulling { show, from, done }) = receiver.recv().await {
            let from = from.map(|from| from.expose().to_owned());
            heard.lock().unwrap().push((show.to_string(), from));
            let _ = done.send(refuses.map_or(Ok(()), |why| Err(why.to_owned())));
        }
    });
    let change = |config: &mut Config| {
        config.pulls = Some(sender);
        config.source_fault = |url| (!url.contains("://")).then(|| "is no URL".to_owned());
    };
    (change, told)
}

async fn kept(house: &TestHouse) -> Vec<(String, String)> {
    let all = house.control.pulls().await.unwrap();
    all.into_iter().map(|(show, from)| (show.to_string(), from.expose().to_owned())).collect()
}

#[tokio::test]
async fn a_show_is_fetched_until_it_is_not_and_over_restarts() {
    let (change, told) = fetching(None);
    let house = TestHouse::with(change).await;
    let made = house.show("a").await;
    let show = field(&made, "show").to_owned();
    let path = format!("/v1/shows/{show}/pull");
    let answer = house.admin("PUT", &path, json!({ "url": FROM })).await;
    assert_eq!((answer.status, field(&answer.json, "show")), (StatusCode::OK, show.as_str()));
    assert!(!answer.json.to_string().contains("hidden"), "the source is not shown");
    assert_eq!(*told.lock().unwrap(), [(show.clone(), Some(FROM.to_owned()))]);

    let (change, told) = fetching(None);
    let house = house.restart_with(change).await;
    assert_eq!(kept(&house).await, [(show.clone(), FROM.to_owned())]);
    let other = format!("{FROM}2");
    assert!(house.admin("PUT", &path, json!({ "url": other })).await.status.is_success());
    assert_eq!(kept(&house).await, [(show.clone(), other.clone())], "the last one counts");
    assert!(house.admin("DELETE", &path, Value::Null).await.status.is_success());
    assert_eq!(kept(&house).await, []);
    assert_eq!(*told.lock().unwrap(), [(show.clone(), Some(other)), (show, None)]);
}

#[tokio::test]
async fn what_is_not_fetched_is_not_kept_either() {
    let (change, told) = fetching(Some("the house is full"));
    let house = TestHouse::with(change).await;
    let made = house.show("a").await;
    let path = format!("/v1/shows/{}/pull", field(&made, "show"));
    let url = json!({ "url": FROM });
    let unsaid = house.anybody("PUT", &path, url.clone()).await;
    assert_eq!((unsaid.status, unsaid.code()), (StatusCode::UNAUTHORIZED, "credential_missing"));
    let wrong = house.admin("PUT", &path, json!({ "url": "nowhere" })).await;
    assert_eq!((wrong.status, wrong.code()), (StatusCode::UNPROCESSABLE_ENTITY, "field_invalid"));
    assert!(told.lock().unwrap().is_empty());
    let refused = house.admin("PUT", &path, url.clone()).await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "not_pulled"),
        "{}",
        refused.json
    );
    assert!(refused.json.to_string().contains("the house is full"));
    assert_eq!(kept(&house).await, []);

    let end = format!("/v1/shows/{}/end", field(&made, "show"));
    assert!(house.admin("POST", &end, Value::Null).await.status.is_success());
    let over = house.admin("PUT", &path, url).await;
    assert_eq!((over.status, over.code()), (StatusCode::CONFLICT, "show_ended"));
}

#[tokio::test]
async fn a_show_that_ended_is_fetched_no_more_at_the_next_start() {
    let (change, _told) = fetching(None);
    let house = TestHouse::with(change).await;
    let made = house.show("a").await;
    let show = field(&made, "show").to_owned();
    let url = json!({ "url": FROM });
    let begun = house.admin("PUT", &format!("/v1/shows/{show}/pull"), url).await;
    assert!(begun.status.is_success());
    let ended = house.admin("POST", &format!("/v1/shows/{show}/end"), Value::Null).await;
    assert!(ended.status.is_success());
    assert_eq!(kept(&house.restart().await).await, []);
}
