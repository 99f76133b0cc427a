//! What is kept of a film between its jobs, as JSON in control's rows.
//!
//! In: what indexing decided, what pieces came to. Out: texts, and the same again. Does not know rows.

use std::collections::{BTreeMap, BTreeSet};

use origin_control::{FilmJobKind, FilmLease, FilmListed, NewFilmJob};
use origin_packager::Facts;
use origin_vod::machine::Cutting;
use serde::{Deserialize, Serialize};
use shared_media::{Anchor, Rational, RenditionId, Ticks};
use shared_wire::ShowId;
use shared_wire::api::AssetPlan;

use super::board::Pictures;
use super::error::Failure;

/// The epoch of a film's objects: a film is published once.
pub(super) const EPOCH: &str = "film";
/// Of a media playlist, behind its rendition.
pub(super) const PLAYLIST: &str = "index.m3u8";
/// Of an I-frame playlist.
const I_FRAMES: &str = "iframes.m3u8";

/// What a job is to keep.
pub(super) enum Done {
    /// How the film is cut, and the jobs that make it.
    Index(String, Vec<NewFilmJob>),
    /// What a piece came to, and how long it is, in milliseconds.
    Media(String, u64),
    /// How far the film is listed.
    List(FilmListed),
}

/// What was decided of a film before anything was made: pieces that are made later, or again, are made by the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Made {
    /// What becomes of each stream.
    pub(super) plan: AssetPlan,
    /// Where it is cut.
    pub(super) cutting: Cutting,
    /// When the first thing in it is shown, in the file's own time.
    pub(super) begin: Ticks,
    /// From there to its end.
    pub(super) length: Ticks,
    /// Pictures per second.
    pub(super) frame_rate: Option<Rational>,
    /// Threads that encode: what comes out depends on it.
    pub(super) threads: u8,
    /// UTC of its beginning.
    pub(super) anchor_us: i64,
    /// Its file says only when pictures are decoded.
    #[serde(default)]
    pub(super) is_untimed: bool,
}

/// Which piece of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All sounds and texts.
    Sounds,
    /// The chunk of this number.
    Chunk(usize),
}

impl Made {
    pub(super) const fn anchor(&self) -> Anchor {
        Anchor { utc_us: self.anchor_us }
    }

    fn has_sounds(&self) -> bool {
        !(self.plan.sounds.is_empty() && self.plan.subtitles.is_empty())
    }

    /// The jobs that make it, in their order.
    pub(super) fn jobs(&self) -> Vec<NewFilmJob> {
        let job = |kind, part| {
            let (from, until) = self.span(part);
            let [from_ms, until_ms] = [from, until].map(|point| point.as_micros() / 1000);
            NewFilmJob { kind, from_ms, length_ms: until_ms.saturating_sub(from_ms) }
        };
        let sounds = self.has_sounds().then(|| job(FilmJobKind::Sounds, Part::Sounds));
        let chunks = if self.plan.rungs.is_empty() { 0 } else { self.cutting.chunks.len() };
        let chunk = |at| job(FilmJobKind::Chunk, Part::Chunk(at));
        sounds.into_iter().chain((0..chunks).map(chunk)).collect()
    }

    /// From where to where a piece is shown.
    pub(super) fn span(&self, part: Part) -> (Ticks, Ticks) {
        let chunk = match part {
            Part::Sounds => None,
            Part::Chunk(at) => self.cutting.chunks.get(at),
        };
        chunk.map_or((Ticks::ZERO, self.length), |chunk| (chunk.from, chunk.until))
    }

    /// The piece that a job makes; `None` if the film has none of that number.
    pub(super) fn part(&self, kind: FilmJobKind, number: u32) -> Option<Part> {
        let at = usize::try_from(number.checked_sub(FilmLease::MEDIA_FIRST)?).ok()?;
        let at = match (kind, self.has_sounds()) {
            (FilmJobKind::Sounds, true) if at == 0 => return Some(Part::Sounds),
            (FilmJobKind::Chunk, has_sounds) => at.checked_sub(usize::from(has_sounds))?,
            _ => return None,
        };
        (at < self.cutting.chunks.len()).then_some(Part::Chunk(at))
    }

    /// The first segment of a piece.
    pub(super) fn first(&self, part: Part) -> usize {
        match part {
            Part::Sounds => 0,
            Part::Chunk(at) => self.cutting.chunks.get(at).map_or(0, |chunk| chunk.first),
        }
    }

    /// The first segment of what the job of this number makes.
    pub(super) fn first_of(&self, number: u32) -> usize {
        self.part(FilmJobKind::Chunk, number).map_or(0, |part| self.first(part))
    }

    /// All renditions: pictures highest first, then sounds, then texts.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let rungs = self.plan.rungs.iter().map(|one| one.rendition.as_str());
        rungs.chain(self.names_beside())
    }

    fn names_beside(&self) -> impl Iterator<Item = &str> {
        let sounds = self.plan.sounds.iter().map(|one| one.rendition.as_str());
        sounds.chain(self.plan.subtitles.iter().map(|one| one.rendition.as_str()))
    }

    /// Every playlist of the film but the multivariant one, below its show.
    pub(super) fn playlists(&self) -> Vec<String> {
        let mut all = self.playlists_of(Part::Sounds);
        if !self.plan.rungs.is_empty() {
            all.extend(self.playlists_of(Part::Chunk(0)));
        }
        all
    }

    /// Those that a piece has lines for.
    pub(super) fn playlists_of(&self, part: Part) -> Vec<String> {
        let name = |rendition: &str, file: &str| format!("{rendition}/{file}");
        let rungs = self.plan.rungs.iter().map(|one| one.rendition.as_str());
        match part {
            Part::Sounds => self.names_beside().map(|one| name(one, PLAYLIST)).collect(),
            Part::Chunk(_) => {
                rungs.flat_map(|one| [name(one, PLAYLIST), name(one, I_FRAMES)]).collect()
            }
        }
    }
}

/// What a piece came to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Piece {
    /// The lines of each segment for each playlist, below its show.
    pub(super) entries: BTreeMap<String, Vec<String>>,
    /// What there is to say of its renditions.
    pub(super) facts: Vec<(RenditionId, Facts)>,
    /// Small pictures of it.
    #[serde(default)]
    pub(super) pictures: Pictures,
}

impl Piece {
    /// Takes the lines of the next segment of a rendition, or those of its pictures, which come behind them.
    pub(super) fn append(&mut self, playlist: &str, lines: String) {
        let (rendition, file) = playlist.rsplit_once('/').unwrap_or_default();
        let of_segments = format!("{rendition}/{PLAYLIST}");
        if file == I_FRAMES {
            // A segment may have no picture of its own.
            let segments = self.entries.get(&of_segments).map_or(0, Vec::len);
            let own = self.entries.entry(playlist.to_owned()).or_default();
            own.resize(segments.saturating_sub(1), String::new());
        }
        self.entries.entry(playlist.to_owned()).or_default().push(lines);
    }

    /// How many segments all of these playlists have.
    pub(super) fn segments(&self, playlists: &[String]) -> usize {
        let of = |playlist: &String| self.entries.get(playlist).map_or(0, Vec::len);
        playlists.iter().map(of).min().unwrap_or_default()
    }

    /// What there is of its first segments, so many.
    pub(super) fn first(&self, segments: usize) -> Self {
        let first = |lines: &Vec<String>| lines.iter().take(segments).cloned().collect();
        let entries = self.entries.iter().map(|(name, lines)| (name.clone(), first(lines)));
        Self { entries: entries.collect(), ..Self::default() }
    }

    /// Brings I-frame playlists to the number of their segments, and checks that no playlist lacks any of these.
    ///
    /// # Errors
    /// A playlist has too few, or too many.
    pub(super) fn complete(
        &mut self,
        playlists: &[String],
        segments: usize,
    ) -> Result<(), Failure> {
        for playlist in playlists {
            let own = self.entries.entry(playlist.clone()).or_default();
            if playlist.ends_with(I_FRAMES) && own.len() < segments {
                own.resize(segments, String::new());
            }
            if own.len() != segments {
                let found = own.len();
                let reason = format!("{playlist} lists {found} segments of {segments}");
                return Err(Failure::House(reason));
            }
        }
        Ok(())
    }

    /// Every object that its lines name, and its pictures.
    pub(super) fn objects(&self, show: ShowId) -> BTreeSet<String> {
        let pictures = self.pictures.objects().map(|below| format!("{show}/{below}"));
        let mut objects: BTreeSet<String> = pictures.collect();
        for (playlist, entries) in &self.entries {
            let folder = playlist.rsplit_once('/').map_or("", |(folder, _)| folder);
            let mut is_gap = false;
            for line in entries.iter().flat_map(|entry| entry.lines()) {
                is_gap |= line == "#EXT-X-GAP";
                let map = line.strip_prefix("#EXT-X-MAP:URI=\"");
                let map = map.and_then(|rest| rest.split('"').next());
                let uri = (!line.starts_with('#') && !line.is_empty()).then_some(line);
                let is_listed = uri.is_some() && !std::mem::take(&mut is_gap);
                let named = map.or(uri.filter(|_| is_listed));
                objects.extend(named.map(|uri| format!("{show}/{folder}/{uri}")));
            }
        }
        objects
    }
}

/// As it is kept.
///
/// # Errors
/// It cannot be written.
pub(super) fn write(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::House(error.to_string()))
}

/// As it was kept.
///
/// # Errors
/// It was written by another version, or changed from outside.
pub(super) fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Failure> {
    let broken = |error: serde_json::Error| {
        Failure::File(format!("what is kept of it cannot be read: {error}"))
    };
    serde_json::from_str(text).map_err(broken)
}

#[cfg(test)]
mod tests {
    use shared_wire::api::{RungPlan, SoundPlan};

    use super::*;

    fn made(rungs: usize, sounds: usize) -> Made {
        let rung = |at: usize| RungPlan {
            rendition: format!("{at}p"),
            width: 2,
            height: 2,
            codec: "h264".to_owned(),
            hdr: None,
            bits_per_s: 1,
            is_copy: false,
        };
        let sound = |at: usize| SoundPlan {
            rendition: format!("audio-{at}"),
            stream: 0,
            channels: 2,
            bits_per_s: 1,
            language: None,
            title: None,
            is_copy: false,
        };
        let config = origin_vod::Config::default();
        let config = origin_vod::Config { chunk_ms: 4000, head_ms: 4000, ..config };
        let keyframes: Vec<Ticks> = (0..5).map(|at| Ticks(at * 360_000)).collect();
        let length = Ticks(5 * 360_000);
        let index = origin_vod::machine::Keyframes { keyframes: &keyframes, early: &[], length };
        Made {
            plan: AssetPlan {
                rungs: (0..rungs).map(rung).collect(),
                sounds: (0..sounds).map(sound).collect(),
                ..AssetPlan::default()
            },
            cutting: origin_vod::machine::chunks(&config, &index, false).unwrap(),
            begin: Ticks::ZERO,
            length,
            frame_rate: None,
            threads: 1,
            anchor_us: 0,
            is_untimed: false,
        }
    }

    #[test]
    fn jobs_and_numbers_say_the_same() {
        for (rungs, sounds, jobs) in [(1, 1, 6), (2, 0, 5), (0, 2, 1)] {
            let made = made(rungs, sounds);
            let all = made.jobs();
            assert_eq!(all.len(), jobs);
            let spans = all.iter().filter(|job| job.kind == FilmJobKind::Chunk);
            let end = spans.fold(0, |end, job| {
                assert_eq!(job.from_ms, end, "one follows the other");
                end + job.length_ms
            });
            assert_eq!(end, if rungs > 0 { 20_000 } else { 0 });
            let kinds: Vec<_> = all.iter().map(|job| job.kind).collect();
            let parts: Vec<_> = (FilmLease::MEDIA_FIRST..)
                .zip(&kinds)
                .map(|(number, kind)| made.part(*kind, number).unwrap())
                .collect();
            let chunks = parts.iter().filter(|part| **part != Part::Sounds);
            let expected: Vec<_> = (0..kinds.len() - sounds.min(1)).map(Part::Chunk).collect();
            assert_eq!(chunks.copied().collect::<Vec<_>>(), expected);
            assert_eq!(made.playlists().len(), 2 * rungs + sounds);
        }
        let made = made(1, 1);
        assert_eq!(made.part(FilmJobKind::Chunk, 2), None, "that is the sounds' number");
        assert_eq!(made.part(FilmJobKind::Chunk, 8), None);
    }

    #[test]
    fn what_lines_name_is_to_be_there() {
        let mut piece = Piece::default();
        let map = "#EXT-X-MAP:URI=\"film/i0.mp4\"\n";
        piece.append("720p/index.m3u8", format!("{map}#EXTINF:2,\nfilm/s0.m4s\n"));
        piece.append("720p/iframes.m3u8", "#EXTINF:2,\nfilm/s0.m4s\n".to_owned());
        piece.append("720p/index.m3u8", "#EXTINF:2,\n#EXT-X-GAP\nfilm/s1.m4s\n".to_owned());
        piece.append("720p/index.m3u8", "#EXTINF:2,\nfilm/s2.m4s\n".to_owned());
        piece.append("720p/iframes.m3u8", "#EXTINF:2,\nfilm/s2.m4s\n".to_owned());
        let show: ShowId = "0123456789abcdef".parse().unwrap();
        let expected =
            ["i0.mp4", "s0.m4s", "s2.m4s"].map(|file| format!("{show}/720p/film/{file}"));
        assert_eq!(piece.objects(show).into_iter().collect::<Vec<_>>(), expected);
        let all = ["720p/index.m3u8".to_owned(), "720p/iframes.m3u8".to_owned()];
        assert!(piece.clone().complete(&all, 4).is_err());
        piece.complete(&all, 3).unwrap();
        let has_picture: Vec<_> =
            piece.entries["720p/iframes.m3u8"].iter().map(|lines| !lines.is_empty()).collect();
        assert_eq!(has_picture, [true, false, true]);
    }
}
