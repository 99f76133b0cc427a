//! Which thread serves a publisher.
//!
//! In: accepted sockets. Out: each with the runtime that is to serve it. What comes of a show is spawned within that
//! runtime, so a frame goes from its socket to its part without waking another thread. Does not know what is served,
//! nor who drives the runtimes.
//!
//! Publishers are not spread over as many threads as there are: what wakes a thread costs more than what it does with a
//! frame, and frames of many publishers that come at about the same time wake one thread once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// So many publishers share a thread before the next one has any. That many of 600 kbit/s take a tenth of a core.
const SHARE: usize = 32;

/// The runtimes; the caller's own if there are none.
#[derive(Debug, Default)]
pub(super) struct Threads {
    all: Vec<Thread>,
}

#[derive(Debug)]
struct Thread {
    runtime: Handle,
    served: Arc<AtomicUsize>,
}

/// A publisher's place on a thread, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) runtime: Handle,
    served: Arc<AtomicUsize>,
}

impl Threads {
    pub(super) fn new(runtimes: Vec<Handle>) -> Self {
        let thread = |runtime| Thread { runtime, served: Arc::default() };
        Self { all: runtimes.into_iter().map(thread).collect() }
    }

    /// Gives a socket to the first that has less than its share, or to the one that serves fewest. Must be called
    /// within a runtime.
    ///
    /// # Errors
    /// The system does not let that one watch the socket.
    pub(super) fn give(&self, stream: TcpStream) -> io::Result<(TcpStream, Place)> {
        let served = |thread: &&Thread| thread.served.load(Ordering::Relaxed).max(SHARE - 1);
        let Some(thread) = self.all.iter().min_by_key(served) else {
            return Ok((stream, Place::taken(Handle::current(), Arc::default())));
        };
        let stream = stream.into_std()?;
        let _within = thread.runtime.enter();
        let stream = TcpStream::from_std(stream)?;
        Ok((stream, Place::taken(thread.runtime.clone(), Arc::clone(&thread.served))))
    }
}

impl Place {
    fn taken(runtime: Handle, served: Arc<AtomicUsize>) -> Self {
        served.fetch_add(1, Ordering::Relaxed);
        Self { runtime, served }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.served.fetch_sub(1, Ordering::Relaxed);
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

    /// Gives a socket away and has a byte read from it; the thread that read it, and its place there.
    async fn served_by(threads: &Threads) -> (Option<String>, Place) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut publisher = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let (mut given, place) = threads.give(accepted).unwrap();
        let served = place.runtime.spawn(async move {
            assert_eq!(given.read_u8().await.unwrap(), 7);
            thread::current().name().map(str::to_owned)
        });
        publisher.write_u8(7).await.unwrap();
        (served.await.unwrap(), place)
    }

    #[tokio::test]
    async fn a_thread_has_its_share_before_the_next_has_any_and_then_they_are_even() {
        let ((one, _one), (two, _two)) = (runtime("one"), runtime("two"));
        let threads = Threads::new(vec![one, two]);
        let mut places = Vec::new();
        for number in 0..2 * SHARE + 3 {
            let (name, place) = served_by(&threads).await;
            let full = number / SHARE;
            let expected = if full == 0 || full == 2 && number % 2 == 0 { "one" } else { "two" };
            assert_eq!(name.as_deref(), Some(expected), "{number}");
            places.push(place);
        }
        // Whoever leaves makes room where it was.
        places.drain(SHARE..);
        assert_eq!(served_by(&threads).await.0.as_deref(), Some("two"));
        places.pop();
        assert_eq!(served_by(&threads).await.0.as_deref(), Some("one"));
    }

    #[tokio::test]
    async fn without_any_whoever_gives_a_socket_serves_it() {
        let own = thread::current().name().map(str::to_owned);
        assert_eq!(served_by(&Threads::default()).await.0, own);
    }
}
