//! Connections to origins: kept, in the clear or over TLS.
//!
//! In: limits, authorities to believe. Out: a client. Does not know which origins there are.

use std::path::Path;
use std::sync::Arc;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tracing::warn;
use wasmtime_wasi_http::WasiBody;

use crate::config::Limits;
use crate::error::Error;

/// A client with its connections.
pub(crate) type Client = Pool<HttpsConnector<HttpConnector>, WasiBody>;

/// A client without any connection yet. `is_tls` is whether it will need authorities to believe.
pub(crate) fn client(
    limits: &Limits,
    is_tls: bool,
    authorities: Option<&Path>,
) -> Result<Client, Error> {
    let config = believing(is_tls, authorities)?;
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(limits.connect_time_max));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Ok(Pool::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(limits.origin_idle_max)
        .build(connector))
}

/// TLS outwards, which believes the system's authorities and those of a file (PEM), or none.
///
/// # Errors
/// The file holds no certificates.
pub(crate) fn believing(
    the_system: bool,
    authorities: Option<&Path>,
) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    if the_system {
        believe_system(&mut roots);
    }
    if let Some(path) = authorities {
        believe_file(&mut roots, path)?;
    }
    Ok(ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Engine(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

fn believe_system(roots: &mut RootCertStore) {
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        warn!(%error, "some of the system's authorities cannot be read");
    }
    let (_, bad) = roots.add_parsable_certificates(found.certs);
    if bad > 0 {
        warn!(bad, "some of the system's authorities are no certificates");
    }
}

fn believe_file(roots: &mut RootCertStore, path: &Path) -> Result<(), Error> {
    let refused = |cause: String| Error::Authorities { path: path.to_owned(), cause };
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| refused(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| refused(error.to_string()))?;
        roots.add(certificate).map_err(|error| refused(error.to_string()))?;
    }
    Ok(())
}
