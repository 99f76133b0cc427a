//! Lock files pin versions, not where this or that machine downloads them from.

use crate::tree::{self, none};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn cargo_takes_everything_from_the_default_registry() {
    let lock = tree::read("Cargo.lock");
    let others: Vec<String> = lock
        .lines()
        .filter_map(|line| line.strip_prefix("source = "))
        .filter(|source| source.trim_matches('"') != CRATES_IO)
        .map(str::to_owned)
        .collect();
    none(&others, "Depend on a released version instead:");
}

#[test]
fn npm_locks_hold_no_download_addresses() {
    let mut found = Vec::new();
    for lock in tree::sources(&["package-lock.json"]) {
        let lines = lock.lines().filter(|line| line.text.contains("\"resolved\""));
        found.extend(lines.take(3).map(|line| lock.at(&line)));
    }
    none(&found, "Put `omit-lockfile-registry-resolved=true` into .npmrc and lock again:");
}
