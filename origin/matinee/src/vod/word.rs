//! What a process that makes films says of itself: that it is there, what its jobs took, what it leaves to others.
//!
//! In: jobs, clocks, `/proc`. Out: rows, metrics, words in the log. Does not know what jobs do.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{counter, gauge};
use origin_control::{FilmJobKind, FilmLeft, FilmSpent};
use shared_wire::AssetId;

use super::Films;
use super::hold::Hold;
use super::made::Done;
use super::office::Outcome;

/// How often it says so: sooner than others take it for gone.
const BEAT_EVERY: Duration = Duration::from_secs(5);
/// The kernel's ticks in `/proc`, on every Linux of today: 100 a second.
const TICK_MS: i64 = 10;
/// Where in `/proc/…/stat`, behind the name, the ticks of a process are: its own, and those in the kernel.
const TICKS_AT: usize = 11;

/// What this machine calls itself.
pub(crate) fn host() -> Option<String> {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.or_else(|| std::env::var("HOSTNAME").ok())?;
    let name = told.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// What a process that was not waited for has taken of processors, in milliseconds; `None` where nobody tells.
pub(super) fn cpu_ms(pid: u32) -> Option<i64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    of_stat(&stat)
}

fn of_stat(stat: &str) -> Option<i64> {
    // A name may have blanks and parentheses.
    let (_, behind) = stat.rsplit_once(") ")?;
    let ticks = behind.split(' ').skip(TICKS_AT).take(2).map(|field| field.parse::<i64>().ok());
    ticks.sum::<Option<i64>>().map(|ticks| ticks.saturating_mul(TICK_MS))
}

impl Films {
    /// Says that this process is there, until it is over.
    pub(super) async fn beat(self: Arc<Self>) {
        let mut left = HashSet::new();
        let hands = f64::from(self.transcodes);
        gauge!("matinee_film_hands").set(hands);
        loop {
            let rests = self.rest.is_cancelled();
            let said = self.control.film_worker_is_here(self.transcodes, rests, self.own_only);
            match said.await {
                Ok(all) => self.leave_to_others(&all, &mut left),
                Err(error) => tracing::debug!(%error, "nobody heard that this process is there"),
            }
            tokio::select! {
                () = self.over.cancelled() => return,
                () = self.rest.cancelled(), if !rests => {}
                () = tokio::time::sleep(BEAT_EVERY) => {}
            }
        }
    }

    /// Says of each film once that it is left to others.
    #[expect(clippy::cast_precision_loss, reason = "2^53 jobs are many")]
    fn leave_to_others(&self, all: &[FilmLeft], known: &mut HashSet<AssetId>) {
        let jobs = all.iter().fold(0_u64, |jobs, one| jobs.saturating_add(one.jobs));
        gauge!("matinee_film_jobs_of_other_encoders").set(jobs as f64);
        for FilmLeft { asset, encoder, jobs } in
            all.iter().filter(|one| !known.contains(&one.asset))
        {
            let own = &self.encoder;
            tracing::warn!(
                %asset,
                jobs,
                begun_with = encoder,
                own,
                "a film is left to others: it was begun with another encoder"
            );
        }
        *known = all.iter().map(|one| one.asset).collect();
    }

    /// Keeps what a job took, before it is said what became of it.
    pub(super) async fn spend(&self, hold: &Hold, began: Instant, outcome: &Outcome) {
        let lease = &hold.lease;
        if lease.kind == FilmJobKind::List || matches!(outcome, Outcome::Lost) {
            return;
        }
        let cpu_ms = hold.cpu_ms();
        let spent_ms = u64::try_from(cpu_ms).unwrap_or_default();
        counter!("matinee_film_cpu_milliseconds_total", "kind" => lease.kind.name())
            .increment(spent_ms);
        let made = match outcome {
            Outcome::Done(Done::Media(_, ms)) => Some(i64::try_from(*ms).unwrap_or(i64::MAX)),
            _ => None,
        };
        let spent = FilmSpent {
            cpu_ms,
            wall_ms: i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX),
            bytes: made.map_or(0, |_| hold.bytes()),
            media_ms: made.unwrap_or_default(),
        };
        if let Err(error) = self.control.film_job_spent(lease, spent).await {
            tracing::warn!(asset = %lease.asset, %error, "what a job took was not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_took_is_read_whatever_its_name_is() {
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 150 25 900 900 20 0 1 0 5";
        assert_eq!(of_stat(stat), Some(1750));
        for broken in ["", "7 (a) S 1", "7 (a) S 1 2 3 4 5 6 7 8 9 10 x 25"] {
            assert_ne!(of_stat(broken), Some(1750));
        }
        let busy = Instant::now();
        while busy.elapsed() < Duration::from_millis(60) {}
        if std::path::Path::new("/proc/self/stat").exists() {
            assert!(cpu_ms(std::process::id()).is_some());
        }
    }
}
