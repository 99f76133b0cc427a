//! What of a multivariant playlist a tier may see.
//!
//! In: a whole multivariant playlist, ours or anyone's, and the highest rung of a tier. Out: the same bytes without the
//! lines above it. Does not know who asks, nor where the URIs lead.
//!
//! - A rung's height is the smaller side of `RESOLUTION`: 720p is 1280x720 and, held upright, 720x1280.
//! - What has no `RESOLUTION` is sound and stays, unless it says itself that it has a picture (`CODECS`,
//!   `FRAME-RATE`, `VIDEO-RANGE`, `VIDEO`): then nobody knows how high it is, and it goes. So does an
//!   `EXT-X-I-FRAME-STREAM-INF` without `RESOLUTION`, which is always a picture.
//! - `EXT-X-MEDIA` of a group that no remaining variant names goes. Names are compared as they are written; where
//!   a `{$variable}` stands in one, the group stays, since who may be meant is not known here.
//! - Everything else stays byte for byte: `EXT-X-SESSION-KEY`, `EXT-X-SESSION-DATA`, `EXT-X-CONTENT-STEERING`,
//!   `EXT-X-DEFINE`, comments, tags of tomorrow, line ends.
//!
//! If every variant is above the tier, the playlist is refused and not answered with the lowest: a tier is a promise to
//! the creator, and an edge that later sees a request for that rung must refuse it anyway.

use std::collections::BTreeSet;

use memchr::memmem;
use thiserror::Error;

use crate::scan::{self, Content, Line, attribute, attributes};

const VARIANT: &[u8] = b"EXT-X-STREAM-INF";
const I_FRAMES: &[u8] = b"EXT-X-I-FRAME-STREAM-INF";
const RENDITION: &[u8] = b"EXT-X-MEDIA";
/// The attributes of a variant that name a group, which are also the types of groups (4.4.6.1).
const GROUPS: [&str; 4] = ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"];
/// How the names of formats without a picture begin (RFC 6381).
const SOUND_OR_TEXT: [&str; 13] = [
    "mp4a", "ac-3", "ec-3", "ac-4", "alac", "flac", "opus", "dts", "mhm1", "mhm2", "iamf", "stpp",
    "wvtt",
];

/// Why nothing is left to answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FilterError {
    /// Every variant is above the tier. The ticket's fault: it is for less than the show has.
    #[error("the show has nothing at or below {height_max}p")]
    TierTooLow {
        /// The tier's highest rung.
        height_max: u16,
    },
    /// It offers no variant: the playlist's fault.
    #[error("the playlist is no multivariant playlist")]
    NotMultivariant,
}

/// The runs of `playlist` that a tier may see, in order; joined, they are the filtered playlist.
///
/// # Errors
/// If no variant is left, or there was none.
pub fn by_height(playlist: &[u8], height_max: u16) -> Result<Vec<&[u8]>, FilterError> {
    let named = named(playlist, height_max)?;
    let mut runs = Vec::new();
    let mut run = 0..0;
    each(playlist, height_max, |line, stays| {
        let stays = stays
            && match line.content() {
                Content::Tag(RENDITION, list) => named.has_group_of(list),
                _ => true,
            };
        if !stays {
            runs.extend(playlist.get(run.clone()).filter(|run| !run.is_empty()));
            run.start = run.end + line.whole.len();
        }
        run.end += line.whole.len();
    });
    runs.extend(playlist.get(run).filter(|run| !run.is_empty()));
    Ok(runs)
}

/// The groups that the remaining variants name.
#[derive(Default)]
struct Named<'a> {
    groups: BTreeSet<(&'a [u8], &'a [u8])>,
    /// The types of which one is named by a variable.
    unknown: BTreeSet<&'a [u8]>,
}

fn named(playlist: &[u8], height_max: u16) -> Result<Named<'_>, FilterError> {
    let mut named = Named::default();
    let (mut variants, mut stay) = (0_usize, 0_usize);
    each(playlist, height_max, |line, stays| {
        if let Content::Tag(name @ (VARIANT | I_FRAMES), list) = line.content() {
            if name == VARIANT {
                variants += 1;
                stay += usize::from(stays);
            }
            if stays {
                named.add(list);
            }
        }
    });
    match (variants, stay) {
        (0, _) => Err(FilterError::NotMultivariant),
        (_, 0) => Err(FilterError::TierTooLow { height_max }),
        _ => Ok(named),
    }
}

impl<'a> Named<'a> {
    fn add(&mut self, list: &'a [u8]) {
        for one in attributes(list).filter(|one| one.is_quoted) {
            if GROUPS.iter().any(|kind| kind.as_bytes() == one.name) {
                if has_variable(one.value) {
                    self.unknown.insert(one.name);
                }
                self.groups.insert((one.name, one.value));
            }
        }
    }

    /// Whether the group of an `EXT-X-MEDIA` is named, or may be.
    fn has_group_of(&self, list: &[u8]) -> bool {
        let value = |name| attribute(list, name).map(|one| one.value);
        let (Some(kind), Some(group)) = (value("TYPE"), value("GROUP-ID")) else { return true };
        let is_known_type = GROUPS.iter().any(|one| one.as_bytes() == kind);
        !is_known_type
            || has_variable(group)
            || self.unknown.contains(kind)
            || self.groups.contains(&(kind, group))
    }
}

fn has_variable(text: &[u8]) -> bool {
    memmem::find(text, b"{$").is_some()
}

/// Calls `take` with every line and whether its height lets it stay. A variant's URI line shares its lot.
fn each<'a>(playlist: &'a [u8], height_max: u16, mut take: impl FnMut(&Line<'a>, bool)) {
    let mut variant_stays = true;
    for line in scan::lines(playlist) {
        let stays = match line.content() {
            Content::Tag(VARIANT, list) => {
                variant_stays = is_within(list, false, height_max);
                variant_stays
            }
            Content::Tag(I_FRAMES, list) => is_within(list, true, height_max),
            Content::Uri(_) => std::mem::replace(&mut variant_stays, true),
            Content::Tag(..) | Content::Blank => true,
        };
        take(&line, stays);
    }
}

fn is_within(list: &[u8], is_picture: bool, height_max: u16) -> bool {
    match attribute(list, "RESOLUTION") {
        Some(one) => height(one.value).is_some_and(|height| height <= u64::from(height_max)),
        None => !is_picture && !says_it_has_a_picture(list),
    }
}

/// The smaller side of a resolution, in pixels.
fn height(resolution: &[u8]) -> Option<u64> {
    let x = resolution.iter().position(|byte| matches!(byte, b'x' | b'X'))?;
    let (width, height) = resolution.split_at_checked(x)?;
    Some(scan::integer(width)?.min(scan::integer(height.get(1..)?)?))
}

fn says_it_has_a_picture(list: &[u8]) -> bool {
    attributes(list).any(|one| match one.name {
        b"FRAME-RATE" | b"VIDEO-RANGE" | b"VIDEO" => true,
        b"CODECS" => {
            one.value.split(|byte| *byte == b',').any(|codec| is_picture(codec.trim_ascii()))
        }
        _ => false,
    })
}

fn is_picture(codec: &[u8]) -> bool {
    let opens_with = |name: &&str| {
        codec.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
    };
    !codec.is_empty() && !SOUND_OR_TEXT.iter().any(opens_with)
}

#[cfg(test)]
mod tests;
