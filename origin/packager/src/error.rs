//! What can go wrong here, by whose fault. None of it stops a show.

use shared_media::RenditionId;

/// Trouble with one event; the machine goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The peer's: its decoder configuration cannot be stored. Its units are dropped until
    /// another one comes.
    #[error("the publisher's decoder configuration of {rendition} cannot be packaged: {reason}")]
    Configuration {
        /// Whose configuration.
        rendition: RenditionId,
        /// What is wrong with it.
        reason: String,
    },
    /// An access unit was left out.
    #[error("a unit of {rendition} was dropped: {why}")]
    Dropped {
        /// Whose unit.
        rendition: RenditionId,
        /// Why.
        why: Drop,
    },
    /// A segment has no bytes in one rendition and is listed as a gap.
    #[error("{rendition} has nothing in segment {msn}")]
    Gap {
        /// Which rendition.
        rendition: RenditionId,
        /// The segment's Media Sequence Number.
        msn: u64,
    },
    /// Ours: the stage before sent an event out of order, such as a unit before the plan.
    #[error("an event of the ladder came out of order: {0}")]
    OutOfOrder(&'static str),
}

/// Why an access unit was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Drop {
    /// No decoder configuration came before it, or none that can be stored.
    Unconfigured,
    /// It cannot be decoded: the segment it belongs to did not start with a keyframe.
    NoKeyframe,
    /// Its segment was closed already.
    Late,
    /// It waited for the leader together with too many others.
    Held,
    /// Its timestamps cannot be: before tick 0, or too far apart.
    Timestamps,
    /// The segment is too large.
    TooLarge,
    /// The publisher broke off right behind a cut, before every rendition had something there.
    Sliver,
}

impl Drop {
    /// A name for metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unconfigured => "unconfigured",
            Self::NoKeyframe => "no_keyframe",
            Self::Late => "late",
            Self::Held => "held",
            Self::Timestamps => "timestamps",
            Self::TooLarge => "too_large",
            Self::Sliver => "sliver",
        }
    }
}

impl std::fmt::Display for Drop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
