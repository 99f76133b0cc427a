//! A request's body, on its way to the store.
//!
//! In: an upload that is held, a chunk as the machine allowed it, a body. Out: bytes that are safe and counted. Does
//! not know headers.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use metrics::counter;
use tokio::time::{Instant, MissedTickBehavior};

use super::Shared;
use super::held::Held;
use crate::Error;
use crate::machine::{Chunk, Sum, taken};
use crate::port::{Session, Writer};

/// A chunk as it comes.
struct Incoming<'a> {
    chunk: &'a Chunk,
    writer: Box<dyn Writer>,
    sum: Option<Sum>,
    /// Bytes that have come.
    taken: u64,
    /// Bytes of the upload before it.
    before: u64,
}

impl Shared {
    /// Takes a chunk in. However it ends, what is safe by then is counted, unless the chunk has a checksum: then all of
    /// it counts, or nothing. The upload stays held.
    ///
    /// # Errors
    /// Whatever ended it before its end.
    pub(super) async fn absorb(
        self: &Arc<Self>,
        held: &mut Held,
        chunk: &Chunk,
        body: Body,
    ) -> Result<(), Error> {
        let before = held.upload.offset();
        let (id, piece) = (held.upload.id, held.upload.pieces.last().copied());
        let piece = piece.ok_or_else(|| Error::Storage("an upload without a piece".to_owned()))?;
        let session = Session { piece: piece.fence, at: piece.bytes, fence: held.fence };
        let writer = self.store.open(id, session).await?;
        let sum = chunk.checksum.as_ref().map(|checksum| checksum.begin());
        let mut incoming = Incoming { chunk, writer, sum, taken: 0, before };
        let end = self.stream(held, &mut incoming, body).await;
        if matches!(end, Err(Error::TakenOver)) && !held.turn.wanted.is_cancelled() {
            return end; // by another node: nothing here counts any more
        }
        if let (Some(checksum), Some(sum)) = (&chunk.checksum, incoming.sum.take()) {
            end?;
            checksum.check(sum)?;
            return self.count(held, &mut incoming).await;
        }
        let counted = self.count(held, &mut incoming).await;
        if matches!(counted, Err(Error::Bucket(_))) {
            // What came there before it failed is not lost.
            self.count(held, &mut incoming).await?;
        }
        counted?;
        end
    }

    async fn stream(
        &self,
        held: &mut Held,
        incoming: &mut Incoming<'_>,
        mut body: Body,
    ) -> Result<(), Error> {
        let every = self.config.save_every;
        let mut saves = tokio::time::interval_at(Instant::now() + every, every);
        saves.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent_from = Instant::now();
        let wanted = held.turn.wanted.clone();
        // What is there already is taken before somebody else has his turn, or nobody would get anywhere.
        let overdue = async {
            wanted.cancelled().await;
            tokio::time::sleep(every).await;
        };
        tokio::pin!(overdue);
        loop {
            tokio::select! {
                biased;
                () = &mut overdue => return Err(Error::TakenOver),
                () = self.stop.cancelled() => return Err(Error::Stopping),
                _ = saves.tick() => {
                    let is_wanted = if incoming.sum.is_some() {
                        self.save(held).await? // a sign of life
                    } else {
                        let bytes = incoming.writer.safe().await?;
                        told(held, bytes);
                        self.save(held).await?
                    };
                    if is_wanted {
                        held.turn.wanted.cancel();
                    }
                }
                frame = body.frame() => {
                    let Some(frame) = frame else { return Ok(()) };
                    let frame = frame.map_err(|_| Error::BrokeOff)?;
                    silent_from = Instant::now();
                    if let Ok(bytes) = frame.into_data() {
                        self.put(held, incoming, bytes).await?;
                    }
                }
                () = wanted.cancelled() => return Err(Error::TakenOver),
                () = tokio::time::sleep_until(silent_from + self.config.silence_max) => {
                    return Err(Error::BrokeOff);
                }
            }
        }
    }

    async fn put(
        &self,
        held: &mut Held,
        incoming: &mut Incoming<'_>,
        bytes: Bytes,
    ) -> Result<(), Error> {
        let so_far = incoming.taken.saturating_add(bytes.len() as u64);
        taken(so_far, incoming.chunk)?;
        let need = incoming.before.saturating_add(so_far);
        if need > held.reserved {
            // Of unknown length: it takes of the quota as it grows.
            let said = incoming.chunk.said.map(|said| incoming.before.saturating_add(said));
            let some = need.saturating_add(self.config.reserve_bytes);
            let had = std::mem::replace(&mut held.reserved, said.unwrap_or(some));
            if let Err(error) = self.save(held).await {
                held.reserved = had;
                return Err(error);
            }
        }
        if let Some(sum) = &mut incoming.sum {
            sum.update(&bytes);
        }
        incoming.taken = so_far;
        counter!("matinee_upload_bytes_total").increment(bytes.len() as u64);
        incoming.writer.put(bytes).await
    }

    /// Makes what has come safe, and counts it.
    async fn count(&self, held: &mut Held, incoming: &mut Incoming<'_>) -> Result<(), Error> {
        let bytes = incoming.writer.settle().await?;
        told(held, bytes);
        self.save(held).await.map(drop)
    }
}

/// So many bytes of the piece that is being written are safe.
fn told(held: &mut Held, bytes: u64) {
    if let Some(piece) = held.upload.pieces.last_mut() {
        piece.bytes = bytes;
    }
}
