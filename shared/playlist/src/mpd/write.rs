//! The elements of an MPD (ISO/IEC 23009-1, 5.3).
//!
//! In: a presentation and its Periods. Out: text, one element on a line. Does not know where a Period begins or ends.

use std::collections::BTreeMap;

use shared_media::hdr::{self, Curve};
use shared_media::{Language, TICKS_PER_SECOND};

use super::catalogue::{Kind, Representation};
use super::run::{Member, Period};
use super::{Live, Presentation, date_time};
use crate::write::line;

/// How far behind the live edge a player is to be beyond three parts, in milliseconds: it has to learn of a segment,
/// ask for it and decode it.
const LATENCY_MS: u64 = 500;
/// How much faster or slower than real time a player may go to stay there; nobody hears that.
const RATES: &str = "min=\"0.96\" max=\"1.04\"";
/// The first `AdaptationSet@id` of sounds; pictures have those below it.
const SOUND_ID: usize = 10;
/// How the names of codecs of pictures begin, by which sets they are told apart.
const PICTURES: [&str; 3] = ["avc", "h", "av01"];
/// The first set of pictures beyond the standard range: for each curve one of HEVC, then one of AV1.
const HDR_ID: usize = 5;
/// Where players ask an edge for the time.
const TIME: &str = "/time";

/// The whole text.
pub(super) fn mpd(presentation: &Presentation<'_>, periods: &[Period]) -> String {
    let listed: usize = periods.iter().map(|period| period.run.members.len()).sum();
    let mut text = String::with_capacity(4096 + 512 * listed);
    line!(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    let begin = presentation.catalogue.begin;
    match &presentation.live {
        Some(live) => dynamic(&mut text, presentation, *live, periods),
        None => fixed(&mut text, begin, periods),
    }
    for period in periods {
        let start = duration(period.start.saturating_sub(begin).max(0));
        line!(text, "<Period id=\"{}\" start=\"{start}\">", period.id);
        sets(&mut text, presentation, period);
        line!(text, "</Period>");
    }
    if presentation.live.is_some() {
        let scheme = "urn:mpeg:dash:utc:http-xsdate:2014";
        line!(text, "<UTCTiming schemeIdUri=\"{scheme}\" value=\"{TIME}\"/>");
    }
    line!(text, "</MPD>");
    text
}

/// How an MPD begins that another follows. It says when the newest segment began for when it was published: it is the
/// same for the same list.
fn dynamic(text: &mut String, presentation: &Presentation<'_>, live: Live, periods: &[Period]) {
    let anchor_us = presentation.catalogue.anchor_us;
    let newest = segments(periods).map(|(start, _)| start).max().unwrap_or_default();
    let target_ms = u64::from(live.target_duration_s) * 1000;
    let part_ms = u64::from(live.part_target_us).div_ceil(1000);
    let latency_ms = part_ms * 3 + LATENCY_MS;
    line!(
        text,
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" \
         profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"dynamic\" \
         availabilityStartTime=\"{}\" publishTime=\"{}\" minimumUpdatePeriod=\"PT1S\" \
         timeShiftBufferDepth=\"PT{}S\" suggestedPresentationDelay=\"{}\" minBufferTime=\"{}\" \
         maxSegmentDuration=\"{}\">",
        date_time(anchor_us),
        date_time(anchor_us.saturating_add(micros(newest))),
        live.window_s,
        millis(latency_ms),
        millis(latency_ms),
        millis(target_ms + 500)
    );
    let next = presentation.newest().unwrap_or_default().saturating_add(1);
    line!(text, "<Location>manifest.{next}.mpd</Location>");
    line!(text, "<ServiceDescription id=\"0\">");
    let (min, max) = (part_ms * 2, latency_ms + 2 * target_ms);
    line!(text, "<Latency target=\"{latency_ms}\" min=\"{min}\" max=\"{max}\"/>");
    line!(text, "<PlaybackRate {RATES}/>");
    line!(text, "</ServiceDescription>");
}

/// How one begins after which nothing comes.
fn fixed(text: &mut String, begin: i64, periods: &[Period]) {
    let end = segments(periods).map(|(start, duration)| start.saturating_add(duration)).max();
    let lasts = end.map_or(0, |end| end.saturating_sub(begin));
    let longest = segments(periods).map(|(_, duration)| duration).max().unwrap_or_default();
    line!(
        text,
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" \
         profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"static\" \
         mediaPresentationDuration=\"{}\" minBufferTime=\"PT2S\" maxSegmentDuration=\"{}\">",
        duration(lasts),
        duration(longest)
    );
}

fn segments(periods: &[Period]) -> impl Iterator<Item = (i64, i64)> {
    let members = periods.iter().flat_map(|period| &period.run.members);
    members.flat_map(|member| member.segments.iter().copied())
}

/// One set for each codec and range of pictures, in which players switch, and one for each sound.
fn sets(text: &mut String, presentation: &Presentation<'_>, period: &Period) {
    let of = |member: &Member| presentation.catalogue.representations.get(member.index);
    let mut sets: BTreeMap<usize, Vec<(&Member, &Representation)>> = BTreeMap::new();
    for member in &period.run.members {
        let Some(representation) = of(member) else { continue };
        let id = match representation.kind {
            Kind::Picture { hdr, .. } => picture_id(&representation.codec, hdr),
            Kind::Sound { .. } => SOUND_ID + member.index,
        };
        sets.entry(id).or_default().push((member, representation));
    }
    for (id, members) in &sets {
        let Some((first, representation)) = members.first() else { continue };
        let head = format!("<AdaptationSet id=\"{id}\"");
        let tail = "segmentAlignment=\"true\" startWithSAP=\"1\">";
        match &representation.kind {
            Kind::Picture { .. } => {
                line!(text, "{head} contentType=\"video\" mimeType=\"video/mp4\" {tail}");
            }
            Kind::Sound { language, .. } => {
                let language =
                    language.as_deref().map(|name| format!(" lang=\"{}\"", escaped(name)));
                let language = language.unwrap_or_default();
                line!(text, "{head} contentType=\"audio\" mimeType=\"audio/mp4\"{language} {tail}");
                let is_main = sets.keys().find(|id| **id >= SOUND_ID) == Some(id);
                let role = if is_main { "main" } else { "alternate" };
                line!(text, "<Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"{role}\"/>");
            }
        }
        if let Kind::Picture { hdr: Some(curve), .. } = representation.kind {
            essential(text, curve);
        }
        // Who plays one can play the other from the next segment on, but for another range.
        let is_alike =
            |other: &usize| *other < SOUND_ID && other != id && range_of(*other) == range_of(*id);
        let others = sets.keys().filter(|other| is_alike(other));
        let others: Vec<String> = others.map(ToString::to_string).collect();
        if *id < SOUND_ID && !others.is_empty() {
            let scheme = "urn:mpeg:dash:adaptation-set-switching:2016";
            let value = others.join(",");
            line!(text, "<SupplementalProperty schemeIdUri=\"{scheme}\" value=\"{value}\"/>");
        }
        if matches!(representation.kind, Kind::Picture { .. }) {
            accessibility(text, &presentation.catalogue.closed_captions);
        }
        let shared = members.iter().all(|(member, _)| member.segments == first.segments);
        template(text, presentation, period, shared.then_some(first));
        for (member, representation) in members {
            representation_of(text, member, representation, !shared);
        }
        line!(text, "</AdaptationSet>");
    }
}

/// What players must know of to play a set (ISO/IEC 23009-1, 5.8.4.8): the pictures' colours and curve (ISO/IEC
/// 23091-2).
fn essential(text: &mut String, curve: Curve) {
    for (name, value) in [
        ("ColourPrimaries", hdr::PRIMARIES),
        ("TransferCharacteristics", curve.transfer()),
        ("MatrixCoefficients", hdr::MATRIX),
    ] {
        let scheme = format!("urn:mpeg:mpegB:cicp:{name}");
        line!(text, "<EssentialProperty schemeIdUri=\"{scheme}\" value=\"{value}\"/>");
    }
}

/// The captions within the pictures, as SCTE 214-1 names them: channels of CEA-608, and services of CEA-708. What
/// nobody knows the language of is undetermined; languages are named by ISO 639-2/B.
fn accessibility(text: &mut String, closed_captions: &[(String, Option<String>)]) {
    let mut schemes = [("cea-608", Vec::new()), ("cea-708", Vec::new())];
    for (name, language) in closed_captions {
        let language = language.as_deref().and_then(Language::new);
        let language = language.and_then(|one| one.iso_639_2()).unwrap_or("und");
        match name.strip_prefix("SERVICE") {
            Some(number) => schemes[1].1.push(format!("{number}=lang:{language}")),
            None => schemes[0].1.push(format!("{name}={language}")),
        }
    }
    for (scheme, named) in schemes.iter().filter(|(_, named)| !named.is_empty()) {
        let (scheme, value) =
            (format!("urn:scte:dash:cc:{scheme}:2015"), escaped(&named.join(";")));
        line!(text, "<Accessibility schemeIdUri=\"{scheme}\" value=\"{value}\"/>");
    }
}

/// What all Representations of a set have in common.
fn template(
    text: &mut String,
    presentation: &Presentation<'_>,
    period: &Period,
    timeline: Option<&&Member>,
) {
    let (first, start) = (period.run.first, period.start);
    let early = presentation.live.as_ref().map(|live| {
        // A segment is there from its first part on.
        let offset = i64::from(live.target_duration_s) * 1_000_000 - i64::from(live.part_target_us);
        let offset = decimal(offset.max(0));
        format!(" availabilityTimeOffset=\"{offset}\" availabilityTimeComplete=\"false\"")
    });
    let early = early.unwrap_or_default();
    let head = format!(
        "<SegmentTemplate timescale=\"{TICKS_PER_SECOND}\" presentationTimeOffset=\"{start}\" \
         startNumber=\"{first}\"{early}"
    );
    match timeline {
        Some(member) => {
            line!(text, "{head}>");
            segment_timeline(text, member);
            line!(text, "</SegmentTemplate>");
        }
        None => line!(text, "{head}/>"),
    }
}

/// The segments: those of one duration that follow one another are one element.
fn segment_timeline(text: &mut String, member: &Member) {
    line!(text, "<SegmentTimeline>");
    let mut end = None;
    let mut rest = member.segments.as_slice();
    while let Some((start, duration)) = rest.first().copied() {
        let is_next = |(index, one): (usize, &(i64, i64))| {
            let after = i64::try_from(index).unwrap_or(i64::MAX).saturating_mul(duration);
            *one == (start.saturating_add(after), duration)
        };
        let count = rest.iter().enumerate().take_while(|one| is_next(*one)).count().max(1);
        let at = if end == Some(start) { String::new() } else { format!("t=\"{start}\" ") };
        let again = if count > 1 { format!(" r=\"{}\"", count - 1) } else { String::new() };
        line!(text, "<S {at}d=\"{duration}\"{again}/>");
        let last = rest.get(count - 1).copied().unwrap_or((start, duration));
        end = Some(last.0.saturating_add(duration));
        rest = rest.get(count..).unwrap_or_default();
    }
    line!(text, "</SegmentTimeline>");
}

fn representation_of(
    text: &mut String,
    member: &Member,
    representation: &Representation,
    has_timeline: bool,
) {
    let Representation { id, codec, bandwidth, kind } = representation;
    let codec = escaped(codec);
    let head = format!("<Representation id=\"{id}\" bandwidth=\"{bandwidth}\" codecs=\"{codec}\"");
    match kind {
        Kind::Picture { width, height, frame_rate_millihertz, .. } => {
            let rate =
                frame_rate_millihertz.map(|rate| format!(" frameRate=\"{}\"", frame_rate(rate)));
            let rate = rate.unwrap_or_default();
            line!(text, "{head} width=\"{width}\" height=\"{height}\"{rate}>");
        }
        Kind::Sound { channels, sample_rate, .. } => {
            let rate = sample_rate.map(|rate| format!(" audioSamplingRate=\"{rate}\""));
            line!(text, "{head}{}>", rate.unwrap_or_default());
            if let Some(channels) = channels {
                let scheme = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011";
                line!(
                    text,
                    "<AudioChannelConfiguration schemeIdUri=\"{scheme}\" value=\"{channels}\"/>"
                );
            }
        }
    }
    let map = escaped(&member.map);
    let folder = map.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
    let names = format!("initialization=\"{id}/{map}\" media=\"{id}/{folder}s$Number$.m4s\"");
    if has_timeline {
        line!(text, "<SegmentTemplate {names}>");
        segment_timeline(text, member);
        line!(text, "</SegmentTemplate>");
    } else {
        line!(text, "<SegmentTemplate {names}/>");
    }
    line!(text, "</Representation>");
}

/// The set of pictures of a codec and a range.
fn picture_id(codec: &str, hdr: Option<Curve>) -> usize {
    let known = PICTURES.iter().position(|name| codec.starts_with(name));
    match hdr {
        None => 1 + known.unwrap_or(PICTURES.len()),
        Some(curve) => {
            let ranges = Curve::ALL.iter().take_while(|one| **one != curve).count();
            HDR_ID + ranges * 2 + usize::from(codec.starts_with("av01"))
        }
    }
}

/// Which range a set of pictures has.
const fn range_of(set: usize) -> usize {
    if set < HDR_ID { 0 } else { 1 + (set - HDR_ID) / 2 }
}

/// Frames per second, whole or as a ratio (5.3.7.2).
fn frame_rate(millihertz: u64) -> String {
    let nominal = millihertz.div_ceil(1000);
    if millihertz.is_multiple_of(1000) {
        nominal.to_string()
    } else if (nominal * 1_000_000 / 1001).abs_diff(millihertz) <= 1 {
        format!("{nominal}000/1001")
    } else {
        format!("{millihertz}/1000")
    }
}

/// Ticks in microseconds, to the nearest.
fn micros(ticks: i64) -> i64 {
    let scaled = i128::from(ticks) * 1_000_000 + i128::from(TICKS_PER_SECOND) / 2;
    i64::try_from(scaled.div_euclid(i128::from(TICKS_PER_SECOND))).unwrap_or(i64::MAX)
}

/// Ticks as `xs:duration`.
fn duration(ticks: i64) -> String {
    format!("PT{}S", decimal(micros(ticks).max(0)))
}

fn millis(millis: u64) -> String {
    format!("PT{}S", decimal(i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(1000)))
}

/// Microseconds as decimal seconds.
fn decimal(micros: i64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Text as it may stand in an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
