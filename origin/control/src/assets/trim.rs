//! What of an asset is shown.
//!
//! In: two points, as an administrator says them. Out: the same of its show, by which playlists are cut as they are
//! served. Nothing is deleted: it can be said otherwise at any time.

use sea_orm::QuerySelect as _;
use shared_wire::AssetId;
use shared_wire::api::{Asset, ShowState, State, Trim};

use super::{Assets, by_id, of_row};
use crate::Error;
use crate::shows::ShowSaid;

impl Assets {
    /// Has an asset shown between two points; all of it, if there are none.
    ///
    /// # Errors
    /// [`Error::AssetUnknown`], [`Error::AssetNotWhole`], [`Error::Invalid`], storage errors.
    pub(crate) async fn trim(&self, id: AssetId, trim: Option<Trim>) -> Result<Asset, Error> {
        let turn = self.shows.turn().await;
        let change = self.rows.write().await?;
        let row = by_id(id).lock_exclusive().one(change.on()).await?;
        let mut asset = of_row(&row.ok_or(Error::AssetUnknown)?)?;
        let show = asset.show.and_then(|show| self.shows.state(show)).filter(is_whole);
        let show = show.filter(|_| asset.is_playable).ok_or(Error::AssetNotWhole)?.show;
        if let Some(trim) = trim {
            check(trim, asset.duration_ms.ok_or(Error::AssetNotWhole)?)?;
        }
        let said = ShowSaid { trim: Some(trim), ..ShowSaid::default() };
        self.shows.say_in(turn, change, Some(show), said).await?;
        self.tell(std::slice::from_mut(&mut asset)).await?;
        Ok(asset)
    }
}

/// Whether nothing more comes of a show: how long it is, is known.
fn is_whole(show: &ShowState) -> bool {
    show.state == State::Ended && !show.is_growing
}

/// Whether an asset of this length has such points.
fn check(trim: Trim, whole_ms: u64) -> Result<(), Error> {
    let invalid = |field, reason| Err(Error::Invalid { field, reason });
    let Trim { in_ms, out_ms } = trim;
    if in_ms.is_none() && out_ms.is_none() {
        return invalid("in_ms", "must be there, or `out_ms`: delete the trim instead".to_owned());
    }
    if let Some(out_ms) = out_ms.filter(|out_ms| *out_ms > whole_ms) {
        let reason = format!("must not be after the end: {out_ms} is, of {whole_ms} ms");
        return invalid("out_ms", reason);
    }
    let (in_ms, out_ms) = (in_ms.unwrap_or_default(), out_ms.unwrap_or(whole_ms));
    if in_ms >= out_ms {
        let reason = format!("must be before what is shown ends: {in_ms} is not before {out_ms}");
        return invalid("in_ms", reason);
    }
    Ok(())
}
