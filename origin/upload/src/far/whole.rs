//! A finished upload in a bucket, as its list tells it.
//!
//! In: a list. Out: bytes from any place. Does not know how they came there.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use shared_wire::AssetId;

use super::{ROOT, Shared, ask, lost};
use crate::Error;

/// The first line of every list.
const HEAD: &str = "matinee upload 1";
/// Bytes of a list. A file of 5 TiB has less.
const LIST_BYTES_MAX: usize = 96 << 20;

/// A file in the bucket. Clones are the same.
#[derive(Clone)]
pub struct Whole {
    shared: Arc<Shared>,
    parts: Arc<Vec<Part>>,
    bytes: u64,
}

/// An object, or its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    /// The byte of the file that it begins with.
    start: u64,
    key: String,
    bytes: u64,
}

/// A list: a line for each object, how many of its bytes count, and its name below the upload's.
pub(super) fn write(id: AssetId, parts: &[(String, u64)]) -> String {
    let below = format!("{ROOT}/{id}/");
    let mut text = format!("{HEAD}\n");
    for (key, bytes) in parts {
        // Writing into a text does not fail.
        let _ = writeln!(text, "{bytes} {}", key.strip_prefix(&below).unwrap_or(key));
    }
    text
}

fn parse(id: AssetId, text: &str) -> Option<Vec<Part>> {
    let (mut lines, mut start) = (text.lines(), 0_u64);
    if lines.next() != Some(HEAD) || !text.ends_with('\n') {
        return None;
    }
    let mut part = |line: &str| {
        let (bytes, name) = line.split_once(' ')?;
        let bytes: u64 = bytes.parse().ok().filter(|bytes| *bytes > 0)?;
        let part = Part { start, key: format!("{ROOT}/{id}/{name}"), bytes };
        start = start.checked_add(bytes)?;
        Some(part)
    };
    lines.map(&mut part).collect()
}

/// What a list says.
async fn parts(shared: &Shared, id: AssetId, key: &str) -> Result<Vec<Part>, Error> {
    let (bucket, patience) = (shared.bucket.as_ref(), shared.limits.patience);
    let got = ask::persist("get", patience, || bucket.get(key, None, LIST_BYTES_MAX)).await?;
    let got = got.ok_or_else(|| lost(key))?;
    let text = std::str::from_utf8(&got).ok();
    text.and_then(|text| parse(id, text))
        .ok_or_else(|| Error::Storage(format!("{key} in the bucket is damaged")))
}

/// The objects of a file, in order.
pub(super) struct Found(Vec<Part>);

impl Found {
    /// Their keys, and how many bytes count of each.
    pub(super) fn into_parts(self) -> impl Iterator<Item = (String, u64)> {
        self.0.into_iter().map(|part| (part.key, part.bytes))
    }
}

impl Whole {
    pub(super) async fn read(shared: &Arc<Shared>, id: AssetId, key: &str) -> Result<Self, Error> {
        let parts = parts(shared, id, key).await?;
        let bytes = parts.last().map_or(0, |last| last.start.saturating_add(last.bytes));
        Ok(Self { shared: Arc::clone(shared), parts: Arc::new(parts), bytes })
    }

    pub(super) async fn find(shared: &Shared, id: AssetId) -> Result<Option<Found>, Error> {
        let lists = shared.list(&format!("{ROOT}/{id}/whole/"), None).await?;
        let Some(last) = lists.last() else { return Ok(None) };
        parts(shared, id, &last.key).await.map(|parts| Some(Found(parts)))
    }

    /// How many bytes it has.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// At most so many bytes from a place on: there are fewer where an object ends, and none behind the file's end.
    ///
    /// # Errors
    /// [`Error::Bucket`]; [`Error::Storage`] if an object is not there.
    pub async fn get(&self, at: u64, bytes_max: usize) -> Result<Bytes, Error> {
        let place = self.parts.partition_point(|part| part.start <= at);
        let part = place.checked_sub(1).and_then(|place| self.parts.get(place));
        let Some(part) = part.filter(|_| at < self.bytes && bytes_max > 0) else {
            return Ok(Bytes::new());
        };
        let from = at - part.start;
        let until = from.saturating_add(bytes_max as u64).min(part.bytes);
        let (bucket, patience) = (self.shared.bucket.as_ref(), self.shared.limits.patience);
        let range = from..until;
        let got =
            ask::persist("get", patience, || bucket.get(&part.key, Some(range.clone()), bytes_max));
        let got = got.await?.ok_or_else(|| lost(&part.key))?;
        if got.len() as u64 == until - from { Ok(got) } else { Err(lost(&part.key)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_back_and_nothing_else_does() {
        let id = AssetId::from_bytes([7; 10]);
        let key = |name: &str| format!("{ROOT}/{id}/{name}");
        let text = write(id, &[(key("1/a"), 8), (key("2/b"), 3)]);
        assert_eq!(text, "matinee upload 1\n8 1/a\n3 2/b\n");
        let parts = parse(id, &text).unwrap();
        assert_eq!(parts[1], Part { start: 8, key: key("2/b"), bytes: 3 });
        assert_eq!(parse(id, &write(id, &[])), Some(vec![]));
        for none in ["", "8 a\n", "matinee upload 1\n8 a\n3", "matinee upload 1\n0 a\n"] {
            assert_eq!(parse(id, none), None, "{none}");
        }
    }
}
