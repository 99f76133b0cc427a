//! The packager's logic, pure: no clock, no socket, no tokio.
//!
//! In: [`Staged`] events of one show. Out: [`Output`]s. Does not know who encodes, stores or watches.
//!
//! The first rendition of the plan leads: its keyframes decide where all are cut (`cuts`). Each
//! rendition is a `track`: its units wait until their segment is decided, then fill `parts`, which
//! `segment` writes and lists in the `window`. Rendition by rendition the same Media Sequence Number
//! is the same span of time; one with nothing in a span lists a gap there.
//!
//! A film is no show: its cuts are known beforehand, and its pieces are packaged apart from each other (`piece`).
//!
//! ```
//! use origin_packager::{Config, Machine};
//! use shared_media::{Anchor, Now, Poll, Staged};
//!
//! let show = "0123456789abcdef".parse().unwrap();
//! let anchor = Anchor { utc_us: 1_700_000_000_000_000 };
//! let mut machine = Machine::new(Config::default(), show, "e1".to_owned(), anchor);
//! machine.handle(Now::default(), Staged::End);
//! while let Poll::Output(output) = machine.poll() {
//!     println!("{output:?}"); // carry it out
//! }
//! ```

mod captions;
mod catalogue;
mod closed_captions;
mod cuts;
mod date_ranges;
mod facts;
mod form;
mod i_frames;
mod journal;
mod messages;
mod names;
mod output;
mod part_target;
mod parts;
mod piece;
mod rates;
mod recorded;
mod restore;
mod sample;
mod segment;
mod splices;
mod tell;
mod timed;
mod track;
mod window;

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;
use shared_media::{
    AccessUnit, Anchor, Note, Now, Plan, Poll, RenditionId, Staged, TICKS_PER_SECOND, Ticks,
    TrackConfig,
};
use shared_playlist::Multivariant;
use shared_wire::ShowId;

pub use captions::{Caption, CaptionRefusal, CaptionTrack};
pub use closed_captions::ClosedCaptionName;
pub use date_ranges::DateRangeRefusal;
pub use facts::{Facts, multivariant};
pub use messages::TooManyTags;
pub use output::Output;
pub use piece::Given;
pub use restore::{Held, Notes};

use crate::config::Config;
use crate::error::{Drop, Error};
use cuts::Cuts;
use form::Form;
use names::Names;
use part_target::part_target_us;
use sample::Sample;
use track::{Common, Track};

/// Gaps that one tick adds at most: after a long standstill of the clock they come little by little.
const GAPS_AT_ONCE_MAX: usize = 8;

/// Longest time between two processes that gaps stand for, in microseconds: as long as a publisher may be away.
const DOWN_US_MAX: i64 = 1_800_000_000;

/// Packages one publication of one show.
#[derive(Debug)]
pub struct Machine {
    common: Common,
    tracks: Vec<Track>,
    cuts: Cuts,
    phase: Phase,
    /// The multivariant playlist as it was told last.
    told: Option<Multivariant>,
    /// Of how many renditions an I-frame playlist has pictures.
    with_pictures: usize,
    /// When the leader was last heard, in microseconds of the monotonic clock.
    leader_heard_us: u64,
    /// Since when nobody publishes, by the monotonic clock, and how far the show had come then.
    away_since: Option<(Ticks, i64)>,
    /// An earlier process had the show on the air: nobody published since that was killed.
    is_restored: bool,
    /// Up to where gaps stand for a publisher that was away.
    away_until: Ticks,
    /// The renditions as the ladder planned them.
    plan: Option<Plan>,
    /// Decode time of the leader's sample before, until the part target is chosen.
    leader_before: Option<Ticks>,
    /// The monotonic clock, as it was told last.
    now_us: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    /// No plan came yet.
    Fresh,
    /// An earlier process had the show on air; its plan is awaited again.
    Restored,
    /// The part target is not chosen yet: nothing was published.
    Planned,
    Running,
    Ended,
}

impl Machine {
    /// A machine for one publication. `epoch` is 1 to 16 of `a-z 0-9 -` and never used twice for
    /// the show.
    #[must_use]
    pub fn new(config: Config, show: ShowId, epoch: String, anchor: Anchor) -> Self {
        let cuts = Cuts::new(Ticks::ZERO, 1); // replaced by the plan
        let common = Common {
            part_target_us: config.part_target_us,
            captions: captions::Captions::new(config.captions.clone(), config.cues_max),
            closed_captions: closed_captions::ClosedCaptions::new(config.closed_captions.clone()),
            config,
            names: Names { show, epoch },
            anchor,
            target_duration_s: 1,
            outputs: VecDeque::new(),
            journal: journal::Journal::default(),
            date_ranges: date_ranges::DateRanges::default(),
            messages: messages::Messages::default(),
            piece: None,
        };
        Self {
            common,
            tracks: Vec::new(),
            cuts,
            phase: Phase::Fresh,
            away_since: None,
            is_restored: false,
            away_until: Ticks::ZERO,
            plan: None,
            told: None,
            with_pictures: 0,
            leader_heard_us: 0,
            leader_before: None,
            now_us: 0,
        }
    }

    /// What to do next.
    pub fn poll(&mut self) -> Poll<Output> {
        self.common.outputs.pop_front().map_or(Poll::Wait, Poll::Output)
    }

    /// Takes an event. Poll afterwards until it waits.
    pub fn handle(&mut self, now: Now, event: Staged) {
        if self.phase == Phase::Ended {
            return;
        }
        self.now_us = now.monotonic_us;
        match event {
            Staged::Plan(plan) => self.plan(now, plan),
            Staged::Config(id, config) => self.configure(&id, config),
            Staged::Unit(id, unit) => self.unit(now, &id, unit),
            Staged::Offer(id, is_offered) => self.offer(&id, is_offered),
            Staged::Discontinuity if self.common.piece.is_some() => {
                self.out_of_order("a discontinuity within a film");
            }
            Staged::Discontinuity => {
                // However long nobody published: whoever comes may begin with sound.
                self.leader_heard_us = now.monotonic_us;
                self.end_section();
            }
            Staged::End => self.end(),
        }
        self.note();
        self.tell(self.phase == Phase::Ended);
        if self.phase == Phase::Ended {
            let recordings = self.recordings();
            self.common.outputs.push_back(Output::Finished { recordings });
        }
    }

    /// Time passed. While nobody publishes, playlists go on with gaps, so that they stay alive and viewers with them.
    /// Poll afterwards until it waits.
    pub fn tick(&mut self, now: Now) {
        self.now_us = now.monotonic_us;
        let is_between = matches!(self.phase, Phase::Running | Phase::Restored)
            && !self.cuts.is_running()
            && self.tracks.iter().all(Track::is_idle);
        let ends = self.tracks.iter().filter_map(|track| track.window.end(self.common.anchor));
        let Some(end) = ends.max().filter(|_| is_between) else {
            self.away_since = None;
            return;
        };
        let now_us = i64::try_from(now.monotonic_us).unwrap_or(i64::MAX);
        let (from, since_us) = *self.away_since.get_or_insert_with(|| {
            // The clock of this process knows nothing of the time before it; that of the day does.
            let down_us = now.utc_us - self.common.anchor.utc_us_at(end);
            let was_down =
                std::mem::take(&mut self.is_restored) && (0..DOWN_US_MAX).contains(&down_us);
            (end, now_us - if was_down { down_us } else { 0 })
        });
        let span = Ticks(i64::from(self.common.target_duration_s) * TICKS_PER_SECOND);
        // A publisher that is just coming back has its place: it begins at the time of its return.
        let patience = self.millis(self.common.config.away_ms_min);
        let passed = Ticks::from_micros((now_us - since_us).max(0));
        let (mut end, until) = (end.max(self.away_until), from + passed - patience);
        for _ in 0..GAPS_AT_ONCE_MAX {
            if end + span > until {
                break;
            }
            let cut = self.cuts.gap(end);
            for track in &mut self.tracks {
                track.gap(cut, span, &mut self.common);
            }
            end = end + span;
            self.away_until = end;
        }
        self.note();
        self.tell(false);
    }

    /// The bytes of these segments are gone for good: those that are listed are gaps from now on. Poll afterwards
    /// until it waits.
    pub fn lose(&mut self, keys: &HashSet<String>) {
        for track in &mut self.tracks {
            let folder = self.common.names.part(&track.id, "");
            let own = keys.iter().filter_map(|key| key.strip_prefix(&folder));
            let own: HashSet<&str> = own.collect();
            if !own.is_empty() && track.window.lose_where(|uri| !own.contains(uri)) {
                track.writer.changed = true;
                track.writer.i_frames_changed = track.window.last_i_frame().is_some();
            }
        }
        self.tell(self.phase == Phase::Ended);
    }

    fn plan(&mut self, now: Now, plan: Plan) {
        if self.phase == Phase::Restored && self.plan.as_ref() == Some(&plan) {
            self.phase = Phase::Running;
            return;
        }
        if self.phase != Phase::Fresh {
            return self.out_of_order("a second plan");
        }
        self.plan = Some(plan.clone());
        if self.common.piece.is_some() {
            self.phase = Phase::Running; // its cuts are known
        } else {
            self.phase = Phase::Planned;
            self.leader_heard_us = now.monotonic_us;
            self.common.target_duration_s = plan.target_duration_s.max(1);
            let shortest = self.millis(self.common.config.segment_ms_min);
            self.cuts = Cuts::new(shortest, self.common.target_duration_s);
        }
        let track = |(index, rung)| Track::new(rung, index == 0, &self.common);
        self.tracks = plan.rungs.into_iter().enumerate().map(track).collect();
        self.add_captions();
    }

    /// Tracks of captions stand behind what the ladder planned.
    fn add_captions(&mut self) {
        let tracks = self.common.captions.tracks();
        self.tracks.extend(tracks.map(|track| Track::captions(track, &self.common)));
    }

    fn configure(&mut self, id: &RenditionId, config: TrackConfig) {
        if self.tracks.first().is_some_and(|leader| leader.id == *id) {
            self.common.closed_captions.configure(&config);
        }
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == *id) else {
            return self.out_of_order("a configuration of no planned rendition");
        };
        if track.form != Form::from(config.kind()) {
            return self.out_of_order("a configuration of the other kind");
        }
        track.configure(config);
    }

    /// A rendition leaves the multivariant playlist, or is in it again. Its own playlist goes on meanwhile with gaps,
    /// by which players know to take another, and which keep its numbers those of all.
    fn offer(&mut self, id: &RenditionId, is_offered: bool) {
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == *id) else {
            return self.out_of_order("an offer of no planned rendition");
        };
        track.rests = !is_offered;
        self.pump();
        self.all_changed();
    }

    fn unit(&mut self, now: Now, id: &RenditionId, unit: AccessUnit) {
        let Some(index) = self.tracks.iter().position(|track| track.id == *id) else {
            return self.out_of_order("a unit of no planned rendition");
        };
        if unit.pts < self.away_until {
            let trouble = Error::Dropped { rendition: id.clone(), why: Drop::Late };
            return self.common.outputs.push_back(Output::Trouble(trouble));
        }
        if index == 0
            && let Some(known) = self.common.closed_captions.take(&unit)
        {
            self.common.journal.line(&journal::Line::ClosedCaptions(known));
        }
        let reorder_max = self.millis(self.common.config.reorder_ms_max);
        let track = &mut self.tracks[index];
        let Some(sample) = track.timing.place(unit, now.monotonic_us, reorder_max) else {
            let trouble = Error::Dropped { rendition: id.clone(), why: Drop::Timestamps };
            return self.common.outputs.push_back(Output::Trouble(trouble));
        };
        if self.common.piece.is_some() {
            // Where it is cut is decided.
        } else if index == 0 {
            self.leader_heard_us = now.monotonic_us;
            self.lead(&sample);
            self.keep_time(&sample);
        } else {
            self.follow(now, &sample);
        }
        self.tracks[index].push(sample, &mut self.common);
        self.pump();
    }

    /// Captions have their parts and segments where the leader has them, whatever is said.
    fn keep_time(&mut self, sample: &Sample) {
        for track in self.tracks.iter_mut().filter(|track| track.form == Form::Text) {
            let (pts, keyframe, data) = (sample.dts, true, Bytes::new());
            track.push(Sample { pts, keyframe, data, ..sample.clone() }, &mut self.common);
        }
    }

    /// The leader's next sample: it may decide a cut, or break off what came before.
    fn lead(&mut self, sample: &Sample) {
        let jump_max = self.millis(self.common.config.jump_ms_max);
        if self.cuts.is_running() && sample.dts - self.cuts.frontier() > jump_max {
            self.end_section();
        }
        let frame = self.tracks[0].unit_duration();
        // Before anything was put into a segment, the first keyframe waits in the queue.
        let is_wanted = self.phase == Phase::Running && self.tracks[0].wants_keyframe();
        if self.phase == Phase::Planned
            && let Some(before) = self.leader_before.replace(sample.dts)
        {
            let frame = self.tracks[0].stated_duration().unwrap_or(sample.dts - before);
            self.common.part_target_us = part_target_us(self.common.part_target_us, frame);
            self.phase = Phase::Running;
        }
        self.cuts.leader(sample, frame, is_wanted);
    }

    /// Another rendition's next sample: while the leader is silent, it goes on without it.
    fn follow(&mut self, now: Now, sample: &Sample) {
        let lead_max = self.common.config.lead_ms_max;
        let silent_us = now.monotonic_us.saturating_sub(self.leader_heard_us);
        let until = sample.dts - self.millis(lead_max);
        if silent_us > u64::from(lead_max) * 1000 && until > self.cuts.frontier() {
            self.phase = Phase::Running;
            self.cuts.without_leader(until);
        }
    }

    fn pump(&mut self) {
        if self.phase != Phase::Running {
            return; // the part target is not chosen
        }
        for track in &mut self.tracks {
            track.pump(&self.cuts, &mut self.common);
        }
        self.pump_texts();
        let behind = self.tracks.iter().map(Track::next_msn).min();
        self.cuts.forget_before(behind.unwrap_or_default());
    }

    /// Closes every rendition's segment at the same place; what follows starts anew.
    fn end_section(&mut self) {
        if self.phase == Phase::Planned && self.cuts.is_running() {
            self.phase = Phase::Running; // one sample was all there was
        }
        self.cuts.decide_all();
        self.pump();
        let span = self.tracks.iter().map(Track::reach).max().unwrap_or_default();
        if self.is_sliver() {
            for track in &mut self.tracks {
                track.discard(&mut self.common);
            }
            self.cuts.take_back();
        } else if span.0 > 0 {
            for track in &mut self.tracks {
                track.end_section(span, &mut self.common);
            }
        } else {
            self.cuts.take_back();
        }
        self.cuts.restart();
        for track in &mut self.tracks {
            track.restart(self.cuts.next_msn());
        }
    }

    /// Whether the publisher broke off right behind a cut, with pictures whose sound had yet to come: where no viewer
    /// has any of it, a moment less is better than a segment that is a gap in one rendition, at which players stall.
    fn is_sliver(&self) -> bool {
        let mut offered = self.tracks.iter().filter(|track| !track.rests);
        offered.any(Track::has_nothing_behind_a_cut)
            && !self.tracks.iter().any(Track::has_listed_of_segment)
    }

    fn end(&mut self) {
        match self.common.piece {
            Some(_) => self.end_piece(),
            None => self.end_section(),
        }
        self.phase = Phase::Ended;
        self.all_changed();
    }

    /// Every playlist that has anything is to be told anew.
    fn all_changed(&mut self) {
        for track in &mut self.tracks {
            track.writer.changed = track.window.last().is_some();
            track.writer.i_frames_changed = track.window.last_i_frame().is_some();
        }
    }

    /// Notes down what is to be listed, before it is.
    fn note(&mut self) {
        if self.common.piece.is_some() {
            return self.common.journal.forget(); // whoever is killed begins its piece anew
        }
        let note = match (&self.plan, &self.phase) {
            (_, Phase::Ended) => Some(Note::End),
            (Some(plan), Phase::Running | Phase::Restored) if self.common.journal.is_due() => {
                let snapshot = journal::snapshot(plan, &self.tracks, &self.common);
                self.common.journal.begin(&snapshot);
                Some(Note::Begin(snapshot))
            }
            _ => self.common.journal.news().map(Note::Append),
        };
        self.common.outputs.extend(note.map(Output::Note));
    }

    fn recordings(&self) -> Vec<String> {
        let names = &self.common.names;
        let recorded = self.tracks.iter().filter(|track| track.writer.is_recording);
        recorded
            .flat_map(|track| {
                let id = &track.id;
                let i_frames = track.window.last_i_frame().map(|_| names.i_frames(id));
                [Some(names.playlist(id)), i_frames].into_iter().flatten()
            })
            .collect()
    }

    fn out_of_order(&mut self, what: &'static str) {
        self.common.outputs.push_back(Output::Trouble(Error::OutOfOrder(what)));
    }

    fn millis(&self, millis: u32) -> Ticks {
        Ticks::from_millis(i64::from(millis))
    }
}
