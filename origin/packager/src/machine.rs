//! The packager's logic, pure: no clock, no socket, no tokio.
//!
//! In: [`Staged`] events of one show. Out: [`Output`]s. Does not know who encodes, stores or watches.
//!
//! The first rendition of the plan leads: its keyframes decide where all are cut (`cuts`). Each
//! rendition is a `track`: its units wait until their segment is decided, then fill `parts`, which
//! `segment` writes and lists in the `window`. Rendition by rendition the same Media Sequence Number
//! is the same span of time; one with nothing in a span lists a gap there.
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

mod catalogue;
mod cuts;
mod i_frames;
mod journal;
mod names;
mod output;
mod part_target;
mod parts;
mod rates;
mod restore;
mod sample;
mod segment;
mod track;
mod window;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use shared_media::{
    AccessUnit, Anchor, Note, Now, Plan, Poll, RenditionId, Staged, TICKS_PER_SECOND, Ticks,
    TrackConfig,
};
use shared_playlist::Multivariant;
use shared_playlist::media::{MediaPlaylist, Report};
use shared_wire::ShowId;

pub use output::Output;
pub use restore::{Held, Notes};

use crate::config::Config;
use crate::error::{Drop, Error};
use cuts::Cuts;
use names::Names;
use output::object;
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
            config,
            names: Names { show, epoch },
            anchor,
            target_duration_s: 1,
            outputs: VecDeque::new(),
            journal: journal::Journal::default(),
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
            leader_heard_us: 0,
            leader_before: None,
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
        match event {
            Staged::Plan(plan) => self.plan(now, plan),
            Staged::Config(id, config) => self.configure(&id, config),
            Staged::Unit(id, unit) => self.unit(now, &id, unit),
            Staged::Offer(id, is_offered) => self.offer(&id, is_offered),
            Staged::Discontinuity => self.end_section(),
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
            let folder = self.common.names.part(&track.rung.rendition.id, "");
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
        self.phase = Phase::Planned;
        self.leader_heard_us = now.monotonic_us;
        self.common.target_duration_s = plan.target_duration_s.max(1);
        let shortest = Ticks::from_millis(i64::from(self.common.config.segment_ms_min));
        self.cuts = Cuts::new(shortest, self.common.target_duration_s);
        let track = |(index, rung)| Track::new(rung, index == 0, &self.common);
        self.tracks = plan.rungs.into_iter().enumerate().map(track).collect();
    }

    fn configure(&mut self, id: &RenditionId, config: TrackConfig) {
        let Some(track) = self.tracks.iter_mut().find(|track| track.rung.rendition.id == *id)
        else {
            return self.out_of_order("a configuration of no planned rendition");
        };
        if track.rung.rendition.kind != config.kind() {
            return self.out_of_order("a configuration of the other kind");
        }
        track.configure(config);
    }

    /// A rendition leaves the multivariant playlist, or is in it again. Its own playlist goes on meanwhile with gaps,
    /// by which players know to take another, and which keep its numbers those of all.
    fn offer(&mut self, id: &RenditionId, is_offered: bool) {
        let Some(track) = self.tracks.iter_mut().find(|track| track.rung.rendition.id == *id)
        else {
            return self.out_of_order("an offer of no planned rendition");
        };
        track.rests = !is_offered;
        self.pump();
        self.all_changed();
    }

    fn unit(&mut self, now: Now, id: &RenditionId, unit: AccessUnit) {
        let Some(index) = self.tracks.iter().position(|track| track.rung.rendition.id == *id)
        else {
            return self.out_of_order("a unit of no planned rendition");
        };
        if unit.pts < self.away_until {
            let trouble = Error::Dropped { rendition: id.clone(), why: Drop::Late };
            return self.common.outputs.push_back(Output::Trouble(trouble));
        }
        let reorder_max = self.millis(self.common.config.reorder_ms_max);
        let track = &mut self.tracks[index];
        let Some(sample) = track.timing.place(unit, now.monotonic_us, reorder_max) else {
            let trouble = Error::Dropped { rendition: id.clone(), why: Drop::Timestamps };
            return self.common.outputs.push_back(Output::Trouble(trouble));
        };
        if index == 0 {
            self.leader_heard_us = now.monotonic_us;
            self.lead(&sample);
        } else {
            self.follow(now, &sample);
        }
        self.tracks[index].push(sample, &mut self.common);
        self.pump();
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
        if span.0 > 0 {
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

    fn end(&mut self) {
        self.end_section();
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
                let id = &track.rung.rendition.id;
                let i_frames = track.window.last_i_frame().map(|_| names.i_frames(id));
                [Some(names.playlist(id)), i_frames].into_iter().flatten()
            })
            .collect()
    }

    /// Tells what has changed: playlists of renditions, then the multivariant playlist.
    fn tell(&mut self, ended: bool) {
        if !ended && !self.tracks.iter().any(|track| track.writer.changed) {
            return;
        }
        let multivariant = self.newer_multivariant(ended);
        let offered =
            |one: &Multivariant| (one.sounds.len(), one.variants.len(), one.i_frames.len());
        if multivariant
            .as_ref()
            .map(offered)
            .is_some_and(|new| self.told.as_ref().map(offered) != Some(new))
        {
            // A report stands in each before a player can ask for what it is about.
            self.all_changed();
        }
        for index in 0..self.tracks.len() {
            if std::mem::take(&mut self.tracks[index].writer.changed) {
                let arrived_us = self.tracks[index].writer.arrived_us.take();
                self.view(index, self.playlist(index, ended), arrived_us);
            }
            if std::mem::take(&mut self.tracks[index].writer.i_frames_changed) {
                self.view(index, self.i_frame_playlist(index, ended), None);
            }
        }
        if let Some(new) = multivariant {
            let key = self.common.names.multivariant();
            self.common.outputs.push_back(Output::Multivariant(object(key, new.render())));
            self.told = Some(new);
        }
    }

    fn view(&mut self, index: usize, playlist: MediaPlaylist, arrived_us: Option<u64>) {
        let rendition = self.tracks[index].rung.rendition.id.clone();
        self.common.outputs.push_back(Output::View { rendition, playlist, arrived_us });
    }

    /// It is told once all renditions are ready, or the leader has run so long that the rest may
    /// never come; and again when it has become another.
    fn newer_multivariant(&self, ended: bool) -> Option<Multivariant> {
        let patience = self.millis(self.common.config.lag_ms_max);
        let ready = self.tracks.iter().all(catalogue::is_complete)
            || ended
            || self.tracks.iter().any(|track| track.rates.duration() > patience);
        let new = catalogue::catalogue(&self.tracks).filter(|_| ready)?;
        let differs = |old: &Multivariant| catalogue::differs(old, &new) || (ended && *old != new);
        self.told.as_ref().is_none_or(differs).then_some(new)
    }

    fn playlist(&self, index: usize, ended: bool) -> MediaPlaylist {
        let track = &self.tracks[index];
        MediaPlaylist {
            i_frames_only: false,
            target_duration_s: self.common.target_duration_s,
            part_target_us: self.common.part_target_us,
            media_sequence: track.window.media_sequence,
            discontinuity_sequence: track.window.discontinuity_sequence,
            past: track.window.past().map(|shelf| Arc::clone(&shelf.segments)).collect(),
            segments: track.window.segments.iter().cloned().collect(),
            open: track.window.open.clone(),
            hint: (!ended).then(|| track.hint(&self.common)),
            reports: self.reports(index, false),
            ended,
        }
    }

    /// The pictures of the same segments. They are listed when their segment is whole: before that,
    /// the object whose bytes they are is not there.
    fn i_frame_playlist(&self, index: usize, ended: bool) -> MediaPlaylist {
        let window = &self.tracks[index].window;
        MediaPlaylist {
            i_frames_only: true,
            target_duration_s: self.common.target_duration_s,
            part_target_us: self.common.part_target_us,
            media_sequence: window.i_frame_sequence,
            discontinuity_sequence: window.discontinuity_sequence,
            past: window.past().filter_map(|shelf| shelf.i_frames.clone()).collect(),
            segments: window.i_frames.iter().cloned().collect(),
            open: None,
            hint: None,
            reports: self.reports(index, true),
            ended,
        }
    }

    /// One report for each playlist but the one it stands in: that of `index`, or its I-frame playlist.
    fn reports(&self, index: usize, in_i_frames: bool) -> Vec<Report> {
        let mut reports = Vec::new();
        for (other, track) in self.tracks.iter().enumerate() {
            let uri = |i_frames| match other == index {
                true => names::own(i_frames).to_owned(),
                false => names::sibling(&track.rung.rendition.id, i_frames),
            };
            let is_other = |i_frames| other != index || i_frames != in_i_frames;
            if let Some((last_msn, last_part)) = track.window.last().filter(|_| is_other(false)) {
                reports.push(Report { uri: uri(false), last_msn, last_part });
            }
            if let Some(last_msn) = track.window.last_i_frame().filter(|_| is_other(true)) {
                reports.push(Report { uri: uri(true), last_msn, last_part: None });
            }
        }
        reports
    }

    fn out_of_order(&mut self, what: &'static str) {
        self.common.outputs.push_back(Output::Trouble(Error::OutOfOrder(what)));
    }

    fn millis(&self, millis: u32) -> Ticks {
        Ticks::from_millis(i64::from(millis))
    }
}
