//! A fake origin down to its bytes: it can hold, trickle, break off and vanish.
//!
//! In: what to say to each request for a path, in order. Out: an address, and every request it got. Does not know the
//! edge.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) target: String,
    headers: Vec<(String, String)>,
}

impl Seen {
    /// A header's value, the empty text if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }
}

/// What to say.
#[derive(Debug, Clone)]
pub(crate) struct Say {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    hold: Option<Arc<Semaphore>>,
    first: usize,
    rest: Option<Arc<Semaphore>>,
    breaks: bool,
    is_chunked: bool,
}

impl Say {
    /// A body that may be kept for a while.
    pub(crate) fn body(body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: body.into(),
            hold: None,
            first: usize::MAX,
            rest: None,
            breaks: false,
            is_chunked: false,
        }
    }

    /// With one more header.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// With another status.
    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Not before the gate opens.
    pub(crate) fn when(mut self, gate: &Arc<Semaphore>) -> Self {
        self.hold = Some(Arc::clone(gate));
        self
    }

    /// The first bytes at once, the others when the gate opens.
    pub(crate) fn rest_when(mut self, first: usize, gate: &Arc<Semaphore>) -> Self {
        (self.first, self.rest) = (first, Some(Arc::clone(gate)));
        self
    }

    /// Without a word of how long it is (RFC 9112, 7.1).
    pub(crate) const fn chunked(mut self) -> Self {
        self.is_chunked = true;
        self
    }

    /// The connection breaks after so many bytes of the body.
    pub(crate) fn breaks_after(mut self, first: usize) -> Self {
        (self.first, self.breaks) = (first, true);
        self
    }
}

impl Say {
    /// A piece of the body as it is sent; an empty chunk would be the end.
    fn framed(&self, piece: &[u8]) -> Vec<u8> {
        if !self.is_chunked || piece.is_empty() {
            return piece.to_vec();
        }
        [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
    }
}

#[derive(Default)]
struct Inner {
    says: HashMap<String, Vec<Say>>,
    seen: Vec<Seen>,
}

/// The fake origin; it stops with the test.
#[derive(Clone)]
pub(crate) struct Origin {
    inner: Arc<Mutex<Inner>>,
    /// The deny list's body and version; `None`: it cannot be had.
    denied: Arc<watch::Sender<Option<(u64, String)>>>,
    knows_since: bool,
    pub(crate) address: SocketAddr,
    life: Arc<Mutex<JoinSet<()>>>,
}

/// A gate that lets everybody through once it is open.
pub(crate) fn gate() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(0))
}

/// Opens a gate for good.
pub(crate) fn open(gate: &Semaphore) {
    gate.close();
}

async fn pass(gate: Option<&Arc<Semaphore>>) {
    if let Some(gate) = gate {
        // A closed semaphore refuses at once, which is what opens this gate.
        drop(gate.acquire().await);
    }
}

impl Origin {
    /// On a free port, with an empty deny list that it holds back until there is news.
    pub(crate) async fn start() -> Self {
        Self::serve("127.0.0.1:0".parse().expect("an address"), true).await
    }

    /// One that knows nothing of waiting for news.
    pub(crate) async fn old() -> Self {
        Self::serve("127.0.0.1:0".parse().expect("an address"), false).await
    }

    /// Comes back at the address of one that has vanished.
    pub(crate) async fn back_at(address: SocketAddr) -> Self {
        Self::serve(address, true).await
    }

    async fn serve(address: SocketAddr, knows_since: bool) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("an option");
        socket.bind(address).expect("a free port");
        let listener = socket.listen(1024).expect("it listens");
        let address = listener.local_addr().expect("an address");
        let (denied, _) = watch::channel(Some((1, list(1, &[]))));
        let origin = Self {
            inner: Arc::default(),
            denied: Arc::new(denied),
            knows_since,
            address,
            life: Arc::default(),
        };
        let welcome = origin.clone().welcome(listener);
        origin.life.lock().expect("not poisoned").spawn(welcome);
        origin
    }

    async fn welcome(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            connections.spawn(self.clone().converse(stream));
        }
    }

    /// Vanishes: connections break, new ones are refused.
    pub(crate) async fn vanish(&self) {
        let mut life = std::mem::take(&mut *self.life.lock().expect("not poisoned"));
        life.shutdown().await;
    }

    /// Its URL, as `MATINEE_ORIGIN` has it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, requests for `target` are answered so, one after the other; the last again and again.
    pub(crate) fn on(&self, target: &str, says: impl Into<Vec<Say>>) {
        let mut says = says.into();
        says.reverse();
        self.lock().says.insert(target.to_owned(), says);
    }

    /// Puts these tickets on the deny list, as its next version.
    pub(crate) fn deny(&self, tickets: &[String]) {
        self.denied.send_modify(|denied| {
            let version = denied.as_ref().map_or(1, |(version, _)| version + 1);
            *denied = Some((version, list(version, tickets)));
        });
    }

    /// Which requests for `target` came, in order.
    pub(crate) fn seen(&self, target: &str) -> Vec<Seen> {
        let inner = self.lock();
        inner.seen.iter().filter(|seen| seen.target.starts_with(target)).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no case panics with the lock")
    }

    /// Answers the requests of one connection.
    async fn converse(self, mut stream: TcpStream) {
        let (read, mut write) = stream.split();
        let mut read = BufReader::new(read);
        while let Some(seen) = request(&mut read).await {
            let target = seen.target.clone();
            self.lock().seen.push(seen);
            let say = match target.strip_prefix("/edge/denied") {
                Some(query) => self.denied(query).await,
                None => self.say(&target),
            };
            pass(say.hold.as_ref()).await;
            let framing = match say.is_chunked {
                true => "transfer-encoding: chunked".to_owned(),
                false => format!("content-length: {}", say.body.len()),
            };
            let mut head = format!("HTTP/1.1 {} X\r\n{framing}\r\n", say.status);
            for (name, value) in &say.headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            let (first, rest) = say.body.split_at(say.first.min(say.body.len()));
            let begun = [head.as_bytes(), b"\r\n", &*say.framed(first)].concat();
            if write.write_all(&begun).await.is_err() || say.breaks {
                return;
            }
            pass(say.rest.as_ref()).await;
            let end: &[u8] = if say.is_chunked { b"0\r\n\r\n" } else { b"" };
            if write.write_all(&[&*say.framed(rest), end].concat()).await.is_err() {
                return;
            }
        }
    }

    fn say(&self, target: &str) -> Say {
        let mut inner = self.lock();
        let says = inner.says.get_mut(target);
        let next =
            says.and_then(|says| if says.len() > 1 { says.pop() } else { says.first().cloned() });
        next.unwrap_or_else(|| problem(404))
    }

    async fn denied(&self, query: &str) -> Say {
        let number = |name: &str| {
            let pairs = query.trim_start_matches('?').split('&').filter_map(|p| p.split_once('='));
            pairs.filter(|(key, _)| *key == name).find_map(|(_, value)| value.parse::<u64>().ok())
        };
        let mut news = self.denied.subscribe();
        if let (true, Some(since), Some(wait_s)) =
            (self.knows_since, number("since"), number("wait_s"))
        {
            let newer = |denied: &Option<(u64, String)>| {
                denied.as_ref().is_none_or(|(version, _)| *version > since)
            };
            let wait = Duration::from_secs(wait_s);
            if tokio::time::timeout(wait, news.wait_for(newer)).await.is_err() {
                return Say::body("").status(304);
            }
        }
        match news.borrow().clone() {
            Some((_, list)) => Say::body(list).with("content-type", "application/json"),
            None => problem(503),
        }
    }
}

fn list(version: u64, tickets: &[String]) -> String {
    let entries: Vec<_> = tickets
        .iter()
        .map(|ticket| {
            let until = 4_000_000_000_i64;
            serde_json::json!({"ticket": ticket, "reason": "revoked", "until": until})
        })
        .collect();
    serde_json::json!({"version": version, "entries": entries}).to_string()
}

fn problem(status: u16) -> Say {
    let body =
        format!("{{\"status\":{status},\"title\":\"t\",\"code\":\"c\",\"request_id\":\"o\"}}");
    Say::body(body).status(status).with("content-type", "application/problem+json")
}

/// The next request of a connection; `None` at its end.
async fn request(read: &mut BufReader<tokio::net::tcp::ReadHalf<'_>>) -> Option<Seen> {
    let mut line = String::new();
    read.read_line(&mut line).await.ok().filter(|bytes| *bytes > 0)?;
    let target = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        read.read_line(&mut line).await.ok().filter(|bytes| *bytes > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let seen = Seen { target, headers };
    let mut body = vec![0; seen.header("content-length").parse().unwrap_or(0)];
    read.read_exact(&mut body).await.ok()?;
    Some(seen)
}
