//! Uploads and assets, for whoever has their bytes.
//!
//! In: what uploads and probes ask. Out: [`Control`]'s answers. Does not know files.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use shared_wire::api::{Asset, Chapter, MediaInfo};
use shared_wire::upload::Upload;
use shared_wire::{AssetId, ShowId, Who};
use tokio::sync::Notify;

use crate::assets::FoundRecording;
use crate::uploads::{NewUpload, UploadChange, UploadLock};
use crate::{Control, Error, Files};

impl Control {
    /// Says who has the bytes of assets, for as long as that is there; the first to be named stays.
    pub fn set_files(&self, files: Weak<dyn Files>) {
        let _ = self.house.files.set(files);
    }

    /// Whoever presents this, if it is a right of this house: the administrator's credential is compared in a time that
    /// tells nothing about it, an account's token is found by its hash.
    ///
    /// # Errors
    /// Storage errors, of whoever may have an account's token.
    pub async fn who(&self, presented: &[u8]) -> Result<Option<Who>, Error> {
        self.house.who(presented).await
    }

    /// The house's clock, in seconds since the Unix epoch.
    #[must_use]
    pub fn clock(&self) -> i64 {
        self.house.now()
    }

    /// Makes an upload, if there is room for it.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`], [`Error::UploadsFull`], [`Error::AccountUnknown`], storage errors.
    pub async fn create_upload(&self, new: NewUpload) -> Result<Upload, Error> {
        self.house.uploads.create(self.house.now(), new).await
    }

    /// One upload, whoever holds it.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn upload(&self, id: AssetId) -> Result<Option<Upload>, Error> {
        self.house.uploads.find(id).await
    }

    /// Takes an upload that nobody has, or whose holder is gone; asks the holder to let go otherwise. Requests of one
    /// process take turns by themselves.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn lock_upload(&self, id: AssetId) -> Result<UploadLock, Error> {
        self.house.uploads.lock(id).await
    }

    /// Keeps what its holder says of an upload, all of it or nothing; whether somebody else wants it, and `None` if it
    /// is held no more.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`], storage errors.
    pub async fn change_upload(&self, change: UploadChange) -> Result<Option<bool>, Error> {
        let is_asset = change.asset.is_some();
        let changed = self.house.uploads.change(self.house.now(), change).await?;
        if is_asset {
            self.house.assets.fresh.notify_one();
        }
        Ok(changed)
    }

    /// Uploads that nobody holds and that are to be finished or removed.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn uploads_due(&self) -> Result<Vec<AssetId>, Error> {
        self.house.uploads.due(self.house.now()).await
    }

    /// One asset.
    ///
    /// # Errors
    /// [`Error::AssetUnknown`], storage errors.
    pub async fn asset(&self, id: AssetId) -> Result<Asset, Error> {
        self.house.assets.get(id).await
    }

    /// The chapters of the recording or film of a show, in order, counted from its beginning.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn chapters(&self, show: ShowId) -> Result<Vec<Chapter>, Error> {
        self.house.assets.chapters_of(show).await
    }

    /// Shows whose recordings are not to be deleted to make room.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn kept_shows(&self) -> Result<HashSet<ShowId>, Error> {
        self.house.assets.kept_shows().await
    }

    /// Says that the recording of a show that is over is there: it is an asset from then on.
    ///
    /// # Errors
    /// [`Error::ShowUnknown`], storage errors.
    pub async fn recording_found(&self, found: FoundRecording) -> Result<(), Error> {
        self.house.assets.recorded(self.house.now(), found).await
    }

    /// Says that the recording of a show is deleted: it is no asset any more.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn recording_gone(&self, show: ShowId) -> Result<(), Error> {
        self.house.assets.recording_gone(show).await?;
        match self.house.shows.drop_film_cover(show).await {
            Err(Error::ShowUnknown) => Ok(()),
            dropped => dropped,
        }
    }

    /// Told when an asset of this node is to be looked into.
    #[must_use]
    pub fn fresh_assets(&self) -> Arc<Notify> {
        self.house.assets.fresh.clone()
    }

    /// An asset that is to be looked into, which nobody else gets for so long.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn next_to_probe(&self, for_ms: i64) -> Result<Option<AssetId>, Error> {
        self.house.assets.next_to_probe(for_ms).await
    }

    /// What was found in an asset, or why it cannot be taken.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn probed(&self, id: AssetId, found: Result<MediaInfo, String>) -> Result<(), Error> {
        self.house.assets.probed(id, found).await
    }
}
