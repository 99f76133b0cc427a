//! Items 8 to 11: what playlists promise of their delivery.
//!
//! In: [`Seen`]. Out: findings. Does not know whether the promises are kept.

use shared_playlist::read::Media;

use super::parts::each;
use super::seen::{Followed, Seen};
use super::tally::{Finding, Tally};
use super::{ms, target_us};

pub(super) fn judge(seen: &Seen) -> Vec<Finding> {
    let mut same = each(seen, constant);
    alike(&mut same, seen);
    vec![
        each(seen, part_hold_back)
            .end((8, "part-hold-back", "4.4.3.8, Apple 14.3"), "no playlist lists parts"),
        each(seen, hold_back).end((9, "hold-back", "4.4.3.8"), "no EXT-X-SERVER-CONTROL"),
        same.end((10, "same-promises", "6.2.4"), "no media playlist"),
        each(seen, version).end((11, "version", "8"), "no delta update came"),
    ]
}

fn part_hold_back(tally: &mut Tally, list: &Followed) {
    let Some(media) = list.last().filter(|media| media.has_part_inf) else { return };
    let (name, target) = (&list.name, media.part_target_us.unwrap_or(0));
    let held = media.control_us("PART-HOLD-BACK");
    tally.must(held.is_some_and(|held| held >= 3 * target), || {
        let held = held.map_or_else(|| "missing".to_owned(), ms);
        format!("{name}: PART-HOLD-BACK is {held}, three PART-TARGETs are {}", ms(3 * target))
    });
}

fn hold_back(tally: &mut Tally, list: &Followed) {
    let Some(media) = list.last().filter(|media| media.server_control.is_some()) else { return };
    let (name, target) = (&list.name, target_us(media));
    for (attribute, targets) in [("HOLD-BACK", 3), ("CAN-SKIP-UNTIL", 6)] {
        let said = media.control_us(attribute);
        tally.must(said.is_none_or(|said| said >= targets * target), || {
            format!("{name}: {attribute} is below {targets} target durations of {}", ms(target))
        });
    }
    let ranges = media.control_is("CAN-SKIP-DATERANGES");
    let until = media.control_us("CAN-SKIP-UNTIL").is_some();
    tally.must(!ranges || until, || format!("{name}: CAN-SKIP-DATERANGES without CAN-SKIP-UNTIL"));
}

fn constant(tally: &mut Tally, list: &Followed) {
    for pair in list.versions.windows(2) {
        let [before, after] = pair else { continue };
        let (before, after, name) = (&before.list, &after.list, &list.name);
        let same = before.target_duration_s == after.target_duration_s;
        tally.must(same, || format!("{name}: EXT-X-TARGETDURATION changed"));
        let same = before.part_target_us == after.part_target_us;
        tally.should(same, || format!("{name}: PART-TARGET changed"));
    }
}

fn alike(tally: &mut Tally, seen: &Seen) {
    let lists: Vec<(&str, &Media)> =
        seen.lists.iter().filter_map(|list| Some((list.name.as_str(), list.last()?))).collect();
    let Some((first, model)) = lists.first() else { return };
    for (name, media) in lists.iter().skip(1) {
        let same = media.target_duration_s == model.target_duration_s;
        tally.must(same, || format!("{name} and {first}: different EXT-X-TARGETDURATION"));
        let same = sorted(media) == sorted(model);
        tally.must(same, || format!("{name} and {first}: different EXT-X-SERVER-CONTROL"));
    }
    let control = model.server_control.is_some();
    tally.must(control, || format!("{first}: no EXT-X-SERVER-CONTROL"));
}

fn sorted(media: &Media) -> Option<Vec<(String, String)>> {
    let mut all = media.server_control.clone()?.0;
    all.sort_unstable();
    Some(all)
}

fn version(tally: &mut Tally, list: &Followed) {
    let name = &list.name;
    for media in list.probes.iter().filter_map(|probe| probe.list.as_ref()) {
        let Some(skip) = media.skips.first() else { continue };
        let ranges = skip.get("RECENTLY-REMOVED-DATERANGES").is_some();
        let least = if ranges { 10 } else { 9 };
        let said = media.version.unwrap_or(1);
        tally.must(said >= least, || {
            format!("{name}: EXT-X-SKIP in version {said}, {least} at least")
        });
    }
}
