//! Our own host, as `matinee up` starts it.
//!
//! In: the settings, and what answers. Out: an edge in this process. Does not know the cases.

use edge_wasmtime::{ComponentSource, Config, Edge, EngineKind};
use http::HeaderName;

use super::{Running, Task, artefact, setting};

/// What answers in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// Our component's decision.
    Decision,
    /// The component for hosts of WASI, by `wasi:http/handler`.
    Handler,
    /// The decision compiled in.
    Native,
}

pub(super) async fn start(engine: Engine, settings: &[(String, String)]) -> Running {
    let (component, engine) = match engine {
        Engine::Decision => ("decision.wasm", EngineKind::Component),
        Engine::Handler => ("edge.wasm", EngineKind::Component),
        Engine::Native => ("decision.wasm", EngineKind::Native),
    };
    let component = ComponentSource::Path(artefact(component));
    let listen = "127.0.0.1:0".parse().expect("an address");
    let mut config = Config::new(listen, component, setting(settings, "MATINEE_ORIGIN"));
    config.engine = engine;
    config.environment = settings.to_vec();
    // The viewers of these cases come through a front that knows where they are.
    config.viewers.fronts.trusted = vec!["127.0.0.0/8".parse().expect("a network")];
    config.viewers.fronts.country_header = Some(HeaderName::from_static("cf-ipcountry"));
    let edge = Edge::start(config).await.expect("the edge starts");
    let address = edge.local_addr();
    let task = Task(tokio::spawn(edge.run(std::future::pending())));
    Running { address, _life: Box::new(task) }
}
