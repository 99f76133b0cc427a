//! A house that cannot start says what is in its way.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use tests::program;

/// How long a house may take to say that it does not start, in seconds. One that starts after all is ended then.
const REFUSAL_S_MAX: &str = "60";

/// The outcome of a house that is not to start.
pub(crate) fn up(data: &Path, flags: &[&str]) -> Output {
    Command::new("timeout")
        .arg(REFUSAL_S_MAX)
        .arg(program())
        .args(["up", "--edge", "127.0.0.1:0", "--api", "127.0.0.1:0", "--rtmp", "127.0.0.1:0"])
        .arg("--data")
        .arg(data)
        .args(flags)
        .output()
        .expect("the program runs")
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let directory = tempfile::tempdir().expect("a temporary directory");
    for role in ["edge", "api", "rtmp"] {
        // Later flags win over earlier ones, so each role in turn gets the taken address.
        let mut command = Command::new(program());
        command.arg("up").arg("--data").arg(directory.path().join(role));
        for other in ["edge", "api", "rtmp"] {
            let value = if other == role { address.as_str() } else { "127.0.0.1:0" };
            command.args([format!("--{other}"), value.to_owned()]);
        }
        let output = command.output().expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{role}: {said}");
        assert!(said.contains(&address), "{role}: {said}");
        assert!(said.contains("in use"), "{role}: {said}");
    }
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("a-file");
    std::fs::write(&file, "").expect("writable");
    // A file where the directory should be stops even root, who ignores modes.
    let output = up(&file.join("data"), &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("a-file"), "{said}");
}

#[test]
fn a_data_directory_in_use_is_refused() {
    let house = tests::House::start(&[]);
    let output = up(&house.data(), &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("another"), "{said}");
}

#[test]
fn all_mistakes_of_the_configuration_are_told_at_once() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("matinee.toml");
    std::fs::write(&file, "colour = \"red\"\nlog = \"loud\"\n").expect("writable");
    let file = file.to_str().expect("UTF-8");
    let output = up(directory.path(), &["--config", file, "--part-target-ms", "5"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for mistake in ["colour", "loud", "part-target-ms"] {
        assert!(said.contains(mistake), "{mistake}: {said}");
    }
}

#[test]
fn the_command_line_says_when_no_house_runs() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let output = Command::new(program())
        .args(["show", "create", "--title", "x", "--api", "http://127.0.0.1:9"])
        .env("MATINEE_DATA", directory.path())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("matinee up"), "{said}");
}

#[test]
fn keys_are_printed_for_an_edge_elsewhere_and_only_where_a_house_was() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let output = Command::new(program()).arg("keys").arg("--data").arg(directory.path()).output();
    let output = output.expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no house"), "{said}");

    let house = tests::House::start(&[]);
    let output = house.cli(&["keys"]);
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let names: Vec<&str> = lines.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert_eq!(names, ["MATINEE_EDGE_KEY", "MATINEE_SESSION_KEYS", "MATINEE_TOKEN_KEYS"]);
}
