//! The items: what was seen of an origin, judged.
//!
//! In: [`Seen`]. Out: a [`Finding`] for each of the 37 items. Does not know how anything was fetched, nor a clock. The
//! numbers are those of `shared/reference/ll-hls.md`'s list; clauses are of draft-pantos-hls-rfc8216bis, or of Apple's
//! authoring specification where `Apple` stands before them.

pub mod cmaf;
pub mod seen;

mod authoring;
mod blocking;
mod control;
mod parts;
mod profile;
mod tally;
mod updates;

pub use seen::Seen;
pub use tally::{Finding, Verdict};

/// Judges all items, in their order.
#[must_use]
pub fn judge(seen: &Seen) -> Vec<Finding> {
    let groups: [fn(&Seen) -> Vec<Finding>; 6] = [
        parts::judge,
        control::judge,
        blocking::judge,
        updates::judge,
        profile::judge,
        authoring::judge,
    ];
    groups.iter().flat_map(|group| group(seen)).collect()
}

/// Microseconds as people read them.
fn ms(us: u64) -> String {
    format!("{} ms", us / 1000)
}

/// A target duration in microseconds; 0 where the playlist has none.
fn target_us(list: &shared_playlist::read::Media) -> u64 {
    list.target_duration_s.unwrap_or(0).saturating_mul(1_000_000)
}

/// An address relative to another (RFC 3986, 5.2), as playlists have them.
#[must_use]
pub fn resolve(base: &str, uri: &str) -> String {
    if uri.contains("://") {
        return uri.to_owned();
    }
    let base = base.split(['?', '#']).next().unwrap_or_default();
    let host_at = base.find("://").map_or(0, |at| at + 3);
    let path_at = base[host_at..].find('/').map_or(base.len(), |at| host_at + at);
    let (host, path) = base.split_at(path_at);
    let relative = if uri.starts_with('/') { "" } else { path };
    let mut steps: Vec<&str> = relative.split('/').collect();
    steps.pop();
    for step in uri.split('/') {
        match step {
            ".." if steps.len() > 1 => drop(steps.pop()),
            "." | ".." => {}
            _ => steps.push(step),
        }
    }
    let joined = steps.join("/");
    format!("{host}/{}", joined.trim_start_matches('/'))
}

#[cfg(test)]
mod tests;
