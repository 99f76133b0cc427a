//! A running edge with a fake house behind it.
//!
//! In: flags. Out: addresses, what it wrote, how it ended. Does not know what is asked of it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use shared_ticket::Claims;
use tempfile::TempDir;
use tests::ticket;
use tests::{program, signal};

use crate::client::{self, Reply};
use crate::origin::{Origin, Say};

/// How long an edge may take until it is open, its component not yet compiled.
const START_MAX: Duration = Duration::from_secs(60);
/// How long it may take to end.
const END_MAX: Duration = Duration::from_secs(30);

/// An edge that stops when this is dropped.
pub(crate) struct Node {
    child: Child,
    directory: TempDir,
    lines: Arc<Mutex<Vec<String>>>,
    /// The house behind it.
    pub(crate) origin: Origin,
    /// Where viewers connect.
    pub(crate) viewers: SocketAddr,
    /// Where its health is.
    pub(crate) admin: SocketAddr,
    /// A viewer's right to a show.
    pub(crate) claims: Claims,
    /// A good session's path, `/p/<session>`.
    pub(crate) session: String,
    /// From the program's start until it was open.
    pub(crate) took: Duration,
}

/// An edge before its start.
pub(crate) struct Plan {
    pub(crate) directory: TempDir,
    flags: Vec<String>,
}

impl Plan {
    pub(crate) fn new(flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        Self { directory, flags: flags.iter().map(|flag| (*flag).to_owned()).collect() }
    }

    /// A file in the edge's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// One more flag, whose value is a file in the edge's directory.
    pub(crate) fn with_file(mut self, flag: &str, name: &str) -> Self {
        let path = self.path(name);
        self.flags.extend([flag.to_owned(), path.to_str().expect("UTF-8").to_owned()]);
        self
    }

    /// Starts the edge in front of a fake house.
    pub(crate) async fn start(self) -> Node {
        let origin = Origin::start().await;
        self.start_before(origin)
    }

    pub(crate) fn start_before(self, origin: Origin) -> Node {
        let keys = self.path("keys.env");
        let lines: String = ticket::settings(&origin.url())
            .iter()
            .filter(|(name, _)| name != "MATINEE_ORIGIN")
            .map(|(name, value)| format!("{name}='{value}'\n"))
            .collect();
        std::fs::write(&keys, lines).expect("writable");
        let log = File::options().create(true).append(true).open(self.path("log"));
        let begun = Instant::now();
        let mut child = Command::new(program())
            .args(["edge", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .args(["--origin", &origin.url(), "--config", "/dev/null"])
            .arg("--keys")
            .arg(&keys)
            .arg("--data")
            .arg(self.path("data"))
            .args(&self.flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.expect("a log file"))
            .spawn()
            .expect("the program starts");
        let lines = read_along(&mut child);
        let said = |name: &str| {
            let lines = lines.lock().expect("no reader panics");
            lines.iter().find_map(|line| Some(line.trim().strip_prefix(name)?.trim().to_owned()))
        };
        while said("data").is_none() {
            let log = || std::fs::read_to_string(self.path("log")).unwrap_or_default();
            let ended = child.try_wait().expect("a child").is_some();
            assert!(!ended && begun.elapsed() < START_MAX, "it did not open:\n{}", log());
            std::thread::sleep(Duration::from_millis(1));
        }
        let took = begun.elapsed();
        let address = |name: &str| {
            let url = said(name).expect("an address");
            let bare = url.rsplit('/').next().unwrap_or_default().to_owned();
            bare.parse().expect("an address")
        };
        let claims = ticket::claims(ticket::fresh_show());
        let session = format!("/p/{}", ticket::sealed(&claims));
        let (viewers, admin) = (address("viewers"), address("admin"));
        let directory = self.directory;
        Node { child, directory, lines, origin, viewers, admin, claims, session, took }
    }
}

impl Node {
    pub(crate) async fn start(flags: &[&str]) -> Self {
        Plan::new(flags).start().await
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The house answers a path of the show, `720p/index.m3u8`, so.
    pub(crate) fn say(&self, object: &str, say: Say) {
        self.origin.on(&format!("/o/{}/{object}", self.claims.show), say);
    }

    /// Asks for an object of the show.
    pub(crate) async fn get(&self, object: &str, headers: &[(&str, &str)]) -> Reply {
        self.ask("GET", &format!("{}/{object}", self.session), headers).await
    }

    pub(crate) async fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Reply {
        client::send(self.viewers, method, target.as_bytes(), headers, b"").await
    }

    /// Asks the admin's address.
    pub(crate) async fn probe(&self, path: &str) -> Reply {
        client::send(self.admin, "GET", path.as_bytes(), &[], b"").await
    }

    /// A metric's lines.
    pub(crate) async fn metric(&self, name: &str) -> String {
        let all = self.probe("/metrics").await.text();
        let lines: Vec<&str> = all.lines().filter(|line| line.starts_with(name)).collect();
        lines.join("\n")
    }

    /// What it wrote to standard output.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no reader panics").clone()
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// How it ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        let deadline = Instant::now() + END_MAX;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    /// Stops it in good order and gives its directory back.
    pub(crate) fn stop(mut self) -> TempDir {
        self.signal("TERM");
        let ended = self.ended();
        assert!(ended.is_some_and(|status| status.success()), "{ended:?}: {}", self.log());
        std::mem::replace(&mut self.directory, tempfile::tempdir().expect("a directory"))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the edge's log ---\n{}", self.log());
        }
        // It may have ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_along(child: &mut Child) -> Arc<Mutex<Vec<String>>> {
    let stdout = child.stdout.take().expect("stdout is piped");
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let into = Arc::clone(&lines);
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            into.lock().expect("no reader panics").push(line);
        }
    });
    lines
}
