//! What the house keeps of its recordings: quotas, the alarm before the disk is full, and the status that says so.
//!
//! In: what the store has, how shows stand, the operator's limits. Out: recordings deleted or stopped; metrics, log
//! lines and [`HouseStatus`]. Does not judge: `origin_storage::retention` does.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, gauge};
use origin_control::{Control, Error as Told, FoundRecording};
use origin_storage::retention::{self, Limits, Recording, Standing, Verdict};
use origin_storage::{Failure, Health, Space, Store, Usage};
use shared_wire::ShowId;
use shared_wire::api::{Alarm, HouseStatus, OnAir, State};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use crate::shown;
use crate::stage::Stages;

/// How often the disk and the recordings are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often assets are looked for that are kept no longer.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// What the operator allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) limits: Limits,
    /// What a show's recording may take where the show does not say, in bytes.
    pub(crate) show_bytes_max: Option<u64>,
    /// How long assets are kept that do not say, in seconds.
    pub(crate) keep_s: Option<i64>,
}

/// The keeper's own.
struct Keeper {
    control: Control,
    store: Arc<Store>,
    stages: Arc<Stages>,
    rules: Rules,
    status: watch::Sender<Option<HouseStatus>>,
    stopped: HashSet<String>,
    alarm: Alarm,
    /// Shows whose recordings are not deleted to make room, as far as is known.
    kept: HashSet<ShowId>,
    /// When assets that are kept no longer are looked for again.
    next_sweep: Instant,
    /// What recordings took when they were last said to be there.
    found: HashMap<ShowId, u64>,
}

/// Looks after recordings for as long as the house runs.
pub(crate) fn start(
    control: Control,
    store: Arc<Store>,
    stages: Arc<Stages>,
    rules: Rules,
    status: watch::Sender<Option<HouseStatus>>,
) {
    let mut keeper = Keeper {
        control,
        store,
        stages,
        rules,
        status,
        stopped: HashSet::new(),
        alarm: Alarm::Ok,
        kept: HashSet::new(),
        next_sweep: Instant::now(),
        found: HashMap::new(),
    };
    tokio::spawn(async move {
        if let Err(error) = keeper.store.sum_up().await {
            tracing::error!(%error, "what recordings take is not known; quotas count what comes");
        }
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            keeper.look().await;
        }
    });
}

impl Keeper {
    async fn look(&mut self) {
        let space = match self.store.space().await {
            Ok(space) => space,
            Err(error) => {
                tracing::error!(%error, "the disk does not say how much of it is free");
                return;
            }
        };
        self.learn_kept().await;
        let recordings = self.recordings();
        let verdict = retention::judge(&self.rules.limits, &recordings, space.free_bytes);
        for show in &verdict.delete {
            self.delete(show, &recordings).await;
        }
        self.stop(&verdict);
        self.tell(space, &verdict);
        self.find(&recordings, &verdict).await;
        self.sweep().await;
    }

    /// Which recordings are to stay, where any may have to go. While the database is away it is as it was.
    async fn learn_kept(&mut self) {
        let Limits { house_bytes_max, delete_when_low, .. } = self.rules.limits;
        if house_bytes_max.is_none() && !delete_when_low {
            return;
        }
        match self.control.kept_shows().await {
            Ok(kept) => self.kept = kept,
            Err(error) => tracing::debug!(%error, "which recordings are to stay is not known anew"),
        }
    }

    /// Deletes assets that are kept no longer.
    async fn sweep(&mut self) {
        if Instant::now() < self.next_sweep {
            return;
        }
        self.next_sweep = Instant::now() + SWEEP_EVERY;
        match self.control.delete_due_assets().await {
            Ok(deleted) => {
                counter!("matinee_assets_expired_total").increment(deleted.len() as u64);
            }
            Err(error) => tracing::warn!(%error, "assets that are kept no longer stay for now"),
        }
    }

    /// Says of recordings that are whole that they are there: they are assets.
    async fn find(&mut self, recordings: &[Recording], verdict: &Verdict) {
        let is_over = |one: &&Recording| matches!(one.standing, Standing::Over | Standing::Kept);
        for one in recordings.iter().filter(is_over).filter(|one| one.bytes > 0) {
            let Ok(show) = one.show.parse::<ShowId>() else { continue };
            let is_told = self.found.get(&show) == Some(&one.bytes);
            if is_told || verdict.delete.contains(&one.show) {
                continue;
            }
            let Ok(Some(length)) = shown::length(&self.store, show).await else { continue };
            let started_at = length.begin_us.map(|us| us.div_euclid(1_000_000));
            let duration_ms = length.duration_us / 1000;
            let found = FoundRecording { show, bytes: one.bytes, started_at, duration_ms };
            match self.control.recording_found(found).await {
                Ok(()) => drop(self.found.insert(show, one.bytes)),
                Err(error) => tracing::debug!(%show, %error, "a recording is no asset yet"),
            }
        }
    }

    fn recordings(&self) -> Vec<Recording> {
        let shows: HashMap<ShowId, _> =
            self.control.shows().into_iter().map(|show| (show.show, show)).collect();
        let recording = |Usage { show, bytes, written_at_s }| {
            let id = show.parse::<ShowId>().ok();
            let known = id.and_then(|id| shows.get(&id));
            // Films are no recordings: they go with their assets.
            if known.is_some_and(|known| known.asset.is_some()) {
                return None;
            }
            let on_air = id.is_some_and(|id| self.stages.live(id).is_some());
            let standing = match known.map(|known| known.state) {
                None => Standing::Unknown,
                Some(State::Ended) if !on_air => match id.is_some_and(|id| self.kept.contains(&id))
                {
                    true => Standing::Kept,
                    false => Standing::Over,
                },
                Some(_) => Standing::OnAir,
            };
            let own = known.and_then(|known| known.broadcast.recording_bytes_max);
            let bytes_max = own.or(self.rules.show_bytes_max);
            Some(Recording { show, bytes, written_at_s, standing, bytes_max })
        };
        self.store.usage().into_iter().filter_map(recording).collect()
    }

    async fn delete(&self, show: &str, recordings: &[Recording]) {
        let bytes = recordings.iter().find(|one| one.show == show).map_or(0, |one| one.bytes);
        match self.store.delete(show).await {
            Ok(()) => {
                counter!("matinee_recordings_deleted_total").increment(1);
                tracing::warn!(show, bytes, "the oldest recording was deleted to make room");
                self.gone(show).await;
            }
            Err(error) => tracing::error!(show, %error, "a recording could not be deleted"),
        }
    }

    /// What was deleted is no asset any more.
    async fn gone(&self, show: &str) {
        let Ok(show) = show.parse::<ShowId>() else { return };
        match self.control.recording_gone(show).await {
            Ok(()) | Err(Told::ShowUnknown) => {}
            Err(error) => tracing::error!(%show, %error, "a deleted recording is still listed"),
        }
    }

    fn stop(&mut self, verdict: &Verdict) {
        let stopped: HashSet<String> = verdict.stop.iter().cloned().collect();
        for show in stopped.difference(&self.stopped) {
            let advice = "the show goes on; raise its quota or the house's to record it again";
            tracing::error!(show, advice, "a recording has all it may take and was stopped");
        }
        for show in self.stopped.difference(&stopped) {
            tracing::info!(show, "the show may be recorded again");
        }
        if stopped != self.stopped {
            self.store.stop_recording(stopped.clone());
            self.stopped = stopped;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "2^53 bytes are 9 petabytes")]
    fn tell(&mut self, space: Space, verdict: &Verdict) {
        let usage = self.store.usage();
        let recordings_bytes = usage.iter().map(|one| one.bytes).sum::<u64>();
        let alarm = match self.store.health() {
            Health::Degraded(Failure::DiskFull) => Alarm::DiskFull,
            Health::Degraded(Failure::Refused | Failure::Io) => Alarm::DiskBroken,
            Health::Good if !self.stopped.is_empty() => Alarm::RecordingStopped,
            Health::Good if verdict.is_disk_low => Alarm::DiskLow,
            Health::Good => Alarm::Ok,
        };
        gauge!("matinee_storage_disk_free_bytes").set(space.free_bytes as f64);
        gauge!("matinee_storage_disk_low").set(f64::from(u8::from(verdict.is_disk_low)));
        gauge!("matinee_recordings_bytes").set(recordings_bytes as f64);
        gauge!("matinee_recordings_stopped").set(self.stopped.len() as f64);
        if alarm != self.alarm {
            self.alarm = alarm;
            let free_bytes = space.free_bytes;
            match alarm {
                Alarm::Ok => tracing::info!(free_bytes, "recordings have room again"),
                Alarm::DiskLow => tracing::error!(free_bytes, "the disk is almost full"),
                // The store, or what was said above, has the reason.
                Alarm::RecordingStopped | Alarm::DiskFull | Alarm::DiskBroken => {}
            }
        }
        let on_air = |one: Usage| {
            let show: ShowId = one.show.parse().ok()?;
            self.stages.live(show)?;
            let is_recorded =
                self.store.health() == Health::Good && !self.stopped.contains(&one.show);
            Some(OnAir { show, recording_bytes: one.bytes, is_recorded })
        };
        self.status.send_replace(Some(HouseStatus {
            alarm,
            disk_free_bytes: space.free_bytes,
            disk_bytes: space.bytes,
            disk_low_bytes: self.rules.limits.disk_low_bytes,
            recordings_bytes,
            recordings_bytes_max: self.rules.limits.house_bytes_max,
            on_air: usage.into_iter().filter_map(on_air).collect(),
        }));
    }
}
