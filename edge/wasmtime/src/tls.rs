//! TLS on the viewers' door: versions, protocols, and where the certificate comes from.
//!
//! In: a certificate's source. Out: a [`Terminator`] that turns a connection into a stream of plain bytes. Does not
//! know HTTP, but for the two protocols it offers (ALPN, RFC 7301).
//!
//! TLS 1.2 and 1.3, key exchanges with forward secrecy only (rustls has no others), session tickets that this process
//! alone can open, no early data: a replayed request must not exist.

mod acme;
mod files;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::ResolvesServerCert;
use shared_certificate::Files;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub use acme::Acme;
use acme::Renewal;

use crate::error::Error;
use crate::origins::believing;

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
    /// An authority that speaks ACME.
    Acme(Acme),
}

/// Ends TLS.
pub(crate) struct Terminator {
    acceptor: TlsAcceptor,
    source: Source,
    handshake_time_max: Duration,
}

/// What the certificate comes from while the door is open.
enum Source {
    Files(Files),
    Acme(Box<Renewal>),
}

impl Terminator {
    /// Reads the certificate, or makes ready to get one.
    ///
    /// # Errors
    /// The files hold no pair, or what is kept cannot be. See [`Error::Tls`].
    pub(crate) fn new(tls: &Tls, handshake_time_max: Duration) -> Result<Self, Error> {
        let (source, config) = match tls {
            Tls::Files { certificate, key } => {
                let files = Files::open(certificate, key).map_err(Error::Tls)?;
                let config = server_config(files.pair())?;
                (Source::Files(files), config)
            }
            Tls::Acme(acme) => {
                let client = believing(true, acme.authority.as_deref())?;
                let renewal = Renewal::new(acme, client).map_err(Error::Tls)?;
                let mut config = server_config(renewal.resolver())?;
                config.alpn_protocols.push(acme::PROTOCOL.to_vec());
                (Source::Acme(Box::new(renewal)), config)
            }
        };
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), source, handshake_time_max })
    }

    /// Shakes hands with a viewer, within the time there is. An authority's challenge is answered by the handshake and
    /// is nobody to be served.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let shaken = timeout(self.handshake_time_max, self.acceptor.accept(stream)).await;
        let (result, stream) = match shaken {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(acme::PROTOCOL) => {
                ("challenge", None)
            }
            Ok(Ok(stream)) => ("ok", Some(stream)),
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => ("left", None),
            Ok(Err(_)) => ("failed", None),
            Err(_) => ("slow", None),
        };
        counter!("matinee_edge_tls_handshakes_total", "result" => result).increment(1);
        stream
    }

    /// Follows the certificate, for good.
    pub(crate) async fn watch(&self) {
        match &self.source {
            Source::Files(files) => files::watch(files).await,
            Source::Acme(renewal) => renewal.watch().await,
        }
    }
}

/// What TLS is spoken, with certificates from `resolver`.
fn server_config(resolver: Arc<impl ResolvesServerCert + 'static>) -> Result<ServerConfig, Error> {
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
