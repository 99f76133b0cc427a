//! Logs and metrics of the process.
//!
//! In: how to write logs. Out: a subscriber for `tracing`, a recorder for `metrics` and the text of `/metrics`. Does
//! not know what is logged or counted. Never logged anywhere: stream keys, tickets, tokens, session capabilities,
//! credentials, e-mail addresses.

use std::io::IsTerminal as _;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::error::Error;

/// Upper bounds of the latency histograms, in seconds: fine around a part's 333 ms, coarse beyond.
const SECONDS: [f64; 12] =
    [0.001, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.333, 0.667, 1.0, 2.0, 5.0];
/// How often histograms are folded while nobody scrapes, so that memory stays bounded.
const UPKEEP: Duration = Duration::from_secs(5);
/// What is logged where `RUST_LOG` says nothing: our own INFO, others' warnings.
const DEFAULT_FILTER: &str = "info,hyper=warn,sqlx=warn,sea_orm=warn,sea_orm_migration=warn";

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// Text for people.
    Pretty,
}

/// Sends logs to standard error; `RUST_LOG` filters.
pub(crate) fn start_logs(format: LogFormat) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    // Filters of the whole and not of the one layer: a layer's own remembers what a library asked for and then did not
    // say, and drops the next line of that thread for it.
    let tells_none = filter_fn(|metadata| !tells_secrets(metadata.target()));
    let logs = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let logs = match format {
        LogFormat::Json => logs.json().flatten_event(true).boxed(),
        LogFormat::Pretty => {
            logs.with_ansi(std::io::stderr().is_terminal()).with_target(false).boxed()
        }
    };
    // A second subscriber in one process is only possible in tests; the first one stays.
    let _ = tracing_subscriber::registry().with(filter).with(tells_none).with(logs).try_init();
}

/// Whether a module would log secrets, whatever `RUST_LOG` says: this one logs packets whole, stream ids in them.
fn tells_secrets(target: &str) -> bool {
    target.starts_with("srt_protocol")
}

/// Installs the recorder; must be called within the runtime.
pub(crate) fn start_metrics() -> Result<PrometheusHandle, Error> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Error::Us(format!("cannot start metrics: {error}")))?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(UPKEEP);
        loop {
            tick.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}
