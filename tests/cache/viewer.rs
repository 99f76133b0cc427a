//! Viewers: one that reads whole answers, and one that reads as the bytes come.
//!
//! In: an edge, a path. Out: what it says. Does not know the cases.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long anything may take here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A header's value, the empty text if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let lines = self.head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(other, _)| other.eq_ignore_ascii_case(name));
        found.next().map_or("", |(_, value)| value.trim())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A viewer's connection with one request on it.
pub(crate) struct Viewer(TcpStream);

impl Viewer {
    /// Sends a request.
    pub(crate) async fn asks(
        edge: SocketAddr,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Self {
        let mut stream = TcpStream::connect(edge).await.expect("the edge listens");
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: edge.test\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await.expect("the edge reads");
        Self(stream)
    }

    /// Reads at least so many bytes of the answer, head and all.
    pub(crate) async fn reads(&mut self, bytes: usize) -> Vec<u8> {
        let mut read = vec![0; bytes];
        let all = timeout(PATIENCE, self.0.read_exact(&mut read)).await;
        all.expect("in time").expect("so many bytes");
        read
    }

    /// Reads the answer to its end.
    pub(crate) async fn reply(mut self) -> Reply {
        let mut answer = Vec::new();
        let mut end = None;
        let whole = timeout(PATIENCE, async {
            loop {
                end = end.or_else(|| length(&answer));
                if end.is_some_and(|end| answer.len() >= end) {
                    return true;
                }
                match self.0.read_buf(&mut answer).await {
                    Ok(1..) => {}
                    _ => return false,
                }
            }
        });
        let is_whole = whole.await.expect("an answer in time");
        assert!(is_whole, "the answer broke off after {} bytes", answer.len());
        parse(&answer)
    }
}

/// Where an answer ends, once its head is there.
fn length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let reply = parse(answer);
    let body = match reply.status {
        204 | 304 => 0,
        _ => reply.header("content-length").parse().unwrap_or_else(|_| panic!("{reply:?}")),
    };
    Some(head + body)
}

fn parse(answer: &[u8]) -> Reply {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Reply { status: status.expect("a status"), head, body: answer[end + 4..].to_vec() }
}

/// Asks for `target` and reads the answer.
pub(crate) async fn get(edge: SocketAddr, target: &str) -> Reply {
    Viewer::asks(edge, "GET", target, &[]).await.reply().await
}
