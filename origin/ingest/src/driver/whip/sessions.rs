//! The WHIP sessions there are: by the name fragment in their datagrams, and by the name in their URL.
//!
//! In: a publisher that was let on air. Out: its [`Session`], which is forgotten when it is dropped. Does not know what
//! datagrams hold.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_util::sync::CancellationToken;

use crate::StreamKey;

/// What came, and from where.
pub(super) struct Datagram {
    pub(super) from: SocketAddr,
    pub(super) bytes: Bytes,
}

/// All sessions.
#[derive(Default)]
pub(super) struct Sessions(Mutex<Book>);

#[derive(Default)]
struct Book {
    by_fragment: HashMap<String, Sender<Datagram>>,
    by_name: HashMap<String, Entry>,
}

struct Entry {
    key: StreamKey,
    ended: CancellationToken,
}

/// One publisher's session.
pub(super) struct Session {
    sessions: Arc<Sessions>,
    fragment: String,
    /// The last part of its URL, which cannot be guessed.
    pub(super) name: String,
    pub(super) datagrams: Receiver<Datagram>,
    /// Cancelled when its publisher ends it.
    pub(super) ended: CancellationToken,
}

impl Sessions {
    /// A new session. `None` if the system has no randomness to give.
    pub(super) fn begin(
        self: &Arc<Self>,
        fragment: &str,
        key: StreamKey,
        queue_depth: usize,
    ) -> Option<Session> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).ok()?;
        let (fragment, name) = (fragment.to_owned(), BASE64URL_NOPAD.encode(&random));
        let (sender, datagrams) = mpsc::channel(queue_depth.max(1));
        let ended = CancellationToken::new();
        let mut book = self.book();
        book.by_fragment.insert(fragment.clone(), sender);
        book.by_name.insert(name.clone(), Entry { key, ended: ended.clone() });
        drop(book);
        Some(Session { sessions: Arc::clone(self), fragment, name, datagrams, ended })
    }

    /// Where the datagrams go that name this fragment.
    pub(super) fn of(&self, fragment: &str) -> Option<Sender<Datagram>> {
        self.book().by_fragment.get(fragment).cloned()
    }

    /// Ends a session. `None` if there is no such session, false if it is another key's.
    pub(super) fn end(&self, name: &str, key: &StreamKey) -> Option<bool> {
        let book = self.book();
        let entry = book.by_name.get(name)?;
        let fits = entry.key == *key;
        if fits {
            entry.ended.cancel();
        }
        Some(fits)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut book = self.sessions.book();
        book.by_fragment.remove(&self.fragment);
        book.by_name.remove(&self.name);
    }
}
