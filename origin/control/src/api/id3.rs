//! `/v1/shows/{show}/id3`: timed metadata in the media of a live show.
//!
//! In: read requests. Out: a tag for the show's stage. Does not know how it gets into the media.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use data_encoding::BASE64;
use shared_media::id3;
use shared_wire::api::{Id3Taken, NewId3};

use super::address::Known;
use super::body::Body;
use super::refusal::Refusal;
use crate::{Error, House};

/// `POST /v1/shows/{show}/id3`
pub(super) async fn put(
    State(house): State<Arc<House>>,
    Known(show): Known,
    Body(new): Body<NewId3>,
) -> Result<Json<Id3Taken>, Refusal> {
    let tag = tag(new)?;
    let bytes = tag.len();
    house.on_air()?.put_id3(show.show, tag).await?;
    Ok(Json(Id3Taken { bytes }))
}

fn tag(new: NewId3) -> Result<Vec<u8>, Error> {
    let wrong = |field, reason: String| Err(Error::Invalid { field, reason });
    let most = id3::TAG_BYTES_MAX;
    match (new.text, new.base64) {
        (Some(text), None) => {
            let tag = id3::text(new.description.as_deref().unwrap_or_default(), &text);
            let reason = || format!("must have no zeros, and fit a tag of {most} bytes");
            tag.map_or_else(|| wrong("text", reason()), Ok)
        }
        (None, Some(base64)) if new.description.is_none() => {
            let tag = BASE64.decode(base64.as_bytes()).ok().filter(|tag| id3::is_tag(tag));
            let reason =
                || format!("must be one ID3 tag of version 2.3 or 2.4, {most} bytes at most");
            tag.map_or_else(|| wrong("base64", reason()), Ok)
        }
        _ => wrong("text", "or `base64` must be there, and `description` with `text` only".into()),
    }
}
