//! Deleting assets: because somebody says so, or because they are kept no longer.
//!
//! In: an asset, the clock. Out: its bytes and objects gone, then its row. Does not know where bytes lie.

use shared_wire::AssetId;
use shared_wire::api::{Asset, AssetKind, Dropped, State};

use crate::assets::keeping::Due;
use crate::{Control, Error, House};

impl House {
    /// Deletes an asset, whatever it is made of.
    ///
    /// # Errors
    /// [`Error::AssetUnknown`], [`Error::AssetNotWhole`], [`Error::NoFiles`], storage errors.
    pub(crate) async fn delete_asset(&self, id: AssetId) -> Result<Dropped, Error> {
        let Asset { asset, kind, bytes, show, .. } = self.assets.get(id).await?;
        let files = self.files()?;
        // The bytes first: a row without bytes can be deleted again, bytes without a row are never found.
        match (kind, show) {
            (AssetKind::Recording, Some(show)) => {
                // What is on the air is not taken from under it.
                let known = self.shows.state(show);
                if known.is_some_and(|known| known.state != State::Ended) {
                    return Err(Error::AssetNotWhole);
                }
                files.delete_recording(show).await?;
                self.shows.drop_film_cover(show).await?;
            }
            (AssetKind::Upload, Some(show)) => {
                self.films.cancel(asset).await?;
                files.unmake(asset, show).await?;
                self.shows.set_film(show, true, false).await?;
                self.shows.drop_film_cover(show).await?;
                files.delete(asset).await?;
            }
            (AssetKind::Upload, None) => files.delete(asset).await?,
            (AssetKind::Recording, None) => {}
        }
        self.assets.forget(asset).await?;
        Ok(Dropped { asset, bytes })
    }

    /// Whether this node can delete all that there is of an asset.
    fn has(&self, due: &Due) -> Result<bool, Error> {
        let files = self.files()?;
        let is_own = due.node.as_deref().is_none_or(|node| node == self.keys.node());
        Ok(match (due.asset.kind, due.asset.show) {
            (AssetKind::Recording, Some(show)) => files.has_recording(show),
            _ => is_own || files.has_all_films(),
        })
    }
}

impl Control {
    /// Deletes assets that are kept no longer, as far as this node has them; which those were. What cannot be deleted
    /// now is tried again the next time.
    ///
    /// # Errors
    /// Storage errors, if it is not known which they are.
    pub async fn delete_due_assets(&self) -> Result<Vec<AssetId>, Error> {
        let (house, now) = (&self.house, self.house.now());
        let mut deleted = Vec::new();
        for due in house.assets.due(now).await? {
            let (asset, title) = (due.asset.asset, due.asset.title.clone());
            if !house.has(&due)? || !house.assets.is_due(now, asset).await? {
                continue;
            }
            match house.delete_asset(asset).await {
                Ok(gone) => {
                    let (kind, bytes) = (due.asset.kind.name(), gone.bytes);
                    let why = "an asset was kept long enough, and is deleted";
                    tracing::warn!(%asset, kind, title, bytes, "{why}");
                    deleted.push(asset);
                }
                // Its show is on the air again.
                Err(Error::AssetNotWhole | Error::AssetUnknown) => {}
                Err(error) => {
                    tracing::error!(%asset, %error, "an asset that is kept no longer stays")
                }
            }
        }
        Ok(deleted)
    }
}
