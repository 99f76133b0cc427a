//! A PostgreSQL that asks for a password and for TLS, as one on another machine does.

use std::path::{Path, PathBuf};
use std::process::Command;

use tests::House;
use tests::postgres::Postgres;

use crate::starting::up;

const PASSWORD: &str = "correct horse";

/// The server with its own certificate, and a file with its password as editors leave it: with a line end.
struct Guarded {
    postgres: Postgres,
    authority: PathBuf,
    password: PathBuf,
    directory: tempfile::TempDir,
}

impl Guarded {
    fn start() -> Option<Self> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let password = directory.path().join("password");
        std::fs::write(&password, format!("{PASSWORD}\n")).expect("writable");
        let postgres = Postgres::start_guarded(PASSWORD)?;
        let authority = postgres.certificate();
        Some(Self { postgres, authority, password, directory })
    }

    fn url(&self, authority: &Path) -> String {
        // The certificate is for the name and not for the address.
        let url = self.postgres.url().replace("127.0.0.1", "localhost");
        format!("{url}?sslmode=verify-full&sslrootcert={}", authority.display())
    }

    /// Says that a house does not start with these flags, and what it says; the password is not in it.
    fn refuses(&self, url: &str, password: &Path) -> String {
        let file = password.to_str().expect("UTF-8");
        let data = self.directory.path().join("refused");
        let output = up(&data, &["--database", url, "--database-password-file", file]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(!said.contains(PASSWORD) && !said.contains("tr0ub4dor"), "{said}");
        said
    }
}

#[test]
fn a_database_is_spoken_to_by_tls_with_the_password_of_a_file() {
    let Some(guarded) = Guarded::start() else { return };
    let url = guarded.url(&guarded.authority);
    let file = guarded.password.to_str().expect("UTF-8");
    let house = House::start(&["--database", &url, "--database-password-file", file]);
    let show = house.show("Behind TLS");
    let listed = house.cli_json(&["show", "list", "--json"]);
    assert_eq!(listed["shows"][0]["show"], show.id.as_str());
    assert!(!house.log().contains(PASSWORD), "{}", house.log());
    drop(house);
    let log = guarded.postgres.log();
    let connected =
        |line: &&str| line.contains("connection authorized") && line.contains("matinee");
    let connections: Vec<&str> = log.lines().filter(connected).collect();
    assert!(!connections.is_empty(), "{log}");
    assert!(connections.iter().all(|line| line.contains("SSL enabled (protocol=TLSv1.3")), "{log}");
    // The rows are in it: a house elsewhere has them.
    let house = House::start(&["--database", &url, "--database-password-file", file]);
    let listed = house.cli_json(&["show", "list", "--json"]);
    assert_eq!(listed["shows"][0]["show"], show.id.as_str());
}

#[test]
fn a_database_that_cannot_be_trusted_or_does_not_trust_is_not_used() {
    let Some(guarded) = Guarded::start() else { return };
    let path = |name: &str| guarded.directory.path().join(name);
    let good = guarded.url(&guarded.authority);

    let said = guarded.refuses(&good, &path("no-such-file"));
    assert!(said.contains("--database-password-file") && said.contains("no-such-file"), "{said}");

    std::fs::write(path("wrong"), "tr0ub4dor").expect("writable");
    let said = guarded.refuses(&good, &path("wrong"));
    assert!(said.contains("password authentication failed"), "{said}");

    // An authority that has not signed it; and its own, for another name.
    let other = path("other.pem");
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-subj", "/CN=other", "-days", "2", "-keyout", "/dev/null", "-out"])
        .arg(&other)
        .output();
    assert!(made.expect("openssl runs").status.success());
    let said = guarded.refuses(&guarded.url(&other), &guarded.password);
    assert!(said.contains("certificate"), "{said}");
    let said = guarded.refuses(&good.replace("localhost", "127.0.0.1"), &guarded.password);
    assert!(said.contains("certificate"), "{said}");

    // In cleartext it lets nobody in.
    let plain = format!("{}?sslmode=disable", guarded.postgres.url());
    let said = guarded.refuses(&plain, &guarded.password);
    assert!(said.contains("no encryption") || said.contains("pg_hba"), "{said}");
}
