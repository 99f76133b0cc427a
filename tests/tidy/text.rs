//! What a file looks like.

use crate::tree::{self, Source, none};

const FILE_LINES_MAX: usize = 500;
const FILE_LINES_MEDIAN_MAX: usize = 150;
const CODE_COLUMNS_MAX: usize = 100;
const COMMENT_COLUMNS_MAX: usize = 120;

fn rust() -> Vec<Source> {
    tree::sources(&[".rs"])
}

#[test]
fn every_file_says_what_comes_in_and_what_goes_out() {
    let silent: Vec<String> = rust()
        .into_iter()
        .filter(|source| !source.text.starts_with("//!"))
        .map(|source| source.path)
        .collect();
    none(&silent, "Open with `//!`: what comes in, what goes out, what it does not know:");
}

#[test]
fn no_file_is_long() {
    let long: Vec<String> = tree::sources(&[".rs", ".ts", ".sh", ".css"])
        .into_iter()
        .map(|source| (source.text.lines().count(), source.path))
        .filter(|(lines, _)| *lines > FILE_LINES_MAX)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    none(&long, "Split these by role (500 lines at most):");
}

#[test]
fn the_median_file_is_short() {
    let mut lines: Vec<usize> = rust().iter().map(|source| source.text.lines().count()).collect();
    lines.sort_unstable();
    let median = lines[lines.len() / 2];
    assert!(
        median <= FILE_LINES_MEDIAN_MAX,
        "the median file has {median} lines, more than {FILE_LINES_MEDIAN_MAX}: split by role"
    );
}

#[test]
fn lines_fit_beside_each_other() {
    let max = |line: &str| {
        let is_comment = line.trim_start().starts_with("//");
        if is_comment { COMMENT_COLUMNS_MAX } else { CODE_COLUMNS_MAX }
    };
    let mut wide = Vec::new();
    for source in rust() {
        let lines = source.lines().filter(|line| line.text.chars().count() > max(line.text));
        wide.extend(lines.map(|line| source.at(&line)));
    }
    none(&wide, "Wrap these (code 100 columns, comments 120):");
}

#[test]
fn nothing_is_left_to_do() {
    // In two pieces, so that this file does not find itself.
    let marks = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
    ];
    let mut found = Vec::new();
    for source in tree::sources(&[".rs", ".ts", ".sh", ".css", ".html", "Makefile"]) {
        let lines = source.lines().filter(|line| marks.iter().any(|mark| line.text.contains(mark)));
        found.extend(lines.map(|line| source.at(&line)));
    }
    none(&found, "Do it, or write an issue:");
}

#[test]
fn every_relaxed_lint_says_why() {
    let mut silent = Vec::new();
    for source in rust() {
        for (start, _) in source.text.match_indices("#[").chain(source.text.match_indices("#![")) {
            let attribute = &source.text[start..];
            let attribute =
                attribute.split_once("]\n").map_or(attribute, |(attribute, _)| attribute);
            let name = attribute.trim_start_matches(['#', '!', '[']);
            let relaxes = name.starts_with(concat!("al", "low(")) || name.starts_with("expect(");
            if relaxes && !attribute.contains("reason = ") {
                silent.push(format!("{}: #[{name}]", source.path));
            }
        }
    }
    none(&silent, "Use `#[expect(lint, reason = \"…\")]`:");
}
