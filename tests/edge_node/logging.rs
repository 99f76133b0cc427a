//! The access log: what stands in it, and what never may.

use serde_json::Value;
use tests::ticket;

use crate::node::{Node, Plan};
use crate::origin::{EDGE_KEY, Say};

const PLAYLIST: &str = "application/vnd.apple.mpegurl";

/// The lines about this path's end, once there is one.
async fn entries(node: &Node, text: impl Fn() -> String, end: &str) -> Vec<Value> {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let text = text();
        let found: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|entry| entry["path"].as_str().is_some_and(|path| path.ends_with(end)))
            .collect();
        if !found.is_empty() {
            return found;
        }
        assert!(std::time::Instant::now() < deadline, "no line about {end}: {}", node.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_line_says_all_but_the_secrets() {
    let node = Node::start(&[]).await;
    let body = "#EXTM3U\n#EXTINF:2,\ns1.m4s\n";
    node.say("720p/index.m3u8", Say::body(PLAYLIST, body).with("cache-control", "max-age=60"));
    node.say("index.m3u8", Say::body(PLAYLIST, "#EXTM3U\n"));
    let token = ticket::token(&node.claims);
    let live = format!(
        "/live/{}/index.m3u8?token={token}&CMCD=sid%3D%22sid-of-somebody%22",
        node.claims.show
    );
    assert_eq!(node.ask("GET", &live, &[("cookie", "c00kie")]).await.status, 200);
    let cmcd = "bl%3D2100%2Cbr%3D3200%2Cot%3Dm%2Cnor%3D%22next%22";
    let object = format!("720p/index.m3u8?_HLS_msn=5&CMCD={cmcd}");
    let headers = [("x-request-id", "my-request"), ("authorization", "Bearer s3cret")];
    let reply = node.get("720p/index.m3u8", &headers).await;
    assert_eq!(reply.status, 200);
    let _ = node.get(&object, &headers).await;
    let all = || node.lines().join("\n");
    let lines = entries(&node, all, "/720p/index.m3u8").await;
    let first = &lines[0];
    for (name, value) in [
        ("method", Value::from("GET")),
        ("status", Value::from(200)),
        ("bytes", Value::from(body.len())),
        ("http", Value::from("1.1")),
        ("client", Value::from("127.0.0.1")),
        ("cache", Value::from("miss")),
        ("request_id", Value::from("my-request")),
    ] {
        assert_eq!(first[name], value, "{name}: {first}");
    }
    assert!(first["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{first}");
    let mark = first["session"].as_str().expect("a mark");
    assert_eq!(mark.len(), 12, "{first}");
    assert_eq!(first["path"], format!("/p/~{mark}/720p/index.m3u8"));
    let with_cmcd = entries(
        &node,
        || all().lines().filter(|line| line.contains("cmcd")).collect::<Vec<_>>().join("\n"),
        "/720p/index.m3u8",
    )
    .await;
    assert_eq!(with_cmcd[0]["cmcd"], serde_json::json!({"bl": "2100", "br": "3200", "ot": "m"}));

    let told = format!("{}\n{}", all(), node.log());
    let sealed = node.session.trim_start_matches("/p/");
    for secret in [sealed, &token, EDGE_KEY, "s3cret", "c00kie", "sid-of-somebody", "next"] {
        assert!(!told.contains(secret), "{secret} is told: {told}");
    }
}

#[tokio::test]
async fn a_file_is_opened_anew_when_it_was_moved_and_addresses_are_cut() {
    let plan = Plan::new(&["--access-log-address", "network"]).with_file("--access-log", "access");
    let node = plan.start().await;
    let read = |name: &'static str| {
        let path = node.path(name);
        move || std::fs::read_to_string(&path).unwrap_or_default()
    };
    assert_eq!(node.ask("GET", "/healthz", &[]).await.status, 200);
    let line = entries(&node, read("access"), "/healthz").await.remove(0);
    assert_eq!(line["client"], "127.0.0.0/24");
    assert!(!node.lines().iter().any(|line| line.starts_with('{')), "not on standard output");
    std::fs::rename(node.path("access"), node.path("access.1")).expect("renamed");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !node.path("access").exists() {
        assert!(std::time::Instant::now() < deadline, "the file is made anew");
        let _ = node.ask("GET", "/healthz", &[]).await;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(node.ask("GET", "/live/x/index.m3u8", &[]).await.status, 404);
    let line = entries(&node, read("access"), "/live/x/index.m3u8").await.remove(0);
    assert_eq!(line["status"], 404);
}
