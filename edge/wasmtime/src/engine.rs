//! What answers: the component in its instances, or the same code compiled in.
//!
//! In: a viewer's request, its body bounded, its client facts set. Out: the answer, or why there is none. Does not know
//! what is asked. Whoever answers speaks to the origin through the same [`Outbound`].

use http::{Request, Response};
use wasmtime_wasi_http::WasiBody;

use crate::component::{self, Handlers};
use crate::config::{Config, EngineKind};
use crate::error::Error;
use crate::native::Native;
use crate::outbound::Outbound;
use crate::refusal::Refusal;

/// One way to answer.
pub(crate) enum Engine {
    /// The component.
    Component(Handlers),
    /// What the component is made of, compiled into this host.
    Native(Box<Native>),
}

impl Engine {
    /// Makes it ready.
    pub(crate) async fn start(config: &Config) -> Result<Self, Error> {
        let outbound = Outbound::new(config)?;
        let environment = environment(config);
        Ok(match config.engine {
            EngineKind::Component => {
                Self::Component(component::start(config, environment, outbound).await?)
            }
            EngineKind::Native => {
                Self::Native(Box::new(Native::start(&environment, outbound, &config.limits)?))
            }
        })
    }

    /// Answers a request.
    pub(crate) async fn answer(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Refusal> {
        match self {
            Self::Component(component) => component.answer(request).await,
            Self::Native(native) => native.answer(request).await,
        }
    }

    /// Begins nothing more, and waits until the cache is on disk.
    pub(crate) async fn close(&self) {
        match self {
            Self::Component(component) => component.close().await,
            Self::Native(native) => native.close().await,
        }
    }
}

/// What the engine is told: the operator's settings, and what this host does for it.
fn environment(config: &Config) -> Vec<(String, String)> {
    let mut environment = config.environment.clone();
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
