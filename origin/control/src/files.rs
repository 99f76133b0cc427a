//! What can be asked of whoever has the bytes of assets.
//!
//! In: an asset, a body, an address. Out: [`Files`], which the binary answers. Does not know where bytes lie.

use axum::body::Body;
use shared_wire::api::{AssetPlan, KeepHdr, MediaInfo, Priority};
use shared_wire::{AssetId, ShowId};

use crate::on_air::Reply;

/// A file that comes in one request.
#[derive(Debug)]
pub struct NewFile {
    /// The account that owns it; `None`: the house does.
    pub account: Option<String>,
    /// Its title, if it has one.
    pub title: Option<String>,
    /// Its name, if it has one.
    pub file_name: Option<String>,
    /// Whether its film is made before others.
    pub priority: Priority,
    /// How the range of its HDR is kept; `None`: as the house does.
    pub keep_hdr: Option<KeepHdr>,
    /// Its bytes, if their number is known.
    pub length: Option<u64>,
    /// They themselves.
    pub body: Body,
}

/// What is imported.
#[derive(Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file elsewhere, by its address; secrets may stand there.
    Url(String),
    /// The recording of a show that is over, from the objects of the show.
    Recording(ShowId),
}

/// A film that is there already, in another form.
#[derive(Clone, PartialEq, Eq)]
pub struct NewImport {
    /// The account that owns it; `None`: the house does.
    pub account: Option<String>,
    /// Where it comes from.
    pub from: Origin,
    /// Its title, if it has one.
    pub title: Option<String>,
    /// Whether its film is made before others.
    pub priority: Priority,
    /// How the range of its HDR is kept; `None`: as the house does.
    pub keep_hdr: Option<KeepHdr>,
}

/// Whoever has the bytes of assets.
pub trait Files: Send + Sync {
    /// Takes a file in; the asset it is.
    ///
    /// # Errors
    /// [`Error::FileRefused`](crate::Error::FileRefused), [`Error::QuotaExceeded`](crate::Error::QuotaExceeded),
    /// storage errors.
    fn take(&self, file: NewFile) -> Reply<'_, AssetId>;

    /// Fetches a file from elsewhere, or makes one of a recording; the asset it is.
    ///
    /// # Errors
    /// As [`Self::take`]; [`Error::Invalid`](crate::Error::Invalid); of a recording
    /// [`Error::AssetNotWhole`](crate::Error::AssetNotWhole) and [`Error::Elsewhere`](crate::Error::Elsewhere).
    fn import(&self, file: NewImport) -> Reply<'_, AssetId>;

    /// What a file is to become, with the range of its HDR kept or not.
    fn plan(&self, media: &MediaInfo, keep_hdr: KeepHdr) -> AssetPlan;

    /// Stops at once whatever this node does for an asset, and keeps what it did.
    fn halt(&self, asset: AssetId);

    /// Stops whatever is made of an asset, and deletes the objects of its show.
    ///
    /// # Errors
    /// Storage errors.
    fn unmake(&self, asset: AssetId, show: ShowId) -> Reply<'_, ()>;

    /// Whether the objects of a show's recording are here.
    fn has_recording(&self, show: ShowId) -> bool;

    /// Whether whatever node has had a film made, its objects can be deleted here.
    fn has_all_films(&self) -> bool;

    /// Deletes the objects of a show that is over, its recording.
    ///
    /// # Errors
    /// Storage errors.
    fn delete_recording(&self, show: ShowId) -> Reply<'_, ()>;

    /// Deletes an asset's bytes.
    ///
    /// # Errors
    /// Storage errors.
    fn delete(&self, asset: AssetId) -> Reply<'_, ()>;
}
