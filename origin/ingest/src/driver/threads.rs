//! Which thread serves a publisher.
//!
//! In: accepted sockets. Out: each with the runtime that is to serve it, one after the other. What comes of a show is
//! spawned within the same runtime, so a frame goes from its socket to its part without waking another thread. Does not
//! know what is served, nor who drives the runtimes.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// The runtimes that take turns; the caller's own if there are none.
#[derive(Debug, Default)]
pub(super) struct Threads {
    runtimes: Vec<Handle>,
    served: AtomicUsize,
}

impl Threads {
    pub(super) fn new(runtimes: Vec<Handle>) -> Self {
        Self { runtimes, served: AtomicUsize::new(0) }
    }

    /// Gives a socket to the next. Must be called within a runtime.
    ///
    /// # Errors
    /// The system does not let the next watch the socket.
    pub(super) fn give(&self, stream: TcpStream) -> io::Result<(TcpStream, Handle)> {
        let turn = self.served.fetch_add(1, Ordering::Relaxed);
        let next = turn.checked_rem(self.runtimes.len()).and_then(|next| self.runtimes.get(next));
        let Some(runtime) = next else { return Ok((stream, Handle::current())) };
        let stream = stream.into_std()?;
        let _within = runtime.enter();
        Ok((TcpStream::from_std(stream)?, runtime.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::runtime::Builder;
    use tokio::sync::oneshot;

    use super::*;

    /// A runtime on a thread of this name, until the sender is dropped.
    fn runtime(name: &str) -> (Handle, oneshot::Sender<()>) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (over, until) = oneshot::channel();
        let handle = runtime.handle().clone();
        let thread = thread::Builder::new().name(name.to_owned());
        thread.spawn(move || drop(runtime.block_on(until))).unwrap();
        (handle, over)
    }

    /// Gives a socket away and has a byte read from it; the thread that read it.
    async fn served_by(threads: &Threads) -> Option<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut publisher = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let (mut given, runtime) = threads.give(accepted).unwrap();
        let served = runtime.spawn(async move {
            assert_eq!(given.read_u8().await.unwrap(), 7);
            thread::current().name().map(str::to_owned)
        });
        publisher.write_u8(7).await.unwrap();
        served.await.unwrap()
    }

    #[tokio::test]
    async fn sockets_go_to_the_threads_in_turn_and_are_read_there() {
        let ((one, _one), (two, _two)) = (runtime("one"), runtime("two"));
        let threads = Threads::new(vec![one, two]);
        for name in ["one", "two", "one"] {
            assert_eq!(served_by(&threads).await.as_deref(), Some(name));
        }
        let own = thread::current().name().map(str::to_owned);
        assert_eq!(served_by(&Threads::default()).await, own, "without any, whoever gives it");
    }
}
