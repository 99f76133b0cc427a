//! Certificates that nobody signed, by the `openssl` program.

use std::path::Path;
use std::process::Command;

/// A new self-signed certificate for 127.0.0.1 and localhost, and its key, at these paths. Who is told so believes it.
///
/// # Panics
/// If `openssl` does not run.
pub fn certificate(certificate: &Path, key: &Path, name: &str) {
    certificate_for(certificate, key, name, "IP:127.0.0.1,DNS:localhost");
}

/// The same, for these hosts only, as `subjectAltName` has them.
///
/// # Panics
/// If `openssl` does not run.
pub fn certificate_for(certificate: &Path, key: &Path, name: &str, hosts: &str) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-subj", &format!("/CN={name}")])
        .args(["-addext", &format!("subjectAltName={hosts}")])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-out")
        .arg(certificate)
        .arg("-keyout")
        .arg(key)
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
}
