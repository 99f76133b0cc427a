//! One child process and the tasks at its three pipes.
//!
//! In: messages for it. Out: its messages, its end, its complaints in our log. Does not know what they mean.

use std::ffi::OsString;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::process::{self, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;

use crate::config::Config;
use crate::machine::frame::{self, FromChild, LENGTH_BYTES, ToChild};

pub(crate) const PIPE_BUFFER_BYTES: usize = 256 << 10;

/// What comes from a child.
pub(super) enum Heard {
    Said(FromChild),
    /// Its output ended or broke, for this reason.
    Ended(String),
}

/// The process. Dropping it kills it.
pub(super) struct Child {
    process: process::Child,
    pid: u32,
    input: Option<mpsc::Sender<ToChild>>,
    output: mpsc::Receiver<Heard>,
}

impl Child {
    pub(super) fn start(config: &Config, show: &str) -> io::Result<Self> {
        let mut process = spawn(&config.command)?;
        let (input, to_write) = mpsc::channel(config.child_queue.max(1));
        let (heard, output) = mpsc::channel(config.child_queue.max(1));
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        tokio::spawn(write(process.stdin.take().ok_or_else(broken)?, to_write));
        tokio::spawn(read(process.stdout.take().ok_or_else(broken)?, heard));
        let complaints = process.stderr.take().ok_or_else(broken)?;
        let line_bytes_max = config.stderr_line_bytes_max;
        tokio::spawn(log(complaints, show.to_owned(), line_bytes_max, config.stderr_lines_max));
        let pid = process.id().unwrap_or_default();
        Ok(Self { process, pid, input: Some(input), output })
    }

    pub(super) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Where messages for it go, until the pipe is closed.
    pub(super) fn input(&self) -> Option<mpsc::Sender<ToChild>> {
        self.input.clone()
    }

    /// Its next message, or its end.
    pub(super) async fn heard(&mut self) -> Heard {
        let ended = || Heard::Ended("its output ended".to_owned());
        self.output.recv().await.unwrap_or_else(ended)
    }

    /// No more messages: it delivers what it has and ends.
    pub(super) fn close_input(&mut self) {
        self.input = None;
    }

    /// Kills it; its end is heard later.
    pub(super) fn kill(&mut self) {
        // Refused only if it is dead already.
        let _ = self.process.start_kill();
    }

    /// Makes sure that it is gone; says how it ended.
    pub(super) async fn buried(mut self) -> String {
        self.kill();
        self.process.wait().await.map_or_else(|error| error.to_string(), describe)
    }

    /// Waits for it to end by itself; else kills it.
    pub(super) async fn ends_within(mut self, grace: Duration) -> bool {
        // Its output must be read, or it could not end.
        let drained = async { while self.output.recv().await.is_some() {} };
        let ended = tokio::time::timeout(grace, drained).await.is_ok()
            && tokio::time::timeout(grace, self.process.wait()).await.is_ok();
        if !ended {
            let _ = self.process.kill().await;
        }
        ended
    }
}

/// Starts a child, with pipes to and from it. Dropping it kills it.
pub(crate) fn spawn(command: &[OsString]) -> io::Result<process::Child> {
    let none = || io::Error::new(io::ErrorKind::InvalidInput, "no command");
    let (program, arguments) = command.split_first().ok_or_else(none)?;
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        // A terminal's Ctrl-C is for the parent, which drains: the child must live through that.
        .process_group(0)
        .spawn()
}

fn describe(status: ExitStatus) -> String {
    status.to_string()
}

async fn write(pipe: ChildStdin, mut messages: mpsc::Receiver<ToChild>) {
    let mut pipe = BufWriter::with_capacity(PIPE_BUFFER_BYTES, pipe);
    while let Some(message) = messages.recv().await {
        let mut written = pipe.write_all(&message.to_bytes()).await;
        if messages.is_empty() {
            written = written.and(pipe.flush().await);
        }
        if written.is_err() {
            return; // It is dead; its output says so.
        }
    }
    // Closing the pipe tells it to end; if this fails it has ended.
    let _ = pipe.shutdown().await;
}

async fn read(pipe: ChildStdout, heard: mpsc::Sender<Heard>) {
    let mut pipe = BufReader::with_capacity(PIPE_BUFFER_BYTES, pipe);
    loop {
        let next = match next_frame(&mut pipe).await.map(FromChild::parse) {
            Ok(Ok(message)) => Heard::Said(message),
            Ok(Err(broken)) => Heard::Ended(broken.to_string()),
            Err(why) => Heard::Ended(why),
        };
        let ended = matches!(next, Heard::Ended(_));
        if heard.send(next).await.is_err() || ended {
            return;
        }
    }
}

/// A child's next frame without its length, or why there is none.
pub(crate) async fn next_frame(pipe: &mut (impl AsyncRead + Unpin)) -> Result<Bytes, String> {
    let said = |error: io::Error| error.kind().to_string();
    let broken = |error: frame::Error| error.to_string();
    let mut prefix = [0; LENGTH_BYTES];
    pipe.read_exact(&mut prefix).await.map_err(said)?;
    let mut body = BytesMut::zeroed(frame::length(prefix).map_err(broken)?);
    pipe.read_exact(&mut body).await.map_err(said)?;
    Ok(body.freeze())
}

/// Puts its complaints in our log, up to a limit; reads on beyond it, or the child would block.
pub(crate) async fn log(
    pipe: ChildStderr,
    show: String,
    line_bytes_max: usize,
    mut lines_left: u32,
) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    loop {
        let Ok(chunk) = pipe.fill_buf().await else { return };
        if chunk.is_empty() {
            return;
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        let room = line_bytes_max.saturating_sub(line.len());
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = end.map_or(chunk.len(), |end| end + 1);
        pipe.consume(used);
        if end.is_some() {
            if lines_left > 0 {
                lines_left -= 1;
                let line = String::from_utf8_lossy(&line);
                tracing::warn!(show, line = %line.escape_debug(), "encoder complains");
            }
            line.clear();
        }
    }
}
