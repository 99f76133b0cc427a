//! The source on its way through the parent: untouched, but watched.
//!
//! In: video units in decoding order. Out: whether each passes, or whether its GOP has outgrown the playlist. Does not
//! know what is done about it.

use shared_media::{AccessUnit, Ticks};

/// What becomes of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on.
    Pass,
    /// It cannot be decoded, or would break the order of timestamps.
    Drop,
    /// Its GOP is longer than a segment may be. Every picture up to this timestamp has passed, none after it.
    Outgrown(Ticks),
}

/// The watch over one show's source.
#[derive(Debug)]
pub(crate) struct Source {
    gop_max: Ticks,
    last_dts: Option<Ticks>,
    /// The shortest time between two units: as long as a picture is shown at least.
    picture: Ticks,
    last_key: Option<Ticks>,
    highest: Option<Ticks>,
    decodable: bool,
}

impl Source {
    /// GOPs up to this length pass.
    pub(crate) const fn new(gop_max: Ticks) -> Self {
        let picture = Ticks(i64::MAX);
        Self { gop_max, last_dts: None, picture, last_key: None, highest: None, decodable: false }
    }

    /// What follows does not continue what came before: it must start with a keyframe.
    pub(crate) fn interrupted(&mut self) {
        self.decodable = false;
    }

    /// Whether units have passed since the last interruption.
    pub(crate) const fn is_running(&self) -> bool {
        self.decodable
    }

    /// The outgrown source is encoded from here on: its GOP no longer matters.
    pub(crate) fn outgrew(&mut self) {
        self.gop_max = Ticks(i64::MAX);
    }

    /// Judges the next unit.
    ///
    /// `Outgrown` is said at a unit that is shown after all that passed: what a B-frame structure shows before it is
    /// decoded after it, so nothing is shown twice or lost at the seam. It is said as soon as it is certain: a GOP
    /// lasts until its last picture ends, and the packager would cut what reaches further without a keyframe.
    pub(crate) fn take(&mut self, unit: &AccessUnit) -> Verdict {
        let ordered = self.last_dts.is_none_or(|last| unit.dts > last) && unit.pts >= unit.dts;
        if !ordered || !(self.decodable || unit.keyframe) {
            return Verdict::Drop;
        }
        let highest = self.highest.unwrap_or(Ticks(i64::MIN));
        if let Some(last) = self.last_dts {
            self.picture = self.picture.min(unit.dts - last);
        }
        let picture = if self.picture == Ticks(i64::MAX) { Ticks(1) } else { self.picture };
        if unit.keyframe {
            self.last_key = Some(unit.pts);
        } else if let Some(key) = self.last_key
            && unit.pts > highest
            && unit.pts - key > self.gop_max - picture
        {
            return Verdict::Outgrown(highest);
        }
        self.decodable = true;
        self.last_dts = Some(unit.dts);
        self.highest = Some(highest.max(unit.pts));
        Verdict::Pass
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn unit(pts: i64, dts: i64, keyframe: bool) -> AccessUnit {
        AccessUnit { pts: Ticks(pts), dts: Ticks(dts), keyframe, data: Bytes::new() }
    }

    #[test]
    fn starts_with_a_keyframe_and_keeps_order() {
        let mut source = Source::new(Ticks(100));
        assert_eq!(source.take(&unit(0, 0, false)), Verdict::Drop);
        assert_eq!(source.take(&unit(10, 10, true)), Verdict::Pass);
        assert_eq!(source.take(&unit(20, 10, false)), Verdict::Drop);
        assert_eq!(source.take(&unit(20, 20, false)), Verdict::Pass);
        source.interrupted();
        assert_eq!(source.take(&unit(30, 30, false)), Verdict::Drop);
        assert_eq!(source.take(&unit(40, 40, true)), Verdict::Pass);
    }

    #[test]
    fn a_gop_outgrows_at_a_unit_shown_after_all_others() {
        let mut source = Source::new(Ticks(60));
        // shown: 20 30 40 50 60 70 80; decoded: 20 50 30 40 80 60 70
        for (pts, dts) in [(20, 0), (50, 10), (30, 20), (40, 30)] {
            assert_eq!(source.take(&unit(pts, dts, pts == 20)), Verdict::Pass);
        }
        assert_eq!(source.take(&unit(80, 40, false)), Verdict::Outgrown(Ticks(50)));
    }

    #[test]
    fn a_gop_is_too_long_once_a_picture_of_it_ends_too_late() {
        let mut source = Source::new(Ticks(25));
        assert_eq!(source.take(&unit(0, 0, true)), Verdict::Pass);
        assert_eq!(source.take(&unit(10, 10, false)), Verdict::Pass);
        assert_eq!(source.take(&unit(20, 20, false)), Verdict::Outgrown(Ticks(10)));
        assert_eq!(source.take(&unit(20, 20, true)), Verdict::Pass, "a keyframe there is in time");
    }
}
