//! TLS on the viewers' door: versions, certificates, and the change of certificates while it is open.
//!
//! In: the files of a certificate and its key. Out: a [`Terminator`] that turns a connection into a stream of plain
//! bytes. Does not know HTTP, but for the two protocols it offers (ALPN, RFC 7301).
//!
//! TLS 1.2 and 1.3, key exchanges with forward secrecy only (rustls has no others), session tickets that this process
//! alone can open, no early data: a replayed request must not exist.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use metrics::{counter, gauge};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{error, info};

use crate::error::Error;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// Longest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// What is offered to viewers, the best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Two PEM files: the certificate with the chain behind it, and its private key (PKCS #8, PKCS #1 or SEC 1). They
    /// are read again when they change.
    Files {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
}

/// Ends TLS.
pub(crate) struct Terminator {
    acceptor: TlsAcceptor,
    files: Files,
    handshake_time_max: Duration,
}

/// The two files as they were last read, and the pair that is in use.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    seen: std::sync::Mutex<[Vec<u8>; 2]>,
    pair: Arc<Pair>,
}

/// The pair in use.
#[derive(Debug)]
struct Pair(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Pair {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Terminator {
    /// Reads the certificate.
    ///
    /// # Errors
    /// The files cannot be read, or hold no pair. See [`Error::Tls`].
    pub(crate) fn new(tls: &Tls, handshake_time_max: Duration) -> Result<Self, Error> {
        let Tls::Files { certificate, key } = tls;
        let seen = read(certificate, key).map_err(Error::Tls)?;
        let pair = pair(&seen, [certificate.as_path(), key]).map_err(Error::Tls)?;
        let pair = Arc::new(Pair(RwLock::new(Arc::new(pair))));
        let acceptor = TlsAcceptor::from(Arc::new(server_config(Arc::clone(&pair) as _)?));
        let (certificate, key) = (certificate.clone(), key.clone());
        let files = Files { certificate, key, seen: std::sync::Mutex::new(seen), pair };
        Ok(Self { acceptor, files, handshake_time_max })
    }

    /// Shakes hands with a viewer, within the time there is.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let shaken = timeout(self.handshake_time_max, self.acceptor.accept(stream)).await;
        let result = match &shaken {
            Ok(Ok(_)) => "ok",
            Ok(Err(_)) => "failed",
            Err(_) => "slow",
        };
        counter!("matinee_edge_tls_handshakes_total", "result" => result).increment(1);
        shaken.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Takes a new pair into use when the files change, for good.
    pub(crate) async fn watch(&self) {
        let mut beat = interval(LOOK);
        loop {
            beat.tick().await;
            self.files.look();
        }
    }
}

impl Files {
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

/// What TLS is spoken, with certificates from `resolver`.
fn server_config(resolver: Arc<dyn ResolvesServerCert>) -> Result<ServerConfig, Error> {
    let wrong = |error: rustls::Error| Error::Tls(error.to_string());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(wrong)?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = PROTOCOLS.iter().map(|protocol| protocol.to_vec()).collect();
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(wrong)?;
    Ok(config)
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
