//! Bytes in a bucket, so that nodes share nothing else for them.
//!
//! In: pieces by their upload and fence. Out: [`Store`] on objects; [`Whole`]s to read. Does not know the protocol.
//!
//! `uploads/<id>/<fence>/<object>` are a piece's bytes, in objects of [`Limits::slice_bytes`] at most, which may come
//! whenever they like: `chain.rs` tells those that count. `uploads/<id>/whole/<fence>` lists, in the end, which
//! objects the file is. So nothing is ever copied to make a file of what has come, however it came, and a bucket need
//! know nothing but to put, get, list and delete.

mod ask;
mod chain;
mod whole;
mod writer;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use shared_media::{Bucket, Listed};
use shared_wire::AssetId;
use shared_wire::upload::Piece;

use self::chain::{Slice, Span, chain};
pub use self::whole::Whole;
use self::writer::Slicer;
use crate::Error;
use crate::port::{Reply, Session, Store, Writer};

/// What stands before all keys of uploads: no show has such a name.
const ROOT: &str = "uploads";

/// What a store in a bucket may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of an object; each request has at most so many in memory, `flying_max + 2` times.
    pub slice_bytes: usize,
    /// Objects of one request that are on their way at the same time.
    pub flying_max: usize,
    /// An object that is shorter is put once more with what comes behind it, in bytes.
    pub tail_bytes: u64,
    /// Objects without use that a session may leave to the next.
    pub litter_max: usize,
    /// For how long what the bucket does not do is asked for again.
    pub patience: Duration,
    /// After how long a deletion is done once more: by then nobody has anything on its way.
    pub again_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            slice_bytes: 8 << 20,
            flying_max: 2,
            tail_bytes: 1 << 20,
            litter_max: 32,
            patience: Duration::from_secs(15),
            again_after: Duration::from_secs(120),
        }
    }
}

/// Uploads in a bucket. Clones are the same.
#[derive(Clone)]
pub struct Far {
    shared: Arc<Shared>,
}

struct Shared {
    bucket: Arc<dyn Bucket>,
    limits: Limits,
}

impl Far {
    /// Uses a bucket.
    #[must_use]
    pub fn new(bucket: Arc<dyn Bucket>, limits: Limits) -> Self {
        Self { shared: Arc::new(Shared { bucket, limits }) }
    }

    /// The file of a finished upload; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Bucket`], [`Error::Storage`] if what lists it is damaged.
    pub async fn whole(&self, id: AssetId) -> Result<Option<Whole>, Error> {
        let lists = self.shared.list(&format!("{ROOT}/{id}/whole/"), None).await?;
        match lists.last() {
            Some(last) => Whole::read(&self.shared, id, &last.key).await.map(Some),
            None => Ok(None),
        }
    }
}

impl Shared {
    async fn list(&self, prefix: &str, after: Option<String>) -> Result<Vec<Listed>, Error> {
        ask::list(self.bucket.as_ref(), self.limits.patience, prefix, after).await
    }

    /// The objects of a piece that begin at a byte or behind it.
    async fn slices(&self, folder: &str, from: u64) -> Result<Vec<Slice>, Error> {
        let after = format!("{folder}{from:016x}");
        let found = self.list(folder, Some(after)).await?;
        let slice = |one: &Listed| Slice::named(one.key.strip_prefix(folder)?, one.bytes);
        Ok(found.iter().filter_map(slice).collect())
    }

    async fn open(self: Arc<Self>, id: AssetId, session: Session) -> Result<Slicer, Error> {
        let Session { piece, at, fence } = session;
        let folder = folder(id, piece);
        let mut tail = bytes::Bytes::new();
        if at > 0 {
            // Nothing is longer, so what ends there is among these.
            let from = at.saturating_sub(self.limits.slice_bytes as u64);
            let found = self.slices(&folder, from).await?;
            let spans = chain(found.clone(), at - 1, at).ok_or_else(|| lost(&folder))?;
            if let Some(last) = spans.last().filter(|last| last.bytes < self.limits.tail_bytes) {
                tail = self.tail(&folder, last).await?;
            }
            self.clear(&folder, found, (from, at)).await;
        }
        Ok(Slicer::new(self, folder, fence.unsigned_abs(), at, &tail))
    }

    async fn tail(&self, folder: &str, span: &Span) -> Result<bytes::Bytes, Error> {
        let key = format!("{folder}{}", span.slice.name());
        let bytes_max = usize::try_from(span.bytes).unwrap_or(usize::MAX);
        let (bucket, range) = (self.bucket.as_ref(), 0..span.bytes);
        let got = ask::persist("get", self.limits.patience, || {
            bucket.get(&key, Some(range.clone()), bytes_max)
        });
        let got = got.await?.ok_or_else(|| lost(&key))?;
        if got.len() as u64 == span.bytes { Ok(got) } else { Err(lost(&key)) }
    }

    /// Deletes what others have the place of, once it is much: who sends small chunks leaves an object for each.
    async fn clear(&self, folder: &str, found: Vec<Slice>, (from, at): (u64, u64)) {
        let before: Vec<Slice> = found.into_iter().filter(|one| one.start < at).collect();
        // What begins before the first of them may have the bytes up to there.
        let Some(first) = before.iter().map(|one| one.start).min().filter(|one| *one >= from)
        else {
            return;
        };
        let Some(spans) = chain(before.clone(), first, at) else { return };
        let used: HashSet<String> = spans.iter().map(|span| span.slice.name()).collect();
        let names = before.iter().map(Slice::name).filter(|name| !used.contains(name));
        let litter: Vec<String> = names.map(|name| format!("{folder}{name}")).collect();
        if litter.len() > self.limits.litter_max
            && let Err(error) = self.bucket.delete(litter).await
        {
            tracing::debug!(%error, "what is of no use stays until the upload ends");
        }
    }

    /// Lists the file of an upload; what of it is of no use any more.
    async fn finish(&self, id: AssetId, pieces: &[Piece], fence: i64) -> Result<(), Error> {
        if self.is_listed(id).await? {
            return Ok(());
        }
        let (mut parts, mut litter) = (Vec::new(), Vec::new());
        for piece in pieces {
            let folder = folder(id, piece.fence);
            let found = self.slices(&folder, 0).await?;
            let spans = chain(found.clone(), 0, piece.bytes).ok_or_else(|| lost(&folder))?;
            let used: HashSet<String> = spans.iter().map(|span| span.slice.name()).collect();
            let names = found.iter().map(Slice::name).filter(|name| !used.contains(name));
            litter.extend(names.map(|name| format!("{folder}{name}")));
            let part = |span: &Span| (format!("{folder}{}", span.slice.name()), span.bytes);
            parts.extend(spans.iter().map(part));
        }
        self.tell(id, fence, &parts).await?;
        self.sweep(litter).await;
        Ok(())
    }

    async fn join(&self, id: AssetId, parts: &[AssetId], fence: i64) -> Result<(), Error> {
        if self.is_listed(id).await? {
            return Ok(());
        }
        let earlier = self.list(&format!("{ROOT}/{id}/"), None).await?;
        let folder = folder(id, fence);
        let (mut copies, mut start) = (Vec::new(), 0_u64);
        for part in parts {
            let far = Whole::find(self, *part).await?.ok_or_else(|| lost(&part.to_string()))?;
            for (key, bytes) in far.into_parts() {
                let number = u32::try_from(copies.len()).unwrap_or(u32::MAX);
                let slice = Slice { start, fence: fence.unsigned_abs(), number, bytes };
                copies.push((key, format!("{folder}{}", slice.name()), bytes));
                start = start.saturating_add(bytes);
            }
        }
        let copying = copies
            .clone()
            .into_iter()
            .map(|(from, to, bytes)| async move { self.copy(&from, &to, bytes).await });
        let at_once = self.limits.flying_max.max(1);
        stream::iter(copying).buffer_unordered(at_once).try_collect::<Vec<()>>().await?;
        let parts: Vec<_> = copies.into_iter().map(|(_, to, bytes)| (to, bytes)).collect();
        self.tell(id, fence, &parts).await?;
        // What somebody before this one came to no end with.
        self.sweep(earlier.into_iter().map(|one| one.key).collect()).await;
        Ok(())
    }

    async fn copy(&self, from: &str, to: &str, bytes: u64) -> Result<(), Error> {
        let (bucket, patience) = (self.bucket.as_ref(), self.limits.patience);
        let bytes_max = usize::try_from(bytes).unwrap_or(usize::MAX);
        let got = ask::persist("get", patience, || bucket.get(from, Some(0..bytes), bytes_max));
        let got = got.await?.filter(|got| got.len() as u64 == bytes).ok_or_else(|| lost(from))?;
        ask::persist("put", patience, || bucket.put(to, got.clone())).await
    }

    async fn is_listed(&self, id: AssetId) -> Result<bool, Error> {
        Ok(!self.list(&format!("{ROOT}/{id}/whole/"), None).await?.is_empty())
    }

    /// Says which objects a file is. If several do, the last counts: it knows what those before it have deleted.
    async fn tell(&self, id: AssetId, fence: i64, parts: &[(String, u64)]) -> Result<(), Error> {
        let key = format!("{ROOT}/{id}/whole/{:016x}", fence.unsigned_abs());
        let text = bytes::Bytes::from(whole::write(id, parts));
        let bucket = self.bucket.as_ref();
        ask::persist("put", self.limits.patience, || bucket.put(&key, text.clone())).await
    }

    async fn sweep(&self, litter: Vec<String>) {
        if litter.is_empty() {
            return;
        }
        if let Err(error) = self.bucket.delete(litter).await {
            tracing::debug!(%error, "what is of no use stays until the asset is deleted");
        }
    }

    async fn delete(&self, id: AssetId) -> Result<(), Error> {
        let (bucket, patience) = (self.bucket.as_ref(), self.limits.patience);
        let found = self.list(&format!("{ROOT}/{id}/"), None).await?;
        if found.is_empty() {
            return Ok(());
        }
        // Lists first: what is half deleted is no file.
        let keys = found.into_iter().map(|one| one.key);
        let (lists, rest): (Vec<_>, Vec<_>) = keys.partition(|key| key.contains("/whole/"));
        for keys in [lists, rest] {
            if !keys.is_empty() {
                ask::persist("delete", patience, || bucket.delete(keys.clone())).await?;
            }
        }
        Ok(())
    }
}

impl Store for Far {
    fn open(&self, id: AssetId, session: Session) -> Reply<'_, Box<dyn Writer>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { Ok(Box::new(shared.open(id, session).await?) as Box<dyn Writer>) })
    }

    fn finish(&self, id: AssetId, pieces: Vec<Piece>, fence: i64) -> Reply<'_, ()> {
        Box::pin(async move { self.shared.finish(id, &pieces, fence).await })
    }

    fn join(&self, id: AssetId, parts: Vec<AssetId>, fence: i64) -> Reply<'_, ()> {
        Box::pin(async move { self.shared.join(id, &parts, fence).await })
    }

    fn delete(&self, id: AssetId) -> Reply<'_, ()> {
        Box::pin(async move {
            self.shared.delete(id).await?;
            let shared = Arc::clone(&self.shared);
            tokio::spawn(async move {
                tokio::time::sleep(shared.limits.again_after).await;
                if let Err(error) = shared.delete(id).await {
                    tracing::warn!(upload = %id, %error, "an upload was not deleted once more");
                }
            });
            Ok(())
        })
    }
}

/// What stands before the names of a piece's objects.
fn folder(id: AssetId, piece: i64) -> String {
    format!("{ROOT}/{id}/{:016x}/", piece.unsigned_abs())
}

fn lost(key: &str) -> Error {
    Error::Storage(format!("the bucket has lost bytes of {key}"))
}

#[cfg(test)]
mod tests;
