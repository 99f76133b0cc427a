//! An MPD (ISO/IEC 23009-1) of the objects that HLS playlists list.
//!
//! In: a show's multivariant playlist, and what its media playlists list. Out: the MPD's text. Does not know where
//! objects are stored, who is watching, nor when. The text is a pure function of the playlists, so a show that is on
//! the air, one that another process goes on with, and a recording of years ago all have one, and none is written
//! down.
//!
//! **One timeline.** Media time 0 is the show's anchor, and that is `availabilityStartTime`. Every `Period` has its
//! place on this timeline as `@start` and, the same, as `@presentationTimeOffset`: a sample is shown at its media time,
//! whatever `Period` it is in.
//!
//! Of a recording whose beginning is not shown `@start` counts from what is shown: it does not begin with a hole.
//!
//! **A `Period` is a run of segments** of which every `Representation` in it has each, with one init segment, without a
//! discontinuity: so `$Number$` is the Media Sequence Number. A rendition that lacks a segment is not in that `Period`;
//! where nobody has anything, there is a hole between two.
//!
//! **The segment that is being made** is listed as soon as its first part is there. It can be fetched at once and comes
//! as its parts are closed (`@availabilityTimeComplete`); how long it will be is said as the longest of the newest.

use std::collections::BTreeMap;
use std::sync::Arc;

mod catalogue;
mod cut;
mod edit;
mod run;
pub(crate) mod timeline;
mod write;

pub use catalogue::Catalogue;
pub use cut::cut;
pub use edit::{EditError, enter, filter, offers};
pub use timeline::Timeline;

/// Where a `Period` begins: its first Media Sequence Number, and its start in ticks.
pub type Starts = BTreeMap<u64, i64>;

/// What a show on the air says besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// The target duration, in seconds.
    pub target_duration_s: u32,
    /// How much of the show can be seen, in seconds.
    pub window_s: u32,
    /// The longest part, in microseconds.
    pub part_target_us: u32,
}

/// What an MPD is made of.
#[derive(Debug)]
pub struct Presentation<'a> {
    /// The renditions.
    pub catalogue: &'a Catalogue,
    /// What each lists, in the same order.
    pub timelines: &'a [Timeline],
    /// `None`: it is over.
    pub live: Option<Live>,
}

impl Presentation<'_> {
    /// The text; `None` if nothing is listed. `starts` is where the Periods of the MPD before began, and becomes where
    /// those of this one do: the first keeps its start when its first segments are no longer listed.
    #[must_use]
    pub fn render(&self, starts: &mut Starts) -> Option<String> {
        let runs = run::runs(self.catalogue, self.timelines);
        let periods = run::periods(runs, starts);
        if periods.is_empty() {
            return None;
        }
        Some(write::mpd(self, &periods))
    }

    /// The Media Sequence Number of the newest listed segment.
    #[must_use]
    pub fn newest(&self) -> Option<u64> {
        self.timelines.iter().filter_map(Timeline::newest).max()
    }
}

/// A moment as MPDs write it (`xs:dateTime`), of microseconds since the Unix epoch.
#[must_use]
pub fn date_time(utc_us: i64) -> String {
    crate::date::utc(utc_us)
}

/// The init segment of a run, and the folder its segments are in.
pub(crate) type Map = Arc<str>;
