//! Documents name only what is there.

use crate::tree::{self, none};

/// Places that are made, not kept.
const MADE: &[&str] = &["target/", "web/dist", "web/node_modules"];

fn documents() -> Vec<tree::Source> {
    let mut documents = tree::sources(&[".md"]);
    documents.retain(|source| source.path == "README.md" || source.path.starts_with("docs/"));
    documents
}

/// The texts between backticks and the targets of links.
fn names(line: &str) -> Vec<&str> {
    let quoted = line.split('`').skip(1).step_by(2);
    let linked = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    quoted.chain(linked).collect()
}

fn is_path(name: &str) -> bool {
    let first = name.split('/').next().unwrap_or_default();
    let top_level = tree::paths().iter().any(|path| path.split('/').next() == Some(first));
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "/._-{},*".contains(c));
    plain && top_level && !MADE.iter().any(|made| name.starts_with(made))
}

/// `a/{b,c}/d` as `a/b/d` and `a/c/d`; a `*` stands for anything, so what is before it must be there.
fn meant(name: &str) -> Vec<String> {
    let name = name.split('*').next().unwrap_or_default();
    let Some((before, rest)) = name.split_once('{') else { return vec![name.to_owned()] };
    let Some((choices, after)) = rest.split_once('}') else { return vec![before.to_owned()] };
    choices.split(',').map(|choice| format!("{before}{choice}{after}")).collect()
}

#[test]
fn every_path_they_name_exists() {
    let mut missing = Vec::new();
    for document in documents() {
        let here = document.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for line in document.lines() {
            let paths = names(line.text).into_iter().filter(|name| is_path(name)).flat_map(meant);
            let gone = paths.filter(|path| {
                let root = tree::root();
                !root.join(path).exists() && !root.join(here).join(path).exists()
            });
            missing.extend(gone.map(|path| format!("{}:{}: {path}", document.path, line.number)));
        }
    }
    none(&missing, "The document outlived the code; correct it:");
}

#[test]
fn the_three_documents_are_there() {
    let wanted = ["README.md", "docs/architecture.md", "docs/style.md", "docs/operating.md"];
    let missing: Vec<String> = wanted
        .into_iter()
        .filter(|path| !tree::root().join(path).is_file())
        .map(str::to_owned)
        .collect();
    none(&missing, "Write these:");
}
