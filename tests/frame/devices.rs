//! What a tier admits to, met by viewers of the real house: devices at once, the preview's wall, the smaller picture;
//! and how long a picture goes on after it was withdrawn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};
use tests::viewer::{fetch, renditions};
use tests::{House, Publisher, Show};
use tokio::task::JoinSet;

use crate::clip::Clip;
use crate::on_air;

/// How long a picture may go on after it was withdrawn.
const STOP_MAX: Duration = Duration::from_secs(2);
/// How often a viewer asks for the playlist.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// Sessions that are withdrawn for the measurement, one after the other and all at once.
const ONE_BY_ONE: usize = 60;
const AT_ONCE: usize = 40;

const FIREFOX: &str = "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0";
const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18 Safari/6";

/// A house with a show on the air.
struct OnAir {
    house: House,
    show: Show,
    client: Client,
    _publisher: Publisher,
    _clip: tempfile::TempDir,
}

impl OnAir {
    async fn begin(height: usize) -> Self {
        let house = House::start(&[]);
        let show = house.show("Devices");
        let clip = tempfile::tempdir().expect("a temporary directory");
        let file = clip.path().join("clip.flv");
        Clip { seconds: 60, height, gop: 30, b_frames: 0 }.make(&file);
        let publisher = Publisher::of_file(&file, &show.rtmp);
        let client = Client::new();
        let first = house.ticket(&show.id);
        on_air(&client, &first.playlist_url).await;
        Self { house, show, client, _publisher: publisher, _clip: clip }
    }

    /// A ticket of a new tier.
    fn ticket(&self, tier: &str, limits: &[&str]) -> Value {
        let show = self.show.id.as_str();
        let set = [&["tier", "set", "--json", "--show", show, "--name", tier][..], limits].concat();
        assert_eq!(self.house.cli_json(&set)["name"], tier);
        self.house.cli_json(&["ticket", "issue", "--json", "--show", show, "--tier", tier])
    }

    /// Swaps a ticket for a session, as the page does; the status and the answer.
    async fn play(&self, ticket: &Value, agent: &str) -> (u16, Value) {
        let url = format!("{}/v1/shows/{}/playback", self.house.edge, self.show.id);
        let request = self.client.post(url).header("user-agent", agent);
        let answer = request.json(&json!({ "ticket": ticket["ticket"] })).send().await;
        let answer = answer.expect("the edge answers");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    /// The multivariant playlist of an answer, and the address of its first media playlist.
    async fn enter(&self, playback: &Value) -> (String, String) {
        let path = playback["playlist_url"].as_str().expect("an address");
        let url = if path.starts_with('/') {
            format!("{}{path}", self.house.edge)
        } else {
            path.to_owned()
        };
        let text = on_air(&self.client, &url).await;
        let (_, media) = renditions(&text, &url).swap_remove(0);
        assert_eq!(fetch(&self.client, &media).await.status, 200);
        (text, media)
    }

    /// Asks for a playlist until it is refused; after how long, and the refusal.
    async fn stopped(&self, media: &str, since: Instant) -> (Duration, Value) {
        loop {
            let fetched = fetch(&self.client, media).await;
            if fetched.status != 200 {
                assert_eq!(fetched.status, 403, "{}", fetched.text());
                let problem = serde_json::from_str(&fetched.text()).expect("a problem");
                return (since.elapsed(), problem);
            }
            assert!(since.elapsed() < STOP_MAX * 5, "the picture goes on");
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Revokes a ticket through the API; when that began.
    async fn revoke(&self, ticket: &Value) -> Instant {
        let admin = std::fs::read_to_string(self.house.data().join("admin.token"));
        let admin = admin.expect("the administrator's credential");
        let since = Instant::now();
        let request = self.client.post(format!("{}/v1/tickets/revoke", self.house.api));
        let request = request.bearer_auth(admin.trim()).json(&json!({ "ticket": ticket["id"] }));
        assert!(request.send().await.expect("the house answers").status().is_success());
        since
    }
}

#[tokio::test]
async fn a_second_device_takes_over_and_the_first_is_told_which() {
    let on = OnAir::begin(360).await;
    let ticket = on.ticket("single", &["--devices-max", "1"]);
    let (_, first) = on.play(&ticket, SAFARI).await;
    let (_, first_media) = on.enter(&first).await;

    let since = Instant::now();
    let (status, second) = on.play(&ticket, FIREFOX).await;
    assert_eq!(status, 200);
    let (after, problem) = on.stopped(&first_media, since).await;
    println!("displaced after {after:?}");
    assert!(after < STOP_MAX, "{after:?}");
    assert_eq!(
        (&problem["code"], &problem["detail"]),
        (&json!("displaced"), &json!("Firefox on Android"))
    );
    let (_, second_media) = on.enter(&second).await;

    // The first takes it back.
    let since = Instant::now();
    let (_, back) = on.play(&ticket, SAFARI).await;
    let (after, problem) = on.stopped(&second_media, since).await;
    assert!(after < STOP_MAX, "{after:?}");
    assert_eq!(problem["detail"], "Safari on iPhone");
    on.enter(&back).await;

    // Where the show says so, the new one is refused instead.
    let show = on.show.id.as_str();
    let _ = on.house.cli_json(&["show", "set", show, "--when-full", "refuse", "--json"]);
    let (status, refused) = on.play(&ticket, FIREFOX).await;
    assert_eq!((status, &refused["code"]), (403, &json!("devices_full")));
    assert!(refused["detail"].as_str().expect("a detail").contains("Safari on iPhone"));
    on.enter(&back).await;

    let log = on.house.log();
    for secret in [&ticket["ticket"], &first["token"], &second["token"], &back["token"]] {
        let secret = secret.as_str().expect("a secret");
        assert!(!log.contains(secret) && !log.contains(&secret[3..]), "a secret is in the log");
    }
    for sealed in [&first_media, &second_media] {
        let sealed = sealed.split('/').find(|step| step.len() > 60).expect("a sealed session");
        assert!(!log.contains(sealed), "a sealed session is in the log");
    }
    assert!(!log.contains("Mozilla/5.0"), "what a device says of itself is in the log");
}

#[tokio::test]
async fn a_smaller_ticket_has_a_smaller_picture_and_a_preview_ends_at_its_wall() {
    let on = OnAir::begin(720).await;
    let small = on.ticket("small", &["--height-max", "480"]);
    let (_, played) = on.play(&small, SAFARI).await;
    assert_eq!(played["policy"], json!({ "height_max": 480 }));
    let (text, _) = on.enter(&played).await;
    assert!(text.contains("RESOLUTION=") && !text.contains("x720"), "{text}");

    let taste = on.ticket("taste", &["--preview-s", "4"]);
    let (_, played) = on.play(&taste, SAFARI).await;
    let since = Instant::now();
    let (_, media) = on.enter(&played).await;
    let (after, problem) = on.stopped(&media, since).await;
    println!("the wall after {after:?}");
    assert_eq!(problem["code"], "preview_over");
    assert!((3..=6).contains(&after.as_secs()), "{after:?}");
    let (status, again) = on.play(&taste, SAFARI).await;
    assert_eq!((status, &again["code"]), (403, &json!("preview_over")));
}

#[tokio::test]
async fn from_a_refund_to_a_stopped_picture() {
    let on = Arc::new(OnAir::begin(360).await);
    let mut watching = Vec::new();
    let show = on.show.id.as_str();
    for _ in 0..ONE_BY_ONE + AT_ONCE {
        let ticket = on.house.cli_json(&["ticket", "issue", "--json", "--show", show]);
        let (_, media) = on.enter(&ticket).await;
        watching.push((ticket, media));
    }
    let at_once = watching.split_off(ONE_BY_ONE);
    let mut times = Vec::new();
    for (ticket, media) in &watching {
        let since = on.revoke(ticket).await;
        let (after, problem) = on.stopped(media, since).await;
        assert_eq!(problem["code"], "revoked");
        times.push(after);
    }
    let mut stops = JoinSet::new();
    for (ticket, media) in at_once {
        let on = on.clone();
        stops.spawn(async move { on.stopped(&media, on.revoke(&ticket).await).await.0 });
    }
    times.extend(stops.join_all().await);
    times.sort();
    let at = |percent: usize| times[(times.len() * percent).div_ceil(100) - 1];
    println!(
        "refund to stopped picture, {} sessions: p50 {:?}, p99 {:?}, longest {:?}",
        times.len(),
        at(50),
        at(99),
        at(100)
    );
    assert!(at(99) < STOP_MAX, "{times:?}");
}
