//! How much sooner two workers make a film than one, each on a core of its own.
//!
//! In: a film; a PostgreSQL and a bucket, as `tests/cluster` has them. Out: a row. Does not know who makes which piece.

use std::io;
use std::path::Path;
use std::time::Instant;

use tokio::runtime::Runtime;

use crate::Plan;
use crate::report::{Better, Row};
use crate::site::Site;
use crate::stage::{SELDOM, film_of, once, upload};
use crate::taken::cpu_s;
use crate::worker::Worker;

/// Smaller than the others, so that it has chunks enough and yet an end.
const SIZE: &str = "1280x720";
/// As houses have them where nobody says otherwise.
const CHUNK_S: &str = "24";
const LEASE_S: u32 = 30;

/// What it took to make the film.
struct Took {
    /// From the upload's end to the film's, in seconds.
    wall_s: f64,
    /// Seconds of its core that each worker took.
    busy_s: Vec<f64>,
    /// How many pieces each made.
    pieces: Vec<u64>,
}

pub(crate) fn rows(plan: &Plan) -> io::Result<Vec<Row>> {
    let cores = cores()?;
    let [first, second, ..] = cores.as_slice() else {
        eprintln!("bench-vod: left out: one core ({cores:?}) has no room for two workers");
        return Ok(Vec::new());
    };
    let file = film_of(&plan.room, plan.pair_s, SIZE)?;
    let runtime = Runtime::new()?;
    let site = runtime.block_on(Site::open_with(LEASE_S, CHUNK_S));
    let site = site.ok_or_else(|| io::Error::other("no PostgreSQL: `scripts/setup.sh test`"))?;
    let url = site.postgres.url();
    let mut workers = vec![site.worker_of(&url, Some(*first))];
    let one = make(&runtime, &site, &workers, &file)?;
    workers.push(site.worker_of(&url, Some(*second)));
    let two = make(&runtime, &site, &workers, &file)?;
    let figure = one.wall_s / two.wall_s;
    for took in [&one, &two] {
        let (wall_s, busy_s, pieces) = (took.wall_s, &took.busy_s, &took.pieces);
        eprintln!("bench-vod: {wall_s:.1} s; workers took {busy_s:.1?} s for {pieces:?} pieces");
    }
    Ok(vec![Row {
        what: format!(
            "a film of {} s made by two workers, against one, each on a core of its own",
            plan.pair_s
        ),
        ours: format!("{:.1} s", two.wall_s),
        theirs: format!("{:.1} s", one.wall_s),
        figure,
        unit: "×",
        at_least: 1.85,
        aim: 2.0,
        better: Better::More,
        by_cpu: Some(one.busiest_s() / two.busiest_s()),
    }])
}

/// Has the film made.
fn make(runtime: &Runtime, site: &Site, workers: &[Worker], file: &Path) -> io::Result<Took> {
    let spent = || workers.iter().map(|one| cpu_s(one.pid())).collect::<Vec<_>>();
    let (before, spent_before) = (runtime.block_on(count(workers)), spent());
    let id = upload(&site.house, file)?;
    let uploaded = Instant::now();
    once(&site.house, &id, SELDOM, |told| told["state"] == "ready")?;
    let wall_s = uploaded.elapsed().as_secs_f64();
    let busy = spent().into_iter().zip(spent_before).map(|(now, then)| now - then);
    let after = runtime.block_on(count(workers));
    let pieces = after.into_iter().zip(before).map(|(now, then)| now - then);
    Ok(Took { wall_s, busy_s: busy.collect(), pieces: pieces.collect() })
}

impl Took {
    fn busiest_s(&self) -> f64 {
        self.busy_s.iter().copied().fold(0.0, f64::max)
    }
}

/// How many pieces each worker has made.
async fn count(workers: &[Worker]) -> Vec<u64> {
    let mut all = Vec::new();
    for worker in workers {
        all.push(worker.jobs("sounds", "done").await + worker.jobs("chunk", "done").await);
    }
    all
}

/// The cores that this process may run on.
fn cores() -> io::Result<Vec<usize>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let ranges = list.unwrap_or_default().trim().split(',').filter_map(|range| {
        let (from, until) = range.split_once('-').unwrap_or((range, range));
        Some(from.parse::<usize>().ok()?..=until.parse::<usize>().ok()?)
    });
    Ok(ranges.flatten().collect())
}
