//! Edges that look, and edges that wait.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use origin_control::{ADMIN_TOKEN_FILE, Config};
use serde_json::{Value, json};
use shared_wire::api::{NewShow, NewTicket};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;

struct Desked {
    control: Control,
    router: Router,
    stop: CancellationToken,
    dir: TempDir,
}

async fn desk() -> Desked {
    let dir = tempfile::tempdir().unwrap();
    // A list begins with the time as its version: here, with 0.
    let clock = Arc::new(|| 0);
    let config = Config { data_dir: dir.path().to_owned(), clock, ..Config::default() };
    let control = Control::open(config).await.unwrap();
    let stop = CancellationToken::new();
    let router = router(control.clone(), stop.clone());
    Desked { control, router, stop, dir }
}

impl Desked {
    async fn ask(&self, query: &str, tag: Option<&str>) -> (u16, HeaderMap, Value) {
        let mut request = Request::get(format!("/edge/denied{query}"));
        if let Some(tag) = tag {
            request = request.header("if-none-match", tag);
        }
        let request = request.body(Body::empty()).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        (parts.status.as_u16(), parts.headers, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Issues a ticket and revokes it.
    async fn revoke_one(&self) {
        let new = NewShow { title: "T".to_owned(), ..NewShow::default() };
        let show = self.control.create_show(new).await.unwrap().show;
        let issued = self.control.issue_ticket(show, NewTicket::default()).await.unwrap();
        let admin = std::fs::read_to_string(self.dir.path().join(ADMIN_TOKEN_FILE)).unwrap();
        let request = Request::post("/v1/tickets/revoke")
            .header("authorization", format!("Bearer {}", admin.trim()))
            .header("content-type", "application/json")
            .body(Body::from(json!({ "ticket": issued.ticket }).to_string()))
            .unwrap();
        let answer = self.control.router().oneshot(request).await.unwrap();
        assert!(answer.status().is_success());
    }
}

#[tokio::test]
async fn an_edge_that_looks_gets_the_list_once() {
    let desk = desk().await;
    let (status, headers, list) = desk.ask("", None).await;
    assert_eq!((status, list), (200, json!({ "version": 0, "entries": [] })));
    assert_eq!(headers["etag"], "\"0\"");
    assert_eq!(headers["surrogate-key"], "denied");
    assert!(headers["cache-control"].to_str().unwrap().contains("max-age=1,"));
    let (status, headers, list) = desk.ask("", Some("\"9\", W/\"0\"")).await;
    assert_eq!((status, list), (304, Value::Null));
    assert_eq!(headers["etag"], "\"0\"");
    desk.revoke_one().await;
    let (status, _, list) = desk.ask("", Some("\"0\"")).await;
    assert_eq!((status, &list["version"]), (200, &json!(1)));
    assert_eq!(list["entries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_edge_that_waits_is_told_at_once() {
    let desk = desk().await;
    let (waited, ()) = tokio::join!(desk.ask("?since=0&wait_s=30", None), desk.revoke_one());
    assert_eq!((waited.0, &waited.2["version"]), (200, &json!(1)));
    // Whoever has another version than ours does not wait, be it older or, after a restored backup, newer.
    for query in ["?since=0&wait_s=30", "?since=7&wait_s=30", "?since=0"] {
        assert_eq!(desk.ask(query, None).await.0, 200, "{query}");
    }
}

#[tokio::test]
async fn an_edge_that_waits_in_vain_is_told_so() {
    let desk = desk().await;
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    for (query, waited_s) in [("since=0", 0), ("since=0&wait_s=3", 3), ("since=0&wait_s=999", 30)] {
        let from = began.elapsed();
        let (status, headers, _) = desk.ask(&format!("?{query}"), None).await;
        assert_eq!((status, headers["etag"].as_bytes()), (304, &b"\"0\""[..]), "{query}");
        assert_eq!((began.elapsed() - from).as_secs(), waited_s, "{query}");
    }
}

#[tokio::test]
async fn a_house_that_drains_lets_them_go_and_a_crowd_is_turned_away() {
    let desk = desk().await;
    let everyone = futures::future::join_all((0..=WAITING_MAX).map(|_| async {
        let answer = desk.ask("?since=0&wait_s=30", None).await;
        if answer.0 == 503 {
            desk.stop.cancel();
        }
        answer
    }))
    .await;
    let turned_away: Vec<_> = everyone.iter().filter(|answer| answer.0 == 503).collect();
    assert_eq!((turned_away.len(), &turned_away[0].2["code"]), (1, &json!("busy")));
    assert_eq!(everyone.iter().filter(|answer| answer.0 == 304).count(), WAITING_MAX);
}

#[tokio::test]
async fn what_is_no_question_is_refused() {
    let desk = desk().await;
    for query in ["?since=x", "?since=-1", "?since=0&wait_s=a"] {
        let (status, _, problem) = desk.ask(query, None).await;
        assert_eq!((status, &problem["code"]), (400, &json!("query_malformed")), "{query}");
    }
}
