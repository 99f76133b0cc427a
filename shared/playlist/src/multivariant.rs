//! A multivariant playlist as a snapshot, and its text.
//!
//! In: a [`Multivariant`]. Out: its text. Does not know how rates are measured, or who may see what.

use shared_media::hdr::Curve;

use crate::date;
use crate::write::line;

/// All renditions of a show, as one playlist offers them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Multivariant {
    /// The sounds, in order of preference.
    pub sounds: Vec<Sound>,
    /// The captions.
    pub subtitles: Vec<Subtitles>,
    /// The captions within the pictures of every variant.
    pub closed_captions: ClosedCaptions,
    /// The variants, in order of preference.
    pub variants: Vec<Variant>,
    /// The pictures alone, for fast forward, rewind and scrubbing.
    pub i_frames: Vec<IFrames>,
    /// UTC of media time 0, in microseconds since the Unix epoch (`EXT-X-SESSION-DATA`, 4.4.6.4): what an MPD that is
    /// made of these playlists counts from.
    pub anchor_us: Option<i64>,
}

/// The `DATA-ID` of [`Multivariant::anchor_us`].
pub(crate) const ANCHOR: &str = "matinee.anchor";

/// A sound of an audio group (`EXT-X-MEDIA`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// The group variants name.
    pub group: String,
    /// What a listener chooses by.
    pub name: String,
    /// Its language (RFC 5646), where known.
    pub language: Option<String>,
    /// It plays when the listener chose nothing.
    pub default: bool,
    /// Its number of channels.
    pub channels: u8,
    /// Samples per second, where known.
    pub sample_rate: Option<u32>,
    /// Its media playlist, relative to this one.
    pub uri: String,
}

/// Captions of a group (`EXT-X-MEDIA`, `TYPE=SUBTITLES`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subtitles {
    /// The group variants name.
    pub group: String,
    /// What a viewer chooses by.
    pub name: String,
    /// Their language (RFC 5646).
    pub language: String,
    /// They are shown when the viewer chose nothing.
    pub default: bool,
    /// They have only what every viewer must read, and are shown where others are not (4.4.6.1).
    pub forced: bool,
    /// Their media playlist, relative to this one.
    pub uri: String,
}

/// What is known of captions within the pictures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ClosedCaptions {
    /// Nothing: players look by themselves.
    #[default]
    Unknown,
    /// There are none, and none can come: players need not look (`CLOSED-CAPTIONS=NONE`).
    None,
    /// There are these, one at least.
    Some(Vec<ClosedCaption>),
}

/// A channel or service of captions within the pictures (`EXT-X-MEDIA`, `TYPE=CLOSED-CAPTIONS`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedCaption {
    /// Which it is: `CC1` to `CC4`, or `SERVICE1` to `SERVICE63`.
    pub instream_id: String,
    /// What a viewer chooses by.
    pub name: String,
    /// Their language (RFC 5646), where known.
    pub language: Option<String>,
    /// They are shown when the viewer chose nothing.
    pub default: bool,
}

/// One combination to play (`EXT-X-STREAM-INF`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// Peak segment bit rate of picture and sound together, in bit/s.
    pub bandwidth: u64,
    /// Average segment bit rate of picture and sound together, in bit/s.
    pub average_bandwidth: u64,
    /// Every format in it (RFC 6381).
    pub codecs: Vec<String>,
    /// Width and height of the picture, in pixels.
    pub resolution: Option<(u32, u32)>,
    /// The curve of its pictures, if they are beyond the standard range (`VIDEO-RANGE`).
    pub hdr: Option<Curve>,
    /// Frames per 1000 seconds.
    pub frame_rate_millihertz: Option<u32>,
    /// The group of its sound.
    pub audio: Option<String>,
    /// The group of its captions.
    pub subtitles: Option<String>,
    /// Its media playlist, relative to this one.
    pub uri: String,
}

/// A rendition's I-frame playlist (`EXT-X-I-FRAME-STREAM-INF`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IFrames {
    /// Peak bit rate of the listed pictures, each over the time until the next, in bit/s.
    pub bandwidth: u64,
    /// Their average bit rate, in bit/s.
    pub average_bandwidth: u64,
    /// The format of the pictures (RFC 6381).
    pub codec: String,
    /// Their width and height, in pixels.
    pub resolution: Option<(u32, u32)>,
    /// Their curve, if they are beyond the standard range.
    pub hdr: Option<Curve>,
    /// The I-frame playlist, relative to this one.
    pub uri: String,
}

impl Multivariant {
    /// Its text. Every segment of ours starts with an IDR picture, so it says
    /// `EXT-X-INDEPENDENT-SEGMENTS` for all of them.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
        if let Some(anchor_us) = self.anchor_us {
            let utc = date::utc_precise(anchor_us);
            line!(text, "#EXT-X-SESSION-DATA:DATA-ID=\"{ANCHOR}\",VALUE=\"{utc}\"");
        }
        for sound in &self.sounds {
            let language = attribute("LANGUAGE", sound.language.as_deref());
            let rate = |rate: u32| format!(",SAMPLE-RATE={rate}");
            let sample_rate = sound.sample_rate.map(rate).unwrap_or_default();
            line!(
                text,
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID={},NAME={}{language},DEFAULT={},AUTOSELECT=YES\
                 {sample_rate},CHANNELS=\"{}\",URI={}",
                quoted(&sound.group),
                quoted(&sound.name),
                if sound.default { "YES" } else { "NO" },
                sound.channels,
                quoted(&sound.uri)
            );
        }
        for subtitles in &self.subtitles {
            line!(
                text,
                "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID={},NAME={},LANGUAGE={},DEFAULT={},\
                 AUTOSELECT=YES,FORCED={},URI={}",
                quoted(&subtitles.group),
                quoted(&subtitles.name),
                quoted(&subtitles.language),
                if subtitles.default { "YES" } else { "NO" },
                if subtitles.forced { "YES" } else { "NO" },
                quoted(&subtitles.uri)
            );
        }
        // Of all variants or of none (4.4.6.2): those without pictures too.
        let closed_captions = self.closed_captions.render(&mut text);
        let says_range = self.variants.iter().any(|variant| variant.hdr.is_some());
        for variant in &self.variants {
            let attributes = variant.attributes(says_range);
            line!(text, "#EXT-X-STREAM-INF:{attributes}{closed_captions}\n{}", variant.uri);
        }
        for i_frames in &self.i_frames {
            line!(text, "#EXT-X-I-FRAME-STREAM-INF:{}", i_frames.attributes(says_range));
        }
        text
    }
}

/// The group of captions within the pictures.
const CLOSED_CAPTIONS: &str = "closed-captions";

impl ClosedCaptions {
    /// Writes what there is to choose from; what every variant says of it.
    fn render(&self, text: &mut String) -> String {
        let all = match self {
            Self::Unknown => return String::new(),
            Self::None => return ",CLOSED-CAPTIONS=NONE".to_owned(),
            Self::Some(all) => all,
        };
        for (at, one) in all.iter().enumerate() {
            // Those that are chosen by language alone differ in it (4.4.6.1.1): the first of each.
            let is_first = !all[..at].iter().any(|before| before.language == one.language);
            line!(
                text,
                "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID={},NAME={}{},DEFAULT={},AUTOSELECT={},\
                 INSTREAM-ID={}",
                quoted(CLOSED_CAPTIONS),
                quoted(&one.name),
                attribute("LANGUAGE", one.language.as_deref()),
                if one.default { "YES" } else { "NO" },
                if one.default || is_first { "YES" } else { "NO" },
                quoted(&one.instream_id)
            );
        }
        attribute("CLOSED-CAPTIONS", Some(CLOSED_CAPTIONS))
    }
}

impl Variant {
    fn attributes(&self, says_range: bool) -> String {
        let rate = |rate: u32| format!(",FRAME-RATE={}.{:03}", rate / 1000, rate % 1000);
        format!(
            "BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS={}{}{}{}{}{}",
            self.bandwidth,
            self.average_bandwidth,
            quoted(&self.codecs.join(",")),
            resolution(self.resolution),
            self.frame_rate_millihertz.map(rate).unwrap_or_default(),
            range(says_range && self.resolution.is_some(), self.hdr),
            attribute("AUDIO", self.audio.as_deref()),
            attribute("SUBTITLES", self.subtitles.as_deref())
        )
    }
}

impl IFrames {
    fn attributes(&self, says_range: bool) -> String {
        format!(
            "BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS={}{}{},URI={}",
            self.bandwidth,
            self.average_bandwidth,
            quoted(&self.codec),
            resolution(self.resolution),
            range(says_range, self.hdr),
            quoted(&self.uri)
        )
    }
}

fn resolution(size: Option<(u32, u32)>) -> String {
    size.map(|(width, height)| format!(",RESOLUTION={width}x{height}")).unwrap_or_default()
}

/// Where one picture is beyond the standard range, it is said of all that they are not or are (4.4.6.2).
fn range(is_said: bool, hdr: Option<Curve>) -> String {
    let name = hdr.map_or("SDR", Curve::video_range);
    if is_said { format!(",VIDEO-RANGE={name}") } else { String::new() }
}

fn attribute(name: &str, value: Option<&str>) -> String {
    value.map(|value| format!(",{name}={}", quoted(value))).unwrap_or_default()
}

/// A quoted string; it cannot hold quotes or line ends (4.2), so those become spaces.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace(['"', '\r', '\n'], " "))
}
