//! The four hosts.
//!
//! In: the settings of an edge. Out: the address of a [`Running`] one. Does not know the cases.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

mod bare;
mod native;
mod ours;
mod viceroy;

pub(crate) use ours::Engine;
pub(crate) use viceroy::{LOG, SHIELDS};

/// A host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    Native,
    Ours,
    Bare,
    Viceroy,
}

/// How many hosts there are: every case has that many words.
pub(crate) const COUNT: usize = 4;

/// An edge that answers until it is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    /// What it lives in, ended by dropping it.
    _life: Box<dyn Send + Sync>,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Native => "native",
            Self::Ours => "ours",
            Self::Bare => "bare",
            Self::Viceroy => "viceroy",
        })
    }
}

impl Host {
    /// Starts an edge with these settings.
    pub(crate) async fn start(self, settings: &[(String, String)]) -> Running {
        match self {
            Self::Native => native::start(settings).await,
            Self::Ours => ours::start(Engine::Decision, settings).await,
            Self::Bare => bare::start(settings).await,
            Self::Viceroy => viceroy::start(settings).await,
        }
    }
}

/// Our own host with another engine than the one of [`Host::Ours`].
pub(crate) async fn ours_by(engine: Engine, settings: &[(String, String)]) -> Running {
    ours::start(engine, settings).await
}

/// A task that ends when it is dropped.
struct Task(tokio::task::JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A built edge, such as `edge.wasm`.
pub(crate) fn artefact(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = root.join("target/edge").join(name);
    assert!(path.is_file(), "{} is missing: run `make edge`", path.display());
    path
}

/// A setting's value.
fn setting<'a>(settings: &'a [(String, String)], name: &str) -> &'a str {
    settings.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
}
