//! What the bucket lacks, as files without content: they outlive the process.
//!
//! In: keys, before they are written and after they are sent. Out: the same after a restart. Does not know why.
//!
//! - `<root>/.unsent/<key>`, with `+` in the place of `/`: the bucket lacks this object, or its newest state.
//! - `<root>/.unsent/<show>+`: the bucket is to lose this show.
//! - `<root>/.unsent/.bucket`: which bucket that is. A house that has another one now sends all it has on disk.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared_wire::key::Key;

const BUCKET: &str = ".bucket";

/// The marks, and how many writes of each object are under way.
pub(super) struct Marks {
    folder: PathBuf,
    by_key: Mutex<HashMap<String, u32>>,
}

impl Marks {
    /// Reads the marks there are; objects of another bucket are marked all. Marks of what is not on disk go.
    pub(super) fn open<'a>(
        root: &Path,
        bucket: &str,
        on_disk: impl Iterator<Item = &'a str>,
    ) -> io::Result<Self> {
        let folder = root.join(".unsent");
        fs::create_dir_all(&folder)?;
        let is_known = fs::read_to_string(folder.join(BUCKET)).is_ok_and(|known| known == bucket);
        let marks = Self { folder, by_key: Mutex::default() };
        let mut marked = marks.read()?;
        for key in on_disk {
            if marked.remove(key).is_some() {
                marks.by_key().insert(key.to_owned(), 0);
            } else if !is_known {
                marks.mark(key)?;
                marks.by_key().insert(key.to_owned(), 0);
            }
        }
        for key in marked.into_keys() {
            if key.ends_with('/') && is_known {
                marks.by_key().insert(key, 0);
            } else {
                marks.unmark(&key)?;
            }
        }
        if !is_known {
            fs::write(marks.folder.join(BUCKET), bucket)?;
        }
        Ok(marks)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.by_key().contains_key(key)
    }

    /// Shows that are to be deleted.
    pub(super) fn deletions(&self) -> Vec<String> {
        let by_key = self.by_key();
        by_key.keys().filter_map(|key| key.strip_suffix('/')).map(str::to_owned).collect()
    }

    /// Marks an object that is about to be written.
    pub(super) fn begin(&self, key: &str) -> io::Result<()> {
        let mut by_key = self.by_key();
        if let Some(writes) = by_key.get_mut(key) {
            *writes += 1;
            return Ok(());
        }
        self.mark(key)?;
        by_key.insert(key.to_owned(), 1);
        Ok(())
    }

    /// A write that was begun is over.
    pub(super) fn end(&self, key: &str) {
        if let Some(writes) = self.by_key().get_mut(key) {
            *writes = writes.saturating_sub(1);
        }
    }

    /// The bucket has the object. While it is written anew the mark stays: what is being written is not sent.
    pub(super) fn sent(&self, key: &str) -> io::Result<()> {
        let mut by_key = self.by_key();
        if by_key.get(key) == Some(&0) {
            self.unmark(key)?;
            by_key.remove(key);
        }
        Ok(())
    }

    /// Marks a show that is to be deleted; what it lacks is of no interest any more.
    pub(super) fn begin_deletion(&self, show: &str) -> io::Result<()> {
        let mark = format!("{show}/");
        self.mark(&mark)?;
        let mut by_key = self.by_key();
        by_key.retain(|key, _| {
            let goes = key.starts_with(&mark);
            // What cannot be removed now is found to be of nothing at the next start.
            let _ = if goes { self.unmark(key) } else { Ok(()) };
            !goes
        });
        drop(by_key);
        // A deletion that was asked for before had the same mark.
        self.mark(&mark)?;
        self.by_key().insert(mark, 0);
        Ok(())
    }

    /// The bucket has nothing of the show any more.
    pub(super) fn deleted(&self, show: &str) -> io::Result<()> {
        let mark = format!("{show}/");
        self.unmark(&mark)?;
        self.by_key().remove(&mark);
        Ok(())
    }

    fn read(&self) -> io::Result<HashMap<String, ()>> {
        let mut marked = HashMap::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let key = name.to_str().unwrap_or_default().replace('+', "/");
            let is_show = key.ends_with('/') && Key::parse(&format!("{key}index.m3u8")).is_some();
            if is_show || Key::parse(&key).is_some() {
                marked.insert(key, ());
            }
        }
        Ok(marked)
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(key.replace('/', "+"))
    }

    fn mark(&self, key: &str) -> io::Result<()> {
        File::create(self.path(key)).map(drop)
    }

    fn unmark(&self, key: &str) -> io::Result<()> {
        match fs::remove_file(self.path(key)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn by_key(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        // A poisoned lock is read on: the files say what is true.
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef/720p/e1/s0.m4s";
    const SHOW: &str = "0123456789abcdef";

    fn open(root: &Path, bucket: &str, on_disk: &[&str]) -> Marks {
        Marks::open(root, bucket, on_disk.iter().copied()).unwrap()
    }

    #[test]
    fn a_mark_outlives_the_process_until_the_object_is_sent() {
        let root = tempfile::tempdir().unwrap();
        open(root.path(), "one", &[]).begin(KEY).unwrap();
        let marks = open(root.path(), "one", &[KEY]);
        assert!(marks.has(KEY));
        marks.begin(KEY).unwrap();
        marks.sent(KEY).unwrap();
        assert!(marks.has(KEY), "it is written anew");
        marks.end(KEY);
        marks.sent(KEY).unwrap();
        assert!(!open(root.path(), "one", &[KEY]).has(KEY));
        assert!(open(root.path(), "another", &[KEY]).has(KEY), "another bucket has nothing");
        assert!(!open(root.path(), "another", &[]).has(KEY), "it is gone");
    }

    #[test]
    fn a_deletion_outlives_the_process_too() {
        let root = tempfile::tempdir().unwrap();
        let marks = open(root.path(), "one", &[]);
        marks.begin(KEY).unwrap();
        marks.begin_deletion(SHOW).unwrap();
        assert!(!marks.has(KEY));
        let marks = open(root.path(), "one", &[]);
        assert_eq!(marks.deletions(), [SHOW]);
        marks.deleted(SHOW).unwrap();
        assert!(open(root.path(), "one", &[]).deletions().is_empty());
    }
}
