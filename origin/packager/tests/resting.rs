//! A rung that is not made for a while, since there is no processor time for it.
//!
//! In: a show whose encoded rung rests and comes back. Out: it is in the multivariant playlist only while it is made,
//! and its own playlist keeps pace with gaps.

mod simulation;

use origin_packager::{Config, Machine};
use shared_media::{Poll, Staged};
use simulation::house::{ANCHOR, House, SHOW, now};
use simulation::{Shape, id};

const FRAME: i64 = 3000;

#[test]
fn a_rung_that_rests_is_not_offered_and_lists_gaps_without_delay() {
    let (from, to) = (200, 420);
    let shape = Shape { silence: Some((from, to)), ..Shape::default() };
    let (rests, wakes) = (from * FRAME + shape.rung_delay, to * FRAME + shape.rung_delay);
    let mut events = shape.events();
    events.push((rests, Staged::Offer(id("480p"), false)));
    events.push((wakes, Staged::Offer(id("480p"), true)));
    events.sort_by_key(|(at, event)| (*at, !matches!(event, Staged::Offer(..))));

    let mut machine = Machine::new(Config::default(), SHOW.parse().unwrap(), "e1".into(), ANCHOR);
    let mut house = House::default();
    let offers = |house: &House| {
        let text = house.texts.get(&format!("{SHOW}/index.m3u8"));
        text.map(|text| text.contains("480p/index.m3u8") || text.contains("480p/iframes.m3u8"))
    };
    for (at, event) in events {
        machine.handle(now(at), event);
        while let Poll::Output(output) = machine.poll() {
            house.carry_out(output);
        }
        if (rests..wakes).contains(&at) {
            assert_eq!(offers(&house), Some(false), "at {at}");
            let edge = |name: &str| house.playlists[name].edge().next_msn;
            // It does not lag as one does that is only slow.
            assert!(edge("480p") + 1 >= edge("source"), "{} {}", edge("480p"), edge("source"));
        } else if at > wakes || (at < rests && offers(&house).is_some()) {
            assert_eq!(offers(&house), Some(true), "at {at}");
        }
    }
    let gaps: Vec<u64> = house
        .segments
        .iter()
        .filter(|((name, _), (.., gap))| name == "480p" && *gap)
        .map(|((_, msn), _)| *msn)
        .collect();
    // Frames 240 to 419 are three segments of two seconds; the one before was begun.
    assert_eq!(gaps, [4, 5, 6]);
    let others = |name: &&String| *name != "480p";
    assert!(
        house.segments.iter().filter(|((name, _), _)| others(&name)).all(|(_, (.., gap))| !gap)
    );
    for name in ["source", "480p", "audio"] {
        assert_eq!(house.playlists[name].edge().next_msn, 10, "{name}");
    }
}
