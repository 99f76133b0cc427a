//! The one task that writes: takes what the machine hands out, answers how it went, lets time pass.
//!
//! In: ready writes. Out: `Written` or `Failed`. Does not know what follows from either.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::{Shared, report};
use crate::machine::spool::Stored;
use crate::machine::{Failure, Input, Operation, Write};

/// How long the machine goes without hearing the time.
pub(super) const TICK: Duration = Duration::from_millis(250);

/// Writes until the store is gone.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let ready = shared.driven().ready.take();
        match ready {
            Some(write) => carry_out(&shared, write).await,
            None => tokio::select! {
                () = stop.cancelled() => return,
                () = shared.changed.notified() => {}
                () = tokio::time::sleep(TICK) => shared.drive(Input::Tick),
            },
        }
    }
}

/// Writes what is ready, and what is ready after it, on a thread that may wait for the disk.
async fn carry_out(shared: &Arc<Shared>, write: Write) {
    let disk = Arc::clone(shared);
    let done = tokio::task::spawn_blocking(move || {
        let mut next = Some(write);
        while let Some(write) = next {
            disk.carry_out(&write);
            next = disk.driven().ready.take();
        }
    });
    // The thread was cancelled with the runtime, or the disk's code panicked: nothing is known to be written.
    if let Err(error) = done.await {
        tracing::error!(%error, "a write did not finish");
        shared.drive(Input::Failed(Failure::Io));
    }
}

impl Shared {
    /// Writes one object and says how it went.
    fn carry_out(&self, write: &Write) {
        let is_text = write.key.ends_with(".m3u8");
        let _alone = is_text.then(|| self.texts.blocking_write());
        let started = Instant::now();
        match self.write(write) {
            Ok(()) => {
                report::written(write.bytes.len(), started.elapsed());
                self.ledger.written(&write.key, write.bytes.len());
                self.drive(Input::Written);
            }
            Err(error) => {
                let failure = failure(&error);
                report::failed(&write.key, &error, failure);
                self.drive(Input::Failed(failure));
            }
        }
    }

    /// Writes one object, and has it sent if there is a bucket.
    pub(super) fn write(&self, write: &Write) -> io::Result<()> {
        let on_disk = || match write.operation {
            Operation::Create => {
                self.disk.create(&write.key, &write.bytes).map(|()| write.bytes.len() as u64)
            }
            Operation::Append => self.disk.append(&write.key, &write.bytes),
        };
        let Some(far) = &self.far else { return on_disk().map(drop) };
        far.begin(&write.key)?;
        let written = on_disk();
        let stored = |bytes: &u64| Stored {
            key: write.key.clone(),
            bytes: *bytes,
            grows: write.operation == Operation::Append,
        };
        far.end(&write.key, written.as_ref().ok().map(stored));
        written.map(drop)
    }
}

fn failure(error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Failure::DiskFull,
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::AlreadyExists => Failure::Refused,
        _ => Failure::Io,
    }
}
