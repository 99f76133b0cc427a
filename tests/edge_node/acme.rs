//! A certificate from an authority: Pebble, the one that Let's Encrypt tests clients with (Debian's package `pebble`).
//!
//! Where it is not installed, the test says so and tries nothing; `scripts/setup.sh` installs it where it can be had.

use std::io::Write as _;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tests::certificate;

use crate::curl::curl;
use crate::node::{Node, Plan};

/// How long the authority may take, tries that come too early counted.
const CERTIFICATE_MAX: Duration = Duration::from_secs(60);

/// A program that is ended when this is dropped.
struct Helper(Child);

impl Drop for Helper {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn helper(command: &mut Command) -> Helper {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Helper(quiet.spawn().expect("it starts"))
}

fn is_here(program: &str) -> bool {
    Command::new(program).arg("-h").stdin(Stdio::null()).output().is_ok()
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("an address").port()
}

fn write_config(path: &Path, port: u16, tls_port: u16, authority: [&Path; 2]) {
    let config = serde_json::json!({"pebble": {
        "listenAddress": format!("127.0.0.1:{port}"),
        "managementListenAddress": format!("127.0.0.1:{}", free_port()),
        "certificate": authority[0],
        "privateKey": authority[1],
        "httpPort": free_port(),
        "tlsPort": tls_port,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": false,
    }});
    std::fs::write(path, config.to_string()).expect("writable");
}

/// The authority and the names it looks up, until they are dropped.
fn authority(node: &Node, port: u16) -> [Helper; 2] {
    let names = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let names_at = names.local_addr().expect("an address").to_string();
    drop(names);
    let names = helper(
        Command::new("pebble-challtestsrv")
            .args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", &names_at])
            .args(["-http01", "", "-https01", "", "-tlsalpn01", ""])
            .args(["-management", &format!("127.0.0.1:{}", free_port())]),
    );
    let config = node.path("pebble.json");
    let pair = ["authority.pem", "authority-key.pem"].map(|name| node.path(name));
    write_config(&config, port, node.viewers.port(), [&pair[0], &pair[1]]);
    let pebble = helper(
        Command::new("pebble")
            .args(["-dnsserver", &names_at, "-config"])
            .arg(&config)
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_WFE_NONCEREJECT", "0"),
    );
    [names, pebble]
}

/// Waits until the edge speaks TLS as `live.test`, and returns its certificate.
async fn served(node: &Node) -> String {
    let port = node.viewers.port();
    let (url, place) = (format!("https://live.test:{port}/healthz"), format!("live.test:{port}"));
    let deadline = Instant::now() + CERTIFICATE_MAX;
    // The authority's root is made anew at each start and signs nothing that matters.
    while curl(&url, &["--insecure", "--resolve", &format!("{place}:127.0.0.1")]).status != 200 {
        assert!(Instant::now() < deadline, "no certificate:\n{}", node.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let output = Command::new("openssl")
        .args(["s_client", "-servername", "live.test", "-connect", &node.viewers.to_string()])
        .stdin(Stdio::null())
        .output()
        .expect("openssl runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let begin = said.find("-----BEGIN").expect("a certificate");
    let end = said.find("-----END CERTIFICATE-----").expect("its end");
    said[begin..end].to_owned()
}

/// Waits until the certificate is in the data directory.
async fn kept(node: &Node) {
    let is_kept = || {
        let mut files = std::fs::read_dir(node.path("data/acme")).into_iter().flatten().flatten();
        files.any(|file| file.file_name().to_string_lossy().contains("cert"))
    };
    let deadline = Instant::now() + CERTIFICATE_MAX;
    while !is_kept() {
        assert!(Instant::now() < deadline, "it is not kept:\n{}", node.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_got_kept_and_used_again() {
    if let Some(missing) =
        ["pebble", "pebble-challtestsrv"].into_iter().find(|program| !is_here(program))
    {
        // Seen whether the test passes or not.
        let why =
            format!("ACME: not tried: no `{missing}` here (Debian: apt-get install pebble)\n");
        std::io::stderr().write_all(why.as_bytes()).expect("stderr is open");
        return;
    }
    let port = free_port();
    let directory = format!("https://127.0.0.1:{port}/dir");
    let flags = ["--acme-domain", "live.test", "--acme-email", "ops@live.test"];
    let flags = [&flags[..], &["--acme-directory", &directory]].concat();
    let plan = Plan::new(&flags).with_file("--acme-ca", "authority.pem");
    certificate(&plan.path("authority.pem"), &plan.path("authority-key.pem"), "pebble");
    let node = plan.start().await;
    let authority = authority(&node, port);
    let first = served(&node).await;
    let challenges = node.metric("matinee_edge_tls_handshakes_total").await;
    assert!(challenges.contains("result=\"challenge\""), "{challenges}");

    // The next start has it at once, with the authority gone.
    kept(&node).await;
    drop(authority);
    let origin = node.origin.clone();
    let directory = node.stop();
    let ca = directory.path().join("authority.pem");
    let mut plan = Plan::new(&[&flags[..], &["--acme-ca", ca.to_str().expect("UTF-8")]].concat());
    plan.directory = directory;
    let node = plan.start_before(origin);
    assert_eq!(served(&node).await, first, "the same certificate");
}
