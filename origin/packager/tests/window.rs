//! A window of hours: what a playlist of it costs, and that a show costs the same memory however long it goes on.
//!
//! In: a show on a virtual clock, at five pictures a second so that hours take seconds. Out: a panic where memory grows
//! with the show; the numbers, printed (`--nocapture`).

mod simulation;

use std::collections::{BTreeMap, HashSet};
use std::io::Read as _;
use std::time::Instant;

use bytes::Bytes;
use origin_packager::machine::Output;
use origin_packager::{Config, Held, Machine, Notes, gzip_playlist};
use shared_media::{AccessUnit, Note, Now, Poll, Rational, Staged, TICKS_PER_SECOND, Ticks};
use shared_playlist::MediaPlaylist;
use shared_playlist::directives::Skip;
use simulation::house::{ANCHOR, SHOW};
use simulation::{id, plan, video_config};

const RATE: i64 = 5;
/// A segment of two seconds.
const GOP: i64 = 2 * RATE;

/// A show of two renditions with pictures that keeps nothing but its newest playlists.
struct Show {
    machine: Machine,
    next: i64,
    /// The packager's notes, and the keys of its segments, if they are kept.
    kept: Option<(String, HashSet<String>)>,
    views: BTreeMap<(String, bool), MediaPlaylist>,
}

impl Show {
    fn start(window_s: u32) -> Self {
        let config = Config { window_ms: window_s * 1000, ..Config::default() };
        let machine = Machine::new(config, SHOW.parse().unwrap(), "e1".to_owned(), ANCHOR);
        let mut show = Self { machine, next: 0, kept: None, views: BTreeMap::new() };
        let mut plan = plan(2);
        plan.rungs.truncate(2);
        show.handle(Staged::Plan(plan));
        let rate = Some(Rational { num: RATE as u32, den: 1 });
        for name in ["source", "480p"] {
            show.handle(Staged::Config(id(name), video_config(rate, 480)));
        }
        show
    }

    fn handle(&mut self, event: Staged) {
        let micros = Ticks(self.next * TICKS_PER_SECOND / RATE).as_micros();
        let now = Now { monotonic_us: micros.unsigned_abs(), utc_us: ANCHOR.utc_us + micros };
        self.machine.handle(now, event);
        while let Poll::Output(output) = self.machine.poll() {
            self.carry_out(output);
        }
    }

    fn carry_out(&mut self, output: Output) {
        let kept = self.kept.as_mut();
        match (output, kept) {
            (Output::View { rendition, playlist, .. }, _) => {
                self.views.insert((rendition.to_string(), playlist.i_frames_only), playlist);
            }
            (Output::Note(Note::Begin(text)), Some((notes, _))) => *notes = text,
            (Output::Note(Note::Append(text)), Some((notes, _))) => notes.push_str(&text),
            (Output::Put(object), Some((_, keys))) => drop(keys.insert(object.key)),
            _ => {}
        }
    }

    fn go_on_for(&mut self, seconds: i64) {
        let until = self.next + seconds * RATE;
        while self.next < until {
            let at = Ticks(self.next * TICKS_PER_SECOND / RATE);
            let keyframe = self.next % GOP == 0;
            for name in ["source", "480p"] {
                let data = Bytes::from_static(&[7; 200]);
                let unit = AccessUnit { pts: at, dts: at, keyframe, data };
                self.handle(Staged::Unit(id(name), unit));
            }
            self.next += 1;
        }
    }

    fn playlist(&self) -> &MediaPlaylist {
        &self.views[&("source".to_owned(), false)]
    }
}

/// What this process has in memory, in bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    // One member, as browsers read it: a second one would be left unread.
    let mut reader = flate2::bufread::GzDecoder::new(bytes);
    reader.read_to_string(&mut text).unwrap();
    assert!(reader.into_inner().is_empty(), "more than one member");
    text
}

#[expect(clippy::print_stdout, reason = "a measurement is for a person")]
fn measured(what: &str, times: u32, mut step: impl FnMut() -> usize) {
    let (begun, mut bytes) = (Instant::now(), 0);
    (0..times).for_each(|_| bytes = step());
    println!("{what}: {:?}, {bytes} bytes", begun.elapsed() / times);
}

#[test]
fn memory_stays_however_long_the_show_is() {
    let mut show = Show::start(7200);
    let mut after = Vec::new();
    for hours in [3, 1, 1, 1] {
        show.go_on_for(hours * 3600);
        after.push(resident());
    }
    let listed = show.playlist().past_segments() + show.playlist().segments.len();
    println!("{listed} segments listed; resident after 3, 4, 5, 6 hours: {after:?} bytes");
    assert!((3600..3600 + 32).contains(&listed), "{listed}");
    // The allocator's own; 3,600 segments with their parts would be three megabytes each hour.
    let grown = after[3].saturating_sub(after[1]);
    assert!(grown < 1 << 20, "{grown} bytes in two hours: {after:?}");
}

#[test]
fn a_long_window_is_the_same_in_another_process_but_for_what_is_gone() {
    let mut show = Show::start(3600);
    show.kept = Some(Default::default());
    show.go_on_for(3600 + 1000);
    let (notes, mut segments) = show.kept.take().unwrap();
    println!("{} bytes of notes for an hour of two renditions", notes.len());
    let notes = Notes::read(&notes).expect("notes");
    let show_id = SHOW.parse().unwrap();
    let (_, asked) = notes.objects(show_id);
    let listed = show.playlist().past_segments() + show.playlist().segments.len();
    assert!(asked.len() >= 2 * listed, "{} of {listed}", asked.len());
    let lost = format!("{SHOW}/source/e1/s{}.m4s", show.playlist().media_sequence + 70);
    assert!(segments.remove(&lost) && asked.contains(&lost));
    let held = Held { segments, ..Held::default() };
    let config = Config { window_ms: 3_600_000, ..Config::default() };
    let before = std::mem::take(&mut show.views);
    show.machine = Machine::restore(config, show_id, &notes, &held);
    while let Poll::Output(output) = show.machine.poll() {
        show.carry_out(output);
    }
    for (name, before) in before {
        let (after, is_source) = (&show.views[&name], name.0 == "source");
        let numbers = |list: &MediaPlaylist| {
            (list.media_sequence, list.discontinuity_sequence, list.recent_sequence())
        };
        assert_eq!(numbers(after), numbers(&before), "{name:?}");
        let text = |list: &MediaPlaylist| -> String {
            list.past.iter().map(|piece| piece.text().to_owned()).collect()
        };
        let gap = |text: &str| text.matches("#EXT-X-GAP\n").count();
        assert_eq!(gap(&text(after)), usize::from(is_source), "{name:?}");
        assert_eq!(text(after).replace("#EXT-X-GAP\n", ""), text(&before), "{name:?}");
    }
    // What is lost while the show goes on becomes a gap as well.
    let lost = format!("{SHOW}/480p/e1/s{}.m4s", show.playlist().media_sequence + 3);
    show.machine.lose(&HashSet::from([lost.clone()]));
    show.views.clear();
    while let Poll::Output(output) = show.machine.poll() {
        show.carry_out(output);
    }
    let text = show.views[&("480p".to_owned(), false)].render();
    let uri = lost.rsplit_once("480p/").unwrap().1;
    assert!(text.contains(&format!("#EXT-X-GAP\n{uri}\n")), "{uri}");
    assert_eq!(show.views.len(), 2, "only its own playlists changed");
}

#[test]
fn a_version_of_two_hours_costs_what_one_of_a_minute_does() {
    let mut show = Show::start(7200);
    show.go_on_for(2 * 3600 + 600);
    let playlist = show.playlist().clone();
    let text = playlist.render();
    let first = gzip_playlist(&playlist);
    assert_eq!(unpacked(&first), text);
    let (_, parsed) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
    let listed = playlist.past_segments() + playlist.segments.len();
    let open = usize::from(playlist.open.is_some());
    assert!((listed..=listed + open).contains(&parsed.segments.len()), "{listed}");
    let dates = parsed.segments.iter().filter_map(|one| one.program_date_time);
    let dates: Vec<i64> = dates.map(|date| date.timestamp_micros()).collect();
    assert!(dates.windows(2).all(|pair| pair[1] - pair[0] == 2_000_000));
    assert_eq!(parsed.media_sequence, playlist.media_sequence);
    measured("render, whole", 20, || playlist.render().len());
    measured("render, delta", 20, || playlist.render_delta(Skip::Segments).len());
    measured("compress, whole, at once", 5, || origin_packager::gzip(text.as_bytes()).len());
    measured("compress, whole, by pieces", 20, || gzip_playlist(&playlist).len());
    let i_frames = show.views[&("source".to_owned(), true)].clone();
    assert_eq!(unpacked(&gzip_playlist(&i_frames)), i_frames.render());
    // The pieces themselves are the same in the next version: nothing of them is made again.
    show.go_on_for(4);
    let next = show.playlist();
    let kept = next
        .past
        .iter()
        .filter(|piece| playlist.past.iter().any(|before| std::sync::Arc::ptr_eq(before, piece)));
    assert!(kept.count() + 1 >= next.past.len());
    assert_eq!(unpacked(&gzip_playlist(next)), next.render());
    let tail = next.segments.len();
    assert!(tail <= 6 + 1 + 32, "{tail} segments are rendered anew with each version");
    let delta = next.render_delta(Skip::Segments);
    let skipped = delta.split_once("SKIPPED-SEGMENTS=").unwrap().1.lines().next().unwrap();
    assert!(skipped.parse::<usize>().unwrap() + 7 >= listed, "{skipped} of {listed}");
}
