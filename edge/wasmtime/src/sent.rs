//! An answer's body on its way to the viewer.
//!
//! In: the engine's body. Out: the same, piece by piece, each owed until it is written, all counted for the access log.
//! Does not know what is in it.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use wasmtime_wasi_http::{Error as WasiError, WasiBody};

use crate::access::Entry;
use crate::pace::{Piece, Turn};

/// A body that is being sent.
pub(crate) struct Sent {
    body: WasiBody,
    turn: Turn,
    entry: Option<Entry>,
}

impl Sent {
    pub(crate) const fn new(body: WasiBody, turn: Turn, entry: Option<Entry>) -> Self {
        Self { body, turn, entry }
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
        Pin::new(&mut this.body).poll_frame(cx).map_ok(|frame| {
            frame.map_data(|data| {
                if let Some(entry) = &mut this.entry {
                    entry.sent(data.len());
                }
                this.turn.ledger().owe(data)
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
