//! Metrics have one family name, and operators find each in docs/operating.md.

use std::collections::BTreeSet;

use crate::tree::{self, none};

/// The names given to `counter!`, `gauge!` and `histogram!`, with where.
fn named() -> Vec<(String, String)> {
    let mut names = Vec::new();
    for source in tree::sources(&[".rs"]).iter().filter(|source| !source.path.starts_with("tests/"))
    {
        for kind in ["counter!(", "gauge!(", "histogram!("] {
            for (start, _) in source.text.match_indices(kind) {
                let after = source.text[start + kind.len()..].trim_start();
                let literal = after.strip_prefix('"').and_then(|rest| rest.split('"').next());
                names.extend(literal.map(|name| (name.to_owned(), source.path.clone())));
            }
        }
    }
    names
}

#[test]
fn every_metric_is_ours_by_name() {
    let others: Vec<String> = named()
        .into_iter()
        .filter(|(name, _)| !name.starts_with("matinee_"))
        .map(|(name, path)| format!("{path}: {name}"))
        .collect();
    none(&others, "Begin the name with `matinee_`:");
}

#[test]
fn operators_find_every_metric_and_no_other() {
    let document = tree::read("docs/operating.md");
    let listed: BTreeSet<&str> = document
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|name| name.split('{').next())
        .filter(|name| name.starts_with("matinee_"))
        .collect();
    let all = named();
    let used: BTreeSet<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    let unlisted =
        used.difference(&listed).map(|name| format!("{name} is not in docs/operating.md"));
    let unused = listed.difference(&used).map(|name| format!("{name} is measured nowhere"));
    let found: Vec<String> = unlisted.chain(unused).collect();
    none(&found, "docs/operating.md lists the metrics there are:");
}
