//! A piece that is being written into a bucket: one object is filled while others are on their way.
//!
//! In: bytes in order. Out: objects, each under a name that is never used again. Does not know who else writes.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::chain::Slice;
use super::{Shared, ask};
use crate::Error;
use crate::port::{Reply, Writer};
use std::sync::Arc;

/// How often bytes that do not fill an object are put while more come.
const KEEP_EVERY: Duration = Duration::from_secs(5);

/// The writer.
pub(super) struct Slicer {
    shared: Arc<Shared>,
    /// What stands before names.
    folder: String,
    fence: u64,
    /// The next object's number.
    number: u32,
    /// The byte of the piece that the buffer begins with.
    start: u64,
    gathered: BytesMut,
    /// How many of the buffer's bytes are there already, in a shorter object.
    put: usize,
    /// Objects on their way, in order: where each ends.
    flying: VecDeque<(u64, JoinHandle<Result<Bytes, Error>>)>,
    /// Buffers that were on their way.
    spare: Vec<BytesMut>,
    /// Bytes of the piece, from its first, that are there.
    durable: u64,
    /// Nothing more is taken.
    failed: Option<Error>,
    kept: Instant,
}

impl Slicer {
    /// Goes on at `durable`, with the bytes before it that are to be put once more.
    pub(super) fn new(
        shared: Arc<Shared>,
        folder: String,
        fence: u64,
        durable: u64,
        tail: &[u8],
    ) -> Self {
        let mut gathered = BytesMut::with_capacity(shared.limits.slice_bytes);
        gathered.extend_from_slice(tail);
        Self {
            shared,
            folder,
            fence,
            number: 0,
            start: durable.saturating_sub(tail.len() as u64),
            put: gathered.len(),
            gathered,
            flying: VecDeque::new(),
            spare: Vec::new(),
            durable,
            failed: None,
            kept: Instant::now(),
        }
    }

    /// Puts bytes that begin where the buffer does, on their way.
    fn launch(&mut self, bytes: Bytes) {
        let end = self.start.saturating_add(bytes.len() as u64);
        let length = bytes.len() as u64;
        let (start, fence, number) = (self.start, self.fence, self.number);
        let slice = Slice { start, fence, number, bytes: length };
        self.number = self.number.wrapping_add(1);
        let key = format!("{}{}", self.folder, slice.name());
        let shared = Arc::clone(&self.shared);
        let flight = tokio::spawn(async move {
            let (bucket, patience) = (shared.bucket.as_ref(), shared.limits.patience);
            ask::persist("put", patience, || bucket.put(&key, bytes.clone())).await?;
            Ok(bytes)
        });
        self.flying.push_back((end, flight));
    }

    /// Puts the buffer on its way, and begins another.
    async fn turn(&mut self) -> Result<(), Error> {
        self.land_all_but(self.shared.limits.flying_max.saturating_sub(1)).await?;
        let capacity = self.shared.limits.slice_bytes;
        let spare = self.spare.pop().unwrap_or_else(|| BytesMut::with_capacity(capacity));
        let full = mem::replace(&mut self.gathered, spare).freeze();
        let length = full.len() as u64;
        self.launch(full);
        self.start = self.start.saturating_add(length);
        self.put = 0;
        Ok(())
    }

    /// Waits until no more than so many objects are on their way.
    async fn land_all_but(&mut self, left: usize) -> Result<(), Error> {
        while self.flying.len() > left {
            let Some((end, flight)) = self.flying.pop_front() else { break };
            let landed =
                flight.await.unwrap_or_else(|error| Err(Error::Storage(error.to_string())));
            match landed {
                Ok(bytes) => {
                    self.durable = self.durable.max(end);
                    if let Ok(mut spare) = bytes.try_into_mut()
                        && self.spare.is_empty()
                        && spare.capacity() >= self.shared.limits.slice_bytes
                    {
                        spare.clear();
                        self.spare.push(spare);
                    }
                }
                Err(error) => {
                    // What comes behind a hole is of no use.
                    self.flying.drain(..).for_each(|(_, flight)| flight.abort());
                    self.failed = Some(error.clone());
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Takes in what has arrived, without waiting.
    async fn land_arrived(&mut self) -> Result<(), Error> {
        while self.flying.front().is_some_and(|(_, flight)| flight.is_finished()) {
            self.land_all_but(self.flying.len() - 1).await?;
        }
        Ok(())
    }

    async fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = self.shared.limits.slice_bytes.saturating_sub(self.gathered.len());
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.gathered.extend_from_slice(now);
            rest = later;
            if self.gathered.len() >= self.shared.limits.slice_bytes {
                self.turn().await?;
            }
        }
        Ok(())
    }

    async fn settle(&mut self) -> Result<u64, Error> {
        if self.failed.is_some() {
            return Ok(self.durable); // whoever asked was told, and asks what is left
        }
        self.land_all_but(0).await?;
        if self.gathered.len() > self.put {
            self.launch(Bytes::copy_from_slice(&self.gathered));
            self.land_all_but(0).await?;
            self.put = self.gathered.len();
        }
        self.kept = Instant::now();
        Ok(self.durable)
    }

    async fn safe(&mut self) -> Result<u64, Error> {
        if self.failed.is_none() {
            self.land_arrived().await?;
            if self.kept.elapsed() >= KEEP_EVERY {
                return self.settle().await;
            }
        }
        Ok(self.durable)
    }
}

impl Drop for Slicer {
    fn drop(&mut self) {
        self.flying.drain(..).for_each(|(_, flight)| flight.abort());
    }
}

impl Writer for Slicer {
    fn put(&mut self, bytes: Bytes) -> Reply<'_, ()> {
        Box::pin(async move { Self::put(self, &bytes).await })
    }

    fn settle(&mut self) -> Reply<'_, u64> {
        Box::pin(Self::settle(self))
    }

    fn safe(&mut self) -> Reply<'_, u64> {
        Box::pin(Self::safe(self))
    }
}
