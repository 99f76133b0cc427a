//! Who may know whom.

use serde_json::Value;

use crate::tree::{self, none};

/// The folders a package may depend on, by its own folder; the first line that fits decides.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("shared/", &["shared/"]),
    ("origin/matinee", &["shared/", "origin/", "edge/"]),
    ("origin/", &["shared/"]),
    ("edge/answer", &["shared/"]),
    ("edge/", &["shared/", "edge/answer"]),
    // What parses there is called as it is.
    ("tests/fuzz", &["shared/", "origin/ingest", "origin/control"]),
    ("tests", &["shared/", "edge/"]),
];

fn ours_below(package: &Value) -> Vec<String> {
    let dependencies = package["dependencies"].as_array().expect("cargo lists dependencies");
    dependencies
        .iter()
        .filter_map(|dependency| dependency["path"].as_str())
        .filter_map(|path| std::path::Path::new(path).strip_prefix(tree::root()).ok())
        .map(|path| path.to_string_lossy().replace('\\', "/"))
        .collect()
}

#[test]
fn packages_know_only_whom_they_may() {
    let mut found = Vec::new();
    for package in tree::packages(true) {
        let folder = tree::folder(package);
        let rule = MAY_KNOW.iter().find(|(prefix, _)| folder.starts_with(prefix));
        let Some((_, may_know)) = rule else {
            found.push(format!("{folder} has no rule in tests/tidy/direction.rs"));
            continue;
        };
        let strangers = ours_below(package)
            .into_iter()
            .filter(|other| *other != folder && !may_know.iter().any(|may| other.starts_with(may)));
        found.extend(strangers.map(|other| format!("{folder} knows {other}")));
    }
    none(
        &found,
        "Stages meet in origin/matinee through shared types, edge and origin on the wire:",
    );
}
