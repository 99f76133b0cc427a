//! Bytes in a directory, which may be one that nodes share.
//!
//! In: pieces by their upload and fence. Out: [`Store`] on files. Does not know the protocol.
//!
//! `<root>/<id>/<fence>` is a piece, `<root>/<id>/file` the whole. A whole is made under another name and then renamed,
//! so it is there in full or not at all.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use shared_wire::AssetId;
use shared_wire::upload::Piece;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::Error;
use crate::port::{Reply, Session, Store, Writer};

/// The whole's name.
const WHOLE: &str = "file";
/// Buffers that are made safe at a time: enough that it costs little each, few enough that the last take a moment.
const BUFFERS_SYNCED: u64 = 64;
/// Bytes of one call: the kernel looks for as much memory in one piece, and of more it has to make room first.
const CALL_BYTES: usize = 128 << 10;

/// A directory of uploads.
#[derive(Debug, Clone)]
pub struct Disk {
    root: PathBuf,
    /// Bytes that are gathered before they are written.
    write_bytes: usize,
}

impl Disk {
    /// Uses `root`, and makes it if it is not there.
    ///
    /// # Errors
    /// [`Error::Storage`]: it cannot be made.
    pub fn open(root: PathBuf, write_bytes: usize) -> Result<Self, Error> {
        fs::create_dir_all(&root)
            .map_err(|error| Error::Storage(format!("{}: {error}", root.display())))?;
        Ok(Self { root, write_bytes: write_bytes.max(1) })
    }

    /// Where the whole of an upload is, once it is finished.
    #[must_use]
    pub fn path(&self, id: AssetId) -> PathBuf {
        self.folder(id).join(WHOLE)
    }

    /// Whether it has anything of an upload.
    #[must_use]
    pub fn has(&self, id: AssetId) -> bool {
        self.folder(id).is_dir()
    }

    fn folder(&self, id: AssetId) -> PathBuf {
        self.root.join(id.to_string())
    }
}

impl Store for Disk {
    fn open(&self, id: AssetId, session: Session) -> Reply<'_, Box<dyn Writer>> {
        let Session { piece: fence, at, .. } = session;
        let (folder, capacity) = (self.folder(id), self.write_bytes);
        Box::pin(async move {
            let file = blocking(move || {
                fs::create_dir_all(&folder)?;
                let path = folder.join(fence.to_string());
                let file = File::options().write(true).create(true).truncate(false).open(&path)?;
                if file.metadata()?.len() < at {
                    let lost = format!("{} has lost bytes", path.display());
                    return Err(io::Error::other(lost));
                }
                file.set_len(at)?;
                sync_folder(&folder)?;
                Ok(file)
            });
            let file = Arc::new(file.await?);
            let writer = Piecewise {
                file,
                at,
                capacity,
                gathered: Vec::with_capacity(capacity),
                writing: None,
                syncing: None,
                asked: at,
                safe: at,
            };
            Ok(Box::new(writer) as Box<dyn Writer>)
        })
    }

    fn finish(&self, id: AssetId, pieces: Vec<Piece>, fence: i64) -> Reply<'_, ()> {
        let folder = self.folder(id);
        Box::pin(blocking(move || {
            let whole = folder.join(WHOLE);
            fs::create_dir_all(&folder)?;
            let path = |piece: &Piece| folder.join(piece.fence.to_string());
            let filled: Vec<Piece> = pieces.iter().copied().filter(|one| one.bytes > 0).collect();
            match filled.as_slice() {
                _ if whole.is_file() => {}
                [only] => {
                    check(&path(only), only.bytes)?;
                    cut(&path(only), only.bytes)?;
                    fs::rename(path(only), &whole)?;
                }
                _ => {
                    let sized = |piece: &Piece| (path(piece), piece.bytes);
                    copy(&folder, &filled.iter().map(sized).collect::<Vec<_>>(), fence)?;
                }
            }
            keep_whole(&folder)?;
            sync_folder(&folder)
        }))
    }

    fn join(&self, id: AssetId, parts: Vec<AssetId>, fence: i64) -> Reply<'_, ()> {
        let folder = self.folder(id);
        let parts: Vec<PathBuf> = parts.into_iter().map(|part| self.path(part)).collect();
        Box::pin(blocking(move || {
            if folder.join(WHOLE).is_file() {
                return Ok(());
            }
            fs::create_dir_all(&folder)?;
            let sized = |path: PathBuf| fs::metadata(&path).map(|data| (path, data.len()));
            let parts: Vec<_> = parts.into_iter().map(sized).collect::<io::Result<_>>()?;
            copy(&folder, &parts, fence)?;
            keep_whole(&folder)?;
            sync_folder(&folder)
        }))
    }

    fn delete(&self, id: AssetId) -> Reply<'_, ()> {
        let folder = self.folder(id);
        Box::pin(blocking(move || match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }))
    }
}

/// A piece that is being written: one buffer is filled while another one goes to the file, and while what went there
/// before is made safe. So whoever sends waits for the slowest of these, not for one after the other.
struct Piecewise {
    file: Arc<File>,
    /// Where the next buffer goes.
    at: u64,
    capacity: usize,
    gathered: Vec<u8>,
    writing: Option<JoinHandle<io::Result<Vec<u8>>>>,
    /// What makes all before [`Self::asked`] safe.
    syncing: Option<JoinHandle<io::Result<()>>>,
    asked: u64,
    safe: u64,
}

impl Piecewise {
    /// Hands what was gathered to the file, once what was handed over before is there.
    async fn flush(&mut self) -> Result<(), Error> {
        let spare = self.written().await?;
        self.sync_some().await?;
        let full = std::mem::replace(&mut self.gathered, spare);
        let (file, at) = (self.file.clone(), self.at);
        self.at += full.len() as u64;
        self.writing = Some(spawn_blocking(move || {
            let (mut full, mut at) = (full, at);
            for part in full.chunks(CALL_BYTES) {
                file.write_all_at(part, at)?;
                at += part.len() as u64;
            }
            full.clear();
            Ok(full)
        }));
        Ok(())
    }

    /// Waits until what was handed over is in the file; the buffer it was in.
    async fn written(&mut self) -> Result<Vec<u8>, Error> {
        Ok(match self.writing.take() {
            Some(writing) => writing.await.map_err(broken)??,
            None => Vec::with_capacity(self.capacity),
        })
    }

    /// Begins to make safe what is in the file, if that is worth it by now. Nothing is being written.
    async fn sync_some(&mut self) -> Result<(), Error> {
        if self.syncing.as_ref().is_some_and(JoinHandle::is_finished) {
            self.synced().await?;
        }
        if self.syncing.is_none() && self.at - self.asked >= self.sync_bytes() {
            let file = self.file.clone();
            self.asked = self.at;
            self.syncing = Some(spawn_blocking(move || file.sync_data()));
        }
        Ok(())
    }

    /// Waits for what is being made safe.
    async fn synced(&mut self) -> Result<(), Error> {
        if let Some(syncing) = self.syncing.take() {
            syncing.await.map_err(broken)??;
            self.safe = self.asked;
        }
        Ok(())
    }

    /// So much is made safe at a time.
    const fn sync_bytes(&self) -> u64 {
        self.capacity as u64 * BUFFERS_SYNCED
    }
}

impl Writer for Piecewise {
    fn put(&mut self, bytes: Bytes) -> Reply<'_, ()> {
        Box::pin(async move {
            let mut rest = bytes.as_ref();
            while !rest.is_empty() {
                let room = self.capacity - self.gathered.len();
                let (now, later) = rest.split_at(room.min(rest.len()));
                self.gathered.extend_from_slice(now);
                rest = later;
                if self.gathered.len() >= self.capacity {
                    self.flush().await?;
                }
            }
            Ok(())
        })
    }

    fn safe(&mut self) -> Reply<'_, u64> {
        Box::pin(async move {
            let open = self.at + self.gathered.len() as u64 - self.safe;
            if open < self.sync_bytes() {
                return self.settle().await;
            }
            // It comes faster than the disk is asked for it: that goes on beside it.
            if self.syncing.as_ref().is_some_and(JoinHandle::is_finished) {
                self.synced().await?;
            }
            Ok(self.safe)
        })
    }

    fn settle(&mut self) -> Reply<'_, u64> {
        Box::pin(async move {
            self.flush().await?;
            self.gathered = self.written().await?;
            self.synced().await?;
            if self.safe < self.at {
                let file = self.file.clone();
                blocking(move || file.sync_data()).await?;
                (self.asked, self.safe) = (self.at, self.at);
            }
            Ok(self.at)
        })
    }
}

/// Writes a whole out of files, under another name first. The kernel copies, where it can without moving a byte.
fn copy(folder: &Path, parts: &[(PathBuf, u64)], fence: i64) -> io::Result<()> {
    let path = folder.join(format!("{WHOLE}.{fence}"));
    let mut whole = File::create(&path)?;
    for (part, bytes) in parts {
        check(part, *bytes)?;
        let copied = io::copy(&mut File::open(part)?.take(*bytes), &mut whole)?;
        if copied != *bytes {
            return Err(io::Error::other(format!("{} has lost bytes", part.display())));
        }
    }
    whole.sync_all()?;
    fs::rename(path, folder.join(WHOLE))
}

/// Takes away what a piece has beyond what was counted, which is safe already.
fn cut(path: &Path, bytes: u64) -> io::Result<()> {
    check(path, bytes)?;
    if fs::metadata(path)?.len() > bytes {
        let file = File::options().write(true).open(path)?;
        file.set_len(bytes)?;
        file.sync_all()?;
    }
    Ok(())
}

/// Refuses a file that has fewer bytes than were counted.
fn check(path: &Path, bytes: u64) -> io::Result<()> {
    if fs::metadata(path)?.len() < bytes {
        return Err(io::Error::other(format!("{} has lost bytes", path.display())));
    }
    Ok(())
}

/// Removes all but the whole: pieces, and copies that somebody was killed amid.
fn keep_whole(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == WHOLE {
            continue;
        }
        match fs::remove_file(entry.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Names in a folder outlive a power cut only once the folder is synced.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    Ok(spawn_blocking(work).await.map_err(broken)??)
}

fn broken(error: tokio::task::JoinError) -> Error {
    Error::Storage(format!("a thread broke off: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(piece: i64, at: u64) -> Session {
        Session { piece, at, fence: piece }
    }

    async fn write(disk: &Disk, id: AssetId, fence: i64, at: u64, text: &str) -> u64 {
        let mut writer = disk.open(id, session(fence, at)).await.unwrap();
        for byte in text.as_bytes() {
            writer.put(Bytes::copy_from_slice(&[*byte])).await.unwrap();
        }
        writer.settle().await.unwrap()
    }

    #[tokio::test]
    async fn who_wakes_up_late_writes_into_nothing_that_counts() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::open(directory.path().join("u"), 3).unwrap();
        let id = AssetId::from_bytes([1; 10]);
        let mut late = disk.open(id, session(1, 0)).await.unwrap();
        late.put(Bytes::from_static(b"hello")).await.unwrap();
        assert_eq!(late.settle().await.unwrap(), 5);
        // Somebody else takes over, who was told of 4 bytes.
        assert_eq!(write(&disk, id, 2, 0, "o world").await, 7);
        late.put(Bytes::from_static(b"XXXXXXXX")).await.unwrap();
        assert_eq!(late.settle().await.unwrap(), 13);
        let pieces = vec![Piece { fence: 1, bytes: 4 }, Piece { fence: 2, bytes: 7 }];
        // Somebody was killed while he copied.
        fs::write(disk.path(id).with_file_name("file.2"), b"hel").unwrap();
        for _ in 0..2 {
            disk.finish(id, pieces.clone(), 3).await.unwrap();
            assert_eq!(fs::read(disk.path(id)).unwrap(), b"hello world");
        }
        late.put(Bytes::from_static(b"YYYY")).await.unwrap();
        late.settle().await.unwrap();
        assert_eq!(fs::read(disk.path(id)).unwrap(), b"hello world");
        let names = fs::read_dir(directory.path().join("u").join(id.to_string())).unwrap();
        assert_eq!(names.count(), 1, "nothing else is left");
    }

    #[tokio::test]
    async fn what_comes_fast_is_made_safe_while_it_comes_and_what_comes_slowly_when_it_is_asked() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::open(directory.path().to_owned(), 4).unwrap();
        let id = AssetId::from_bytes([5; 10]);
        let mut writer = disk.open(id, session(1, 0)).await.unwrap();
        writer.put(Bytes::from_static(b"slow")).await.unwrap();
        assert_eq!(writer.safe().await.unwrap(), 4, "all of it");
        let fast = Bytes::from(vec![b'f'; 10 * 4 * BUFFERS_SYNCED as usize]);
        let all = 4 + fast.len() as u64;
        writer.put(fast).await.unwrap();
        let safe = writer.safe().await.unwrap();
        assert!((4..=all).contains(&safe), "no less than before, no more than there is: {safe}");
        writer.put(Bytes::from_static(b"end")).await.unwrap();
        assert_eq!(writer.settle().await.unwrap(), all + 3);
        assert_eq!(writer.safe().await.unwrap(), all + 3);
        let written = fs::read(directory.path().join(id.to_string()).join("1")).unwrap();
        assert!(written.starts_with(b"slowf") && written.ends_with(b"fend"));
        assert_eq!(written.len() as u64, all + 3);
    }

    #[tokio::test]
    async fn what_was_not_counted_is_dropped_and_what_was_must_be_there() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::open(directory.path().to_owned(), 1 << 20).unwrap();
        let id = AssetId::from_bytes([2; 10]);
        assert_eq!(write(&disk, id, 1, 0, "abcdef").await, 6);
        assert_eq!(write(&disk, id, 1, 3, "D").await, 4);
        assert!(disk.open(id, session(1, 5)).await.is_err(), "a byte is missing");
        assert!(disk.finish(id, vec![Piece { fence: 1, bytes: 5 }], 2).await.is_err());
        disk.finish(id, vec![Piece { fence: 1, bytes: 4 }], 2).await.unwrap();
        assert_eq!(fs::read(disk.path(id)).unwrap(), b"abcD");
        let joined = AssetId::from_bytes([3; 10]);
        disk.join(joined, vec![id, id], 1).await.unwrap();
        assert_eq!(fs::read(disk.path(joined)).unwrap(), b"abcDabcD");
        let empty = AssetId::from_bytes([4; 10]);
        disk.finish(empty, Vec::new(), 1).await.unwrap();
        assert_eq!(fs::read(disk.path(empty)).unwrap(), b"");
        for _ in 0..2 {
            disk.delete(id).await.unwrap();
        }
        assert!(!disk.path(id).exists());
    }
}
