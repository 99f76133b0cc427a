//! What an operator's own program is asked and told, by signed requests, while shows go on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use reqwest::Client;
use serde_json::{Value, json};
use tests::viewer::renditions;
use tests::{House, Publisher};

use crate::clip::Clip;
use crate::{LOOK_EVERY, WAIT_MAX, ended, on_air};

/// A message as it came.
#[derive(Debug, Clone)]
struct Message {
    id: String,
    body: Value,
}

/// The operator's program.
#[derive(Debug, Default)]
struct Receiver {
    secret: Mutex<Vec<u8>>,
    asked: Mutex<Vec<Message>>,
    told: Mutex<Vec<Message>>,
    /// It takes no events for now.
    is_closed: AtomicBool,
    /// The ids of those that came meanwhile.
    turned_away: Mutex<Vec<String>>,
}

type Shared = Arc<Receiver>;

impl Receiver {
    /// What the operator copied from the house.
    fn learn(&self, house: &House) {
        let secret = std::fs::read_to_string(house.data().join("keys/hook.key")).expect("a secret");
        let secret = secret.trim().strip_prefix("whsec_").expect("its prefix").as_bytes();
        *self.secret.lock().expect("no test panics with it") =
            data_encoding::BASE64.decode(secret).expect("base64");
    }

    /// The message, whose signature must be right.
    fn verified(&self, headers: &HeaderMap, body: &Bytes) -> Message {
        let header = |name: &str| headers[name].to_str().expect("text").to_owned();
        let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
        let signed = [id.as_bytes(), b".", at.as_bytes(), b".", body].concat();
        let secret = self.secret.lock().expect("no test panics with it").clone();
        let mac = data_encoding::BASE64.encode(&hmac_sha256::HMAC::mac(signed, secret));
        assert_eq!(header("webhook-signature"), format!("v1,{mac}"));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let age = now.expect("after 1970").as_secs() - at.parse::<u64>().expect("seconds");
        assert!(age < 60, "sent {age} s ago");
        Message { id, body: serde_json::from_slice(body).expect("JSON") }
    }
}

/// Does not answer about `Slow`, refuses the first publisher of all others, then lets in with a rung of its own.
async fn publish(
    State(receiver): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let message = receiver.verified(&headers, &body);
    assert_eq!(message.body["type"], "publish.requested");
    if message.body["data"]["title"] == "Slow" {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let mut asked = receiver.asked.lock().expect("no test panics with it");
    asked.push(message);
    if asked.len() == 1 {
        return (StatusCode::FORBIDDEN, String::new());
    }
    let answer = json!({ "rungs": [{ "height": 240, "bit_rate": 400_000 }] });
    (StatusCode::OK, answer.to_string())
}

/// Takes nothing while it is closed, then every second message only.
async fn event(State(receiver): State<Shared>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if receiver.is_closed.load(Ordering::Relaxed) {
        let id = headers["webhook-id"].to_str().expect("text").to_owned();
        receiver.turned_away.lock().expect("no test panics with it").push(id);
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let message = receiver.verified(&headers, &body);
    let mut told = receiver.told.lock().expect("no test panics with it");
    told.push(message);
    if told.len() % 2 == 1 { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::NO_CONTENT }
}

async fn receiver() -> (Shared, String) {
    let receiver = Shared::default();
    let router = Router::new()
        .route("/publish", post(publish))
        .route("/events", post(event))
        .with_state(receiver.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    (receiver, format!("http://{address}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn publishers_are_asked_about_and_shows_are_told_of() {
    let (receiver, base) = receiver().await;
    let (events, publish) = (format!("{base}/events"), format!("{base}/publish"));
    let flags = ["--reconnect-window-s", "2", "--hook", &events, "--publish-hook", &publish];
    let house = House::start(&flags);
    receiver.learn(&house);
    let (show, slow) = (house.show("Asked"), house.show("Slow"));
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 20, height: 360, gop: 30, b_frames: 0 }.make(&file);

    let (well, said) = Publisher::of_file(&file, &show.rtmp).finish();
    assert!(!well, "the receiver refuses it: {said}");
    // One that the receiver says nothing about waits; nobody else does.
    let mut waiting = Publisher::of_file(&file, &slow.rtmp);
    let client = Client::new();
    let publisher = Publisher::of_file(&file, &show.rtmp);
    let text = on_air(&client, &ticket.playlist_url).await;
    let names: Vec<String> =
        renditions(&text, &ticket.playlist_url).into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"240p".to_owned()) && !names.contains(&"160p".to_owned()), "{names:?}");
    let (well, said) = waiting.finish();
    assert!(!well, "nobody said that it may: {said}");

    drop(publisher);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let publisher = Publisher::of_file(&file, &show.rtmp);
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(publisher);
    let _ = ended(&client, &ticket.playlist_url).await;
    let expected = [
        "show.started",
        "show.interrupted",
        "show.resumed",
        "show.interrupted",
        "show.ended",
        "recording.ready",
    ];
    let deadline = Instant::now() + WAIT_MAX;
    let told = loop {
        let told = receiver.told.lock().expect("no test panics with it").clone();
        if told.len() >= 2 * expected.len() {
            break told;
        }
        assert!(Instant::now() < deadline, "{told:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    };
    for (pair, expected) in told.chunks(2).zip(expected) {
        assert_eq!(pair[0].id, pair[1].id, "a message is repeated under its id");
        for message in pair {
            assert_eq!(message.body["type"], expected, "{told:#?}");
            assert_eq!(message.body["data"]["show"], show.id);
        }
    }
    let asked = receiver.asked.lock().expect("no test panics with it").clone();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[2].body["data"]["state"], "interrupted");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_told_is_told_after_the_house_was_killed() {
    let (receiver, base) = receiver().await;
    receiver.is_closed.store(true, Ordering::Relaxed);
    let events = format!("{base}/events");
    let flags = ["--reconnect-window-s", "2", "--hook", &events];
    let house = House::start(&flags);
    receiver.learn(&house);
    let show = house.show("Untold");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 8, height: 240, gop: 30, b_frames: 0 }.make(&file);
    let _publisher = Publisher::of_file(&file, &show.rtmp);
    let until = |enough: Box<dyn Fn() -> bool>| async move {
        let deadline = Instant::now() + WAIT_MAX;
        while !enough() {
            assert!(Instant::now() < deadline, "nothing is told");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let closed = receiver.clone();
    until(Box::new(move || !closed.turned_away.lock().expect("whole").is_empty())).await;
    let id = receiver.turned_away.lock().expect("whole")[0].clone();

    receiver.is_closed.store(false, Ordering::Relaxed);
    let house = house.killed_and_started_again(&flags);
    let open = receiver.clone();
    until(Box::new(move || open.told.lock().expect("whole").len() > 1)).await;
    let told = receiver.told.lock().expect("whole").clone();
    for message in &told[..2] {
        assert_eq!((&message.id, &message.body["type"]), (&id, &json!("show.started")), "{told:?}");
    }
    drop(house);
}
