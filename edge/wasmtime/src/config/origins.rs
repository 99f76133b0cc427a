//! Limits of the way to the origins, and of following their deny list.
//!
//! In: nothing. Out: [`OriginLimits`], [`DenyLimits`]. Does not know how they are kept.

use std::time::Duration;

/// Limits of the way to the origins.
#[derive(Debug, Clone)]
pub struct OriginLimits {
    /// Origins one request is sent to, one after the other, until one answers.
    pub tries_max: usize,
    /// Times an object whose connection broke is taken up where it stopped.
    pub resumes_max: usize,
    /// Failures in a row after which an origin is left alone.
    pub failures_max: u32,
    /// Good probes in a row after which it is used again.
    pub successes_min: u32,
    /// How long it is left alone at first; twice as long after each failed probe.
    pub rest_min: Duration,
    /// The longest it is left alone.
    pub rest_max: Duration,
    /// How often an origin is probed. One alone is not: there is nowhere else to go.
    pub probe_every: Duration,
    /// How long the answer to a probe may take.
    pub probe_time_max: Duration,
    /// What is asked for; any answer below 500 is good.
    pub probe_path: String,
}

impl Default for OriginLimits {
    fn default() -> Self {
        Self {
            tries_max: 3,
            resumes_max: 2,
            failures_max: 3,
            successes_min: 2,
            rest_min: Duration::from_secs(1),
            rest_max: Duration::from_secs(30),
            probe_every: Duration::from_secs(2),
            probe_time_max: Duration::from_secs(2),
            probe_path: "/healthz".to_owned(),
        }
    }
}

/// Limits of following the deny list.
#[derive(Debug, Clone)]
pub struct DenyLimits {
    /// How long the origin is asked to hold its answer while nothing changes; it holds at most 30 s.
    pub wait: Duration,
    /// How much longer than that an answer may take.
    pub answer_time_max: Duration,
    /// Bytes of the list; a longer one is not taken.
    pub bytes_max: usize,
    /// How often an origin is asked that does not hold its answer.
    pub poll_every: Duration,
    /// The longest rest after a failure; the first is a quarter of a second.
    pub rest_max: Duration,
    /// How often the time of the last confirmation is written to the disk.
    pub keep_every: Duration,
}

impl Default for DenyLimits {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(25),
            answer_time_max: Duration::from_secs(5),
            bytes_max: 8 * 1024 * 1024,
            poll_every: Duration::from_secs(1),
            rest_max: Duration::from_secs(2),
            keep_every: Duration::from_secs(30),
        }
    }
}
