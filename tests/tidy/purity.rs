//! Pure code is pure: it names no clock, socket, environment or runtime; it builds for WebAssembly; and what it was
//! compiled to calls none of them.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::tree::{self, Source, none};

/// Packages that are pure as a whole.
const PURE: &[&str] =
    &["shared-media", "shared-playlist", "shared-ticket", "shared-wire", "edge-answer"];

/// Packages no pure package may lead to, on any path.
const WORLDLY: &[&str] = &[
    "tokio",
    "mio",
    "socket2",
    "hyper",
    "hyper-util",
    "reqwest",
    "axum",
    "tower-http",
    "sea-orm",
    "sqlx",
    "sqlx-core",
    "ffmpeg-next",
    "ffmpeg-sys-next",
    "wasmtime",
    "rustls",
    "rayon",
    "notify",
    "fastly",
    "spin-sdk",
];

/// What pure code does not name.
const WORDS: &[&str] = &[
    "Instant::now",
    "SystemTime",
    "std::env",
    "std::net",
    "std::fs",
    "std::thread",
    "std::process",
    "std::io::std",
    "tokio",
    "reqwest",
    "hyper",
    "getrandom",
    "metrics::",
    "tracing::",
];

/// The same as the compiler writes them into an object file; both of its mangling schemes spell paths so.
const SYMBOLS: &[&str] = &[
    "3std4time",
    "3std3env",
    "3std3net",
    "3std2fs",
    "3std6thread7spawn",
    "3std7process",
    "3std2io5stdio",
    "9getrandom",
];

/// What a dependency's generic code brings in without running it, with the reason it does not run.
const CLOSED_OFF: &[(&str, &str, &str)] = &[(
    "libshared_ticket.rlib",
    "3std4time",
    "jwt-simple asks the clock only without `artificial_time`, which verify.rs always gives",
)];

fn is_pure(source: &Source) -> bool {
    let in_pure_package =
        source.path.starts_with("shared/") || source.path.starts_with("edge/answer/");
    let in_machine =
        source.path.contains("/src/machine/") || source.path.ends_with("/src/machine.rs");
    in_pure_package || in_machine
}

#[test]
fn pure_code_names_no_clock_socket_or_runtime() {
    let mut found = Vec::new();
    for source in tree::sources(&[".rs"]).iter().filter(|source| is_pure(source)) {
        let lines = source.code().filter(|line| WORDS.iter().any(|word| line.text.contains(word)));
        found.extend(lines.map(|line| source.at(&line)));
    }
    none(&found, "Take time and bytes as arguments; the driver gets them:");
}

#[test]
fn pure_packages_lead_to_no_runtime() {
    let nodes = tree::metadata()["resolve"]["nodes"].as_array().expect("cargo resolves");
    let name = |id: &str| {
        let all = tree::metadata()["packages"].as_array().expect("cargo lists packages");
        let package = all.iter().find(|package| package["id"] == id).expect("listed");
        package["name"].as_str().unwrap_or_default().to_owned()
    };
    let is_normal = |dependency: &&Value| {
        let kinds = dependency["dep_kinds"].as_array().expect("kinds");
        kinds.iter().any(|kind| kind["kind"].is_null())
    };
    let mut found = Vec::new();
    for package in tree::packages(true) {
        let pure = package["name"].as_str().unwrap_or_default();
        if !PURE.contains(&pure) {
            continue;
        }
        let mut seen = vec![package["id"].as_str().expect("an id")];
        let mut next = 0;
        while let Some(id) = seen.get(next) {
            next += 1;
            let node = nodes.iter().find(|node| node["id"] == *id).expect("resolved");
            let below = node["deps"].as_array().expect("dependencies").iter().filter(is_normal);
            for id in below.filter_map(|dependency| dependency["pkg"].as_str()) {
                if !seen.contains(&id) {
                    seen.push(id);
                }
            }
        }
        let worldly =
            seen.iter().map(|id| name(id)).filter(|name| WORLDLY.contains(&name.as_str()));
        found.extend(worldly.map(|name| format!("{pure} leads to {name}")));
    }
    none(&found, "A pure package has pure dependencies only:");
}

#[test]
fn pure_packages_build_for_webassembly_and_call_nothing_of_the_world() {
    let mut found = Vec::new();
    for library in build() {
        let bytes = std::fs::read(&library).expect("cargo has just built it");
        let file = library.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let calls = |symbol: &&&str| bytes.windows(symbol.len()).any(|at| at == symbol.as_bytes());
        let is_open = |symbol: &&&str| {
            !CLOSED_OFF.iter().any(|(library, closed, _)| file == *library && closed == *symbol)
        };
        let called = SYMBOLS.iter().filter(calls).filter(is_open);
        found.extend(called.map(|symbol| format!("{file} calls {symbol}…")));
    }
    none(&found, "Take time and bytes as arguments; the driver gets them:");
}

/// Builds the pure packages for WebAssembly, with rustup's target or Debian's compiler, and answers their libraries.
fn build() -> Vec<PathBuf> {
    let sysroot = tree::run("rustc", &["--print", "sysroot"]);
    let rustup = PathBuf::from(sysroot.trim()).join("lib/rustlib/wasm32-wasip1/lib").is_dir();
    let mut command = Command::new(if rustup { env!("CARGO") } else { "/usr/bin/cargo" });
    if !rustup {
        let debian = PathBuf::from("/usr/bin/rustc");
        assert!(debian.is_file(), "no target wasm32-wasip1: run `make setup`, which gets it");
        command.args(["-Zbuild-std=std,panic_abort"]).env("RUSTC_BOOTSTRAP", "1");
        command.env("RUSTC", debian).env_remove("RUSTUP_TOOLCHAIN");
    }
    command.args(["build", "--locked", "--message-format=json", "--target", "wasm32-wasip1"]);
    command.args(["--target-dir", if rustup { "target/wasm" } else { "target/wasm-debian/pure" }]);
    command.args(PURE.iter().flat_map(|name| ["-p", name])).current_dir(tree::root());
    let output = command.output().expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "pure packages do not build for WebAssembly:\n{said}");
    let libraries: Vec<PathBuf> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter(|message| {
            let name = message["target"]["name"].as_str().unwrap_or_default().replace('_', "-");
            PURE.contains(&name.as_str())
        })
        .filter_map(|message| message["filenames"][0].as_str().map(PathBuf::from))
        .collect();
    assert_eq!(libraries.len(), PURE.len(), "one library per pure package: {libraries:?}");
    libraries
}
