//! Moves a playlist's URIs, below a prefix or elsewhere, and leaves every other byte as it was.
//!
//! In: a playlist in pieces of any size, and a [`Place`] such as a [`Mapping`]. Out: the same bytes, but for the URIs
//! that resolve on the playlist's own host. Does not know what the tags mean, who asks, or where the bytes come from:
//! a tag of tomorrow passes through unharmed.
//!
//! A URI stands alone on a line (RFC 8216, 4.1) or in one of the quoted attributes of [`ATTRIBUTES`]. It is left
//! alone if it names a scheme or another host, or holds a variable (`{$name}`): those are not ours to move.

use memchr::{memchr, memrchr};
use thiserror::Error;

mod line;
mod place;

pub use place::{ATTRIBUTES, Mapping, Place, Site};

/// Longest line, in bytes. Ours stay below 300; foreign ones carry signed URLs and base64 data.
pub const LINE_BYTES_MAX: usize = 16 * 1024;

/// A line is longer than the rewriter holds: the playlist's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a playlist line is longer than {0} bytes")]
pub struct LineTooLong(pub usize);

/// Rewrites one playlist. Feed it with [`push`](Self::push), end it with [`finish`](Self::finish).
///
/// Whole lines are read where they lie; only one that is cut by the end of a piece is held. What is not a moved URI is
/// copied in runs, not line by line.
#[derive(Debug)]
pub struct Rewriter<P = Mapping> {
    place: P,
    line_bytes_max: usize,
    /// The line that has not ended yet.
    held: Vec<u8>,
    /// Whether the next line is the first, which may open with a byte order mark.
    is_first: bool,
}

impl<P: Place> Rewriter<P> {
    /// A rewriter whose lines end at [`LINE_BYTES_MAX`].
    #[must_use]
    pub const fn new(place: P) -> Self {
        Self::with_line_max(place, LINE_BYTES_MAX)
    }

    /// A rewriter with its own longest line, in bytes without the line feed.
    #[must_use]
    pub const fn with_line_max(place: P, line_bytes_max: usize) -> Self {
        Self { place, line_bytes_max, held: Vec::new(), is_first: true }
    }

    /// Takes the next bytes and appends to `out` what is certain by now.
    ///
    /// # Errors
    /// If a line is too long; nothing that follows has a meaning then.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), LineTooLong> {
        let mut rest = bytes;
        if !self.held.is_empty() {
            let end = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (tail, next) = rest.split_at_checked(end).unwrap_or((rest, b""));
            self.hold(tail)?;
            rest = next;
            if tail.ends_with(b"\n") {
                let mut held = std::mem::take(&mut self.held);
                let done = self.lines(&held, out);
                held.clear();
                self.held = held;
                done?;
            }
        }
        let whole = memrchr(b'\n', rest).map_or(0, |at| at + 1);
        let (lines, tail) = rest.split_at_checked(whole).unwrap_or((rest, b""));
        self.lines(lines, out)?;
        self.hold(tail)
    }

    /// Appends the last line, if it has no end of its own.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        // `hold` has seen to it that this line is not too long.
        let _: Result<(), LineTooLong> = self.lines(&held, out);
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), LineTooLong> {
        let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        self.check(self.held.len().saturating_add(text.len()))?;
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    const fn check(&self, line_bytes: usize) -> Result<(), LineTooLong> {
        if line_bytes > self.line_bytes_max {
            return Err(LineTooLong(self.line_bytes_max));
        }
        Ok(())
    }

    /// Appends whole lines; the last may lack its end.
    fn lines(&mut self, lines: &[u8], out: &mut Vec<u8>) -> Result<(), LineTooLong> {
        // Up to here, everything is in `out`.
        let mut copied = 0;
        let mut start = 0;
        while let Some(rest) = lines.get(start..).filter(|rest| !rest.is_empty()) {
            let length = memchr(b'\n', rest).unwrap_or(rest.len());
            self.check(length)?;
            let line = rest.get(..length).unwrap_or(rest);
            let is_first = std::mem::take(&mut self.is_first);
            line::uris(line, is_first, |site, at| {
                let uri = line.get(at.clone()).unwrap_or_default();
                if self.place.takes(site) && place::is_ours(uri) {
                    let run = lines.get(copied..start + at.start).unwrap_or_default();
                    out.extend_from_slice(run);
                    copied = start + at.start;
                    if self.place.put(uri, out) {
                        copied = start + at.end;
                    }
                }
            });
            start += length + 1;
        }
        out.extend_from_slice(lines.get(copied..).unwrap_or_default());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
