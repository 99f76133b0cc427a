//! Components that mean harm: each fails its own request, and the node goes on.
//!
//! `scripts/edge.sh hostile` builds the components from `hostile/` and `hostile_decision/`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::node::Node;

fn component(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = root.join("target/edge").join(name);
    assert!(path.is_file(), "{} is missing: run `scripts/edge.sh hostile`", path.display());
    path
}

#[tokio::test]
async fn a_bad_component_cannot_hang_the_node() {
    println!("{}", misbehaves("hostile.wasm").await);
}

#[tokio::test]
async fn a_bad_decision_cannot_hang_the_node() {
    println!("{}", misbehaves("hostile_decision.wasm").await);
}

/// What it cost the others.
async fn misbehaves(component: &str) -> String {
    let mut told = Vec::new();
    let component = self::component(component);
    let node = Node::start(&["--component", component.to_str().expect("UTF-8")]).await;
    assert_eq!(node.ask("GET", "/good", &[]).await.text(), "good");
    for (path, why) in [
        ("/loop", "it runs for ever"),
        ("/memory", "it takes all memory"),
        ("/recursion", "it calls itself for ever"),
        ("/panic", "it gives up"),
    ] {
        let start = Instant::now();
        let bad = node.ask("GET", path, &[]);
        let beside = async {
            // Beside it others are answered, in no more than a moment each.
            let mut slowest = Duration::ZERO;
            for _ in 0..20 {
                let start = Instant::now();
                assert_eq!(node.ask("GET", "/good", &[]).await.status, 200, "beside {path}");
                slowest = slowest.max(start.elapsed());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            slowest
        };
        let (bad, slowest) = tokio::join!(bad, beside);
        assert_eq!((bad.status, bad.code().as_str()), (502, "edge_failed"), "{why}");
        assert!(start.elapsed() < Duration::from_secs(15), "{why}: {:?}", start.elapsed());
        let took = start.elapsed();
        told.push(format!("{path}: refused after {took:?}, others waited {slowest:?} at most"));
    }
    assert_eq!(node.ask("GET", "/good", &[]).await.text(), "good");
    assert_eq!(node.probe("/readyz").await.status, 200);
    told.join("\n")
}
