//! `make bench-edge`: our edge beside nginx, one worker each, in one run.
//!
//! In: nginx, `wrk` and `h2load`, the component, the guest of `checks`. Out: a table on standard output; with `--keep
//! DIR`, the table and a drawing of it in that directory. Measures; whether a figure is good enough is a column.
//!
//! The servers share one core, the loads the other. Each row goes round several times, ours and nginx by turns, and
//! the median counts: what else the machine does then weighs on both alike.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

mod checks;
mod latency;
mod load;
mod nginx;
mod origin;
mod ours;
mod process;
mod report;
mod rows;
mod serve;
mod stage;
mod taken;
mod tokens;

use load::{Load, Run};
use nginx::Nginx;
use report::{Better, Row};
use stage::Stage;

/// How it is run.
pub(crate) struct Plan {
    rounds: usize,
    seconds: u32,
    /// Only rows whose name contains this.
    only: Option<String>,
}

/// The stage, nginx on it, and what was measured so far.
pub(crate) struct Bench {
    plan: Plan,
    stage: Stage,
    origin: SocketAddr,
    nginx: Nginx,
    script: PathBuf,
    rows: Vec<Row>,
}

/// What two sides are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Requests,
    Bytes,
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("serve", rest)) =
        arguments.split_first().map(|(first, rest)| (first.as_str(), rest))
    {
        return serve::serve(rest);
    }
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str| after(name).and_then(|number| number.parse().ok());
    let plan = Plan {
        rounds: number("--rounds").unwrap_or(5),
        seconds: u32::try_from(number("--seconds").unwrap_or(3)).map_err(io::Error::other)?,
        only: after("--only"),
    };
    let stage = Stage::set()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let origin = runtime.block_on(origin::start(&stage))?;
    let nginx = Nginx::start(&stage, origin)?;
    let script = stage.path("paths.lua");
    std::fs::write(&script, load::SCRIPT)?;
    let mut bench = Bench { plan, stage, origin, nginx, script, rows: Vec::new() };
    bench.all()?;
    let table = report::table(&bench.rows);
    write!(io::stdout(), "\n{table}")?;
    // `cargo bench` has made the tests' folder ours; whoever typed a folder was at the root.
    if let Some(directory) = after("--keep").map(|named| stage::root().join(named)) {
        std::fs::write(directory.join("bench-edge-table.md"), &table)?;
        std::fs::write(directory.join("bench-edge.svg"), report::drawing(&bench.rows))?;
    }
    Ok(())
}

impl Bench {
    /// Whether a row is asked for.
    pub(crate) fn wants(&self, what: &str) -> bool {
        self.plan.only.as_ref().is_none_or(|only| what.contains(only.as_str()))
    }

    /// A load on `server` with these paths.
    pub(crate) fn load(
        &self,
        base: &str,
        server: u32,
        name: &str,
        paths: &[String],
    ) -> io::Result<Load> {
        let paths = self.stage.list(name, paths)?;
        Ok(Load { base: base.to_owned(), paths, server, h2: false })
    }

    /// Measures ours beside theirs.
    pub(crate) fn compare(
        &mut self,
        what: &str,
        (ours, theirs): (&Load, &Load),
        by: By,
        (at_least, aim): (f64, f64),
    ) -> io::Result<f64> {
        if !self.wants(what) {
            return Ok(0.0);
        }
        let (mut mine, mut others) = (Vec::new(), Vec::new());
        for _ in 0..self.plan.rounds {
            mine.push(ours.run(&self.script, self.plan.seconds)?);
            others.push(theirs.run(&self.script, self.plan.seconds)?);
        }
        let of = |runs: &[Run], what: fn(&Run) -> f64| median(runs.iter().map(what).collect());
        let rate: fn(&Run) -> f64 = match by {
            By::Requests => |run| run.requests_s,
            By::Bytes => |run| run.bytes_s,
        };
        let told = |runs: &[Run]| match by {
            By::Requests => format!(
                "{:.0}/s, {:.1} µs each",
                of(runs, |run| run.requests_s),
                of(runs, |run| run.cpu_us)
            ),
            By::Bytes => format!(
                "{:.2} GB/s, {:.0} µs each",
                of(runs, |run| run.bytes_s) / 1e9,
                of(runs, |run| run.cpu_us)
            ),
        };
        let row = Row {
            what: what.to_owned(),
            ours: told(&mine),
            theirs: told(&others),
            figure: of(&mine, rate) / of(&others, rate),
            unit: "×",
            at_least,
            aim,
            better: Better::More,
            by_cpu: Some(of(&others, |run| run.cpu_us) / of(&mine, |run| run.cpu_us)),
        };
        self.tell(row)?;
        Ok(of(&mine, |run| run.requests_s))
    }

    /// Measures what our edge adds to a request at half of what it can do.
    pub(crate) fn added_latency(
        &mut self,
        what: &str,
        ours: (SocketAddr, &[String]),
        theirs: (SocketAddr, &[String]),
        rate: f64,
    ) -> io::Result<()> {
        let time = Duration::from_secs(u64::from(self.plan.seconds));
        let (mut mine, mut others) = (Vec::new(), Vec::new());
        for _ in 0..self.plan.rounds {
            mine.push(latency::measure(ours.0, ours.1, rate, time)?.p99_us);
            others.push(latency::measure(theirs.0, theirs.1, rate, time)?.p99_us);
        }
        let (mine, others) = (median(mine) / 1e3, median(others) / 1e3);
        self.tell(Row {
            what: what.to_owned(),
            ours: format!("{mine:.2} ms at {rate:.0}/s"),
            theirs: format!("{others:.2} ms"),
            figure: (mine - others).max(0.0),
            unit: "ms",
            at_least: 2.0,
            aim: 1.0,
            better: Better::Less,
            by_cpu: None,
        })
    }

    /// Keeps a row and shows that it is done.
    pub(crate) fn tell(&mut self, row: Row) -> io::Result<()> {
        writeln!(
            io::stderr(),
            "bench: {}: {} beside {}: {:.2} {}{}",
            row.what,
            row.ours,
            row.theirs,
            row.figure,
            row.unit,
            row.by_cpu.map(|ratio| format!(" (by processor time {ratio:.2})")).unwrap_or_default()
        )?;
        self.rows.push(row);
        Ok(())
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
