//! Everything that was seen of an origin: what the items are judged by.
//!
//! In: nothing. Out: plain records. Does not know how they came to be, nor what is right.

use shared_playlist::read::{Media, Multivariant};

use super::cmaf::{Fragment, Track};

/// One question and its answer. Times are microseconds since the check began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The address, without what may be secret in it.
    pub place: String,
    /// The address as it was asked for.
    pub url: String,
    /// When it was asked.
    pub asked_us: u64,
    /// When the answer's head came.
    pub head_us: u64,
    /// When its last byte came.
    pub done_us: u64,
    /// The status; 0 if no whole answer came.
    pub status: u16,
    /// 1 or 2.
    pub http: u8,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Length of the body as it came, in bytes.
    pub bytes: usize,
    /// UTC at `done_us` of this machine's clock, microseconds since the Unix epoch.
    pub utc_us: i64,
}

impl Exchange {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// How long the answer's head took, in microseconds.
    #[must_use]
    pub const fn waited_us(&self) -> u64 {
        self.head_us.saturating_sub(self.asked_us)
    }

    /// `max-age` of `Cache-Control`, in seconds; `None` if it says none.
    #[must_use]
    pub fn max_age_s(&self) -> Option<u64> {
        let mut rules = self.header("cache-control")?.split(',').map(str::trim);
        rules.find_map(|rule| rule.strip_prefix("max-age=")?.parse().ok())
    }
}

/// How late this machine itself was. Times are microseconds since the check began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Late {
    /// When it should have gone on.
    pub due_us: u64,
    /// When it did.
    pub came_us: u64,
}

/// What a playlist lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// Pictures, with or without sound.
    #[default]
    Video,
    /// Sound.
    Audio,
    /// Keyframes.
    IFrames,
    /// Subtitles and whatever else there may be.
    Other,
}

/// One version of a media playlist, as it was answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Version {
    /// How it came.
    pub exchange: Exchange,
    /// What it says.
    pub list: Media,
    /// `_HLS_msn` and `_HLS_part` that were asked for.
    pub asked: Option<(u64, Option<u64>)>,
}

/// What is asked once, to see what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// `_HLS_part` without `_HLS_msn`.
    PartAlone,
    /// A segment far beyond the next.
    MsnTooFar,
    /// A part far beyond the next.
    PartTooFar,
    /// Segment 0, with a part.
    Stale,
    /// The next segment, without a part.
    MsnAlone,
    /// A part beyond the last of the last whole segment.
    PartBeyond,
    /// `_HLS_skip=YES`.
    Skip,
    /// `_HLS_skip=v2`.
    SkipRanges,
    /// A part that was never named.
    UnknownPart,
    /// A far segment of a playlist that has ended.
    AfterEnd,
    /// The playlist without `Accept-Encoding`.
    Plain,
    /// The next version, which did not come: kept only then.
    Reload,
}

/// Such a question, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The question.
    pub ask: Ask,
    /// Segment and part that were named.
    pub named: Option<(u64, Option<u64>)>,
    /// The playlist just before.
    pub before: Media,
    /// How that came.
    pub plain: Exchange,
    /// How the answer came.
    pub exchange: Exchange,
    /// The playlist it was, if it was one.
    pub list: Option<Media>,
}

/// A part that was fetched at its hint or when it was listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartSeen {
    /// Its address as the playlist has it.
    pub uri: String,
    /// It was asked for before it was listed.
    pub hinted: bool,
    /// How it came.
    pub exchange: Exchange,
    /// What is in it.
    pub media: Option<Fragment>,
}

/// A whole segment that was fetched, beside its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SegmentSeen {
    /// Its number.
    pub msn: u64,
    /// How it came.
    pub exchange: Exchange,
    /// What is in it.
    pub media: Option<Fragment>,
    /// What is in its parts together, if all were fetched.
    pub of_parts: Option<Fragment>,
}

/// One media playlist, followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Followed {
    /// Its address, without what may be secret.
    pub name: String,
    /// The whole address, for resolving.
    pub url: String,
    /// What it lists.
    pub kind: Kind,
    /// Its versions, oldest first.
    pub versions: Vec<Version>,
    /// What else was asked.
    pub probes: Vec<Probe>,
    /// Parts, in the order they were asked for.
    pub parts: Vec<PartSeen>,
    /// A part that is no longer listed, asked for again.
    pub removed: Option<Exchange>,
    /// Whole segments.
    pub segments: Vec<SegmentSeen>,
    /// The track its init segment describes, and how that came.
    pub track: Option<(Track, Exchange)>,
}

impl Followed {
    /// Its newest version.
    #[must_use]
    pub fn last(&self) -> Option<&Media> {
        self.versions.last().map(|version| &version.list)
    }

    /// The answers to a question.
    pub fn asked(&self, ask: Ask) -> impl Iterator<Item = &Probe> {
        self.probes.iter().filter(move |probe| probe.ask == ask)
    }

    /// Whether parts are listed.
    #[must_use]
    pub fn has_parts(&self) -> bool {
        self.versions.iter().any(|version| version.list.all().any(|(_, one)| !one.parts.is_empty()))
    }

    /// Every answer there was.
    pub fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        let versions = self.versions.iter().map(|version| &version.exchange);
        let probes = self.probes.iter().map(|probe| &probe.exchange);
        let media = self.media();
        versions.chain(probes).chain(media)
    }

    /// Every answer with media in it.
    pub fn media(&self) -> impl Iterator<Item = &Exchange> {
        let parts = self.parts.iter().map(|part| &part.exchange);
        let segments = self.segments.iter().map(|segment| &segment.exchange);
        parts.chain(segments).chain(self.track.iter().map(|(_, exchange)| exchange))
    }
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The multivariant playlist, if the address is one's.
    pub multivariant: Option<(Exchange, Multivariant)>,
    /// The media playlists.
    pub lists: Vec<Followed>,
    /// It was spoken to over TLS.
    pub tls: bool,
    /// When this machine itself was late, in order, one after the other.
    pub late: Vec<Late>,
}

impl Seen {
    /// How much of a time this machine itself was late, in microseconds: what it was late by is not the origin's.
    #[must_use]
    pub fn late_us(&self, from_us: u64, to_us: u64) -> u64 {
        let within = |late: &Late| late.came_us.min(to_us).saturating_sub(late.due_us.max(from_us));
        self.late.iter().map(within).sum()
    }
}
