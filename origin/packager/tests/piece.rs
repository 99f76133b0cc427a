//! A film in pieces: whatever it is cut into, the pieces' entries one after another are the whole film's.
//!
//! In: films, and where they are cut. Out: a panic where what is listed or written is not as it must be.

mod simulation;

use std::collections::BTreeMap;

use bytes::Bytes;
use origin_packager::machine::Output;
use origin_packager::{Caption, CaptionTrack, Config, Error, Facts, Given, Machine, multivariant};
use proptest::prelude::*;
use shared_media::{
    AccessUnit, Plan, Poll, Rational, Rendition, RenditionId, Rung, SoundTrack, Staged, Ticks,
    TrackConfig, TrackKind,
};
use shared_playlist::{read, recording};
use simulation::house::{ANCHOR, SHOW, fragments, now};
use simulation::{audio_config, id, video_config};

const S: i64 = 90_000;
const AAC: i64 = 1920;
/// How far behind its cut a segment is listed to begin at most.
const NEAR: i64 = S / 10;

/// A film.
#[derive(Debug, Clone)]
struct Film {
    /// When its pictures are shown.
    pictures: Vec<i64>,
    b_frames: usize,
    length: i64,
    /// How long a picture is, as a rule.
    frame: i64,
    /// Where its segments begin.
    cuts: Vec<i64>,
    /// How many of them each piece has.
    pieces: Vec<usize>,
}

/// What a machine has put out.
#[derive(Debug, Default, PartialEq)]
struct Made {
    objects: BTreeMap<String, Bytes>,
    /// Entries by playlist, one for each segment.
    entries: BTreeMap<String, Vec<String>>,
    troubles: Vec<Error>,
    facts: Vec<(RenditionId, Facts)>,
}

impl Film {
    /// Pictures at a steady distance; segments of about two seconds, cut between pictures as it comes.
    fn steady(frame: i64, b_frames: usize, count: i64, pieces: &[usize]) -> Self {
        let length = frame * count;
        let segments: usize = pieces.iter().sum();
        let border = |at: usize| (length * at as i64 / segments as i64 + frame - 1) / frame * frame;
        let mut cuts = Vec::new();
        for piece in pieces {
            let (from, until) = (border(cuts.len()), border(cuts.len() + piece));
            cuts.extend((0..*piece as i64).map(|at| from + (until - from) * at / *piece as i64));
        }
        let pictures = (0..count).map(|at| at * frame).collect();
        Self { pictures, b_frames, length, frame, cuts, pieces: pieces.to_vec() }
    }

    /// The pieces: first segment, end of the last, where it begins and ends.
    fn spans(&self) -> Vec<(usize, usize, i64, i64)> {
        let (mut first, mut spans) = (0, Vec::new());
        for piece in &self.pieces {
            let end = first + piece;
            let until = self.cuts.get(end).copied().unwrap_or(self.length);
            spans.push((first, end, self.cuts[first], until));
            first = end;
        }
        spans
    }

    fn given(&self, (first, end, _, until): (usize, usize, i64, i64), init: u32) -> Given {
        Given {
            first_msn: first as u64,
            cuts: self.cuts[first..end].iter().map(|at| Ticks(*at)).collect(),
            until: Ticks(until),
            target_duration_s: 3,
            init,
        }
    }

    /// What an encoder gives of a span: a keyframe for the first picture of each segment, nothing that needs another.
    fn rung(&self, from: i64, until: i64) -> Vec<AccessUnit> {
        let shown: Vec<i64> =
            self.pictures.iter().copied().filter(|at| (from..until).contains(at)).collect();
        let keyframes: Vec<i64> = self
            .cuts
            .iter()
            .filter_map(|cut| shown.iter().copied().find(|at| at >= cut))
            .chain(shown.first().copied())
            .collect();
        let (mut order, mut held) = (Vec::new(), Vec::new());
        for (at, picture) in shown.iter().enumerate() {
            let is_last = shown.get(at + 1).is_none_or(|next| keyframes.contains(next));
            if keyframes.contains(picture) || is_last || held.len() == self.b_frames {
                order.push(*picture);
                order.append(&mut held);
            } else {
                held.push(*picture);
            }
        }
        let unit = |(place, pts): (usize, &i64)| {
            // One picture of delay, where there are B-frames.
            let dts = match (self.b_frames, place) {
                (0, _) => *pts,
                (_, 0) => *pts - self.frame,
                _ => shown[place - 1],
            };
            let keyframe = keyframes.contains(pts);
            let bytes = if keyframe { 9000 } else { 1500 + place % 7 * 100 };
            let data = Bytes::from(vec![1; bytes]);
            AccessUnit { pts: Ticks(*pts), dts: Ticks(dts), keyframe, data }
        };
        order.iter().enumerate().map(unit).collect()
    }

    fn make_pictures(&self, span: (usize, usize, i64, i64), init: u32) -> Made {
        let rate = Some(Rational { num: 30, den: 1 });
        let plan = plan(&[("720p", TrackKind::Video), ("480p", TrackKind::Video)]);
        let units = self.rung(span.2, span.3);
        let mut events = vec![Staged::Plan(plan)];
        // One rung is through before the other begins, and each sends the next piece's first picture.
        for (name, height) in [("480p", 480), ("720p", 720)] {
            events.push(Staged::Config(id(name), video_config(rate, height)));
            let unit = |unit: &AccessUnit| Staged::Unit(id(name), unit.clone());
            events.extend(units.iter().map(unit));
            let (pts, data) = (Ticks(span.3), Bytes::from_static(b"next"));
            let next = AccessUnit { pts, dts: pts, keyframe: true, data };
            events.push(Staged::Unit(id(name), next));
        }
        make(Config::default(), self.given(span, init), Vec::new(), events)
    }

    /// The sound, over the whole film; `lasts` is when it ends.
    fn make_sounds(&self, lasts: i64, captions: Vec<Caption>) -> Made {
        let config = Config { captions: vec![track()], cues_max: 1000, ..Config::default() };
        let given = self.given((0, self.cuts.len(), 0, self.length), 0);
        let mut events = vec![Staged::Plan(plan(&[("audio", TrackKind::Audio)]))];
        events.push(Staged::Config(id("audio"), audio_config()));
        events.extend((0..lasts / AAC).map(|frame| {
            let at = Ticks(frame * AAC);
            let data = Bytes::from(vec![2; 300]);
            Staged::Unit(id("audio"), AccessUnit { pts: at, dts: at, keyframe: true, data })
        }));
        make(config, given, captions, events)
    }

    /// All of it, every playlist with all pieces' entries one after another.
    fn make(&self) -> Made {
        let mut whole = self.make_sounds(self.length, Vec::new());
        for (at, span) in self.spans().into_iter().enumerate() {
            let made = self.make_pictures(span, at as u32);
            for (key, entries) in made.entries {
                assert_eq!(entries.len(), span.1 - span.0, "{key}");
                whole.entries.entry(key).or_default().extend(entries);
            }
            for (key, bytes) in made.objects {
                assert_eq!(whole.objects.insert(key, bytes), None, "written twice");
            }
            whole.troubles.extend(made.troubles);
            for (id, facts) in made.facts {
                match whole.facts.iter_mut().find(|(other, _)| *other == id) {
                    Some((_, known)) => known.join(&facts),
                    None => whole.facts.push((id, facts)),
                }
            }
        }
        whole
    }
}

fn track() -> CaptionTrack {
    let (language, name) = ("en".to_owned(), "English".to_owned());
    CaptionTrack { id: id("text-1"), language, name, default: false, forced: false }
}

fn plan(renditions: &[(&str, TrackKind)]) -> Plan {
    let rung = |(name, kind): &(&str, TrackKind)| Rung {
        rendition: Rendition { id: id(name), kind: *kind },
        target_bit_rate: None,
        expected_bit_rate: None,
        sound: (*kind == TrackKind::Audio).then(SoundTrack::default),
    };
    Plan {
        rungs: renditions.iter().map(rung).collect(),
        target_duration_s: 99, // what was given counts
        memo: String::new(),
    }
}

fn make(config: Config, given: Given, captions: Vec<Caption>, events: Vec<Staged>) -> Made {
    let show = SHOW.parse().unwrap();
    let mut machine = Machine::of_piece(config, show, "e1".to_owned(), ANCHOR, given);
    if !captions.is_empty() {
        machine.put_captions(&id("text-1"), captions).unwrap();
    }
    let mut made = Made::default();
    for event in events.into_iter().chain([Staged::End]) {
        machine.handle(now(0), event);
        while let Poll::Output(output) = machine.poll() {
            match output {
                Output::Put(object) => {
                    made.objects.insert(object.key, object.bytes);
                }
                Output::Append(object) => {
                    let text = String::from_utf8(object.bytes.to_vec()).unwrap();
                    made.entries.entry(object.key).or_default().push(text);
                }
                Output::Trouble(error) => made.troubles.push(error),
                Output::Finished { .. } => {}
                other => panic!("nobody watches a piece: {other:?}"),
            }
        }
    }
    made.facts = machine.facts();
    made
}

fn key(name: &str) -> String {
    format!("{SHOW}/{name}")
}

fn playlist(made: &Made, name: &str) -> read::Media {
    let entries = made.entries[&key(name)].concat();
    read::media((recording::header(3, name.ends_with("iframes.m3u8")) + &entries).as_bytes())
        .unwrap()
}

/// The entries lie without a hole from the film's beginning to `until`, one for each segment, each close to its cut.
fn check_times(film: &Film, list: &read::Media, until: i64) {
    assert_eq!(list.segments.len(), film.cuts.len());
    let mut end_us = ANCHOR.utc_us;
    for (cut, segment) in film.cuts.iter().zip(&list.segments) {
        let begin_us = segment.date_us.unwrap();
        assert!(
            (begin_us - end_us).abs() <= 1100,
            "{} begins at {begin_us}, not {end_us}",
            segment.uri
        );
        let behind_us = begin_us - ANCHOR.utc_us - Ticks(*cut).as_micros();
        assert!((-18_000..=Ticks(NEAR).as_micros() + 1000).contains(&behind_us), "{behind_us} µs");
        end_us += i64::try_from(segment.duration_us).unwrap();
    }
    let rounding = list.segments.len() as i64;
    let span_us = Ticks(until).as_micros();
    assert!((end_us - ANCHOR.utc_us - span_us).abs() <= rounding, "{end_us} of {span_us}");
}

/// The samples that a rendition's listed segments hold. Each begins with a keyframe, fragments count on, and where one
/// ends the next begins.
fn check_media(made: &Made, name: &str) -> usize {
    let list = playlist(made, &format!("{name}/index.m3u8"));
    let (mut samples, mut end, mut sequence) = (0, None, 0);
    for segment in list.segments.iter().filter(|segment| !segment.gap) {
        let map = segment.map.as_ref().unwrap();
        assert!(made.objects.contains_key(&key(&format!("{name}/{map}"))), "{map}");
        let bytes = &made.objects[&key(&format!("{name}/{}", segment.uri))];
        for (at, moof) in fragments(bytes).iter().enumerate() {
            let traf = &moof.traf[0];
            let begin = traf.tfdt.as_ref().unwrap().base_media_decode_time;
            let held: Vec<_> = (0..).map_while(|at| traf.trun[0].samples.get(at)).collect();
            let lasts: u64 = held.iter().map(|sample| u64::from(sample.duration.unwrap())).sum();
            assert!(end.is_none_or(|end| end == begin), "{name}: {end:?} {begin}");
            assert!(at > 0 || held[0].flags.unwrap() & 0x0001_0000 == 0, "no keyframe first");
            assert!(moof.mfhd.sequence_number > sequence);
            (end, sequence) = (Some(begin + lasts), moof.mfhd.sequence_number);
            samples += held.len();
        }
    }
    samples
}

/// Segments are listed at the times of their first samples.
fn check_dates(made: &Made, name: &str, per_s: i64) {
    for segment in playlist(made, &format!("{name}/index.m3u8")).segments {
        let bytes = &made.objects[&key(&format!("{name}/{}", segment.uri))];
        let begin = fragments(bytes)[0].traf[0].tfdt.as_ref().unwrap().base_media_decode_time;
        let begin_us = ANCHOR.utc_us + begin as i64 * 1_000_000 / per_s;
        assert!((segment.date_us.unwrap() - begin_us).abs() <= 1000, "{name}: {segment:?}");
    }
}

fn check_steady(film: &Film) {
    let made = film.make();
    assert_eq!(made.troubles, []);
    for name in ["720p", "480p"] {
        let list = playlist(&made, &format!("{name}/index.m3u8"));
        check_times(film, &list, film.length);
        assert!(list.segments.iter().all(|segment| !segment.gap && !segment.discontinuity));
        let rounded = |segment: &read::Segment| (segment.duration_us + 500_000) / 1_000_000;
        assert!(list.segments.iter().all(|segment| rounded(segment) <= 3));
        assert_eq!(check_media(&made, name), film.pictures.len());
        check_dates(&made, name, S);
        // Pictures last as long as their segments.
        let pictures = playlist(&made, &format!("{name}/iframes.m3u8"));
        let spans =
            |list: &read::Media| list.segments.iter().map(|one| one.duration_us).sum::<u64>();
        assert!(spans(&pictures).abs_diff(spans(&list)) <= pictures.segments.len() as u64);
    }
    let frames = film.length / AAC;
    let is_over = frames * AAC + AAC / 2 < film.length;
    let until = if is_over { frames * AAC } else { film.length };
    check_times(film, &playlist(&made, "audio/index.m3u8"), until);
    assert_eq!(check_media(&made, "audio") as i64, frames);
    check_dates(&made, "audio", 48_000);
    check_times(film, &playlist(&made, "text-1/index.m3u8"), film.length);
}

#[test]
fn pieces_are_listed_one_after_another() {
    check_steady(&Film::steady(3000, 2, 1920, &[12, 12, 8]));
    check_steady(&Film::steady(3003, 2, 1500, &[12, 13])); // 29.97 Hz: cuts lie between pictures
    check_steady(&Film::steady(3750, 0, 500, &[10]));
}

#[test]
fn what_a_film_is_cut_into_does_not_show_in_its_facts() {
    let film = Film::steady(3000, 2, 1920, &[12, 12, 8]);
    let whole = Film { pieces: vec![32], ..film.clone() };
    let tell = |film: &Film| {
        let mut facts = film.make().facts;
        facts.sort_by_key(|(id, _)| !id.as_str().ends_with('p'));
        // As they are stored.
        let json = serde_json::to_string(&facts).unwrap();
        multivariant(&serde_json::from_str::<Vec<(RenditionId, Facts)>>(&json).unwrap(), ANCHOR)
    };
    let told = tell(&film).unwrap();
    assert_eq!(told, tell(&whole).unwrap());
    let text = told.render();
    assert_eq!((told.variants.len(), told.i_frames.len(), told.sounds.len()), (3, 2, 1), "{text}");
    assert!(text.contains("RESOLUTION=1280x720,FRAME-RATE=30.000"), "{text}");
    assert!(
        text.contains("TYPE=SUBTITLES") && text.contains("URI=\"text-1/index.m3u8\""),
        "{text}"
    );
    assert!(!text.contains("CLOSED-CAPTIONS"), "{text}");
}

#[test]
fn a_piece_that_is_made_anew_is_the_same() {
    let film = Film::steady(3003, 2, 720, &[6, 6]);
    let span = film.spans()[1];
    let (one, other) = (film.make_pictures(span, 1), film.make_pictures(span, 1));
    assert_eq!(one, other);
    assert!(one.objects.contains_key(&key("720p/e1/i1.mp4")));
    assert!(one.objects.contains_key(&key("480p/e1/s6.m4s")));
    assert!(!one.objects.contains_key(&key("480p/e1/s5.m4s")));
}

#[test]
fn a_sound_that_ends_before_the_film_lists_gaps_from_there() {
    let film = Film::steady(3000, 0, 600, &[10]);
    let made = film.make_sounds(13 * S, Vec::new());
    let list = playlist(&made, "audio/index.m3u8");
    check_times(&film, &list, film.length);
    let gaps: Vec<bool> = list.segments.iter().map(|segment| segment.gap).collect();
    assert_eq!(gaps, [vec![false; 7], vec![true; 3]].concat());
    assert_eq!(made.troubles.len(), 3);
    let made = film.make_sounds(19 * S, Vec::new());
    let list = playlist(&made, "audio/index.m3u8");
    assert!(list.segments.last().unwrap().duration_us < 1_010_000, "it is over");
}

#[test]
fn captions_are_cut_like_the_film() {
    let film = Film::steady(3000, 0, 600, &[10]);
    let caption = |start_ms: i64, end_ms: i64, text: &str| Caption {
        start_us: ANCHOR.utc_us + start_ms * 1000,
        end_us: ANCHOR.utc_us + end_ms * 1000,
        settings: String::new(),
        text: text.to_owned(),
    };
    let mut captions: Vec<Caption> =
        (0..500).map(|at| caption(15_000 + at, 15_500 + at, "one of many")).collect();
    captions.extend([caption(500, 900, "first"), caption(3000, 7000, "across")]);
    captions.push(caption(19_900, 25_000, "beyond"));
    let made = film.make_sounds(film.length, captions);
    check_times(&film, &playlist(&made, "text-1/index.m3u8"), film.length);
    let having = |text: &str| -> Vec<usize> {
        let has = |at: &usize| {
            let bytes = &made.objects[&key(&format!("text-1/e1/s{at}.vtt"))];
            std::str::from_utf8(bytes).unwrap().contains(text)
        };
        (0..10).filter(has).collect()
    };
    assert_eq!((having("first"), having("across")), (vec![0], vec![1, 2, 3]));
    assert_eq!((having("one of many"), having("beyond")), (vec![7], vec![9]));
    assert_eq!(having("00:00:03.000 --> 00:00:07.000\nacross\n"), [1, 2, 3]);
}

#[test]
fn captions_follow_the_sound_and_need_none() {
    let film = Film::steady(3000, 0, 600, &[10]);
    let config = Config { captions: vec![track()], ..Config::default() };
    let given = film.given((0, 10, 0, film.length), 0);
    let alone = make(config.clone(), given.clone(), Vec::new(), vec![Staged::Plan(plan(&[]))]);
    check_times(&film, &playlist(&alone, "text-1/index.m3u8"), film.length);
    let show = SHOW.parse().unwrap();
    let mut machine = Machine::of_piece(config, show, "e1".to_owned(), ANCHOR, given);
    machine.handle(now(0), Staged::Plan(plan(&[("audio", TrackKind::Audio)])));
    machine.handle(now(0), Staged::Config(id("audio"), audio_config()));
    for frame in 0..9 * S / AAC {
        let (at, data) = (Ticks(frame * AAC), Bytes::from_static(b"sound"));
        let unit = AccessUnit { pts: at, dts: at, keyframe: true, data };
        machine.handle(now(0), Staged::Unit(id("audio"), unit));
    }
    let outputs = std::iter::from_fn(|| match machine.poll() {
        Poll::Output(output) => Some(output),
        Poll::Wait => None,
    });
    let is_listed = |output: &Output, of: &str| match output {
        Output::Append(object) => object.key == key(&format!("{of}/index.m3u8")),
        _ => false,
    };
    let outputs: Vec<Output> = outputs.collect();
    let count = |of| outputs.iter().filter(|output| is_listed(output, of)).count();
    assert_eq!((count("audio"), count("text-1")), (4, 4), "while the film is made");
}

#[test]
fn a_rendition_that_cannot_be_stored_is_gaps_and_not_offered() {
    let film = Film::steady(3000, 0, 120, &[2]);
    let events = vec![Staged::Plan(plan(&[("720p", TrackKind::Video)])), Staged::Discontinuity];
    let made = make(Config::default(), film.given(film.spans()[0], 0), Vec::new(), events);
    let list = playlist(&made, "720p/index.m3u8");
    check_times(&film, &list, film.length);
    assert!(list.segments.iter().all(|segment| segment.gap));
    assert!(matches!(made.troubles[0], Error::OutOfOrder(_)));
    assert_eq!(multivariant(&made.facts, ANCHOR), None);
    let config = TrackConfig::Video(match video_config(None, 720) {
        TrackConfig::Video(video) => video,
        TrackConfig::Audio(_) => unreachable!(),
    });
    let units = film.rung(0, film.length).into_iter().skip(10); // no keyframe first
    let events =
        [Staged::Plan(plan(&[("720p", TrackKind::Video)])), Staged::Config(id("720p"), config)];
    let events = events.into_iter().chain(units.map(|unit| Staged::Unit(id("720p"), unit)));
    let made =
        make(Config::default(), film.given(film.spans()[0], 0), Vec::new(), events.collect());
    let list = playlist(&made, "720p/index.m3u8");
    check_times(&film, &list, film.length);
    assert_eq!((list.segments[0].gap, list.segments[1].gap), (true, false));
}

fn films() -> impl Strategy<Value = Film> {
    let frames = prop::sample::select(vec![1500, 3000, 3003, 3600, 3750, 3754, 7500]);
    (frames, 0_usize..4, prop::collection::vec(1_usize..6, 1..4)).prop_map(
        |(frame, b_frames, pieces)| {
            let segments: usize = pieces.iter().sum();
            let count = (segments as i64 * 2 * S + 4321) / frame;
            Film::steady(frame, b_frames, count, &pieces)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_steady_film_is_whole(film in films()) {
        check_steady(&film);
    }

    /// Pictures of any length, also such that no picture begins in a segment.
    #[test]
    fn films_of_stills_are_cut_where_they_are_to_be(
        film in films(),
        kept in prop::collection::vec(any::<bool>(), 40),
        share in 1_usize..40,
    ) {
        // Each piece's first picture is one: pieces begin at keyframes of the source.
        let borders: Vec<i64> = film.spans().iter().map(|span| span.2).collect();
        let stays = |(at, picture): (usize, i64)| {
            let is_kept = kept[at / share % kept.len()] || borders.contains(&picture);
            is_kept.then_some(picture)
        };
        let pictures: Vec<i64> =
            film.pictures.iter().copied().enumerate().filter_map(stays).collect();
        let film = Film { pictures, ..film };
        let made = film.make();
        for name in ["720p", "480p"] {
            check_times(&film, &playlist(&made, &format!("{name}/index.m3u8")), film.length);
            prop_assert_eq!(check_media(&made, name), film.pictures.len());
        }
    }
}
