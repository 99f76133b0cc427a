//! Writes a cut playlist.
//!
//! In: the whole one, its window, how many segments go and how many after them are skipped. Out: text. Does not decide
//! either number.

use memchr::memmem;

use super::DvrError;
use super::force::Force;
use super::tag::{self, Scope};
use super::window::Window;
use crate::scan::{self, Content, Line, Lines};

/// The offer of [`Window::skips_ranges`].
const SKIPS_RANGES: &[u8] = b"CAN-SKIP-DATERANGES=YES";

/// What the lines that were written need to be right, at most, in bytes.
const ROOM_BYTES: usize = 1024;

pub(super) fn text(
    playlist: &[u8],
    window: &Window,
    gone: usize,
    skipped: usize,
) -> Result<Vec<u8>, DvrError> {
    let mut out = Out { bytes: Vec::new(), end: if window.has_cr { b"\r\n" } else { b"\n" } };
    let mut force = Force::default();
    let mut index = 0;
    let mut in_body = false;
    let mut lines = scan::lines(playlist);
    loop {
        let here = lines.clone();
        let Some(line) = lines.next() else { return Ok(out.bytes) };
        let (scope, name) = match line.content() {
            Content::Tag(name, _) => (Scope::of(name), name),
            Content::Uri(_) => (Scope::Segment, &b""[..]),
            Content::Blank => (Scope::Unknown, &b""[..]),
        };
        in_body |= scope == Scope::Segment;
        if scope == Scope::Playlist || !in_body {
            header(&line, name, window, gone, &mut out);
        } else if index < gone + skipped {
            force.take(&line)?;
            index += usize::from(matches!(line.content(), Content::Uri(_)));
        } else {
            missing_sequences(window, gone, &mut out);
            if skipped > 0 {
                out.line(format!("#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}").as_bytes());
            }
            force.put(here.clone(), &mut |line| out.line(line));
            out.bytes.reserve(here.rest.len() + ROOM_BYTES);
            return Ok(rest(here, &force, window.is_event, out));
        }
    }
}

/// A line of the playlist's own, above the first segment that stays.
fn header(line: &Line<'_>, name: &[u8], window: &Window, gone: usize, out: &mut Out) {
    match name {
        tag::SEQUENCE => out.sequence(window, gone),
        tag::DISCONTINUITY_SEQUENCE => out.discontinuity_sequence(window, gone),
        tag::TYPE => {}
        tag::CONTROL if window.skips_ranges => out.without_skipping_ranges(line.text),
        _ => out.bytes.extend_from_slice(line.whole),
    }
}

/// The sequence tags a playlist had no need of until something went.
fn missing_sequences(window: &Window, gone: usize, out: &mut Out) {
    if window.media_sequence.is_none() && gone > 0 {
        out.sequence(window, gone);
    }
    if window.discontinuity_sequence.is_none() && window.discontinuities(gone) > 0 {
        out.discontinuity_sequence(window, gone);
    }
}

/// From the first segment that stays, in which inherited byte offsets are written out, to the end.
fn rest(mut lines: Lines<'_>, force: &Force<'_>, is_event: bool, mut out: Out) -> Vec<u8> {
    let uri = lines.clone().find_map(|line| match line.content() {
        Content::Uri(uri) => Some(uri),
        Content::Tag(..) | Content::Blank => None,
    });
    // The next part may be a later segment's.
    let (mut has_part, mut has_segment) = (!force.has_part_range(), false);
    // The type may stand anywhere (4.4.3.5).
    while is_event || !(has_part && has_segment) {
        let Some(line) = lines.next() else { break };
        let changed = match line.content() {
            Content::Tag(tag::TYPE, _) => continue,
            Content::Tag(tag::BYTE_RANGE, value) if !has_segment => {
                uri.and_then(|uri| force.range(value, uri))
            }
            Content::Tag(tag::PART, list) if !std::mem::replace(&mut has_part, true) => {
                force.part(&line, list)
            }
            Content::Tag(..) | Content::Blank => None,
            Content::Uri(_) => {
                has_segment = true;
                None
            }
        };
        match changed {
            Some(changed) => out.line(&changed),
            None => out.bytes.extend_from_slice(line.whole),
        }
    }
    out.bytes.extend_from_slice(lines.rest);
    out.bytes
}

struct Out {
    bytes: Vec<u8>,
    /// How lines end.
    end: &'static [u8],
}

impl Out {
    fn line(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.bytes.extend_from_slice(self.end);
    }

    fn sequence(&mut self, window: &Window, gone: usize) {
        self.line(format!("#EXT-X-MEDIA-SEQUENCE:{}", window.msn(gone)).as_bytes());
    }

    /// Which ranges are old or were removed is the origin's to know.
    fn without_skipping_ranges(&mut self, control: &[u8]) {
        let offer = memmem::find(control, SKIPS_RANGES);
        let parts = offer.and_then(|at| {
            let (before, rest) = control.split_at_checked(at)?;
            Some((before, rest.get(SKIPS_RANGES.len()..)?))
        });
        let (before, mut after) = parts.unwrap_or((control, b""));
        // The comma before it goes, or the one after it where it stands first.
        let before = match before.strip_suffix(b",") {
            Some(before) => before,
            None => {
                after = after.strip_prefix(b",").unwrap_or(after);
                before
            }
        };
        self.line(&[before, after].concat());
    }

    fn discontinuity_sequence(&mut self, window: &Window, gone: usize) {
        let number = window.discontinuities(gone);
        self.line(format!("#EXT-X-DISCONTINUITY-SEQUENCE:{number}").as_bytes());
    }
}
