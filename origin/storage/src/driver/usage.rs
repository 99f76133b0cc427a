//! What each show takes on disk and in the bucket, and how much of the disk is free.
//!
//! In: what was written; once, in the background, what stands there from before. Out: sums. Does not know limits.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use shared_wire::key::Key;

use super::far::index;

/// What a show takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The show.
    pub show: String,
    /// Its objects on disk, in bytes.
    pub bytes: u64,
    /// When it was last written to, in seconds since the epoch.
    pub written_at_s: u64,
}

/// Space on the disk of the store, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What this user may still use.
    pub free_bytes: u64,
    /// All of it.
    pub bytes: u64,
}

/// Sums by show.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    sums: Mutex<HashMap<String, (u64, u64)>>,
}

impl Ledger {
    fn sums(&self) -> MutexGuard<'_, HashMap<String, (u64, u64)>> {
        // A poisoned lock is read on: each change is one addition.
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many bytes more stand under a key.
    pub(super) fn written(&self, key: &str, bytes: usize) {
        let show = key.split('/').next().unwrap_or_default();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut sums = self.sums();
        let sum = sums.entry(show.to_owned()).or_default();
        *sum = (sum.0 + bytes as u64, sum.1.max(now));
    }

    /// A show's objects are gone.
    pub(super) fn deleted(&self, show: &str) {
        self.sums().remove(show);
    }

    /// All of it, in no order.
    pub(super) fn all(&self) -> Vec<Usage> {
        let usage = |(show, (bytes, at)): (&String, &(u64, u64))| Usage {
            show: show.clone(),
            bytes: *bytes,
            written_at_s: *at,
        };
        self.sums().iter().map(usage).collect()
    }

    /// Adds what stands there from before. It is asked once, while nothing is written yet.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub(super) fn read(&self, root: &Path) -> io::Result<()> {
        for entry in fs::read_dir(root)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if Key::parse(&format!("{name}/index.m3u8")).is_none() {
                continue;
            }
            let mut sum = (0, 0);
            // A show that is deleted meanwhile takes nothing.
            let _ = add(&path, &mut sum);
            // Nor does one whose list of what only the bucket has cannot be read, as far as that goes.
            let dropped = index::sent(&path).unwrap_or_default();
            sum.0 += dropped.iter().map(|(_, bytes)| bytes).sum::<u64>();
            let mut sums = self.sums();
            let known = sums.entry(name.to_owned()).or_default();
            *known = (known.0 + sum.0, known.1.max(sum.1));
        }
        Ok(())
    }
}

fn add(directory: &Path, sum: &mut (u64, u64)) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let data = entry.metadata()?;
        if data.is_dir() {
            add(&entry.path(), sum)?;
            continue;
        }
        sum.0 += data.len();
        let at = data.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        sum.1 = sum.1.max(at.unwrap_or_default().as_secs());
    }
    Ok(())
}

/// The space of the disk that a directory is on.
pub(super) fn space(root: &Path) -> io::Result<Space> {
    let disk = rustix::fs::statvfs(root)?;
    let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
    Ok(Space { free_bytes: bytes(disk.f_bavail), bytes: bytes(disk.f_blocks) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOW: &str = "0123456789abcdef";

    #[test]
    fn what_stands_there_and_what_comes_is_summed_up_by_show() {
        let root = tempfile::tempdir().unwrap();
        let epoch = root.path().join(SHOW).join("720p/e1");
        fs::create_dir_all(&epoch).unwrap();
        fs::create_dir_all(root.path().join(".live")).unwrap();
        fs::write(root.path().join(".live/notes"), [0; 99]).unwrap();
        fs::write(epoch.join("s0.m4s"), [0; 1000]).unwrap();
        fs::write(epoch.join("../index.m3u8"), [0; 24]).unwrap();
        let ledger = Ledger::default();
        ledger.read(root.path()).unwrap();
        ledger.written(&format!("{SHOW}/720p/e1/s1.m4s"), 500);
        let [usage] = &ledger.all()[..] else { panic!("one show") };
        assert_eq!((usage.show.as_str(), usage.bytes), (SHOW, 1524));
        assert!(usage.written_at_s > 1_700_000_000);
        ledger.deleted(SHOW);
        assert!(ledger.all().is_empty());
        let space = space(root.path()).unwrap();
        assert!(space.bytes >= space.free_bytes && space.bytes > 0);
    }
}
