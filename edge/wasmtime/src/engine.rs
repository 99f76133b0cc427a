//! What answers: the component in its instances, or the same code compiled in.
//!
//! In: a viewer's request, its body bounded, its client facts set. Out: the answer, or why there is none. Does not know
//! what is asked. Whoever answers speaks to the origin through the same [`Outbound`].

use edge_answer::config::{BUCKET_SECRETS, BUCKET_SETTINGS};
use http::{Request, Response};
use wasmtime_wasi_http::WasiBody;

use crate::component::{self, Compiled, Handlers};
use crate::config::{Config, EngineKind};
use crate::error::Error;
use crate::law::Law;
use crate::native::Native;
use crate::outbound::Outbound;
use crate::refusal::Refusal;
use crate::sandbox::{self, Sandboxes};

/// One way to answer.
pub(crate) enum Engine {
    /// The component's decision, in sandboxes.
    Decision(Box<Law<Sandboxes>>),
    /// A component with `wasi:http/handler`, as any host of WASI runs it.
    Handler(Handlers),
    /// What the component is made of, compiled into this host.
    Native(Box<Law<Native>>),
}

impl Engine {
    /// Makes it ready.
    pub(crate) async fn start(config: &Config) -> Result<Self, Error> {
        let outbound = Outbound::new(config)?;
        let environment = environment(config);
        let limits = &config.limits;
        if config.engine == EngineKind::Native {
            let native = Native::new(&environment)?;
            return Ok(Self::Native(Box::new(Law::new(native, outbound, limits))));
        }
        let Compiled { engine, component } = component::compile(config).await?;
        if sandbox::decides(&component) {
            let sandboxes = Sandboxes::new(&engine, &component, environment, limits)?;
            return Ok(Self::Decision(Box::new(Law::new(sandboxes, outbound, limits))));
        }
        let handlers = component::handlers(&engine, &component, environment, outbound, limits)?;
        Ok(Self::Handler(handlers))
    }

    /// Answers a request.
    pub(crate) async fn answer(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Refusal> {
        match self {
            Self::Decision(law) => law.answer(request).await,
            Self::Handler(handlers) => Box::pin(handlers.answer(request)).await,
            Self::Native(law) => Box::pin(law.answer(request)).await,
        }
    }

    /// Begins nothing more, and waits until the cache is on disk.
    pub(crate) async fn close(&self) {
        match self {
            Self::Decision(law) => law.close().await,
            Self::Handler(handlers) => handlers.close().await,
            Self::Native(law) => law.close().await,
        }
    }
}

/// What the engine is told: the operator's settings, and what this host does for it. The bucket is this host's own: its
/// secret goes into no sandbox.
fn environment(config: &Config) -> Vec<(String, String)> {
    let mut environment = config.environment.clone();
    let of_bucket = |name: &str| BUCKET_SETTINGS.contains(&name) || BUCKET_SECRETS.contains(&name);
    environment.retain(|(name, _)| !of_bucket(name));
    let own = [
        ("MATINEE_ORIGIN", config.origin.as_str()),
        ("MATINEE_CLIENT_HEADERS", "1"),
        ("MATINEE_CACHE", "host"),
    ];
    for (name, value) in own {
        if !environment.iter().any(|(other, _)| other == name) {
            environment.push((name.to_owned(), value.to_owned()));
        }
    }
    environment
}
