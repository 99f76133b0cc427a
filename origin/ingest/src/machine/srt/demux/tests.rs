//! Transport streams, whole and damaged, in any portions.
//!
//! In: streams made by hand. Out: nothing. Does not know SRT.

use proptest::prelude::*;

use super::super::testing::{
    INSERTED, MAP, Muxer, PLACEMENT, SPLICE, VIDEO as VIDEO_PID, association, bytes, map, stream,
};
use super::*;
use crate::machine::portions::portions;

const LIMIT: usize = 1 << 20;

fn demuxed<'a>(portions: impl IntoIterator<Item = &'a [u8]>) -> Vec<Input> {
    let mut demuxer = Demuxer::new(LIMIT);
    let mut found = Vec::new();
    for portion in portions {
        demuxer.handle(portion);
        while let Poll::Output(input) = demuxer.poll() {
            found.push(input);
        }
    }
    demuxer.finish();
    while let Poll::Output(input) = demuxer.poll() {
        found.push(input);
    }
    found
}

/// The times of pictures and sounds, and how often something was lost.
fn times(found: &[Input]) -> (Vec<Stamp>, Vec<Stamp>, usize) {
    let (mut pictures, mut sounds, mut lost) = (Vec::new(), Vec::new(), 0);
    for input in found {
        match input {
            Input::Video(Arrival { at, held: Held::Unit { .. }, .. }) => pictures.push(*at),
            Input::Audio(Arrival { at, held: Held::Unit { .. }, .. }) => sounds.push(*at),
            Input::Video(Arrival { held: Held::Malformed, .. })
            | Input::Audio(Arrival { held: Held::Malformed, .. }) => lost += 1,
            _ => {}
        }
    }
    (pictures, sounds, lost)
}

#[test]
fn every_picture_and_sound_is_found_also_where_times_wrap() {
    let found = demuxed([&stream()[..]]);
    let (pictures, sounds, lost) = times(&found);
    assert_eq!((pictures.len(), sounds.len(), lost), (50, 100, 0));
    let first = pictures[0].first();
    let mut last = first;
    for (frame, at) in (0..).zip(&pictures) {
        last = at.next_to(last);
        assert_eq!(last - first, Ticks(3600 * frame));
    }
    assert_eq!(pictures[25], Stamp::Ticks(0), "the wrap");
    for pair in sounds.chunks(2) {
        assert_eq!(pair[1].next_to(pair[0].first()) - pair[0].first(), Ticks(1920));
    }
    let shown_later = |input: &&Input| {
        matches!(input, Input::Video(Arrival { held: Held::Unit { composition, .. }, .. })
            if *composition == Ticks(3600))
    };
    assert_eq!(found.iter().filter(shown_later).count(), 50, "also where PTS wraps before DTS");
    let configs =
        |input: &&Input| matches!(input, Input::Video(Arrival { held: Held::Config(..), .. }));
    assert_eq!(found.iter().filter(configs).count(), 1, "the same parameter sets are no news");
}

#[test]
fn splices_are_told_whole_and_once() {
    let mut muxer = Muxer::default();
    muxer.section(0, &association(MAP));
    muxer.section(MAP, &map(&[(0x1B, VIDEO_PID, &[]), (0x86, SPLICE, &[])]));
    let (insert, signal) = (bytes(INSERTED), bytes(PLACEMENT));
    muxer.section(SPLICE, &insert);
    // A program map that says the same cuts nothing off.
    muxer.section(MAP, &map(&[(0x1B, VIDEO_PID, &[]), (0x86, SPLICE, &[])]));
    muxer.section(SPLICE, &signal);
    let mut damaged = insert.clone();
    damaged[20] ^= 1;
    muxer.section(SPLICE, &damaged);
    muxer.section(0x103, &insert);
    let cues: Vec<Vec<u8>> = demuxed([&muxer.bytes[..]])
        .into_iter()
        .filter_map(|input| match input {
            Input::Splice(cue) => Some(cue.section.to_vec()),
            _ => None,
        })
        .collect();
    assert_eq!(cues, [insert, signal]);
}

#[test]
fn codecs_not_taken_are_named() {
    let mut muxer = Muxer::default();
    muxer.section(0, &association(MAP));
    muxer.section(MAP, &map(&[(0x02, VIDEO_PID, &[]), (0x81, 0x101, &[]), (0x0F, 0x102, &[])]));
    let found = demuxed([&muxer.bytes[..]]);
    let [Input::Metadata(_), Input::Video(Arrival { held: Held::Foreign(name), .. })] = &found[..]
    else {
        panic!("the sound has a track that is taken: {found:?}")
    };
    assert_eq!(name, "MPEG-2 video");
}

#[test]
fn the_languages_of_its_sounds_are_told_when_they_change() {
    let english: &[u8] = &[0x0A, 4, b'e', b'n', b'g', 0];
    let german: &[u8] = &[0x0A, 4, b'g', b'e', b'r', 0];
    let cut_off: &[u8] = &[0x0A, 4, b'f'];
    let mut muxer = Muxer::default();
    muxer.section(0, &association(MAP));
    for first in [english, english, german] {
        let others = [(0x03, 0x102, cut_off), (0x81, 0x103, german), (0x0F, 0x104, german)];
        let streams = [&[(0x1B, VIDEO_PID, &[][..]), (0x0F, 0x101, first)][..], &others].concat();
        muxer.section(MAP, &map(&streams));
    }
    let told = demuxed([&muxer.bytes[..]]).into_iter().map(|input| match input {
        Input::Metadata(metadata) => metadata.sounds,
        other => panic!("{other:?}"),
    });
    let (en, de) = (Language::new("en"), Language::new("de"));
    assert_eq!(told.collect::<Vec<_>>(), [[en, None, de.clone()], [de.clone(), None, de]]);
}

#[test]
fn a_lost_packet_costs_what_it_was_part_of() {
    let whole = stream();
    // the second packet of the third picture's three
    let video: Vec<usize> = (0..whole.len() / 188)
        .filter(|at| whole[at * 188 + 1] & 0x1F == 1 && whole[at * 188 + 2] == 0)
        .collect();
    let lost = video[video.iter().position(|at| *at > 14).expect("there are more") + 1];
    let damaged = [&whole[..lost * 188], &whole[(lost + 1) * 188..]].concat();
    let (pictures, sounds, lost) = times(&demuxed([&damaged[..]]));
    assert_eq!(sounds.len(), 100);
    assert!((48..50).contains(&pictures.len()) && lost > 0, "{} {lost}", pictures.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn portions_do_not_matter(sizes in prop::collection::vec(1_usize..2000, 1..60)) {
        let bytes = stream();
        let portions = portions(&bytes, &sizes);
        prop_assert_eq!(demuxed(portions), demuxed([&bytes[..]]));
    }

    #[test]
    fn lost_packets_never_make_others_wrong(
        // not the last ones: nothing follows that would show that they are missing
        lost in prop::collection::btree_set(0_usize..190, 0..40)
    ) {
        let bytes = stream();
        let kept: Vec<u8> = bytes
            .chunks(188)
            .enumerate()
            .filter(|(index, _)| !lost.contains(index))
            .flat_map(|(_, packet)| packet.iter().copied())
            .collect();
        let whole = demuxed([&bytes[..]]);
        let is_unit = |input: &&Input| {
            matches!(input, Input::Video(Arrival { held: Held::Unit { .. }, .. })
                | Input::Audio(Arrival { held: Held::Unit { .. }, .. }))
        };
        for unit in demuxed([&kept[..]]).iter().filter(is_unit) {
            prop_assert!(whole.contains(unit), "{unit:?}");
        }
    }

    #[test]
    fn damage_never_panics_and_never_depends_on_portions(
        damage in prop::collection::vec((0_usize..60_000, any::<u8>()), 1..30),
        cut in 0_usize..400,
        portion in 1_usize..3000,
    ) {
        let mut bytes = stream();
        for (position, value) in damage {
            let position = position % bytes.len();
            bytes[position] = value;
        }
        bytes.drain(..cut);
        prop_assert_eq!(demuxed(bytes.chunks(portion)), demuxed([&bytes[..]]));
    }

    #[test]
    fn garbage_never_panics(noise in prop::collection::vec(any::<u8>(), 0..3000)) {
        demuxed([&noise[..]]);
    }
}
