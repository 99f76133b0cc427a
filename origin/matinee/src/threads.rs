//! The threads of the frames: each runs what comes in of some shows, up to their playlists.
//!
//! In: nothing. Out: runtimes of one thread each. Does not know what runs there.
//!
//! Between threads every hand-over of a frame wakes one, and that costs more than all that is done with the frame of a
//! show that is passed through. Viewers, the API and the database stay with the runtime of many threads.

use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use crate::error::Error;

/// As many as there are processors. They end, with all that runs on them, when this is dropped.
pub(crate) struct Threads {
    runtimes: Vec<Handle>,
    threads: Vec<JoinHandle<()>>,
    over: CancellationToken,
}

impl Threads {
    pub(crate) fn start() -> Result<Self, Error> {
        let broken = |error| Error::Machine(format!("threads cannot be started: {error}"));
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let mut started =
            Self { runtimes: Vec::new(), threads: Vec::new(), over: CancellationToken::new() };
        for number in 0..count {
            let runtime = Builder::new_current_thread().enable_all().build().map_err(broken)?;
            started.runtimes.push(runtime.handle().clone());
            let over = started.over.clone();
            let thread = std::thread::Builder::new().name(format!("frames-{number}"));
            let run = move || runtime.block_on(over.cancelled());
            started.threads.push(thread.spawn(run).map_err(broken)?);
        }
        Ok(started)
    }

    pub(crate) fn runtimes(&self) -> Vec<Handle> {
        self.runtimes.clone()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.over.cancel();
        for thread in self.threads.drain(..) {
            // One that panicked has said so itself.
            let _ = thread.join();
        }
    }
}
