//! `/v1/assets/{asset}/subtitles`: what is to be read beside a film, in files of their own.
//!
//! In: read requests. Out: what the house answers, as JSON. Does not know rows, nor how films are made.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::Uri;
use axum::http::request::Parts;
use serde::Deserialize;
use shared_media::Language;
use shared_wire::AssetId;
use shared_wire::api::{CAPTION_LANGUAGE_CHARS_MAX, SUBTITLES_BYTES_MAX, Subtitles, SubtitlesList};

use super::address::{Named, malformed_query};
use super::assets::{Which, upload};
use super::body;
use super::refusal::Refusal;
use crate::captions::{NAME_CHARS_MAX, is_language, is_name};
use crate::films::NewSubtitles;
use crate::{Error, House, subtitles};

/// `?name=…&default=true&forced=true`, and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PutQuery {
    name: Option<String>,
    #[serde(default)]
    default: bool,
    #[serde(default)]
    forced: bool,
}

/// `?forced=true`, and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeleteQuery {
    #[serde(default)]
    forced: bool,
}

/// The language in the path, as it is always written.
pub(super) struct Spoken(Language);

impl FromRequestParts<Arc<House>> for Spoken {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, house: &Arc<House>) -> Result<Self, Refusal> {
        let Named(tag) = Named::from_request_parts(parts, house).await?;
        let language = Language::new(&usual(&tag)).filter(|_| is_language(&tag));
        let reason = || {
            format!(
                "must be one of BCP 47, of {CAPTION_LANGUAGE_CHARS_MAX} characters at most, such \
                 as `en` or `pt-BR`"
            )
        };
        let wrong = || Error::Invalid { field: "language", reason: reason() };
        Ok(Self(language.ok_or_else(wrong)?))
    }
}

/// A tag as it is usually written (RFC 5646, 2.1.1): `pt-BR`, `zh-Hant`.
fn usual(tag: &str) -> String {
    let part = |(at, part): (usize, &str)| match (at, part.len()) {
        (1.., 2) => part.to_ascii_uppercase(),
        (1.., 4) => {
            let (first, rest) = part.split_at_checked(1).unwrap_or((part, ""));
            format!("{}{}", first.to_ascii_uppercase(), rest.to_ascii_lowercase())
        }
        _ => part.to_ascii_lowercase(),
    };
    tag.split('-').enumerate().map(part).collect::<Vec<_>>().join("-")
}

/// `GET /v1/assets/{asset}/subtitles`
pub(super) async fn list(
    State(house): State<Arc<House>>,
    Which(asset): Which,
) -> Result<Json<SubtitlesList>, Refusal> {
    Ok(Json(SubtitlesList { subtitles: house.films.list_subtitles(asset).await? }))
}

/// `PUT /v1/assets/{asset}/subtitles/{language}`
pub(super) async fn put(
    State(house): State<Arc<House>>,
    Which(asset): Which,
    Spoken(language): Spoken,
    request: Request,
) -> Result<Json<Subtitles>, Refusal> {
    let PutQuery { name, default: is_default, forced: is_forced } = query(request.uri())?;
    if name.as_deref().is_some_and(|name| !is_name(name)) {
        let reason = format!(
            "must be 1 to {NAME_CHARS_MAX} characters, without quotes and control characters"
        );
        return Err(Error::Invalid { field: "name", reason }.into());
    }
    upload(&house, asset).await?;
    let bytes = body::read_most(request, &house, SUBTITLES_BYTES_MAX).await?;
    // Nobody else waits for it meanwhile.
    let cues = tokio::task::spawn_blocking(move || subtitles::read(&bytes)).await;
    let cues = cues.map_err(|error| Error::Storage { reason: error.to_string() })??;
    let name = name.unwrap_or_else(|| language.name());
    let language = language.to_string();
    let new = NewSubtitles { language: language.clone(), name, is_default, is_forced, cues };
    house.films.put_subtitles(asset, house.now(), new).await?;
    tracing::info!(%asset, language, is_forced, "subtitles were uploaded");
    Ok(Json(one(&house, asset, &language, is_forced).await?))
}

/// `DELETE /v1/assets/{asset}/subtitles/{language}`
pub(super) async fn delete(
    State(house): State<Arc<House>>,
    Which(asset): Which,
    Spoken(language): Spoken,
    uri: Uri,
) -> Result<Json<Subtitles>, Refusal> {
    let DeleteQuery { forced } = query(&uri)?;
    let language = language.to_string();
    let gone = one(&house, asset, &language, forced).await?;
    house.films.delete_subtitles(asset, &language, forced).await?;
    tracing::info!(%asset, language, forced, "subtitles were deleted");
    Ok(Json(gone))
}

fn query<T: for<'a> Deserialize<'a>>(uri: &Uri) -> Result<T, Refusal> {
    let Query(query) = Query::try_from_uri(uri).map_err(|error| malformed_query(&error))?;
    Ok(query)
}

async fn one(
    house: &House,
    asset: AssetId,
    language: &str,
    is_forced: bool,
) -> Result<Subtitles, Error> {
    let all = house.films.list_subtitles(asset).await?;
    let found = all.into_iter().find(|one| one.language == language && one.forced == is_forced);
    found.ok_or(Error::SubtitlesUnknown)
}

#[cfg(test)]
mod tests {
    use super::usual;

    #[test]
    fn a_language_is_written_in_one_way() {
        for (tag, written) in
            [("EN", "en"), ("pt-br", "pt-BR"), ("ZH-hANT-tw", "zh-Hant-TW"), ("es-419", "es-419")]
        {
            assert_eq!(usual(tag), written);
        }
        assert_eq!((&*usual(""), &*usual("é-éé")), ("", "é-éé"));
    }
}
