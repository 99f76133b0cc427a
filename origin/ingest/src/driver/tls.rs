//! TLS on the RTMP port: RTMPS, the same protocol within it.
//!
//! In: two PEM files, which may change; accepted sockets. Out: streams of plain bytes. Does not know RTMP.
//!
//! TLS 1.2 and 1.3, key exchanges with forward secrecy only (rustls has no others). An encoder's connection lasts for a
//! show, so that resuming one is worth nothing: no session tickets.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use metrics::{counter, gauge};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio::time;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::Rtmps;

/// Ends TLS, with the pair that was last good.
pub(super) struct Tls {
    paths: [PathBuf; 2],
    look_every: Duration,
    /// What the files held when they were last read.
    seen: Mutex<[Vec<u8>; 2]>,
    pair: Arc<Pair>,
    acceptor: TlsAcceptor,
}

/// The pair in use.
#[derive(Debug)]
struct Pair(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Pair {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// They cannot be read, or hold no pair: what is wrong with which.
    pub(super) fn open(rtmps: &Rtmps) -> Result<Self, String> {
        let paths = [rtmps.certificate.clone(), rtmps.key.clone()];
        let seen = read(&paths)?;
        let pair = Arc::new(Pair(RwLock::new(Arc::new(certified(&seen, &paths)?))));
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
                .map_err(|error| error.to_string())?
                .with_no_client_auth()
                .with_cert_resolver(pair.clone());
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { paths, look_every: rtmps.look_every, seen: Mutex::new(seen), pair, acceptor })
    }

    /// Shakes hands with a publisher within the time there is.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        patience: Duration,
    ) -> Option<TlsStream<TcpStream>> {
        let (result, stream) = match time::timeout(patience, self.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => ("ok", Some(stream)),
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => ("left", None),
            Ok(Err(_)) => ("failed", None),
            Err(_) => ("slow", None),
        };
        counter!("matinee_ingest_tls_handshakes_total", "result" => result).increment(1);
        stream
    }

    /// Looks once, after a while, whether there is a new pair. One that is bad is reported once and not used.
    pub(super) async fn watch(&self) {
        time::sleep(self.look_every).await;
        let Ok(read) = read(&self.paths) else {
            // Files that are being replaced may be away; what is missing for good shows in the gauge.
            return gauge!("matinee_ingest_tls_certificate_stale").set(1.0);
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == read {
            return;
        }
        match certified(&read, &self.paths) {
            Ok(pair) => {
                *self.pair.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
                gauge!("matinee_ingest_tls_certificate_stale").set(0.0);
                let certificate = self.paths[0].display();
                tracing::info!(%certificate, "a new certificate for RTMPS is in use");
            }
            Err(why) => {
                gauge!("matinee_ingest_tls_certificate_stale").set(1.0);
                tracing::error!(why, "the new certificate for RTMPS is not used");
            }
        }
        *seen = read;
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("paths", &self.paths).finish_non_exhaustive()
    }
}

fn read(paths: &[PathBuf; 2]) -> Result<[Vec<u8>; 2], String> {
    let read = |path: &Path| {
        let failed = |error: io::Error| format!("{} cannot be read: {error}", path.display());
        if std::fs::metadata(path).map_err(failed)?.len() > Rtmps::FILE_BYTES_MAX {
            return Err(format!("{} is too large for a PEM file", path.display()));
        }
        std::fs::read(path).map_err(failed)
    };
    Ok([read(&paths[0])?, read(&paths[1])?])
}

/// The pair in two PEM texts, if they belong to each other.
fn certified(pem: &[Vec<u8>; 2], paths: &[PathBuf; 2]) -> Result<CertifiedKey, String> {
    let [chain_path, key_path] = [paths[0].display(), paths[1].display()];
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem[0])
        .collect::<Result<_, _>>()
        .map_err(|error| format!("{chain_path}: {error}"))?;
    if chain.is_empty() {
        return Err(format!("{chain_path} holds no certificate (PEM)"));
    }
    let key = PrivateKeyDer::from_pem_slice(&pem[1])
        .map_err(|_| format!("{key_path} holds no private key (PEM)"))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|error| format!("{chain_path} and {key_path} are no pair: {error}"))
}
