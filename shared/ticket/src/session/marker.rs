//! Marks on what one session's playlists listed.
//!
//! In: a session's key and ids, the name of an object. Out: eleven characters that nobody else can make, the same each
//! time. Does not know why an object was listed: a session that may not see all of a show is shown what it may see, and
//! brings the mark back as proof.

use data_encoding::BASE64URL_NOPAD;

use super::SealedSession;
use crate::mac::{Mac, equal};

/// Bytes of a mark: a guess in 2^64, and each is a request to an edge.
const MARK_BYTES: usize = 8;
/// Characters of a written mark.
pub(crate) const MARK_CHARS: usize = 11;
/// No sealed session begins so, which keeps the two uses of a key apart.
const PURPOSE: &[u8] = b"mark";

/// Marks objects for one session.
#[derive(Clone)]
pub struct Marker {
    mac: Mac,
}

impl Marker {
    pub(super) fn new(key: &Mac, session: &SealedSession) -> Self {
        let (show, session) = (session.show.as_bytes(), session.session.as_bytes());
        Self { mac: key.clone().with(PURPOSE).with(show).with(session) }
    }

    /// Appends the mark of an object, such as `720p/e1/s12.m4s`, to a URI.
    pub fn put(&self, object: &[u8], out: &mut Vec<u8>) {
        let mut text = [0; MARK_CHARS];
        BASE64URL_NOPAD.encode_mut(&self.tag(object), &mut text);
        out.extend_from_slice(&text);
    }

    /// Whether `mark` is this object's.
    #[must_use]
    pub fn knows(&self, object: &str, mark: &str) -> bool {
        let mut sent = [0; MARK_BYTES];
        mark.len() == MARK_CHARS
            && BASE64URL_NOPAD.decode_mut(mark.as_bytes(), &mut sent).is_ok()
            && equal(&self.tag(object.as_bytes()), &sent)
    }

    fn tag(&self, object: &[u8]) -> [u8; MARK_BYTES] {
        let mut tag = [0; MARK_BYTES];
        tag.iter_mut().zip(self.mac.of(object)).for_each(|(to, from)| *to = from);
        tag
    }
}
