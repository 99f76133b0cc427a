//! What a check found, for people and for programs.
//!
//! In: findings. Out: a table, JSON, and whether it is good enough. Does not know the rules.

use std::fmt;

use serde::Serialize;

use crate::machine::{Finding, Verdict};

/// The findings of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How long the live edge was followed, in milliseconds.
    pub watched_ms: u64,
    /// How many requests were made.
    pub requests: usize,
    /// One for each item, in order.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many items have this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// Whether nothing failed; with `strict`, nor was anything warned of.
    #[must_use]
    pub fn is_good(&self, strict: bool) -> bool {
        self.count(Verdict::Fail) == 0 && !(strict && self.count(Verdict::Warn) > 0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let verdict = match finding.verdict {
                Verdict::Pass => "pass",
                Verdict::Warn => "WARN",
                Verdict::Fail => "FAIL",
                Verdict::NotTested => "n/a ",
            };
            write!(f, "{:>2}  {verdict}  {:<21}  ", finding.item, finding.name)?;
            writeln!(f, "{:<22}  {}", finding.clause, finding.evidence.join("; "))?;
        }
        write!(
            f,
            "{} pass, {} warn, {} fail, {} not tested; {} requests in {:.1} s",
            self.count(Verdict::Pass),
            self.count(Verdict::Warn),
            self.count(Verdict::Fail),
            self.count(Verdict::NotTested),
            self.requests,
            self.watched_ms as f64 / 1000.0
        )
    }
}
