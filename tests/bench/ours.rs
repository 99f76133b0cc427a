//! Our edge, one thread that serves.
//!
//! In: the stage, the origin, what answers (the component, or the same code compiled in). Out: a running [`Edge`]. Does
//! not know what is measured.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::process::{Pinned, wait_for_port};
use crate::stage::{SHOW, Stage, port};
use crate::tokens;

/// How long it may take until it answers.
const START_MAX: Duration = Duration::from_secs(60);
/// How often a starting edge is asked.
const LOOK: Duration = Duration::from_millis(1);

/// What a viewer's connection is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Plain,
    /// TLS 1.3, with the stage's certificate.
    Tls,
}

/// A running edge.
pub(crate) struct Edge {
    child: Child,
    address: SocketAddr,
    door: Door,
    /// From the start of the process to the first answer; of a plain door only.
    pub(crate) started_in: Duration,
}

impl Edge {
    /// Starts it on the server's core.
    pub(crate) fn start(
        stage: &Stage,
        origin: SocketAddr,
        engine: &str,
        door: Door,
    ) -> io::Result<Self> {
        let port = port()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut command = Command::new(std::env::current_exe()?).pinned(0);
        command.arg("serve").arg(address.to_string()).arg(engine).arg(stage.path(""));
        command.arg(if door == Door::Tls { "tls" } else { "plain" });
        command.envs(tokens::settings(&format!("http://{origin}"))?);
        let start = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let mut edge = Self { child, address, door, started_in: Duration::ZERO };
        while door == Door::Plain && edge.get("/healthz").is_err() {
            if start.elapsed() > START_MAX {
                return Err(io::Error::other("our edge does not answer"));
            }
            sleep(LOOK);
        }
        edge.started_in = start.elapsed();
        wait_for_port(port)?;
        Ok(edge)
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its address for `wrk`.
    pub(crate) fn base(&self) -> String {
        let scheme = if self.door == Door::Tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sessions, as the multivariant playlists that tokens open say: `/p/<session>/`, one per viewer. Any edge with the
    /// same keys takes them.
    pub(crate) fn sessions(&self, viewers: usize) -> io::Result<Vec<String>> {
        let prefix = |token| {
            let playlist = self.get(&format!("/live/{SHOW}/index.m3u8?token={token}"))?;
            let from = playlist.find("/p/");
            let prefix = from.and_then(|from| {
                let rest = playlist.get(from..)?;
                let end = rest.match_indices('/').nth(2)?.0;
                rest.get(..=end)
            });
            let none = || io::Error::other("a playlist without a session");
            prefix.map(str::to_owned).ok_or_else(none)
        };
        tokens::jwts(viewers)?.into_iter().map(prefix).collect()
    }

    /// One request on a connection of its own; fails unless it is answered with 200.
    fn get(&self, path: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(START_MAX))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        if answer.starts_with("HTTP/1.1 200") { Ok(answer) } else { Err(io::Error::other(answer)) }
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        crate::process::end(&mut self.child);
    }
}
