//! UTC as playlists write it.
//!
//! In: microseconds since the Unix epoch, or what another's playlist says. Out: ISO 8601 text with milliseconds
//! (4.4.4.6), or microseconds. Does not know clocks; writes no time zone but UTC.

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// `2026-11-21T06:54:09.123Z`; what is finer than a millisecond is cut off.
pub(crate) fn utc(utc_us: i64) -> String {
    let millis = utc_us.rem_euclid(1_000_000) / 1000;
    format!("{}.{millis:03}Z", utc_seconds(utc_us))
}

/// The same with microseconds.
pub(crate) fn utc_precise(utc_us: i64) -> String {
    format!("{}.{:06}Z", utc_seconds(utc_us), utc_us.rem_euclid(1_000_000))
}

/// `2026-11-21T06:54:09`.
fn utc_seconds(utc_us: i64) -> String {
    let (year, month, day) = civil(utc_us.div_euclid(MICROS_PER_DAY));
    let seconds = utc_us.rem_euclid(MICROS_PER_DAY) / 1_000_000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// Microseconds since the Unix epoch of a date with any time zone, or with none, which is then UTC; `None` if it has
/// another form. What is finer than a microsecond is cut off.
pub(crate) fn parse(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.trim_ascii();
    let (date, time) = text.split_once(['T', 't'])?;
    let mut date = date.splitn(3, '-').map(number);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year > 9999 {
        return None;
    }
    let (time, zone_minutes) = match time.find(['Z', 'z', '+', '-']) {
        None => (time, 0),
        Some(at) => (time.get(..at)?, zone(time.get(at..)?)?),
    };
    let mut time = time.splitn(3, ':');
    let (hour, minute) = (number(time.next()?)?, number(time.next()?)?);
    let second = i64::try_from(crate::scan::micros(time.next()?.as_bytes())?).ok()?;
    if hour > 24 || minute > 59 || second >= 61_000_000 {
        return None;
    }
    let minutes = hour * 60 + minute - zone_minutes;
    Some(days(year, month, day) * MICROS_PER_DAY + minutes * 60_000_000 + second)
}

/// Minutes east of UTC: `Z`, `+hh`, `+hhmm` or `+hh:mm`.
fn zone(text: &str) -> Option<i64> {
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return (text.len() == 1).then_some(0),
    };
    let digits = text.get(1..)?.replacen(':', "", 1);
    let minutes = if digits.len() == 4 { number(digits.get(2..)?)? } else { 0 };
    let hours = number(digits.get(..2)?).filter(|_| matches!(digits.len(), 2 | 4))?;
    Some(sign * (hours * 60 + minutes))
}

/// A number of one to four digits.
fn number(text: &str) -> Option<i64> {
    let form = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if form { text.parse().ok() } else { None }
}

/// A day as [`civil`] counts it.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let era = year.div_euclid(400);
    let year = year.rem_euclid(400);
    era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar. The year is
/// taken to start in March, so that the leap day is its last.
fn civil(days: i64) -> (i64, i64, i64) {
    const DAYS_PER_ERA: i64 = 146_097; // 400 years
    let since_march_0000 = days + 719_468;
    let era = since_march_0000.div_euclid(DAYS_PER_ERA);
    let day = since_march_0000.rem_euclid(DAYS_PER_ERA);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153; // 0 is March
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, wraps) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + wraps, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_164_799, "2024-02-28T23:59:59.000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(utc(seconds * 1_000_000), text);
        }
        assert_eq!(utc(1_700_000_000_123_999), "2023-11-14T22:13:20.123Z");
    }

    #[test]
    fn dates_of_others_are_read() {
        for (text, utc_us) in [
            ("2023-11-14T22:13:20.123Z", Some(1_700_000_000_123_000)),
            ("2023-11-14t23:13:20.123456789+01:00", Some(1_700_000_000_123_456)),
            ("2023-11-14T17:43:20-0430", Some(1_700_000_000_000_000)),
            ("2023-11-15T01:13:20+03", Some(1_700_000_000_000_000)),
            (" 2023-11-14T22:13:20 ", Some(1_700_000_000_000_000)),
            ("2023-11-14", None),
            ("2023-13-14T22:13:20Z", None),
            ("2023-11-14T22:13Z", None),
            ("2023-11-14T22:13:20+1", None),
            ("2023-11-14T22:13:20Zulu", None),
            ("99999-11-14T22:13:20Z", None),
            ("", None),
        ] {
            assert_eq!(parse(text.as_bytes()), utc_us, "{text}");
        }
        for day in (-800_000..800_000).step_by(97) {
            let (year, month, of_month) = civil(day);
            assert_eq!(days(year, month, of_month), day);
        }
    }
}
