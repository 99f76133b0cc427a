//! What is said of a show's time: date ranges in every playlist, out of the window, in the recording, over a restart;
//! splices; tags in the media.
//!
//! In: a show on a virtual clock, and what is said of it meanwhile. Out: a panic where a playlist says otherwise.

mod simulation;

use std::collections::HashSet;

use bytes::Bytes;
use origin_packager::machine::Output;
use origin_packager::{Config, DateRangeRefusal, Held, Machine, Notes};
use shared_media::{Note, Now, Poll, Splice, SpliceKind, SplicePoint, Staged, Ticks};
use shared_playlist::directives::Skip;
use shared_playlist::{DateRange, recording};
use simulation::Shape;
use simulation::house::{ANCHOR, House, SHOW, now};

/// A show under way.
struct Show {
    machine: Machine,
    house: House,
    notes: String,
    now: Now,
}

impl Show {
    fn start(config: Config) -> Self {
        let machine = Machine::new(config, SHOW.parse().unwrap(), "e1".to_owned(), ANCHOR);
        Self { machine, house: House::default(), notes: String::new(), now: Now::default() }
    }

    fn play(&mut self, events: impl Iterator<Item = (i64, Staged)>) {
        for (at, event) in events {
            self.now = now(at);
            self.machine.handle(self.now, event);
            self.carry_out();
        }
    }

    fn put(&mut self, range: DateRange) -> Result<DateRange, DateRangeRefusal> {
        let told = self.machine.put_date_range(self.now, range);
        self.carry_out();
        told
    }

    fn remove(&mut self, id: &str) -> Option<DateRange> {
        let removed = self.machine.remove_date_range(self.now, id);
        self.carry_out();
        removed
    }

    fn carry_out(&mut self) {
        while let Poll::Output(output) = self.machine.poll() {
            match output {
                Output::Note(Note::Begin(text)) => self.notes = text,
                Output::Note(Note::Append(text)) => self.notes.push_str(&text),
                output => self.house.carry_out(output),
            }
        }
    }

    /// The date ranges of every playlist; all have the same.
    fn listed(&self) -> Vec<String> {
        let playlists = self.house.playlists.values().chain(self.house.i_frames.values());
        let texts = playlists.map(|playlist| ids(&playlist.render()));
        let lists: HashSet<Vec<String>> = texts.collect();
        assert_eq!(lists.len(), 1, "all playlists list the same: {lists:?}");
        lists.into_iter().next().unwrap()
    }

    fn listed_by(&self, rendition: &str) -> Vec<String> {
        ids(&self.house.playlists[rendition].render())
    }

    /// Those of every recording, once it is finished.
    fn recorded(&self) -> Vec<String> {
        let playlists = self.house.texts.iter().filter(|(key, _)| key.matches('/').count() == 2);
        let lists: HashSet<Vec<String>> =
            playlists.map(|(_, text)| ids(&recording::finish(text))).collect();
        assert_eq!(lists.len(), 1, "all recordings list the same: {lists:?}");
        lists.into_iter().next().unwrap()
    }
}

fn ids(text: &str) -> Vec<String> {
    let ids = text.lines().filter_map(|line| line.strip_prefix("#EXT-X-DATERANGE:ID=\""));
    ids.filter_map(|rest| Some(rest.split('"').next()?.to_owned())).collect()
}

/// A range that starts so many seconds after the show.
fn range(id: &str, start_s: i64) -> DateRange {
    let start_ms = ANCHOR.utc_us / 1000 + start_s * 1000;
    DateRange { id: id.to_owned(), start_ms, ..DateRange::default() }
}

/// 40 seconds in segments of two.
fn events() -> Vec<(i64, Staged)> {
    Shape { stretches: vec![1200], target_duration_s: 2, ..Shape::default() }.events()
}

#[test]
fn a_range_is_in_every_playlist_at_once_and_leaves_with_the_window() {
    let mut show = Show::start(Config { window_ms: 14_000, ..Config::default() });
    show.put(DateRange { duration_ms: Some(4000), ..range("early", 1) }).unwrap();
    show.put(range("open", 0)).unwrap();
    let mut events = events().into_iter();
    show.play(events.by_ref().take(600));
    assert_eq!(show.listed(), ["early", "open"]);
    let before = show.house.playlists["source"].clone();
    show.put(DateRange { duration_ms: Some(1000), ..range("late", 30) }).unwrap();
    assert_eq!(show.listed(), ["early", "open", "late"]);
    let after = &show.house.playlists["source"];
    assert_eq!((&after.segments, &after.open), (&before.segments, &before.open));
    let longer = DateRange { duration_ms: Some(2000), ..range("late", 30) };
    assert!(matches!(show.put(longer), Err(DateRangeRefusal::Wrong(_))));

    let mut left_at = None;
    for event in events.by_ref() {
        let is_end = event.1 == Staged::End;
        show.play(std::iter::once(event));
        if left_at.is_none() && show.listed_by("source") == ["open", "late"] {
            let playlists = show.house.playlists.values();
            let firsts = playlists.filter_map(|playlist| playlist.segments.first());
            left_at = firsts.map(|first| (first.head.utc_us - ANCHOR.utc_us) / 1000).min();
        }
        if is_end {
            break;
        }
    }
    // Sound is cut where its frames are, a few milliseconds beside the picture.
    let left_at = left_at.expect("it leaves");
    assert!((5990..6000).contains(&left_at), "when the last playlist begins after it: {left_at}");
    assert_eq!(show.listed(), ["open", "late"]);
    assert_eq!(show.recorded(), ["early", "open", "late"]);
}

#[test]
fn delta_updates_skip_what_is_old_and_name_what_is_gone() {
    let mut show = Show::start(Config::default());
    let mut events = events().into_iter();
    show.play(events.by_ref().take(600));
    show.put(range("old", 2)).unwrap();
    show.put(range("taken-back", 3)).unwrap();
    show.play(events.by_ref().take(1400));
    show.put(range("new", 4)).unwrap();
    assert!(show.remove("taken-back").is_some() && show.remove("taken-back").is_none());
    assert_eq!(show.listed(), ["old", "new"]);
    let playlist = &show.house.playlists["source"];
    let delta = playlist.render_delta(Skip::SegmentsAndDateRanges);
    assert_eq!(ids(&delta), ["new"]);
    assert!(delta.contains(",RECENTLY-REMOVED-DATERANGES=\"taken-back\"\n"), "{delta}");
    assert_eq!(ids(&playlist.render_delta(Skip::Segments)), ["old", "new"]);
    show.play(events);
    assert_eq!(show.recorded(), ["old", "new"]);
}

#[test]
fn another_process_goes_on_with_them() {
    let mut show = Show::start(Config::default());
    show.put(range("a", 1)).unwrap();
    show.play(events().into_iter().take(2000));
    show.put(range("b", 2)).unwrap();
    show.put(range("c", 3)).unwrap();
    show.put(DateRange { duration_ms: Some(5), ..range("a", 1) }).unwrap();
    show.remove("b").unwrap();
    let told = show.machine.date_ranges();
    let notes = Notes::read(&show.notes).expect("notes");
    let mut held = Held::default();
    for (key, bytes) in &show.house.objects {
        held.parts.insert(key.clone(), bytes.clone());
        held.segments.insert(key.clone());
    }
    // What was told last was not written any more.
    for (key, text) in show.house.texts.iter().filter(|(key, _)| key.matches('/').count() == 2) {
        held.recordings.insert(key.clone(), text.split("ID=\"b\"").next().unwrap().to_owned());
    }
    show.machine = Machine::restore(Config::default(), SHOW.parse().unwrap(), &notes, &held);
    show.notes.clear();
    show.carry_out();
    assert_eq!(show.machine.date_ranges(), told);
    assert_eq!(show.listed(), ["a", "c"]);
    let delta = show.house.playlists["source"].render_delta(Skip::SegmentsAndDateRanges);
    assert!(delta.contains("RECENTLY-REMOVED-DATERANGES=\"b\""), "{delta}");
    assert_eq!(show.recorded().iter().collect::<HashSet<_>>().len(), 2);
    for (key, text) in show.house.texts.iter().filter(|(key, _)| key.matches('/').count() == 2) {
        let vod = recording::finish(text);
        assert!(vod.contains("DURATION=0.005") && !vod.contains("ID=\"b\""), "{key}: {vod}");
    }
    let again = Notes::read(&show.notes).expect("notes of the second process");
    let third = Machine::restore(Config::default(), SHOW.parse().unwrap(), &again, &held);
    assert_eq!(third.date_ranges(), told);
}

/// What a publisher says of event 7, so many seconds into the show.
fn splice(at_s: i64, kind: SpliceKind, planned_s: Option<i64>) -> Splice {
    let planned = planned_s.map(|seconds| Ticks(seconds * 90_000));
    let point = SplicePoint { event: 7, class: 0x34, kind, planned };
    let section = Bytes::from(vec![0xFC, u8::try_from(at_s).unwrap()]);
    Splice { at: Ticks(at_s * 90_000), section, points: vec![point] }
}

#[test]
fn splices_become_date_ranges_that_end_where_the_programme_comes_back() {
    let mut show = Show::start(Config::default());
    let mut events = events().into_iter();
    show.play(events.by_ref().take(600));
    let start_ms = ANCHOR.utc_us / 1000;
    let said = |show: &mut Show, at_s, kind, planned_s| {
        let said = show.machine.splice(show.now, &splice(at_s, kind, planned_s));
        show.carry_out();
        said
    };
    assert_eq!(said(&mut show, 20, SpliceKind::In, None), 1, "nothing went out");
    assert_eq!(said(&mut show, 12, SpliceKind::Out, Some(10)), 0);
    assert_eq!(said(&mut show, 12, SpliceKind::Out, Some(10)), 1, "encoders repeat themselves");
    let id = format!("splice-00000007-34-{}", start_ms + 12_000);
    let tag = |show: &Show| {
        let text = show.house.playlists["source"].render();
        text.lines().find(|line| line.contains(&id)).map(str::to_owned)
    };
    let out = tag(&show).expect("the splice is listed before it comes");
    assert!(out.ends_with("PLANNED-DURATION=10.000,SCTE35-OUT=0xFC0C"), "{out}");
    assert_eq!(said(&mut show, 21, SpliceKind::In, None), 0);
    let ended = tag(&show).expect("it stays listed");
    assert!(ended.contains(",DURATION=9.000,PLANNED-DURATION=10.000,"), "{ended}");
    assert!(ended.ends_with("SCTE35-OUT=0xFC0C,SCTE35-IN=0xFC15"), "{ended}");
    // The number is used again, and called off.
    assert_eq!(said(&mut show, 30, SpliceKind::Out, None), 0);
    assert_eq!(show.listed().len(), 2);
    assert_eq!(said(&mut show, 30, SpliceKind::Cancel, None), 0);
    assert_eq!(said(&mut show, 35, SpliceKind::Command, None), 0);
    let ids = [id.clone(), format!("splice-00000007-34-{}", start_ms + 35_000)];
    assert_eq!(show.listed(), ids);
    show.play(events);
    assert_eq!(show.recorded(), ids);
}

#[test]
fn a_tag_is_in_the_next_part_of_every_rendition_with_pictures() {
    let mut show = Show::start(Config::default());
    let mut events = events().into_iter();
    show.play(events.by_ref().take(900));
    let count = |show: &Show| {
        let has = |bytes: &Bytes| bytes.windows(5).filter(|five| five == b"emsg\x01").count();
        ["source", "480p", "audio"].map(|name| {
            let own = show.house.objects.iter().filter(|(key, _)| key.contains(name));
            let parts = own.filter(|(key, _)| key.contains("/p"));
            parts.map(|(_, bytes)| has(bytes)).sum::<usize>()
        })
    };
    show.machine.put_id3(Bytes::from_static(b"ID3\x04\0\0\0\0\0\0")).unwrap();
    assert_eq!(count(&show), [0, 0, 0]);
    show.play(events);
    assert_eq!(count(&show), [1, 1, 0]);
    let objects =
        show.house.objects.iter().filter(|(key, bytes)| {
            key.contains("/p") && bytes.windows(4).any(|four| four == b"emsg")
        });
    let with: Vec<_> = objects.collect();
    let messages: HashSet<&[u8]> = with.iter().map(|(_, bytes)| &bytes[..72]).collect();
    assert_eq!(messages.len(), 1, "the same message at the same time in all of them");
    assert!(with.iter().all(|(_, bytes)| bytes[4..8] == *b"emsg"), "before the first fragment");
}
