//! An object on its way from the origin, handed to all who wait for it while it arrives.
//!
//! In: the head and pieces of the body, in order, from the one who fetches ([`Intake`]). Out: the same pieces to any
//! number of readers, each at its own pace, and in the end the whole [`Object`]. Does not know where pieces come from.
//!
//! The bytes of all that arrives at a time are bounded ([`Room`]): what has no room is not collected.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures::{Stream, stream};
use tokio::sync::watch;

use super::object::{Head, Object};
use crate::origins::Failure;

/// An object on its way.
#[derive(Debug)]
pub(crate) struct Arriving {
    pub(crate) head: Arc<Head>,
    /// Bytes of the whole, if the origin announced them: not of what is still being made.
    pub(crate) total: Option<usize>,
    since: Instant,
    state: Mutex<State>,
    grown: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    /// Each with where it begins; empty again when the whole is there.
    pieces: Vec<(usize, Bytes)>,
    bytes: usize,
    end: Option<Result<Arc<Object>, Failure>>,
}

/// What a reader finds.
enum Next {
    Piece(Bytes),
    Wait,
    End,
    Failed(Failure),
}

impl Arriving {
    fn new(head: Arc<Head>, total: Option<usize>) -> Self {
        let (grown, _) = watch::channel(());
        Self { head, total, since: Instant::now(), state: Mutex::default(), grown }
    }

    /// How long ago its head came.
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Its body from the beginning; an error if the rest cannot be had.
    pub(crate) fn body(self: Arc<Self>) -> impl Stream<Item = Result<Bytes, Failure>> + Send {
        let grown = self.grown.subscribe();
        stream::unfold(Some((self, grown, 0)), |reader| async {
            let (arriving, mut grown, offset) = reader?;
            loop {
                match arriving.next(offset) {
                    Next::Piece(piece) => {
                        let offset = offset + piece.len();
                        return Some((Ok(piece), Some((arriving, grown, offset))));
                    }
                    Next::Wait if grown.changed().await.is_ok() => {}
                    Next::Wait => return Some((Err(Failure::Broken), None)),
                    Next::Failed(failure) => return Some((Err(failure), None)),
                    Next::End => return None,
                }
            }
        })
    }

    /// The whole, when it is there.
    pub(crate) async fn whole(&self) -> Result<Arc<Object>, Failure> {
        let mut grown = self.grown.subscribe();
        loop {
            if let Some(end) = self.state().end.clone() {
                return end;
            }
            grown.changed().await.map_err(|_| Failure::Broken)?;
        }
    }

    fn next(&self, offset: usize) -> Next {
        let state = self.state();
        match &state.end {
            Some(Ok(object)) if offset >= object.body.len() => return Next::End,
            Some(Ok(object)) => return Next::Piece(object.body.slice(offset..)),
            Some(Err(_)) | None => {}
        }
        let at = state.pieces.partition_point(|(start, _)| *start <= offset);
        match (at.checked_sub(1).and_then(|at| state.pieces.get(at)), &state.end) {
            (Some((start, piece)), _) if offset - start < piece.len() => {
                Next::Piece(piece.slice(offset - start..))
            }
            // What came before the failure is a reader's all the same: it may go on from there elsewhere.
            (_, Some(Err(failure))) => Next::Failed(*failure),
            _ => Next::Wait,
        }
    }

    fn push(&self, piece: Bytes) {
        let mut state = self.state();
        let start = state.bytes;
        state.bytes += piece.len();
        state.pieces.push((start, piece));
        drop(state);
        self.grown.send_replace(());
    }

    fn finish(&self) -> Arc<Object> {
        let mut state = self.state();
        let mut body = BytesMut::with_capacity(state.bytes);
        for (_, piece) in std::mem::take(&mut state.pieces) {
            body.extend_from_slice(&piece);
        }
        let object = Arc::new(Object::new(Arc::clone(&self.head), body.freeze()));
        state.end = Some(Ok(Arc::clone(&object)));
        drop(state);
        self.grown.send_replace(());
        object
    }

    fn fail(&self, failure: Failure) {
        let mut state = self.state();
        if state.end.is_none() {
            state.end = Some(Err(failure));
        }
        drop(state);
        self.grown.send_replace(());
    }

    /// Nothing that holds it can panic, so a poisoned one is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one end into which pieces go. Dropped before [`finish`](Self::finish), it fails those who read.
#[derive(Debug)]
pub(crate) struct Intake {
    arriving: Arc<Arriving>,
    reserved: Reserved,
    total: Option<usize>,
    is_shared: bool,
}

impl Intake {
    /// For an object of this head, of `total` bytes if the origin said so. `None`: there is no room.
    pub(super) fn new(head: Head, total: Option<usize>, room: &Arc<Room>) -> Option<Self> {
        let reserved = room.reserve(total.unwrap_or(0))?;
        let arriving = Arc::new(Arriving::new(Arc::new(head), total));
        Some(Self { arriving, reserved, total, is_shared: false })
    }

    /// What others read from meanwhile.
    pub(super) fn share(&mut self) -> Arc<Arriving> {
        self.is_shared = true;
        Arc::clone(&self.arriving)
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// The piece, if there is no room for it.
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<(), Bytes> {
        if self.total.is_none() && !self.reserved.grow(piece.len()) {
            return Err(piece);
        }
        self.arriving.push(piece);
        Ok(())
    }

    /// Bytes so far.
    pub(crate) fn bytes(&self) -> usize {
        self.arriving.state().bytes
    }

    /// What came so far, for one who goes on without the cache.
    pub(crate) fn take(self) -> Vec<Bytes> {
        let pieces = std::mem::take(&mut self.arriving.state().pieces);
        pieces.into_iter().map(|(_, piece)| piece).collect()
    }

    /// The head.
    pub(crate) fn head(&self) -> &Head {
        &self.arriving.head
    }

    /// Bytes of the whole, if the origin said so.
    pub(crate) const fn total(&self) -> Option<usize> {
        self.total
    }

    /// Whether less came than the origin said.
    pub(crate) fn is_short(&self) -> bool {
        self.total.is_some_and(|total| self.bytes() < total)
    }

    /// Whether others may be reading from it.
    pub(crate) const fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Everything is there.
    pub(crate) fn finish(self) -> Arc<Object> {
        self.arriving.finish()
    }

    /// The rest cannot be had.
    pub(crate) fn fail(self, failure: Failure) {
        self.arriving.fail(failure);
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.arriving.fail(Failure::Broken);
    }
}

/// Room for the bytes of all that arrives.
#[derive(Debug)]
pub(super) struct Room {
    used: AtomicUsize,
    bytes_max: usize,
}

impl Room {
    pub(super) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), bytes_max })
    }

    fn reserve(self: &Arc<Self>, bytes: usize) -> Option<Reserved> {
        let mut reserved = Reserved { room: Arc::clone(self), bytes: 0 };
        reserved.grow(bytes).then_some(reserved)
    }
}

/// Some of the room, given back when dropped.
#[derive(Debug)]
struct Reserved {
    room: Arc<Room>,
    bytes: usize,
}

impl Reserved {
    fn grow(&mut self, bytes: usize) -> bool {
        let taken = self.room.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|used| *used <= self.room.bytes_max)
        });
        if taken.is_ok() {
            self.bytes += bytes;
        }
        taken.is_ok()
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.room.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
