//! An answer's body on its way to the viewer.
//!
//! In: the engine's body. Out: the same, piece by piece, each owed until it is written, all counted for the access log.
//! Does not know what is in it.
//!
//! A body that breaks off does so after its last piece is written: hyper drops what it has not written yet when a body
//! fails, and a viewer that knows how to go on from where it was would lose that.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame, SizeHint};
use wasmtime_wasi_http::{Error as WasiError, WasiBody};

use crate::access::Entry;
use crate::pace::{Piece, Turn};

/// An end that waits until everything before it is written.
struct Broken {
    written: Pin<Box<dyn Future<Output = ()> + Send>>,
    error: Option<WasiError>,
}

/// A body that is being sent.
pub(crate) struct Sent {
    body: WasiBody,
    turn: Turn,
    entry: Option<Entry>,
    broken: Option<Broken>,
}

impl Sent {
    pub(crate) const fn new(body: WasiBody, turn: Turn, entry: Option<Entry>) -> Self {
        Self { body, turn, entry, broken: None }
    }
}

impl Body for Sent {
    type Data = Piece;
    type Error = WasiError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, WasiError>>> {
        let this = &mut *self;
        if this.broken.is_none() {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Err(error)) => {
                    let written = Box::pin(Arc::clone(this.turn.ledger()).settle());
                    this.broken = Some(Broken { written, error: Some(error) });
                }
                Some(Ok(frame)) => {
                    return Poll::Ready(Some(Ok(frame.map_data(|data| {
                        if let Some(entry) = &mut this.entry {
                            entry.sent(data.len());
                        }
                        this.turn.ledger().owe(data)
                    }))));
                }
                None => return Poll::Ready(None),
            }
        }
        let Some(broken) = &mut this.broken else { return Poll::Ready(None) };
        ready!(broken.written.as_mut().poll(cx));
        let end = broken.error.take();
        // Once told, it stays at its end.
        broken.written = Box::pin(std::future::ready(()));
        Poll::Ready(end.map(Err))
    }

    fn is_end_stream(&self) -> bool {
        self.broken.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
