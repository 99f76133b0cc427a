//! TLS on the ports of RTMPS and WHIP: the same protocols within it.
//!
//! In: two PEM files, which may change; accepted sockets. Out: streams of plain bytes. Does not know protocols.
//!
//! TLS 1.2 and 1.3, key exchanges with forward secrecy only (rustls has no others). An encoder's connection lasts for a
//! show, so that resuming one is worth nothing: no session tickets.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, gauge};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::NoServerSessionStorage;
use shared_certificate::{Files, Look};
use tokio::net::TcpStream;
use tokio::time;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::{Certificate, Door, Error};

/// Ends TLS, with the pair that was last good.
pub(super) struct Tls {
    door: Door,
    files: Files,
    look_every: Duration,
    acceptor: TlsAcceptor,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`Error::Certificate`]: they cannot be read, or hold no pair.
    pub(super) fn open(door: Door, named: &Certificate) -> Result<Self, Error> {
        let wrong = |why| Error::Certificate { door, why };
        let files = Files::open(&named.certificate, &named.key).map_err(wrong)?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
                .map_err(|error| wrong(error.to_string()))?
                .with_no_client_auth()
                .with_cert_resolver(files.pair());
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { door, files, look_every: named.look_every, acceptor })
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

    /// Looks now and then, for good, whether there is a new pair. One that is bad is reported once and not used.
    pub(super) async fn watch(&self) -> ! {
        loop {
            time::sleep(self.look_every).await;
            self.look();
        }
    }

    fn look(&self) {
        let door = self.door;
        let stale = gauge!("matinee_ingest_tls_certificate_stale", "door" => door.to_string());
        match self.files.look() {
            Look::Same => {}
            // What is missing for good shows in the gauge.
            Look::Away => stale.set(1.0),
            Look::New => {
                stale.set(0.0);
                let certificate = self.files.certificate().display();
                tracing::info!(%door, %certificate, "a new certificate is in use");
            }
            Look::Bad(why) => {
                stale.set(1.0);
                tracing::error!(%door, why, "the new certificate is not used");
            }
        }
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("certificate", &self.files.certificate())
            .finish_non_exhaustive()
    }
}
