//! The process is killed at any moment of a show, and another goes on from its notes.
//!
//! In: a show of two stretches; the kill happens within the first. Out: a panic where a playlist of the second process
//! breaks a rule, or does not continue one of the first.

mod simulation;

use origin_packager::machine::Output;
use origin_packager::{Config, Error, Held, Machine, Notes};
use shared_media::{Note, Now, Poll, Staged, Ticks};
use shared_playlist::recording;
use simulation::Shape;
use simulation::house::{ANCHOR, House, SHOW, now};

/// A house that keeps a packager's notes.
#[derive(Default)]
struct Noting {
    house: House,
    notes: String,
    over: bool,
}

impl Noting {
    fn handle(&mut self, machine: &mut Machine, (at, event): (i64, Staged)) {
        machine.handle(now(at), event);
        self.carry_out(machine);
    }

    fn carry_out(&mut self, machine: &mut Machine) {
        while let Poll::Output(output) = machine.poll() {
            match output {
                Output::Note(Note::Begin(text)) => self.notes = text,
                Output::Note(Note::Append(text)) => self.notes.push_str(&text),
                Output::Note(Note::End) => self.over = true,
                output => self.house.carry_out(output),
            }
        }
    }

    /// What the next process finds. What the disk was slow to take may be `lost`: the newest segment of each rendition,
    /// and the last line of each recording.
    fn held(&mut self, lost: bool) -> Held {
        let mut held = Held::default();
        let is_part = |key: &str| key.rsplit('/').next().is_some_and(|name| name.starts_with('p'));
        for (key, bytes) in &self.house.objects {
            if is_part(key) {
                held.parts.insert(key.clone(), bytes.clone());
            } else {
                held.segments.insert(key.clone());
            }
        }
        if lost {
            for rendition in ["source", "480p", "audio"] {
                let number =
                    |key: &String| key.rsplit_once("/s")?.1.strip_suffix(".m4s")?.parse().ok();
                let own = held.segments.iter().filter(|key| key.contains(rendition));
                let newest = own.max_by_key(|key| number(key).unwrap_or(0_u64)).cloned();
                if let Some(newest) = newest.filter(|key| number(key).is_some()) {
                    self.house.objects.remove(&newest);
                    held.segments.remove(&newest);
                }
            }
        }
        for (key, text) in self.house.texts.iter().filter(|(key, _)| key.matches('/').count() == 2)
        {
            let cut = if lost { text.len() - 7 } else { text.len() };
            held.recordings.insert(key.clone(), text[..cut].to_owned());
        }
        held
    }
}

/// Runs a show that is killed after so many events of its first stretch.
fn killed_after(shape: &Shape, events: usize, lost: bool) -> House {
    let all = shape.events();
    let break_at = all.iter().position(|(_, event)| *event == Staged::Discontinuity).unwrap();
    let mut first = Machine::new(Config::default(), SHOW.parse().unwrap(), "e1".to_owned(), ANCHOR);
    let mut noting = Noting::default();
    for event in all.iter().take(events.min(break_at)) {
        noting.handle(&mut first, event.clone());
    }
    drop(first);
    let known = noting.house.playlists.clone();
    let notes = Notes::read(&noting.notes).expect("notes");
    assert_eq!((notes.epoch(), notes.anchor()), ("e1", ANCHOR));
    let held = noting.held(lost);
    let mut second = Machine::restore(Config::default(), SHOW.parse().unwrap(), &notes, &held);
    noting.carry_out(&mut second);
    let next: Vec<u64> =
        noting.house.playlists.values().map(|playlist| playlist.edge().next_msn).collect();
    assert!(next.windows(2).all(|pair| pair[0] == pair[1]), "all go on at the same number");
    for (name, before) in &known {
        let after = &noting.house.playlists[name];
        assert_eq!(after.segments[..before.segments.len()], before.segments[..], "{name}");
        assert!(after.open.is_none());
        let end = notes.end();
        let last = after.segments.last().expect("a segment");
        assert!(ANCHOR.ticks_at(last.head.utc_us) + last.duration <= end + Ticks(1), "{name}");
    }
    noting.handle(&mut second, all[0].clone());
    for event in all.into_iter().skip(break_at) {
        noting.handle(&mut second, event);
    }
    assert!(noting.over, "the notes go with the show");
    noting.house
}

fn shape() -> Shape {
    Shape { stretches: vec![330, 200], b_frames: 2, target_duration_s: 2, ..Shape::default() }
}

#[test]
fn whenever_it_is_killed_the_same_show_goes_on() {
    for (events, lost) in (40..1150).step_by(53).flat_map(|at| [(at, false), (at, true)]) {
        let house = killed_after(&shape(), events, lost);
        let trouble = house.troubles.iter().find(|trouble| serious(trouble));
        assert_eq!(trouble, None, "killed after {events}");
        for (name, playlist) in &house.playlists {
            let broken = playlist.segments.iter().filter(|listed| listed.head.discontinuity);
            assert_eq!(broken.count(), 1, "{name} killed after {events}");
            let whole = playlist.media_sequence + playlist.segments.len() as u64;
            let text = &house.texts[&format!("{SHOW}/{name}/index.m3u8")];
            assert_eq!(recording::whole(text).segments, whole, "{name} {events} {lost}");
            let listed = playlist.segments.iter().filter(|listed| !listed.gap);
            let in_order = listed.map(|listed| text.find(&format!("{}\n", listed.uri)));
            assert!(in_order.is_sorted_by(|one, two| one.is_some() && one < two), "{name}");
        }
        for (name, pictures) in &house.i_frames {
            let text = &house.texts[&format!("{SHOW}/{name}/iframes.m3u8")];
            let whole = pictures.media_sequence + pictures.segments.len() as u64;
            assert_eq!(recording::whole(text).segments, whole, "{name} {events} {lost}");
        }
    }
}

#[test]
fn what_is_gone_is_a_gap_and_numbers_go_on() {
    let events: Vec<_> = shape().events().into_iter().take(900).collect();
    let mut machine =
        Machine::new(Config::default(), SHOW.parse().unwrap(), "e1".to_owned(), ANCHOR);
    let mut noting = Noting::default();
    events.into_iter().for_each(|event| noting.handle(&mut machine, event));
    let before = noting.house.playlists.clone();
    let notes = Notes::read(&noting.notes).expect("notes");
    let nothing = Held::default();
    let mut second = Machine::restore(Config::default(), SHOW.parse().unwrap(), &notes, &nothing);
    let mut seen = 0;
    while let Poll::Output(output) = second.poll() {
        let Output::View { rendition, playlist, .. } = output else { continue };
        if playlist.i_frames_only {
            continue;
        }
        seen += 1;
        assert!(playlist.edge().next_msn >= before[rendition.as_str()].edge().next_msn);
        assert!(playlist.segments.iter().all(|listed| listed.gap), "{rendition}");
        let parts = playlist.segments.iter().flat_map(|listed| &listed.parts);
        assert!(parts.into_iter().all(|part| part.gap), "{rendition}");
    }
    assert_eq!(seen, 3);
}

#[test]
fn while_nobody_publishes_gaps_stand_for_it() {
    let all = shape().events();
    let break_at = all.iter().position(|(_, event)| *event == Staged::Discontinuity).unwrap();
    let mut machine =
        Machine::new(Config::default(), SHOW.parse().unwrap(), "e1".to_owned(), ANCHOR);
    let mut noting = Noting::default();
    all[..=break_at].iter().for_each(|event| noting.handle(&mut machine, event.clone()));
    let before = noting.house.playlists["source"].clone();
    let last = before.segments.last().expect("segments");
    let end = ANCHOR.ticks_at(last.head.utc_us) + last.duration;
    let mut at = |seconds: i64, noting: &mut Noting| {
        let micros = (end + Ticks(seconds * 90_000)).as_micros();
        let now = Now { monotonic_us: micros.unsigned_abs(), utc_us: ANCHOR.utc_us + micros };
        machine.tick(now);
        noting.carry_out(&mut machine);
        noting.house.playlists["source"].segments.len() - before.segments.len()
    };
    assert_eq!(at(0, &mut noting), 0);
    assert_eq!(at(2, &mut noting), 0, "it may come back yet");
    assert_eq!(at(4, &mut noting), 1);
    assert_eq!(at(4, &mut noting), 1);
    assert_eq!(at(8, &mut noting), 3);
    for (name, playlist) in &noting.house.playlists {
        let gaps: Vec<_> = playlist.segments.iter().rev().take(3).collect();
        assert!(gaps.iter().all(|listed| listed.gap && !listed.head.discontinuity), "{name}");
        assert_eq!(playlist.edge().next_msn, noting.house.playlists["source"].edge().next_msn);
    }
    assert_eq!(noting.house.troubles.iter().find(|trouble| serious(trouble)), None);
    for (name, text) in noting.house.texts.iter().filter(|(name, _)| name.ends_with("m3u8")) {
        assert!(!text.contains("#EXT-X-GAP"), "{name} does not end with gaps");
    }
    // Another process knows them too, and that they are not recorded.
    let (notes, held) = (Notes::read(&noting.notes).expect("notes"), noting.held(false));
    let mut second = Machine::restore(Config::default(), SHOW.parse().unwrap(), &notes, &held);
    while let Poll::Output(output) = second.poll() {
        assert!(!matches!(output, Output::Replace(_)), "recordings are whole: {output:?}");
        if let Output::View { rendition, playlist, .. } = output
            && !playlist.i_frames_only
        {
            assert_eq!(playlist.segments, noting.house.playlists[rendition.as_str()].segments);
        }
    }
    // Who comes back is heard from the end of the gaps on, and its first segment is marked.
    let shift = (end + Ticks(8 * 90_000)).0;
    let first = all[break_at + 1..].iter().map(|(at, _)| *at).min().expect("a second stretch");
    for (at, event) in all[break_at..].iter().cloned() {
        let moved = |ticks: Ticks| ticks + Ticks(shift - first);
        let event = match event {
            Staged::Unit(id, mut unit) => {
                (unit.pts, unit.dts) = (moved(unit.pts), moved(unit.dts));
                Staged::Unit(id, unit)
            }
            other => other,
        };
        noting.handle(&mut machine, (at + shift - first, event));
    }
    for (name, playlist) in &noting.house.playlists {
        let marked = playlist.segments.iter().filter(|listed| listed.head.discontinuity);
        assert_eq!(marked.count(), 1, "{name}");
        let text = &noting.house.texts[&format!("{SHOW}/{name}/index.m3u8")];
        assert_eq!(recording::finish(text).matches("#EXT-X-GAP").count(), 3, "{name}");
    }
}

#[test]
fn gaps_stand_for_the_time_in_which_no_process_ran() {
    let events: Vec<_> = shape().events().into_iter().take(900).collect();
    let config = Config::default;
    let mut machine = Machine::new(config(), SHOW.parse().unwrap(), "e1".to_owned(), ANCHOR);
    let mut noting = Noting::default();
    events.into_iter().for_each(|event| noting.handle(&mut machine, event));
    let notes = Notes::read(&noting.notes).expect("notes");
    let end_us = ANCHOR.utc_us_at(notes.end());
    for (down_s, gaps) in [(0, 0), (11, 5), (3600, 0)] {
        let held = noting.held(false);
        let mut second = Machine::restore(config(), SHOW.parse().unwrap(), &notes, &held);
        let mut last = None;
        // The new process's clock begins at nothing; five ticks within a second.
        for tick in 0..5 {
            let monotonic_us = tick * 250_000;
            let utc_us = end_us + down_s * 1_000_000 + i64::try_from(monotonic_us).unwrap();
            if tick > 0 {
                second.tick(Now { monotonic_us, utc_us });
            }
            while let Poll::Output(output) = second.poll() {
                if let Output::View { rendition, playlist, .. } = output
                    && rendition.as_str() == "source"
                    && !playlist.i_frames_only
                {
                    last = Some(playlist);
                }
            }
        }
        let listed = last.expect("a playlist").segments;
        let found = listed.iter().rev().take_while(|listed| listed.gap).count();
        assert_eq!(found, gaps, "down for {down_s} s");
    }
}

const fn serious(trouble: &Error) -> bool {
    !matches!(trouble, Error::Dropped { .. })
}

#[test]
fn notes_of_another_form_are_not_read() {
    assert!(Notes::read("").is_none());
    assert!(Notes::read("{\"show\":{\"form\":3}}\n").is_none());
    assert!(Notes::read("not notes\n").is_none());
}
