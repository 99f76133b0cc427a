//! A viewer that sends exactly the bytes it is told to: no library tidies its path.
//!
//! In: a method, a target, headers. Out: a [`Reply`]. Does not know the edge.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long a reply may take, above the longest that an origin is waited for.
const REPLY_MAX: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    /// 0 if the connection was closed without an answer.
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A header's value, the empty text if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    /// All headers.
    pub(crate) fn all(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// All values of a header, in order.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let found = self.headers.iter().filter(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str()).collect()
    }

    /// The `code` of a problem body, checked to be one.
    pub(crate) fn code(&self) -> String {
        self.problem("code")
    }

    /// A member of a problem body.
    pub(crate) fn problem(&self, member: &str) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem: serde_json::Value =
            serde_json::from_slice(&self.body).expect("a problem is JSON");
        problem[member].as_str().unwrap_or_default().to_owned()
    }
}

/// Sends one request and reads the answer to its end.
pub(crate) async fn send(
    edge: SocketAddr,
    method: &str,
    target: &[u8],
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    send_from(None, edge, method, target, headers, body).await
}

/// The same from an address of this machine.
pub(crate) async fn send_from(
    from: Option<IpAddr>,
    edge: SocketAddr,
    method: &str,
    target: &[u8],
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let exchange = async {
        let mut stream = connect(from, edge).await?;
        let mut head =
            [method.as_bytes(), b" ", target, b" HTTP/1.1\r\nhost: edge.test\r\n"].concat();
        for (name, value) in headers {
            head.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if !body.is_empty() {
            head.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        head.extend_from_slice(b"connection: close\r\n\r\n");
        head.extend_from_slice(body);
        // A host may answer and close before it has read all of a request it refuses.
        let (mut read, mut write) = stream.split();
        let mut answer = Vec::new();
        let (_, _) = tokio::join!(write.write_all(&head), read.read_to_end(&mut answer));
        std::io::Result::Ok(answer)
    };
    match timeout(REPLY_MAX, exchange).await {
        Ok(answer) => parse(method, &answer.expect("the edge listens")),
        Err(_) => panic!("no reply to {method} within {REPLY_MAX:?}"),
    }
}

async fn connect(from: Option<IpAddr>, edge: SocketAddr) -> std::io::Result<TcpStream> {
    let Some(from) = from else { return TcpStream::connect(edge).await };
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(edge).await
}

fn parse(method: &str, answer: &[u8]) -> Reply {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Reply::default();
    };
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    let mut reply = Reply {
        status: status.expect("a status line"),
        headers: headers.collect(),
        body: Vec::new(),
    };
    let body = &answer[end + 4..];
    if reply.header("transfer-encoding").eq_ignore_ascii_case("chunked") {
        reply.body = unchunk(body);
    } else {
        let length = reply.header("content-length").parse().unwrap_or(body.len());
        let is_bodiless = method == "HEAD" || matches!(reply.status, 204 | 304);
        assert!(
            is_bodiless || body.len() >= length,
            "the body broke off: {} of {length}",
            body.len()
        );
        reply.body = body[..length.min(body.len())].to_vec();
    }
    reply
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n").expect("a chunk's size");
        let size = String::from_utf8_lossy(&rest[..line]).into_owned();
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16);
        let size = size.expect("a chunk's size is hexadecimal");
        if size == 0 {
            return body;
        }
        let start = line + 2;
        body.extend_from_slice(&rest[start..start + size]);
        rest = &rest[start + size + 2..];
    }
}
