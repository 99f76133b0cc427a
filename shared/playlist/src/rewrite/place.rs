//! Where a playlist's URIs stand, and where they go.
//!
//! In: a URI and the tag it stands in. Out: whether it is ours to move, and the moved one. Does not know lines.

/// The attributes that hold a URI, by tag (rfc8216bis, 4.4).
pub const ATTRIBUTES: [(&str, Site, &[&str]); 11] = [
    ("EXT-X-MAP", Site::Media, &["URI"]),
    ("EXT-X-KEY", Site::Other, &["URI"]),
    ("EXT-X-SESSION-KEY", Site::Other, &["URI"]),
    ("EXT-X-MEDIA", Site::Playlist, &["URI"]),
    ("EXT-X-I-FRAME-STREAM-INF", Site::Playlist, &["URI"]),
    ("EXT-X-PART", Site::Media, &["URI"]),
    ("EXT-X-PRELOAD-HINT", Site::Media, &["URI"]),
    ("EXT-X-RENDITION-REPORT", Site::Playlist, &["URI"]),
    ("EXT-X-CONTENT-STEERING", Site::Other, &["SERVER-URI"]),
    ("EXT-X-SESSION-DATA", Site::Other, &["URI"]),
    ("EXT-X-DATERANGE", Site::Other, &["X-ASSET-URI", "X-ASSET-LIST"]),
];

/// What kind of thing a URI leads to, as far as the line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// A line of its own: a segment in a media playlist, a media playlist in a multivariant one.
    Line,
    /// A media object: `EXT-X-MAP`, `EXT-X-PART`, `EXT-X-PRELOAD-HINT`.
    Media,
    /// A media playlist: `EXT-X-MEDIA`, `EXT-X-I-FRAME-STREAM-INF`, `EXT-X-RENDITION-REPORT`.
    Playlist,
    /// Neither: keys, steering, session data, interstitials.
    Other,
}

/// Where URIs go.
pub trait Place {
    /// Whether URIs that stand there are moved.
    fn takes(&self, site: Site) -> bool;

    /// Appends where `uri` goes, or nothing and false if it stays. It is a path, absolute or relative, perhaps with a
    /// query, on the playlist's own host, and holds no variable.
    fn put(&mut self, uri: &[u8], out: &mut Vec<u8>) -> bool;
}

/// Below a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Stands in for the directory of the playlist; ends with `/`. `720p/index.m3u8` becomes prefix +
    /// `720p/index.m3u8`. Dot segments are the client's to resolve, so it must have as many levels as they climb.
    pub prefix: String,
    /// The directory of the playlist on its own host, such as `/o/<show>/`. A URI with an absolute path below it is
    /// taken as relative to it; any other absolute path is put below the prefix as a whole.
    pub root: String,
}

impl Place for Mapping {
    fn takes(&self, _: Site) -> bool {
        true
    }

    fn put(&mut self, uri: &[u8], out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(self.prefix.as_bytes());
        let below = uri.strip_prefix(self.root.as_bytes()).filter(|_| !self.root.is_empty());
        let below = below.or_else(|| uri.strip_prefix(b"/"));
        out.extend_from_slice(below.unwrap_or(uri));
        true
    }
}

/// Whether a URI resolves on the playlist's host, and to more than the playlist itself (RFC 3986, 4.2), without a
/// variable (rfc8216bis, 4.3).
pub(super) fn is_ours(uri: &[u8]) -> bool {
    let opens_elsewhere = match uri.first() {
        None | Some(b'?' | b'#') => true,
        _ => uri.starts_with(b"//"),
    };
    !opens_elsewhere && !has_variable(uri) && !has_scheme(uri)
}

fn has_variable(uri: &[u8]) -> bool {
    memchr::memchr_iter(b'{', uri).any(|at| uri.get(at + 1) == Some(&b'$'))
}

/// Whether a URI opens with a scheme (RFC 3986, 3.1).
fn has_scheme(uri: &[u8]) -> bool {
    let form = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let end = uri.iter().position(|byte| !form(byte));
    uri.first().is_some_and(u8::is_ascii_alphabetic)
        && end.is_some_and(|end| uri.get(end) == Some(&b':'))
}
