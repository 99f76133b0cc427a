//! A bucket whose objects are files of a directory, which outlives a house.
//!
//! In: keys and bytes. Out: what a store of objects answers. Does not know how large objects come.

use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use axum::body::Bytes;
use shared_media::{Answer, Bucket, BucketError, BucketFailure, Listed, Page, Piece};

/// The bucket.
pub(super) struct Folder(pub(super) PathBuf);

fn failed(error: &std::io::Error) -> BucketError {
    BucketError { failure: BucketFailure::Wrong, reason: error.to_string() }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            walk(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

impl Folder {
    fn listed(&self, prefix: &str, after: &str) -> Vec<Listed> {
        let mut found = Vec::new();
        walk(&self.0, &mut found);
        let listed = |path: &PathBuf| {
            let key = path.strip_prefix(&self.0).ok()?.to_str()?.to_owned();
            let is_meant = key.starts_with(prefix) && key.as_str() > after;
            let bytes = std::fs::metadata(path).ok()?.len();
            is_meant.then_some(Listed { key, bytes, at_s: 0 })
        };
        let mut listed: Vec<Listed> = found.iter().filter_map(listed).collect();
        listed.sort_by(|one, other| one.key.cmp(&other.key));
        listed
    }

    fn write(&self, key: &str, bytes: &[u8]) -> std::io::Result<()> {
        let path = self.0.join(key);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, bytes)
    }

    /// An object, and what is a folder for its sake alone.
    fn remove(&self, key: &str) -> std::io::Result<()> {
        let path = self.0.join(key);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let folders = path.ancestors().skip(1).take_while(|one| *one != self.0);
        for folder in folders {
            if std::fs::remove_dir(folder).is_err() {
                break; // something else is there
            }
        }
        Ok(())
    }
}

fn at_once<'a, T: Send + 'a>(done: std::io::Result<T>) -> Answer<'a, T> {
    let done = done.map_err(|error| failed(&error));
    Box::pin(async move { done })
}

fn unknown<'a, T: Send + 'a>() -> Answer<'a, T> {
    at_once(Err(ErrorKind::Unsupported.into()))
}

impl Bucket for Folder {
    fn put(&self, key: &str, bytes: Bytes) -> Answer<'_, ()> {
        at_once(self.write(key, &bytes))
    }

    fn get(&self, key: &str, range: Option<Range<u64>>, most: usize) -> Answer<'_, Option<Bytes>> {
        let read = match std::fs::read(self.0.join(key)) {
            Ok(bytes) => {
                let place = |at: u64| usize::try_from(at).unwrap().min(bytes.len());
                let range = range.map_or(0..bytes.len(), |r| place(r.start)..place(r.end));
                assert!(range.len() <= most);
                Ok(Some(Bytes::copy_from_slice(&bytes[range])))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        at_once(read)
    }

    fn list(&self, prefix: &str, after: Option<&str>) -> Answer<'_, Page> {
        let objects = self.listed(prefix, after.unwrap_or_default());
        at_once(Ok(Page { objects, more: false }))
    }

    fn delete(&self, keys: Vec<String>) -> Answer<'_, ()> {
        at_once(keys.iter().try_for_each(|key| self.remove(key)))
    }

    fn begin(&self, _: &str) -> Answer<'_, String> {
        unknown()
    }

    fn piece(&self, _: &str, _: &str, _: i32, _: Bytes) -> Answer<'_, Piece> {
        unknown()
    }

    fn complete(&self, _: &str, _: &str, _: Vec<Piece>) -> Answer<'_, ()> {
        unknown()
    }

    fn abort(&self, _: &str, _: &str) -> Answer<'_, ()> {
        unknown()
    }
}
