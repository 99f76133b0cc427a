//! Where the house may stop with a panic: hardly anywhere, and never at the edge.

use crate::tree::{self, Source, none};

const PANICS_PER_1000_LINES_MAX: usize = 4;
/// The one place that may use `unsafe`: the calls into FFmpeg.
const UNSAFE_ALLOWED: &str = "origin/ladder/src/";

fn production() -> Vec<Source> {
    let mut sources = tree::sources(&[".rs"]);
    sources.retain(|source| !source.path.starts_with("tests/"));
    sources
}

fn panicking(source: &Source) -> Vec<String> {
    let calls = [".unwrap()", ".expect(", "panic!(", "unreachable!("];
    source
        .code()
        .filter(|line| calls.iter().any(|call| line.text.contains(call)))
        .map(|line| source.at(&line))
        .collect()
}

#[test]
fn the_edge_never_panics() {
    let edge = production().into_iter().filter(|source| source.path.starts_with("edge/"));
    let found: Vec<String> = edge.flat_map(|source| panicking(&source)).collect();
    none(&found, "Answer the viewer with an error instead:");
}

#[test]
fn panics_are_few() {
    let mut per_package: std::collections::BTreeMap<String, (usize, Vec<String>)> =
        Default::default();
    for source in production() {
        let package = source.path.split('/').take(2).collect::<Vec<_>>().join("/");
        let (lines, found) = per_package.entry(package).or_default();
        *lines += source.production().count();
        found.extend(panicking(&source));
    }
    let many: Vec<String> = per_package
        .into_iter()
        .filter(|(_, (lines, found))| {
            found.len() > (lines * PANICS_PER_1000_LINES_MAX).div_ceil(1000)
        })
        .map(|(package, (lines, found))| {
            format!("{package}: {} in {lines} lines\n    {}", found.len(), found.join("\n    "))
        })
        .collect();
    none(&many, "At most 4 panicking calls per 1000 lines; return errors:");
}

#[test]
fn unsafe_code_stands_in_one_place() {
    let keyword = concat!("un", "safe ");
    let mut found = Vec::new();
    for source in production() {
        if source.path.starts_with(UNSAFE_ALLOWED) {
            continue;
        }
        let lines = source.code().filter(|line| {
            let code = line.text.trim_start();
            code.starts_with(keyword) || code.contains(&format!(" {keyword}{{"))
        });
        found.extend(lines.map(|line| source.at(&line)));
    }
    none(&found, "Only the FFmpeg module may do this:");
}

#[test]
fn each_use_of_it_says_why_it_is_sound() {
    let block = concat!("un", "safe {");
    let mut silent = Vec::new();
    for source in production() {
        let lines: Vec<&str> = source.text.lines().collect();
        for (i, line) in lines.iter().enumerate().filter(|(_, line)| line.contains(block)) {
            let above = &lines[i.saturating_sub(8)..=i];
            if !above.iter().any(|line| line.contains("SAFETY:")) {
                silent.push(format!("{}:{}: {}", source.path, i + 1, line.trim()));
            }
        }
    }
    none(&silent, "Write `// SAFETY:` above it, with the reason it is sound:");
}
