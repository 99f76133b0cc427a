//! `X-TIMESTAMP-MAP` of a WebVTT text (rfc8216bis, 3.5): where its local times lie in the media.
//!
//! In: the text's head, and when the show began. Out: when the text's zero is. Does not know cues.
//!
//! `MPEGTS` counts the show's own media, in 90 kHz from its beginning, as its segments and its own captions do, and
//! has 33 bits: after 26.5 hours it begins anew. Of all times it may stand for, the one nearest to now is meant.

use super::time;

/// The header's name, and what is between it and its attributes.
pub(super) const NAME: &str = "X-TIMESTAMP-MAP=";
/// Values of `MPEGTS`.
const WRAP: i64 = 1 << 33;
/// What a millisecond is of it.
const PER_MS: i64 = 90;
/// Why a map is refused.
const WRONG: &str = "must have `X-TIMESTAMP-MAP=LOCAL:` with a time such as `00:00:00.000` and \
                     `,MPEGTS:` with a number below 2^33, in any order, once in their head";

/// A local time that is the same as one of the media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimestampMap {
    local_ms: i64,
    mpegts: i64,
}

impl TimestampMap {
    /// The map in the head of a text, if there is one.
    ///
    /// # Errors
    /// Why it cannot be followed.
    pub(super) fn of_head(head: &str) -> Result<Option<Self>, &'static str> {
        // The first line is the signature's.
        let mut maps = head.lines().skip(1).filter_map(|line| line.trim().strip_prefix(NAME));
        match (maps.next(), maps.next()) {
            (None, _) => Ok(None),
            (Some(map), None) => Self::read(map).map(Some).ok_or(WRONG),
            (Some(_), Some(_)) => Err(WRONG),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let (one, other) = text.split_once(',')?;
        let (one, other) = (one.trim(), other.trim());
        let (local, mpegts) = match one.strip_prefix("LOCAL:") {
            Some(local) => (local, other.strip_prefix("MPEGTS:")?),
            None => (other.strip_prefix("LOCAL:")?, one.strip_prefix("MPEGTS:")?),
        };
        let is_number = mpegts.bytes().all(|byte| byte.is_ascii_digit());
        let mpegts = mpegts.parse().ok().filter(|mpegts| is_number && *mpegts < WRAP)?;
        Some(Self { local_ms: time(local)?, mpegts })
    }

    /// When the text's zero is, in milliseconds since the Unix epoch.
    pub(super) const fn zero_ms(self, begun_us: i64, now_ms: i64) -> i64 {
        let begun_ms = begun_us.div_euclid(1000);
        let now = now_ms.saturating_sub(begun_ms).saturating_mul(PER_MS);
        // From half a wrap before now to half a wrap after it.
        let since = self.mpegts.saturating_sub(now).saturating_add(WRAP / 2).rem_euclid(WRAP);
        let at_ms = (since - WRAP / 2).div_euclid(PER_MS);
        now_ms.saturating_add(at_ms).saturating_sub(self.local_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cue, of_vtt};

    /// When a show began, and when it comes to 2^33 ticks of 90 kHz: 95,443.717 s later.
    const BEGUN_MS: i64 = 1_700_000_000_000;
    const WRAP_MS: i64 = 95_443_717;

    fn at(map: &str, local: &str, now_ms: i64) -> Result<i64, crate::Error> {
        let text = format!("WEBVTT\n{map}\n\n{local} --> 99:00:00.000\na\n");
        let text = text.replace("99:00:00.000", &local.replace(".000", ".900"));
        let cues = of_vtt(text.as_bytes(), BEGUN_MS + now_ms, BEGUN_MS * 1000)?;
        let [Cue { start_ms, end_ms, .. }] = &cues[..] else { panic!("one cue: {cues:?}") };
        assert_eq!(end_ms - start_ms, 900);
        Ok(start_ms - BEGUN_MS)
    }

    #[test]
    fn local_times_lie_where_the_map_puts_them() {
        let zero = "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0";
        assert_eq!(at(zero, "00:20.000", 18_000), Ok(20_000), "the time since the beginning");
        let later = "X-TIMESTAMP-MAP=MPEGTS:900000, LOCAL:01:00:00.000";
        assert_eq!(at(later, "01:00:05.000", 14_000), Ok(15_000));
        assert_eq!(at(later, "59:58.000", 14_000), Ok(8_000), "before the map's time");
    }

    #[test]
    fn times_go_on_where_mpegts_begins_anew() {
        let before = "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:8589844592"; // a second before
        let after = "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:90000"; // a second after
        for now in [WRAP_MS - 3000, WRAP_MS, WRAP_MS + 3000] {
            assert_eq!(at(before, "00:02.000", now), Ok(WRAP_MS + 1000), "{now}");
            assert_eq!(at(after, "00:02.000", now), Ok(WRAP_MS + 3000), "{now}");
        }
        let twice = at(after, "00:02.000", 2 * WRAP_MS + 3000);
        assert!(twice.as_ref().is_ok_and(|at| at.abs_diff(2 * WRAP_MS + 3000) <= 1), "{twice:?}");
        // A text that counts on, mapped at the beginning, as the house's own do.
        let zero = "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:26:30:43.717";
        assert_eq!(at(zero, "26:30:50.000", WRAP_MS + 5000), Ok(WRAP_MS + 6283));
    }

    #[test]
    fn what_cannot_be_mapped_is_refused() {
        for wrong in [
            "X-TIMESTAMP-MAP=",
            "X-TIMESTAMP-MAP=LOCAL:00:00:00.000",
            "X-TIMESTAMP-MAP=LOCAL:00:00:00,MPEGTS:0",
            "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:+1",
            "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:8589934592",
            "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0,MPEGTS:1",
            "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,LOCAL:00:00:00.000",
            "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00.000\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00.000",
        ] {
            let refused = at(wrong, "00:20.000", 18_000).expect_err(wrong);
            assert!(refused.to_string().contains("X-TIMESTAMP-MAP"), "{wrong}: {refused}");
        }
        // A map of another show's media: its cues are nowhere near.
        let other = "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000000";
        assert!(at(other, "00:20.000", 18_000).is_err(), "in three hours");
    }
}
