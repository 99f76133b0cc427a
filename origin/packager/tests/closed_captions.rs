//! Captions within the pictures, on the virtual clock: what the multivariant playlist says of them, and when.
//!
//! In: a show whose source has captions from some picture on. Out: a panic where a playlist does not say so.

mod simulation;

use bytes::Bytes;
use origin_packager::machine::Output;
use origin_packager::{ClosedCaptionName, Config, Held, Machine, Notes};
use shared_media::closed_captions::{Triplet, write};
use shared_media::{Language, Note, Poll, Staged, VideoCodec};
use simulation::Shape;
use simulation::house::{ANCHOR, SHOW, now};

/// Roll-up of two lines begins in channel 1; a packet of one block for service 1.
const BEGIN: [Triplet; 3] = [[0xFC, 0x94, 0x25], [0xFF, 0x02, 0x21], [0xFE, 0x41, 0x00]];
/// What stands beside pictures while nobody speaks.
const PADDING: [Triplet; 2] = [[0xFC, 0x80, 0x80], [0xF9, 0x80, 0x80]];
const GROUP: &str = "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"closed-captions\",";

/// The multivariant playlists and notes of a machine.
#[derive(Default)]
struct World {
    multivariants: Vec<String>,
    notes: String,
}

impl World {
    fn carry_out(&mut self, machine: &mut Machine) {
        while let Poll::Output(output) = machine.poll() {
            match output {
                Output::Note(Note::Begin(text)) => self.notes = text,
                Output::Note(Note::Append(text)) => self.notes.push_str(&text),
                Output::Multivariant(object) => {
                    self.multivariants.push(String::from_utf8(object.bytes.to_vec()).unwrap());
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

    fn last(&self) -> &str {
        self.multivariants.last().expect("one was told")
    }
}

fn machine() -> Machine {
    Machine::new(Config::default(), SHOW.parse().unwrap(), "e1".to_owned(), ANCHOR)
}

/// Twenty seconds, with reordered pictures; those of the source have padding, and captions from a time on.
fn events(begin: Option<i64>) -> Vec<(i64, Staged)> {
    let mut events = Shape { b_frames: 2, gops: vec![60], ..Shape::default() }.events();
    for (_, event) in &mut events {
        let Staged::Unit(id, unit) = event else { continue };
        if id.as_str() != "source" {
            continue;
        }
        let mut slice = u32::try_from(unit.data.len() + 1).unwrap().to_be_bytes().to_vec();
        slice.push(0x41);
        slice.extend_from_slice(&unit.data);
        let begins = begin.is_some_and(|begin| unit.pts.0 >= begin);
        let triplets = if begins { &BEGIN[..] } else { &PADDING[..] };
        unit.data = write(VideoCodec::Avc, Bytes::from(slice), triplets);
    }
    events
}

/// Says that captions of both kinds are in every variant.
fn assert_signalled(text: &str) {
    let both = format!(
        "{GROUP}NAME=\"CC1\",DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID=\"CC1\"\n\
         {GROUP}NAME=\"SERVICE1\",DEFAULT=NO,AUTOSELECT=NO,INSTREAM-ID=\"SERVICE1\"\n"
    );
    assert!(text.contains(&both), "{text}");
    let variants: Vec<&str> =
        text.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF:")).collect();
    let names = |line: &&&str| line.ends_with(",CLOSED-CAPTIONS=\"closed-captions\"");
    assert_eq!(variants.len(), 3, "source, 480p, sound alone: {text}");
    assert_eq!(variants.iter().filter(names).count(), 3, "{text}");
}

#[test]
fn captions_that_begin_within_a_show_are_told_once_and_a_killed_process_leaves_them_to_the_next() {
    let mut machine = machine();
    let mut world = World::default();
    let (begin, killed) = (10 * 90_000, 15 * 90_000);
    let mut events = events(Some(begin)).into_iter().peekable();
    world.play(&mut machine, std::iter::from_fn(|| events.next_if(|(at, _)| *at < begin)));
    let before = world.multivariants.len();
    assert!(!world.last().contains("CLOSED-CAPTIONS"), "unknown: {}", world.last());
    world.play(&mut machine, std::iter::from_fn(|| events.next_if(|(at, _)| *at < killed)));
    assert_signalled(world.last());
    let said = |text: &String| -> Vec<String> {
        text.lines().filter(|line| line.starts_with(GROUP)).map(str::to_owned).collect()
    };
    let mut told: Vec<_> = world.multivariants[before..].iter().map(said).collect();
    told.dedup();
    assert!(told.len() <= 3, "none, perhaps one of both, both, and then no others: {told:?}");

    let notes = Notes::read(&world.notes).expect("notes");
    let show = SHOW.parse().unwrap();
    let mut machine = Machine::restore(Config::default(), show, &notes, &Held::default());
    let mut after = World::default();
    after.carry_out(&mut machine);
    assert_signalled(after.last());
    let again = Notes::read(&after.notes).expect("notes of the second process");
    let mut machine = Machine::restore(Config::default(), show, &again, &Held::default());
    let mut after = World::default();
    after.carry_out(&mut machine);
    after.play(&mut machine, std::iter::once((20 * 90_000, Staged::End)));
    assert_signalled(after.last());
}

#[test]
fn channels_have_the_language_and_name_their_creator_gave_each_name_once() {
    let named = |channel: &str, language: &str, name: Option<&str>| ClosedCaptionName {
        channel: channel.to_owned(),
        language: Language::new(language).unwrap(),
        name: name.map(str::to_owned),
    };
    let last = |closed_captions: Vec<ClosedCaptionName>| {
        let config = Config { closed_captions, ..Config::default() };
        let mut machine = Machine::new(config, SHOW.parse().unwrap(), "e1".to_owned(), ANCHOR);
        let mut world = World::default();
        world.play(&mut machine, events(Some(0)).into_iter());
        world.last().to_owned()
    };
    let one = last(vec![named("CC1", "de", None), named("CC3", "fr", None)]);
    let said = format!(
        "{GROUP}NAME=\"Deutsch\",LANGUAGE=\"de\",DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID=\"CC1\"\n\
         {GROUP}NAME=\"SERVICE1\",DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID=\"SERVICE1\"\n"
    );
    assert!(one.contains(&said), "what is not there is not said: {one}");
    let alike = last(vec![named("SERVICE1", "pt-BR", Some("a")), named("CC1", "en", Some("a"))]);
    let said = format!(
        "{GROUP}NAME=\"a\",LANGUAGE=\"en\",DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID=\"CC1\"\n\
         {GROUP}NAME=\"a SERVICE1\",LANGUAGE=\"pt-BR\",DEFAULT=NO,AUTOSELECT=YES,\
         INSTREAM-ID=\"SERVICE1\"\n"
    );
    assert!(alike.contains(&said), "{alike}");
}

#[test]
fn that_there_are_none_is_said_of_a_show_that_is_over_only() {
    let mut machine = machine();
    let mut world = World::default();
    world.play(&mut machine, events(None).into_iter());
    let (last, live) = world.multivariants.split_last().expect("some");
    assert!(!live.is_empty() && live.iter().all(|text| !text.contains("CLOSED-CAPTIONS")));
    let none = last.lines().filter(|line| line.ends_with(",CLOSED-CAPTIONS=NONE")).count();
    assert_eq!((none, last.matches("#EXT-X-STREAM-INF:").count()), (3, 3), "{last}");
}
