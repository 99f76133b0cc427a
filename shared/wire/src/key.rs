//! Object keys: where each object of a show stands in the store, and below `/o/` at the origin.
//!
//! In: a show, a rendition, an epoch, numbers; or a path a stranger sent. Out: the key; or what the path names. Does
//! not know the store.
//!
//! | key | object | changes |
//! |---|---|---|
//! | `<show>/index.m3u8` | multivariant playlist | yes |
//! | `<show>/manifest.mpd` | MPD; made, never stored | yes |
//! | `<show>/manifest.<msn>.mpd` | the same, once it lists that segment | yes |
//! | `<show>/<rendition>/index.m3u8` | media playlist | yes |
//! | `<show>/<rendition>/iframes.m3u8` | I-frame playlist of a rendition with pictures | yes |
//! | `<show>/<rendition>/<epoch>/i<n>.mp4` | init segment (CMAF header) | never |
//! | `<show>/<rendition>/<epoch>/s<msn>.m4s` | media segment | never |
//! | `<show>/<rendition>/<epoch>/p<msn>.<part>.m4s` | part | never |
//! | `<show>/<rendition>/<epoch>/s<msn>.vtt` | segment of captions | never |
//! | `<show>/<rendition>/<epoch>/p<msn>.<part>.vtt` | part of captions | never |
//! | `<show>/cover.jpg` | a picture of the show | yes |
//! | `<show>/storyboard.vtt` | which strip has the picture of which moment | yes |
//! | `<show>/chapters.json` | chapters, as JSON; made, never stored | yes |
//! | `<show>/chapters.vtt` | the same, as WebVTT | yes |
//! | `<show>/board/<epoch>/b<n>.jpg` | a strip of small pictures | never |
//!
//! The epoch is the publication's: a show that is published anew gets new keys, so that media may be cached for a year.

use std::fmt;

use crate::{ShowId, header};

/// Longest rendition name and epoch, in characters.
const NAME_CHARS_MAX: usize = 16;

/// What a key names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The show.
    pub show: ShowId,
    /// The object within it.
    pub object: KeyObject,
}

/// An object of a show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyObject {
    /// The multivariant playlist.
    Multivariant,
    /// The MPD (ISO/IEC 23009-1), which is made of playlists and stands in no store.
    Manifest {
        /// The Media Sequence Number that it must list, if one is named.
        msn: Option<u64>,
    },
    /// A rendition's media playlist.
    Playlist {
        /// The rendition's name.
        rendition: String,
    },
    /// The I-frame playlist of a rendition with pictures; its entries are ranges of the rendition's segments.
    IFrames {
        /// The rendition's name.
        rendition: String,
    },
    /// A picture of the show.
    Cover,
    /// The text that says which strip has the picture of which moment.
    Storyboard,
    /// Chapters of a recording or film as JSON, which are made and stand in no store.
    ChapterList,
    /// The same as WebVTT.
    ChapterCues,
    /// An immutable media object.
    Media {
        /// The rendition's name.
        rendition: String,
        /// The publication epoch.
        epoch: String,
        /// Which object.
        file: MediaFile,
    },
}

/// A media object of a rendition and epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaFile {
    /// The `n`th init segment, from 0.
    Init(u32),
    /// The segment with this Media Sequence Number.
    Segment(u64),
    /// A part: the parent's Media Sequence Number and the part's number in it, from 0.
    Part(u64, u32),
    /// The segment of captions with this Media Sequence Number.
    Text(u64),
    /// A part of captions, as with [`MediaFile::Part`].
    TextPart(u64, u32),
    /// The `n`th strip of small pictures, from 0; of the storyboard, which stands where renditions do.
    Strip(u32),
}

/// Where the strips of a storyboard stand.
pub const BOARD: &str = "board";

impl fmt::Display for MediaFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Init(n) => write!(f, "i{n}.mp4"),
            Self::Segment(msn) => write!(f, "s{msn}.m4s"),
            Self::Part(msn, part) => write!(f, "p{msn}.{part}.m4s"),
            Self::Text(msn) => write!(f, "s{msn}.vtt"),
            Self::TextPart(msn, part) => write!(f, "p{msn}.{part}.vtt"),
            Self::Strip(n) => write!(f, "b{n}.jpg"),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.object {
            KeyObject::Multivariant => write!(f, "{}/index.m3u8", self.show),
            KeyObject::Manifest { msn: None } => write!(f, "{}/manifest.mpd", self.show),
            KeyObject::Manifest { msn: Some(msn) } => {
                write!(f, "{}/manifest.{msn}.mpd", self.show)
            }
            KeyObject::Cover => write!(f, "{}/cover.jpg", self.show),
            KeyObject::Storyboard => write!(f, "{}/storyboard.vtt", self.show),
            KeyObject::ChapterList => write!(f, "{}/chapters.json", self.show),
            KeyObject::ChapterCues => write!(f, "{}/chapters.vtt", self.show),
            KeyObject::Playlist { rendition } => write!(f, "{}/{rendition}/index.m3u8", self.show),
            KeyObject::IFrames { rendition } => write!(f, "{}/{rendition}/iframes.m3u8", self.show),
            KeyObject::Media { rendition, epoch, file } => {
                write!(f, "{}/{rendition}/{epoch}/{file}", self.show)
            }
        }
    }
}

impl Key {
    /// Reads a path such as `<show>/720p/lx2k9a/s12.m4s`; `None` for whatever is not of the scheme, so that nothing
    /// else ever reaches a disk. Numbers have no leading zeros: each object has one key.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let (show, rest) = path.split_once('/')?;
        Some(Self { show: show.parse().ok()?, object: KeyObject::parse(rest)? })
    }

    /// What a purge may call the object: the show, and its rendition.
    #[must_use]
    pub fn surrogate_keys(&self) -> String {
        match self.object.rendition() {
            None => self.show.to_string(),
            Some(rendition) => format!("{0} {0}/{rendition}", self.show),
        }
    }
}

impl KeyObject {
    /// Reads what follows the show, such as `720p/lx2k9a/s12.m4s`. Each object has one spelling: what is read here is
    /// written the same.
    #[must_use]
    pub fn parse(rest: &str) -> Option<Self> {
        let mut steps = rest.split('/');
        let object = match (steps.next()?, steps.next(), steps.next()) {
            ("index.m3u8", None, None) => Self::Multivariant,
            ("cover.jpg", None, None) => Self::Cover,
            ("storyboard.vtt", None, None) => Self::Storyboard,
            ("chapters.json", None, None) => Self::ChapterList,
            ("chapters.vtt", None, None) => Self::ChapterCues,
            (manifest, None, None) => Self::Manifest { msn: manifest_msn(manifest)? },
            (rendition, Some("index.m3u8"), None) => Self::Playlist { rendition: name(rendition)? },
            (rendition, Some("iframes.m3u8"), None) => {
                Self::IFrames { rendition: name(rendition)? }
            }
            (rendition, Some(epoch), Some(file)) => Self::Media {
                rendition: name(rendition)?,
                epoch: name(epoch)?,
                file: MediaFile::parse(file)?,
            },
            _ => return None,
        };
        steps.next().is_none().then_some(object)
    }

    /// The rendition it belongs to; `None` for what belongs to all of them.
    #[must_use]
    pub fn rendition(&self) -> Option<&str> {
        match self {
            Self::Multivariant | Self::Manifest { .. } | Self::Cover | Self::Storyboard => None,
            Self::ChapterList | Self::ChapterCues => None,
            Self::Playlist { rendition }
            | Self::IFrames { rendition }
            | Self::Media { rendition, .. } => Some(rendition),
        }
    }
}

impl MediaFile {
    /// Its content type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Strip(_) => header::TYPE_JPEG,
            Self::Text(_) | Self::TextPart(..) => header::TYPE_VTT,
            Self::Init(_) | Self::Segment(_) | Self::Part(..) => header::TYPE_MP4,
        }
    }

    /// Reads a file name of the scheme.
    #[must_use]
    pub fn parse(file: &str) -> Option<Self> {
        if let Some(n) = file.strip_prefix('i').and_then(|rest| rest.strip_suffix(".mp4")) {
            return number(n).and_then(|n| n.try_into().ok()).map(Self::Init);
        }
        if let Some(n) = file.strip_prefix('b').and_then(|rest| rest.strip_suffix(".jpg")) {
            return number(n).and_then(|n| n.try_into().ok()).map(Self::Strip);
        }
        let (stem, is_text) = match file.strip_suffix(".m4s") {
            Some(stem) => (stem, false),
            None => (file.strip_suffix(".vtt")?, true),
        };
        if let Some(msn) = stem.strip_prefix('s') {
            return number(msn).map(if is_text { Self::Text } else { Self::Segment });
        }
        let (msn, part) = stem.strip_prefix('p')?.split_once('.')?;
        let (msn, part) = (number(msn)?, number(part)?.try_into().ok()?);
        Some(if is_text { Self::TextPart(msn, part) } else { Self::Part(msn, part) })
    }
}

/// The segment that the name of an MPD asks for, if it names one.
fn manifest_msn(file: &str) -> Option<Option<u64>> {
    let rest = file.strip_prefix("manifest.")?;
    if rest == "mpd" {
        return Some(None);
    }
    number(rest.strip_suffix(".mpd")?).map(Some)
}

fn name(text: &str) -> Option<String> {
    let form = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let good = (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(form);
    good.then(|| text.to_owned())
}

fn number(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    (canonical && digits).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOW: &str = "0123456789abcdef";

    #[test]
    fn every_key_of_the_scheme_reads_back() {
        for rest in [
            "index.m3u8",
            "manifest.mpd",
            "manifest.0.mpd",
            "manifest.123.mpd",
            "720p/index.m3u8",
            "720p/iframes.m3u8",
            "audio/lx2k9a/i0.mp4",
            "720p/lx2k9a/s12.m4s",
            "source/lx2k9a/p12.3.m4s",
            "cc-en/lx2k9a/s12.vtt",
            "cc-en/lx2k9a/p12.3.vtt",
            "cover.jpg",
            "storyboard.vtt",
            "chapters.json",
            "chapters.vtt",
            "board/lx2k9a/b12.jpg",
        ] {
            let path = format!("{SHOW}/{rest}");
            assert_eq!(Key::parse(&path).map(|key| key.to_string()), Some(path));
        }
    }

    #[test]
    fn nothing_else_is_a_key() {
        for rest in [
            "",
            "/index.m3u8",
            "../index.m3u8",
            "720p/../audio/index.m3u8",
            "720p//index.m3u8",
            "iframes.m3u8",
            "manifest.01.mpd",
            "manifest..mpd",
            "manifest.x.mpd",
            "manifest.1.2.mpd",
            "manifest.",
            "720p/manifest.mpd",
            "720p/e/iframes.m3u8",
            "720p/e/s012.m4s",
            "720p/e/s+1.m4s",
            "720p/e/s1.mp4",
            "720p/e/p1.m4s",
            "720p/e/s99999999999999999999.m4s",
            "%2e%2e/index.m3u8",
            "720P/index.m3u8",
            "720p/e/s1.m4s/",
            "720p/cover.jpg",
            "720p/chapters.json",
            "board/e/b01.jpg",
            "board/b1.jpg",
        ] {
            assert_eq!(Key::parse(&format!("{SHOW}/{rest}")), None, "{rest}");
        }
        assert_eq!(Key::parse("etc/passwd"), None);
    }
}
