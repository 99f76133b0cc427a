//! Parts of all shows, one behind the other in few files: a file a part would cost more than all else of a show that
//! is passed through.
//!
//! In: parts, in order. Out: files `parts.<n>`; the parts an earlier process left in them. Does not know which shows
//! are on the air.
//!
//! A record is the length of the key (2 bytes, big endian) and of the part (4 bytes), the key, the part. A file that
//! ends within a record was cut off there.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes};
use shared_media::Object;
use shared_wire::key::Key;

use crate::config::PART_RETENTION_S_MIN;

/// How long one file is written to. A file goes when its last part may.
const SPAN: Duration = Duration::from_secs(PART_RETENTION_S_MIN / 4);
const RETENTION: Duration = Duration::from_secs(PART_RETENTION_S_MIN);
/// Bytes that are written with one call.
const BATCH_BYTES: usize = 1 << 20;
const NAME: &str = "parts.";

/// The files, of which one grows.
pub(super) struct Parts {
    root: PathBuf,
    /// The number of the next file.
    next: u64,
    growing: Option<Growing>,
    /// Files nobody writes to any more, and when each goes.
    closed: VecDeque<(Instant, PathBuf)>,
    /// Records that are not written yet.
    batch: Vec<u8>,
}

struct Growing {
    file: File,
    path: PathBuf,
    begun: Instant,
    /// Whole records in it, in bytes.
    len: u64,
}

impl Parts {
    /// Reads what was left below `root`, oldest first.
    ///
    /// # Errors
    /// The directory or a file cannot be read.
    pub(super) fn open(root: PathBuf, now: Instant) -> io::Result<(Self, Vec<Object>)> {
        let mut numbers: Vec<u64> = Vec::new();
        for entry in fs::read_dir(&root)? {
            numbers.extend(entry?.file_name().to_str().and_then(number));
        }
        numbers.sort_unstable();
        let mut left = Vec::new();
        let mut closed = VecDeque::new();
        let goes = now + RETENTION;
        for number in &numbers {
            let path = root.join(format!("{NAME}{number}"));
            read(fs::read(&path)?.into(), &mut left);
            closed.push_back((goes, path));
        }
        let next = numbers.last().map_or(0, |last| last.saturating_add(1));
        Ok((Self { root, next, growing: None, closed, batch: Vec::new() }, left))
    }

    /// Takes a part; it is written with those around it.
    ///
    /// # Errors
    /// The disk did not take what had to be written to make room.
    pub(super) fn push(&mut self, object: &Object, now: Instant) -> io::Result<()> {
        let lengths = u16::try_from(object.key.len()).ok().zip(object.bytes.len().try_into().ok());
        let Some((key, bytes)) = lengths else { return Err(io::ErrorKind::InvalidInput.into()) };
        let bytes: u32 = bytes;
        self.batch.extend_from_slice(&key.to_be_bytes());
        self.batch.extend_from_slice(&bytes.to_be_bytes());
        self.batch.extend_from_slice(object.key.as_bytes());
        self.batch.extend_from_slice(&object.bytes);
        if self.batch.len() < BATCH_BYTES { Ok(()) } else { self.write(now) }
    }

    /// Writes what waits to be written.
    ///
    /// # Errors
    /// The disk did not take it: these parts are lost.
    pub(super) fn write(&mut self, now: Instant) -> io::Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let written = self.write_batch(now);
        if written.is_err() {
            // What follows half a record could not be read.
            self.close(now);
        }
        self.batch.clear();
        self.batch.shrink_to(BATCH_BYTES);
        written
    }

    fn write_batch(&mut self, now: Instant) -> io::Result<()> {
        self.close_if_due(now);
        let growing = match self.growing.take() {
            Some(growing) => growing,
            None => self.begin(now)?,
        };
        let growing = self.growing.insert(growing);
        growing.file.write_all(&self.batch)?;
        growing.len += self.batch.len() as u64;
        Ok(())
    }

    fn begin(&mut self, now: Instant) -> io::Result<Growing> {
        let path = self.root.join(format!("{NAME}{}", self.next));
        self.next = self.next.saturating_add(1);
        Ok(Growing { file: File::create(&path)?, path, begun: now, len: 0 })
    }

    fn close_if_due(&mut self, now: Instant) {
        if self.growing.as_ref().is_some_and(|growing| growing.begun + SPAN <= now) {
            self.close(now);
        }
    }

    fn close(&mut self, now: Instant) {
        if let Some(Growing { file, path, len, .. }) = self.growing.take() {
            // Nothing follows: if this fails, reading stops there.
            let _ = file.set_len(len);
            self.closed.push_back((now + RETENTION, path));
        }
    }

    /// Removes the files whose parts nobody may ask for any more.
    pub(super) fn sweep(&mut self, now: Instant) {
        self.close_if_due(now);
        while let Some((_, path)) = self.closed.pop_front_if(|(at, _)| *at <= now) {
            // If it stays it is read once more, and goes then.
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether a file is one of these.
pub(super) fn is_one(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).and_then(number).is_some()
}

fn number(name: &str) -> Option<u64> {
    name.strip_prefix(NAME)?.parse().ok()
}

/// The records of a file, up to the first that is not whole or not one.
fn read(mut rest: Bytes, parts: &mut Vec<Object>) {
    while let (Ok(key), Ok(bytes)) = (rest.try_get_u16(), rest.try_get_u32()) {
        let (key, bytes) = (usize::from(key), bytes as usize);
        if key.saturating_add(bytes) > rest.len() {
            return;
        }
        let name = String::from_utf8(rest.split_to(key).into()).ok();
        let Some(key) = name.filter(|name| Key::parse(name).is_some()) else { return };
        parts.push(Object { key, bytes: rest.split_to(bytes) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(number: u32) -> Object {
        let bytes = Bytes::from(vec![7; number as usize * 100]);
        Object { key: format!("0123456789abcdef/source/e1/p0.{number}.m4s"), bytes }
    }

    fn open(root: &Path, now: Instant) -> (Parts, Vec<Object>) {
        Parts::open(root.to_owned(), now).unwrap()
    }

    #[test]
    fn parts_are_read_in_their_order_and_by_the_process_after_the_next_too() {
        let root = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let (mut first, left) = open(root.path(), now);
        assert!(left.is_empty());
        for number in [1, 2] {
            first.push(&part(number), now).unwrap();
        }
        first.write(now).unwrap();
        let (mut second, left) = open(root.path(), now);
        assert_eq!(left, [part(1), part(2)]);
        second.push(&part(3), now).unwrap();
        second.write(now).unwrap();
        let (_, left) = open(root.path(), now);
        assert_eq!(left, [part(1), part(2), part(3)]);
    }

    #[test]
    fn a_part_stays_for_its_time_and_hardly_longer() {
        let root = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let (mut parts, _) = open(root.path(), start);
        for second in 0..100 {
            let now = start + Duration::from_secs(second);
            parts.push(&part(u32::try_from(second).unwrap()), now).unwrap();
            parts.write(now).unwrap();
            parts.sweep(now);
            let kept: Vec<_> = open(root.path(), now).1.into_iter().map(|part| part.key).collect();
            let is_kept = |age: u64| {
                let number = second.checked_sub(age).and_then(|second| u32::try_from(second).ok());
                number.is_none_or(|number| kept.contains(&part(number).key))
            };
            assert!((0..PART_RETENTION_S_MIN).all(is_kept), "at {second} s");
            let most = RETENTION + 2 * SPAN;
            assert!(kept.len() as u64 <= most.as_secs(), "{} at {second} s", kept.len());
        }
    }

    #[test]
    fn a_file_cut_off_or_damaged_anywhere_gives_the_parts_before() {
        let root = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let (mut parts, _) = open(root.path(), now);
        for number in [1, 2, 3] {
            parts.push(&part(number), now).unwrap();
        }
        parts.write(now).unwrap();
        let whole = fs::read(root.path().join("parts.0")).unwrap();
        let record = 6 + part(1).key.len();
        let ends = [record + 100, 2 * record + 300, 3 * record + 600];
        assert_eq!(whole.len(), ends[2]);
        for cut in 0..=whole.len() {
            let mut read_back = Vec::new();
            read(whole[..cut].to_vec().into(), &mut read_back);
            assert_eq!(read_back.len(), ends.iter().filter(|end| **end <= cut).count());
        }
        for at in 0..record {
            let mut damaged = whole.clone();
            damaged[at] = 0xff;
            // Whatever it says, it ends, and what it says of others is not made up.
            let mut read_back = Vec::new();
            read(damaged.into(), &mut read_back);
            assert!(read_back.len() <= 3);
        }
    }
}
