//! Events that wait, as files: what a killed house had not delivered the next one delivers.
//!
//! In: messages. Out: a small file for each, gone once the message needs it no more. Does not know the receiver. A file
//! is not synced: it outlives the process, not a power cut.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use shared_wire::ShowId;
use tokio::task::{JoinHandle, spawn_blocking};

/// Longest file that is read, in bytes; ours are below 1 kB.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// How files are called: a number that grows, in hexadecimal, before this.
const ENDING: &str = ".json";

/// A message that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Message {
    /// Whose events wait for each other.
    pub(super) show: ShowId,
    /// Its id (Standard Webhooks): the same for every try, by which a receiver knows one that comes twice.
    pub(super) id: String,
    /// What is sent.
    pub(super) body: String,
}

/// The directory.
#[derive(Debug)]
pub(super) struct Spool {
    directory: PathBuf,
    next: AtomicU64,
}

/// A message's file.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    written: Option<JoinHandle<()>>,
}

impl Spool {
    /// Opens it, and takes out what waits there, oldest first.
    ///
    /// # Errors
    /// The directory cannot be made or read.
    pub(super) fn open(directory: PathBuf) -> io::Result<(Self, Vec<(Message, Kept)>)> {
        std::fs::create_dir_all(&directory)?;
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(&directory)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(ENDING));
            numbers.extend(number.and_then(|number| u64::from_str_radix(number, 16).ok()));
        }
        numbers.sort_unstable();
        let next = numbers.last().map_or(0, |last| last + 1);
        let spool = Self { directory, next: AtomicU64::new(next) };
        let waiting = numbers.into_iter().filter_map(|number| spool.take(number)).collect();
        Ok((spool, waiting))
    }

    /// Keeps a message from now on. Waits for nothing: the file is written behind it.
    pub(super) fn keep(&self, message: &Message) -> Kept {
        let path = self.path(self.next.fetch_add(1, Ordering::Relaxed));
        // A struct of three strings always serialises.
        let text = serde_json::to_vec(message).unwrap_or_default();
        let to = path.clone();
        let written = spawn_blocking(move || {
            if let Err(error) = std::fs::write(&to, text) {
                tracing::error!(%error, "an event would not outlive this process");
            }
        });
        Kept { path, written: Some(written) }
    }

    fn take(&self, number: u64) -> Option<(Message, Kept)> {
        let path = self.path(number);
        if let Some(message) = read(&path) {
            return Some((message, Kept { path, written: None }));
        }
        // Such as one that was being written when the process was killed.
        tracing::warn!(path = %path.display(), "a kept event cannot be read and is removed");
        let _ = std::fs::remove_file(&path);
        None
    }

    fn path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:016x}{ENDING}"))
    }
}

impl Kept {
    /// The message needs it no more.
    pub(super) async fn remove(self) {
        if let Some(written) = self.written {
            let _ = written.await; // said already, if it failed
        }
        match tokio::fs::remove_file(&self.path).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::error!(%error, "a delivered event stays and would be sent again");
            }
            _ => {}
        }
    }
}

fn read(path: &Path) -> Option<Message> {
    let length = std::fs::metadata(path).ok()?.len();
    let text = (length <= FILE_BYTES_MAX).then(|| std::fs::read(path).ok())??;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u32) -> Message {
        let show = "0123456789abcdef".parse().expect("an id");
        Message { show, id: format!("msg_{number}"), body: "{}".to_owned() }
    }

    #[tokio::test]
    async fn what_was_not_removed_waits_in_order_after_a_restart() {
        let directory = tempfile::tempdir().expect("a directory");
        let (spool, waiting) = Spool::open(directory.path().join("hooks")).expect("opens");
        assert!(waiting.is_empty());
        let kept: Vec<Kept> = (0..20).map(|number| spool.keep(&message(number))).collect();
        for (number, one) in kept.into_iter().enumerate() {
            match number {
                3 => one.remove().await,
                _ => one.written.expect("it is being written").await.expect("it is"),
            }
        }
        std::fs::write(directory.path().join("hooks/00000000000000ff.json"), "{\"show\":").unwrap();
        std::fs::write(directory.path().join("hooks/note.txt"), "by a person").unwrap();

        let (spool, waiting) = Spool::open(directory.path().join("hooks")).expect("opens again");
        let ids: Vec<_> = waiting.iter().map(|(message, _)| message.clone()).collect();
        let expected: Vec<_> = (0..20).filter(|n| *n != 3).map(message).collect();
        assert_eq!(ids, expected);
        assert_eq!(spool.next.load(Ordering::Relaxed), 0x100, "no number is used twice");
        for (_, kept) in waiting {
            kept.remove().await;
        }
        let (_, waiting) = Spool::open(directory.path().join("hooks")).expect("opens once more");
        assert!(waiting.is_empty());
        assert!(directory.path().join("hooks/note.txt").is_file(), "what is not ours stays");
    }
}
