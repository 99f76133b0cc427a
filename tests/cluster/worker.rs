//! A running worker: the built program, with its metrics on a free loopback port.
//!
//! In: flags. Out: what it says in its log and its metrics, how it ends. Does not know films.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::server::CREDENTIALS;
use reqwest::Client;
use tempfile::TempDir;
use tests::viewer::fetch;
use tests::{program, signal};

use crate::{LOOK_EVERY, WAIT_MAX};

/// A worker that ends when it is dropped.
pub(crate) struct Worker {
    child: Child,
    directory: TempDir,
    metrics: String,
}

impl Worker {
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::start_on(None, flags)
    }

    /// On one core alone, with all that it starts, if one is named.
    pub(crate) fn start_on(core: Option<usize>, flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = File::create(directory.path().join("worker.log")).expect("a log file");
        let mut command = match core {
            // It becomes what it starts: the process is the worker's.
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", &core.to_string()]).arg(program());
                command
            }
            None => Command::new(program()),
        };
        let mut child = command
            .args(["worker", "vod", "--metrics", "127.0.0.1:0"])
            .args(flags)
            .envs(CREDENTIALS)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let said = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut worker = Self { child, directory, metrics: String::new() };
        for line in said.lines().map_while(Result::ok) {
            if let Some(metrics) = line.trim().strip_prefix("metrics ") {
                metrics.trim().clone_into(&mut worker.metrics);
                return worker;
            }
        }
        panic!("the worker did not come up: {}", worker.log());
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn log_file(&self) -> PathBuf {
        self.directory.path().join("worker.log")
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Lines of its log that have all these texts, without colours.
    pub(crate) fn said(&self, texts: &[&str]) -> Vec<String> {
        let is_so = |line: &&str| texts.iter().all(|text| line.contains(text));
        self.log().lines().filter(is_so).map(str::to_owned).collect()
    }

    /// Waits until it has said something; what.
    pub(crate) async fn says(&self, texts: &[&str]) -> String {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            if let Some(line) = self.said(texts).pop() {
                return line;
            }
            assert!(Instant::now() < deadline, "it never says {texts:?}: {}", self.log());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until it has begun a chunk of an asset.
    pub(crate) async fn begins(&self, asset: &str) -> String {
        self.says(&["a job is begun", "chunk", asset]).await
    }

    /// Has it stand still amid a chunk of an asset.
    pub(crate) async fn stands_still(&self, asset: &str) {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let begun = self.begins(asset).await;
            self.signal("STOP");
            // What it was about to say of it is said.
            tokio::time::sleep(LOOK_EVERY).await;
            let number = begun.split(' ').find(|word| word.starts_with("number=")).expect("one");
            if self.said(&["a job is over", asset, &format!("{number} ")]).is_empty() {
                return;
            }
            self.signal("CONT");
            assert!(Instant::now() < deadline, "it is too fast: {}", self.log());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until it says of itself that it takes no more, or has ended.
    pub(crate) async fn drains(&self) {
        let (client, deadline) = (Client::new(), Instant::now() + WAIT_MAX);
        let ready = || client.get(format!("{}/readyz", self.metrics)).send();
        while ready().await.is_ok_and(|answer| answer.status() == 200) {
            assert!(Instant::now() < deadline, "it does not drain: {}", self.log());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// How many jobs of a kind it brought to such an end.
    pub(crate) async fn jobs(&self, kind: &str, result: &str) -> u64 {
        let labels = [format!("kind=\"{kind}\""), format!("result=\"{result}\"")];
        self.metric("matinee_film_jobs_total", &labels).await
    }

    /// The first metric of a name that has these labels; 0 if there is none.
    pub(crate) async fn metric(&self, name: &str, labels: &[String]) -> u64 {
        let metrics = fetch(&Client::new(), &format!("{}/metrics", self.metrics)).await.text();
        let is_so = |line: &&str| {
            let named = line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
            named && labels.iter().all(|label| line.contains(label))
        };
        let value = |line: &str| line.rsplit(' ').next().and_then(|value| value.parse().ok());
        metrics.lines().find(is_so).and_then(value).unwrap_or_default()
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        let _ = self.child.wait();
    }

    /// Waits until it has ended by itself; its exit code.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be asked") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not end: {}", self.log());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- a worker's log ---\n{}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
