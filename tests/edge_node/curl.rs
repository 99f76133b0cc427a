//! `curl` as a viewer.
//!
//! In: arguments. Out: what it saw. Does not know the edge.

use std::process::Command;

/// What `curl` saw.
#[derive(Debug)]
pub(crate) struct Seen {
    /// 0 if there was no answer.
    pub(crate) status: u16,
    /// `1.1` or `2`.
    pub(crate) version: String,
    /// The head and the body, as they came.
    pub(crate) text: String,
}

/// Fetches `url`.
pub(crate) fn curl(url: &str, arguments: &[&str]) -> Seen {
    let output = Command::new("curl")
        .args(["--silent", "--include", "--max-time", "20"])
        .args(["--write-out", "\n%{http_version} %{http_code}"])
        .args(arguments)
        .arg(url)
        .output()
        .expect("curl runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (text, last) = text.rsplit_once('\n').expect("what was asked for");
    let (version, status) = last.split_once(' ').expect("two words");
    Seen {
        status: status.parse().expect("a number"),
        version: version.to_owned(),
        text: text.to_owned(),
    }
}
