//! An MPD for a viewer who may go back only so far: cut to a depth behind the live edge, with a mark on what is left.
//!
//! In: an MPD of ours of a show on the air, one element on a line, and a depth in seconds. Out: the same without the
//! segments before it. Does not know who asks, nor how a mark is made.
//!
//! **The rule** is that of playlists (`dvr`): counted from the start of the newest segment, a segment that ends more
//! than the depth ago goes, but of six of the longest segments none does. All Representations of a Period lose the same
//! number of segments, so that `$Number$` stays the Media Sequence Number; a Period of which nothing is left goes.
//!
//! **A mark stands for all that follows.** The pattern of a Representation is one for all its segments, so it gets a
//! query that says the first number that is left, and a mark of it: whoever has it may have that segment and any newer.

use super::edit::{EditError, attribute, text};
use crate::write::line;

/// The query parameter of what a pattern opens.
const QUERY: &str = "?s=";
/// Segments that stay, of the longest.
const LEAST: u64 = 6;
/// How patterns of ours end.
const PATTERN: &str = "s$Number$.m4s";
const PERIOD: &str = "<Period ";
const TEMPLATE: &str = "<SegmentTemplate ";
const TIMELINE_END: &str = "</SegmentTimeline>";
const DEPTH: &str = "timeShiftBufferDepth";
const TICKS_PER_SECOND: u64 = shared_media::TICKS_PER_SECOND.unsigned_abs();

/// The MPD cut to `depth_s` seconds. `mark` says what opens the segments of a folder, such as `720p/e1/`, from a number
/// on.
///
/// # Errors
/// If it is a recording, or no MPD of ours.
pub fn cut(
    mpd: &[u8],
    depth_s: u32,
    mark: impl Fn(&str, u64) -> String,
) -> Result<Vec<u8>, EditError> {
    let mpd = text(mpd)?;
    let depth_s = depth(mpd, depth_s)?;
    let periods = read(mpd)?;
    let newest = periods.iter().flat_map(|period| &period.lines).flat_map(|line| line.iter());
    let newest = newest.map(|run| run.start_of(run.count - 1)).max().ok_or(EditError::NotMpd)?;
    let from = newest.saturating_sub(depth_s.saturating_mul(TICKS_PER_SECOND));
    let mut writer = Writer { out: String::with_capacity(mpd.len() * 2), ..Writer::default() };
    let mut periods = periods.iter();
    for line in mpd.split_inclusive('\n') {
        if line.starts_with(PERIOD) {
            writer.begin(periods.next().ok_or(EditError::NotMpd)?, from);
        }
        writer.line(line, depth_s, &mark)?;
    }
    Ok(writer.out.into_bytes())
}

/// The depth, in seconds: six of the longest segments at least.
fn depth(mpd: &str, depth_s: u32) -> Result<u64, EditError> {
    let head = mpd.lines().find(|line| line.starts_with("<MPD ")).ok_or(EditError::NotMpd)?;
    if attribute(head, "type") != Some("dynamic") {
        return Err(EditError::Recording);
    }
    let longest = attribute(head, "maxSegmentDuration").and_then(seconds);
    Ok(u64::from(depth_s).max(longest.ok_or(EditError::NotMpd)?.saturating_mul(LEAST)))
}

/// Whole seconds of a duration as we write it, `PT4.5S`, rounded up.
fn seconds(duration: &str) -> Option<u64> {
    let text = duration.strip_prefix("PT")?.strip_suffix('S')?;
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    Some(whole.parse::<u64>().ok()?.saturating_add(u64::from(!rest.is_empty())))
}

/// Segments of one duration that follow one another: `S`.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: u64,
    duration: u64,
    /// At least one.
    count: u64,
}

impl Run {
    /// `end` is where the one before ends.
    fn read(line: &str, end: Option<u64>) -> Result<Self, EditError> {
        let number = |name| attribute(line, name).map(str::parse::<u64>).transpose();
        let [start, duration, again] =
            ["t", "d", "r"].map(|name| number(name).map_err(|_| EditError::NotMpd));
        let (start, again) = (start?.or(end), again?.unwrap_or(0));
        let duration = duration?.filter(|duration| *duration > 0);
        let (Some(start), Some(duration)) = (start, duration) else {
            return Err(EditError::NotMpd);
        };
        Ok(Self { start, duration, count: again.saturating_add(1) })
    }

    const fn start_of(self, index: u64) -> u64 {
        self.start.saturating_add(index.saturating_mul(self.duration))
    }

    /// How many end at `from` or before.
    const fn gone(self, from: u64) -> u64 {
        let gone = from.saturating_sub(self.start) / self.duration;
        if gone < self.count { gone } else { self.count }
    }
}

#[derive(Debug, Default)]
struct Period {
    first: u64,
    /// The timelines of its sets, or of its Representations.
    lines: Vec<Vec<Run>>,
}

impl Period {
    /// How many segments go, and whether any stays.
    fn gone(&self, from: u64) -> (u64, bool) {
        let gone = |line: &Vec<Run>| -> u64 {
            // Where one of a run stays, all after it do.
            let mut gone = 0_u64;
            for run in line {
                let own = run.gone(from);
                gone = gone.saturating_add(own);
                if own < run.count {
                    break;
                }
            }
            gone
        };
        let least = self.lines.iter().map(gone).min().unwrap_or(0);
        let count =
            |line: &Vec<Run>| line.iter().fold(0_u64, |count, run| count.saturating_add(run.count));
        (least, self.lines.iter().any(|line| count(line) > least))
    }
}

fn read(mpd: &str) -> Result<Vec<Period>, EditError> {
    let mut periods: Vec<Period> = Vec::new();
    for line in mpd.lines() {
        if line.starts_with(PERIOD) {
            periods.push(Period::default());
        }
        let Some(period) = periods.last_mut() else { continue };
        if let Some(first) = attribute(line, "startNumber").filter(|_| line.starts_with(TEMPLATE)) {
            period.first = first.parse().map_err(|_| EditError::NotMpd)?;
        } else if line.starts_with("<SegmentTimeline>") {
            period.lines.push(Vec::new());
        } else if line.starts_with("<S ") {
            let runs = period.lines.last_mut().ok_or(EditError::NotMpd)?;
            let end = runs.last().map(|run| run.start_of(run.count));
            runs.push(Run::read(line, end)?);
        }
    }
    Ok(periods)
}

#[derive(Debug, Default)]
struct Writer {
    out: String,
    first: u64,
    gone: u64,
    is_dropped: bool,
    /// What is still to go of the timeline that is written.
    rest: u64,
    /// Where its last segment ended.
    end: Option<u64>,
}

impl Writer {
    fn begin(&mut self, period: &Period, from: u64) {
        let (gone, stays) = period.gone(from);
        (self.first, self.gone, self.is_dropped) = (period.first, gone, !stays);
    }

    fn line(
        &mut self,
        line: &str,
        depth_s: u64,
        mark: &impl Fn(&str, u64) -> String,
    ) -> Result<(), EditError> {
        if self.is_dropped {
            self.is_dropped = !line.starts_with("</Period>");
        } else if line.starts_with("<S ") {
            self.run(line)?;
        } else if line.starts_with(TEMPLATE) {
            self.template(line, mark)?;
        } else {
            if line.starts_with("<SegmentTimeline>") || line.starts_with(TIMELINE_END) {
                (self.rest, self.end) = (self.gone, None);
            }
            let shorter = attribute(line, DEPTH).filter(|_| line.starts_with("<MPD "));
            match shorter.filter(|own| seconds(own).is_some_and(|own| own > depth_s)) {
                Some(own) => {
                    let (own, depth) =
                        (format!("{DEPTH}=\"{own}\""), format!("{DEPTH}=\"PT{depth_s}S\""));
                    self.out.push_str(&line.replacen(&own, &depth, 1));
                }
                None => self.out.push_str(line),
            }
        }
        Ok(())
    }

    fn run(&mut self, line: &str) -> Result<(), EditError> {
        let run = Run::read(line, self.end)?;
        self.end = Some(run.start_of(run.count));
        let gone = self.rest.min(run.count);
        self.rest -= gone;
        if gone == 0 {
            self.out.push_str(line);
        } else if gone < run.count {
            let again = run.count - gone - 1;
            let again = if again > 0 { format!(" r=\"{again}\"") } else { String::new() };
            let (start, duration) = (run.start_of(gone), run.duration);
            line!(self.out, "<S t=\"{start}\" d=\"{duration}\"{again}/>");
        }
        Ok(())
    }

    fn template(
        &mut self,
        line: &str,
        mark: &impl Fn(&str, u64) -> String,
    ) -> Result<(), EditError> {
        let first = self.first.saturating_add(self.gone);
        if let Some(own) = attribute(line, "startNumber") {
            let (own, new) =
                (format!(" startNumber=\"{own}\""), format!(" startNumber=\"{first}\""));
            self.out.push_str(&line.replacen(&own, &new, 1));
        } else if let Some(media) = attribute(line, "media") {
            let folder = media.strip_suffix(PATTERN).ok_or(EditError::NotMpd)?;
            let (own, mark) = (format!("{PATTERN}\""), mark(folder, first));
            let new = format!("{PATTERN}{QUERY}{first}.{mark}\"");
            self.out.push_str(&line.replacen(&own, &new, 1));
        } else {
            self.out.push_str(line);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "<?xml version=\"1.0\"?>\n\
                        <MPD type=\"dynamic\" timeShiftBufferDepth=\"PT7200S\" \
                        maxSegmentDuration=\"PT2.5S\">\n<Location>manifest.9.mpd</Location>\n";
    const TICKS: u64 = 180_000;

    fn period(first: u64, lines: [&str; 2]) -> String {
        let set = |id: &str, timeline: &str| {
            format!(
                "<AdaptationSet id=\"1\">\n\
                 <SegmentTemplate timescale=\"90000\" startNumber=\"{first}\">\n\
                 <SegmentTimeline>\n{timeline}</SegmentTimeline>\n</SegmentTemplate>\n\
                 <Representation id=\"{id}\">\n<SegmentTemplate \
                 initialization=\"{id}/e/i0.mp4\" media=\"{id}/e/s$Number$.m4s\"/>\n\
                 </Representation>\n</AdaptationSet>\n"
            )
        };
        let [pictures, sound] = [set("720p", lines[0]), set("audio", lines[1])];
        format!("<Period id=\"{first}\" start=\"PT0S\">\n{pictures}{sound}</Period>\n")
    }

    fn cut_to(mpd: &str, depth_s: u32) -> Result<String, EditError> {
        let mark = |folder: &str, first| format!("{folder}{first}").replace('/', "_");
        cut(mpd.as_bytes(), depth_s, mark).map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn what_is_left_is_as_deep_as_the_ticket_and_marked_from_its_first_number_on() {
        // Twenty segments of two seconds; the sound's differ by a frame here and there.
        let pictures = format!("<S t=\"0\" d=\"{TICKS}\" r=\"19\"/>\n");
        let sound = "<S t=\"0\" d=\"180480\" r=\"9\"/>\n<S d=\"179520\" r=\"9\"/>\n";
        let mpd = format!("{HEAD}{}</MPD>\n", period(5, [&pictures, sound]));
        let text = cut_to(&mpd, 20).unwrap();
        // The newest begins at 38 s: what ends at 18 s or before goes, of the sound a segment fewer.
        assert_eq!(text.matches(" startNumber=\"13\"").count(), 2, "{text}");
        assert!(
            text.contains(&format!("<S t=\"{}\" d=\"{TICKS}\" r=\"11\"/>", 8 * TICKS)),
            "{text}"
        );
        let sound = "<S t=\"1443840\" d=\"180480\" r=\"1\"/>\n<S d=\"179520\" r=\"9\"/>\n";
        assert!(text.contains(sound), "{text}");
        assert!(text.contains("media=\"720p/e/s$Number$.m4s?s=13.720p_e_13\"/>"), "{text}");
        assert!(text.contains("initialization=\"audio/e/i0.mp4\" "), "{text}");
        assert!(text.contains("timeShiftBufferDepth=\"PT20S\"") && text.contains("manifest.9.mpd"));
        // Six segments stay, of 2.5 s as the longest may be.
        let least = cut_to(&mpd, 0).unwrap();
        assert!(least.contains("timeShiftBufferDepth=\"PT18S\""), "{least}");
        assert_eq!(least.matches(" startNumber=\"14\"").count(), 2, "{least}");
        // Nothing goes of what is shorter, but it is marked.
        let whole = cut_to(&mpd, 100_000).unwrap();
        let marked = whole.replace("?s=5.720p_e_5", "").replace("?s=5.audio_e_5", "");
        assert_eq!((marked, whole.matches("?s=").count()), (mpd, 2));
    }

    #[test]
    fn a_period_of_which_nothing_is_left_goes() {
        let old = format!("<S t=\"0\" d=\"{TICKS}\" r=\"3\"/>\n");
        let new = format!("<S t=\"{}\" d=\"{TICKS}\" r=\"29\"/>\n", 10 * TICKS);
        let (old, new) = (period(0, [&old, &old]), period(4, [&new, &new]));
        let text = cut_to(&format!("{HEAD}{old}{new}</MPD>\n"), 30).unwrap();
        assert_eq!((text.matches("<Period ").count(), text.matches("</Period>").count()), (1, 1));
        // The newest begins at 78 s; what ends at 48 s goes, the 14th of those that begin at 20 s.
        assert_eq!(text.matches(" startNumber=\"18\"").count(), 2, "{text}");
    }

    #[test]
    fn what_is_no_live_mpd_of_ours_is_refused() {
        let line = format!("<S t=\"0\" d=\"{TICKS}\"/>\n");
        let mpd = format!("{HEAD}{}</MPD>\n", period(0, [&line, &line]));
        assert!(cut_to(&mpd, 30).is_ok());
        assert_eq!(cut_to(&mpd.replace("dynamic", "static"), 30), Err(EditError::Recording));
        for (old, new) in [
            ("<MPD ", "<HTML "),
            (" maxSegmentDuration=\"PT2.5S\"", ""),
            ("t=\"0\" ", ""),
            (" d=\"180000\"", " d=\"0\""),
            (" d=\"180000\"", " d=\"180000\" r=\"-1\""),
            ("startNumber=\"0\"", "startNumber=\"x\""),
            ("s$Number$", "$Time$"),
            ("<S ", "<s "),
        ] {
            assert_eq!(cut_to(&mpd.replace(old, new), 30), Err(EditError::NotMpd), "{new}");
        }
        let huge = mpd.replace(" d=\"180000\"", &format!(" d=\"{0}\" r=\"{0}\"", u64::MAX));
        assert!(cut_to(&huge, 30).is_ok(), "no number is too large");
    }
}
