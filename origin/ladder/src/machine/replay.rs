//! What the child was given and has not finished: enough to start another one without losing a picture.
//!
//! In: the steps meant for the child, and what has come out. Out: the steps again, from the last keyframe before which
//! everything is delivered. Does not know processes or renditions.

use std::collections::{BTreeMap, VecDeque};

use shared_media::{AccessUnit, AudioConfig, Ticks, TrackId, TrackKind, VideoConfig};

use crate::config::{Config, span};
use crate::machine::frame::ToChild;

/// What a child must know before the first step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) video: Option<VideoConfig>,
    /// Of each of the publisher's sounds, by number.
    pub(crate) sounds: BTreeMap<u8, AudioConfig>,
    /// A `Switch` lies behind.
    pub(crate) switched: bool,
}

/// A place the replay may begin at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The keyframe there; `None` for sound alone.
    pub(crate) picture: Option<Ticks>,
    /// The latest of the sounds nearest to it, one of each track: the first after it or else the last before it.
    pub(crate) sound: Option<Ticks>,
}

#[derive(Debug)]
struct Item {
    arrived_us: u64,
    step: ToChild,
}

/// The unfinished steps. Positions count from the show's beginning.
#[derive(Debug)]
pub(crate) struct Replay {
    media_max: Ticks,
    bytes_max: usize,
    base: Base,
    items: VecDeque<Item>,
    first: usize,
    sent: usize,
    bytes: usize,
    cuts: VecDeque<usize>,
}

impl Replay {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            media_max: span(config.replay_media_ms_max),
            bytes_max: config.replay_bytes_max,
            base: Base::default(),
            items: VecDeque::new(),
            first: 0,
            sent: 0,
            bytes: 0,
            cuts: VecDeque::new(),
        }
    }

    /// Adds a step. Units of the leading kind that are keyframes are the places a replay may begin at.
    pub(crate) fn push(&mut self, arrived_us: u64, leading: TrackKind, step: ToChild) {
        if let ToChild::Unit(track, unit) = &step {
            self.bytes += unit.data.len();
            if track.kind() == leading && unit.keyframe {
                self.cuts.push_back(self.first + self.items.len());
            }
        }
        self.items.push_back(Item { arrived_us, step });
    }

    /// More is kept than may be.
    pub(crate) fn is_overfull(&self) -> bool {
        let mut units = self.items.iter().filter_map(Item::unit);
        let span = units.next().zip(self.items.iter().rev().find_map(Item::unit));
        self.bytes > self.bytes_max
            || span.is_some_and(|(first, last)| last.dts - first.dts > self.media_max)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) const fn base(&self) -> &Base {
        &self.base
    }

    /// Whether there is a step that was not sent.
    pub(crate) fn has_next(&self) -> bool {
        self.unsent() > 0
    }

    /// Steps that were not sent.
    pub(crate) fn unsent(&self) -> usize {
        self.first + self.items.len() - self.sent
    }

    /// The next step to send.
    pub(crate) fn next(&mut self) -> Option<ToChild> {
        let step = self.items.get(self.sent - self.first)?.step.clone();
        self.sent += 1;
        Some(step)
    }

    /// A new child: everything is to be sent again.
    pub(crate) fn rewind(&mut self) {
        self.sent = self.first;
    }

    /// How much media waits to be worked off: what was not sent, and the last `unanswered` steps that were. Media, not
    /// time, so that what a publisher sends at once is no backlog of the child that grows.
    pub(crate) fn backlog(&self, unanswered: usize) -> Ticks {
        let at = (self.sent - self.first).saturating_sub(unanswered);
        let oldest = self.items.range(at.min(self.items.len())..).find_map(Item::unit);
        let newest = self.items.iter().rev().find_map(Item::unit);
        oldest.zip(newest).map_or(Ticks::ZERO, |(oldest, newest)| newest.dts - oldest.dts)
    }

    /// When the picture with this timestamp arrived.
    pub(crate) fn arrived_us(&self, pts: Ticks) -> Option<u64> {
        let is_it = |item: &&Item| match &item.step {
            ToChild::Unit(TrackId::Video, unit) => unit.pts == pts,
            _ => false,
        };
        let sent = self.items.len().min(self.sent - self.first);
        self.items.range(..sent).rev().find(is_it).map(|item| item.arrived_us)
    }

    /// Forgets everything before the latest place for which `is_complete` says that all before it was delivered.
    pub(crate) fn prune(&mut self, is_complete: impl Fn(Cut) -> bool) {
        while let Some(&next) = self.cuts.get(1) {
            if next >= self.sent || !is_complete(self.cut(next)) {
                return;
            }
            self.cuts.pop_front();
            while self.first < next {
                self.forget_first();
            }
        }
    }

    /// Forgets everything; what it configured stays.
    pub(crate) fn clear(&mut self) {
        self.cuts.clear();
        while !self.items.is_empty() {
            self.forget_first();
        }
        self.sent = self.first;
    }

    fn forget_first(&mut self) {
        let Some(item) = self.items.pop_front() else { return };
        self.first += 1;
        match item.step {
            ToChild::Unit(_, unit) => self.bytes -= unit.data.len(),
            ToChild::Picture(video) => self.base.video = Some(video),
            ToChild::Sound(track, audio) => {
                self.base.sounds.insert(track, audio);
            }
            ToChild::Switch { .. } => self.base.switched = true,
            ToChild::Setup(_) | ToChild::Rest(_) | ToChild::Flush => {}
        }
    }

    fn cut(&self, position: usize) -> Cut {
        let at = position - self.first;
        let sound = |item: &Item| match &item.step {
            ToChild::Unit(TrackId::Audio(track), unit) => Some((*track, unit.pts)),
            _ => None,
        };
        let picture = match self.items.get(at).map(|item| &item.step) {
            Some(ToChild::Unit(TrackId::Video, unit)) => Some(unit.pts),
            _ => None,
        };
        let mut nearest = BTreeMap::new();
        let in_order = self.items.range(at..).chain(self.items.range(..at).rev());
        for (track, pts) in in_order.filter_map(sound) {
            nearest.entry(track).or_insert(pts);
        }
        Cut { picture, sound: nearest.into_values().max() }
    }
}

impl Item {
    const fn unit(&self) -> Option<&AccessUnit> {
        match &self.step {
            ToChild::Unit(_, unit) => Some(unit),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use shared_media::VideoCodec;

    use super::*;

    fn unit(track: TrackId, pts: i64, keyframe: bool) -> ToChild {
        let data = Bytes::from_static(b"1234");
        ToChild::Unit(track, AccessUnit { pts: Ticks(pts), dts: Ticks(pts), keyframe, data })
    }

    fn filled() -> Replay {
        let mut replay = Replay::new(&Config::default());
        for pts in 0..10 {
            let video = unit(TrackId::Video, pts * 10, pts % 4 == 0);
            replay.push(1000 + u64::try_from(pts).unwrap(), TrackKind::Video, video);
            replay.push(0, TrackKind::Video, unit(TrackId::Audio(0), pts * 10 + 1, true));
        }
        replay
    }

    fn sent(replay: &mut Replay) -> Vec<ToChild> {
        std::iter::from_fn(|| replay.next()).collect()
    }

    #[test]
    fn a_new_child_gets_everything_since_the_last_complete_keyframe() {
        let mut replay = filled();
        assert_eq!(sent(&mut replay).len(), 20);
        replay.prune(|cut| cut.picture <= Some(Ticks(40)));
        assert!(!replay.has_next());
        replay.rewind();
        assert_eq!(replay.next(), Some(unit(TrackId::Video, 40, true)));
        assert_eq!(sent(&mut replay).len(), 11);
        assert_eq!(replay.bytes, 12 * 4);
    }

    #[test]
    fn what_was_not_sent_is_kept() {
        let mut replay = filled();
        replay.prune(|_| true);
        assert_eq!(sent(&mut replay).len(), 20);
        replay.prune(|_| true);
        assert_eq!(replay.items.len(), 4);
    }

    #[test]
    fn a_cut_names_its_keyframe_and_the_nearest_sound() {
        let replay = filled();
        let cut = replay.cut(8);
        assert_eq!(cut, Cut { picture: Some(Ticks(40)), sound: Some(Ticks(41)) });
    }

    #[test]
    fn of_several_sounds_a_cut_names_the_latest() {
        let mut replay = filled();
        replay.push(0, TrackKind::Video, unit(TrackId::Audio(2), 47, true));
        replay.push(0, TrackKind::Video, unit(TrackId::Audio(1), 43, true));
        let cut = replay.cut(8);
        assert_eq!(cut, Cut { picture: Some(Ticks(40)), sound: Some(Ticks(47)) });
    }

    #[test]
    fn what_is_forgotten_still_configures() {
        let mut replay = filled();
        let video = VideoConfig {
            codec: VideoCodec::Avc,
            record: Bytes::new(),
            width: 2,
            height: 2,
            frame_rate: None,
            hdr: None,
        };
        let step = ToChild::Picture(video.clone());
        replay.push(0, TrackKind::Video, step);
        replay.push(0, TrackKind::Video, ToChild::Switch { after: Ticks(1), cadence: Ticks(2) });
        replay.clear();
        let sounds = BTreeMap::new();
        assert_eq!(replay.base(), &Base { video: Some(video), sounds, switched: true });
        assert!(replay.is_empty() && !replay.has_next());
        assert_eq!(replay.bytes, 0);
    }

    #[test]
    fn arrival_times_and_limits() {
        let mut replay = filled();
        assert_eq!(replay.arrived_us(Ticks(50)), None, "not sent yet");
        assert_eq!(replay.backlog(0), Ticks(91));
        sent(&mut replay);
        assert_eq!((replay.backlog(0), replay.backlog(4)), (Ticks::ZERO, Ticks(11)));
        assert_eq!(replay.arrived_us(Ticks(50)), Some(1005));
        assert!(!replay.is_overfull());
        replay.push(0, TrackKind::Video, unit(TrackId::Video, 90_000 * 31, false));
        assert!(replay.is_overfull());
    }
}
