//! The cover and the storyboard of a film: small pictures of it, drawn where its pieces are made.
//!
//! In: the objects of a chunk and their lines, as they come. Out: strips and the cover as objects; the storyboard's
//! text. Does not know pixels. What stands in a piece's strips depends on the film alone, so that a piece that is made
//! again has the same.

use std::collections::BTreeSet;

use bytes::Bytes;
use origin_packager::machine::Output;
use origin_storyboard::Spec;
use origin_storyboard::machine::{Board, TILE, TILES, pictured};
use serde::{Deserialize, Serialize};
use shared_media::{Object, Ticks};
use shared_wire::ShowId;
use shared_wire::key::{BOARD, Key, KeyObject, MediaFile};

use super::Films;
use super::made::{EPOCH, Made, Part};
use crate::storyboard::{COVER, COVER_LINES_MAX};

/// Pictures that are looked at for the cover.
const COVER_LOOKS: usize = 4;
/// The cover is of this part of the film.
const COVER_AT: i64 = 8;

/// Pictures in one file, of a piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Strip {
    /// Its number among those of the film: that of the first segment it has a picture of.
    number: u32,
    /// When each picture is shown.
    at: Vec<Ticks>,
}

/// What a piece has of pictures of the film.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pictures {
    /// Its strips, in order.
    #[serde(default)]
    strips: Vec<Strip>,
    /// Whether the cover is of it.
    #[serde(default)]
    pub(super) has_cover: bool,
}

impl Pictures {
    /// Its objects, below the film's show.
    pub(super) fn objects(&self) -> impl Iterator<Item = String> {
        let cover = self.has_cover.then(|| "cover.jpg".to_owned());
        self.strips.iter().map(|strip| uri(strip.number)).chain(cover)
    }
}

/// Where a strip stands, below its show.
fn uri(number: u32) -> String {
    format!("{BOARD}/{EPOCH}/{}", MediaFile::Strip(number))
}

/// The storyboard's text, of what pieces have; `None` if they have no pictures.
pub(super) fn text<'a>(made: &Made, all: impl Iterator<Item = &'a Pictures>) -> Option<String> {
    let mut board = Board::default();
    let mut strips = all.flat_map(|pictures| &pictures.strips).peekable();
    strips.peek()?;
    for strip in strips {
        let times = strip.at.iter().map(|at| made.anchor_us.saturating_add(at.as_micros()));
        times.for_each(|utc_us| board.take(utc_us));
        board.drawn(&uri(strip.number));
    }
    Some(board.text())
}

/// Keeps the pictures of a piece that are to be drawn, as its objects pass.
#[derive(Debug, Default)]
pub(super) struct Sketches {
    small: Reel,
    /// Of the piece that the cover is of.
    large: Option<Reel>,
    /// When each of its segments begins, and the number of the first.
    cuts: Vec<Ticks>,
    first: usize,
}

impl Sketches {
    pub(super) fn new(made: &Made, part: Part) -> Self {
        let Part::Chunk(at) = part else { return Self::default() };
        // What all screens show.
        let mut rungs = made.plan.rungs.iter().filter(|rung| rung.hdr.is_none());
        let Some(smallest) = rungs.clone().next_back() else { return Self::default() };
        let (cuts, first) = (made.cuts(part).to_vec(), made.first(part));
        let chunk = made.cutting.chunks.get(at);
        let until = chunk.map_or(made.length, |chunk| chunk.until);
        let begins: Vec<i64> = cuts.iter().map(|cut| cut.as_micros()).collect();
        let due = pictured(&begins, until.as_micros()).into_iter().collect();
        let small = Reel { rendition: smallest.rendition.clone(), due, ..Reel::default() };
        let cover_at = Ticks(made.length.0 / COVER_AT);
        let is_covered = chunk.is_some_and(|one| (one.from..one.until).contains(&cover_at));
        let fits = rungs.find(|rung| rung.width.min(rung.height) <= COVER_LINES_MAX);
        let large = is_covered.then(|| Reel {
            rendition: fits.unwrap_or(smallest).rendition.clone(),
            due: (0..COVER_LOOKS).map(|look| look * cuts.len() / COVER_LOOKS).collect(),
            ..Reel::default()
        });
        Self { small, large, cuts, first }
    }

    /// Looks at what the packager puts out.
    pub(super) fn see(&mut self, output: &Output) {
        for reel in std::iter::once(&mut self.small).chain(&mut self.large) {
            match output {
                Output::Put(object) => reel.put(object),
                Output::Append(object) => reel.append(object),
                _ => {}
            }
        }
    }
}

/// Keyframes of one rendition.
#[derive(Debug, Default)]
struct Reel {
    rendition: String,
    /// The segments of which one is wanted.
    due: BTreeSet<usize>,
    init: Bytes,
    segment: Bytes,
    /// Segments that were listed.
    segments: usize,
    shots: Vec<Shot>,
}

#[derive(Debug, Clone)]
struct Shot {
    segment: usize,
    init: Bytes,
    keyframe: Bytes,
}

impl Reel {
    fn put(&mut self, object: &Object) {
        match Key::parse(&object.key).map(|key| key.object) {
            Some(KeyObject::Media { rendition, file, .. }) if rendition == self.rendition => {
                match file {
                    MediaFile::Init(_) => self.init = object.bytes.clone(),
                    _ => self.segment = object.bytes.clone(),
                }
            }
            _ => {}
        }
    }

    /// The lines of a segment come behind it, and those of its pictures behind these.
    fn append(&mut self, object: &Object) {
        match Key::parse(&object.key).map(|key| key.object) {
            Some(KeyObject::Playlist { rendition }) if rendition == self.rendition => {
                self.segments += 1;
            }
            Some(KeyObject::IFrames { rendition }) if rendition == self.rendition => {
                let segment = self.segments.saturating_sub(1);
                let first = range(&String::from_utf8_lossy(&object.bytes));
                let keyframe = first.filter(|range| range.end <= self.segment.len());
                if let Some(range) = keyframe
                    && self.due.remove(&segment)
                {
                    let keyframe = Bytes::copy_from_slice(&self.segment[range]);
                    self.shots.push(Shot { segment, init: self.init.clone(), keyframe });
                }
            }
            _ => {}
        }
    }
}

/// The byte range of the first picture of an I-frame playlist's lines.
fn range(lines: &str) -> Option<std::ops::Range<usize>> {
    let first = lines.lines().find_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:"))?;
    let (length, offset) = first.split_once('@')?;
    let (length, offset): (usize, usize) = (length.parse().ok()?, offset.parse().ok()?);
    Some(offset..offset.checked_add(length)?)
}

impl Films {
    /// Draws what a piece is to have; what there is, and as objects. What cannot be drawn is left out: a film is none
    /// the worse for that.
    pub(super) async fn draw(&self, show: ShowId, sketches: Sketches) -> (Pictures, Vec<Object>) {
        let Sketches { small, large, cuts, first } = sketches;
        let (mut pictures, mut objects) = (Pictures::default(), Vec::new());
        for shots in strips(&small.shots) {
            let tiles = u32::try_from(shots.len()).unwrap_or(1);
            let (width, height) = TILE;
            let number = shots.first().map_or(0, |shot| first + shot.segment);
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let at = shots.iter().filter_map(|shot| cuts.get(shot.segment).copied()).collect();
            let spec = Spec { width, height, tiles };
            if let Some(bytes) = self.pen.draw(show, film(shots), spec).await {
                objects.push(Object { key: format!("{show}/{}", uri(number)), bytes });
                pictures.strips.push(Strip { number, at });
            }
        }
        let mut cover: Option<Bytes> = None;
        for shot in large.iter().flat_map(|reel| &reel.shots) {
            let drawn = self.pen.draw(show, film(std::slice::from_ref(shot)), COVER).await;
            // All are drawn alike: the one with most in it takes most bytes, and a black one hardly any.
            let is_fuller = |drawn: &Bytes| cover.as_ref().is_none_or(|c| drawn.len() > c.len());
            if let Some(drawn) = drawn.filter(is_fuller) {
                cover = Some(drawn);
            }
        }
        if let Some(bytes) = cover {
            let key = Key { show, object: KeyObject::Cover }.to_string();
            objects.push(Object { key, bytes });
            pictures.has_cover = true;
        }
        (pictures, objects)
    }
}

/// Pictures that stand in one file: as many as it takes, of one init segment.
fn strips(shots: &[Shot]) -> impl Iterator<Item = &[Shot]> {
    let of_one_init = shots.chunk_by(|one, other| one.init == other.init);
    of_one_init.flat_map(|shots| shots.chunks(TILES))
}

/// Keyframes behind their init segment.
fn film(shots: &[Shot]) -> Bytes {
    let init = shots.first().map(|shot| &shot.init[..]).unwrap_or_default();
    let keyframes = shots.iter().map(|shot| &shot.keyframe[..]);
    std::iter::once(init).chain(keyframes).collect::<Vec<_>>().concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, bytes: &'static str) -> Object {
        Object { key: format!("0123456789abcdef/{name}"), bytes: bytes.into() }
    }

    #[test]
    fn the_first_keyframe_of_each_wanted_segment_is_kept() {
        let due = [0, 2].into();
        let small = Reel { rendition: "160p".to_owned(), due, ..Reel::default() };
        let mut sketches = Sketches { small, ..Sketches::default() };
        sketches.see(&Output::Put(object("160p/film/i0.mp4", "init")));
        let lines = "#EXTINF:1,\n#EXT-X-BYTERANGE:2@1\nfilm/s.m4s\n#EXT-X-BYTERANGE:1@3\n";
        for segment in ["abcd", "efgh", "ijkl", "mnop"] {
            sketches.see(&Output::Put(object("160p/film/s0.m4s", segment)));
            sketches.see(&Output::Put(object("720p/film/s0.m4s", "other")));
            sketches.see(&Output::Append(object("160p/index.m3u8", "#EXTINF:1,\n")));
            sketches.see(&Output::Append(object("720p/index.m3u8", "#EXTINF:1,\n")));
            sketches.see(&Output::Append(object("160p/iframes.m3u8", lines)));
        }
        let seen: Vec<_> =
            sketches.small.shots.iter().map(|shot| (shot.segment, &shot.keyframe[..])).collect();
        assert_eq!(seen, [(0, &b"bc"[..]), (2, b"jk")]);
        assert_eq!(film(&sketches.small.shots)[..], *b"initbcjk");
        assert_eq!(range("#EXT-X-BYTERANGE:18446744073709551615@1\n"), None);
        assert_eq!(range("#EXT-X-BYTERANGE:7\n#EXT-X-GAP\n"), None);
    }

    #[test]
    fn a_strip_has_no_more_pictures_than_it_takes_and_one_init_segment() {
        let shot = |segment, init: &'static str| {
            let (init, keyframe) = (Bytes::from_static(init.as_bytes()), Bytes::new());
            Shot { segment, init, keyframe }
        };
        let mut shots: Vec<Shot> = (0..8).map(|segment| shot(segment, "a")).collect();
        shots.push(shot(8, "b"));
        let lengths: Vec<usize> = strips(&shots).map(<[Shot]>::len).collect();
        assert_eq!(lengths, [6, 2, 1]);
    }
}
