//! Every fuzz target, briefly: its seeds as they are, then mutated.
//!
//! In: `corpus/<target>`, and what [`tests_fuzz::TARGETS`] names besides. Out: a panic, with the input in a file.
//! `MATINEE_FUZZ_RUNS=1000000` runs for longer, `MATINEE_FUZZ_START=7` elsewhere. An input that broke a promise belongs
//! into the corpus, beside its fix.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use tests_fuzz::TARGETS;
use tests_fuzz::mutate::Mutator;

/// How many mutated inputs a target gets on every run.
const RUNS: u64 = 4000;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn seeds(folder: &Path) -> Vec<Vec<u8>> {
    let entries =
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| std::fs::read(file).unwrap()).collect()
}

#[test]
fn no_input_breaks_a_promise() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (runs, start) = (number("MATINEE_FUZZ_RUNS", RUNS), number("MATINEE_FUZZ_START", 2026));
    for (name, target, more) in TARGETS {
        let mut all = seeds(&here.join("corpus").join(name));
        assert!(!all.is_empty(), "{name} has no seeds");
        all.extend(more.iter().flat_map(|folder| seeds(&here.join("../..").join(folder))));
        let mut mutator = Mutator::new(&all, start);
        let mutated = (0..runs).map(|_| mutator.next_input());
        for input in all.iter().cloned().chain(mutated) {
            if catch_unwind(|| target(&input)).is_err() {
                let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.broken"));
                std::fs::write(&file, &input).unwrap();
                panic!("{name}: the input is in {}", file.display());
            }
        }
    }
}
