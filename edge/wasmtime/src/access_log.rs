//! The access log: one JSON object a line, written behind the answers' backs.
//!
//! In: lines. Out: a file or standard output. Does not know requests. A writer that cannot keep up loses lines, never
//! time of a viewer's; what was lost is counted.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use metrics::counter;
use tracing::warn;

use crate::config::AccessLog;
use crate::error::Error;

/// How often the file is looked for, and how long a flush may take.
const FLUSH: Duration = Duration::from_secs(1);
/// Lines between two looks at the file.
const BATCH: usize = 1024;
/// Bytes that are written at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// Takes lines; the writer ends when it is dropped.
pub(crate) struct Lines(SyncSender<Order>);

/// What the writer is asked to do.
enum Order {
    Line(Vec<u8>),
    /// Write all there is, then drop this.
    Flush(SyncSender<()>),
}

impl Lines {
    /// Opens the log and starts its writer, if it has a place of its own.
    ///
    /// # Errors
    /// The file cannot be written, or there can be no thread.
    pub(crate) fn open(to: &AccessLog, lines_max: usize) -> Result<Option<Self>, Error> {
        let mut sink = match to {
            AccessLog::Off | AccessLog::Events => return Ok(None),
            AccessLog::Stdout => Sink::Stdout(BufWriter::with_capacity(BUFFER_BYTES, io::stdout())),
            AccessLog::File(path) => {
                let file = open(path).map_err(|cause| Error::AccessLog {
                    path: path.display().to_string(),
                    cause,
                })?;
                Sink::File(path.clone(), file)
            }
        };
        let (sender, receiver) = sync_channel(lines_max);
        thread::Builder::new()
            .name("edge-access-log".to_owned())
            .spawn(move || write(&receiver, &mut sink))
            .map_err(|error| Error::Engine(error.to_string()))?;
        Ok(Some(Self(sender)))
    }

    /// Writes a line, if there is room for it.
    pub(crate) fn put(&self, mut line: Vec<u8>) {
        line.push(b'\n');
        if self.0.try_send(Order::Line(line)).is_err() {
            lost(1);
        }
    }

    /// Waits until all lines so far are written, but not long.
    pub(crate) fn flush(&self) {
        let (done, written) = sync_channel(0);
        if self.0.try_send(Order::Flush(done)).is_ok() {
            // It is dropped when the lines are written; nothing is ever sent.
            let _ = written.recv_timeout(FLUSH);
        }
    }
}

enum Sink {
    Stdout(BufWriter<io::Stdout>),
    File(PathBuf, BufWriter<File>),
}

impl Sink {
    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Stdout(writer) => writer,
            Self::File(_, writer) => writer,
        }
    }

    /// Opens the file anew if it was moved away or removed.
    fn follow(&mut self) {
        let Self::File(path, writer) = self else { return };
        let open_one = writer.get_ref().metadata().map(|meta| (meta.dev(), meta.ino()));
        let named = std::fs::metadata(&path).map(|meta| (meta.dev(), meta.ino()));
        if matches!((&open_one, &named), (Ok(one), Ok(other)) if one == other) {
            return;
        }
        match open(path) {
            Ok(file) => *writer = file,
            Err(error) => warn!(%error, path = %path.display(), "the access log cannot be opened"),
        }
    }
}

fn open(path: &Path) -> io::Result<BufWriter<File>> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    Ok(BufWriter::with_capacity(BUFFER_BYTES, file))
}

fn write(orders: &Receiver<Order>, sink: &mut Sink) {
    let mut looked = Instant::now();
    loop {
        let first = match orders.recv_timeout(FLUSH) {
            Ok(order) => Some(order),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let (mut written, mut failed, mut waits) = (0_u64, false, None);
        for order in first.into_iter().chain(orders.try_iter().take(BATCH)) {
            match order {
                Order::Line(line) => {
                    written += 1;
                    failed |= sink.writer().write_all(&line).is_err();
                }
                Order::Flush(done) => waits = Some(done),
            }
        }
        failed |= sink.writer().flush().is_err();
        if failed {
            lost(written);
        }
        drop(waits);
        if looked.elapsed() >= FLUSH {
            sink.follow();
            looked = Instant::now();
        }
    }
}

fn lost(lines: u64) {
    counter!("matinee_edge_access_log_lost_total").increment(lines);
}
