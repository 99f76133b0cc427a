//! What flows between the stages: publisher → ladder → packager.
//!
//! In: nothing. Out: the events of both hand-overs. Does not know who sends or receives them; the binary joins them.

use serde::{Deserialize, Serialize};

use crate::{
    AccessUnit, AudioConfig, Rendition, RenditionId, SoundTrack, Ticks, TrackConfig, TrackId,
    VideoConfig,
};

/// What ingest hands on, for one show, in order.
///
/// A `Picture` or `Sound` comes before the first `Unit` of its track, and again when parameter sets change. Units of
/// all tracks are interleaved by DTS as far as the publisher does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publication {
    /// How to decode the pictures that follow.
    Picture(VideoConfig),
    /// How to decode the units of that sound that follow.
    Sound(SoundTrack, AudioConfig),
    /// So many sounds will come, all in all, as far as the publisher has said.
    Sounds(u8),
    /// What the publisher says it sends, which may be untrue.
    Rates(DeclaredRates),
    /// One access unit, on the show's own timeline.
    Unit(TrackId, AccessUnit),
    /// The publisher is gone, another came, or its clock broke: what follows does not continue what came before.
    /// Timestamps still only grow. Configs follow again. It may be said twice: when one goes, and when one comes.
    Discontinuity,
    /// The show is over.
    End,
}

/// What a publisher says of its bit rates, in bit/s; never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeclaredRates {
    /// Of its picture.
    pub video: Option<u32>,
    /// Of each of its sounds.
    pub audio: Option<u32>,
}

/// One rung or sound as the ladder will deliver it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Its name and kind.
    pub rendition: Rendition,
    /// What the ladder aims at, in bit/s; `None` where the source passes through and the rate is only measured.
    pub target_bit_rate: Option<u32>,
    /// Where there is no such aim: what its segments will hardly exceed, in bit/s, as far as could be told before
    /// there was one. It stands in for what is measured until something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_bit_rate: Option<u32>,
    /// Of a sound: what it is to a listener. In plans of before there were several: that of the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<SoundTrack>,
}

/// All renditions of a show, said once before any unit, highest video rung first, sound last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The renditions. The first one leads: its keyframes decide where every rendition is cut.
    pub rungs: Vec<Rung>,
    /// `EXT-X-TARGETDURATION`, in whole seconds; fixed for the show (rfc8216bis 6.2.1).
    pub target_duration_s: u32,
    /// With this the ladder makes the same plan again in another process. Only the ladder can read it.
    pub memo: String,
}

/// What the ladder hands to the packager, for one show.
///
/// Per rendition: a `Config`, then units with strictly increasing DTS. Renditions may be behind one another by the
/// encoder's delay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Staged {
    /// The first event of a show, once.
    Plan(Plan),
    /// How to decode the units of that rendition that follow.
    Config(RenditionId, TrackConfig),
    /// One access unit of a rendition.
    Unit(RenditionId, AccessUnit),
    /// Whether a rendition is offered from here on. One that is not has no units until it is again: there is not the
    /// processor time to encode it.
    Offer(RenditionId, bool),
    /// Every rendition breaks here: all units before it belong before, all after it after. It is sent once the
    /// ladder has delivered everything before.
    Discontinuity,
    /// No more will come, of any rendition.
    End,
}

impl Plan {
    /// The rendition whose keyframes decide where all are cut.
    #[must_use]
    pub fn leader(&self) -> Option<&RenditionId> {
        self.rungs.first().map(|rung| &rung.rendition.id)
    }
}

impl VideoConfig {
    /// How long one frame lasts, where the rate is stated.
    #[must_use]
    pub fn frame_duration(&self) -> Option<Ticks> {
        let rate = self.frame_rate.filter(|rate| rate.num > 0 && rate.den > 0)?;
        Some(Ticks(crate::TICKS_PER_SECOND * i64::from(rate.den) / i64::from(rate.num)))
    }
}
