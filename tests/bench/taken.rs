//! What running processes have taken of the processor.
//!
//! In: a process id. Out: its family, seconds. Linux only: it reads `/proc`. Does not know what they do.

use std::fs;

/// The kernel's ticks per second in `/proc`, on every Linux of today.
const TICKS_PER_S: f64 = 100.0;

/// A process and all below it.
pub(crate) fn family(id: u32) -> Vec<u32> {
    let mut all = vec![id];
    let tasks = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    for task in tasks {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|child| child.parse().ok());
        all.extend(children.flat_map(family));
    }
    all
}

/// Seconds of processor time a process and those below it have taken, with those that have ended.
pub(crate) fn cpu_s(id: u32) -> f64 {
    let own = |id: u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let after_name = stat.rsplit(") ").next().unwrap_or_default().to_owned();
        let fields = after_name.split(' ').skip(11).take(4);
        fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_S
    };
    family(id).into_iter().map(own).sum()
}
