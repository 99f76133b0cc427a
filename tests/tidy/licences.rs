//! Everything we build on may be given away with what we build.

use serde_json::Value;
use spdx::{Expression, ParseMode};

use crate::tree::{self, none};

/// Licences that ask for no more than naming the author, or for changes to the library itself (MPL-2.0).
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "BlueOak-1.0.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "WTFPL",
    "Zlib",
];

/// Packages whose licence is stated in a form no program reads, each with what a person read instead.
const READ_BY_A_PERSON: &[(&str, &str)] = &[("combine-errors", "MIT, says its Readme.md")];

/// Whether one of the choices the licence offers is allowed.
fn is_allowed(licence: &str) -> bool {
    let allowed = |requirement: &spdx::LicenseReq| {
        requirement.license.id().is_some_and(|id| ALLOWED.contains(&id.name))
    };
    let mode = ParseMode { allow_slash_as_or_operator: true, ..ParseMode::STRICT };
    Expression::parse_mode(licence, mode).is_ok_and(|expression| expression.evaluate(allowed))
}

#[test]
fn the_rule_reads_expressions() {
    for licence in
        ["MIT", "MIT OR GPL-3.0-only", "Apache-2.0 WITH LLVM-exception OR MIT", "MIT/Apache-2.0"]
    {
        assert!(is_allowed(licence), "{licence}");
    }
    for licence in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "", "my own licence"] {
        assert!(!is_allowed(licence), "{licence}");
    }
}

#[test]
fn crates_have_allowed_licences() {
    let found: Vec<String> = tree::packages(false)
        .map(|package| (package["name"].as_str().unwrap_or_default(), &package["license"]))
        .filter(|(name, licence)| {
            let read = READ_BY_A_PERSON.iter().any(|(package, _)| package == name);
            !read && !is_allowed(licence.as_str().unwrap_or_default())
        })
        .map(|(name, licence)| format!("{name}: {licence}"))
        .collect();
    none(
        &found,
        "Use another crate, or take its licence up in tests/tidy/licences.rs with a reason:",
    );
}

#[test]
fn npm_packages_have_allowed_licences() {
    let mut found = Vec::new();
    for source in tree::sources(&["package-lock.json"]) {
        let lock: Value = serde_json::from_str(&source.text).expect("npm writes JSON");
        let packages = lock["packages"].as_object().expect("a lock file of npm 7 or later");
        let others = packages.iter().filter(|(folder, package)| {
            let name = folder.rsplit("node_modules/").next().unwrap_or_default();
            let read = READ_BY_A_PERSON.iter().any(|(package, _)| *package == name);
            let licence = package["license"].as_str().unwrap_or_default();
            !folder.is_empty() && !read && !is_allowed(licence)
        });
        found.extend(
            others.map(|(folder, package)| {
                format!("{}: {folder}: {}", source.path, package["license"])
            }),
        );
    }
    none(
        &found,
        "Use another package, or take its licence up in tests/tidy/licences.rs with a reason:",
    );
}
