//! Every edge case on every host: the native core, our wasmtime host, a bare wasmtime host, Viceroy.
//!
//! In: `target/edge/*.wasm`, built by `make edge`, and Viceroy. Out: one line per case and host. Does not know how a
//! host works: a case speaks HTTP to an address, and asks a fake origin what reached it.
//!
//! A case is one body in `cases`, listed once in [`cases::ALL`] with a word for every host: [`On::Run`], or why not. A
//! new host makes every case without a word for it fail to compile.

use std::io::Write as _;
use std::time::{Duration, Instant};

mod bucket;
mod cases;
mod client;
mod fastly;
mod host;
mod limits;
mod origin;
mod stage;
mod ticket;

use cases::{Case, On};
use host::{Engine, Host};
use stage::Stage;

/// How long one case may take on one host.
const CASE_MAX: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn native_core() {
    run("native", Stage::set(Host::Native).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_wasmtime_host() {
    run("ours", Stage::set(Host::Ours).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_host_with_the_decision_compiled_in() {
    run("compiled", Stage::set_ours_by(Engine::Native).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_host_by_wasi_http() {
    run("handler", Stage::set_ours_by(Engine::Handler).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bare_wasmtime_host() {
    run("bare", Stage::set(Host::Bare).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn viceroy() {
    run("viceroy", Stage::set(Host::Viceroy).await).await;
}

/// Plays every case on one stage, and fails if one of them did.
async fn run(host: &str, stage: Stage) {
    let mut failed = Vec::new();
    for case in cases::ALL {
        let word = match case.on[stage.host as usize] {
            On::Not(why) => format!("not on this host: {why}"),
            On::Run => match play(case, &stage).await {
                Ok(time) => format!("ok ({} ms)", time.as_millis()),
                Err(why) => {
                    failed.push(case.name);
                    format!("FAILED: {why}")
                }
            },
        };
        tell(&format!("{host:8} {:58} {word}\n", case.name));
    }
    assert!(failed.is_empty(), "{host}: {failed:?}");
}

/// A case in a task of its own, so that the next ones are played even if it panics.
async fn play(case: &Case, stage: &Stage) -> Result<Duration, String> {
    let start = Instant::now();
    let played = tokio::spawn((case.run)(stage.clone()));
    match tokio::time::timeout(CASE_MAX, played).await {
        Err(_) => Err("took too long".to_owned()),
        Ok(Ok(())) => Ok(start.elapsed()),
        Ok(Err(panic)) => {
            let panic = panic.into_panic();
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Err(text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("panicked").to_owned())
        }
    }
}

/// A line that is seen whether the test fails or not.
fn tell(line: &str) {
    std::io::stderr().write_all(line.as_bytes()).expect("stderr is open");
}
