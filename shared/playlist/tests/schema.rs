//! MPDs against what the schema of ISO/IEC 23009-1 asks of what we use of it: which elements stand where and in which
//! order, which attributes they may and must have, and of which types.
//!
//! In: the MPDs in `golden/`, and what is made of them for a viewer. Out: the line that breaks a rule. The schema
//! itself is not free to be passed on and no package has it, so its rules are written down here: of an element that we
//! begin to use the line is missing, and the test says so.

use std::collections::HashSet;

use shared_playlist::mpd;

/// What an attribute's value may be.
type Type = fn(&str) -> bool;

/// An element: its attributes, `!` before those that it must have; its children in their order, each with `1` if there
/// is one at most, `+` if one at least, else `*`.
struct Element {
    name: &'static str,
    attributes: &'static [(&'static str, Type)],
    children: &'static [(&'static str, char)],
}

/// `RepresentationBaseType`, of which we use two; and what follows it in an `AdaptationSet` and a `Representation`.
const SCHEMA: &[Element] = &[
    Element {
        name: "MPD",
        attributes: &[
            ("!xmlns", |text| text == "urn:mpeg:dash:schema:mpd:2011"),
            ("!profiles", |text| text == "urn:mpeg:dash:profile:isoff-live:2011"),
            ("!type", |text| matches!(text, "static" | "dynamic")),
            ("availabilityStartTime", is_date_time),
            ("publishTime", is_date_time),
            ("mediaPresentationDuration", is_duration),
            ("minimumUpdatePeriod", is_duration),
            ("!minBufferTime", is_duration),
            ("timeShiftBufferDepth", is_duration),
            ("suggestedPresentationDelay", is_duration),
            ("maxSegmentDuration", is_duration),
        ],
        children: &[
            ("BaseURL", '*'),
            ("Location", '*'),
            ("ServiceDescription", '*'),
            ("Period", '+'),
            ("UTCTiming", '*'),
        ],
    },
    Element { name: "BaseURL", attributes: &[], children: &[] },
    Element { name: "Location", attributes: &[], children: &[] },
    Element {
        name: "ServiceDescription",
        attributes: &[("id", is_u32)],
        children: &[("Latency", '*'), ("PlaybackRate", '*')],
    },
    Element {
        name: "Latency",
        attributes: &[("target", is_u32), ("min", is_u32), ("max", is_u32)],
        children: &[],
    },
    Element {
        name: "PlaybackRate",
        attributes: &[("min", is_double), ("max", is_double)],
        children: &[],
    },
    Element {
        name: "Period",
        attributes: &[("id", is_text), ("start", is_duration)],
        children: &[("AdaptationSet", '*')],
    },
    Element {
        name: "AdaptationSet",
        attributes: &[
            ("id", is_u32),
            ("contentType", |text| matches!(text, "video" | "audio")),
            ("mimeType", |text| matches!(text, "video/mp4" | "audio/mp4")),
            ("lang", is_language),
            ("segmentAlignment", is_boolean),
            ("startWithSAP", |text| matches!(text.as_bytes(), [b'0'..=b'6'])),
        ],
        children: &[
            ("EssentialProperty", '*'),
            ("SupplementalProperty", '*'),
            ("Accessibility", '*'),
            ("Role", '*'),
            ("SegmentTemplate", '1'),
            ("Representation", '*'),
        ],
    },
    Element { name: "EssentialProperty", attributes: DESCRIPTOR, children: &[] },
    Element { name: "SupplementalProperty", attributes: DESCRIPTOR, children: &[] },
    Element { name: "Accessibility", attributes: DESCRIPTOR, children: &[] },
    Element { name: "Role", attributes: DESCRIPTOR, children: &[] },
    Element { name: "AudioChannelConfiguration", attributes: DESCRIPTOR, children: &[] },
    Element { name: "UTCTiming", attributes: DESCRIPTOR, children: &[] },
    Element {
        name: "Representation",
        attributes: &[
            ("!id", |text| is_text(text) && !text.contains(char::is_whitespace)),
            ("!bandwidth", is_u32),
            ("codecs", |text| is_text(text) && !text.contains(char::is_whitespace)),
            ("width", is_u32),
            ("height", is_u32),
            ("frameRate", |text| match text.split_once('/') {
                None => is_u32(text),
                Some((frames, seconds)) => is_u32(frames) && is_u32(seconds),
            }),
            ("audioSamplingRate", is_u32),
        ],
        children: &[("AudioChannelConfiguration", '*'), ("SegmentTemplate", '1')],
    },
    Element {
        name: "SegmentTemplate",
        attributes: &[
            ("timescale", is_u32),
            ("presentationTimeOffset", is_u64),
            ("startNumber", is_u32),
            ("availabilityTimeOffset", is_double),
            ("availabilityTimeComplete", is_boolean),
            ("initialization", is_text),
            ("media", |text| text.matches('$').count() == 2 && text.contains("$Number$")),
        ],
        children: &[("SegmentTimeline", '1')],
    },
    Element { name: "SegmentTimeline", attributes: &[], children: &[("S", '+')] },
    Element {
        name: "S",
        attributes: &[("t", is_u64), ("!d", is_u64), ("r", |text| text.parse::<i64>().is_ok())],
        children: &[],
    },
];

const DESCRIPTOR: &[(&str, Type)] = &[("!schemeIdUri", is_text), ("value", is_text)];

fn is_text(text: &str) -> bool {
    !text.is_empty()
}

fn is_digits(text: &str) -> bool {
    is_text(text) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_u32(text: &str) -> bool {
    is_digits(text) && text.parse::<u32>().is_ok()
}

fn is_u64(text: &str) -> bool {
    is_digits(text) && text.parse::<u64>().is_ok()
}

fn is_double(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn is_boolean(text: &str) -> bool {
    matches!(text, "true" | "false" | "1" | "0")
}

/// `xs:duration`, of which we write seconds.
fn is_duration(text: &str) -> bool {
    let seconds = text.strip_prefix("PT").and_then(|text| text.strip_suffix('S'));
    seconds.is_some_and(|text| {
        let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
        is_digits(whole) && is_digits(rest)
    })
}

/// `xs:dateTime` in UTC.
fn is_date_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let whole = shape.strip_prefix("0000-00-00T00:00:00").and_then(|rest| rest.strip_suffix('Z'));
    whole.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('.').is_some_and(is_digits))
}

/// `xs:language`.
fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_part = |part: &str| (1..=8).contains(&part.len());
    parts.next().is_some_and(|part| is_part(part) && part.bytes().all(|b| b.is_ascii_alphabetic()))
        && parts.all(|part| is_part(part) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// An element that was read, with its children.
#[derive(Debug)]
struct Node<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
    children: Vec<Node<'a>>,
    text: &'a str,
}

impl<'a> Node<'a> {
    fn value(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
    }

    fn all<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b Node<'a>> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

/// Reads one element of well-formed XML without comments and sections; what follows it.
fn node(text: &str) -> Result<(Node<'_>, &str), String> {
    let wrong = |what: &str| format!("{what}: {:.60}", text.trim_start());
    let inner = text.trim_start().strip_prefix('<').ok_or_else(|| wrong("no element"))?;
    let end = inner.find('>').ok_or_else(|| wrong("no end of a tag"))?;
    let (tag, mut rest) = (&inner[..end], &inner[end + 1..]);
    let is_empty = tag.ends_with('/');
    let tag = tag.trim_end_matches('/');
    let (name, mut written) = tag.split_once(' ').unwrap_or((tag, ""));
    let mut attributes: Vec<(&str, &str)> = Vec::new();
    while !written.trim().is_empty() {
        let (key, value) = written.split_once("=\"").ok_or_else(|| wrong("no value"))?;
        let (value, after) = value.split_once('"').ok_or_else(|| wrong("no end of a value"))?;
        let plain = value.replace("&amp;", "").replace("&lt;", "").replace("&quot;", "");
        if plain.contains(['&', '<']) || attributes.iter().any(|(own, _)| *own == key.trim()) {
            return Err(wrong("a value that is none"));
        }
        attributes.push((key.trim(), value));
        written = after;
    }
    let mut found = Node { name, attributes, children: Vec::new(), text: "" };
    if is_empty {
        return Ok((found, rest));
    }
    let close = format!("</{name}>");
    loop {
        if let Some(after) = rest.trim_start().strip_prefix(&close) {
            return Ok((found, after));
        }
        if !rest.trim_start().starts_with('<') {
            let end = rest.find('<').ok_or_else(|| wrong("no end"))?;
            (found.text, rest) = (rest[..end].trim(), &rest[end..]);
            continue;
        }
        let (child, after) = node(rest)?;
        found.children.push(child);
        rest = after;
    }
}

/// The rule that an element, or one within it, breaks.
fn judge(node: &Node<'_>) -> Result<(), String> {
    let name = node.name;
    let rule = SCHEMA.iter().find(|rule| rule.name == name);
    let rule = rule.ok_or_else(|| format!("{name} is not known"))?;
    for (key, value) in &node.attributes {
        let known = rule.attributes.iter().find(|(own, _)| own.trim_start_matches('!') == *key);
        let (_, is_good) = known.ok_or_else(|| format!("{name} has no {key}"))?;
        if !is_good(value) {
            return Err(format!("{name}@{key} cannot be {value:?}"));
        }
    }
    for (key, _) in rule.attributes {
        if let Some(key) = key.strip_prefix('!').filter(|key| node.value(key).is_none()) {
            return Err(format!("{name} without {key}"));
        }
    }
    let place = |child: &Node<'_>| rule.children.iter().position(|(own, _)| *own == child.name);
    let mut last = 0;
    for child in &node.children {
        let at = place(child).ok_or_else(|| format!("{name} has no {}", child.name))?;
        if at < last {
            return Err(format!("{} stands too late in {name}", child.name));
        }
        last = at;
        judge(child)?;
    }
    for (child, count) in rule.children {
        let found = node.all(child).count();
        if (*count == '1' && found > 1) || (*count == '+' && found == 0) {
            return Err(format!("{name} has {found} {child}"));
        }
    }
    let has_text = matches!(name, "BaseURL" | "Location");
    if has_text == node.text.is_empty() || node.text.contains(char::is_whitespace) {
        return Err(format!("{name} says {:?}", node.text));
    }
    Ok(())
}

/// What the standard's text asks besides (5.3.1.2, 5.3.2.2, 5.3.5.2), and what names must differ.
fn judge_text(mpd: &Node<'_>) -> Result<(), String> {
    let must: &[&str] = match mpd.value("type") {
        Some("dynamic") => &["availabilityStartTime", "publishTime"],
        _ => &["mediaPresentationDuration"],
    };
    if let Some(key) = must.iter().find(|key| mpd.value(key).is_none()) {
        return Err(format!("MPD without {key}"));
    }
    let unique = |name: &str, of: Vec<Option<&str>>| {
        let mut seen = HashSet::new();
        match of.iter().all(|id| id.is_some_and(|id| seen.insert(id.to_owned()))) {
            true => Ok(()),
            false => Err(format!("{name}@id is not unique: {of:?}")),
        }
    };
    unique("Period", mpd.all("Period").map(|period| period.value("id")).collect())?;
    for period in mpd.all("Period") {
        let sets = || period.all("AdaptationSet");
        unique("AdaptationSet", sets().map(|set| set.value("id")).collect())?;
        let all = sets().flat_map(|set| set.all("Representation"));
        unique("Representation", all.map(|one| one.value("id")).collect())?;
        for set in sets() {
            let shared = set.all("SegmentTemplate").flat_map(|one| one.all("SegmentTimeline"));
            let own = |one: &Node<'_>| {
                one.all("SegmentTemplate").flat_map(|one| one.all("SegmentTimeline")).count()
            };
            let shared = shared.count();
            if set.all("Representation").any(|one| shared + own(one) != 1) {
                return Err("a Representation has one SegmentTimeline".to_owned());
            }
        }
    }
    Ok(())
}

fn check(mpd: &str) -> Result<(), String> {
    let text = mpd.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (mpd, rest) = node(text.ok_or("no XML declaration")?)?;
    if mpd.name != "MPD" || !rest.trim().is_empty() {
        return Err(format!("{} and then {rest:?}", mpd.name));
    }
    judge(&mpd)?;
    judge_text(&mpd)
}

const LIVE: &str = include_str!("golden/live.mpd");
const RECORDING: &str = include_str!("golden/recording.mpd");
const HDR: &str = include_str!("golden/hdr.mpd");

fn made(mpd: Result<Vec<u8>, mpd::EditError>) -> String {
    String::from_utf8(mpd.unwrap()).unwrap()
}

#[test]
fn every_mpd_is_as_the_schema_asks() {
    for (whole, height_max) in [(LIVE, 480), (RECORDING, 480), (HDR, 720)] {
        assert_eq!(check(whole), Ok(()));
        let filtered = made(mpd::filter(whole.as_bytes(), height_max));
        assert_eq!(check(&filtered), Ok(()), "{filtered}");
        let entered = made(mpd::enter(whole.as_bytes(), "/p/session/"));
        assert_eq!(check(&entered), Ok(()), "{entered}");
        assert_eq!(check(&made(mpd::enter(filtered.as_bytes(), "/p/session/"))), Ok(()));
    }
    for depth_s in [0, 20, 60, 100_000] {
        let cut = made(mpd::cut(LIVE.as_bytes(), depth_s, |_, _| "mark-_".to_owned()));
        assert_eq!(check(&cut), Ok(()), "{cut}");
    }
}

#[test]
fn what_is_not_as_the_schema_asks_is_seen() {
    for (old, new) in [
        ("<MPD ", "<mpd "),
        (" minBufferTime=", " MinBufferTime="),
        ("type=\"dynamic\"", "type=\"live\""),
        (" publishTime=\"", " title=\""),
        ("<Location>", "<Location> x "),
        ("<Period ", "<Period duration=\"PT5\" "),
        ("<Period id=\"0\"", "<Period id=\"4\""),
        (" start=\"PT", " start=\"P"),
        ("<AdaptationSet id=\"1\"", "<AdaptationSet id=\"-1\""),
        ("<AdaptationSet id=\"1\"", "<AdaptationSet id=\"12\""),
        ("startWithSAP=\"1\"", "startWithSAP=\"7\""),
        ("lang=\"en\"", "lang=\"en_GB\""),
        (" bandwidth=\"", " bitrate=\""),
        ("Representation id=\"480p\"", "Representation id=\"source\""),
        ("$Number$", "$Time"),
        (" d=\"180000\"", " d=\"-1\""),
        (" d=\"180000\"", ""),
        ("/>\n", ">\n"),
        ("<SegmentTimeline>\n", "<SegmentTimeline>\n</SegmentTimeline>\n<SegmentTimeline>\n"),
        ("<Role ", "<Viewpoint "),
        ("schemeIdUri=", "scheme="),
    ] {
        assert!(LIVE.contains(old), "{old}");
        let broken = LIVE.replace(old, new);
        assert!(check(&broken).is_err(), "{old} became {new} and nobody saw it");
    }
    // Elements out of their order.
    let (head, timing) = LIVE.split_once("<UTCTiming ").unwrap();
    let (timing, end) = timing.split_once('\n').unwrap();
    let (head, periods) = head.split_once("<Period ").unwrap();
    let moved = format!("{head}<UTCTiming {timing}\n<Period {periods}{end}");
    assert_eq!(check(&moved), Err("Period stands too late in MPD".to_owned()));
    assert!(
        check(&RECORDING.replace(" mediaPresentationDuration=\"", " timeShiftBufferDepth=\""))
            .is_err()
    );
}
