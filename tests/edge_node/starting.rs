//! From the program's start to the first answer, and what is said when there is none.

use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use tests::program;

use crate::node::{Node, Plan};
use crate::origin::Origin;

/// What the issue allows an optimised build on a quiet machine; this one may be neither.
const START_MAX: Duration = Duration::from_millis(200);
/// How many starts are tried; the best one counts, for others' work on the machine only adds.
const STARTS: usize = 5;

#[tokio::test]
async fn a_second_start_compiles_nothing() {
    let first = Node::start(&[]).await;
    let cold = first.took;
    assert_eq!(first.ask("GET", "/healthz", &[]).await.status, 200);
    let mut directory = first.stop();
    let mut best = Duration::MAX;
    for _ in 0..STARTS {
        let mut plan = Plan::new(&[]);
        plan.directory = directory;
        let begun = Instant::now();
        let node = plan.start_before(Origin::start().await);
        assert_eq!(node.ask("GET", "/healthz", &[]).await.status, 200);
        best = best.min(begun.elapsed());
        directory = node.stop();
    }
    println!("start to first answer: {best:?}, and {cold:?} the first time of all");
    let max = if cfg!(debug_assertions) { START_MAX * 5 } else { START_MAX };
    assert!(best < max, "{best:?}, cold {cold:?}");
}

#[test]
fn all_mistakes_are_told_at_once_and_no_key_with_them() {
    let output = Command::new(program())
        .args(["edge", "--config", "/dev/null", "--listen", "here", "--client-rate", "fast"])
        .env("MATINEE_SESSION_KEYS", "s3cret")
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for mistake in
        ["--listen", "--client-rate", "--origin", "MATINEE_EDGE_KEY", "MATINEE_SESSION_KEYS"]
    {
        assert!(said.contains(mistake), "{mistake}: {said}");
    }
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn an_address_in_use_and_a_certificate_that_is_none_are_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let keys = directory.path().join("keys.env");
    let lines: String = tests::ticket::settings("http://127.0.0.1:1")
        .iter()
        .map(|(name, value)| format!("{name}='{value}'\n"))
        .collect();
    std::fs::write(&keys, lines).expect("writable");
    let none = directory.path().join("none.pem");
    std::fs::write(&none, "nothing").expect("writable");
    let none = none.to_str().expect("UTF-8");
    let free = "127.0.0.1:0";
    let taken_port = ["--listen", &taken, "--admin", free];
    let taken_admin = ["--listen", free, "--admin", &taken];
    let no_certificate = ["--listen", free, "--admin", free, "--tls-cert", none, "--tls-key", none];
    for (flags, named) in [
        (&taken_port[..], taken.as_str()),
        (&taken_admin, &taken),
        (&no_certificate, "holds no certificate"),
    ] {
        let output = Command::new(program())
            .args(["edge", "--config", "/dev/null", "--origin", "http://127.0.0.1:1"])
            .arg("--keys")
            .arg(&keys)
            .arg("--data")
            .arg(directory.path().join("data"))
            .args(flags)
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(named), "{named}: {said}");
    }
}
