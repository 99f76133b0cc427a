//! A PostgreSQL for the tests: the installed server, on a free loopback port, in a directory of its own.
//!
//! In: nothing. Out: its address. Does not know what is stored in it.

// Named from here, since control's own tests take this file alone.
#[path = "certificate.rs"]
pub mod certificate;

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long the server may take until it listens.
const START_MAX: Duration = Duration::from_secs(30);
/// How often it is looked for meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Whom it runs as where the tests are root's, with whom it would refuse to start.
const USER: &str = "postgres";

/// A server that goes when it is dropped, or when the thread that started it ends.
#[derive(Debug)]
pub struct Postgres {
    child: Option<Child>,
    programs: PathBuf,
    directory: TempDir,
    port: u16,
    is_guarded: bool,
}

impl Postgres {
    /// A server, or none and word of it where none is installed.
    ///
    /// # Panics
    /// If it is installed and does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_as(None)
    }

    /// The same, but whoever connects must speak TLS and know this password. Its certificate is its own authority's,
    /// for `localhost`.
    ///
    /// # Panics
    /// If it is installed and does not start.
    #[must_use]
    pub fn start_guarded(password: &str) -> Option<Self> {
        Self::start_as(Some(password))
    }

    #[allow(clippy::print_stdout, reason = "what is left out is told; tests may print anyway")]
    fn start_as(password: Option<&str>) -> Option<Self> {
        let Some(programs) = programs() else {
            println!("left out: no PostgreSQL is installed; scripts/setup.sh test installs it");
            return None;
        };
        let directory = tempfile::tempdir().expect("a temporary directory");
        give(directory.path());
        let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let port = port.expect("a free port").port();
        let is_guarded = password.is_some();
        let mut postgres = Self { child: None, programs, directory, port, is_guarded };
        let mut made = postgres.command("initdb");
        made.args(["-D", &postgres.data(), "-U", USER]);
        match password {
            None => made.args(["-A", "trust"]),
            Some(password) => {
                let file = postgres.directory.path().join("password");
                std::fs::write(&file, password).expect("writable");
                give(&file);
                made.args(["-A", "scram-sha-256", "--pwfile"]).arg(file)
            }
        };
        made.args(["-E", "UTF8", "--locale=C", "--no-sync"]);
        let made = made.output().expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        if is_guarded {
            postgres.guard();
        }
        postgres.up();
        Some(postgres)
    }

    /// Starts it, again after [`Self::down`].
    ///
    /// # Panics
    /// If it does not come up.
    pub fn up(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.directory.path().join("postgres.log"))
            .expect("a log file");
        let sockets = self.directory.path().display().to_string();
        let child = self
            .command("postgres")
            .args(["-D", &self.data(), "-p", &self.port.to_string(), "-k", &sockets])
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"])
            // What is stored here need not outlive anything.
            .args(["-c", "fsync=off", "-c", "full_page_writes=off"])
            .args(["-c", if self.is_guarded { "ssl=on" } else { "ssl=off" }])
            .args(["-c", "log_connections=on"])
            .args(["-c", &format!("ssl_cert_file={}", self.certificate().display())])
            .args(["-c", &format!("ssl_key_file={}", self.key().display())])
            .stderr(log)
            .spawn()
            .expect("the server starts");
        self.child = Some(child);
        let deadline = Instant::now() + START_MAX;
        while !self.is_up() {
            assert!(Instant::now() < deadline, "PostgreSQL did not come up: {}", self.log());
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Makes its certificate, and lets in who speaks TLS.
    fn guard(&self) {
        let (certificate, key) = (self.certificate(), self.key());
        certificate::certificate_for(&certificate, &key, "localhost", "DNS:localhost");
        give(&self.key());
        let rule = "hostssl all all 127.0.0.1/32 scram-sha-256\n";
        let rules = Path::new(&self.data()).join("pg_hba.conf");
        std::fs::write(rules, rule).expect("writable");
    }

    /// Where its certificate is, if it is guarded.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.directory.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.directory.path().join("key.pem")
    }

    fn is_up(&self) -> bool {
        let ready = || {
            let port = self.port.to_string();
            let asked = Command::new(self.programs.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &port])
                .status();
            asked.is_ok_and(|status| status.success())
        };
        TcpStream::connect(("127.0.0.1", self.port)).is_ok() && ready()
    }

    /// Ends it at once, as a crash would. What was committed is there again when it is started.
    pub fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It takes its own children along at SIGQUIT.
            let _ = Command::new("kill").arg("-QUIT").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }

    /// The address of its database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/postgres", self.port)
    }

    /// Carries out a statement.
    ///
    /// # Panics
    /// If it is refused.
    pub fn run(&self, statement: &str) {
        let mut command = Command::new(self.programs.join("psql"));
        command.args([&self.url(), "-v", "ON_ERROR_STOP=1", "-qc", statement]);
        assert!(command.status().expect("psql runs").success(), "{statement}");
    }

    /// What it said.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("postgres.log")).unwrap_or_default()
    }

    fn data(&self) -> String {
        self.directory.path().join("data").display().to_string()
    }

    /// One of its programs, as whoever may run it. It ends with the thread that started it, however that ends.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "QUIT"]);
        if is_root() {
            command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]);
        }
        command.arg("--").arg(self.programs.join(name)).stdin(Stdio::null()).stdout(Stdio::null());
        command.current_dir(self.directory.path());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.down();
    }
}

/// Makes a path the server's own, where it runs as somebody else.
fn give(path: &Path) {
    if is_root() {
        let owned = Command::new("chown").arg(USER).arg(path).status();
        assert!(owned.expect("chown runs").success(), "there is a user {USER}");
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    id.stdout.trim_ascii() == b"0"
}

/// Where the server's programs are: Debian keeps them out of the path, by version.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    found.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let has_all =
        |bin: &PathBuf| ["initdb", "postgres"].iter().all(|name| bin.join(name).is_file());
    found.into_iter().find(|bin| has_all(bin) && Path::new("/usr/bin/setpriv").is_file())
}
