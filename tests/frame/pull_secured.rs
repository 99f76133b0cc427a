//! Shows that are fetched under TLS: from whom the name belongs to, and from nobody else.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Client;
use tempfile::TempDir;
use tests::{House, Publisher, certificate};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::clip::FRAME_RATE;
use crate::pull::{assert_followed, clip, on_air, pull, server};

const DISTRUST: &str = "the source's certificate is not trusted";

struct Pair {
    directory: TempDir,
}

impl Pair {
    fn new() -> Self {
        let pair = Self { directory: tempfile::tempdir().expect("a temporary directory") };
        certificate(&pair.certificate(), &pair.key(), "localhost");
        pair
    }

    fn certificate(&self) -> PathBuf {
        self.directory.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.directory.path().join("key.pem")
    }
}

/// A house that fetches, and believes who has this certificate; or the system's authorities alone.
fn fetching(believed: Option<&Path>) -> House {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let flags = ["--reconnect-window-s", "2", "--pull-private", "allow"];
    let believed = believed.map(|path| path.to_str().expect("a path of ASCII"));
    let variables: Vec<(&str, &str)> =
        believed.map(|path| ("SSL_CERT_FILE", path)).into_iter().collect();
    House::start_told(directory, &["127.0.0.1:0"; 3], &flags, &variables)
}

async fn assert_refused(here: &House) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !here.log().contains(DISTRUST) {
        assert!(Instant::now() < deadline, "it is said why: {}", here.log_tail());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let listed = here.cli_json(&["show", "list", "--json"]);
    assert_ne!(listed["shows"][0]["state"], "live", "{listed}");
}

#[tokio::test]
async fn hls_is_fetched_from_who_has_a_certificate_that_is_believed() {
    let pair = Pair::new();
    let (certificate, key) = (pair.certificate(), pair.key());
    let paths = [&certificate, &key].map(|path| path.to_str().expect("a path of ASCII"));
    let under_tls = ["--edge-tls-cert", paths[0], "--edge-tls-key", paths[1]];
    let there = House::start(&[&["--reconnect-window-s", "1"], &under_tls[..]].concat());
    let origin = there.show("There");
    let from = there.ticket(&origin.id).playlist_url;
    assert!(from.starts_with("https://"), "it speaks TLS");
    let (here, distrusting) = (fetching(Some(&certificate)), fetching(None));
    let (copy, closed) = (here.show("Here"), distrusting.show("Not here"));
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut publisher = Publisher::of_file(&clip(&directory), &origin.rtmp);
    pull(&distrusting, &closed, &from);
    pull(&here, &copy, &from);
    let client = Client::new();
    let playlist = here.ticket(&copy.id).playlist_url;
    on_air(&client, &playlist, Duration::from_secs(60)).await;
    assert_refused(&distrusting).await;
    assert!(publisher.finish().0);
    assert_followed(&client, &playlist, 6 * FRAME_RATE).await;
    assert!(!here.log().contains(DISTRUST), "{}", here.log());
}

/// A door under TLS before a server that has none. Ends with the test.
async fn door(pair: &Pair, to: u16) -> SocketAddr {
    let chain = CertificateDer::pem_file_iter(pair.certificate()).expect("a file");
    let chain: Vec<_> = chain.collect::<Result<_, _>>().expect("certificates");
    let key = PrivateKeyDer::from_pem_file(pair.key()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a pair");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Who does not believe the certificate goes, and so does a player.
                let Ok(mut within) = acceptor.accept(stream).await else { return };
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await;
                let _ =
                    tokio::io::copy_bidirectional(&mut within, &mut server.expect("it listens"))
                        .await;
            });
        }
    });
    address
}

#[tokio::test]
async fn rtmp_is_fetched_under_tls_likewise() {
    let pair = Pair::new();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = clip(&directory);
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    let _server = server(port, &file);
    let from = format!("rtmps://localhost:{}/live/show", door(&pair, port).await.port());
    let distrusting = fetching(None);
    let closed = distrusting.show("Not here");
    pull(&distrusting, &closed, &from);
    assert_refused(&distrusting).await;
    drop(distrusting);
    let here = fetching(Some(&pair.certificate()));
    let show = here.show("Fetched");
    pull(&here, &show, &from);
    on_air(&Client::new(), &here.ticket(&show.id).playlist_url, Duration::from_secs(30)).await;
}
