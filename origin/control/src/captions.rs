//! Captions as creators send them: tracks and cues, checked.
//!
//! In: what the API was sent, JSON or WebVTT. Out: cues by the clock, in WebVTT's own form; or which field is wrong.
//! Does not know the stages.

mod pace;
mod settings;
mod timestamp_map;

use shared_media::{Language, closed_captions};
use shared_wire::api::{
    CAPTION_LANGUAGE_CHARS_MAX, CAPTION_TRACKS_MAX, CLOSED_CAPTIONS_MAX, CaptionTrack,
    ClosedCaptionName, NewCaptions, NewCue, SOUNDS_MAX, SoundName,
};

use crate::Error;

pub(crate) use pace::Paces;
pub(crate) use settings::valid as valid_settings;
use timestamp_map::TimestampMap;

/// Cues of one request, at most.
const CUES_MAX: usize = 64;
/// A cue's text, in bytes, at most.
const TEXT_BYTES_MAX: usize = 1000;
/// Longest time a cue is shown, in milliseconds.
const SHOWN_MS_MAX: i64 = 600_000;
/// Furthest ahead a cue is told, in milliseconds.
const AHEAD_MS_MAX: i64 = 3_600_000;
/// Characters of a track's name, at most.
pub(crate) const NAME_CHARS_MAX: usize = 64;

/// A checked cue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// From when, in milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// Until when.
    pub end_ms: i64,
    /// Where it stands (WebVTT, 4.4): valid settings, or nothing.
    pub settings: String,
    /// A cue's payload in WebVTT.
    pub text: String,
}

/// Refuses tracks that cannot be.
pub(crate) fn check(tracks: &[CaptionTrack]) -> Result<(), Error> {
    let wrong = |reason: String| Err(Error::Invalid { field: "broadcast.captions", reason });
    if tracks.len() > CAPTION_TRACKS_MAX {
        return wrong(format!("must be {CAPTION_TRACKS_MAX} at most"));
    }
    if tracks.iter().filter(|track| track.default).count() > 1 {
        return wrong("must have one `default` at most".to_owned());
    }
    for (index, track) in tracks.iter().enumerate() {
        if !is_language(&track.language) {
            return wrong(format!(
                "must each have a `language` of BCP 47, of {CAPTION_LANGUAGE_CHARS_MAX} characters \
                 at most, such as `en` or `pt-BR`"
            ));
        }
        if !is_name(&track.name) {
            return wrong(format!(
                "must each have a `name` of 1 to {NAME_CHARS_MAX} characters, without quotes and \
                 control characters"
            ));
        }
        let is_again = |other: &CaptionTrack| {
            other.name == track.name || other.language.eq_ignore_ascii_case(&track.language)
        };
        if tracks.iter().take(index).any(is_again) {
            return wrong("must differ in `language` and `name`".to_owned());
        }
    }
    Ok(())
}

/// Refuses names of sounds that cannot be.
pub(crate) fn check_sounds(sounds: &[SoundName]) -> Result<(), Error> {
    let wrong = |reason: String| Err(Error::Invalid { field: "broadcast.sounds", reason });
    if sounds.len() > SOUNDS_MAX {
        return wrong(format!("must be {SOUNDS_MAX} at most"));
    }
    described(sounds.iter().map(|sound| (sound.language.as_str(), sound.name.as_deref())))
        .or_else(wrong)
}

/// Refuses names of captions within the pictures that cannot be.
pub(crate) fn check_closed(channels: &[ClosedCaptionName]) -> Result<(), Error> {
    let wrong = |reason: String| Err(Error::Invalid { field: "broadcast.closed_captions", reason });
    if channels.len() > CLOSED_CAPTIONS_MAX {
        return wrong(format!("must be {CLOSED_CAPTIONS_MAX} at most"));
    }
    for (index, one) in channels.iter().enumerate() {
        if !closed_captions::is_name(&one.channel) {
            return wrong(
                "must each have a `channel`: `CC1` to `CC4`, or `SERVICE1` to `SERVICE63`"
                    .to_owned(),
            );
        }
        let before = &channels[..index];
        if before.iter().any(|other| other.channel == one.channel) {
            return wrong("must differ in `channel`".to_owned());
        }
        if one.name.is_some() && before.iter().any(|other| other.name == one.name) {
            return wrong("must differ in `name`".to_owned());
        }
    }
    described(channels.iter().map(|one| (one.language.as_str(), one.name.as_deref())))
        .or_else(wrong)
}

/// What is wrong with languages, and names that may be left to them.
fn described<'a>(
    mut all: impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone,
) -> Result<(), String> {
    if !all.clone().all(|(language, _)| is_language(language)) {
        return Err(format!(
            "must each have a `language` of BCP 47, of {CAPTION_LANGUAGE_CHARS_MAX} characters at \
             most, such as `en` or `pt-BR`"
        ));
    }
    if !all.all(|(_, name)| name.is_none_or(is_name)) {
        return Err(format!(
            "may each have a `name` of 1 to {NAME_CHARS_MAX} characters, without quotes and \
             control characters"
        ));
    }
    Ok(())
}

/// Whether a name can stand in a playlist and in a menu.
pub(crate) fn is_name(name: &str) -> bool {
    let is_plain = !name.chars().any(|c| c.is_control() || c == '"');
    (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && is_plain && !name.trim().is_empty()
}

/// Whether it is a language, short enough to name a rendition.
pub(crate) fn is_language(tag: &str) -> bool {
    tag.len() <= CAPTION_LANGUAGE_CHARS_MAX && Language::new(tag).is_some()
}

/// Cues of a JSON body, as they are to be shown.
pub(crate) fn of_json(new: NewCaptions, now_ms: i64) -> Result<Vec<Cue>, Error> {
    counted(new.cues.into_iter().map(|cue| of_new(cue, now_ms)).collect())
}

fn of_new(new: NewCue, now_ms: i64) -> Result<Cue, Error> {
    let NewCue { start_ms, end_ms, start_in_ms, end_in_ms, text } = new;
    let time = |at: Option<i64>, from_now: Option<i64>| match (at, from_now) {
        (Some(at), None) => Ok(at),
        (None, Some(from_now)) => Ok(now_ms.saturating_add(from_now)),
        _ => wrong("must each have `start_ms` or `start_in_ms`, and `end_ms` or `end_in_ms`"),
    };
    let (start_ms, end_ms) = (time(start_ms, start_in_ms)?, time(end_ms, end_in_ms)?);
    let text = text.replace("\r\n", "\n");
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    checked(Cue { start_ms, end_ms, settings: String::new(), text }, now_ms)
}

/// Cues of a WebVTT body. Its zero is now, or where its `X-TIMESTAMP-MAP` puts it in a show that began at `begun_us`,
/// in microseconds since the Unix epoch. Regions, styles, comments and identifiers are passed over, and settings
/// that are not valid.
///
/// # Errors
/// [`Error::Invalid`]: what must be otherwise.
pub fn of_vtt(body: &[u8], now_ms: i64, begun_us: i64) -> Result<Vec<Cue>, Error> {
    let Ok(text) = std::str::from_utf8(body) else { return wrong("must be UTF-8") };
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let after = text.strip_prefix("WEBVTT");
    let Some(rest) = after.filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n']))
    else {
        return wrong("must begin with `WEBVTT`");
    };
    let (head, rest) = rest.split_once("\n\n").unwrap_or((rest, ""));
    let zero_ms = match TimestampMap::of_head(head) {
        Ok(None) => now_ms,
        Ok(Some(map)) => map.zero_ms(begun_us, now_ms),
        Err(reason) => return wrong(reason),
    };
    let blocks = rest.split("\n\n").map(|block| block.trim_matches('\n'));
    let cues =
        blocks.filter(|block| block.contains("-->")).map(|block| of_block(block, zero_ms, now_ms));
    counted(cues.collect())
}

/// Whether a WebVTT body may say where it lies in the show's media.
pub(crate) fn is_mapped(body: &[u8]) -> bool {
    let name = timestamp_map::NAME.as_bytes();
    body.windows(name.len()).any(|text| text == name)
}

fn of_block(block: &str, zero_ms: i64, now_ms: i64) -> Result<Cue, Error> {
    let mut lines = block.lines();
    let timing = lines.by_ref().take(2).find(|line| line.contains("-->"));
    let times = timing.and_then(|line| line.split_once("-->")).and_then(|(start, end)| {
        let (end, settings) = end.trim_start().split_once([' ', '\t']).unwrap_or((end.trim(), ""));
        Some((time(start.trim())?, time(end)?, settings::valid(settings)))
    });
    let Some((start, end, settings)) = times else {
        return wrong("must have times such as `00:01.000 --> 00:04.500`, and `-->` nowhere else");
    };
    let text = lines.collect::<Vec<_>>().join("\n");
    let (start_ms, end_ms) = (zero_ms.saturating_add(start), zero_ms.saturating_add(end));
    checked(Cue { start_ms, end_ms, settings, text }, now_ms)
}

/// A time of WebVTT (3.3), in milliseconds.
fn time(text: &str) -> Option<i64> {
    let (clock, millis) = text.split_once('.')?;
    let mut steps = clock.rsplit(':');
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        let is_number = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|_| is_number)
    };
    let small = |text: &str| number(text, 2..=2).filter(|value| *value < 60);
    let (seconds, minutes) = (small(steps.next()?)?, small(steps.next()?)?);
    let hours = steps.next().map_or(Some(0), |text| number(text, 2..=6))?;
    let whole = (hours * 60 + minutes) * 60 + seconds;
    steps.next().is_none().then_some(whole * 1000 + number(millis, 3..=3)?)
}

fn checked(cue: Cue, now_ms: i64) -> Result<Cue, Error> {
    let text = cue.text.trim_end_matches('\n');
    let is_plain = |c: char| c == '\n' || c == '\t' || !c.is_control();
    if text.trim().is_empty() || text.len() > TEXT_BYTES_MAX || !text.chars().all(is_plain) {
        return wrong(&format!(
            "must each have a text of 1 to {TEXT_BYTES_MAX} bytes, without control characters"
        ));
    }
    // An empty line would end the cue, an arrow would begin another (WebVTT, 4.1).
    if text.contains("-->") || text.lines().any(|line| line.trim().is_empty()) {
        return wrong("must have no empty lines in their text, and no `-->`");
    }
    let shown = cue.end_ms.saturating_sub(cue.start_ms);
    if !(1..=SHOWN_MS_MAX).contains(&shown) {
        return wrong("must each end after they start, within 10 minutes");
    }
    if cue.start_ms < 0 {
        return wrong("must each start after 1970");
    }
    if cue.start_ms > now_ms.saturating_add(AHEAD_MS_MAX) {
        return wrong("must each start within an hour");
    }
    Ok(Cue { text: text.to_owned(), ..cue })
}

fn counted(cues: Vec<Result<Cue, Error>>) -> Result<Vec<Cue>, Error> {
    if !(1..=CUES_MAX).contains(&cues.len()) {
        return wrong(&format!("must be 1 to {CUES_MAX}"));
    }
    cues.into_iter().collect()
}

fn wrong<T>(reason: &str) -> Result<T, Error> {
    Err(Error::Invalid { field: "cues", reason: reason.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str, start_ms: i64, end_ms: i64) -> Result<Vec<Cue>, Error> {
        let (start_ms, end_ms, text) = (Some(start_ms), Some(end_ms), text.to_owned());
        let cue = NewCue { start_ms, end_ms, text, ..NewCue::default() };
        of_json(NewCaptions { cues: vec![cue] }, 10_000)
    }

    #[test]
    fn plain_text_is_shown_as_it_is() {
        let cues = json("a < b & c --> d\r\ne\n", 10_000, 12_000).unwrap();
        assert_eq!(cues[0].text, "a &lt; b &amp; c --&gt; d\ne");
        for hostile in ["", " \n", "a\n\nb", "a\n \nb", "a\0", "\u{85}", &"x".repeat(1001)] {
            assert!(json(hostile, 10_000, 12_000).is_err(), "{hostile:?}");
        }
        for (start, end) in
            [(2, 2), (3, 2), (0, 600_001), (i64::MIN, i64::MAX), (i64::MIN, i64::MIN + 1), (-1, 5)]
        {
            assert!(json("a", start, end).is_err(), "{start} {end}");
        }
        assert!(json("a", 4_000_000, 4_000_001).is_err(), "beyond an hour");
        assert!(of_json(NewCaptions { cues: Vec::new() }, 0).is_err());
        let none = NewCue { text: "a".to_owned(), ..NewCue::default() };
        assert!(of_json(NewCaptions { cues: vec![none] }, 0).is_err());
    }

    #[test]
    fn a_webvtt_body_counts_from_now() {
        let body = "\u{feff}WEBVTT - x\r\n\r\nNOTE no cue\r\n\r\nid\r\n00:01.000 --> 00:00:02.500 \
                    line:0  region:r size:50%\r\n<i>a</i>\r\nb\r\n\r\n\r\n\
                    01:00:00.000 --> 01:00:00.001\nc\n";
        let cues = of_vtt(body.as_bytes(), 10_000, 0).unwrap();
        let (settings, text) = ("line:0 size:50%".to_owned(), "<i>a</i>\nb".to_owned());
        let first = Cue { start_ms: 11_000, end_ms: 12_500, settings, text };
        assert_eq!((cues.len(), &cues[0]), (2, &first));
        for hostile in [
            "",
            "WEBVTTx\n\n00:01.000 --> 00:02.000\na",
            "WEBVTT",
            "WEBVTT\n\n00:01.000 --> 00:02.000\na --> b",
            "WEBVTT\n\n00:61.000 --> 00:02.000\na",
            "WEBVTT\n\n9999999:00:00.000 --> 00:02.000\na",
            "WEBVTT\n\n00:01.000 --> 00:02.000\n",
        ] {
            assert!(of_vtt(hostile.as_bytes(), 10_000, 0).is_err(), "{hostile:?}");
        }
        assert!(of_vtt(b"WEBVTT\n\n\xff", 0, 0).is_err());
    }

    #[test]
    fn tracks_have_a_language_and_a_name_of_their_own() {
        let track = |language: &str, name: &str, default| CaptionTrack {
            language: language.to_owned(),
            name: name.to_owned(),
            default,
        };
        let good = [track("en", "English", true), track("pt-BR", "Português", false)];
        assert!(check(&good).is_ok());
        for wrong in [
            [track("en", "a", false), track("EN", "b", false)],
            [track("en", "a", false), track("de", "a", false)],
            [track("en", "a", true), track("de", "b", true)],
            [track("en", "a", false), track("d", "b", false)],
            [track("en", "a", false), track("de--x", "b", false)],
            [track("en", "a", false), track("de-12345678-ab", "b", false)],
            [track("en", "a\"", false), track("de", "b", false)],
            [track("en", "", false), track("de", "b\n", false)],
        ] {
            assert!(check(&wrong).is_err(), "{wrong:?}");
        }
        let nine: Vec<_> = (0..9)
            .map(|n| track(&format!("e{}", char::from(b'a' + n)), &n.to_string(), false))
            .collect();
        assert!(check(&nine[..8]).is_ok() && check(&nine).is_err());
    }
}
