//! What the component prints becomes log lines.
//!
//! In: the bytes it writes to stdout and stderr. Out: one `WARN` per line. Does not know the request they belong to.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use tracing::warn;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// Longest line that is logged, in bytes; what is longer is cut into several.
const LINE_BYTES_MAX: usize = 1024;

/// One stream of one instance.
#[derive(Debug, Default)]
pub(crate) struct GuestLog {
    line: Vec<u8>,
}

impl GuestLog {
    fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte != b'\n' {
                self.line.push(byte);
            }
            if byte == b'\n' || self.line.len() >= LINE_BYTES_MAX {
                self.log();
            }
        }
    }

    fn log(&mut self) {
        if !self.line.is_empty() {
            warn!(line = %String::from_utf8_lossy(&self.line), "the edge component says");
            self.line.clear();
        }
    }
}

impl Drop for GuestLog {
    fn drop(&mut self) {
        self.log();
    }
}

impl IsTerminal for GuestLog {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestLog {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Self::default())
    }
}

impl AsyncWrite for GuestLog {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
