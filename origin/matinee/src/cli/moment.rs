//! Times and durations as people write and read them.
//!
//! In: `24h`, `2026-11-21T20:00:00+01:00`, seconds since the Unix epoch. Out: seconds, or text in UTC. Does not know
//! what time it is, nor the reader's time zone.

/// Seconds in a day.
const DAY_S: i64 = 86_400;

/// Reads a duration: a whole number with `s`, `m`, `h` or `d` behind it; seconds if there is none.
///
/// # Errors
/// What form it must have.
pub(super) fn duration_s(text: &str) -> Result<u32, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit_s = match unit {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        "d" => Some(24 * 3600),
        _ => None,
    };
    let number: Option<u32> = number.parse().ok();
    let seconds = number.zip(unit_s).and_then(|(number, unit_s)| number.checked_mul(unit_s));
    seconds.filter(|seconds| *seconds > 0).ok_or_else(|| "it must be such as 90m, 24h or 7d".into())
}

/// Reads a time: RFC 3339 such as `2026-11-21T20:00:00+01:00`, seconds optional; or seconds since the Unix epoch.
///
/// # Errors
/// What form it must have.
pub(super) fn time(text: &str) -> Result<i64, String> {
    let epoch = text.parse().ok().filter(|seconds| *seconds >= 0);
    epoch
        .or_else(|| rfc3339(text))
        .ok_or_else(|| "it must be such as 2026-11-21T20:00:00+01:00 or 2026-11-21T19:00Z".into())
}

fn rfc3339(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let (year, month, day) = numbers(date, '-')?;
    let (clock, offset_s) = match rest.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, 0),
        None => {
            let (clock, offset) = rest.split_at_checked(rest.rfind(['+', '-'])?)?;
            let (hours, minutes, _) = numbers(&format!("{}:0", offset.get(1..)?), ':')?;
            let offset_s = within(hours, 0, 23)? * 3600 + within(minutes, 0, 59)? * 60;
            (clock, if offset.starts_with('-') { -offset_s } else { offset_s })
        }
    };
    let clock = if clock.matches(':').count() == 1 { &format!("{clock}:0") } else { clock };
    let (hour, minute, second) = numbers(clock, ':')?;
    let days = days(within(year, 1970, 9999)?, within(month, 1, 12)?, day);
    // The 31st of a month of 30 days would be another day when read back.
    let same_day = civil(days) == (year, month, day);
    let of_day = within(hour, 0, 23)? * 3600 + within(minute, 0, 59)? * 60 + within(second, 0, 59)?;
    same_day.then_some(days * DAY_S + of_day - offset_s)
}

/// Three numbers of digits only.
fn numbers(text: &str, between: char) -> Option<(i64, i64, i64)> {
    let mut parts = text.split(between).map(|part| {
        let digits = (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    });
    let three = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(three)
}

fn within(number: i64, min: i64, max: i64) -> Option<i64> {
    (min..=max).contains(&number).then_some(number)
}

/// Days from 1970-01-01 to a date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
const fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last of one.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date that lies so many days after 1970-01-01 (the same, `civil_from_days`).
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// A time as text: `2026-11-21 19:00 UTC`.
pub(super) fn utc(seconds: i64) -> String {
    let (year, month, day) = civil(seconds.div_euclid(DAY_S));
    let of_day = seconds.rem_euclid(DAY_S);
    let (hour, minute) = (of_day / 3600, of_day / 60 % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, seconds) in
            [("90", 90), ("90s", 90), ("5m", 300), ("24h", 86_400), ("7d", 604_800)]
        {
            assert_eq!(duration_s(text), Ok(seconds), "{text}");
        }
        for text in ["", "h", "-1h", "1.5h", "1 h", "0", "99999d", "1w", "4294967296"] {
            assert!(duration_s(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_read() {
        for (text, seconds) in [
            ("0", 0),
            ("1800000000", 1_800_000_000),
            ("2027-01-15T08:00:00Z", 1_800_000_000),
            ("2027-01-15 08:00Z", 1_800_000_000),
            ("2027-01-15T09:00:00+01:00", 1_800_000_000),
            ("2027-01-15T02:30:00-05:30", 1_800_000_000),
            ("2024-02-29T00:00:00Z", 1_709_164_800),
        ] {
            assert_eq!(time(text), Ok(seconds), "{text}");
        }
        for text in [
            "",
            "soon",
            "-5",
            "2027-01-15",
            "2027-01-15T08:00",
            "2027-02-29T00:00Z",
            "2027-13-01T00:00Z",
            "2027-01-15T24:00Z",
            "2027-01-15T08:00:00+25:00",
            "1969-01-01T00:00Z",
            "2027-01-15T08:00:00:00Z",
            "2027-01-15Tä:00Z",
            "2027-01-15T08:00é+01:00",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_day_reads_back() {
        for day in 0..40_000 {
            let (year, month, of_month) = civil(day);
            assert_eq!(days(year, month, of_month), day);
        }
        assert_eq!(utc(1_800_000_059), "2027-01-15 08:00 UTC");
    }
}
