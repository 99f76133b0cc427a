//! A certificate in two files, read again when they change.
//!
//! In: two PEM files. Out: the pair in use. Does not know connections.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use metrics::gauge;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::time::interval;
use tracing::{error, info};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// Longest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The two files as they were last read, and the pair that is in use.
pub(super) struct Files {
    certificate: PathBuf,
    key: PathBuf,
    seen: Mutex<[Vec<u8>; 2]>,
    pair: Arc<Pair>,
}

/// The pair in use.
#[derive(Debug)]
pub(super) struct Pair(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Pair {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Files {
    /// Reads the files.
    ///
    /// # Errors
    /// They cannot be read, or hold no pair: what is wrong with which.
    pub(super) fn open(certificate: &Path, key: &Path) -> Result<Self, String> {
        let seen = read(certificate, key)?;
        let pair = pair(&seen, [certificate, key])?;
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            seen: Mutex::new(seen),
            pair: Arc::new(Pair(RwLock::new(Arc::new(pair)))),
        })
    }

    /// The pair in use, also when it changes.
    pub(super) fn pair(&self) -> Arc<Pair> {
        Arc::clone(&self.pair)
    }

    /// Takes a new pair into use when the files change, for good.
    pub(super) async fn watch(&self) {
        let mut beat = interval(LOOK);
        loop {
            beat.tick().await;
            self.look();
        }
    }

    /// Reads the files again. A bad pair is reported once and the one in use stays.
    fn look(&self) {
        let read = match read(&self.certificate, &self.key) {
            Ok(read) => read,
            // Files that are being replaced may be away; what is missing for good shows in the gauge.
            Err(_) => return gauge!("matinee_edge_tls_certificate_stale").set(1.0),
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == read {
            return;
        }
        match pair(&read, [self.certificate.as_path(), &self.key]) {
            Ok(pair) => {
                *self.pair.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
                gauge!("matinee_edge_tls_certificate_stale").set(0.0);
                info!(certificate = %self.certificate.display(), "a new certificate is in use");
            }
            Err(why) => {
                gauge!("matinee_edge_tls_certificate_stale").set(1.0);
                error!("the new certificate is not used, the one before stays: {why}");
            }
        }
        *seen = read;
    }
}

fn read(certificate: &Path, key: &Path) -> Result<[Vec<u8>; 2], String> {
    let read = |path: &Path| {
        let failed = |error: io::Error| format!("{} cannot be read: {error}", path.display());
        let bytes = std::fs::metadata(path).map_err(failed)?.len();
        if bytes > FILE_BYTES_MAX {
            return Err(format!("{} is too large for a PEM file", path.display()));
        }
        std::fs::read(path).map_err(failed)
    };
    Ok([read(certificate)?, read(key)?])
}

/// The pair in two PEM texts, if they belong to each other.
fn pair(pem: &[Vec<u8>; 2], paths: [&Path; 2]) -> Result<CertifiedKey, String> {
    let ([chain, key], [chain_path, key_path]) = (pem, paths);
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("{}: {error}", chain_path.display()))?;
    if chain.is_empty() {
        return Err(format!("{} holds no certificate (PEM)", chain_path.display()));
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| format!("{} holds no private key (PEM)", key_path.display()))?;
    let provider: CryptoProvider = aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain, key, &provider).map_err(|error| {
        let (chain, key) = (chain_path.display(), key_path.display());
        format!("{chain} and {key} are no pair: {error}")
    })
}
