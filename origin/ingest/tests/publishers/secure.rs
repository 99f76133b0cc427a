//! RTMPS: the same port within TLS, as `ffmpeg` and `openssl` meet it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use origin_ingest::{Certificate, Config, Error, Gate, Opening, Rtmps, Server, StreamKey, Verdict};
use shared_media::TrackKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time;

use crate::stagehand::{House, USUAL, assert_in_order, ffmpeg, quick, units, whole, words};

/// Longer than a new certificate may take to be seen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Settings with RTMPS, and a certificate of that name in the directory.
async fn secure(directory: &Path, name: &str) -> Config {
    make_certificate(directory, name).await;
    let rtmps = Rtmps { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), tls: named(directory) };
    Config { rtmps: Some(rtmps), ..quick() }
}

/// The certificate in the directory.
pub(crate) fn named(directory: &Path) -> Certificate {
    Certificate {
        certificate: directory.join("cert.pem"),
        key: directory.join("key.pem"),
        look_every: Duration::from_millis(50),
    }
}

pub(crate) async fn make_certificate(directory: &Path, name: &str) {
    let subject = format!("/CN={name}");
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-subj", &subject, "-keyout"])
        .arg(directory.join("key.pem"))
        .arg("-out")
        .arg(directory.join("cert.pem"))
        .output()
        .await
        .expect("openssl is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// What `openssl s_client` says of the connection.
async fn shaken_hands(address: SocketAddr) -> String {
    let output = Command::new("openssl")
        .args(["s_client", "-connect", &address.to_string()])
        .stdin(Stdio::null())
        .output()
        .await
        .expect("openssl is installed");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn ffmpeg_publishes_over_tls_and_is_told_what_is_wrong() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut house = House::open(secure(directory.path(), "one.test").await).await;
    let address = house.secure_address.expect("RTMPS is spoken");
    let url = format!("rtmps://{address}/live/k1");
    let publisher = ffmpeg("30", &format!("-t 2 {USUAL}"), &url);
    let publications = whole(&mut house.opening().await).await;
    let (went_well, said) = words(publisher).await;
    assert!(went_well, "{said}");
    assert_in_order(&publications);
    assert_eq!(units(&publications, TrackKind::Video).len(), 60);

    let url = format!("rtmps://{address}/live/k3");
    let (went_well, said) = words(ffmpeg("30", &format!("-t 1 {USUAL}"), &url)).await;
    assert!(!went_well && said.contains("wrong stream key"), "{said}");
    house.close().await;
}

#[tokio::test]
async fn who_speaks_no_tls_there_is_let_go() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let config = secure(directory.path(), "one.test").await;
    let house =
        House::open(Config { handshake_timeout: Duration::from_millis(500), ..config }).await;
    let address = house.secure_address.expect("RTMPS is spoken");
    for hello in [&[3; 1537][..], b"\x16\x03\x01"] {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(hello).await.expect("it reads");
        let mut said = Vec::new();
        let closed = time::timeout(PATIENCE, stream.read_to_end(&mut said)).await;
        closed.expect("nobody is held for ever").unwrap_or_default();
    }
    house.close().await;
}

#[tokio::test]
async fn a_new_certificate_is_used_and_a_bad_one_is_not() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let house = House::open(secure(directory.path(), "one.test").await).await;
    let address = house.secure_address.expect("RTMPS is spoken");
    let first = shaken_hands(address).await;
    assert!(first.contains("one.test"), "{first}");
    make_certificate(directory.path(), "two.test").await;
    let renewed = async {
        while !shaken_hands(address).await.contains("two.test") {
            time::sleep(Duration::from_millis(20)).await;
        }
    };
    time::timeout(PATIENCE, renewed).await.expect("the new certificate is seen");
    std::fs::write(directory.path().join("cert.pem"), "nothing").expect("writable");
    time::sleep(Duration::from_millis(200)).await;
    assert!(shaken_hands(address).await.contains("two.test"), "the last good one stays");
    house.close().await;
}

struct NoGate;

impl Gate for NoGate {
    fn admit<'a>(&'a self, _: &'a StreamKey, _: SocketAddr) -> Verdict<'a> {
        Box::pin(std::future::pending())
    }
    fn opened(&self, _: Opening) {}
    fn airtime(&self, _: &str, _: origin_ingest::Airtime) {}
}

#[tokio::test]
async fn a_pair_that_does_not_fit_is_refused_at_the_start() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let config = secure(directory.path(), "one.test").await;
    std::fs::copy(directory.path().join("cert.pem"), directory.path().join("key.pem"))
        .expect("copied");
    let error = Server::bind(config, std::sync::Arc::new(NoGate)).await.map(|_| ());
    let Err(Error::Certificate { why, .. }) = error else { panic!("{error:?}") };
    assert!(why.contains("key.pem holds no private key"), "{why}");
}
