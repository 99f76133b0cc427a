//! What answers: the component in its instances.
//!
//! In: a viewer's request, its body bounded, its client facts set. Out: the answer, or why there is none. Does not know
//! what is asked. Whoever answers speaks to the origin through the same [`Outbound`].

use http::{Request, Response};
use wasmtime_wasi_http::WasiBody;

use crate::component::{self, Handlers};
use crate::config::Config;
use crate::error::Error;
use crate::outbound::Outbound;
use crate::refusal::Refusal;

/// One way to answer.
pub(crate) enum Engine {
    /// The component.
    Component(Handlers),
}

impl Engine {
    /// Makes it ready.
    pub(crate) async fn start(config: &Config) -> Result<Self, Error> {
        let outbound = Outbound::new(config)?;
        Ok(Self::Component(component::start(config, outbound).await?))
    }

    /// Answers a request.
    pub(crate) async fn answer(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Refusal> {
        match self {
            Self::Component(component) => component.answer(request).await,
        }
    }

    /// Begins nothing more, and waits until the cache is on disk.
    pub(crate) async fn close(&self) {
        match self {
            Self::Component(component) => component.close().await,
        }
    }
}
