//! A house in a temporary directory, with a clock that stands still, and requests to it without a socket.
//!
//! In: what a test asks. Out: statuses, headers, JSON. Does not know what is right.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::{ADMIN_TOKEN_FILE, Config, Control, Postgres};

/// When the tests take place.
pub(crate) const NOW: i64 = 1_800_000_000;

/// A house that a test has to itself.
pub(crate) struct TestHouse {
    pub(crate) control: Control,
    pub(crate) dir: TempDir,
    pub(crate) clock: Arc<AtomicI64>,
    pub(crate) admin: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

/// A configuration for `dir`, at [`NOW`].
pub(crate) fn config(dir: &Path, clock: &Arc<AtomicI64>) -> Config {
    let clock = clock.clone();
    let clock = Arc::new(move || clock.load(Ordering::Relaxed));
    let database = database(dir);
    Config { data_dir: dir.to_owned(), database, clock, ..Config::default() }
}

/// Where the PostgreSQL is that this run of the tests is to use, if it is to: see `crate::tests::shared`.
pub(crate) const POSTGRES_VARIABLE: &str = "MATINEE_TEST_POSTGRES";

/// The database of the house in `dir`, if it is not a file there: a schema of the house's own.
fn database(dir: &Path) -> Option<Postgres> {
    let url = std::env::var(POSTGRES_VARIABLE).ok()?;
    let name: String = dir.to_string_lossy().bytes().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("h{}", &name[name.len().saturating_sub(40)..]);
    Some(Postgres::parse(&format!("{url}?options[search_path]={name}")).unwrap())
}

/// Whether this run of the tests uses PostgreSQL; says that a test is for SQLite's file alone if so.
pub(crate) fn is_left_out() -> bool {
    let is = std::env::var_os(POSTGRES_VARIABLE).is_some();
    if is {
        println!("left out: this is about SQLite's file");
    }
    is
}

/// Makes the house's schema, if it is to have one.
pub(crate) async fn prepare(config: &Config) {
    use sqlx::Connection as _;
    let Some(database) = &config.database else { return };
    if std::env::var_os(POSTGRES_VARIABLE).is_none() {
        return; // a database of the test's own
    }
    let options = database.options().unwrap();
    let mut connection = sqlx::PgConnection::connect_with(&options).await.unwrap();
    let path: String =
        sqlx::query_scalar("SHOW search_path").fetch_one(&mut connection).await.unwrap();
    let make = format!("CREATE SCHEMA IF NOT EXISTS {path}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(make)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

impl TestHouse {
    pub(crate) async fn open() -> Self {
        Self::with(|_| ()).await
    }

    /// A house whose configuration `change` has had a hand in.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::within(tempfile::tempdir().unwrap(), change).await
    }

    async fn within(dir: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::new(AtomicI64::new(NOW));
        let mut config = config(dir.path(), &clock);
        change(&mut config);
        prepare(&config).await;
        let control = Control::open(config).await.unwrap();
        let admin = std::fs::read_to_string(dir.path().join(ADMIN_TOKEN_FILE)).unwrap();
        Self { control, dir, clock, admin: admin.trim().to_owned() }
    }

    /// The same directory, opened again.
    pub(crate) async fn restart(self) -> Self {
        self.restart_with(|_| ()).await
    }

    /// The same directory, opened again with another configuration.
    pub(crate) async fn restart_with(self, change: impl FnOnce(&mut Config)) -> Self {
        let Self { control, dir, clock, .. } = self;
        drop(control);
        let again = Self::within(dir, change).await;
        again.clock.store(clock.load(Ordering::Relaxed), Ordering::Relaxed);
        again
    }

    pub(crate) fn wait(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Sends any request.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.control.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { status: parts.status, headers: parts.headers, json }
    }

    /// Sends a request as the administrator; a body is JSON.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        self.by(&self.admin, method, path, body).await
    }

    /// Makes an account; its token.
    pub(crate) async fn account(&self, name: &str, quota_bytes: Option<u64>) -> String {
        let mut new = json!({ "account": name });
        if let Some(bytes) = quota_bytes {
            new["quota_bytes"] = json!(bytes);
        }
        let made = self.admin("POST", "/v1/accounts", new).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        field(&made.json, "token").to_owned()
    }

    /// Sends a request by a token; a body is JSON.
    pub(crate) async fn by(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {token}"));
        self.send(request.header("content-type", "application/json").body(text(&body)).unwrap())
            .await
    }

    /// Sends a request as anybody; a body is JSON.
    pub(crate) async fn anybody(&self, method: &str, path: &str, body: Value) -> Answer {
        let request = Request::builder().method(method).uri(path);
        self.send(request.header("content-type", "application/json").body(text(&body)).unwrap())
            .await
    }

    /// Makes a show; what was answered.
    pub(crate) async fn show(&self, title: &str) -> Value {
        let made = self.admin("POST", "/v1/shows", json!({ "title": title })).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        made.json
    }

    /// Issues a ticket for a show; what was answered.
    pub(crate) async fn ticket(&self, show: &str, new: Value) -> Value {
        let issued = self.admin("POST", &format!("/v1/shows/{show}/tickets"), new).await;
        assert_eq!(issued.status, StatusCode::CREATED, "{issued:?}");
        issued.json
    }

    /// Swaps a ticket for a token.
    pub(crate) async fn play(&self, show: &str, ticket: &str) -> Answer {
        let path = format!("/v1/shows/{show}/playback");
        self.anybody("POST", &path, json!({ "ticket": ticket })).await
    }

    /// Swaps a ticket for a token on a device; `session` is what it had before.
    pub(crate) async fn play_on(
        &self,
        show: &str,
        ticket: &str,
        agent: &str,
        session: &Value,
    ) -> Answer {
        let mut body = json!({ "ticket": ticket });
        if !session.is_null() {
            body["session"] = session.clone();
        }
        let request = Request::post(format!("/v1/shows/{show}/playback"))
            .header("content-type", "application/json")
            .header("user-agent", agent);
        self.send(request.body(text(&body)).unwrap()).await
    }

    /// Sets a tier of a show.
    pub(crate) async fn tier(&self, show: &str, name: &str, policy: Value) {
        let path = format!("/v1/shows/{show}/tiers/{name}");
        let set = self.admin("PUT", &path, policy).await;
        assert_eq!(set.status, StatusCode::OK, "{set:?}");
    }
}

impl Answer {
    /// The code of a problem, which it must be.
    pub(crate) fn code(&self) -> &str {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        assert_eq!(self.json["status"], self.status.as_u16());
        assert_eq!(self.json["request_id"], self.headers["x-request-id"].to_str().unwrap());
        self.json["code"].as_str().unwrap()
    }
}

/// A string of an answer.
pub(crate) fn field<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {json}"))
}

fn text(body: &Value) -> Body {
    if body.is_null() { Body::empty() } else { Body::from(body.to_string()) }
}
