//! Objects as files: the directory's layout is the key scheme, plus three names no key can have.
//!
//! In: keys that were parsed, bytes. Out: files. Does not know what is in memory.
//!
//! - `<root>/<key>` an object. A whole object is written beside it, synced to the disk, then renamed into place: after
//!   a power cut a file is complete or absent, never torn. Directories are not synced: the newest files may be absent.
//! - `<root>/.part/` files on their way; emptied at start. Processes that write beside the house have theirs there too.
//! - `<root>/.live/` what outlives the process, see `afterlife`.
//! - `<root>/.lock` locked by the house that uses the directory; the system frees it when that process dies.
//!
//! Appended text is not synced: a power cut may cost a recording's playlist its last lines, and what it cut off within
//! a line is removed at the next start.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use shared_wire::key::{Key, KeyObject};

use crate::Error;

/// Bytes written to learn whether the disk takes any.
const PROBE_BYTES: usize = 4096;
/// How far from its end a playlist is looked at for its last line, in bytes.
const TAIL_BYTES: u64 = 4096;

/// The steps the store takes on a disk; each may wait.
pub(super) trait Disk: Send + Sync {
    /// Makes or replaces an object, whole.
    fn create(&self, key: &str, bytes: &[u8]) -> io::Result<()>;
    /// Adds to an object's end, all or nothing; how long it is then.
    fn append(&self, key: &str, bytes: &[u8]) -> io::Result<u64>;
    /// An object's bytes.
    fn read(&self, key: &str) -> io::Result<Option<Bytes>>;
    /// Whether an object is there.
    fn has(&self, key: &str) -> io::Result<bool> {
        Ok(self.read(key)?.is_some())
    }
    /// Removes everything of a show.
    fn delete(&self, show: &str) -> io::Result<()>;
    /// Media playlists and I-frame playlists without an end.
    fn open_recordings(&self) -> io::Result<Vec<Key>>;
}

/// A directory of this machine.
pub(super) struct Local {
    root: PathBuf,
    object_bytes_max: usize,
    /// What the names of this process's files on their way begin with.
    own: String,
    next: AtomicU64,
}

impl Local {
    /// Opens the directory, locks it and clears files on their way.
    pub(super) fn open(root: &Path, object_bytes_max: usize) -> Result<(Self, File), Error> {
        let opening = |error: io::Error| Error::opening(root, &error);
        match fs::create_dir(root) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(opening(error));
            }
            _ => {}
        }
        let mut options = OpenOptions::new();
        let lock = options.create(true).truncate(false).write(true).open(root.join(".lock"));
        let lock = lock.map_err(opening)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Locked(root.to_owned())),
            Err(TryLockError::Error(error)) => return Err(opening(error)),
        }
        let disk = Self::of(root, object_bytes_max, String::new());
        disk.clear_and_probe().map_err(opening)?;
        Ok((disk, lock))
    }

    /// The directory of a store that another process has open: nothing is locked or cleared.
    pub(super) fn join(root: &Path, object_bytes_max: usize) -> Result<Self, Error> {
        let disk = Self::of(root, object_bytes_max, format!("{}-", std::process::id()));
        let written = disk.probe();
        written.map_err(|error| Error::opening(root, &error))?;
        Ok(disk)
    }

    fn of(root: &Path, object_bytes_max: usize, own: String) -> Self {
        Self { root: root.to_owned(), object_bytes_max, own, next: AtomicU64::new(0) }
    }

    /// Where something is that is on its way.
    fn on_its_way(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.root.join(".part").join(format!("{}{number}", self.own))
    }

    fn clear_and_probe(&self) -> io::Result<()> {
        let on_their_way = self.root.join(".part");
        if on_their_way.try_exists()? {
            fs::remove_dir_all(&on_their_way)?;
        }
        fs::create_dir(&on_their_way)?;
        self.probe()
    }

    fn probe(&self) -> io::Result<()> {
        let probe = self.root.join(".part").join(format!("{}probe", self.own));
        let written = write_synced(&probe, &[0; PROBE_BYTES]);
        fs::remove_file(&probe).and(written)
    }

    /// The file of a key. Only keys of the scheme come here; this is the last place that could tell.
    fn path(&self, key: &str) -> io::Result<PathBuf> {
        let known = Key::parse(key).is_some();
        known.then(|| self.root.join(key)).ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }
}

impl Disk for Local {
    fn create(&self, key: &str, bytes: &[u8]) -> io::Result<()> {
        let (path, on_its_way) = (self.path(key)?, self.on_its_way());
        let placed = write_synced(&on_its_way, bytes)
            .and_then(|()| with_parent(&path, || fs::rename(&on_its_way, &path)));
        if placed.is_err() {
            // It may never have been made; what stays behind is cleared at the next start.
            let _ = fs::remove_file(&on_its_way);
        }
        placed
    }

    fn append(&self, key: &str, bytes: &[u8]) -> io::Result<u64> {
        let path = self.path(key)?;
        let open = || OpenOptions::new().create(true).append(true).open(&path);
        let mut file = with_parent(&path, open)?;
        let before = file.metadata()?.len();
        let written = file.write_all(bytes);
        if written.is_err() {
            file.set_len(before)?;
        }
        written.map(|()| before + bytes.len() as u64)
    }

    fn read(&self, key: &str) -> io::Result<Option<Bytes>> {
        let file = match File::open(self.path(key)?) {
            Ok(file) => file,
            Err(error) if is_absence(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        let limit = self.object_bytes_max as u64;
        if file.take(limit + 1).read_to_end(&mut bytes)? > self.object_bytes_max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(Some(bytes.into()))
    }

    fn has(&self, key: &str) -> io::Result<bool> {
        self.path(key)?.try_exists()
    }

    fn delete(&self, show: &str) -> io::Result<()> {
        let path = self.path(&format!("{show}/index.m3u8"))?;
        let Some(directory) = path.parent() else { return Ok(()) };
        // First the name goes, at once; then what takes its time.
        let on_its_way = self.on_its_way();
        match fs::rename(directory, &on_its_way) {
            Err(error) if is_absence(&error) => Ok(()),
            Err(error) => Err(error),
            Ok(()) => fs::remove_dir_all(&on_its_way),
        }
    }

    fn open_recordings(&self) -> io::Result<Vec<Key>> {
        let mut open = Vec::new();
        for show in names(&self.root)? {
            if Key::parse(&format!("{show}/index.m3u8")).is_none() {
                continue;
            }
            for rendition in names(&self.root.join(&show)).unwrap_or_default() {
                for playlist in ["index.m3u8", "iframes.m3u8"] {
                    let name = format!("{show}/{rendition}/{playlist}");
                    let Some(key) = Key::parse(&name) else { continue };
                    let is_playlist = !matches!(key.object, KeyObject::Media { .. });
                    if is_playlist && is_open(&self.root.join(&name))? {
                        open.push(key);
                    }
                }
            }
        }
        Ok(open)
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_data()
}

/// Takes a step, and once more with the directory of `path` made if that is missing: mostly it is there.
fn with_parent<T>(path: &Path, step: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match step() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            step()
        }
        done => done,
    }
}

/// The names in a directory; whatever is not text is none of ours.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if is_absence(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok().and_then(|entry| entry.file_name().into_string().ok()))
        .collect();
    names.sort_unstable();
    Ok(names)
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Whether the playlist is there and lacks its end; cuts off a last line that is not whole.
fn is_open(playlist: &Path) -> io::Result<bool> {
    let mut file = match OpenOptions::new().read(true).write(true).open(playlist) {
        Ok(file) => file,
        Err(error) if is_absence(&error) => return Ok(false),
        Err(error) => return Err(error),
    };
    let len = file.metadata()?.len();
    let start = len.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let ended = tail.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"#EXT-X-ENDLIST"));
    if !ended && let Some(last) = tail.iter().rposition(|byte| *byte == b'\n') {
        file.set_len(start + last as u64 + 1)?;
    }
    Ok(!ended)
}
