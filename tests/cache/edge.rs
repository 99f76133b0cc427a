//! Our host in this process, as `matinee edge` starts it.
//!
//! In: origins, what is to be different from the default. Out: an edge that serves until it is dropped or stopped. Does
//! not know the cases.

use std::net::SocketAddr;
use std::path::Path;

use edge_wasmtime::{ComponentSource, Config, Edge};
use tests::ticket;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::origin::Origin;

/// A running edge.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    /// Stops it as SIGTERM does, and waits until it is over.
    pub(crate) async fn stop(mut self) {
        let told = self.stop.take().is_some_and(|stop| stop.send(()).is_ok());
        assert!(told, "the edge had ended by itself");
        (&mut self.task).await.expect("the edge ends without a panic");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The configuration of an edge in front of these origins.
pub(crate) fn config(origins: &[&Origin]) -> Config {
    let urls: Vec<String> = origins.iter().map(|origin| origin.url()).collect();
    of_urls(urls)
}

/// The same, of origins that may not be there.
pub(crate) fn of_urls(urls: Vec<String>) -> Config {
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/edge/decision.wasm");
    assert!(component.is_file(), "{} is missing: run `make edge`", component.display());
    let listen = "127.0.0.1:0".parse().expect("an address");
    let first = urls.first().expect("an origin").clone();
    let mut config = Config::new(listen, ComponentSource::Path(component), first.clone());
    config.environment = ticket::settings(&first);
    config.environment.push(("MATINEE_CACHE".to_owned(), "host".to_owned()));
    config.origins = urls;
    config
}

/// Starts an edge.
pub(crate) async fn start(config: Config) -> Running {
    let edge = Edge::start(config).await.expect("the edge starts");
    let address = edge.local_addr();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(edge.run(async {
        let _dropped = stopped.await;
    }));
    Running { address, stop: Some(stop), task }
}
