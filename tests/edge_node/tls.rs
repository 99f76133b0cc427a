//! TLS: what is spoken, what is not, and certificates that change.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tests::certificate;

use crate::curl::curl;
use crate::node::{Node, Plan};

async fn start() -> Node {
    let plan =
        Plan::new(&[]).with_file("--tls-cert", "certificate.pem").with_file("--tls-key", "key.pem");
    certificate(&plan.path("certificate.pem"), &plan.path("key.pem"), "first");
    plan.start().await
}

/// What `openssl s_client` says of the connection.
fn handshake(node: &Node, arguments: &[&str]) -> String {
    let mut child = Command::new("openssl")
        .args(["s_client", "-ign_eof", "-connect", &node.viewers.to_string()])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl runs");
    // Asked for something, the edge answers, and TLS 1.3 sends its tickets with the answer.
    let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    child.stdin.as_mut().expect("a pipe").write_all(request).unwrap_or_default();
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_and_1_1_over_tls_1_3_and_1_2_and_nothing_older() {
    let node = start().await;
    let url = format!("https://{}/healthz", node.viewers);
    let authority = node.path("certificate.pem");
    let trust = ["--cacert", authority.to_str().expect("UTF-8")];
    for (arguments, version) in [
        (&["--http2"][..], "2"),
        (&["--http1.1"], "1.1"),
        (&["--http2", "--tlsv1.3"], "2"),
        (&["--http2", "--tls-max", "1.2"], "2"),
    ] {
        let seen = curl(&url, &[&trust, arguments].concat());
        assert_eq!((seen.status, seen.version.as_str()), (200, version), "{arguments:?} {seen:?}");
    }
    let old =
        curl(&url, &[&trust[..], &["--tls-max", "1.1", "--ciphers", "ALL:@SECLEVEL=0"]].concat());
    assert_eq!(old.status, 0, "{old:?}");
    let plain = curl(&format!("http://{}/healthz", node.viewers), &[]);
    assert_eq!(plain.status, 0, "{plain:?}");
    let shaken = node.metric("matinee_edge_tls_handshakes_total").await;
    assert!(shaken.contains("result=\"ok\"") && shaken.contains("result=\"failed\""), "{shaken}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_key_exchanges_with_forward_secrecy_and_sessions_are_resumed() {
    let node = start().await;
    let said = handshake(&node, &["-tls1_2", "-cipher", "kRSA:@SECLEVEL=0"]);
    assert!(said.contains("Cipher is (NONE)"), "{said}");
    for version in ["-tls1_2", "-tls1_3"] {
        let ticket = node.path("ticket");
        let ticket = ticket.to_str().expect("UTF-8");
        let first = handshake(&node, &[version, "-sess_out", ticket]);
        assert!(first.contains("New, TLSv1"), "{first}");
        let second = handshake(&node, &[version, "-sess_in", ticket]);
        assert!(second.contains("Reused, TLSv1"), "{second}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_used_without_a_restart_and_a_bad_one_is_not() {
    let node = start().await;
    let subject = || {
        let said = handshake(&node, &[]);
        said.lines().find(|line| line.starts_with("subject=")).unwrap_or_default().to_owned()
    };
    assert!(subject().contains("first"));

    certificate(&node.path("other.pem"), &node.path("other-key.pem"), "second");
    std::fs::copy(node.path("other.pem"), node.path("certificate.pem")).expect("copied");
    let until = |what: &str| {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !node.log().contains(what) {
            assert!(Instant::now() < deadline, "{what}: {}", node.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    until("are no pair");
    assert!(subject().contains("first"), "the old pair serves on");
    let stale = node.metric("matinee_edge_tls_certificate_stale").await;
    assert!(stale.ends_with(" 1"), "{stale}");

    std::fs::copy(node.path("other-key.pem"), node.path("key.pem")).expect("copied");
    until("a new certificate is in use");
    assert!(subject().contains("second"));
    let stale = node.metric("matinee_edge_tls_certificate_stale").await;
    assert!(stale.ends_with(" 0"), "{stale}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_is_sent_on() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let redirect = free.local_addr().expect("an address").to_string();
    drop(free);
    let plan = Plan::new(&["--redirect", &redirect])
        .with_file("--tls-cert", "certificate.pem")
        .with_file("--tls-key", "key.pem");
    certificate(&plan.path("certificate.pem"), &plan.path("key.pem"), "first");
    let node = plan.start().await;
    let seen = curl(&format!("http://{redirect}/watch/x?a=b"), &[]);
    assert_eq!(seen.status, 308, "{seen:?}");
    let place = format!("location: https://127.0.0.1:{}/watch/x?a=b", node.viewers.port());
    assert!(seen.text.contains(&place), "{}", seen.text);
}
