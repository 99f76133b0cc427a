//! The protocol over HTTP, on the real ledger and the real directory: every MUST of tus 1.0.0 by its name. Then all of
//! it once more, before a bucket.

mod accounts;
mod assets;
mod concatenation;
mod core;
mod creation;
mod extensions;
mod folder;
mod sharing;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use origin_control::{Config, Control};
use serde_json::Value;
use shared_media::Bucket;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use self::folder::Folder;
use super::{Room, Rules};

/// When the tests take place.
const NOW: i64 = 1_800_000_000;
/// Bytes of one file, in the tests.
const SIZE_MAX: u64 = 1 << 20;
/// The variable that has all tests of uploads use a bucket.
const FAR: &str = "MATINEE_TEST_UPLOADS_FAR";
/// How a chunk is labelled.
const CHUNK: (&str, &str) = ("content-type", "application/offset+octet-stream");

/// A house that has uploads and nothing else.
struct House {
    control: Control,
    room: Arc<Room>,
    router: Router,
    token: String,
    clock: Arc<AtomicI64>,
    stop: CancellationToken,
    dir: tempfile::TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        problem["code"].as_str().unwrap().to_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Who sends requests to a house: its administrator, or an account.
struct Sender<'a> {
    house: &'a House,
    token: String,
}

impl Sender<'_> {
    /// A request with these headers and no others but the credential.
    async fn bare(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {}", self.token));
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.house.send(request.body(body.into()).unwrap()).await
    }

    /// The same by the protocol.
    async fn tus(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> Answer {
        let length = body.len().to_string();
        let mut all = vec![("tus-resumable", "1.0.0"), ("content-length", length.as_str())];
        all.extend_from_slice(headers);
        self.bare(method, path, &all, body).await
    }

    /// A new upload with these headers; its path.
    async fn create(&self, headers: &[(&str, &str)]) -> String {
        let made = self.tus("POST", "/v1/tus", headers, "").await;
        assert_eq!(made.status, 201, "{made:?}");
        made.header("location").unwrap().to_owned()
    }
}

impl House {
    async fn open() -> Self {
        Self::with(|_, _| ()).await
    }

    async fn with(change: impl FnOnce(&mut Config, &mut Rules)) -> Self {
        Self::within(tempfile::tempdir().unwrap(), change).await
    }

    async fn within(dir: tempfile::TempDir, change: impl FnOnce(&mut Config, &mut Rules)) -> Self {
        let clock = Arc::new(AtomicI64::new(NOW));
        let told = clock.clone();
        let mut config = Config {
            data_dir: dir.path().join("data"),
            clock: Arc::new(move || told.load(Ordering::Relaxed)),
            ..Config::default()
        };
        let mut rules = Rules {
            folder: None,
            size_max: SIZE_MAX,
            bytes_max: None,
            expires_s: 3600,
            keep_hdr: shared_wire::api::KeepHdr::None,
        };
        change(&mut config, &mut rules);
        config.uploads_bytes_max = rules.bytes_max;
        let data = config.data_dir.clone();
        let control = Control::open(config).await.unwrap();
        let token = std::fs::read_to_string(data.join(origin_control::ADMIN_TOKEN_FILE)).unwrap();
        let stop = CancellationToken::new();
        let program = Path::new("/does/not/exist").to_owned();
        let far = Folder(dir.path().join("bucket"));
        let bucket = is_far().then(|| Arc::new(far) as Arc<dyn Bucket>);
        let room =
            Room::open(&rules, (&data, bucket), &control, program, true, stop.clone()).unwrap();
        let files: Arc<dyn origin_control::Files> = room.clone();
        control.set_files(Arc::downgrade(&files));
        let router = Router::new().merge(control.router()).merge(room.router());
        Self { control, room, router, token: token.trim().to_owned(), clock, stop, dir }
    }

    /// The same directory, opened again.
    async fn restart(mut self) -> Self {
        let spare = tempfile::tempdir().unwrap();
        let dir = std::mem::replace(&mut self.dir, spare);
        drop(self);
        Self::within(dir, |_, _| ()).await
    }

    fn wait(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    fn administrator(&self) -> Sender<'_> {
        Sender { house: self, token: self.token.clone() }
    }

    async fn bare(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        self.administrator().bare(method, path, headers, body).await
    }

    async fn tus(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> Answer {
        self.administrator().tus(method, path, headers, body).await
    }

    async fn create(&self, headers: &[(&str, &str)]) -> String {
        self.administrator().create(headers).await
    }

    /// A chunk, which is taken.
    async fn patch(&self, path: &str, at: u64, text: &'static str) -> Answer {
        let at = at.to_string();
        let patched = self.tus("PATCH", path, &[CHUNK, ("upload-offset", &at)], text).await;
        assert_eq!(patched.status, 204, "{patched:?}");
        patched
    }

    async fn head(&self, path: &str) -> Answer {
        self.tus("HEAD", path, &[], "").await
    }

    /// How far an upload is.
    async fn offset(&self, path: &str) -> u64 {
        let told = self.head(path).await;
        assert_eq!(told.status, 200, "{told:?}");
        told.header("upload-offset").expect("an offset").parse().unwrap()
    }

    /// The bytes of a finished upload.
    fn bytes(&self, path: &str) -> Vec<u8> {
        let file = self.file(path);
        if !is_far() {
            return std::fs::read(file).unwrap();
        }
        // A list of objects, and how much of each.
        let list = std::fs::read_dir(&file).unwrap().last().unwrap().unwrap().path();
        let list = std::fs::read_to_string(list).unwrap();
        let mut bytes = Vec::new();
        for (length, name) in list.lines().skip(1).filter_map(|line| line.split_once(' ')) {
            let object = std::fs::read(file.with_file_name(name)).unwrap();
            bytes.extend_from_slice(&object[..length.parse().unwrap()]);
        }
        bytes
    }

    /// Where the whole file is, or before a bucket what lists it.
    fn file(&self, path: &str) -> PathBuf {
        let id = path.rsplit('/').next().unwrap();
        if is_far() {
            return self.dir.path().join("bucket/uploads").join(id).join("whole");
        }
        self.room.sources.disk().expect("a directory").path(id.parse().unwrap())
    }

    /// Puts the bytes of a piece where whoever has it does.
    fn put_piece(&self, path: &str, fence: i64, bytes: &str) {
        let mut file = self.file(path).with_file_name(fence.to_string());
        if is_far() {
            file.set_file_name(format!("{fence:016x}"));
            file.push(format!("{:016x}-{:016x}-{:08x}", 0, 99, 0));
        }
        std::fs::write(file, bytes).unwrap();
    }
}

/// Whether uploads go to a bucket: then this is the process that [`all_of_it_holds_before_a_bucket`] starts.
fn is_far() -> bool {
    std::env::var_os(FAR).is_some()
}

#[test]
fn all_of_it_holds_before_a_bucket() {
    if is_far() {
        return;
    }
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    let told = again.arg("uploads::tests::").env(FAR, "yes").output().unwrap();
    let said = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success(), "{said}{}", String::from_utf8_lossy(&told.stderr));
    let ran = said.lines().filter(|line| line.ends_with("... ok")).count();
    assert!(ran > 30, "{ran} tests: {said}");
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Waits until something holds, with a limit.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited).await.expect(what);
}
