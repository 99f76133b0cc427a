//! A playlist of anybody's, read whole: what a player or a checker knows after fetching it.
//!
//! In: a playlist's text, whoever wrote it. Out: [`Media`] or [`Multivariant`]. Does not know where it came from: URIs
//! are as they stand there. What is malformed is left out, never guessed; what was left out shows as `None`.

use crate::scan::{self, Content};

/// A list of attributes, in their order; values without quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(pub Vec<(String, String)>);

/// A media playlist (4.4.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Media {
    /// `EXT-X-VERSION`.
    pub version: Option<u64>,
    /// `EXT-X-TARGETDURATION`, in seconds.
    pub target_duration_s: Option<u64>,
    /// `EXT-X-PART-INF` is there.
    pub has_part_inf: bool,
    /// `PART-TARGET`, in microseconds.
    pub part_target_us: Option<u64>,
    /// `EXT-X-MEDIA-SEQUENCE`, 0 where it is missing.
    pub media_sequence: u64,
    /// `EXT-X-DISCONTINUITY-SEQUENCE`.
    pub discontinuity_sequence: Option<u64>,
    /// `EXT-X-SERVER-CONTROL`.
    pub server_control: Option<Attributes>,
    /// `EXT-X-PLAYLIST-TYPE`.
    pub playlist_type: Option<String>,
    /// `EXT-X-I-FRAMES-ONLY`.
    pub i_frames_only: bool,
    /// `EXT-X-INDEPENDENT-SEGMENTS`.
    pub independent_segments: bool,
    /// The whole segments listed; the first has the number [`Media::first_msn`].
    pub segments: Vec<Segment>,
    /// What stands after the last whole segment: parts and tags of the one that is not whole yet.
    pub open: Segment,
    /// `EXT-X-PRELOAD-HINT`s.
    pub hints: Vec<Attributes>,
    /// `EXT-X-RENDITION-REPORT`s.
    pub reports: Vec<Attributes>,
    /// `EXT-X-SKIP`s; more than one is a fault.
    pub skips: Vec<Attributes>,
    /// `EXT-X-DATERANGE`s.
    pub date_ranges: Vec<Attributes>,
    /// `EXT-X-ENDLIST`.
    pub ended: bool,
}

/// A media segment, whole or not (4.4.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Segment {
    /// Its address; empty while it is not whole.
    pub uri: String,
    /// `EXTINF`, in microseconds.
    pub duration_us: u64,
    /// `EXT-X-PROGRAM-DATE-TIME`, microseconds since the Unix epoch.
    pub date_us: Option<i64>,
    /// `EXT-X-DISCONTINUITY` stands before it.
    pub discontinuity: bool,
    /// `EXT-X-GAP`.
    pub gap: bool,
    /// The address of the `EXT-X-MAP` in force.
    pub map: Option<String>,
    /// `EXT-X-BYTERANGE` as it stands.
    pub range: Option<String>,
    /// Its parts.
    pub parts: Vec<Part>,
    /// The first tag that stands after a part of it though it belongs before all of them (3.2).
    pub late_tag: Option<String>,
}

/// A partial segment (4.4.4.9).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Its address.
    pub uri: String,
    /// `DURATION`, in microseconds.
    pub duration_us: u64,
    /// `INDEPENDENT=YES`.
    pub independent: bool,
    /// `GAP=YES`.
    pub gap: bool,
    /// `BYTERANGE` as it stands.
    pub range: Option<String>,
}

/// A multivariant playlist (4.4.6).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Multivariant {
    /// `EXT-X-INDEPENDENT-SEGMENTS`.
    pub independent_segments: bool,
    /// Attributes and address of each `EXT-X-STREAM-INF`.
    pub variants: Vec<(Attributes, String)>,
    /// `EXT-X-MEDIA`.
    pub media: Vec<Attributes>,
    /// `EXT-X-I-FRAME-STREAM-INF`.
    pub i_frames: Vec<Attributes>,
    /// `EXT-X-SESSION-DATA`.
    pub session_data: Vec<Attributes>,
}

/// Either kind of playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Playlist {
    /// It lists segments.
    Media(Box<Media>),
    /// It lists playlists.
    Multivariant(Multivariant),
}

/// Reads a playlist; `None` if it does not begin with `#EXTM3U` (4.4.1.1).
#[must_use]
pub fn playlist(text: &[u8]) -> Option<Playlist> {
    if !is_playlist(text) {
        return None;
    }
    let variants = |content| matches!(content, Content::Tag(b"EXT-X-STREAM-INF", _));
    if scan::lines(text).any(|line| variants(line.content())) {
        return multivariant(text).map(Playlist::Multivariant);
    }
    media(text).map(|list| Playlist::Media(Box::new(list)))
}

/// Reads a multivariant playlist.
#[must_use]
pub fn multivariant(text: &[u8]) -> Option<Multivariant> {
    let mut list = Multivariant::default();
    let mut variant = None;
    for line in scan::lines(text) {
        match line.content() {
            Content::Tag(b"EXT-X-INDEPENDENT-SEGMENTS", _) => list.independent_segments = true,
            Content::Tag(b"EXT-X-STREAM-INF", value) => variant = Some(Attributes::read(value)),
            Content::Tag(b"EXT-X-SESSION-DATA", value) => {
                list.session_data.push(Attributes::read(value));
            }
            Content::Tag(b"EXT-X-MEDIA", value) => list.media.push(Attributes::read(value)),
            Content::Tag(b"EXT-X-I-FRAME-STREAM-INF", value) => {
                list.i_frames.push(Attributes::read(value));
            }
            Content::Uri(uri) => list.variants.extend(variant.take().map(|tag| (tag, owned(uri)))),
            Content::Tag(..) | Content::Blank => {}
        }
    }
    is_playlist(text).then_some(list)
}

/// Reads a media playlist.
#[must_use]
pub fn media(text: &[u8]) -> Option<Media> {
    if !is_playlist(text) {
        return None;
    }
    let mut list = Media::default();
    for line in scan::lines(text) {
        match line.content() {
            Content::Tag(name, value) => {
                let of_segment = list.open.tag(name, value);
                if !of_segment {
                    list.tag(name, value);
                }
            }
            Content::Uri(uri) => {
                list.open.uri = owned(uri);
                let next = Segment { map: list.open.map.clone(), ..Segment::default() };
                list.segments.push(std::mem::replace(&mut list.open, next));
            }
            Content::Blank => {}
        }
    }
    Some(list)
}

impl Media {
    fn tag(&mut self, name: &[u8], value: &[u8]) {
        match name {
            b"EXT-X-VERSION" => self.version = scan::integer(value),
            b"EXT-X-TARGETDURATION" => self.target_duration_s = scan::integer(value),
            b"EXT-X-PART-INF" => {
                self.has_part_inf = true;
                self.part_target_us = Attributes::read(value).micros("PART-TARGET");
            }
            b"EXT-X-MEDIA-SEQUENCE" => self.media_sequence = scan::integer(value).unwrap_or(0),
            b"EXT-X-DISCONTINUITY-SEQUENCE" => self.discontinuity_sequence = scan::integer(value),
            b"EXT-X-SERVER-CONTROL" => self.server_control = Some(Attributes::read(value)),
            b"EXT-X-PLAYLIST-TYPE" => self.playlist_type = Some(owned(value)),
            b"EXT-X-I-FRAMES-ONLY" => self.i_frames_only = true,
            b"EXT-X-INDEPENDENT-SEGMENTS" => self.independent_segments = true,
            b"EXT-X-PRELOAD-HINT" => self.hints.push(Attributes::read(value)),
            b"EXT-X-RENDITION-REPORT" => self.reports.push(Attributes::read(value)),
            b"EXT-X-SKIP" => self.skips.push(Attributes::read(value)),
            b"EXT-X-DATERANGE" => self.date_ranges.push(Attributes::read(value)),
            b"EXT-X-ENDLIST" => self.ended = true,
            _ => {}
        }
    }

    /// `SKIPPED-SEGMENTS`, 0 in a full playlist.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skips.first().and_then(|skip| skip.number("SKIPPED-SEGMENTS")).unwrap_or(0)
    }

    /// The Media Sequence Number of the first of [`Media::segments`].
    #[must_use]
    pub fn first_msn(&self) -> u64 {
        self.media_sequence.saturating_add(self.skipped())
    }

    /// The Media Sequence Number of the segment that is not whole yet.
    #[must_use]
    pub fn next_msn(&self) -> u64 {
        self.first_msn().saturating_add(self.segments.len() as u64)
    }

    /// The number of the next part of that segment.
    #[must_use]
    pub fn next_part(&self) -> u64 {
        self.open.parts.len() as u64
    }

    /// A segment by its number.
    #[must_use]
    pub fn segment(&self, msn: u64) -> Option<&Segment> {
        let at = msn.checked_sub(self.first_msn())?;
        self.segments.get(usize::try_from(at).ok()?)
    }

    /// All segments with their numbers, the open one last.
    pub fn all(&self) -> impl Iterator<Item = (u64, &Segment)> {
        (self.first_msn()..).zip(self.segments.iter().chain(std::iter::once(&self.open)))
    }

    /// An attribute of `EXT-X-SERVER-CONTROL`, in microseconds.
    #[must_use]
    pub fn control_us(&self, name: &str) -> Option<u64> {
        self.server_control.as_ref()?.micros(name)
    }

    /// Whether an attribute of `EXT-X-SERVER-CONTROL` is `YES`.
    #[must_use]
    pub fn control_is(&self, name: &str) -> bool {
        self.server_control.as_ref().is_some_and(|control| control.is(name))
    }

    /// The address of the part that is hinted, if one is.
    #[must_use]
    pub fn hinted_part(&self) -> Option<&str> {
        self.hints.iter().find(|hint| hint.get("TYPE") == Some("PART"))?.get("URI")
    }
}

impl Segment {
    /// Takes a tag that belongs to a segment, and answers whether it was one.
    fn tag(&mut self, name: &[u8], value: &[u8]) -> bool {
        match name {
            b"EXTINF" => {
                let number = value.split(|byte| *byte == b',').next().unwrap_or_default();
                self.duration_us = scan::micros(number).unwrap_or(0);
                return true;
            }
            b"EXT-X-GAP" => self.gap = true,
            b"EXT-X-BYTERANGE" => self.range = Some(owned(value)),
            b"EXT-X-PART" => self.parts.push(Part::read(value)),
            b"EXT-X-DISCONTINUITY" => self.discontinuity = true,
            b"EXT-X-PROGRAM-DATE-TIME" => self.date_us = crate::date::parse(value),
            b"EXT-X-MAP" => {
                self.map = Attributes::read(value).get("URI").map(str::to_owned);
            }
            b"EXT-X-KEY" => {}
            _ => return false,
        }
        let first: [&[u8]; 4] =
            [b"EXT-X-DISCONTINUITY", b"EXT-X-PROGRAM-DATE-TIME", b"EXT-X-MAP", b"EXT-X-KEY"];
        if first.contains(&name) && !self.parts.is_empty() && self.late_tag.is_none() {
            self.late_tag = Some(owned(name));
        }
        true
    }
}

impl Part {
    fn read(value: &[u8]) -> Self {
        let list = Attributes::read(value);
        Self {
            uri: list.get("URI").unwrap_or_default().to_owned(),
            duration_us: list.micros("DURATION").unwrap_or(0),
            independent: list.is("INDEPENDENT"),
            gap: list.is("GAP"),
            range: list.get("BYTERANGE").map(str::to_owned),
        }
    }
}

impl Attributes {
    pub(crate) fn read(value: &[u8]) -> Self {
        let all = scan::attributes(value);
        Self(all.map(|one| (owned(one.name), owned(one.value))).collect())
    }

    /// The value of an attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A whole number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        scan::integer(self.get(name)?.as_bytes())
    }

    /// Decimal seconds, in microseconds.
    #[must_use]
    pub fn micros(&self, name: &str) -> Option<u64> {
        scan::micros(self.get(name)?.as_bytes())
    }

    /// Whether it is `YES`.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.get(name) == Some("YES")
    }
}

/// A date as playlists have it (ISO 8601, any time zone), in microseconds since the Unix epoch.
#[must_use]
pub fn date_us(text: &[u8]) -> Option<i64> {
    crate::date::parse(text)
}

fn is_playlist(text: &[u8]) -> bool {
    text.strip_prefix(scan::BYTE_ORDER_MARK).unwrap_or(text).starts_with(b"#EXTM3U")
}

fn owned(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_write_is_read_again() {
        let list = media(include_bytes!("../tests/golden/live.m3u8")).unwrap();
        assert_eq!((list.first_msn(), list.next_msn(), list.next_part()), (2, 11, 2));
        assert_eq!((list.version, list.target_duration_s), (Some(9), Some(2)));
        assert_eq!(list.part_target_us, Some(333_340));
        assert_eq!(list.control_us("HOLD-BACK"), Some(6_000_000));
        assert!(list.control_is("CAN-BLOCK-RELOAD") && !list.ended);
        assert!(list.segment(5).unwrap().gap && list.segment(8).unwrap().discontinuity);
        assert_eq!(list.segment(8).unwrap().map.as_deref(), Some("lx2k9a/i1.mp4"));
        assert_eq!(list.segment(8).unwrap().parts.len(), 6);
        assert_eq!(list.hinted_part(), Some("lx2k9a/p11.2.m4s"));
        assert_eq!(list.reports.len(), 3);
        let second = list.segment(4).unwrap().date_us.unwrap();
        assert_eq!(second - list.segment(3).unwrap().date_us.unwrap(), 2_000_000);

        let delta = media(include_bytes!("../tests/golden/delta.m3u8")).unwrap();
        assert_eq!((delta.skipped(), delta.first_msn(), delta.next_msn()), (3, 5, 11));
        let text = include_bytes!("../tests/golden/multivariant.m3u8");
        let Some(Playlist::Multivariant(list)) = playlist(text) else { panic!("another kind") };
        assert_eq!((list.variants.len(), list.media.len(), list.i_frames.len()), (2, 5, 1));
        assert_eq!(list.variants[0].0.get("CODECS"), Some("avc1.640028,mp4a.40.2"));
    }

    #[test]
    fn faults_of_others_show() {
        let text =
            b"#EXTM3U\n#EXT-X-PART:DURATION=x,URI=\"a\"\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:1,\ns\n";
        let list = media(text).unwrap();
        assert_eq!(list.segments[0].late_tag.as_deref(), Some("EXT-X-MAP"));
        assert_eq!(list.segments[0].parts[0].duration_us, 0);
        assert!(media(b"<html>").is_none() && playlist(b"").is_none());
    }
}
