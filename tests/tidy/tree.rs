//! The repository as the rules see it.
//!
//! In: `git ls-files`, `cargo metadata`. Out: files with their lines, packages. Does not know any rule.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

/// A file of ours, tracked or about to be.
pub(crate) struct Source {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

/// A line of a file.
pub(crate) struct Line<'a> {
    /// From 1.
    pub(crate) number: usize,
    /// Without its end.
    pub(crate) text: &'a str,
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let above = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        above.expect("this package lies in the repository").to_owned()
    });
    &ROOT
}

/// Every path git tracks or would take.
pub(crate) fn paths() -> &'static [String] {
    static PATHS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let listed = run("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let mut paths: Vec<String> = listed
            .split('\0')
            .filter(|path| !path.is_empty() && root().join(path).is_file())
            .map(str::to_owned)
            .collect();
        paths.sort_unstable();
        paths.dedup();
        assert!(!paths.is_empty(), "git lists no files: is this a clone?");
        paths
    });
    &PATHS
}

/// Every file with one of these endings.
pub(crate) fn sources(endings: &[&str]) -> Vec<Source> {
    let wanted = |path: &&String| endings.iter().any(|ending| path.ends_with(ending));
    paths()
        .iter()
        .filter(wanted)
        .map(|path| Source { path: path.clone(), text: read(path) })
        .collect()
}

/// A text file of the repository.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Cargo's view of the workspace and all its dependencies, in one go.
pub(crate) fn metadata() -> &'static Value {
    static METADATA: LazyLock<Value> = LazyLock::new(|| {
        let json = run(env!("CARGO"), &["metadata", "--format-version", "1", "--locked"]);
        serde_json::from_str(&json).expect("cargo writes JSON")
    });
    &METADATA
}

/// The packages of cargo's metadata: ours, or everybody else's.
pub(crate) fn packages(ours: bool) -> impl Iterator<Item = &'static Value> {
    let all = metadata()["packages"].as_array().expect("cargo lists packages");
    all.iter().filter(move |package| package["source"].is_null() == ours)
}

/// The folder of one of our packages, relative to the repository.
pub(crate) fn folder(package: &Value) -> String {
    let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
    let folder = manifest.parent().and_then(|folder| folder.strip_prefix(root()).ok());
    folder.expect("our packages lie in the repository").to_string_lossy().replace('\\', "/")
}

/// What a program prints; it must succeed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("programs print UTF-8")
}

/// Fails with every finding, and with what to do about it.
#[track_caller]
pub(crate) fn none(findings: &[String], what_to_do: &str) {
    assert!(findings.is_empty(), "{what_to_do}\n  {}\n", findings.join("\n  "));
}

impl Source {
    /// Whether all of it is test code.
    pub(crate) fn is_test(&self) -> bool {
        let mut steps = self.path.split('/').rev();
        let file = steps.next().unwrap_or_default();
        matches!(file, "tests.rs" | "testing.rs")
            || steps.any(|step| matches!(step, "tests" | "testing" | "examples" | "benches"))
    }

    /// Its lines that run in production: none of a test file, and those before `#[cfg(test)]` with a body.
    pub(crate) fn production(&self) -> impl Iterator<Item = Line<'_>> {
        let lines: Vec<&str> = self.text.lines().collect();
        let begins_tests = |pair: &[&str]| {
            pair[0].trim() == "#[cfg(test)]" && pair[1].contains("mod ") && pair[1].ends_with('{')
        };
        let end = lines.windows(2).position(begins_tests).unwrap_or(lines.len());
        let end = if self.is_test() { 0 } else { end };
        lines.into_iter().take(end).enumerate().map(|(i, text)| Line { number: i + 1, text })
    }

    /// Its production lines that are not comments.
    pub(crate) fn code(&self) -> impl Iterator<Item = Line<'_>> {
        self.production().filter(|line| !line.text.trim_start().starts_with("//"))
    }

    /// All of its lines.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.text.lines().enumerate().map(|(i, text)| Line { number: i + 1, text })
    }

    /// Where a line is, for a finding.
    pub(crate) fn at(&self, line: &Line<'_>) -> String {
        format!("{}:{}: {}", self.path, line.number, line.text.trim())
    }
}
