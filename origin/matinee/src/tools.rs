//! Tools for any origin, not only this house: `matinee check` and its kin.
//!
//! In: flags. Out: a report on standard output, progress on standard error, an exit code: 0 good, 1 not good or not
//! possible. Does not know how a check is made; `origin-check` does.

use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

/// Flags of `matinee check`.
#[derive(Debug, Args)]
pub(crate) struct CheckFlags {
    /// A multivariant or media playlist, of any origin, on the air
    #[arg(env = "MATINEE_CHECK_URL", hide_env_values = true)]
    url: String,
    /// How long to follow the live edge, in seconds
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u64).range(3..=86_400))]
    watch_s: u64,
    /// Answer in JSON, for programs
    #[arg(long)]
    json: bool,
    /// What SHOULD hold and does not is a failure too
    #[arg(long)]
    strict: bool,
    /// A `Cookie` header for every request
    #[arg(long, env = "MATINEE_COOKIE", hide_env_values = true)]
    cookie: Option<String>,
    /// Take any certificate
    #[arg(long)]
    insecure: bool,
}

/// `matinee check`.
pub(crate) fn check(flags: &CheckFlags) -> ExitCode {
    let config = origin_check::Config {
        url: flags.url.clone(),
        watch: Duration::from_secs(flags.watch_s),
        cookie: flags.cookie.clone(),
        insecure: flags.insecure,
    };
    run(async {
        let report = origin_check::check(config).await.map_err(|error| error.to_string())?;
        let text = if flags.json { json(&report)? } else { report.to_string() };
        Ok((text, report.is_good(flags.strict)))
    })
}

/// Flags of `matinee load`.
#[derive(Debug, Args)]
pub(crate) struct LoadFlags {
    /// A multivariant or media playlist, of any origin, on the air
    #[arg(env = "MATINEE_LOAD_URL", hide_env_values = true)]
    url: String,
    /// How many viewers
    #[arg(long, default_value_t = 100)]
    viewers: usize,
    /// How long they watch, in seconds
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=604_800))]
    watch_s: u64,
    /// Over how many seconds they come
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=86_400))]
    ramp: u64,
    /// They change rungs by what their connection carries; else all take the first
    #[arg(long)]
    choose_rungs: bool,
    /// They ask for parts that are hinted, as Apple's players do; else for those that are listed, as hls.js does
    #[arg(long)]
    hints: bool,
    /// HTTP/2, one connection each; HTTP/1.1 else
    #[arg(long)]
    http2: bool,
    /// Answer in JSON, for programs, without telling progress
    #[arg(long)]
    json: bool,
    /// A `Cookie` header for every request
    #[arg(long, env = "MATINEE_COOKIE", hide_env_values = true)]
    cookie: Option<String>,
    /// Take any certificate
    #[arg(long)]
    insecure: bool,
}

/// `matinee load`.
pub(crate) fn load(flags: &LoadFlags) -> ExitCode {
    let config = origin_load::Config {
        url: flags.url.clone(),
        viewers: flags.viewers,
        duration: Duration::from_secs(flags.watch_s),
        ramp: Duration::from_secs(flags.ramp),
        choose_rungs: flags.choose_rungs,
        take_hints: flags.hints,
        http2: flags.http2,
        cookie: flags.cookie.clone(),
        insecure: flags.insecure,
    };
    let json_wanted = flags.json;
    let tell = move |now: origin_load::Progress| {
        if json_wanted {
            return;
        }
        let all = now.summary;
        eprintln!(
            "{:>5.0} s  {} viewers, {} playing  behind {:.0} ms  \
             part delay p99 {:.0} ms  {} stalls  {} errors",
            all.seconds,
            now.came,
            all.playing,
            all.behind.p50_ms,
            all.part_delay.p99_ms,
            all.stalls,
            all.errors.values().sum::<u64>()
        );
    };
    run(async {
        let summary = origin_load::load(config, tell).await.map_err(|error| error.to_string())?;
        let text = if flags.json { json(&summary)? } else { summary.to_string() };
        Ok((text, summary.is_good()))
    })
}

fn json(value: &impl serde::Serialize) -> Result<String, String> {
    serde_json::to_string_pretty(value).map_err(|error| error.to_string())
}

/// Runs a tool to its end: what it says, and whether all is well.
fn run(tool: impl Future<Output = Result<(String, bool), String>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let said = match runtime {
        Ok(runtime) => runtime.block_on(tool),
        Err(error) => Err(error.to_string()),
    };
    match said {
        // Whoever closes the pipe early has read enough.
        Ok((text, good)) => match writeln!(std::io::stdout(), "{text}") {
            Ok(()) if good => ExitCode::SUCCESS,
            Ok(()) | Err(_) => ExitCode::FAILURE,
        },
        Err(why) => {
            eprintln!("matinee: {why}");
            ExitCode::FAILURE
        }
    }
}
