//! Where things stand.

use crate::tree::{self, none};

/// The top level is the product owner's.
const TOP_LEVEL: &[&str] = &[
    ".cargo",
    ".ci",
    ".gitattributes",
    ".github",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "clippy.toml",
    "deploy",
    "docs",
    "edge",
    "fastly.toml",
    "origin",
    "rustfmt.toml",
    "scripts",
    "shared",
    "spin.toml",
    "tests",
    "web",
];

/// The inner files of every stage: the second stage is read in a minute.
const STAGES: &[&str] = &["origin/ingest", "origin/ladder", "origin/packager", "origin/storage"];
const STAGE_FILES: &[&[&str]] = &[
    &["lib.rs"],
    &["config.rs"],
    &["error.rs"],
    &["machine.rs", "machine/mod.rs"],
    &["driver.rs", "driver/mod.rs"],
];

const FILE_BYTES_MAX: u64 = 1_000_000;

#[test]
fn the_top_level_is_fixed() {
    let first = |path: &String| path.split('/').next().unwrap_or_default().to_owned();
    let mut others: Vec<String> = tree::paths().iter().map(first).collect();
    others.retain(|entry| !TOP_LEVEL.contains(&entry.as_str()));
    others.dedup();
    none(&others, "Put these below one of the folders of docs/architecture.md:");
}

#[test]
fn a_package_is_named_after_its_path() {
    let misnamed: Vec<String> = tree::packages(true)
        .map(|package| (tree::folder(package), package["name"].as_str().unwrap_or_default()))
        // The binary's name is what people type.
        .filter(|(folder, name)| folder.replace('/', "-") != *name && folder != "origin/matinee")
        .map(|(folder, name)| format!("{folder} is called {name}"))
        .collect();
    none(&misnamed, "Name the package after its path, with `-` for `/`:");
}

#[test]
fn every_package_takes_the_workspace_lints() {
    let without: Vec<String> = tree::packages(true)
        .map(|package| format!("{}/Cargo.toml", tree::folder(package)))
        .filter(|path| {
            let manifest = tree::read(path);
            // origin/ladder allows unsafe code, so it says all of [lints] itself.
            !manifest.contains("[lints]\nworkspace = true") && !manifest.contains("[lints.rust]")
        })
        .collect();
    none(&without, "Add `[lints]` with `workspace = true`:");
}

#[test]
fn every_stage_has_the_same_inner_files() {
    let has = |stage: &str, forms: &[&str]| {
        forms.iter().any(|form| tree::root().join(stage).join("src").join(form).is_file())
    };
    let missing: Vec<String> = STAGES
        .iter()
        .flat_map(|stage| STAGE_FILES.iter().map(move |forms| (stage, forms)))
        .filter(|(stage, forms)| !has(stage, forms))
        .map(|(stage, forms)| format!("{stage}/src/{}", forms.join(" or ")))
        .collect();
    none(&missing, "A stage has lib, config, error, machine and driver; make the missing one:");
}

#[test]
fn there_are_no_drawers() {
    let drawers = ["util", "utils", "helper", "helpers", "common", "misc"];
    let stem = |step: &str| step.split('.').next().unwrap_or_default().to_owned();
    let found: Vec<String> = tree::paths()
        .iter()
        .filter(|path| path.split('/').any(|step| drawers.contains(&stem(step).as_str())))
        .cloned()
        .collect();
    none(&found, "Name these by their role:");
}

#[test]
fn no_file_is_large() {
    let size = |path: &str| std::fs::metadata(tree::root().join(path)).map_or(0, |data| data.len());
    let large: Vec<String> =
        tree::paths().iter().filter(|path| size(path) > FILE_BYTES_MAX).cloned().collect();
    none(&large, "Make these when they are needed instead of keeping them (1 MB at most):");
}
