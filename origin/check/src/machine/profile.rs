//! Items 24 to 31: the low-latency profile (Appendix B.1) and its transport.
//!
//! In: [`Seen`]. Out: findings. Does not know the media.

use shared_playlist::read::Media;

use super::parts::each;
use super::seen::{Ask, Exchange, Followed, Kind, Seen};
use super::tally::{Finding, Tally};
use super::{ms, resolve, target_us};

/// How far the mapping from dates to media may differ between playlists, in microseconds.
const MAPPING_US: i64 = 100_000;
/// How far `Date` may be from this machine's clock, in seconds.
const CLOCK_S: i64 = 10;
/// How long ago a report's playlist may have been looked at, in segments.
const REPORT_BEHIND: u64 = 2;

pub(super) fn judge(seen: &Seen) -> Vec<Finding> {
    let mut reported = Tally::default();
    for list in seen.lists.iter().filter(|list| list.kind != Kind::IFrames) {
        reports(&mut reported, list, seen);
    }
    let mut dated = each(seen, dates);
    mapping(&mut dated, seen);
    let mut http = Tally::default();
    if seen.tls {
        for exchange in seen.lists.iter().flat_map(Followed::exchanges).take(1) {
            http.should(exchange.http >= 2, || "answers come by HTTP/1.1".to_owned());
        }
    }
    let mut packed = each(seen, gzip);
    if let Some((exchange, _)) = &seen.multivariant {
        packed_playlist(&mut packed, "multivariant", exchange);
    }
    vec![
        reported.end((24, "rendition-reports", "4.4.5.4, B.1"), "fewer than two media playlists"),
        dated.end((25, "program-date-time", "6.2.4, B.1"), "no media playlist"),
        http.end((26, "http2", "B.1"), "cleartext: HTTP/2 is agreed upon in TLS"),
        packed.end((27, "gzip", "Apple 10.1"), "no playlist"),
        each(seen, lifetimes).end((28, "cache-lifetimes", "B.1"), "no media playlist"),
        each(seen, clock).end((29, "date-and-age", "C"), "no media playlist"),
        each(seen, neutral).end((30, "viewer-neutral", "B.1"), "no media playlist"),
        round_trip(seen).end((31, "part-target-rtt", "Apple 14.2"), "no playlist lists parts"),
    ]
}

fn reports(tally: &mut Tally, list: &Followed, seen: &Seen) {
    let (name, Some(media)) = (&list.name, list.last().filter(|media| !media.ended)) else {
        return;
    };
    for other in seen.lists.iter().filter(|other| other.url != list.url) {
        let of_other =
            |uri: &str| without_query(&resolve(&list.url, uri)) == without_query(&other.url);
        let report = media.reports.iter().find(|report| report.get("URI").is_some_and(of_other));
        let i_frames = other.kind == Kind::IFrames;
        let missing = || format!("{name}: no EXT-X-RENDITION-REPORT of {}", other.name);
        if i_frames {
            tally.should(report.is_some(), missing);
        } else {
            tally.must(report.is_some(), missing);
        }
        let Some(report) = report else { continue };
        let relative = report.get("URI").is_some_and(|uri| !uri.contains("://"));
        tally.must(relative, || format!("{name}: the report of {} is not relative", other.name));
        let last = report.number("LAST-MSN");
        let about = other.last().map_or(0, Media::next_msn);
        let right = last.is_some_and(|last| last.abs_diff(about) <= 1 + REPORT_BEHIND);
        tally.must(i_frames || right, || {
            format!("{name}: LAST-MSN of {} is {last:?}, it was at {about}", other.name)
        });
        let part = report.number("LAST-PART").is_some();
        let mid = other.last().is_some_and(|media| media.next_part() > 0);
        tally.must(i_frames || part || !mid || !other.has_parts(), || {
            format!("{name}: the report of {} has no LAST-PART", other.name)
        });
    }
}

fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

fn dates(tally: &mut Tally, list: &Followed) {
    let Some(media) = list.last() else { return };
    let name = &list.name;
    let dated = media.segments.iter().any(|segment| segment.date_us.is_some());
    tally.must(dated, || format!("{name}: no EXT-X-PROGRAM-DATE-TIME"));
    for pair in media.segments.windows(2) {
        let [one, next] = pair else { continue };
        let (Some(at), Some(then)) = (one.date_us, next.date_us) else { continue };
        let lasts = i64::try_from(one.duration_us).unwrap_or(i64::MAX);
        let off = (then - at - lasts).abs();
        tally.must(next.discontinuity || off <= MAPPING_US, || {
            format!("{name}: dates are {off} µs off what EXTINF says")
        });
    }
}

/// Dates against the media's own time, over all playlists.
fn mapping(tally: &mut Tally, seen: &Seen) {
    let mut first: Option<(i64, &str)> = None;
    for list in &seen.lists {
        let Some((track, _)) = list.track.as_ref().filter(|(track, _)| track.timescale > 0) else {
            continue;
        };
        for segment in &list.segments {
            let versions = list.versions.iter().rev();
            let listed = versions.filter_map(|version| version.list.segment(segment.msn)).next();
            let (Some(date), Some(media)) = (listed.and_then(|one| one.date_us), &segment.media)
            else {
                continue;
            };
            let start = u128::from(media.start) * 1_000_000 / u128::from(track.timescale);
            let offset = date - i64::try_from(start).unwrap_or(i64::MAX);
            let (of_first, other) = *first.get_or_insert((offset, &list.name));
            let apart = (offset - of_first).abs();
            tally.must(apart <= MAPPING_US, || {
                format!("{} and {other}: dates map to media {} ms apart", list.name, apart / 1000)
            });
        }
    }
}

fn gzip(tally: &mut Tally, list: &Followed) {
    if let Some(version) = list.versions.first() {
        packed_playlist(tally, &list.name, &version.exchange);
    }
    for exchange in list.media() {
        let packed = exchange.header("content-encoding").is_some_and(|coding| coding != "identity");
        tally.should(!packed, || format!("{}: media is compressed", exchange.place));
    }
}

fn packed_playlist(tally: &mut Tally, name: &str, exchange: &Exchange) {
    let packed = exchange.header("content-encoding").is_some_and(|coding| coding.contains("gzip"));
    tally.must(packed, || format!("{name}: not gzipped though asked for"));
    let varies = exchange.header("vary").is_some_and(|names| {
        names.split(',').any(|name| name.trim().eq_ignore_ascii_case("accept-encoding"))
    });
    tally.should(varies, || format!("{name}: no Vary: Accept-Encoding"));
}

fn lifetimes(tally: &mut Tally, list: &Followed) {
    let Some(media) = list.last() else { return };
    let (name, target_s) = (&list.name, target_us(media) / 1_000_000);
    for version in list.versions.iter().filter(|version| !version.list.ended) {
        let age = version.exchange.max_age_s();
        let blocked = version.asked.is_some();
        let most = if blocked { 6 * target_s } else { target_s };
        tally.should(age.is_none_or(|age| age <= most), || {
            format!(
                "{name}: a live playlist may be kept for {} s, {most} at most",
                age.unwrap_or(0)
            )
        });
        let kept = age.is_some_and(|age| age > 0);
        tally.should(!blocked || kept, || {
            let rule = version.exchange.header("cache-control").unwrap_or("no Cache-Control");
            format!("{name}: a playlist that was waited for is not to be kept: {rule}")
        });
    }
    for exchange in list.media().filter(|exchange| exchange.status == 200) {
        tally.should(exchange.max_age_s().is_some_and(|age| age >= target_s), || {
            let rule = exchange.header("cache-control").unwrap_or("no Cache-Control");
            format!("{}: {rule}", exchange.place)
        });
    }
    for probe in list.probes.iter().filter(|probe| matches!(probe.exchange.status, 400 | 503)) {
        let age = probe.exchange.max_age_s().unwrap_or(0);
        tally.should(age == 0, || {
            format!("{name}: an answer {} may be kept for {age} s", probe.exchange.status)
        });
    }
}

fn clock(tally: &mut Tally, list: &Followed) {
    let Some(version) = list.versions.last() else { return };
    let name = &list.name;
    let date = version.exchange.header("date").and_then(http_date_s);
    tally.must(date.is_some(), || format!("{name}: no Date"));
    let age = version.exchange.header("age");
    let age_s = age.map_or(Some(0), |age| age.parse::<i64>().ok());
    tally.must(age_s.is_some(), || format!("{name}: Age is not a number"));
    if let (Some(date), Some(age)) = (date, age_s) {
        let off = (version.exchange.utc_us / 1_000_000 - date - age).abs();
        tally
            .should(off <= CLOCK_S, || format!("{name}: Date is {off} s off this machine's clock"));
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7) in seconds since the Unix epoch.
fn http_date_s(text: &str) -> Option<i64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let fields: Vec<&str> = text.split_once(", ")?.1.split([' ', ':']).collect();
    let [day, month, year, hour, minute, second, "GMT"] = fields.as_slice() else { return None };
    let month = MONTHS.find(month).filter(|at| at % 3 == 0)? / 3 + 1;
    let iso = format!("{year}-{month:02}-{day}T{hour}:{minute}:{second}Z");
    Some(shared_playlist::read::date_us(iso.as_bytes())? / 1_000_000)
}

fn neutral(tally: &mut Tally, list: &Followed) {
    let Some(media) = list.last() else { return };
    for (_, segment) in media.all() {
        let parts = segment.parts.iter().map(|part| part.uri.as_str());
        let uris = parts.chain(std::iter::once(segment.uri.as_str())).chain(media.hinted_part());
        for uri in uris {
            let plain = !uri.contains('?');
            tally.should(plain, || {
                let bare = without_query(uri);
                format!("{}: {bare} carries a query, which may differ by viewer", list.name)
            });
        }
    }
}

/// The route's round trip is one for all playlists: the 95th percentile of what was answered at once.
fn round_trip(seen: &Seen) -> Tally {
    let mut tally = Tally::default();
    let asks = [Ask::PartAlone, Ask::Stale, Ask::Plain];
    let probes = || seen.lists.iter().flat_map(|list| &list.probes);
    let at_once = probes().filter(|probe| asks.contains(&probe.ask)).map(|probe| &probe.exchange);
    let before = probes().map(|probe| &probe.plain).filter(|plain| plain.status == 200);
    let trip = |exchange: &Exchange| {
        let late = seen.late_us(exchange.asked_us, exchange.head_us);
        exchange.waited_us().saturating_sub(late)
    };
    let mut trips: Vec<u64> = at_once.chain(before).map(trip).collect();
    trips.sort_unstable();
    let Some(trip) = trips.get(trips.len() * 95 / 100).copied() else { return tally };
    for list in &seen.lists {
        let Some(target) = list.last().and_then(|media| media.part_target_us) else { continue };
        let name = &list.name;
        tally.must(target >= trip, || {
            format!("{name}: PART-TARGET {} is below a round trip of {}", ms(target), ms(trip))
        });
        tally.should(target >= 3 * trip, || {
            format!("{name}: PART-TARGET {} is below three round trips of {}", ms(target), ms(trip))
        });
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_http_are_read() {
        assert_eq!(http_date_s("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(http_date_s("yesterday"), None);
        assert_eq!(http_date_s("Sun, 06 anF 1994 08:49:37 GMT"), None);
    }
}
