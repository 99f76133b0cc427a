//! A viewer in headless Chromium, driven through viewer.mjs; other scripts are driven alike.
//!
//! In: a link and what to do there. Out: what is seen. Does not know what is right.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How often the page is looked at while waiting for something.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A browser with one page; it is closed when it is dropped.
pub(crate) struct Viewer {
    node: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Viewer {
    /// Opens a page.
    pub(crate) fn open(url: &str) -> Self {
        let mut viewer = Self::driven_by("viewer.mjs");
        viewer.ask(&json!({ "do": "open", "url": url }));
        viewer
    }

    /// A browser that does what this script knows.
    pub(crate) fn driven_by(script: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
        assert!(
            folder.join("node_modules").is_dir(),
            "npm packages are missing: `make test` gets them"
        );
        let mut node = Command::new("node")
            .arg(folder.join(script))
            .env("MATINEE_CHROMIUM", chromium())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let commands = node.stdin.take().expect("stdin is piped");
        let answers = BufReader::new(node.stdout.take().expect("stdout is piped"));
        Self { node, commands, answers }
    }

    /// Carries out one command.
    pub(crate) fn ask(&mut self, command: &Value) -> Value {
        writeln!(self.commands, "{command}").expect("the viewer listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the viewer answers");
        let mut answer: Value = serde_json::from_str(&line).expect("JSON");
        assert!(answer.get("error").is_none(), "{command}: {}", answer["error"]);
        answer["ok"].take()
    }

    /// What is seen now.
    pub(crate) fn see(&mut self) -> Value {
        self.ask(&json!({ "do": "see" }))
    }

    /// Presses a key.
    pub(crate) fn press(&mut self, key: &str) {
        self.ask(&json!({ "do": "press", "key": key }));
    }

    /// Presses a button by its name.
    pub(crate) fn click(&mut self, name: &str) {
        self.ask(&json!({ "do": "click", "name": name }));
    }

    /// Waits until the page is in a state, and answers what is seen then and how long it took.
    pub(crate) fn until_state(&mut self, state: &str, patience: Duration) -> (Value, Duration) {
        self.until(&format!("state {state}"), patience, |seen| seen["state"] == state)
    }

    /// Waits until what is seen is as wanted.
    pub(crate) fn until(
        &mut self,
        what: &str,
        patience: Duration,
        is: impl Fn(&Value) -> bool,
    ) -> (Value, Duration) {
        let start = Instant::now();
        loop {
            let seen = self.see();
            if is(&seen) {
                return (seen, start.elapsed());
            }
            if start.elapsed() > patience {
                self.shoot("failed");
                panic!("wanted {what} within {patience:?}, sees {seen:#}");
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Waits until the picture has gone on for a second.
    pub(crate) fn until_moving(&mut self, patience: Duration) {
        let time = |seen: &Value| seen["time"].as_f64().unwrap_or_default();
        let before = time(&self.see());
        self.until("a moving picture", patience, |seen| (time(seen) - before).abs() > 1.0);
    }

    /// Keeps a picture of the page under `target/browser`.
    pub(crate) fn shoot(&mut self, name: &str) {
        let path = album().join(format!("{name}.png"));
        self.ask(&json!({ "do": "shoot", "path": path }));
    }

    /// What the player said of itself last, a line each.
    pub(crate) fn log(&mut self) -> String {
        let told = self.ask(&json!({ "do": "told" }));
        let said = told["said"].as_array().cloned().unwrap_or_default();
        said.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Nothing was asked of anyone but the house, and the browser had nothing to complain of.
    pub(crate) fn assert_clean(&mut self) {
        let told = self.ask(&json!({ "do": "told" }));
        assert_eq!(told["strangers"], json!([]), "requests leave the house");
        let address = told["address"].as_str().unwrap_or_default();
        assert!(!address.contains("ticket="), "the ticket stays in the address bar");
        let complaints = told["complaints"].as_array().cloned().unwrap_or_default();
        // A refused or missing resource is told as an error; those belong to the stories.
        let ours =
            |text: &&Value| !text.as_str().unwrap_or_default().contains("Failed to load resource");
        assert_eq!(complaints.iter().filter(ours).count(), 0, "{complaints:?}");
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        // Killing node closes the pipe by which it holds the browser, which then ends.
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

fn album() -> PathBuf {
    let mut path = tests::program();
    path.pop();
    path.pop();
    path.join("browser")
}

/// The browser to test in: the one that is named, else the first that is installed.
fn chromium() -> PathBuf {
    let named = ["MATINEE_CHROMIUM", "CHROMIUM"].into_iter().find_map(std::env::var_os);
    let known = [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ];
    let mut paths = named.map(PathBuf::from).into_iter().chain(known.map(PathBuf::from));
    paths.find(|path| path.is_file()).expect("Chromium is installed: `make test` gets it")
}
