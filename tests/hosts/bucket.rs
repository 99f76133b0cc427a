//! A fake bucket: checks each signature by itself, says what a case tells it to, and remembers who asked.
//!
//! In: objects by their keys, a fault. Out: an address for an edge, and each request it got. Knows no edge: the
//! signature is computed anew from what came (AWS Signature Version 4, "Create a signed AWS API request").

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use data_encoding::HEXLOWER;
use hmac_sha256::{HMAC, Hash};
use tokio::net::TcpListener;

/// The bucket, its region, and the prefix in it.
const NAME: &str = "films";
const REGION: &str = "eu-test-1";
const PREFIX: &str = "a house";
/// The key and the token that it knows.
const KEY_ID: &str = "AKIDTEST";
pub(crate) const SECRET: &str = "a/secret+of/the+bucket";
const TOKEN: &str = "FwoGZXIvYXdz/a+token==";
/// Longer than any edge waits.
const HANG: Duration = Duration::from_secs(8);

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It says this status.
    Status(u16),
    /// It says nothing.
    Hang,
}

struct Inner {
    objects: HashMap<String, Vec<u8>>,
    fault: Fault,
    /// Path and headers of what came.
    seen: Vec<String>,
    /// What was wrong with a signature.
    unsigned: Vec<String>,
}

/// The fake bucket; it stops with the test.
#[derive(Clone)]
pub(crate) struct Bucket {
    inner: Arc<Mutex<Inner>>,
    address: SocketAddr,
}

impl Bucket {
    /// On a free port, with nothing in it.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let inner = Inner {
            objects: HashMap::new(),
            fault: Fault::None,
            seen: Vec::new(),
            unsigned: Vec::new(),
        };
        let bucket = Self { inner: Arc::new(Mutex::new(inner)), address };
        let router = Router::new().fallback(answer).with_state(bucket.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        bucket
    }

    /// What an edge is told of it.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let endpoint = format!("http://{}", self.address);
        let prefix = format!("{PREFIX}/");
        [
            ("MATINEE_EDGE_BUCKET", NAME),
            ("MATINEE_EDGE_BUCKET_ENDPOINT", &endpoint),
            ("MATINEE_EDGE_BUCKET_REGION", REGION),
            ("MATINEE_EDGE_BUCKET_PREFIX", &prefix),
            ("MATINEE_EDGE_BUCKET_KEY_ID", KEY_ID),
            ("MATINEE_EDGE_BUCKET_SECRET", SECRET),
            ("MATINEE_EDGE_BUCKET_TOKEN", TOKEN),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Puts an object, by its path at the origin.
    pub(crate) fn put(&self, path: &str, bytes: &[u8]) {
        let key = path.strip_prefix("/o/").expect("an object's path");
        self.lock().objects.insert(format!("/{NAME}/a%20house/{key}"), bytes.to_vec());
    }

    /// From now on this goes wrong.
    pub(crate) fn fault(&self, fault: Fault) {
        self.lock().fault = fault;
    }

    /// Path and headers of all that came, each rightly signed.
    pub(crate) fn seen(&self) -> Vec<String> {
        let inner = self.lock();
        assert_eq!(inner.unsigned, [""; 0]);
        inner.seen.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no case panics with the lock")
    }
}

async fn answer(State(bucket): State<Bucket>, request: Request<Body>) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let path = parts.uri.to_string();
    let signed = verified(&path, &parts.headers);
    let (fault, object) = {
        let mut inner = bucket.lock();
        inner.seen.push(format!("{path} {:?}", parts.headers));
        inner.unsigned.extend(signed.as_ref().err().cloned());
        (inner.fault, inner.objects.get(&path).cloned())
    };
    let (status, body) = match (signed, fault, object) {
        (Err(_), ..) => (403, b"<Code>SignatureDoesNotMatch</Code>".to_vec()),
        (_, Fault::Hang, _) => {
            tokio::time::sleep(HANG).await;
            (500, Vec::new())
        }
        (_, Fault::Status(status), _) => (status, b"<Error/>".to_vec()),
        (_, Fault::None, None) => (404, b"<Code>NoSuchKey</Code>".to_vec()),
        (_, Fault::None, Some(bytes)) => (200, bytes),
    };
    // As S3 speaks: a type that nobody wants, a tag, names of its own.
    let mut response = Response::builder()
        .header("content-type", "application/octet-stream")
        .header("etag", "\"d41d8cd98f00b204e9800998ecf8427e\"")
        .header("last-modified", "Tue, 24 Nov 2026 10:00:00 GMT")
        .header("accept-ranges", "bytes")
        .header("server", "AmazonS3")
        .header("x-amz-request-id", "SPY")
        .header("x-amz-meta-owner", "SPY");
    let range = parts.headers.get("range").and_then(|range| range.to_str().ok());
    let (status, body) = match range.filter(|_| status == 200).map(bounds) {
        Some((from, to)) => {
            let range = format!("bytes {from}-{to}/{}", body.len());
            response = response.header("content-range", range);
            (206, body[from..=to].to_vec())
        }
        None => (status, body),
    };
    let status = StatusCode::from_u16(status).expect("a status");
    response.status(status).body(Body::from(body)).expect("a response")
}

fn bounds(range: &str) -> (usize, usize) {
    let (from, to) = range.strip_prefix("bytes=").expect("bytes").split_once('-').expect("a range");
    (from.parse().expect("a number"), to.parse().expect("a number"))
}

/// Whether a `GET` is signed by the one who has the secret.
fn verified(path: &str, headers: &HeaderMap) -> Result<(), String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let authorization = text("authorization");
    let part = |name: &str| {
        let after = authorization.split(name).nth(1).unwrap_or_default();
        after.split([',', ' ']).next().unwrap_or_default().to_owned()
    };
    let (credential, names, signature) =
        (part("Credential="), part("SignedHeaders="), part("Signature="));
    let stamp = text("x-amz-date");
    let day = stamp.get(..8).unwrap_or_default();
    let scope = format!("{day}/{REGION}/s3/aws4_request");
    if credential != format!("{KEY_ID}/{scope}") {
        return Err(format!("the scope {credential}"));
    }
    for needed in ["host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"] {
        if !names.split(';').any(|name| name == needed) {
            return Err(format!("{needed} is not signed"));
        }
    }
    if text("x-amz-security-token") != TOKEN || text("x-amz-content-sha256") != "UNSIGNED-PAYLOAD" {
        return Err("the token or the payload".to_owned());
    }
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut canonical = format!("GET\n{path}\n{query}\n");
    for name in names.split(';') {
        canonical += &format!("{name}:{}\n", text(name));
    }
    canonical += &format!("\n{names}\n{}", text("x-amz-content-sha256"));
    let hash = HEXLOWER.encode(&Hash::hash(canonical.as_bytes()));
    let mut key = format!("AWS4{SECRET}").into_bytes();
    for step in [day, REGION, "s3", "aws4_request"] {
        key = HMAC::mac(step.as_bytes(), &key).to_vec();
    }
    let signed = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hash}");
    let due = HEXLOWER.encode(&HMAC::mac(signed.as_bytes(), &key));
    if due == signature { Ok(()) } else { Err(format!("the signature of {canonical:?}")) }
}
