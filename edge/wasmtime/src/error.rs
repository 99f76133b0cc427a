//! Why the host could not start, and by whose fault.
//!
//! In: failures of the operating system, the configuration or the component. Out: [`Error`]. Does not know requests: a
//! failed request is answered, never returned.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why [`Edge::start`](crate::Edge::start) gave up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Configuration: another program has the address.
    #[error("{0} is in use by another program: stop it, or choose another address for the edge")]
    AddressInUse(SocketAddr),
    /// Configuration: the address cannot be listened on.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Configuration: an origin is neither `http://host[:port]` nor `https://host[:port]`.
    #[error("an origin must be http[s]://host[:port] with nothing behind it, not {0:?}")]
    Origin(String),
    /// Configuration: the certificates of the authorities that are believed about origins cannot be used.
    #[error("the authorities in {} cannot be used: {cause}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// Configuration: the cache's directory cannot be used.
    #[error("the cache cannot use {}: {cause}", path.display())]
    CacheDirectory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Configuration: the component's file cannot be read.
    #[error("cannot read the edge component {path}: {cause}; `make edge` builds it")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Configuration: these bytes are no component, or it wants something this host does not offer.
    #[error("the edge component is not one this host can run: {0}")]
    Component(String),
    /// Configuration: what the compiled-in decision is told.
    #[error("settings of the edge: {0}")]
    Settings(String),
    /// Configuration: the certificate or its key cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
    /// Configuration: the access log's file cannot be written.
    #[error("the access log {path} cannot be written: {cause}")]
    AccessLog {
        /// The file.
        path: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Us: the WebAssembly engine or the operating system's address space.
    #[error("the WebAssembly engine did not start: {0}")]
    Engine(String),
}
