//! Signed HTTP callbacks: what happens to shows is told, and who wants to publish is asked about.
//!
//! In: settings, the house's secret, what happens. Out: Standard Webhooks, signed with HMAC-SHA-256. Does not know what
//! the receivers do. Nothing on a frame's way waits for them: events wait in a queue of their show, and only the
//! publisher that is asked about waits for the answer.

mod deliver;
mod request;
mod sign;
mod spool;

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use origin_control::ShowRecord;
use reqwest::Client;
use serde::Serialize;
use serde_json::json;
use shared_wire::ShowId;
use shared_wire::api::Rung;

use crate::error::Error;
use deliver::Deliveries;
use sign::Secret;

pub(crate) use request::Judgement;

/// How long a receiver may take to answer an event.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// Where receivers are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Receivers {
    /// Who is told of events.
    pub(crate) events: Option<String>,
    /// Who is asked about publishers.
    pub(crate) publish: Option<String>,
}

/// What happens to a show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Event {
    /// Its first publisher is on the air.
    #[serde(rename = "show.started")]
    Started,
    /// Its publisher is gone, and may come back.
    #[serde(rename = "show.interrupted")]
    Interrupted,
    /// A publisher is on the air again.
    #[serde(rename = "show.resumed")]
    Resumed,
    /// It is over.
    #[serde(rename = "show.ended")]
    Ended,
    /// Its recording can be played.
    #[serde(rename = "recording.ready")]
    RecordingReady,
}

/// The house's hooks. Clones are the same.
#[derive(Clone)]
pub(crate) struct Hooks {
    client: Client,
    secret: Secret,
    publish: Option<String>,
    events: Option<Deliveries>,
}

impl Hooks {
    /// Hooks to these receivers. Events that wait are kept below `data`. Called within a runtime.
    ///
    /// # Errors
    /// If this machine gives no client, the secret is none, or the directory cannot be used.
    pub(crate) fn open(receivers: Receivers, secret: &str, data: &Path) -> Result<Self, Error> {
        // A redirect could lead to where the operator did not want to be asked.
        let client = Client::builder()
            .timeout(ANSWER_WAIT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Error::Machine(format!("hooks cannot be called: {error}")))?;
        let secret = Secret::parse(secret)
            .ok_or_else(|| Error::Machine("keys/hook.key is damaged".to_owned()))?;
        let events = receivers.events.map(|url| {
            let directory = data.join("hooks");
            let opened = Deliveries::open(client.clone(), url, secret.clone(), directory.clone());
            let unusable =
                |error| Error::Machine(format!("{} cannot be used: {error}", directory.display()));
            opened.map_err(unusable)
        });
        let events = events.transpose()?;
        Ok(Self { client, secret, publish: receivers.publish, events })
    }

    /// Tells of an event. Never waits.
    pub(crate) fn tell(&self, show: ShowId, event: Event) {
        let Some(events) = &self.events else { return };
        let mut data = json!({ "show": show });
        if event == Event::RecordingReady {
            data["playlist"] = json!(format!("/live/{show}/index.m3u8"));
        }
        events.push(show, body(&event, &data));
    }

    /// Asks whether a publisher may go on the air, where somebody is to be asked.
    pub(crate) async fn judge(
        &self,
        show: &ShowRecord,
        peer: SocketAddr,
        is_backup: bool,
    ) -> Judgement {
        let Some(url) = &self.publish else { return Judgement::Admit(None) };
        let data = json!({
            "show": show.show,
            "title": show.title,
            "state": show.state,
            "peer": peer.to_string(),
            "backup": is_backup,
        });
        request::ask(&self.client, url, &self.secret, body(&"publish.requested", &data)).await
    }

    /// Waits, for a drain, until events are delivered or it has taken too long.
    pub(crate) async fn flush(&self) {
        if let Some(events) = &self.events {
            events.flush().await;
        }
    }
}

/// The rungs a receiver chose.
pub(crate) type Rungs = Vec<Rung>;

/// The body of a message: the same for every try.
fn body(kind: &impl Serialize, data: &serde_json::Value) -> String {
    json!({ "type": kind, "timestamp": crate::hooks::now_s(), "data": data }).to_string()
}

/// Seconds since the Unix epoch.
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
