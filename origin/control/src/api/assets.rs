//! `/v1/assets`: files that are there.
//!
//! In: read requests. Out: what the house answers, as JSON. Does not know rows, nor where bytes lie.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use shared_wire::api::{
    Asset, AssetKind, AssetList, AssetPlan, AssetState, ChangeAsset, Dropped, Import, KeepHdr,
    Priority,
};
use shared_wire::{AssetId, ShowId, Who};

use super::access::Asker;
use super::address::{malformed_query, parameter};
use super::body::Body;
use super::refusal::Refusal;
use crate::assets::Search;
use crate::files::{NewFile, NewImport, Origin};
use crate::page::Page;
use crate::{Error, House};

/// The asset in the path: to an account one of its own, to the administrator whether it exists or not.
pub(super) struct Which(pub(super) AssetId);

impl FromRequestParts<Arc<House>> for Which {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, house: &Arc<House>) -> Result<Self, Refusal> {
        let text = parameter(parts, house, "asset").await.unwrap_or_default();
        // Whatever is no id names no asset.
        let asset = text.parse().map_err(|_| Error::AssetUnknown)?;
        let Asker(who) = Asker::from_request_parts(parts, house).await?;
        seen(house, &who, asset).await?;
        Ok(Self(asset))
    }
}

/// Whether an asset is one for whoever asks.
///
/// # Errors
/// [`Error::AssetUnknown`], storage errors.
async fn seen(house: &House, who: &Who, asset: AssetId) -> Result<(), Error> {
    if house.accounts.may_see(who, asset).await? { Ok(()) } else { Err(Error::AssetUnknown) }
}

/// `?q=…&state=…&kind=…&account=…&limit=…&cursor=…`, and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchQuery {
    q: Option<String>,
    state: Option<AssetState>,
    account: Option<String>,
    kind: Option<AssetKind>,
    limit: Option<u64>,
    cursor: Option<String>,
}

/// What is looked for, and which page of it.
pub(super) struct Looked(Search, Page);

impl FromRequestParts<Arc<House>> for Looked {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, house: &Arc<House>) -> Result<Self, Refusal> {
        let query = Query::<SearchQuery>::try_from_uri(&parts.uri);
        let Query(query) = query.map_err(|error| malformed_query(&error))?;
        let page = Page::new(&house.config, query.limit, query.cursor.as_deref())?;
        let Asker(who) = Asker::from_request_parts(parts, house).await?;
        // An account sees its own, whatever it asks for.
        let account = who.account().map(str::to_owned).or(query.account);
        Ok(Self(Search { text: query.q, state: query.state, kind: query.kind, account }, page))
    }
}

/// `GET /v1/assets`
pub(super) async fn list(
    State(house): State<Arc<House>>,
    Looked(search, page): Looked,
) -> Result<Json<AssetList>, Refusal> {
    Ok(Json(house.assets.list(search, page).await?))
}

/// `?title=…&file_name=…&priority=…&keep_hdr=…`, and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileQuery {
    title: Option<String>,
    file_name: Option<String>,
    priority: Option<Priority>,
    keep_hdr: Option<KeepHdr>,
}

/// `POST /v1/assets`: a file in one request.
pub(super) async fn take(
    State(house): State<Arc<House>>,
    Asker(who): Asker,
    request: Request,
) -> Result<(StatusCode, Json<Asset>), Refusal> {
    let query = Query::<FileQuery>::try_from_uri(request.uri());
    let Query(query) = query.map_err(|error| malformed_query(&error))?;
    let FileQuery { title, file_name, priority, keep_hdr } = query;
    for (field, text) in [("title", &title), ("file_name", &file_name)] {
        if let Some(text) = text {
            crate::page::check_text(field, text, house.config.title_chars_max)?;
        }
    }
    let length = length(request.headers());
    let priority = priority.unwrap_or_default();
    let account = who.account().map(str::to_owned);
    let body = request.into_body();
    let file = NewFile { account, title, file_name, priority, keep_hdr, length, body };
    let asset = house.files()?.take(file).await?;
    tracing::info!(%asset, "a file was uploaded");
    Ok((StatusCode::CREATED, Json(house.assets.get(asset).await?)))
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// `POST /v1/assets/import`: a file elsewhere, or a recording.
pub(super) async fn import(
    State(house): State<Arc<House>>,
    Asker(who): Asker,
    Body(Import { url, asset, title, priority, keep_hdr }): Body<Import>,
) -> Result<(StatusCode, Json<Asset>), Refusal> {
    if let Some(title) = &title {
        crate::page::check_text("title", title, house.config.title_chars_max)?;
    }
    let (from, title, usual) = match (url, asset) {
        (Some(url), None) => (Origin::Url(url), title, Priority::Bulk),
        (None, Some(asset)) => {
            let (show, its) = recording(&house, &who, asset).await?;
            (Origin::Recording(show), title.or(Some(its)), Priority::Normal)
        }
        _ => {
            let reason = "either this or `asset` is to be said".to_owned();
            return Err(Error::Invalid { field: "url", reason }.into());
        }
    };
    let priority = priority.unwrap_or(usual);
    let account = who.account().map(str::to_owned);
    let file = NewImport { account, from, title, priority, keep_hdr };
    let asset = house.files()?.import(file).await?;
    tracing::info!(%asset, "a file was fetched");
    Ok((StatusCode::CREATED, Json(house.assets.get(asset).await?)))
}

/// The show of a recording that may be imported, and its title.
async fn recording(house: &House, who: &Who, asset: AssetId) -> Result<(ShowId, String), Error> {
    seen(house, who, asset).await?;
    let asset = house.assets.get(asset).await?;
    let show = asset.show.filter(|_| asset.kind == AssetKind::Recording);
    let reason = "is a film: `matinee asset transcode` makes it anew".to_owned();
    show.map(|show| (show, asset.title)).ok_or(Error::Invalid { field: "asset", reason })
}

/// `GET /v1/assets/{asset}`
pub(super) async fn get(
    State(house): State<Arc<House>>,
    Which(asset): Which,
) -> Result<Json<Asset>, Refusal> {
    Ok(Json(house.assets.get(asset).await?))
}

/// `GET /v1/assets/{asset}/plan`: what it is to become.
pub(super) async fn plan(
    State(house): State<Arc<House>>,
    Which(asset): Which,
) -> Result<Json<AssetPlan>, Refusal> {
    let upload = upload(&house, asset).await?;
    let media = upload.media.ok_or(Error::AssetNotReady)?;
    Ok(Json(house.files()?.plan(&media, upload.keep_hdr.unwrap_or_default())))
}

/// An asset of which something is made.
///
/// # Errors
/// [`Error::AssetUnknown`], [`Error::AssetIsRecording`], storage errors.
pub(super) async fn upload(house: &House, asset: AssetId) -> Result<Asset, Error> {
    let asset = house.assets.get(asset).await?;
    match asset.kind {
        AssetKind::Upload => Ok(asset),
        AssetKind::Recording => Err(Error::AssetIsRecording),
    }
}

/// `PATCH /v1/assets/{asset}`
pub(super) async fn change(
    State(house): State<Arc<House>>,
    Which(asset): Which,
    Body(change): Body<ChangeAsset>,
) -> Result<Json<Asset>, Refusal> {
    Ok(Json(house.assets.change(asset, change).await?))
}

/// `DELETE /v1/assets/{asset}`
pub(super) async fn delete(
    State(house): State<Arc<House>>,
    Which(id): Which,
) -> Result<Json<Dropped>, Refusal> {
    let gone = house.delete_asset(id).await?;
    tracing::info!(asset = %id, "an asset was deleted");
    Ok(Json(gone))
}
