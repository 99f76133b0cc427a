//! Two S3 servers that know nothing of each other, as set-up installed them.
//!
//! In: which one. Out: its address; a bucket `films` is there. Does not know what is put.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

/// The bucket there is.
pub(crate) const BUCKET: &str = "films";
/// The key that both servers know, and its secret.
pub(crate) const CREDENTIALS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "S3RVER"),
    ("AWS_SECRET_ACCESS_KEY", "S3RVER"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
];
/// How long a server may take to start.
const START_MAX: Duration = Duration::from_secs(30);

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `moto`, in Python.
    Moto,
    /// `s3rver`, in JavaScript, which checks signatures.
    S3rver,
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    directory: TempDir,
}

fn tool(path: &str) -> PathBuf {
    let tools = std::env::var_os("MATINEE_TOOLS").map(PathBuf::from).unwrap_or_else(|| {
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        home.join(".cache/matinee/tools")
    });
    let tool = tools.join(path);
    assert!(tool.is_file(), "{} is missing: run `scripts/setup.sh test`", tool.display());
    tool
}

impl Server {
    pub(crate) fn start(kind: Kind) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut command = match kind {
            Kind::Moto => {
                let mut command = Command::new(tool("moto-5.2.5/bin/moto_server"));
                command.args(["-H", "127.0.0.1", "-p", "0"]);
                command
            }
            Kind::S3rver => {
                let mut command = Command::new(tool("s3rver-3.7.1/node_modules/.bin/s3rver"));
                command.args(["-a", "127.0.0.1", "-p", "0", "--silent", "--no-vhost-buckets"]);
                command.args(["--configure-bucket", BUCKET, "-d"]).arg(directory.path());
                command
            }
        };
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let (lines, read) = mpsc::channel();
        let streams: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("piped")),
            Box::new(child.stderr.take().expect("piped")),
        ];
        for stream in streams {
            let lines = lines.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    // It goes on talking after its address was heard.
                    let _ = lines.send(line);
                }
            });
        }
        let address = loop {
            let line = read.recv_timeout(START_MAX).expect("the server says its address");
            let word = line.split(['/', ' ']).find_map(|word| word.parse().ok());
            if let Some(address) = word {
                break address;
            }
        };
        Self { child, address, directory }
    }

    /// Where s3rver keeps the bucket: an object is a file of its key's name and an ending.
    pub(crate) fn folder(&self) -> PathBuf {
        self.directory.path().join(BUCKET)
    }

    /// Makes the bucket where the server does not do so at its start.
    pub(crate) async fn with_bucket(kind: Kind) -> Self {
        let server = Self::start(kind);
        if kind == Kind::Moto {
            let url = format!("http://{}/{BUCKET}", server.address);
            let made = reqwest::Client::new().put(url).send().await.expect("an answer");
            assert!(made.status().is_success(), "{}", made.status());
        }
        server
    }

    /// The keys that `moto` has below a prefix, which it tells whoever asks; a thousand at most.
    pub(crate) async fn listed(&self, prefix: &str) -> Vec<String> {
        let query = format!("list-type=2&max-keys=1000&prefix={prefix}");
        let url = format!("http://{}/{BUCKET}?{query}", self.address);
        let answer = client().get(url).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.expect("text");
        let keys = text.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        keys.map(str::to_owned).collect()
    }

    /// An object that `moto` has, which it gives to whoever has any credentials: it does not look at them.
    pub(crate) async fn object(&self, key: &str) -> Vec<u8> {
        let url = format!("http://{}/{BUCKET}/{key}", self.address);
        let asked = client().get(url).bearer_auth("anybody").send();
        let answer = asked.await.expect("an answer");
        assert_eq!(answer.status(), 200, "{key}");
        answer.bytes().await.expect("a body").to_vec()
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
