//! A certificate from an authority that speaks ACME (RFC 8555), by the challenge TLS-ALPN-01 (RFC 8737).
//!
//! In: names, an address for the authority's letters. Out: a certificate, renewed when a third of its life is left.
//! Does not know connections. Account, key and certificate are kept in a directory that only this user can read.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt as _;
use metrics::gauge;
use rustls::ClientConfig;
use rustls_acme::caches::DirCache;
use rustls_acme::{AcmeConfig, AcmeState, EventOk, ResolvesServerCertAcme};
use tokio::sync::Mutex;
use tracing::{error, info};

/// What is agreed on in the handshake of a challenge.
pub(super) const PROTOCOL: &[u8] = b"acme-tls/1";

/// Who to ask, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acme {
    /// The names the certificate is for; each must lead here, to port 443.
    pub domains: Vec<String>,
    /// Where the authority writes to before a certificate ends.
    pub email: Option<String>,
    /// The authority's directory.
    pub directory: String,
    /// An authority (PEM) that is believed about the directory's own address, besides the system's.
    pub authority: Option<PathBuf>,
    /// Where account, key and certificate are kept.
    pub kept: PathBuf,
}

/// The certificate as it comes and is renewed.
pub(super) struct Renewal {
    state: Mutex<AcmeState<std::io::Error>>,
    resolver: Arc<ResolvesServerCertAcme>,
}

impl Renewal {
    /// Nothing is asked until [`watch`](Self::watch).
    ///
    /// # Errors
    /// The directory cannot be made.
    pub(super) fn new(acme: &Acme, client: ClientConfig) -> Result<Self, String> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&acme.kept);
        made.map_err(|error| format!("{} cannot be made: {error}", acme.kept.display()))?;
        let contact = acme.email.iter().map(|email| format!("mailto:{email}"));
        let state = AcmeConfig::new_with_client_config(&acme.domains, Arc::new(client))
            .contact(contact)
            .directory(&acme.directory)
            .cache(DirCache::new(acme.kept.clone()))
            .state();
        let resolver = state.resolver();
        Ok(Self { state: Mutex::new(state), resolver })
    }

    /// The certificate in use, and the answers to challenges.
    pub(super) fn resolver(&self) -> Arc<ResolvesServerCertAcme> {
        Arc::clone(&self.resolver)
    }

    /// Gets the certificate and renews it, for good.
    pub(super) async fn watch(&self) {
        let mut state = self.state.lock().await;
        while let Some(event) = state.next().await {
            match event {
                Ok(EventOk::DeployedCachedCert) => info!("the kept certificate is in use"),
                Ok(EventOk::DeployedNewCert) => info!("a new certificate is in use"),
                Ok(EventOk::CertCacheStore | EventOk::AccountCacheStore) => continue,
                Err(error) => {
                    gauge!("matinee_edge_tls_certificate_stale").set(1.0);
                    error!(%error, "no certificate could be had; it is tried again");
                    continue;
                }
            }
            gauge!("matinee_edge_tls_certificate_stale").set(0.0);
        }
    }
}
