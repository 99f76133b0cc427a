//! Our edge in a process of its own, as `matinee edge` runs it: the same crate, the same defaults.
//!
//! In: the command line that `ours` writes, the settings in the environment. Out: an edge on one thread. Does not know
//! what is measured. The binary itself holds the origin as well, which takes minutes to build and is not needed here.

use std::io;
use std::path::PathBuf;

use edge_wasmtime::{ComponentSource, Config, Edge, EngineKind, Tls};

use crate::stage::root;

/// Serves until the process is ended. `arguments`: address, engine, a directory for what is kept, and `tls` or `plain`.
pub(crate) fn serve(arguments: &[String]) -> io::Result<()> {
    let [listen, engine, directory, door] = arguments else {
        return Err(io::Error::other("serve: address, engine, directory, tls or plain"));
    };
    let directory = PathBuf::from(directory);
    let settings: Vec<(String, String)> =
        std::env::vars().filter(|(name, _)| name.starts_with("MATINEE_")).collect();
    let origin = settings.iter().find(|(name, _)| name == "MATINEE_ORIGIN");
    let origin = origin.map(|(_, value)| value.clone()).unwrap_or_default();
    let component = ComponentSource::Path(root().join("target/edge/decision.wasm"));
    let mut config = Config::new(listen.parse().map_err(io::Error::other)?, component, origin);
    config.environment = settings;
    config.compiled = Some(directory.join("compiled"));
    if engine == "native" {
        config.engine = EngineKind::Native;
    }
    if door == "tls" {
        let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
        config.viewers.tls = Some(Tls::Files { certificate, key });
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let edge = Edge::start(config).await.map_err(io::Error::other)?;
        edge.run(std::future::pending()).await;
        Ok(())
    })
}
