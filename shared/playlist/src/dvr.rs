//! How far back a tier may go: a media playlist cut to its depth behind the live edge.
//!
//! In: a whole media playlist as everybody's cache has it, and a depth in seconds. Out: the playlist a tier may see,
//! and the lowest Media Sequence Number it admits to. Does not know who asks, nor the names of segments.
//!
//! **The rule.** Counted from the end of the last complete segment, a segment that ends more than the depth ago goes.
//! But never does so much go that fewer than `HOLD-BACK` (3 target durations where it is not said, and 6 at most here)
//! and 3 target durations more are left: a player starts at `HOLD-BACK` from the end (4.4.3.8), needs something behind
//! that to stall in, and a live playlist shorter than 3 target durations is forbidden (6.2.2). So a depth of 0 is the
//! live edge: six target durations of it. Parts do not count, so that what goes depends on complete segments alone and
//! the first Media Sequence Number never steps back.
//!
//! **What stays true.** `EXT-X-MEDIA-SEQUENCE` and `EXT-X-DISCONTINUITY-SEQUENCE` count what went (6.2.2). The first
//! segment that stays is read with the same `EXT-X-MAP` and `EXT-X-KEY` as before, and under the same keys in force
//! where the map stood, at the same `EXT-X-PROGRAM-DATE-TIME`, `EXT-X-BITRATE` and `EXT-X-BYTERANGE`: what it
//! inherited is written out. Every byte after that is untouched. `EXT-X-DATERANGE` stays wherever it stood.
//! `EXT-X-PLAYLIST-TYPE:EVENT` goes, since it promises that nothing does.
//!
//! **Delta updates.** A delta from the origin lacks what the rule needs: how long the skipped segments are, and how
//! many discontinuities are among them. So it is refused here; ask the origin without `_HLS_skip`, and this for the
//! [`Form::Delta`] of the cut playlist. A player that had the cut playlist, or a delta of it, within half of
//! `CAN-SKIP-UNTIL` holds every segment that is skipped.
//!
//! **Recordings.** A `VOD` playlist, or an `EVENT` one that has ended, is not cut but refused: a ticket with a depth is
//! for the live show. A playlist with no type that has ended is the live window's last word, and is cut.

use std::borrow::Cow;

use thiserror::Error;

mod cut;
mod force;
mod tag;
mod window;

use window::Window;

/// Most `KEYFORMAT`s in force at once; players know four.
pub const KEY_FORMATS_MAX: usize = 16;
/// How long after it left the cut playlist a segment may still be asked for, in target durations: players hold a
/// playlist for a while before they ask for what it lists (6.2.2).
pub const GRACE_TARGETS: u64 = 3;

/// Which form of the cut playlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All of it.
    Whole,
    /// A delta update (6.2.5.1), where the playlist offers them and something can be skipped. Date ranges are never
    /// skipped, nor is that offered: `CAN-SKIP-DATERANGES` goes from either form.
    Delta,
}

/// A playlist cut to a depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut<'a> {
    /// Its text: the input itself if nothing had to go.
    pub text: Cow<'a, [u8]>,
    /// The Media Sequence Number of its first segment, skipped or not.
    pub first_msn: u64,
    /// The lowest Media Sequence Number that may still be asked for, [`GRACE_TARGETS`] further back.
    pub lowest_msn: u64,
}

/// Why a playlist cannot be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DvrError {
    /// It is a recording, and the ticket is for the live show. The ticket's fault.
    #[error("the ticket is for the live show, not for its recording")]
    Recording,
    /// It is a delta update (`EXT-X-SKIP`). Our own fault: a whole one was to be fetched.
    #[error("a delta update cannot be cut, only a whole playlist")]
    Delta,
    /// It is no media playlist, or breaks the rules of one where it matters. The playlist's fault.
    #[error("the media playlist is malformed: {0}")]
    Malformed(&'static str),
}

/// Cuts `playlist` to `depth_s` seconds behind the live edge.
///
/// # Errors
/// If it is a recording, a delta update, or no media playlist.
pub fn cut(playlist: &[u8], depth_s: u32, form: Form) -> Result<Cut<'_>, DvrError> {
    let window = Window::read(playlist)?;
    let depth_us = u64::from(depth_s) * 1_000_000;
    let gone = window.gone(depth_us, 0);
    let skipped = match form {
        Form::Whole => 0,
        Form::Delta => window.skippable(gone),
    };
    let text = if gone == 0 && skipped == 0 && !window.is_event && !window.skips_ranges {
        Cow::Borrowed(playlist)
    } else {
        Cow::Owned(cut::text(playlist, &window, gone, skipped)?)
    };
    Ok(Cut {
        text,
        first_msn: window.msn(gone),
        lowest_msn: window.msn(window.gone(depth_us, GRACE_TARGETS)),
    })
}

/// The lowest Media Sequence Number that a depth of `depth_s` seconds admits to, by a whole playlist, with
/// [`GRACE_TARGETS`]. In an I-frame playlist it counts I-frames, not segments.
///
/// # Errors
/// If it is a recording, a delta update, or no media playlist.
pub fn lowest_msn(playlist: &[u8], depth_s: u32) -> Result<u64, DvrError> {
    let window = Window::read(playlist)?;
    Ok(window.msn(window.gone(u64::from(depth_s) * 1_000_000, GRACE_TARGETS)))
}

#[cfg(test)]
mod tests;
