//! `/v1/shows/{show}/captions/{track}`: what is said in a live show, for those who read it.
//!
//! In: read requests. Out: cues for the show's stage. Does not know how they are shown.

use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::extract::State;
use shared_wire::ShowId;
use shared_wire::api::{CaptionsTaken, NewCaptions};

use super::address::{Known, Named};
use super::body::BodyOrVtt;
use super::refusal::Refusal;
use crate::{Error, House, captions};

/// `POST /v1/shows/{show}/captions/{track}`
pub(super) async fn put(
    State(house): State<Arc<House>>,
    Known(show): Known,
    Named(language): Named,
    body: BodyOrVtt<NewCaptions>,
) -> Result<Json<CaptionsTaken>, Refusal> {
    let tracks = show.broadcast.captions.as_deref().unwrap_or_default();
    let track = tracks.iter().find(|track| track.language.eq_ignore_ascii_case(&language));
    let track = track.ok_or(Error::CaptionTrackUnknown)?;
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    let now_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    let cues = match body {
        BodyOrVtt::Json(new) => captions::of_json(new, now_ms)?,
        BodyOrVtt::Vtt(text) => {
            let begun_us = if captions::is_mapped(&text) {
                house.on_air()?.begun_us(show.show).await?
            } else {
                0
            };
            captions::of_vtt(&text, now_ms, begun_us)?
        }
    };
    let on_air = house.on_air()?;
    house.pace(show.show, cues.len(), now_ms)?;
    let taken = CaptionsTaken { cues: cues.len() };
    on_air.put_captions(show.show, track.rendition(), cues).await?;
    Ok(Json(taken))
}

impl House {
    /// Takes so many cues of a show, if it may send them now.
    fn pace(&self, show: ShowId, cues: usize, now_ms: i64) -> Result<(), Error> {
        // Whatever happened to whoever held it, what is left in there are numbers.
        let mut paces = self.captions.lock().unwrap_or_else(PoisonError::into_inner);
        let paced = paces.take(show, cues, now_ms);
        paced.map_err(|retry_after_s| Error::CaptionsTooFast { retry_after_s })
    }
}
