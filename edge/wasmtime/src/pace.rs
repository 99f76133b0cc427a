//! How fast a viewer takes what it asked for, and what becomes of one that does not.
//!
//! In: what is handed to a connection and what leaves it. Out: a [`Verdict`], now and then. Does not know protocols: a
//! socket that takes nothing (HTTP/1.1) and a window that stays shut (HTTP/2) look the same here, because a piece of a
//! body counts as taken when it is written, not when it is handed over.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

use crate::config::Limits;

/// What one connection owes its viewer and has sent.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Bytes of bodies that were handed over and not written yet.
    owed: AtomicU64,
    /// Bytes of bodies that were owed once and are no more.
    paid: AtomicU64,
    /// Something was paid.
    payment: Notify,
    /// How often nothing was owed any more.
    settled: AtomicU64,
    /// Bytes of bodies that were written.
    taken: AtomicU64,
    /// Bytes of all kinds that were written.
    written: AtomicU64,
    /// The socket takes nothing at the moment.
    is_blocked: AtomicBool,
    /// Requests that came.
    begun: AtomicU64,
    /// Requests whose answers were handed over in whole or dropped.
    ended: AtomicU64,
}

impl Ledger {
    /// A request came; it ends when its [`Turn`] is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Turn {
        self.begun.fetch_add(1, Relaxed);
        Turn(Arc::clone(self))
    }

    /// A piece of a body that counts as owed until it is written or dropped.
    pub(crate) fn owe(self: &Arc<Self>, bytes: Bytes) -> Piece {
        self.owed.fetch_add(bytes.len() as u64, Relaxed);
        Piece { bytes, ledger: Arc::clone(self) }
    }

    /// Waits until as much is paid as has been owed so far.
    pub(crate) async fn settle(self: Arc<Self>) {
        let due = self.paid.load(Relaxed) + self.owed.load(Relaxed);
        loop {
            let payment = self.payment.notified();
            if self.paid.load(Relaxed) >= due {
                return;
            }
            payment.await;
        }
    }

    fn pay(&self, bytes: usize) {
        let bytes = bytes as u64;
        if bytes == 0 {
            return;
        }
        self.paid.fetch_add(bytes, Relaxed);
        if self.owed.fetch_sub(bytes, Relaxed) == bytes {
            self.settled.fetch_add(1, Relaxed);
        }
        self.payment.notify_waiters();
    }
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Turn(Arc<Ledger>);

impl Turn {
    /// The ledger of its connection.
    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.0
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Relaxed);
    }
}

/// Bytes of a body.
#[derive(Debug)]
pub(crate) struct Piece {
    bytes: Bytes,
    ledger: Arc<Ledger>,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.ledger.taken.fetch_add(count as u64, Relaxed);
        self.ledger.pay(count);
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.ledger.pay(self.bytes.len());
    }
}

/// A connection's stream, watched.
#[derive(Debug)]
pub(crate) struct Paced<S> {
    stream: S,
    ledger: Arc<Ledger>,
}

impl<S> Paced<S> {
    pub(crate) const fn new(stream: S, ledger: Arc<Ledger>) -> Self {
        Self { stream, ledger }
    }

    fn note(&self, written: &Poll<io::Result<usize>>) {
        self.ledger.is_blocked.store(written.is_pending(), Relaxed);
        if let Poll::Ready(Ok(count)) = written {
            self.ledger.written.fetch_add(*count as u64, Relaxed);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.ledger.is_blocked.store(flushed.is_pending(), Relaxed);
        Poll::Ready(ready!(flushed))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What is to be done with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Fine,
    /// End it: nothing was asked in time.
    Silent,
    /// Close it in good order: it has been idle for long.
    Idle,
    /// End it: the viewer does not take what it asked for.
    Stalled,
}

/// Looks at a ledger now and then.
#[derive(Debug)]
pub(crate) struct Watch {
    ledger: Arc<Ledger>,
    start: Instant,
    body: Wait,
    socket: Wait,
    /// Since when no request is under way, and how many there had been.
    idle: Option<(Instant, u64)>,
}

impl Watch {
    pub(crate) const fn new(ledger: Arc<Ledger>, now: Instant) -> Self {
        Self { ledger, start: now, body: Wait::NONE, socket: Wait::NONE, idle: None }
    }

    /// How often to look.
    pub(crate) fn period(limits: &Limits) -> Duration {
        let quarter = limits.stall_time_max.min(limits.idle_time_max) / 4;
        quarter.min(limits.head_time_max)
    }

    /// What to do `now`.
    pub(crate) fn look(&mut self, limits: &Limits, now: Instant) -> Verdict {
        let ledger = &*self.ledger;
        let begun = ledger.begun.load(Relaxed);
        if begun == 0 {
            let is_silent = now.saturating_duration_since(self.start) >= limits.head_time_max;
            return if is_silent { Verdict::Silent } else { Verdict::Fine };
        }
        let owes = ledger.owed.load(Relaxed) > 0;
        let (settled, taken) = (ledger.settled.load(Relaxed), ledger.taken.load(Relaxed));
        let is_blocked = ledger.is_blocked.load(Relaxed);
        let stalled = [
            self.body.lasts(owes, settled, taken, limits, now),
            self.socket.lasts(is_blocked, 0, ledger.written.load(Relaxed), limits, now),
        ];
        if stalled.contains(&true) {
            return Verdict::Stalled;
        }
        if owes || is_blocked || ledger.ended.load(Relaxed) < begun {
            self.idle = None;
            return Verdict::Fine;
        }
        match self.idle {
            Some((since, then)) if then == begun => {
                let is_long = now.saturating_duration_since(since) >= limits.idle_time_max;
                if is_long { Verdict::Idle } else { Verdict::Fine }
            }
            _ => {
                self.idle = Some((now, begun));
                Verdict::Fine
            }
        }
    }
}

/// How long something has been waiting without enough progress.
#[derive(Debug)]
struct Wait(Option<(Instant, u64, u64)>);

impl Wait {
    const NONE: Self = Self(None);

    /// Whether the wait has lasted too long. `round` changes when it was over meanwhile, `bytes` grows with progress.
    fn lasts(
        &mut self,
        waits: bool,
        round: u64,
        bytes: u64,
        limits: &Limits,
        now: Instant,
    ) -> bool {
        if !waits {
            self.0 = None;
            return false;
        }
        match self.0 {
            Some((since, then, before))
                if then == round && bytes.saturating_sub(before) < limits.stall_bytes_min =>
            {
                now.saturating_duration_since(since) >= limits.stall_time_max
            }
            _ => {
                self.0 = Some((now, round, bytes));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: fn() -> Limits = Limits::default;

    fn after(start: Instant, looks: u32) -> Instant {
        start + Watch::period(&LIMITS()) * looks
    }

    #[test]
    fn a_viewer_that_takes_nothing_is_stalled_and_one_that_takes_some_is_not() {
        let ledger = Arc::new(Ledger::default());
        let start = Instant::now();
        let mut watch = Watch::new(Arc::clone(&ledger), start);
        let turn = ledger.begin();
        let mut piece = turn.ledger().owe(Bytes::from(vec![0; 1 << 20]));
        drop(turn);
        for look in 1..40 {
            piece.advance(5_000);
            assert_eq!(watch.look(&LIMITS(), after(start, look)), Verdict::Fine, "{look}");
        }
        let verdicts: Vec<_> =
            (40..46).map(|look| watch.look(&LIMITS(), after(start, look))).collect();
        assert_eq!(verdicts.last(), Some(&Verdict::Stalled));
        assert_eq!(verdicts.first(), Some(&Verdict::Fine), "it has had no time to stall");
        drop(piece);
        assert_eq!(watch.look(&LIMITS(), after(start, 47)), Verdict::Fine, "nothing is owed");
    }

    #[test]
    fn small_answers_in_quick_order_are_no_stall() {
        let ledger = Arc::new(Ledger::default());
        let start = Instant::now();
        let mut watch = Watch::new(Arc::clone(&ledger), start);
        let _turn = ledger.begin();
        for look in 1..40 {
            // Each look finds something owed, but each time it is something else.
            let piece = ledger.owe(Bytes::from_static(b"#EXTM3U"));
            assert_eq!(watch.look(&LIMITS(), after(start, look)), Verdict::Fine);
            drop(piece);
        }
    }

    #[test]
    fn silence_and_idleness_are_told_apart() {
        let ledger = Arc::new(Ledger::default());
        let start = Instant::now();
        let mut watch = Watch::new(Arc::clone(&ledger), start);
        assert_eq!(watch.look(&LIMITS(), start), Verdict::Fine);
        assert_eq!(watch.look(&LIMITS(), start + LIMITS().head_time_max), Verdict::Silent);
        let turn = ledger.begin();
        let long = start + LIMITS().idle_time_max * 2;
        assert_eq!(watch.look(&LIMITS(), long), Verdict::Fine, "a blocking reload is under way");
        drop(turn);
        assert_eq!(watch.look(&LIMITS(), long), Verdict::Fine);
        assert_eq!(watch.look(&LIMITS(), long + LIMITS().idle_time_max), Verdict::Idle);
    }
}
