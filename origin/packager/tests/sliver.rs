//! A publisher that breaks off right behind a cut, before the sound that belongs to the last pictures.
//!
//! In: a show of two stretches, the first of which ends so. Out: no rendition has a gap, unless viewers had been
//! offered some of it.

mod simulation;

use origin_packager::{Config, Drop, Error};
use shared_media::Staged;
use simulation::house::{House, run};
use simulation::{Shape, id};

const FRAME: i64 = 3000;

/// A cut is at frame 120; the pictures break off `behind` frames after it, the sound before it.
fn broken_off(behind: i64) -> House {
    let shape = Shape { stretches: vec![120 + behind, 300], ..Shape::default() };
    let mut events = shape.events();
    let broke = events.iter().position(|(_, event)| *event == Staged::Discontinuity).unwrap();
    let mut index = 0;
    events.retain(|(_, event)| {
        index += 1;
        let silent = match event {
            Staged::Unit(of, unit) => *of == id("audio") && unit.pts.0 > 119 * FRAME,
            _ => false,
        };
        index > broke || !silent
    });
    run(Config::default(), events)
}

fn gaps(house: &House) -> Vec<(&str, u64)> {
    let gaps = house.segments.iter().filter(|(_, (.., gap))| *gap);
    gaps.map(|((name, msn), _)| (name.as_str(), *msn)).collect()
}

fn slivers(house: &House) -> usize {
    let sliver = |trouble: &&Error| matches!(trouble, Error::Dropped { why: Drop::Sliver, .. });
    house.troubles.iter().filter(sliver).count()
}

#[test]
fn pictures_nobody_was_offered_and_that_have_no_sound_are_left_out_and_counted() {
    for behind in [1, 2, 9] {
        let house = broken_off(behind);
        assert_eq!(gaps(&house), [], "{behind} behind the cut");
        assert!(slivers(&house) >= usize::try_from(behind).unwrap(), "{:?}", house.troubles);
        let breaks = |name: &str| {
            let segments = house.playlists[name].segments.iter();
            segments.filter(|segment| segment.head.discontinuity).count()
        };
        for name in ["source", "480p", "audio"] {
            assert_eq!((breaks(name), house.playlists[name].edge().next_msn), (1, 7), "{name}");
        }
    }
}

#[test]
fn what_viewers_were_offered_stays() {
    let house = broken_off(15);
    assert_eq!((gaps(&house), slivers(&house)), (vec![("audio", 2)], 0));
    assert_eq!(house.playlists["source"].edge().next_msn, 8);
}
