//! `/v1/accounts`: who may upload without the administrator's credential; and `/v1/account`, what whoever asks takes.
//!
//! In: read requests. Out: what the house answers, as JSON. Does not know rows.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared_wire::api::{Account, AccountList, CreatedAccount, NewAccount, NewQuota, Usage};

use super::access::Asker;
use super::address::{Named, malformed_query};
use super::body::Body;
use super::refusal::Refusal;
use crate::House;
use crate::page::Page;

/// `POST /v1/accounts`
pub(super) async fn create(
    State(house): State<Arc<House>>,
    Body(new): Body<NewAccount>,
) -> Result<Response, Refusal> {
    let created = house.accounts.create(house.now(), new).await?;
    tracing::info!(account = created.account, "account created");
    let location = [(header::LOCATION, format!("/v1/accounts/{}", created.account))];
    Ok((StatusCode::CREATED, location, Json(created)).into_response())
}

/// `GET /v1/accounts`
pub(super) async fn list(
    State(house): State<Arc<House>>,
    page: Page,
) -> Result<Json<AccountList>, Refusal> {
    Ok(Json(house.accounts.list(page).await?))
}

/// `GET /v1/accounts/{account}`
pub(super) async fn get(
    State(house): State<Arc<House>>,
    Named(name): Named,
) -> Result<Json<Account>, Refusal> {
    Ok(Json(house.accounts.get(&name).await?))
}

/// `PUT /v1/accounts/{account}/quota`
pub(super) async fn set_quota(
    State(house): State<Arc<House>>,
    Named(name): Named,
    Body(NewQuota { quota_bytes }): Body<NewQuota>,
) -> Result<Json<Account>, Refusal> {
    let account = house.accounts.set_quota(&name, quota_bytes).await?;
    tracing::info!(account = name, quota_bytes, "account has another quota");
    Ok(Json(account))
}

/// `POST /v1/accounts/{account}/token`
pub(super) async fn rotate(
    State(house): State<Arc<House>>,
    Named(name): Named,
) -> Result<Json<CreatedAccount>, Refusal> {
    let created = house.accounts.rotate(&name).await?;
    tracing::info!(account = name, "account's token replaced");
    Ok(Json(created))
}

/// `?hand_over=true`, and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeleteQuery {
    #[serde(default)]
    hand_over: bool,
}

/// `DELETE /v1/accounts/{account}`
pub(super) async fn delete(
    State(house): State<Arc<House>>,
    Named(name): Named,
    uri: Uri,
) -> Result<Json<Account>, Refusal> {
    let query = Query::<DeleteQuery>::try_from_uri(&uri);
    let Query(DeleteQuery { hand_over }) = query.map_err(|error| malformed_query(&error))?;
    let gone = house.accounts.delete(&name, hand_over).await?;
    tracing::info!(account = name, hand_over, "account deleted");
    Ok(Json(gone))
}

/// `GET /v1/account`
pub(super) async fn usage(
    State(house): State<Arc<House>>,
    Asker(who): Asker,
) -> Result<Json<Usage>, Refusal> {
    Ok(Json(house.accounts.usage(&who).await?))
}
