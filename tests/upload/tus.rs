//! The protocol of uploads, spoken to one node.
//!
//! In: a house. Out: requests and answers; bodies to send. Does not know what is tested.

use std::time::{Duration, Instant};

use reqwest::{Body, Client, Method, RequestBuilder, Response};
use serde_json::Value;
use tests::House;
use tokio::sync::mpsc;

/// How long what is waited for may take.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(40);
/// How often a test looks again while it waits.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The protocol, spoken to one node.
pub(crate) struct Tus {
    pub(crate) client: Client,
    pub(crate) api: String,
    pub(crate) token: String,
}

impl Tus {
    pub(crate) fn to(house: &House) -> Self {
        let token = std::fs::read_to_string(house.data().join("admin.token")).expect("a token");
        let client = Client::builder().no_proxy().build().expect("a client");
        Self { client, api: house.api.clone(), token: token.trim().to_owned() }
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.api));
        request.bearer_auth(&self.token).header("tus-resumable", "1.0.0")
    }

    /// A new upload of so many bytes; its path.
    pub(crate) async fn create(&self, bytes: u64) -> String {
        let made = self.ask(Method::POST, "/v1/tus").header("upload-length", bytes).send().await;
        let made = made.expect("an answer");
        assert_eq!(made.status(), 201);
        made.headers()["location"].to_str().expect("a path").to_owned()
    }

    pub(crate) fn chunk(&self, path: &str, at: u64) -> RequestBuilder {
        let chunk = self.ask(Method::PATCH, path).header("upload-offset", at);
        chunk.header("content-type", "application/offset+octet-stream")
    }

    pub(crate) async fn patch(&self, path: &str, at: u64, bytes: Vec<u8>) -> Response {
        self.chunk(path, at).body(bytes).send().await.expect("an answer")
    }

    /// How far an upload is, as soon as somebody can say so.
    pub(crate) async fn offset(&self, path: &str) -> u64 {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let told = self.ask(Method::HEAD, path).send().await.expect("an answer");
            if told.status() == 200 {
                let offset = told.headers()["upload-offset"].to_str().expect("a number");
                return offset.parse().expect("a number");
            }
            assert_eq!(told.status(), 423, "somebody else has it");
            assert!(Instant::now() < deadline, "nobody lets go");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// An asset, once it was looked into.
    pub(crate) async fn looked_into(&self, asset: &str) -> Value {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let told = self.ask(Method::GET, &format!("/v1/assets/{asset}")).send().await;
            let told = told.expect("an answer");
            assert_eq!(told.status(), 200);
            let told: Value =
                serde_json::from_slice(&told.bytes().await.expect("a body")).expect("JSON");
            if told["state"] != "probing" {
                return told;
            }
            assert!(Instant::now() < deadline, "nobody looks into {asset}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// A body that is never whole, and how to fill it.
pub(crate) fn endless() -> (mpsc::Sender<Vec<u8>>, Body) {
    let (sender, mut receiver) = mpsc::channel::<Vec<u8>>(1);
    let stream = futures::stream::poll_fn(move |context| {
        receiver.poll_recv(context).map(|bytes| bytes.map(Ok::<_, std::io::Error>))
    });
    (sender, Body::wrap_stream(stream))
}

/// Bytes of which each place tells where it is.
pub(crate) fn pattern(from: u64, count: usize) -> Vec<u8> {
    let byte = |at: u64| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8;
    (from..from + count as u64).map(byte).collect()
}

/// The last step of a path: the upload's name, and that of its asset.
pub(crate) fn name(path: &str) -> &str {
    path.rsplit('/').next().expect("a step")
}
