//! What one check of a session or a token takes, inside WebAssembly and outside.
//!
//! In: `tests/bench/guest`, built for both by the script. Out: nanoseconds by name. Does not know what is checked.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::Command as Run;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::process::Pinned;
use crate::stage::root;

/// What the guest may say, in bytes.
const SAID_MAX: usize = 4096;

struct Guest {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Nanoseconds of each check: first inside WebAssembly, then outside.
pub(crate) fn measure() -> io::Result<BTreeMap<String, (f64, f64)>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let component = root().join("target/wasm/wasm32-wasip2/edge/tests-bench-guest.wasm");
    let inside = runtime.block_on(inside(&component)).map_err(io::Error::other)?;
    let outside = Command::new(root().join("target/production/tests-bench-guest")).pinned(0);
    let outside = { outside }.stdin(Stdio::null()).output()?;
    let outside = read(&String::from_utf8_lossy(&outside.stdout));
    let beside = |(name, ns): (String, f64)| {
        let native = outside.get(&name).copied().unwrap_or(f64::NAN);
        (name, (ns, native))
    };
    Ok(inside.into_iter().map(beside).collect())
}

async fn inside(component: &Path) -> wasmtime::Result<BTreeMap<String, f64>> {
    let engine = Engine::default();
    let component = Component::from_file(&engine, component)?;
    let mut linker: Linker<Guest> = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    let said = MemoryOutputPipe::new(SAID_MAX);
    let wasi = WasiCtx::builder().stdout(said.clone()).inherit_stderr().build();
    let mut store = Store::new(&engine, Guest { wasi, table: ResourceTable::new() });
    let run = Run::instantiate_async(&mut store, &component, &linker).await?;
    let ended = run.wasi_cli_run().call_run(&mut store).await?;
    if ended.is_err() {
        return Err(wasmtime::format_err!("the guest failed"));
    }
    Ok(read(&String::from_utf8_lossy(&said.contents())))
}

fn read(said: &str) -> BTreeMap<String, f64> {
    let line = |line: &str| {
        let (name, ns) = line.split_once(' ')?;
        Some((name.to_owned(), ns.trim().parse().ok()?))
    };
    said.lines().filter_map(line).collect()
}
