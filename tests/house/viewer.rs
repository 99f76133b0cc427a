//! A viewer without a screen: follows playlists as RFC 8216 says and keeps what it was sent.
//!
//! In: a playlist's address. Out: playlists as they came, resolved addresses, media on disk. Does not know the house's
//! key scheme; it only resolves what playlists say.

use std::io::Write as _;
use std::path::Path;

use reqwest::{Client, Response, Url};

/// One HTTP answer, whole.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// The headers, by name in lower case.
    pub headers: reqwest::header::HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Fetched {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The `code` of a problem+json body.
    #[must_use]
    pub fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Fetches one address.
///
/// # Panics
/// If no answer comes.
pub async fn fetch(client: &Client, url: &str) -> Fetched {
    let response = client.get(url).send().await.expect("an answer");
    read(response).await
}

/// Reads an answer whole.
///
/// # Panics
/// If the body breaks off.
pub async fn read(response: Response) -> Fetched {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let body = response.bytes().await.expect("a whole body").to_vec();
    Fetched { status, headers, body }
}

/// A media segment of a playlist.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Its address.
    pub url: String,
    /// `EXT-X-BYTERANGE`: how many bytes, and how many stand before them.
    pub range: Option<(usize, usize)>,
    /// `EXTINF`, in seconds.
    pub duration_s: f64,
    /// `EXT-X-PROGRAM-DATE-TIME`, where it is given.
    pub program_date_time: Option<String>,
    /// Whether `EXT-X-DISCONTINUITY` stands before it.
    pub discontinuity: bool,
    /// The init segment in force.
    pub map: Option<String>,
    /// Whether it is an `EXT-X-GAP`.
    pub gap: bool,
    /// The parts listed for it, with their durations in seconds.
    pub parts: Vec<(String, f64)>,
}

/// A media playlist.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Playlist {
    /// `EXT-X-MEDIA-SEQUENCE`.
    pub media_sequence: u64,
    /// `EXT-X-TARGETDURATION`, in seconds.
    pub target_duration_s: u64,
    /// The whole segments.
    pub segments: Vec<Segment>,
    /// Parts after the last whole segment.
    pub open_parts: Vec<(String, f64)>,
    /// Whether `EXT-X-ENDLIST` is there.
    pub ended: bool,
}

impl Playlist {
    /// Reads a playlist fetched from `base`.
    ///
    /// # Panics
    /// If it is not a playlist.
    #[must_use]
    pub fn parse(text: &str, base: &str) -> Self {
        assert!(text.starts_with("#EXTM3U"), "not a playlist: {text}");
        let mut list = Self::default();
        let (mut duration, mut date, mut broken, mut map) = (0.0, None, false, None);
        let (mut range, mut gap) = (None, false);
        for line in text.lines() {
            if let Some(value) = line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:") {
                list.media_sequence = value.parse().expect("a number");
            } else if let Some(value) = line.strip_prefix("#EXT-X-TARGETDURATION:") {
                list.target_duration_s = value.parse().expect("a number");
            } else if let Some(value) = line.strip_prefix("#EXTINF:") {
                let number = value.split(',').next().unwrap_or_default();
                duration = number.parse().expect("a duration");
            } else if let Some(value) = line.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:") {
                date = Some(value.to_owned());
            } else if let Some(value) = line.strip_prefix("#EXT-X-BYTERANGE:") {
                let (length, offset) = value.split_once('@').expect("an offset");
                range = Some((length.parse().expect("bytes"), offset.parse().expect("bytes")));
            } else if line == "#EXT-X-GAP" {
                gap = true;
            } else if line == "#EXT-X-DISCONTINUITY" {
                broken = true;
            } else if line == "#EXT-X-ENDLIST" {
                list.ended = true;
            } else if line.starts_with("#EXT-X-MAP:") {
                map = attribute(line, "URI").map(|uri| resolve(base, &uri));
            } else if line.starts_with("#EXT-X-PART:") {
                let uri = attribute(line, "URI").expect("a part has a URI");
                let seconds = attribute(line, "DURATION").expect("a part has a duration");
                let seconds = seconds.parse().expect("a duration");
                list.open_parts.push((resolve(base, &uri), seconds));
            } else if !line.is_empty() && !line.starts_with('#') {
                list.segments.push(Segment {
                    url: resolve(base, line),
                    range: range.take(),
                    duration_s: duration,
                    program_date_time: date.take(),
                    discontinuity: std::mem::take(&mut broken),
                    map: map.clone(),
                    gap: std::mem::take(&mut gap),
                    parts: std::mem::take(&mut list.open_parts),
                });
            }
        }
        list
    }

    /// Downloads init segments and segments into one file, but for gaps.
    ///
    /// # Panics
    /// If any of them is not there.
    pub async fn download(&self, client: &Client, file: &Path) {
        let mut out = std::fs::File::create(file).expect("writable");
        let mut map = None;
        for segment in self.segments.iter().filter(|segment| !segment.gap) {
            if segment.map != map {
                map.clone_from(&segment.map);
                if let Some(url) = &map {
                    out.write_all(&media(client, url).await).expect("writable");
                }
            }
            out.write_all(&media(client, &segment.url).await).expect("writable");
        }
    }
}

/// Media bytes, which must be there.
///
/// # Panics
/// If they are not.
pub async fn media(client: &Client, url: &str) -> Vec<u8> {
    let fetched = fetch(client, url).await;
    assert_eq!(fetched.status, 200, "{url}: {}", fetched.text());
    fetched.body
}

/// The media playlists of a multivariant playlist, each once: name (`720p`, `audio`, …) and address.
#[must_use]
pub fn renditions(multivariant: &str, base: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in multivariant.lines() {
        let uri = if line.starts_with("#EXT-X-MEDIA:") {
            attribute(line, "URI")
        } else {
            (!line.is_empty() && !line.starts_with('#')).then(|| line.to_owned())
        };
        if let Some(uri) = uri {
            let url = resolve(base, &uri);
            let name = url.rsplit('/').nth(1).unwrap_or_default().to_owned();
            // The sound is offered twice: beside pictures, and alone.
            if !found.iter().any(|(known, _)| *known == name) {
                found.push((name, url));
            }
        }
    }
    found
}

/// The I-frame playlists of a multivariant playlist: the tag that offers each, and its address.
#[must_use]
pub fn i_frames(multivariant: &str, base: &str) -> Vec<(String, String)> {
    let tags = multivariant.lines().filter(|line| line.starts_with("#EXT-X-I-FRAME-STREAM-INF:"));
    tags.filter_map(|tag| Some((tag.to_owned(), resolve(base, &attribute(tag, "URI")?)))).collect()
}

/// The value of an attribute, without its quotes.
#[must_use]
pub fn attribute(line: &str, name: &str) -> Option<String> {
    let (_, list) = line.split_once(':')?;
    let mut rest = list;
    while let Some((key, after)) = rest.split_once('=') {
        let (value, next) = if let Some(quoted) = after.strip_prefix('"') {
            let (value, next) = quoted.split_once('"')?;
            (value, next.trim_start_matches(','))
        } else {
            after.split_once(',').unwrap_or((after, ""))
        };
        if key == name {
            return Some(value.to_owned());
        }
        rest = next;
    }
    None
}

/// An address relative to another.
///
/// # Panics
/// If either is none.
#[must_use]
pub fn resolve(base: &str, uri: &str) -> String {
    Url::parse(base).and_then(|base| base.join(uri)).expect("an address").to_string()
}
