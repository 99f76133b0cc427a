//! A playlist as a player sees it: every segment with all that is in force for it.
//!
//! In: text. Out: [`View`]. Written apart from what it tests, and as plainly as may be.

use std::collections::BTreeMap;

use crate::{date, scan};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    pub(super) first_msn: u64,
    first_discontinuity: u64,
    pub(super) skipped: u64,
    pub(super) segments: Vec<Seen>,
    pub(super) dateranges: usize,
    tail: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    pub(super) msn: u64,
    uri: String,
    duration: String,
    discontinuity: u64,
    keys: BTreeMap<String, String>,
    map: Option<(String, BTreeMap<String, String>)>,
    bitrate: Option<String>,
    utc_us: Option<i64>,
    range: Option<(u64, u64)>,
    parts: Vec<(String, Option<(u64, u64)>)>,
    gap: bool,
}

type Last = Option<(String, u64)>;

/// The range `text` stands for after `last`, which it moves on.
fn range(text: Option<&str>, uri: &str, last: &mut Last) -> Option<(u64, u64)> {
    let inherited = last.take().filter(|(of, _)| of == uri).map(|(_, next)| next);
    let (length, at) = match text?.split_once('@') {
        Some((length, at)) => (length, Some(at.parse().unwrap())),
        None => (text?, inherited),
    };
    let (length, at): (u64, u64) = (length.parse().unwrap(), at?);
    *last = Some((uri.to_owned(), at + length));
    Some((at, length))
}

fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let from = line.find(&format!("{name}=\""))? + name.len() + 2;
    line[from..].split('"').next()
}

impl View {
    pub(super) fn of(text: &str) -> Self {
        let number = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.map_or(0, |line| line.parse().unwrap())
        };
        let first_msn = number("#EXT-X-MEDIA-SEQUENCE:");
        let skipped = number("#EXT-X-SKIP:SKIPPED-SEGMENTS=");
        let mut now = Seen {
            msn: first_msn + skipped,
            uri: String::new(),
            duration: String::new(),
            discontinuity: number("#EXT-X-DISCONTINUITY-SEQUENCE:"),
            keys: BTreeMap::new(),
            map: None,
            bitrate: None,
            utc_us: None,
            range: None,
            parts: Vec::new(),
            gap: false,
        };
        let (mut segments, mut dateranges) = (Vec::new(), 0);
        let (mut last, mut last_part): (Last, Last) = (None, None);
        let mut byte_range = None;
        for line in text.lines() {
            let (tag, value) = line.split_once(':').unwrap_or((line, ""));
            match tag {
                "#EXT-X-DISCONTINUITY" => now.discontinuity += 1,
                "#EXT-X-KEY" => {
                    now.keys.retain(|_, key| !line.contains("NONE") && !key.contains("NONE"));
                    let format = attribute(line, "KEYFORMAT").unwrap_or("identity");
                    now.keys.insert(format.to_owned(), line.to_owned());
                }
                "#EXT-X-MAP" => now.map = Some((line.to_owned(), now.keys.clone())),
                "#EXT-X-BITRATE" => now.bitrate = Some(value.to_owned()),
                "#EXT-X-PROGRAM-DATE-TIME" => now.utc_us = date::parse(value.as_bytes()),
                "#EXT-X-BYTERANGE" => byte_range = Some(value),
                "#EXT-X-GAP" => now.gap = true,
                "#EXT-X-DATERANGE" => dateranges += 1,
                "#EXT-X-PART" => {
                    let uri = attribute(line, "URI").unwrap();
                    let range = range(attribute(line, "BYTERANGE"), uri, &mut last_part);
                    now.parts.push((uri.to_owned(), range));
                }
                "#EXTINF" => now.duration = value.to_owned(),
                _ if line.starts_with('#') => {}
                uri => {
                    now.uri = uri.to_owned();
                    now.range = range(byte_range.take(), uri, &mut last);
                    segments.push(now.clone());
                    now.msn += 1;
                    now.gap = false;
                    now.parts.clear();
                    let micros = scan::micros(now.duration.trim_end_matches(',').as_bytes());
                    now.utc_us =
                        now.utc_us.map(|utc| utc + i64::try_from(micros.unwrap()).unwrap());
                }
            }
        }
        let first_discontinuity = number("#EXT-X-DISCONTINUITY-SEQUENCE:");
        let tail = text.lines().last().unwrap_or_default().to_owned();
        Self { first_msn, first_discontinuity, skipped, segments, dateranges, tail }
    }

    /// What a player that holds this makes of a delta update (6.2.5.1).
    pub(super) fn updated(&self, delta: &Self) -> Self {
        if delta.skipped == 0 {
            return delta.clone();
        }
        let resumes = delta.first_msn + delta.skipped;
        let held = self.segments.iter();
        let held = held.filter(|one| (delta.first_msn..resumes).contains(&one.msn));
        let mut segments: Vec<Seen> = held.cloned().collect();
        assert_eq!(segments.len() as u64, delta.skipped, "the player lacks a skipped segment");
        // The discontinuities among the skipped ones are the player's to count.
        let counted = segments.last().unwrap().discontinuity;
        let said = |one: &Seen| one.discontinuity - delta.first_discontinuity;
        segments.extend(
            delta
                .segments
                .iter()
                .map(|one| Seen { discontinuity: counted + said(one), ..one.clone() }),
        );
        Self { skipped: 0, segments, ..delta.clone() }
    }
}
