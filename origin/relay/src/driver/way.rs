//! The ways out: what is connected to, and whose certificate is believed.
//!
//! In: hosts. Out: connections to the very addresses that were checked, under TLS to whom the name belongs. Does not
//! know what is asked there.
//!
//! libavformat verifies a playlist's server at best, and none that the playlist leads to; nor does it take an address
//! and a name apart. So TLS with the world is spoken here, and libavformat's own ends in this process.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::proxy;
use crate::Error;
use crate::config::{HANDSHAKE_S_MAX, NETWORK_WAIT_US_MAX};
use crate::machine::source::{self, Source};

const WAIT: Duration = Duration::from_micros(NETWORK_WAIT_US_MAX);
const HANDSHAKE_WAIT: Duration = Duration::from_secs(HANDSHAKE_S_MAX);

/// All ways out of this process.
pub(super) struct Way {
    runtime: Runtime,
    out: Arc<Out>,
}

/// What connections are made by.
pub(super) struct Out {
    allow_private: bool,
    connector: TlsConnector,
    /// For libavformat, which believes whatever it meets here.
    pub(super) acceptor: TlsAcceptor,
}

impl Way {
    pub(super) fn new(allow_private: bool) -> Result<Self, Error> {
        let broken = |error: io::Error| Error::Broken(error.to_string());
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let out = Out { allow_private, connector: connector()?, acceptor: acceptor()? };
        Ok(Self { runtime: runtime.map_err(broken)?, out: Arc::new(out) })
    }

    /// What a host's name stands for, if all of it may be fetched from.
    pub(super) fn find(&self, host: &Source) -> Result<Vec<SocketAddr>, Error> {
        self.runtime.block_on(self.out.find(host))
    }

    /// Opens the way for HTTP; gives the proxy's address.
    pub(super) fn proxy(&self) -> Result<SocketAddr, Error> {
        let _context = self.runtime.enter();
        self.runtime.block_on(proxy::open(Arc::clone(&self.out))).map_err(listening)
    }

    /// Connects to a host under TLS, and gives an address in this process for what is within.
    pub(super) fn under_tls(
        &self,
        host: &Source,
        found: &[SocketAddr],
    ) -> Result<SocketAddr, Error> {
        self.runtime.block_on(async {
            let mut server = self.out.secured(host, found).await?;
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(listening)?;
            let address = listener.local_addr().map_err(listening)?;
            tokio::spawn(async move {
                if let Ok(Ok((mut client, _))) = timeout(WAIT, listener.accept()).await {
                    // Either side ends it, and libavformat says so.
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                }
            });
            Ok(address)
        })
    }
}

impl Out {
    pub(super) async fn find(&self, host: &Source) -> Result<Vec<SocketAddr>, Error> {
        let found = lookup_host((host.host.as_str(), host.port)).await.map_err(unreachable)?;
        let found: Vec<SocketAddr> = found.collect();
        let addresses: Vec<IpAddr> = found.iter().map(SocketAddr::ip).collect();
        source::check(&addresses, self.allow_private)?;
        Ok(found)
    }

    /// The first of these addresses that answers.
    pub(super) async fn connect(&self, found: &[SocketAddr]) -> Result<TcpStream, Error> {
        let mut failed = Error::Address("has a host whose name stands for nothing");
        for address in found {
            match timeout(WAIT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failed = unreachable(error),
                Err(_) => failed = Error::Unreachable("it does not answer".into()),
            }
        }
        Err(failed)
    }

    /// The same under TLS, with whom the name belongs to.
    pub(super) async fn secured(
        &self,
        host: &Source,
        found: &[SocketAddr],
    ) -> Result<TlsStream<TcpStream>, Error> {
        let stream = self.connect(found).await?;
        let name = ServerName::try_from(host.host.clone())
            .map_err(|_| Error::Address("has a host that no certificate can name"))?;
        match timeout(HANDSHAKE_WAIT, self.connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) if is_distrust(&error) => Err(Error::Untrusted(error.to_string())),
            Ok(Err(error)) => Err(unreachable(error)),
            Err(_) => Err(Error::Unreachable("it does not speak TLS".into())),
        }
    }
}

/// Whether it is the certificate that a handshake failed by.
fn is_distrust(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}

/// Believes the authorities of the system, or of `SSL_CERT_FILE`.
fn connector() -> Result<TlsConnector, Error> {
    let mut roots = RootCertStore::empty();
    // Without any every source is refused, with words that say so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Broken(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// With a certificate of this process's own, which nobody is to believe.
fn acceptor() -> Result<TlsAcceptor, Error> {
    let broken = |error: &dyn std::error::Error| Error::Broken(error.to_string());
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
    let own = own.map_err(|error| broken(&error))?;
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            let chain = vec![own.cert.der().clone()];
            config.with_no_client_auth().with_single_cert(chain, key.into())
        });
    Ok(TlsAcceptor::from(Arc::new(config.map_err(|error| broken(&error))?)))
}

fn unreachable(error: io::Error) -> Error {
    Error::Unreachable(error.to_string())
}

fn listening(error: io::Error) -> Error {
    Error::Broken(error.to_string())
}
