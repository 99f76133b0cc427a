//! Date and time of day of a moment.
//!
//! In: UTC in milliseconds since the Unix epoch. Out: text. Does not know where a clock is.

/// `HH:MM:SS.mmm` of a moment.
pub(crate) fn time(utc_ms: u64) -> String {
    let (ms, s) = (utc_ms % 1000, utc_ms / 1000);
    format!("{:02}:{:02}:{:02}.{ms:03}", s / 3600 % 24, s / 60 % 60, s % 60)
}

/// `YYYY-MM-DD` of a moment, in the Gregorian calendar (years start in March, so that the leap day comes last).
pub(crate) fn date(utc_ms: u64) -> String {
    let days = utc_ms / 86_400_000 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let leaps = day_of_era / 1460 + day_of_era / 146_096 - day_of_era / 36_524;
    let year_of_era = (day_of_era - leaps) / 365;
    let first_day = 365 * year_of_era + year_of_era / 4 - year_of_era / 100;
    let day_of_year = day_of_era - first_day;
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year_of_era + u64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        assert_eq!((date(0), time(0)), ("1970-01-01".into(), "00:00:00.000".into()));
        let leap = 951_782_399_999; // one millisecond before the leap day of 2000
        assert_eq!((date(leap), time(leap)), ("2000-02-28".into(), "23:59:59.999".into()));
        assert_eq!(date(leap + 1), "2000-02-29");
        assert_eq!(date(4_102_444_800_000), "2100-01-01");
    }
}
