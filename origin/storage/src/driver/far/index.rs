//! What was dropped from the disk since the bucket has it, and what is there.
//!
//! In: keys. Out: the same after a restart. Does not know the bucket.
//!
//! `<root>/<show>/.sent` has a line for each object: what follows the show in its key, and its size. It is written
//! before the file goes, and goes with the show.

use std::collections::{HashMap, HashSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use shared_wire::key::{Key, KeyObject, MediaFile};

use crate::machine::spool::Stored;

/// The file's name; no key can have it.
pub(in crate::driver) const SENT: &str = ".sent";

/// Up to which segment each folder was dropped: what is behind that need not be looked for in the bucket.
pub(super) struct Dropped {
    root: PathBuf,
    last: Mutex<HashMap<String, u64>>,
}

impl Dropped {
    pub(super) fn read(root: &Path) -> io::Result<Self> {
        let dropped = Self { root: root.to_owned(), last: Mutex::default() };
        for show in shows(root)? {
            for (rest, _) in sent(&root.join(&show))? {
                dropped.remember(&format!("{show}/{rest}"));
            }
        }
        Ok(dropped)
    }

    /// Drops an object's file.
    pub(super) fn drop(&self, key: &str) -> io::Result<()> {
        let path = self.root.join(key);
        let bytes = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            data => data?.len(),
        };
        let Some((show, rest)) = key.split_once('/') else { return Ok(()) };
        let index = self.root.join(show).join(SENT);
        let mut index = OpenOptions::new().create(true).append(true).open(index)?;
        index.write_all(format!("{rest} {bytes}\n").as_bytes())?;
        self.remember(key);
        fs::remove_file(path)
    }

    /// Whether a segment may have been dropped.
    pub(super) fn may_have(&self, key: &Key) -> bool {
        let Some((folder, number)) = place(key) else { return false };
        self.last().get(&folder).is_some_and(|last| number <= *last)
    }

    /// All objects of a show that were dropped.
    pub(super) fn of_show(&self, show: &str) -> io::Result<HashSet<String>> {
        let all = sent(&self.root.join(show))?.into_iter();
        Ok(all.map(|(rest, _)| format!("{show}/{rest}")).collect())
    }

    pub(super) fn forget(&self, show: &str) {
        let folder = format!("{show}/");
        self.last().retain(|name, _| !name.starts_with(&folder));
    }

    fn remember(&self, key: &str) {
        if let Some((folder, number)) = Key::parse(key).as_ref().and_then(place) {
            let mut all = self.last();
            let last = all.entry(folder).or_insert(number);
            *last = number.max(*last);
        }
    }

    fn last(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        // A poisoned lock is read on: each change is one number.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A segment's folder and its number there; `None` of what is never dropped.
fn place(key: &Key) -> Option<(String, u64)> {
    let KeyObject::Media { rendition, epoch, file } = &key.object else { return None };
    let (kind, number) = match file {
        MediaFile::Segment(msn) | MediaFile::Text(msn) => ("s", *msn),
        MediaFile::Strip(n) => ("b", u64::from(*n)),
        MediaFile::Init(_) | MediaFile::Part(..) | MediaFile::TextPart(..) => return None,
    };
    Some((format!("{}/{rendition}/{epoch}/{kind}", key.show), number))
}

/// The objects that were dropped from a show's folder, and their sizes.
pub(in crate::driver) fn sent(show: &Path) -> io::Result<Vec<(String, u64)>> {
    let text = match fs::read_to_string(show.join(SENT)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    // A last line that was cut off has no size, or part of it: its file is still there.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let line = |line: &str| {
        let (rest, bytes) = line.split_once(' ')?;
        Some((rest.to_owned(), bytes.parse().ok()?))
    };
    Ok(whole.lines().filter_map(line).collect())
}

/// All objects on disk, in the order they were written.
pub(super) fn find(root: &Path) -> io::Result<Vec<Stored>> {
    let mut found = Vec::new();
    for show in shows(root)? {
        walk(root, &root.join(show), &mut found)?;
    }
    found.sort_by(|a, b| (a.0, &a.1.key).cmp(&(b.0, &b.1.key)));
    Ok(found.into_iter().map(|(_, stored)| stored).collect())
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<(SystemTime, Stored)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, data) = (entry.path(), entry.metadata()?);
        if data.is_dir() {
            walk(root, &path, found)?;
            continue;
        }
        let key = path.strip_prefix(root).ok().and_then(Path::to_str).map(str::to_owned);
        if let Some(key) = key.filter(|key| Key::parse(key).is_some()) {
            found.push((data.modified()?, Stored { key, bytes: data.len(), grows: false }));
        }
    }
    Ok(())
}

fn shows(root: &Path) -> io::Result<Vec<String>> {
    let mut shows = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name().to_str().unwrap_or_default().to_owned();
        if Key::parse(&format!("{name}/index.m3u8")).is_some() && entry.file_type()?.is_dir() {
            shows.push(name);
        }
    }
    Ok(shows)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOW: &str = "0123456789abcdef";

    #[test]
    fn what_was_dropped_is_known_to_the_next() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(SHOW).join("720p/e1");
        fs::create_dir_all(&folder).unwrap();
        let key = |n: u64| format!("{SHOW}/720p/e1/s{n}.m4s");
        for n in 0..3 {
            fs::write(root.path().join(key(n)), [0; 7]).unwrap();
        }
        let first = Dropped::read(root.path()).unwrap();
        first.drop(&key(1)).unwrap();
        first.drop(&key(9)).unwrap();
        let next = Dropped::read(root.path()).unwrap();
        let may_have = |n: u64| next.may_have(&Key::parse(&key(n)).unwrap());
        assert_eq!((0..3).map(may_have).collect::<Vec<_>>(), [true, true, false]);
        assert_eq!(next.of_show(SHOW).unwrap(), HashSet::from([key(1)]));
        let left: Vec<_> = find(root.path()).unwrap().into_iter().map(|one| one.key).collect();
        assert_eq!(left, [key(0), key(2)]);
        next.forget(SHOW);
        assert!(!next.may_have(&Key::parse(&key(0)).unwrap()));
    }

    #[test]
    fn a_line_that_was_cut_off_is_none() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(SENT), "720p/e1/s0.m4s 70\n720p/e1/s1.m4s 7").unwrap();
        assert_eq!(sent(root.path()).unwrap(), [("720p/e1/s0.m4s".to_owned(), 70)]);
    }
}
