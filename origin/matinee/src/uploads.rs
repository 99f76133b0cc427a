//! Uploads, joined: their ledger is control's database, their bytes lie in a directory or a bucket; and what control
//! asks of files.
//!
//! In: settings, a house. Out: the protocol's routes; assets that are looked into. Does not know headers or rows.

mod import;
mod recording;
mod probing;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use axum::http::{HeaderMap, header};
use data_encoding::BASE64;
use origin_control::{
    Control, Files, NewFile, NewImport, NewUpload, Origin, Reply, UploadChange, UploadLock,
};
use origin_upload::machine::Refusal;
use origin_upload::{Disk, Far, Kept, Ledger, Limits, Lock, Moved, New, Save, Store, Uploads};
use shared_media::Bucket;
use shared_wire::api::{AssetPlan, KeepHdr, MediaInfo};
use shared_wire::upload::Upload;
use shared_wire::{AssetId, ShowId, Who};
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::source::Sources;
use crate::vod::Films;

pub(crate) use probing::{ProbeFlags, probe};

/// What the house says of uploads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules {
    /// The directory where bytes lie; if nobody says, the bucket, or without one the data directory.
    pub(crate) folder: Option<PathBuf>,
    /// Bytes of one file.
    pub(crate) size_max: u64,
    /// Bytes of all uploads and assets.
    pub(crate) bytes_max: Option<u64>,
    /// How long an upload that nobody goes on with is kept, in seconds.
    pub(crate) expires_s: u32,
    /// How the range of HDR is kept of files that do not say.
    pub(crate) keep_hdr: KeepHdr,
}

/// The room, open.
pub(crate) struct Room {
    uploads: Uploads,
    control: Control,
    sources: Sources,
    program: PathBuf,
    allow_private: bool,
    /// Comes after the rest.
    films: OnceLock<Arc<Films>>,
}

impl Room {
    /// Opens the room; `stop` ends what goes on in it.
    pub(crate) fn open(
        rules: &Rules,
        (data, bucket): (&Path, Option<Arc<dyn Bucket>>),
        control: &Control,
        program: PathBuf,
        allow_private: bool,
        stop: CancellationToken,
    ) -> Result<Arc<Self>, Error> {
        let config = origin_upload::Config {
            size_max: rules.size_max,
            expires_s: rules.expires_s,
            ..origin_upload::Config::default()
        };
        let far = far(rules.folder.as_deref(), bucket);
        let folder = rules.folder.clone().unwrap_or_else(|| data.join("uploads"));
        let disk = match &far {
            Some(_) if !folder.is_dir() => None,
            _ => Some(disk(folder)?),
        };
        let store: Arc<dyn Store> = match (disk.clone(), far.clone()) {
            (Some(disk), Some(far)) => Arc::new(Moved { disk, far }),
            (Some(disk), None) => Arc::new(disk),
            (None, Some(far)) => Arc::new(far),
            (None, None) => return Err(Error::Us("uploads have no place".to_owned())),
        };
        let ledger = Arc::new(Rows(control.clone()));
        let uploads = Uploads::new(config, ledger, store, stop);
        let (control, sources) = (control.clone(), Sources::new(disk, far));
        let films = OnceLock::new();
        Ok(Arc::new(Self { uploads, control, sources, program, allow_private, films }))
    }

    /// Answers control, looks into what is there, removes what has expired.
    pub(crate) fn start(self: &Arc<Self>, stop: CancellationToken) {
        let files: Arc<dyn Files> = self.clone();
        self.control.set_files(Arc::downgrade(&files));
        self.uploads.start_sweeping();
        let probing = probing::Probing {
            control: self.control.clone(),
            uploads: self.uploads.clone(),
            sources: self.sources.clone(),
            program: self.program.clone(),
        };
        tokio::spawn(probing.work(stop));
    }

    /// Where files are.
    pub(crate) fn sources(&self) -> Sources {
        self.sources.clone()
    }

    /// Says who makes films of assets; the first to be named stays.
    pub(crate) fn set_films(&self, films: Arc<Films>) {
        let _ = self.films.set(films);
    }

    /// The protocol's routes.
    pub(crate) fn router(&self) -> axum::Router {
        let control = self.control.clone();
        let authorise = move |headers: &HeaderMap| -> origin_upload::Reply<'static, Option<Who>> {
            let value = headers.get(header::AUTHORIZATION).cloned();
            let control = control.clone();
            Box::pin(async move {
                let value = value.as_ref().map_or(&b""[..], |value| value.as_bytes());
                let (scheme, rest) = value.split_at_checked("bearer ".len()).unwrap_or_default();
                if !scheme.eq_ignore_ascii_case(b"bearer ") {
                    return Ok(None);
                }
                control.who(rest.trim_ascii()).await.map_err(failed)
            })
        };
        origin_upload::router(&self.uploads, Arc::new(authorise))
    }

    async fn take(&self, file: NewFile) -> Result<AssetId, origin_control::Error> {
        let NewFile { account, title, file_name, priority, keep_hdr, length, body } = file;
        let priority = Some(priority.name().to_owned());
        let keep_hdr = keep_hdr.map(|one| one.name().to_owned());
        let pairs = [
            ("title", title),
            ("filename", file_name),
            ("priority", priority),
            ("keep_hdr", keep_hdr),
        ];
        let said: Vec<String> = pairs
            .into_iter()
            .filter_map(|(key, text)| Some(format!("{key} {}", BASE64.encode(text?.as_bytes()))))
            .collect();
        let said = Some(said.join(","));
        self.uploads.take(account, said, length, body).await.map_err(refused)
    }
}

/// The bucket as uploads use it, unless a directory is named.
pub(crate) fn far(folder: Option<&Path>, bucket: Option<Arc<dyn Bucket>>) -> Option<Far> {
    let bucket = bucket.filter(|_| folder.is_none())?;
    Some(Far::new(bucket, Limits::default()))
}

/// A directory of uploads.
pub(crate) fn disk(folder: PathBuf) -> Result<Disk, Error> {
    let write_bytes = origin_upload::Config::default().write_bytes;
    Disk::open(folder, write_bytes).map_err(|error| Error::Machine(format!("--uploads: {error}")))
}

impl Files for Room {
    fn take(&self, file: NewFile) -> Reply<'_, AssetId> {
        Box::pin(self.take(file))
    }

    fn import(&self, file: NewImport) -> Reply<'_, AssetId> {
        let NewImport { account, from, title, priority, keep_hdr } = file;
        Box::pin(async move {
            let found = match from {
                Origin::Url(url) => import::fetch(&url, self.allow_private).await?,
                Origin::Recording(show) => {
                    // Before the house is whole it has no store.
                    let films = self.films.get().ok_or(origin_control::Error::NoFiles)?;
                    let store = films.store().ok_or(origin_control::Error::Elsewhere)?;
                    recording::read(store, show).await?
                }
            };
            let (file_name, length, body) = (Some(found.name), found.length, found.body);
            let file = NewFile { account, title, file_name, priority, keep_hdr, length, body };
            self.take(file).await
        })
    }

    fn plan(&self, media: &MediaInfo, keep_hdr: KeepHdr) -> AssetPlan {
        origin_vod::machine::plan(&origin_vod::Config::default(), media, keep_hdr)
    }

    fn halt(&self, asset: AssetId) {
        if let Some(films) = self.films.get() {
            films.stop_jobs(asset);
        }
    }

    fn unmake(&self, asset: AssetId, show: ShowId) -> Reply<'_, ()> {
        Box::pin(async move {
            let Some(films) = self.films.get() else { return Ok(()) };
            films.unmake(asset, show).await.map_err(unstored)
        })
    }

    fn has_recording(&self, show: ShowId) -> bool {
        self.films.get().is_some_and(|films| films.has_recording(show))
    }

    fn has_all_films(&self) -> bool {
        self.films.get().is_some_and(|films| films.has_all())
    }

    fn delete_recording(&self, show: ShowId) -> Reply<'_, ()> {
        Box::pin(async move {
            // Before the house is whole it has no store.
            let films = self.films.get().ok_or(origin_control::Error::NoFiles)?;
            films.delete_recording(show).await.map_err(unstored)
        })
    }

    fn delete(&self, asset: AssetId) -> Reply<'_, ()> {
        Box::pin(async move { self.uploads.delete(asset).await.map_err(refused) })
    }
}

/// What the store says, as control says it.
fn unstored(error: origin_storage::Error) -> origin_control::Error {
    origin_control::Error::Storage { reason: error.to_string() }
}

/// What uploads say, as control says it.
fn refused(error: origin_upload::Error) -> origin_control::Error {
    use origin_control::Error as Told;
    use origin_upload::Error as Said;
    let reason = error.to_string();
    match error {
        Said::Refused(refusal) if refusal.status == 401 => Told::AccountUnknown,
        Said::Refused(refusal) => Told::FileRefused { code: refusal.code, reason },
        Said::Quota(quota) => Told::QuotaExceeded(quota),
        Said::TooMany => Told::UploadsFull,
        Said::Stopping => Told::NoFiles,
        Said::Held | Said::TakenOver => Told::Busy,
        Said::BrokeOff => Told::FileRefused { code: "body_broke_off", reason },
        Said::DiskFull => Told::StorageFull,
        Said::Bucket(reason) => Told::BucketUnavailable { reason },
        Said::Storage(reason) => Told::Storage { reason },
    }
}

/// Control's database as the ledger of uploads.
struct Rows(Control);

/// What the database says, as uploads say it.
fn failed(error: origin_control::Error) -> origin_upload::Error {
    use origin_control::Error as Said;
    match error {
        Said::QuotaExceeded(quota) => origin_upload::Error::Quota(quota),
        // It was there a moment ago, when its token was looked at.
        Said::AccountUnknown => {
            let detail = "the account was deleted".to_owned();
            Refusal { status: 401, code: "credential_wrong", detail }.into()
        }
        Said::UploadsFull => origin_upload::Error::TooMany,
        Said::StorageFull => origin_upload::Error::DiskFull,
        Said::Unreachable { reason } => origin_upload::Error::Storage(reason),
        other => origin_upload::Error::Storage(other.to_string()),
    }
}

impl Ledger for Rows {
    fn now(&self) -> i64 {
        self.0.clock()
    }

    fn create(&self, new: New) -> origin_upload::Reply<'_, Upload> {
        let New { account, length, metadata, concat, expires_s } = new;
        let new = NewUpload { account, length, metadata, concat, expires_s };
        Box::pin(async move { self.0.create_upload(new).await.map_err(failed) })
    }

    fn find(&self, id: AssetId) -> origin_upload::Reply<'_, Option<Upload>> {
        Box::pin(async move { self.0.upload(id).await.map_err(failed) })
    }

    fn lock(&self, id: AssetId) -> origin_upload::Reply<'_, Lock> {
        Box::pin(async move {
            Ok(match self.0.lock_upload(id).await.map_err(failed)? {
                UploadLock::Have(upload, fence, is_fresh) => Lock::Have { upload, fence, is_fresh },
                UploadLock::Held => Lock::Held,
                UploadLock::Unknown => Lock::Unknown,
            })
        })
    }

    fn save(&self, save: Save) -> origin_upload::Reply<'_, Kept> {
        let Save { upload, fence, reserved, release, asset } = save;
        let change = UploadChange { upload, fence, reserved, release, asset };
        Box::pin(async move {
            let changed = self.0.change_upload(change).await.map_err(failed)?;
            Ok(changed.map_or(Kept::Lost, |is_wanted| Kept::Yes { is_wanted }))
        })
    }

    fn due(&self) -> origin_upload::Reply<'_, Vec<AssetId>> {
        Box::pin(async move { self.0.uploads_due().await.map_err(failed) })
    }
}

#[cfg(test)]
mod tests;
