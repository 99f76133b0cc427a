//! A certificate from an authority: Pebble, the one that Let's Encrypt tests clients with (Debian's package `pebble`).
//!
//! Where it is not installed, the test says so and tries nothing.

use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::curl::curl;
use crate::node::{Plan, certificate};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_got_kept_and_used_again() {
    if Command::new("pebble").arg("-h").output().is_err() {
        println!("not tried: there is no pebble here (Debian: apt-get install pebble)");
        return;
    }
    let port = free_port();
    let directory = format!("https://127.0.0.1:{port}/dir");
    let flags = ["--acme-domain", "live.test", "--acme-email", "ops@live.test"];
    let flags = [&flags[..], &["--acme-directory", &directory]].concat();
    let plan = Plan::new(&flags).with_file("--acme-ca", "authority.pem");
    let [authority, key] = ["authority.pem", "authority-key.pem"].map(|name| plan.path(name));
    certificate(&authority, &key, "pebble");
    let mut node = plan.start().await;

    let names = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let names_at = names.local_addr().expect("an address").to_string();
    drop(names);
    let _names = helper(
        Command::new("pebble-challtestsrv")
            .args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", &names_at])
            .args(["-http01", "", "-https01", "", "-tlsalpn01", ""])
            .args(["-management", &format!("127.0.0.1:{}", free_port())]),
    );
    let config = node.path("pebble.json");
    write_config(&config, port, node.viewers.port(), [&authority, &key]);
    let pebble = helper(
        Command::new("pebble")
            .args(["-dnsserver", &names_at, "-config"])
            .arg(&config)
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_WFE_NONCEREJECT", "0"),
    );

    let ask = |port: u16| {
        let place = format!("live.test:{port}:127.0.0.1");
        // Its root is made anew at each start and signs nothing that matters: only the name is checked below.
        curl(&format!("https://live.test:{port}/healthz"), &["--insecure", "--resolve", &place])
    };
    let deadline = Instant::now() + CERTIFICATE_MAX;
    while ask(node.viewers.port()).status != 200 {
        assert!(Instant::now() < deadline, "no certificate:\n{}", node.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let subject = |node: &crate::node::Node| {
        let output = Command::new("openssl")
            .args(["s_client", "-servername", "live.test", "-connect", &node.viewers.to_string()])
            .stdin(Stdio::null())
            .output()
            .expect("openssl runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let begin = said.find("-----BEGIN").expect("a certificate");
        let end = said.find("-----END CERTIFICATE-----").expect("its end");
        said[begin..end].to_owned()
    };
    let first = subject(&node);
    let challenges = node.metric("matinee_edge_tls_handshakes_total").await;
    assert!(challenges.contains("result=\"challenge\""), "{challenges}");

    // The next start has it at once, with the authority gone.
    drop(pebble);
    while !std::fs::read_dir(node.path("data/acme")).is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|f| f.file_name().to_string_lossy().contains("cert")))
    }) {
        assert!(Instant::now() < deadline, "it is kept");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let origin = node.origin.clone();
    let mut plan = Plan::new(&flags).with_file("--acme-ca", "authority.pem");
    let kept = node.stop();
    std::fs::copy(kept.path().join("authority.pem"), plan.path("authority.pem")).expect("copied");
    let unused = std::mem::replace(&mut plan.directory, kept);
    node = plan.start_before(origin);
    let deadline = Instant::now() + Duration::from_secs(10);
    while ask(node.viewers.port()).status != 200 {
        assert!(Instant::now() < deadline, "the kept certificate:\n{}", node.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(subject(&node), first, "the same certificate");
    drop(unused);
}
