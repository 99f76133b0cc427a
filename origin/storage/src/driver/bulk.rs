//! Objects of films, which are made faster than anybody watches them.
//!
//! In: an object. Out: word that it is on the disk. Never in memory beside what is live, nor before it in the queue.
//! Does not know what a film is.

use std::io;
use std::sync::Arc;

use shared_media::Object;

use super::{Store, is_key, report};
use crate::Error;
use crate::machine::{Operation, Write};

impl Store {
    /// Writes an object whole, in place of what is there: it is on the disk when this returns, and in the bucket as
    /// soon as that takes it. Nothing else of its key may be on its way by [`shared_media::ObjectSink`].
    ///
    /// # Errors
    /// [`Error::Write`] if the disk, or the spool of a bucket, does not take it.
    pub async fn save(&self, object: Object) -> Result<(), Error> {
        let Object { key, bytes } = object;
        let failed = |reason: String| Error::Write { key: key.clone(), reason };
        if !is_key(&Object { key: key.clone(), bytes: bytes.clone() }) {
            return Err(failed("it is no key of an object".to_owned()));
        }
        if bytes.len() > self.shared.config.object_bytes_max {
            return Err(failed("it is larger than any object may be".to_owned()));
        }
        if self.shared.driven().machine.is_spool_full() {
            return Err(failed("the disk has all it may that the bucket does not take".to_owned()));
        }
        let _alone = match key.ends_with(".m3u8") {
            true => Some(self.shared.texts.write().await),
            false => None,
        };
        let (length, began) = (bytes.len(), std::time::Instant::now());
        let write = Write { id: 0, key: key.clone(), operation: Operation::Create, bytes };
        let disk = Arc::clone(&self.shared);
        let written = tokio::task::spawn_blocking(move || disk.write(&write)).await;
        let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
        written.map_err(|error| failed(error.to_string()))?;
        report::written(length, began.elapsed());
        self.shared.ledger.written(&key, length);
        Ok(())
    }
}

impl Store {
    /// Writes a text whole, on this disk and nowhere else: each node makes it for itself, and the bucket has none that
    /// an older could take the place of.
    ///
    /// # Errors
    /// [`Error::Write`] if the disk does not take it.
    pub async fn save_here(&self, object: Object) -> Result<(), Error> {
        let key = object.key.clone();
        let failed = |reason: String| Error::Write { key: key.clone(), reason };
        let _alone = self.shared.texts.write().await;
        let disk = Arc::clone(&self.shared);
        let written = tokio::task::spawn_blocking(move || {
            disk.disk.create(&object.key, &object.bytes).map(|()| object.bytes.len())
        });
        let written = written.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        let length = written.map_err(|error| failed(error.to_string()))?;
        self.shared.ledger.written(&key, length);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use shared_wire::key::Key;

    #[tokio::test]
    async fn what_is_saved_is_on_the_disk_and_not_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("objects");
        let store = Store::open(Config { root: root.clone(), ..Config::default() }).unwrap();
        for (name, text) in [("720p/e1/s0.m4s", "a"), ("720p/index.m3u8", "b")] {
            let key = format!("0123456789abcdef/{name}");
            store.save(Object { key: key.clone(), bytes: text.into() }).await.unwrap();
            assert_eq!(std::fs::read(root.join(&key)).unwrap(), text.as_bytes());
            assert!(store.shared.driven().machine.held(&key).is_none());
            let parsed = Key::parse(&key).unwrap();
            assert_eq!(store.get(&parsed).await.unwrap().as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(store.usage()[0].bytes, 2);
        let odd = Object { key: "../x".to_owned(), bytes: "c".into() };
        assert!(matches!(store.save(odd).await, Err(Error::Write { .. })));
    }
}
