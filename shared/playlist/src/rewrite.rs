//! Moves a playlist's URIs below a prefix and leaves every other byte as it was.
//!
//! In: a playlist in pieces of any size, and a [`Mapping`]. Out: the same bytes, but for the URIs that resolve on
//! the playlist's own host. Does not know what the tags mean, who asks, or where the bytes come from: a tag of
//! tomorrow passes through unharmed.
//!
//! A URI stands alone on a line (RFC 8216, 4.1) or in one of the quoted attributes of [`ATTRIBUTES`]. It is left
//! alone if it names a scheme or another host, or holds a variable (`{$name}`): those are not ours to move.

use thiserror::Error;

mod line;

pub use line::ATTRIBUTES;

/// Longest line, in bytes. Ours stay below 300; foreign ones carry signed URLs and base64 data.
pub const LINE_BYTES_MAX: usize = 16 * 1024;

/// A line is longer than the rewriter holds: the playlist's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a playlist line is longer than {0} bytes")]
pub struct LineTooLong(pub usize);

/// Where URIs go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Stands in for the directory of the playlist; ends with `/`. `720p/index.m3u8` becomes prefix +
    /// `720p/index.m3u8`.
    pub prefix: String,
    /// The directory of the playlist on its own host, such as `/o/<show>/`. A URI with an absolute path below it is
    /// taken as relative to it; any other absolute path is put below the prefix as a whole.
    pub root: String,
}

/// Rewrites one playlist. Feed it with [`push`](Self::push), end it with [`finish`](Self::finish).
#[derive(Debug)]
pub struct Rewriter {
    mapping: Mapping,
    line_bytes_max: usize,
    /// The line that has not ended yet.
    held: Vec<u8>,
    /// Whether `held` is the first line, which may open with a byte order mark.
    is_first: bool,
}

impl Rewriter {
    /// A rewriter whose lines end at [`LINE_BYTES_MAX`].
    #[must_use]
    pub fn new(mapping: Mapping) -> Self {
        Self::with_line_max(mapping, LINE_BYTES_MAX)
    }

    /// A rewriter with its own longest line, in bytes without the line feed.
    #[must_use]
    pub const fn with_line_max(mapping: Mapping, line_bytes_max: usize) -> Self {
        Self { mapping, line_bytes_max, held: Vec::new(), is_first: true }
    }

    /// Takes the next bytes and appends to `out` what is certain by now.
    ///
    /// # Errors
    /// If a line is too long; nothing that follows has a meaning then.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), LineTooLong> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            if self.held.len().saturating_add(text.len()) > self.line_bytes_max {
                return Err(LineTooLong(self.line_bytes_max));
            }
            self.held.extend_from_slice(text);
            if ended {
                self.end_line(out);
                out.push(b'\n');
            }
        }
        Ok(())
    }

    /// Appends the last line, if it has no end of its own.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        if !self.held.is_empty() {
            self.end_line(out);
        }
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        line::rewrite(&self.held, self.is_first, &self.mapping, out);
        self.held.clear();
        self.is_first = false;
    }
}

#[cfg(test)]
mod tests;
