//! Misbehaviour by name.
//!
//! In: a path. Out: `good`, or never. Does not know who asks.

use std::hint::black_box;

/// Does what the path names.
pub(crate) fn behave(path: &str) -> String {
    match path {
        "/loop" => run(),
        "/memory" => hoard(),
        "/recursion" => return deeper(1).to_string(),
        "/panic" => std::process::abort(),
        _ => {}
    }
    "good".to_owned()
}

fn run() {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

fn hoard() {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
}

fn deeper(depth: u64) -> u64 {
    let here = black_box([depth; 64]);
    if depth == 0 { 0 } else { deeper(depth.wrapping_add(1)).wrapping_add(here[1]) }
}
