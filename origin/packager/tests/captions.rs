//! Captions on the virtual clock: their playlist beside the leader's, their texts, and a process that is killed.
//!
//! In: a show and its cues. Out: a panic where what is listed or written is not as it must be.

mod simulation;

use std::collections::HashMap;

use bytes::Bytes;
use origin_packager::machine::Output;
use origin_packager::{Caption, CaptionRefusal, CaptionTrack, Config, Held, Machine, Notes};
use shared_media::{Note, Poll, Staged, Ticks};
use shared_playlist::MediaPlaylist;
use simulation::house::{ANCHOR, SHOW, now};
use simulation::{Shape, id};

/// What a machine has put out.
#[derive(Default)]
struct World {
    playlists: HashMap<String, MediaPlaylist>,
    objects: HashMap<String, Bytes>,
    parts: HashMap<String, Bytes>,
    recordings: HashMap<String, String>,
    multivariant: String,
    notes: String,
}

impl World {
    fn carry_out(&mut self, machine: &mut Machine) {
        while let Poll::Output(output) = machine.poll() {
            match output {
                Output::Note(Note::Begin(text)) => self.notes = text,
                Output::Note(Note::Append(text)) => self.notes.push_str(&text),
                Output::PutPart(part) => {
                    self.parts.insert(part.key, part.bytes);
                }
                Output::Put(object) => {
                    self.objects.insert(object.key, object.bytes);
                }
                Output::View { rendition, playlist, .. } if !playlist.i_frames_only => {
                    self.playlists.insert(rendition.to_string(), playlist);
                }
                Output::Multivariant(object) => {
                    self.multivariant = String::from_utf8(object.bytes.to_vec()).unwrap();
                }
                Output::Replace(object) => {
                    let text = String::from_utf8(object.bytes.to_vec()).unwrap();
                    self.recordings.insert(object.key, text);
                }
                Output::Append(object) => {
                    let text = std::str::from_utf8(&object.bytes).unwrap();
                    self.recordings.get_mut(&object.key).unwrap().push_str(text);
                }
                _ => {}
            }
        }
    }

    fn play(&mut self, machine: &mut Machine, events: impl Iterator<Item = (i64, Staged)>) {
        for (at, event) in events {
            machine.handle(now(at), event);
            self.carry_out(machine);
        }
    }

    fn text(&self, uri: &str) -> &str {
        let key = format!("{SHOW}/cc-en/{uri}");
        let bytes = self.objects.get(&key).or_else(|| self.parts.get(&key));
        std::str::from_utf8(bytes.expect("what is listed is there")).unwrap()
    }

    /// Captions are cut as the leader is, and every listed text begins as it must.
    fn check(&self) {
        let (captions, leader) = (&self.playlists["cc-en"], &self.playlists["source"]);
        assert_eq!(captions.media_sequence, leader.media_sequence);
        assert_eq!(captions.discontinuity_sequence, leader.discontinuity_sequence);
        assert_eq!(captions.segments.len(), leader.segments.len());
        for (own, other) in captions.segments.iter().zip(&leader.segments) {
            assert_eq!((own.duration, own.head.utc_us), (other.duration, other.head.utc_us));
            assert_eq!(own.head.discontinuity, other.head.discontinuity);
            assert_eq!((own.gap, own.parts.len()), (other.gap, other.parts.len()));
            assert!(own.head.map.is_none() && own.uri.ends_with(".vtt"), "{}", own.uri);
            let header = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:90,LOCAL:00:00:00.001\n";
            assert!(own.gap || self.text(&own.uri).starts_with(header));
            for (part, other) in own.parts.iter().zip(&other.parts) {
                assert_eq!(part.duration, other.duration);
                assert!(part.independent);
            }
        }
    }

    /// The segments whose text has this, by number.
    fn having(&self, text: &str) -> Vec<usize> {
        let segments = self.playlists["cc-en"].segments.iter().enumerate();
        let having = segments.filter(|(_, one)| !one.gap && self.text(&one.uri).contains(text));
        having.map(|(index, _)| index).collect()
    }
}

fn config() -> Config {
    let (language, name) = ("en".to_owned(), "English".to_owned());
    let captions =
        vec![CaptionTrack { id: id("cc-en"), language, name, default: true, forced: false }];
    Config { captions, ..Config::default() }
}

fn caption(start_ms: i64, end_ms: i64, text: &str) -> Vec<Caption> {
    let at = |millis: i64| ANCHOR.utc_us + millis * 1000;
    let (settings, text) = (String::new(), text.to_owned());
    vec![Caption { start_us: at(start_ms), end_us: at(end_ms), settings, text }]
}

fn events() -> Vec<(i64, Staged)> {
    Shape { stretches: vec![600], target_duration_s: 2, ..Shape::default() }.events()
}

#[test]
fn cues_stand_in_every_segment_they_are_shown_in_also_of_the_recording() {
    let mut machine = Machine::new(config(), SHOW.parse().unwrap(), "e1".to_owned(), ANCHOR);
    let mut world = World::default();
    let mut events = events().into_iter();
    let early = machine.put_captions(&id("cc-fr"), caption(0, 1, "a"));
    assert_eq!(early, Err(CaptionRefusal::Unknown));
    machine.put_captions(&id("cc-en"), caption(3000, 7000, "across")).unwrap();
    world.play(&mut machine, events.by_ref().take(400));
    let late = machine.put_captions(&id("cc-en"), caption(0, 1000, "late"));
    assert!(matches!(late, Err(CaptionRefusal::Late(1..))), "{late:?}");
    world.play(&mut machine, events);
    world.check();
    assert_eq!(world.having("00:00:03.000 --> 00:00:07.000\nacross\n"), [1, 2, 3]);
    assert!(world.having("late").is_empty());
    let media = "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"captions\",NAME=\"English\",\
                 LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,FORCED=NO,URI=\"cc-en/index.m3u8\"\n";
    assert!(world.multivariant.contains(media), "{}", world.multivariant);
    let variants = world.multivariant.matches("#EXT-X-STREAM-INF").count();
    assert_eq!(world.multivariant.matches(",SUBTITLES=\"captions\"").count(), variants);
    let recording = &world.recordings[&format!("{SHOW}/cc-en/index.m3u8")];
    assert_eq!(recording.matches(".vtt\n").count(), world.playlists["cc-en"].segments.len());
}

#[test]
fn cues_count_on_where_33_bits_of_media_time_begin_anew() {
    const WRAP: i64 = 1 << 33; // 26 h 30 min 43.717 s
    let mut machine = Machine::new(config(), SHOW.parse().unwrap(), "e1".to_owned(), ANCHOR);
    let mut world = World::default();
    let begin = WRAP - 9 * 90_000; // nobody came before
    let shifted = events().into_iter().map(|(at, event)| {
        let event = match event {
            Staged::Unit(id, mut unit) => {
                (unit.pts, unit.dts) = (Ticks(unit.pts.0 + begin), Ticks(unit.dts.0 + begin));
                Staged::Unit(id, unit)
            }
            other => other,
        };
        (at + begin, event)
    });
    let wrap_ms = WRAP / 90;
    machine.put_captions(&id("cc-en"), caption(wrap_ms - 1000, wrap_ms + 1000, "across")).unwrap();
    machine.put_captions(&id("cc-en"), caption(wrap_ms + 5000, wrap_ms + 6000, "after")).unwrap();
    world.play(&mut machine, shifted);
    world.check();
    // Local times have as many hours as it takes; a map that says 0 holds before and after. The cues begin a part of a
    // millisecond before their segments do.
    let across = world.having("26:30:42.717 --> 26:30:44.717\nacross\n");
    let after = world.having("26:30:48.717 --> 26:30:49.717\nafter\n");
    assert_eq!((across, after), (vec![3, 4], vec![6, 7]));
    assert_eq!((world.having("across"), world.having("after")), (vec![3, 4], vec![6, 7]));
}

#[test]
fn a_process_that_is_killed_leaves_its_cues_to_the_next() {
    let mut machine = Machine::new(config(), SHOW.parse().unwrap(), "e1".to_owned(), ANCHOR);
    let mut world = World::default();
    world.play(&mut machine, events().into_iter().take(700));
    machine.put_captions(&id("cc-en"), caption(1000, 3_600_000, "goes on")).unwrap();
    world.carry_out(&mut machine);
    let notes = Notes::read(&world.notes).expect("notes");
    let segments = world.objects.keys().cloned().collect();
    let (parts, recordings) = (world.parts.clone(), world.recordings.clone());
    let held = Held { segments, parts, recordings };
    // What was declared is in the notes: settings may be others meanwhile.
    let mut machine = Machine::restore(Config::default(), SHOW.parse().unwrap(), &notes, &held);
    world.carry_out(&mut machine);
    world.check();
    let rest = events().into_iter();
    let back = 120 * 90_000;
    let mut returned = Vec::new();
    for (at, event) in rest {
        returned.push((
            at + back,
            match event {
                Staged::Unit(id, mut unit) => {
                    (unit.pts, unit.dts) = (unit.pts + Ticks(back), unit.dts + Ticks(back));
                    Staged::Unit(id, unit)
                }
                other => other,
            },
        ));
    }
    let before = world.playlists["cc-en"].segments.len();
    world.play(&mut machine, returned.into_iter());
    world.check();
    assert!(
        world.having("00:00:01.000 --> 01:00:00.000\ngoes on\n").iter().any(|at| *at >= before)
    );
}
