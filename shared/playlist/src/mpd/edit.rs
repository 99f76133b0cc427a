//! An MPD for one viewer: what a tier may not see goes, and at the way in the rest moves below a session.
//!
//! In: an MPD of ours, one element on a line. Out: the same bytes without the Representations above the tier; at the
//! way in with a `BaseURL` and a `Location` below a prefix. Does not know who asks.
//!
//! URIs in it are relative, so one `BaseURL` moves them all, and what the `Location` names is everybody's bytes.

use thiserror::Error;

/// Why there is no such MPD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EditError {
    /// Every picture is above the tier. The ticket's fault.
    #[error("the show has nothing at or below {height_max}p")]
    TierTooLow {
        /// The tier's highest rung.
        height_max: u16,
    },
    /// It is a recording, and the ticket is for the live show. The ticket's fault.
    #[error("the ticket is for the live show, not for its recording")]
    Recording,
    /// It is not an MPD of ours.
    #[error("it is no MPD")]
    NotMpd,
}

const MPD: &str = "<MPD ";
const LOCATION: &str = "<Location>";
/// Elements that hold Representations, from the inside.
const HOLDERS: [(&str, &str); 2] =
    [("<AdaptationSet ", "</AdaptationSet>"), ("<Period ", "</Period>")];
const REPRESENTATION: &str = "<Representation ";

/// The MPD below `prefix`, such as `/p/<session>/`.
///
/// # Errors
/// If it is no MPD of ours.
pub fn enter(mpd: &[u8], prefix: &str) -> Result<Vec<u8>, EditError> {
    let mpd = text(mpd)?;
    let mut out = String::with_capacity(mpd.len() + prefix.len() * 2 + 64);
    for line in mpd.split_inclusive('\n') {
        match line.strip_prefix(LOCATION) {
            Some(rest) => out.extend([LOCATION, prefix, rest]),
            None => out.push_str(line),
        }
        if line.starts_with(MPD) {
            out.extend(["<BaseURL>", prefix, "</BaseURL>\n"]);
        }
    }
    Ok(out.into_bytes())
}

/// The MPD without pictures higher than `height_max`, the smaller side being the height.
///
/// # Errors
/// If no picture is left where there was one, or it is no MPD of ours.
pub fn filter(mpd: &[u8], height_max: u16) -> Result<Vec<u8>, EditError> {
    let mpd = text(mpd)?;
    let mut kept = Kept { out: String::with_capacity(mpd.len()), ..Kept::default() };
    let (mut had_pictures, mut has_pictures) = (false, false);
    let mut is_dropped = false;
    for line in mpd.split_inclusive('\n') {
        if line.starts_with(REPRESENTATION) {
            let is_picture = kept.is_of_pictures || attribute(line, "width").is_some();
            is_dropped = is_picture && !is_within(line, height_max);
            had_pictures |= is_picture;
            has_pictures |= is_picture && !is_dropped;
            kept.fill(!is_dropped);
        }
        if is_dropped {
            is_dropped = !line.starts_with("</Representation>");
        } else {
            kept.take(line);
        }
    }
    if had_pictures && !has_pictures {
        return Err(EditError::TierTooLow { height_max });
    }
    Ok(kept.out.into_bytes())
}

/// Whether an MPD offers this Representation.
#[must_use]
pub fn offers(mpd: &[u8], id: &str) -> bool {
    let lines = mpd.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    let mut offered = lines.filter(|line| line.starts_with(REPRESENTATION));
    offered.any(|line| attribute(line, "id") == Some(id))
}

/// What is kept; an element that holds nothing is taken out again when it ends.
#[derive(Default)]
struct Kept {
    out: String,
    /// Where the set and the Period begin in it, and whether they hold anything.
    open: [Option<(usize, bool)>; 2],
    is_of_pictures: bool,
}

impl Kept {
    fn fill(&mut self, is_kept: bool) {
        for (_, is_filled) in self.open.iter_mut().flatten() {
            *is_filled |= is_kept;
        }
    }

    fn take(&mut self, line: &str) {
        if line.starts_with("<AdaptationSet ") {
            self.is_of_pictures = attribute(line, "contentType") == Some("video");
        }
        for (open, (start, _)) in self.open.iter_mut().zip(HOLDERS) {
            if line.starts_with(start) {
                *open = Some((self.out.len(), false));
            }
        }
        self.out.push_str(line);
        for (open, (_, end)) in self.open.iter_mut().zip(HOLDERS) {
            if line.starts_with(end)
                && let Some((at, false)) = open.take()
            {
                self.out.truncate(at);
            }
        }
    }
}

pub(super) fn text(mpd: &[u8]) -> Result<&str, EditError> {
    let text = std::str::from_utf8(mpd).map_err(|_| EditError::NotMpd)?;
    text.lines().any(|line| line.starts_with(MPD)).then_some(text).ok_or(EditError::NotMpd)
}

/// Whether a picture is within a tier; one whose size nobody says is above every tier.
fn is_within(line: &str, height_max: u16) -> bool {
    let side = |name| attribute(line, name).and_then(|text| text.parse::<u64>().ok());
    let height = side("width").zip(side("height")).map(|(width, height)| width.min(height));
    height.is_some_and(|height| height <= u64::from(height_max))
}

/// The value of an attribute of the element on a line.
pub(super) fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = line;
    while let Some(at) = rest.find(name) {
        let (before, from) = rest.split_at_checked(at)?;
        let value = from.get(name.len()..)?;
        match value.strip_prefix("=\"") {
            Some(value) if before.ends_with(' ') => return value.split('"').next(),
            _ => rest = value,
        }
    }
    None
}
