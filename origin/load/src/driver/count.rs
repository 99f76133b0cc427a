//! Where all viewers count.
//!
//! In: what one viewer met. Out: the [`Summary`] until now. Does not know HTTP.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::config::FIRSTS_MAX;
use crate::machine::{Histogram, Player, Signed};
use crate::summary::{Share, Summary};

/// Most kinds of errors told apart; further ones are one kind.
const ERRORS_MAX: usize = 32;

/// The counts, shared by all viewers.
pub(super) struct Count {
    start: Instant,
    all: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    startup: Histogram,
    part_latency: Signed,
    part_delay: Histogram,
    behind: Histogram,
    playlist: Histogram,
    playing: u64,
    stalls: u64,
    stalled_us: u64,
    jumps: u64,
    switches: u64,
    requests: u64,
    bytes: u64,
    errors: BTreeMap<String, u64>,
    firsts: Firsts,
}

/// When the first viewer had each of the newest parts.
#[derive(Default)]
struct Firsts {
    by_name: HashMap<String, u64>,
    order: VecDeque<String>,
}

/// What one player has been counted of already.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counted {
    stalls: u64,
    stalled_us: u64,
}

impl Count {
    pub(super) fn new(start: Instant) -> Self {
        Self { start, all: Mutex::new(Counts::default()) }
    }

    /// Microseconds since the load began.
    pub(super) fn now_us(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn all(&self) -> MutexGuard<'_, Counts> {
        // Counts are whole whenever the lock is free: nothing between two of them fails.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn request(&self, bytes: usize) {
        let mut all = self.all();
        all.requests += 1;
        all.bytes += bytes as u64;
    }

    pub(super) fn error(&self, what: &str) {
        let mut all = self.all();
        all.requests += 1;
        let known = all.errors.contains_key(what) || all.errors.len() < ERRORS_MAX;
        let what = if known { what } else { "others" };
        *all.errors.entry(what.to_owned()).or_default() += 1;
    }

    pub(super) fn playlist(&self, us: u64) {
        self.all().playlist.add(us);
    }

    pub(super) fn started(&self, us: u64) {
        let mut all = self.all();
        all.playing += 1;
        all.startup.add(us);
    }

    pub(super) fn switched(&self) {
        self.all().switches += 1;
    }

    pub(super) fn jumped(&self) {
        self.all().jumps += 1;
    }

    /// A part that was waited for came; `latency_us` after its end by its own date, if it has one.
    pub(super) fn part(&self, name: String, now_us: u64, latency_us: Option<i64>) {
        let mut all = self.all();
        if let Some(latency) = latency_us {
            all.part_latency.add(latency);
        }
        let delay = all.firsts.delay(name, now_us);
        if let Some(delay) = delay {
            all.part_delay.add(delay);
        }
    }

    /// What a player met since it was last counted.
    pub(super) fn player(&self, player: &Player, counted: &mut Counted, behind_us: Option<u64>) {
        let mut all = self.all();
        all.stalls += player.stalls - counted.stalls;
        all.stalled_us += player.stalled_us - counted.stalled_us;
        if let Some(behind) = behind_us {
            all.behind.add(behind);
        }
        *counted = Counted { stalls: player.stalls, stalled_us: player.stalled_us };
    }

    pub(super) fn summary(&self, viewers: usize) -> Summary {
        let all = self.all();
        Summary {
            viewers,
            playing: all.playing,
            seconds: self.start.elapsed().as_secs_f64(),
            startup: Share::of(&all.startup),
            part_latency: Share::of_signed(&all.part_latency),
            part_delay: Share::of(&all.part_delay),
            behind: Share::of(&all.behind),
            playlist: Share::of(&all.playlist),
            stalls: all.stalls,
            stalled_ms: all.stalled_us / 1000,
            jumps: all.jumps,
            switches: all.switches,
            requests: all.requests,
            bytes: all.bytes,
            errors: all.errors.clone(),
        }
    }
}

impl Firsts {
    /// How long after the first viewer this one has it; `None` for the first.
    fn delay(&mut self, name: String, now_us: u64) -> Option<u64> {
        if let Some(first) = self.by_name.get(&name) {
            return Some(now_us.saturating_sub(*first));
        }
        if self.order.len() >= FIRSTS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_name.remove(&oldest);
        }
        self.order.push_back(name.clone());
        self.by_name.insert(name, now_us);
        None
    }
}
