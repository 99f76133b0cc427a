//! What of a film its playlists may list: stitching is listing.
//!
//! In: the entries that jobs have written, each of one segment for one playlist, in any order. Out: [`Listing`]s, text
//! to append to each playlist. Does not know what an entry says, nor where playlists are.
//!
//! A segment is listed once every rendition has it, and all before it: whichever a viewer plays has the same segments
//! at any time. A playlist grows as an EVENT, from its first segments on; when all are listed,
//! [`shared_playlist::recording::finish`] makes of its text what it is to stay.
//!
//! What was listed is a number. With it and the jobs' stored entries another process goes on where one ended: texts are
//! the same whatever came when. Who does not know how far a text was written begins anew with none listed, and replaces
//! it by the first that comes.

use std::collections::{BTreeMap, VecDeque};

use shared_playlist::recording;
use shared_wire::key::{Key, KeyObject};

use crate::Error;

/// All playlists of a film, and what is known of its segments.
#[derive(Debug)]
pub struct Stitch {
    segments: usize,
    target_duration_s: u32,
    /// How many segments are listed.
    listed: usize,
    /// The entries of those after, by key.
    playlists: BTreeMap<String, VecDeque<Option<String>>>,
}

/// Text for every playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// How many segments each lists with it.
    pub listed: usize,
    /// One for each playlist, in the order of their keys.
    pub texts: Vec<Text>,
    /// These are the last: playlists are to be finished.
    pub is_last: bool,
}

/// What a playlist has more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The playlist's key.
    pub key: String,
    /// The playlist begins with it: it replaces what is there.
    pub is_first: bool,
    /// The text.
    pub text: String,
}

impl Stitch {
    /// A film of so many segments with these playlists, I-frame playlists among them, of which so many segments are
    /// listed.
    #[must_use]
    pub fn new(
        segments: usize,
        target_duration_s: u32,
        keys: impl IntoIterator<Item = String>,
        listed: usize,
    ) -> Self {
        let playlists = keys.into_iter().map(|key| (key, VecDeque::new())).collect();
        Self { segments, target_duration_s, listed: listed.min(segments), playlists }
    }

    /// A job has written a segment: its entry for that playlist. An I-frame playlist has one for each segment as well.
    /// What is listed already stays; of what is not, the last that comes is listed, for a job that begins anew writes
    /// its segments anew.
    ///
    /// # Errors
    /// [`Error::Unknown`]; then nothing has changed.
    pub fn put(&mut self, key: &str, segment: usize, entry: String) -> Result<(), Error> {
        let playlist = self.playlists.get_mut(key).filter(|_| segment < self.segments);
        let playlist =
            playlist.ok_or_else(|| Error::Unknown { playlist: key.to_owned(), segment })?;
        let Some(at) = segment.checked_sub(self.listed) else { return Ok(()) };
        if playlist.len() <= at {
            playlist.resize(at + 1, None);
        }
        if let Some(place) = playlist.get_mut(at) {
            *place = Some(entry);
        }
        Ok(())
    }

    /// What can be listed now that could not before; `None` if there is nothing.
    pub fn take(&mut self) -> Option<Listing> {
        let ready = |entries: &VecDeque<Option<String>>| {
            entries.iter().take_while(|entry| entry.is_some()).count()
        };
        let count = self.playlists.values().map(ready).min().filter(|count| *count > 0)?;
        let (is_first, target_duration_s) = (self.listed == 0, self.target_duration_s);
        let texts = self.playlists.iter_mut().map(|(key, entries)| {
            let mut text = match is_first {
                true => recording::header(target_duration_s, is_of_i_frames(key)),
                false => String::new(),
            };
            text.extend(entries.drain(..count).flatten());
            Text { key: key.clone(), is_first, text }
        });
        let texts = texts.collect();
        self.listed += count;
        Some(Listing { listed: self.listed, texts, is_last: self.is_whole() })
    }

    /// How many segments are listed.
    #[must_use]
    pub const fn listed(&self) -> usize {
        self.listed
    }

    /// Whether all are.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.listed == self.segments
    }
}

fn is_of_i_frames(key: &str) -> bool {
    matches!(Key::parse(key), Some(Key { object: KeyObject::IFrames { .. }, .. }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use shared_media::Ticks;
    use shared_playlist::media::{ByteRange, Head, Segment};
    use shared_playlist::read;

    use super::*;

    const KEYS: [&str; 3] = ["720p/index.m3u8", "720p/iframes.m3u8", "audio/index.m3u8"];
    const SEGMENTS: usize = 12;
    /// Segments of a chunk.
    const CHUNK: usize = 4;

    type Entries = Vec<(String, usize, String)>;

    fn key(name: &str) -> String {
        format!("0123456789abcdef/{name}")
    }

    fn stitch(listed: usize) -> Stitch {
        Stitch::new(SEGMENTS, 2, KEYS.iter().map(|name| key(name)), listed)
    }

    /// What the jobs write, one group for each time that one reports: chunks when they are whole, the sound segment by
    /// segment.
    fn reports() -> Vec<Entries> {
        let of = |name: &str, segments: std::ops::Range<usize>| -> Entries {
            let mut map: Option<Arc<str>> = None;
            let pictures = if name.contains("iframes") { 2 } else { 1 };
            let entry = |segment: usize| {
                let text = (0..pictures).map(|picture| {
                    let utc_us = 2_000_000 * segment as i64 + 1_000_000 * picture;
                    let init = if name.starts_with("audio") { 0 } else { segment / CHUNK };
                    let map_uri = Some(format!("e/i{init}.mp4").into());
                    let head = Head { discontinuity: false, map: map_uri, utc_us };
                    let range = ByteRange { length: 9, offset: picture.unsigned_abs() };
                    let range = (pictures > 1).then_some(range);
                    let duration = Ticks(180_000 / pictures);
                    let (uri, parts) = (format!("e/s{segment}.m4s"), Vec::new());
                    let listed = Segment { head, uri, range, duration, gap: false, parts };
                    recording::entry(&listed, &mut map)
                });
                (key(name), segment, text.collect())
            };
            segments.map(entry).collect()
        };
        let chunk =
            |first| [of(KEYS[0], first..first + CHUNK), of(KEYS[1], first..first + CHUNK)].concat();
        let chunks = (0..SEGMENTS).step_by(CHUNK).map(chunk);
        chunks.chain(of(KEYS[2], 0..SEGMENTS).into_iter().map(|one| vec![one])).collect()
    }

    fn put(stitch: &mut Stitch, report: &Entries) {
        for (key, segment, entry) in report {
            stitch.put(key, *segment, entry.clone()).unwrap();
        }
    }

    fn write(texts: &mut BTreeMap<String, String>, listing: &Listing) {
        for Text { key, is_first, text } in &listing.texts {
            let whole = texts.entry(key.clone()).or_default();
            if *is_first {
                whole.clear();
            }
            whole.push_str(text);
        }
    }

    fn check(texts: &BTreeMap<String, String>, listed: usize) {
        for (key, text) in texts {
            let read = read::media(text.as_bytes()).unwrap();
            let per_segment = if key.contains("iframes") { 2 } else { 1 };
            assert_eq!((read.segments.len(), read.media_sequence), (listed * per_segment, 0));
            assert_eq!(read.i_frames_only, per_segment == 2);
            assert_eq!((read.playlist_type.as_deref(), read.ended), (Some("EVENT"), false));
            for (at, segment) in read.segments.iter().enumerate() {
                let segment_at = at / per_segment;
                let init = if key.contains("audio") { 0 } else { segment_at / CHUNK };
                assert_eq!(segment.uri, format!("e/s{segment_at}.m4s"));
                assert_eq!(segment.map, Some(format!("e/i{init}.mp4")));
            }
        }
    }

    fn in_order() -> BTreeMap<String, String> {
        let (mut stitch, mut texts) = (stitch(0), BTreeMap::new());
        reports().iter().for_each(|report| put(&mut stitch, report));
        write(&mut texts, &stitch.take().unwrap());
        assert!(stitch.is_whole() && stitch.take().is_none());
        texts
    }

    #[test]
    fn what_one_rendition_lacks_none_lists() {
        let (mut stitch, reports) = (stitch(0), reports());
        put(&mut stitch, &reports[0]);
        put(&mut stitch, &reports[2]);
        assert_eq!(stitch.take(), None, "no sound");
        (3..9).for_each(|at| put(&mut stitch, &reports[at]));
        assert_eq!(stitch.take().map(|listing| listing.listed), Some(4), "no second chunk");
        put(&mut stitch, &reports[1]);
        let listing = stitch.take().unwrap();
        assert_eq!((listing.listed, listing.is_last), (6, false));
        assert!(listing.texts.iter().all(|text| !text.is_first));
        (9..15).for_each(|at| put(&mut stitch, &reports[at]));
        let listing = stitch.take().unwrap();
        assert_eq!((listing.listed, listing.is_last), (12, true));
    }

    #[test]
    fn what_the_film_does_not_have_is_refused() {
        let mut stitch = stitch(0);
        assert!(matches!(
            stitch.put(&key("480p/index.m3u8"), 0, String::new()),
            Err(Error::Unknown { .. })
        ));
        assert!(matches!(
            stitch.put(&key(KEYS[0]), SEGMENTS, String::new()),
            Err(Error::Unknown { .. })
        ));
    }

    #[test]
    fn a_job_that_begins_anew_changes_only_what_is_not_listed() {
        let (mut stitch, reports) = (stitch(0), reports());
        put(&mut stitch, &reports[0]);
        put(&mut stitch, &reports[3]);
        assert_eq!(stitch.take().unwrap().listed, 1);
        for segment in 0..2 {
            stitch.put(&key(KEYS[2]), segment, "other\n".to_owned()).unwrap();
        }
        let listing = stitch.take().unwrap();
        let sound = listing.texts.iter().find(|text| text.key == key(KEYS[2])).unwrap();
        assert_eq!((listing.listed, sound.text.as_str()), (2, "other\n"));
    }

    #[test]
    fn the_whole_is_a_vod_playlist() {
        for (key, text) in in_order() {
            let finished = recording::finish(&text);
            let (_, parsed) = m3u8_rs::parse_media_playlist(finished.as_bytes()).unwrap();
            assert!(parsed.end_list, "{key}");
            assert_eq!(parsed.playlist_type, Some(m3u8_rs::MediaPlaylistType::Vod));
        }
    }

    proptest! {
        #[test]
        fn texts_are_the_same_whatever_comes_when_and_whoever_writes_them(
            order in Just((0..15).collect::<Vec<usize>>()).prop_shuffle(),
            restarts in prop::collection::vec(any::<bool>(), 15),
        ) {
            let (reports, mut texts, mut now) = (reports(), BTreeMap::new(), stitch(0));
            for (done, (at, restarts)) in order.iter().zip(restarts).enumerate() {
                put(&mut now, &reports[*at]);
                if let Some(listing) = now.take() {
                    write(&mut texts, &listing);
                }
                check(&texts, now.listed());
                if restarts {
                    let before = now.listed();
                    now = stitch(before);
                    order[..=done].iter().rev().for_each(|at| put(&mut now, &reports[*at]));
                    prop_assert_eq!(now.take(), None);
                    // One that knows nothing of what is written writes the same.
                    let (mut anew, mut others) = (stitch(0), BTreeMap::new());
                    order[..=done].iter().for_each(|at| put(&mut anew, &reports[*at]));
                    anew.take().iter().for_each(|listing| write(&mut others, listing));
                    prop_assert_eq!(&others, &texts);
                }
            }
            prop_assert!(now.is_whole());
            prop_assert_eq!(texts, in_order());
        }
    }
}
