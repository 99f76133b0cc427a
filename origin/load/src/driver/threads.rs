//! Threads of viewers: a viewer and its connections stay on one, so that an answer wakes no other.
//!
//! In: nothing. Out: runtimes of one thread each. Does not know viewers.

use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

use crate::error::Error;

/// As many as there are processors. They end, with all that runs on them, when this is dropped.
pub(super) struct Threads {
    runtimes: Vec<Handle>,
    threads: Vec<JoinHandle<()>>,
    over: watch::Sender<bool>,
}

impl Threads {
    /// Starts them.
    ///
    /// # Errors
    /// [`Error::System`] if the system has none to give.
    pub(super) fn start() -> Result<Self, Error> {
        let broken = |error: std::io::Error| Error::System(error.to_string());
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let over = watch::Sender::new(false);
        let mut started = Self { runtimes: Vec::new(), threads: Vec::new(), over };
        for number in 0..count {
            let runtime = Builder::new_current_thread().enable_all().build().map_err(broken)?;
            started.runtimes.push(runtime.handle().clone());
            let mut over = started.over.subscribe();
            let run = move || {
                // The sender is gone, or says so: both are the end.
                let _ = runtime.block_on(over.wait_for(|over| *over));
            };
            let thread = std::thread::Builder::new().name(format!("viewers-{number}"));
            started.threads.push(thread.spawn(run).map_err(broken)?);
        }
        Ok(started)
    }

    /// Their runtimes; at least one.
    pub(super) fn runtimes(&self) -> &[Handle] {
        &self.runtimes
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.over.send_replace(true);
        for thread in self.threads.drain(..) {
            // One that panicked has said so itself.
            let _ = thread.join();
        }
    }
}
