//! What was staged of each rendition so far.
//!
//! In: configurations and units about to be staged. Out: whether they may be. Keeps every rendition's timestamps
//! strictly growing whatever a child repeats. Does not know where they come from.

use shared_media::{AccessUnit, RenditionId, Ticks, TrackConfig};

/// What staging a configuration takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is in force already.
    None,
    /// It may be staged as it is.
    Quiet,
    /// Units under another one were staged: a discontinuity must come first.
    Break,
}

#[derive(Debug)]
struct Entry {
    id: RenditionId,
    config: Option<TrackConfig>,
    last_dts: Option<Ticks>,
    /// The latest timestamp since the last discontinuity.
    delivered: Option<Ticks>,
    /// Units were staged under the present configuration, with no discontinuity since.
    in_use: bool,
}

/// The renditions of a show in the plan's order.
#[derive(Debug, Default)]
pub(crate) struct Renditions(Vec<Entry>);

impl Renditions {
    pub(crate) fn new(ids: impl Iterator<Item = RenditionId>) -> Self {
        let entry = |id| Entry { id, config: None, last_dts: None, delivered: None, in_use: false };
        Self(ids.map(entry).collect())
    }

    pub(crate) fn id(&self, index: usize) -> Option<&RenditionId> {
        self.0.get(index).map(|entry| &entry.id)
    }

    /// Judges a configuration; unless it is in force already, the caller stages it.
    pub(crate) fn configure(&mut self, index: usize, config: &TrackConfig) -> Change {
        let Some(entry) = self.0.get_mut(index) else { return Change::None };
        if entry.config.as_ref() == Some(config) {
            return Change::None;
        }
        entry.config = Some(config.clone());
        if entry.in_use { Change::Break } else { Change::Quiet }
    }

    /// Whether a unit is new; if so, the caller stages it.
    pub(crate) fn accept(&mut self, index: usize, unit: &AccessUnit) -> bool {
        let Some(entry) = self.0.get_mut(index) else { return false };
        let new = entry.config.is_some() && entry.last_dts.is_none_or(|last| unit.dts > last);
        if new {
            entry.in_use = true;
            entry.last_dts = Some(unit.dts);
            entry.delivered = entry.delivered.max(Some(unit.pts));
        }
        new
    }

    /// The latest timestamp staged since the last discontinuity.
    pub(crate) fn delivered(&self, index: usize) -> Option<Ticks> {
        self.0.get(index)?.delivered
    }

    /// The latest decoding timestamp staged at all.
    pub(crate) fn last_dts(&self, index: usize) -> Option<Ticks> {
        self.0.get(index)?.last_dts
    }

    /// A discontinuity was staged.
    pub(crate) fn broke(&mut self) {
        for entry in &mut self.0 {
            entry.in_use = false;
        }
    }

    /// What follows does not continue what came before.
    pub(crate) fn begin_anew(&mut self) {
        for entry in &mut self.0 {
            entry.delivered = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use shared_media::{AudioCodec, AudioConfig};

    use super::*;

    fn config(channels: u8) -> TrackConfig {
        TrackConfig::Audio(AudioConfig {
            codec: AudioCodec::Aac,
            record: Bytes::new(),
            sample_rate: 48_000,
            channels,
        })
    }

    fn unit(dts: i64) -> AccessUnit {
        AccessUnit { pts: Ticks(dts), dts: Ticks(dts), keyframe: true, data: Bytes::new() }
    }

    #[test]
    fn repeated_units_are_refused_and_configurations_come_first() {
        let mut renditions = Renditions::new(RenditionId::new("audio").into_iter());
        assert!(!renditions.accept(0, &unit(0)), "no configuration");
        assert_eq!(renditions.configure(0, &config(2)), Change::Quiet);
        assert!(renditions.accept(0, &unit(5)));
        assert!(!renditions.accept(0, &unit(5)));
        assert!(!renditions.accept(1, &unit(5)), "no such rendition");
        assert_eq!(renditions.configure(0, &config(2)), Change::None);
        assert_eq!(renditions.configure(0, &config(1)), Change::Break);
        renditions.broke();
        assert_eq!(renditions.delivered(0), Some(Ticks(5)));
        renditions.begin_anew();
        assert_eq!(renditions.configure(0, &config(2)), Change::Quiet);
        assert!(!renditions.accept(0, &unit(4)), "order holds across a break");
        assert_eq!((renditions.delivered(0), renditions.last_dts(0)), (None, Some(Ticks(5))));
    }
}
