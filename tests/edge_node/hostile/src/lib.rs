//! A component that misbehaves as its path says.
//!
//! In: a request. Out: `good`, or never. Does not know its host.

use std::hint::black_box;

use spin_sdk::http::Request;

/// Does what the path names. On a native target this is compiled and exported to nobody.
#[cfg_attr(target_family = "wasm", spin_sdk::http_service)]
pub async fn handle(request: Request) -> String {
    match request.uri().path() {
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
