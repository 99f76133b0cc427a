//! Says what is missing before the compiler does: the binary embeds the edge component and the pages.
//!
//! In: `target/edge/decision.wasm` (made by `make edge`) and `web/dist` (made by `make web`). Out: their paths for
//! `include_bytes!` and the pages' embedding. Builds neither itself: a build script that starts other builds hides
//! them.

use std::path::Path;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let component = root.join("target/edge/decision.wasm");
    let page = root.join("web/dist/index.html");
    let studio = root.join("web/dist/studio.html");
    println!("cargo:rerun-if-changed={}", component.display());
    println!("cargo:rerun-if-changed={}", page.parent().unwrap_or(&page).display());
    for (path, target) in [(&component, "edge"), (&page, "web"), (&studio, "web")] {
        assert!(
            path.is_file(),
            "{} is missing: run `make {target}` first (or `make build`, which does it all)",
            path.display()
        );
    }
}
