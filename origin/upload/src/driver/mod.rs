//! Requests, streamed: the only place with sockets, timers and tasks.
//!
//! In: HTTP requests. Out: what the machine decided, done. Does not know databases.

mod absorb;
mod answer;
mod held;
mod sweep;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::any;
use http::HeaderMap;
use shared_wire::upload::{Stage, Upload};
use shared_wire::{AssetId, Who};
use tokio_util::sync::CancellationToken;

use crate::machine::{self, Chunk, Concat, Create, Method, Refusal, name};
use crate::port::{Ledger, New, Reply, Store};
use crate::{Config, Error};
use answer::{Answer, Ask};
use held::{Held, unknown};
use turns::Turns;

/// Where uploads are made.
const PLACE: &str = "/v1/tus";

/// Who asks, by a request's headers; `None`: nobody who may upload.
pub type Authorise = Arc<dyn Fn(&HeaderMap) -> Reply<'static, Option<Who>> + Send + Sync>;

/// All uploads. Clones are handles to the same ones.
#[derive(Clone)]
pub struct Uploads {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    ledger: Arc<dyn Ledger>,
    store: Arc<dyn Store>,
    turns: Arc<Turns>,
    /// The house stops: requests end with what has come.
    stop: CancellationToken,
}

/// The routes of the protocol.
pub fn router(uploads: &Uploads, authorise: Authorise) -> Router {
    Router::new()
        .route(PLACE, any(at_place))
        .route("/v1/tus/{upload}", any(at_upload))
        .with_state((uploads.clone(), authorise))
}

type House = (Uploads, Authorise);

async fn at_place(State((uploads, authorise)): State<House>, request: Request) -> Response {
    uploads.serve(&authorise, None, request).await
}

async fn at_upload(
    State((uploads, authorise)): State<House>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    uploads.serve(&authorise, Some(id), request).await
}

impl Uploads {
    /// Opens them.
    #[must_use]
    pub fn new(
        config: Config,
        ledger: Arc<dyn Ledger>,
        store: Arc<dyn Store>,
        stop: CancellationToken,
    ) -> Self {
        let turns = Arc::default();
        Self { shared: Arc::new(Shared { config, ledger, store, turns, stop }) }
    }

    /// Finishes what was left whole and removes what has expired, now and then, until the house stops.
    pub fn start_sweeping(&self) {
        tokio::spawn(self.shared.clone().sweep());
    }

    /// Finishes and removes what is due now.
    pub async fn sweep_once(&self) {
        self.shared.sweep_once().await;
    }

    /// Takes a whole file by itself, without the protocol; the asset it is, which `account` owns, or the house.
    ///
    /// # Errors
    /// Any of [`Error`]; then nothing is left of it.
    pub async fn take(
        &self,
        account: Option<String>,
        metadata: Option<String>,
        length: Option<u64>,
        body: Body,
    ) -> Result<AssetId, Error> {
        let shared = self.shared.clone();
        if length.is_some_and(|length| length > shared.config.size_max) {
            let detail = format!("a file may have {} bytes", shared.config.size_max);
            return Err(Refusal { status: 413, code: "upload_too_large", detail }.into());
        }
        // It goes on if whoever asked hangs up: what was begun is brought to an end.
        let expires_s = shared.config.expires_s;
        let new = New { account, length, metadata, concat: None, expires_s };
        let task = tokio::spawn(async move { shared.take(new, body).await });
        task.await.map_err(|error| Error::Storage(error.to_string()))?
    }

    /// Deletes an asset's bytes. What is known of it goes with them.
    ///
    /// # Errors
    /// [`Error::Held`], [`Error::Storage`].
    pub async fn delete(&self, id: AssetId) -> Result<(), Error> {
        match self.shared.hold(id, self.shared.config.turn_wait).await {
            Ok(mut held) => self.shared.drop_held(&mut held, "deleted").await,
            // The upload was forgotten long ago; its asset was not.
            Err(Error::Refused(_)) => self.shared.store.delete(id).await,
            Err(error) => Err(error),
        }
    }

    /// Deletes an asset's bytes alone: what is known of it stays.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn discard(&self, id: AssetId) -> Result<(), Error> {
        self.shared.store.delete(id).await
    }

    async fn serve(&self, authorise: &Authorise, id: Option<String>, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let headers = parts.headers;
        let ask = Ask { headers: headers.clone(), size_max: self.shared.config.size_max };
        let method = match machine::method(parts.method.as_str(), &headers) {
            Ok(Method::Options) => return ask.options(),
            Ok(method) => method,
            Err(refusal) => return ask.error(&refusal.into()),
        };
        let who = match authorise(&headers).await {
            Ok(Some(who)) => who,
            Ok(None) => return ask.unauthorised(),
            Err(error) => return ask.error(&error),
        };
        let shared = self.shared.clone();
        // A request that breaks off must not take its upload with it: what has come is counted, and it is let go.
        let task =
            tokio::spawn(async move { shared.answer((method, who), id, &headers, body).await });
        match task.await {
            Ok(Ok(answer)) => ask.answer(method, answer),
            Ok(Err(error)) => ask.error(&error),
            Err(error) => ask.error(&Error::Storage(error.to_string())),
        }
    }
}

impl Shared {
    async fn answer(
        self: &Arc<Self>,
        (method, who): (Method, Who),
        id: Option<String>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Answer, Error> {
        machine::version(headers)?;
        let Some(id) = id else {
            return match method {
                Method::Post => self.create(&who, headers, body).await,
                _ => Err(method_wrong("here uploads are made, by POST").into()),
            };
        };
        let id = id.parse().map_err(|_| unknown())?;
        match method {
            Method::Head => self.head(&who, id).await,
            Method::Patch => self.patch(&who, id, headers, body).await,
            Method::Delete => self.terminate(&who, id).await,
            Method::Post | Method::Options => {
                Err(method_wrong("an upload takes HEAD, PATCH and DELETE").into())
            }
        }
    }

    async fn create(
        self: &Arc<Self>,
        who: &Who,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Answer, Error> {
        let Create { length, metadata, concat, concat_sent, chunk } =
            machine::create(headers, &self.config)?;
        let length = match &concat {
            Concat::Final(parts) => Some(self.sum(who, parts).await?),
            Concat::Whole | Concat::Partial => length,
        };
        let expires_s = self.config.expires_s;
        let account = who.account().map(str::to_owned);
        let new = New { account, length, metadata, concat: concat_sent, expires_s };
        let mut upload = self.ledger.create(new).await?;
        let id = upload.id;
        let is_final = matches!(concat, Concat::Final(_));
        if is_final || chunk.is_some() || length == Some(0) {
            let mut held = self.hold(id, self.config.turn_wait).await?;
            let filled = self.fill(&mut held, is_final, chunk.as_ref(), body).await;
            upload = held.upload.clone();
            drop(held);
            if let (Err(error), true) = (&filled, is_final) {
                // Whoever asked will ask again, for another one.
                tracing::warn!(upload = %id, %error, "parts were not put together");
                let mut held = self.hold(id, self.config.turn_wait).await?;
                self.drop_held(&mut held, "refused").await?;
            }
            filled?;
        }
        Ok(Answer { created: Some(id), ..Answer::of(&upload) })
    }

    /// Puts into a new upload what came with the request that made it.
    async fn fill(
        self: &Arc<Self>,
        held: &mut Held,
        is_final: bool,
        chunk: Option<&Chunk>,
        body: Body,
    ) -> Result<(), Error> {
        let end = match chunk {
            Some(chunk) => self.absorb(held, chunk, body).await,
            None => Ok(()),
        };
        match end {
            Ok(()) if is_final || held.upload.is_whole() => self.finish(held).await,
            // Whoever made it never learns of it, so nothing is left.
            Err(error @ (Error::Refused(_) | Error::Quota(_))) => {
                self.drop_held(held, "refused").await?;
                Err(error)
            }
            // It is there, with what had come: the answer says how much.
            Ok(()) | Err(_) => self.release(held).await,
        }
    }

    /// Bytes of a whole that is made of these parts.
    async fn sum(&self, who: &Who, parts: &[AssetId]) -> Result<u64, Error> {
        let mut sum = 0_u64;
        for id in parts {
            let part = self.ledger.find(*id).await?;
            let part = part.filter(|part| who.may_see(part.account.as_deref()));
            let concat = part.as_ref().and_then(|part| part.concat.as_deref());
            let refused = |what: &str| {
                let detail = format!("the upload {id} {what}");
                Refusal { status: 400, code: "concat_malformed", detail }
            };
            if concat != Some("partial") {
                return Err(refused("is no partial upload of this house").into());
            }
            match part {
                Some(part) if part.stage == Stage::Done => {
                    sum = sum.saturating_add(part.offset());
                }
                _ => return Err(refused("is not finished").into()),
            }
        }
        if sum > self.config.size_max {
            let detail = format!("a file may have {} bytes", self.config.size_max);
            return Err(Refusal { status: 413, code: "upload_too_large", detail }.into());
        }
        Ok(sum)
    }

    /// An upload that is not gone, for whoever may know of it: to others there is none.
    async fn seen(&self, who: &Who, id: AssetId) -> Result<Upload, Error> {
        let found = self.ledger.find(id).await?;
        let found = found.filter(|found| who.may_see(found.account.as_deref()));
        let found = found.ok_or_else(unknown)?;
        machine::gone(&found, self.ledger.now())?;
        Ok(found)
    }

    async fn head(&self, who: &Who, id: AssetId) -> Result<Answer, Error> {
        let found = self.seen(who, id).await?;
        let is_final = machine::parts_of(found.concat.as_deref()).is_some();
        let upload = if found.stage == Stage::Open && !is_final {
            // Whoever asks wants to go on: a request that hangs lets go first, with what it has.
            let mut held = self.hold(id, self.config.turn_wait).await?;
            if held.upload.is_whole() && held.upload.stage == Stage::Open {
                self.finish(&mut held).await?;
            } else {
                self.release(&mut held).await?;
            }
            held.upload
        } else {
            found
        };
        let plan = machine::head(&upload, self.ledger.now())?;
        Ok(Answer { plan, ..Answer::of(&upload) })
    }

    async fn patch(
        self: &Arc<Self>,
        who: &Who,
        id: AssetId,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Answer, Error> {
        // What cannot be, does not disturb whoever has the upload.
        let found = self.seen(who, id).await?;
        if found.stage == Stage::Done {
            machine::patch(headers, &found, self.ledger.now(), &self.config)?;
            return Ok(Answer::of(&found)); // no byte can be left
        }
        let mut held = self.hold(id, self.config.turn_wait).await?;
        let patch = machine::patch(headers, &held.upload, self.ledger.now(), &self.config);
        let end = match patch {
            Ok(patch) => self.go_on(&mut held, patch, body).await,
            Err(refusal) => Err(refusal.into()),
        };
        match end {
            Ok(()) if held.upload.is_whole() => self.finish(&mut held).await?,
            end => {
                let released = self.release(&mut held).await;
                end?;
                released?;
            }
        }
        Ok(Answer::of(&held.upload))
    }

    async fn go_on(
        self: &Arc<Self>,
        held: &mut Held,
        patch: machine::Patch,
        body: Body,
    ) -> Result<(), Error> {
        if let (None, Some(length)) = (held.upload.length, patch.length) {
            // Before a byte is taken: there may be no room for so many.
            let had = std::mem::replace(&mut held.reserved, length);
            held.upload.length = Some(length);
            if let Err(error) = self.save(held).await {
                (held.upload.length, held.reserved) = (None, had);
                return Err(error);
            }
        }
        self.absorb(held, &patch.chunk, body).await
    }

    async fn terminate(&self, who: &Who, id: AssetId) -> Result<Answer, Error> {
        self.seen(who, id).await?;
        let mut held = self.hold(id, self.config.turn_wait).await?;
        self.drop_held(&mut held, "terminated").await?;
        Ok(Answer::default())
    }

    async fn take(self: &Arc<Self>, new: New, body: Body) -> Result<AssetId, Error> {
        let length = new.length;
        let id = self.ledger.create(new).await?.id;
        let mut held = self.hold(id, Duration::ZERO).await?;
        let bytes_max = length.unwrap_or(self.config.size_max);
        let chunk = Chunk { bytes_max, said: length, checksum: None };
        let mut end = self.absorb(&mut held, &chunk, body).await;
        if end.is_ok() {
            // Without a length the end of the body is the end of the file.
            let length = *held.upload.length.get_or_insert(held.upload.offset());
            held.reserved = length;
            end = if held.upload.is_whole() {
                self.finish(&mut held).await
            } else {
                Err(Error::BrokeOff)
            };
        }
        if let Err(error) = end {
            if held.upload.stage == Stage::Open {
                self.drop_held(&mut held, "refused").await?;
            }
            return Err(error);
        }
        Ok(id)
    }
}

fn method_wrong(detail: &str) -> Refusal {
    Refusal { status: 405, code: "method_not_allowed", detail: detail.to_owned() }
}

/// Whether an upload may still be gone on with, so that its end is told.
fn expires(upload: &Upload) -> Option<i64> {
    (upload.stage == Stage::Open).then_some(upload.expires_at)
}

/// Where an upload is.
fn location(id: AssetId) -> String {
    format!("{PLACE}/{id}")
}

/// Headers that browsers may send, and read.
const OURS: [&str; 12] = [
    name::RESUMABLE,
    name::VERSIONS,
    name::EXTENSION,
    name::MAX_SIZE,
    name::CHECKSUM_ALGORITHM,
    name::OFFSET,
    name::LENGTH,
    name::DEFER_LENGTH,
    name::METADATA,
    name::CONCAT,
    name::CHECKSUM,
    name::EXPIRES,
];
