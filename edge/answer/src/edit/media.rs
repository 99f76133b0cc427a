//! A media playlist for a session that may not go back all the way, or that fetches media elsewhere.
//!
//! In: the whole playlist as every viewer's cache has it. Out: what of it this session may see, and from where. Does
//! not know the edge's cache.
//!
//! Whoever has seen one segment's name can guess the others'. So the playlist of a session with a depth marks what it
//! lists (`?s=`, [`shared_ticket::Marker`]), and media without its mark is refused. A mark is the same each time a
//! playlist is fetched, as a segment's URI must be (rfc8216bis, 6.2.1).
//!
//! Elsewhere are closed segments and init segments, but for the newest: a store may be some seconds behind. Parts and
//! hints stay here.

use std::borrow::Cow;

use shared_playlist::Directives;
use shared_playlist::dvr::{self, DvrError, Form};
use shared_playlist::rewrite::{Place, Site};
use shared_playlist::sign::{Location, Signer};
use shared_ticket::{Marker, SealedSession};
use shared_wire::ShowId;
use shared_wire::key::MediaFile;

use super::{Edited, rewritten};
use crate::config::{MEDIA_LAG_SEGMENTS, Signing};
use crate::{Config, Refusal};

/// The query parameter of a mark.
pub(crate) const MARK: &str = "s";
/// By how much a playlist grows at most, roughly.
const GROWTH: usize = 4;
/// The tag after which nothing more comes.
const END: &[u8] = b"\n#EXT-X-ENDLIST";

/// What is done to a media playlist.
#[derive(Clone)]
pub(crate) struct Media {
    show: ShowId,
    rendition: String,
    depth: Option<Depth>,
    is_elsewhere: bool,
}

/// How far back.
#[derive(Clone)]
struct Depth {
    seconds: u32,
    form: Form,
    marker: Marker,
}

impl Media {
    /// What is done for a session; `None` if nothing is.
    pub(super) fn of(
        config: &Config,
        sealed: &str,
        session: &SealedSession,
        rendition: &str,
        asked: Directives,
    ) -> Option<Self> {
        let form = if asked.skip.is_some() { Form::Delta } else { Form::Whole };
        let depth = session.admitted.dvr_s_max.and_then(|seconds| {
            let marker = config.session_keys.marker(sealed)?;
            Some(Depth { seconds, form, marker })
        });
        // A store has one form of the media, and it is not the watermarked ones.
        let is_elsewhere = config.elsewhere.is_some() && session.admitted.watermark.is_none();
        let is_edited = depth.is_some() || is_elsewhere;
        let rendition = rendition.to_owned();
        is_edited.then_some(Self { show: session.show, rendition, depth, is_elsewhere })
    }

    /// Whether it is cut: then the origin must send the whole.
    pub(super) const fn is_cut(&self) -> bool {
        self.depth.is_some()
    }

    pub(super) fn apply(&self, config: &Config, now_ms: i64, playlist: &[u8]) -> Edited {
        let text = self.cut(playlist)?;
        let capacity = text.len().saturating_mul(GROWTH);
        let place = |signer| Moved { media: self, signer, newest: newest(&text) };
        let elsewhere = config.elsewhere.as_ref().filter(|_| self.is_elsewhere);
        let Some(elsewhere) = elsewhere else {
            return rewritten(place(None::<Signer<_>>), &[&*text], capacity);
        };
        let location = Location {
            root: "/o/".to_owned(),
            directory: format!("{}/{}/", self.show, self.rendition),
            within: format!("{}/", self.show),
        };
        let signing = elsewhere.signing(now_ms.div_euclid(1000));
        let signing = signing.ok_or_else(|| Refusal::Misconfigured("MATINEE_MEDIA_SIGN".into()))?;
        rewritten(place(Some(Signer::new(location, signing))), &[&*text], capacity)
    }

    fn cut<'a>(&self, playlist: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        let Some(depth) = &self.depth else { return Ok(Cow::Borrowed(playlist)) };
        match dvr::cut(playlist, depth.seconds, depth.form) {
            Ok(cut) => Ok(cut.text),
            Err(DvrError::Recording) => Err(Refusal::DvrTooFar),
            Err(DvrError::Delta) => Err(Refusal::OriginFailed("it sent a delta update unasked")),
            Err(DvrError::Malformed(what)) => Err(Refusal::OriginFailed(what)),
        }
    }
}

/// The Media Sequence Number of the last segment that the other host may not have yet; `None` if it has them all.
fn newest(playlist: &[u8]) -> Option<u64> {
    if playlist.windows(END.len()).any(|text| text == END) {
        return None;
    }
    let uri = |line: &&[u8]| !line.is_empty() && !line.starts_with(b"#");
    let last = playlist.rsplit(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find(uri)?;
    match file(last) {
        Some(MediaFile::Segment(msn) | MediaFile::Text(msn)) => Some(msn),
        _ => None,
    }
}

/// What a URI of our scheme names.
fn file(uri: &[u8]) -> Option<MediaFile> {
    let name = uri.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    std::str::from_utf8(name).ok().and_then(MediaFile::parse)
}

impl shared_playlist::sign::Scheme for Signing {
    fn put(&mut self, path: &[u8], query: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Directory(directories) => directories.put(path, query, out),
            Self::S3(presigner) => presigner.put(path, query, out),
        }
    }
}

/// Where media URIs go.
struct Moved<'a> {
    media: &'a Media,
    signer: Option<Signer<Signing>>,
    /// See [`newest`].
    newest: Option<u64>,
}

impl Moved<'_> {
    fn is_elsewhere(&self, file: MediaFile) -> bool {
        match file {
            MediaFile::Init(_) => true,
            MediaFile::Segment(msn) | MediaFile::Text(msn) => {
                self.newest.is_none_or(|newest| msn.saturating_add(MEDIA_LAG_SEGMENTS) <= newest)
            }
            MediaFile::Part(..) | MediaFile::TextPart(..) | MediaFile::Strip(_) => false,
        }
    }
}

impl Place for Moved<'_> {
    fn takes(&self, site: Site) -> bool {
        matches!(site, Site::Line | Site::Media)
    }

    fn put(&mut self, uri: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(file) = file(uri).filter(|_| !uri.starts_with(b"/")) else { return false };
        let is_elsewhere = self.is_elsewhere(file);
        if let Some(signer) = self.signer.as_mut().filter(|_| is_elsewhere) {
            return signer.put(uri, out);
        }
        let depth = self.media.depth.as_ref();
        let Some(depth) = depth.filter(|_| !matches!(file, MediaFile::Init(_))) else {
            return false;
        };
        let object = [self.media.rendition.as_bytes(), b"/", uri].concat();
        out.extend_from_slice(uri);
        out.extend_from_slice(b"?s=");
        depth.marker.put(&object, out);
        true
    }
}
