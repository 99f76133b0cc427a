//! Load on a server, by `wrk` and `h2load`, from the other core.
//!
//! In: a server, the paths to ask for. Out: a [`Run`]: what it answered, and what that took. Fails if any answer was
//! not 200: a fast refusal is no figure.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Pinned;
use crate::taken::cpu_s;

/// Connections, as in the table's reference points.
pub(crate) const CONNECTIONS: usize = 32;
/// Streams of each connection, with HTTP/2.
const STREAMS: usize = 8;

/// What to ask for, and how.
#[derive(Clone)]
pub(crate) struct Load {
    /// `http://…` or `https://…`, without a path.
    pub(crate) base: String,
    /// A file of paths, one per line, asked for in turn.
    pub(crate) paths: PathBuf,
    /// The server's process.
    pub(crate) server: u32,
    /// Over HTTP/2.
    pub(crate) h2: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Run {
    /// Answers per second.
    pub(crate) requests_s: f64,
    /// Bytes of answers per second.
    pub(crate) bytes_s: f64,
    /// Microseconds of the server's processor per answer.
    pub(crate) cpu_us: f64,
}

/// The script for `wrk`: requests are made before the clock runs, and the sum is printed for us.
pub(crate) const SCRIPT: &str = r#"
local paths, requests, at = {}, {}, 0
function init(args)
    for line in io.lines(args[1]) do requests[#requests + 1] = wrk.format("GET", line) end
end
function request()
    at = at % #requests + 1
    return requests[at]
end
function done(summary, latency, each)
    local e = summary.errors
    local total = summary.requests
    io.write(string.format("\nRESULT %d %d %d %d\n", total, summary.duration, summary.bytes,
        e.connect + e.read + e.write + e.status + e.timeout))
end
"#;

impl Load {
    /// Loads the server for some seconds.
    pub(crate) fn run(&self, script: &Path, seconds: u32) -> io::Result<Run> {
        let before = cpu_s(self.server);
        let (requests, duration_s, bytes) =
            if self.h2 { self.h2load(seconds)? } else { self.wrk(script, seconds)? };
        let cpu = cpu_s(self.server) - before;
        Ok(Run {
            requests_s: requests / duration_s,
            bytes_s: bytes / duration_s,
            cpu_us: cpu * 1e6 / requests,
        })
    }

    fn wrk(&self, script: &Path, seconds: u32) -> io::Result<(f64, f64, f64)> {
        let mut wrk = Command::new("wrk");
        wrk.args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{seconds}s"), "-s"]);
        wrk.arg(script).arg(&self.base).arg("--").arg(&self.paths);
        let said = said(wrk)?;
        let result = said.lines().find_map(|line| line.strip_prefix("RESULT "));
        let fields: Vec<f64> =
            result.unwrap_or_default().split(' ').filter_map(|field| field.parse().ok()).collect();
        match fields[..] {
            [requests, duration_us, bytes, 0.0] if requests > 0.0 => {
                Ok((requests, duration_us / 1e6, bytes))
            }
            _ => Err(io::Error::other(format!("not every answer was good: {said}"))),
        }
    }

    fn h2load(&self, seconds: u32) -> io::Result<(f64, f64, f64)> {
        let list = std::fs::read_to_string(&self.paths)?;
        // It asks for the addresses of a file in turn; it reads them from a file, not from the command line.
        let uris = self.paths.with_extension("h2");
        let lines: Vec<String> = list.lines().map(|path| format!("{}{path}", self.base)).collect();
        std::fs::write(&uris, lines.join("\n"))?;
        let mut h2load = Command::new("h2load");
        h2load.args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-m{STREAMS}")]);
        h2load.args(["-D", &seconds.to_string(), "-i"]).arg(&uris);
        let said = said(h2load)?;
        let after = |mark: &str| said.split(mark).nth(1).map(str::trim_start).unwrap_or_default();
        let first = |text: &str| {
            let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
            text.get(..end).and_then(|number| number.parse::<f64>().ok()).unwrap_or_default()
        };
        let bytes = after("traffic:").split_once('(').map(|(_, rest)| first(rest));
        let good = first(after("status codes:"));
        let all_good = ["0 failed", "0 errored", "0 timeout", "0 3xx, 0 4xx, 0 5xx"]
            .iter()
            .all(|mark| said.contains(mark));
        if good == 0.0 || !all_good {
            return Err(io::Error::other(format!("not every answer was good: {said}")));
        }
        Ok((good, f64::from(seconds), bytes.unwrap_or_default()))
    }
}

fn said(command: Command) -> io::Result<String> {
    let output = command.pinned(1).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    Err(io::Error::other(format!("{said}{}", String::from_utf8_lossy(&output.stderr))))
}
