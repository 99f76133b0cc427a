//! The way out for HTTP: a proxy within this process, which connects to no private network.
//!
//! In: what libavformat asks for: a playlist's own address, those it is redirected to, those that are named in
//! playlists. Out: connections to the very addresses that were checked, so that a name which stands for something else
//! a moment later is of no use. Does not know playlists.
//!
//! One request a connection, as libavformat makes them where a proxy stands before it.

use std::io::{self, Read as _, Write as _};
use std::net::{
    IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::Error;
use crate::config::{NETWORK_WAIT_US_MAX, PROXIED_MAX, REQUEST_BYTES_MAX};
use crate::machine::source::{self, Source};

const WAIT: Duration = Duration::from_micros(NETWORK_WAIT_US_MAX);

/// Opens the proxy. It ends with the process.
pub(super) fn open(allow_private: bool) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let served = Arc::new(AtomicUsize::new(0));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if served.fetch_add(1, Ordering::AcqRel) >= PROXIED_MAX {
                served.fetch_sub(1, Ordering::AcqRel);
                continue;
            }
            let served = Arc::clone(&served);
            thread::spawn(move || {
                if let Err(error) = serve(stream, allow_private) {
                    tracing::debug!(%error, "a proxied connection broke");
                }
                served.fetch_sub(1, Ordering::AcqRel);
            });
        }
    });
    Ok(address)
}

fn serve(mut client: TcpStream, allow_private: bool) -> io::Result<()> {
    client.set_read_timeout(Some(WAIT))?;
    client.set_write_timeout(Some(WAIT))?;
    let (head, rest) = head(&mut client)?;
    let Some(asked) = Asked::read(&head) else {
        return client.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    };
    let server = match connect(&asked.to, allow_private) {
        Ok(server) => server,
        Err(error) => {
            // The one thing that is told: what it was is known to whoever gave the address.
            eprintln!("matinee: {error}");
            return client.write_all(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
        }
    };
    let mut to_server = server.try_clone()?;
    match asked.forwarded {
        Some(head) => to_server.write_all(&head)?,
        None => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?,
    }
    to_server.write_all(&rest)?;
    let mut from_client = client.try_clone()?;
    from_client.set_read_timeout(None)?;
    let upwards = thread::spawn(move || {
        let copied = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write); // it may be closed already
        copied
    });
    let mut from_server = server;
    let copied = io::copy(&mut from_server, &mut client);
    let _ = client.shutdown(Shutdown::Both); // which ends the other direction as well
    let _ = upwards.join();
    copied.map(drop)
}

fn connect(to: &Source, allow_private: bool) -> Result<TcpStream, Error> {
    let unreachable = |error: io::Error| Error::Unreachable(error.to_string());
    let found: Vec<SocketAddr> =
        (to.host.as_str(), to.port).to_socket_addrs().map_err(unreachable)?.collect();
    let addresses: Vec<IpAddr> = found.iter().map(SocketAddr::ip).collect();
    source::check(&addresses, allow_private)?;
    let mut failed = Error::Address("has a host whose name stands for nothing");
    for address in found {
        match TcpStream::connect_timeout(&address, WAIT) {
            Ok(stream) => {
                let timed = stream.set_read_timeout(Some(WAIT));
                return timed
                    .and_then(|()| stream.set_write_timeout(Some(WAIT)))
                    .map(|()| stream)
                    .map_err(unreachable);
            }
            Err(error) => failed = unreachable(error),
        }
    }
    Err(failed)
}

/// A request's head, and what came behind it.
fn head(client: &mut TcpStream) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        let count = client.read(&mut buffer)?;
        bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if let Some(end) = bytes.windows(4).position(|at| at == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((bytes, rest));
        }
        if count == 0 || bytes.len() > REQUEST_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

/// What is asked of the proxy.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    to: Source,
    /// What the server gets; nothing where a tunnel is asked for.
    forwarded: Option<Vec<u8>>,
}

impl Asked {
    /// Reads `CONNECT host:port` or `GET http://host/…` (RFC 9110, 9.3.6; RFC 9112, 3.2).
    fn read(head: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(head).ok()?;
        let (line, fields) = text.split_once("\r\n")?;
        let mut words = line.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        if method == "CONNECT" {
            let to = source::read(&format!("https://{target}/")).ok()?;
            return Some(Self { to, forwarded: None });
        }
        let to = source::read(target).ok()?;
        let (_, rest) = target.split_once("://")?;
        let path = rest.find(['/', '?']).map_or("/", |at| rest.get(at..).unwrap_or("/"));
        let slash = if path.starts_with('/') { "" } else { "/" };
        let mut forwarded = format!("{method} {slash}{path} {version}\r\nConnection: close\r\n");
        for field in fields.split("\r\n").filter(|field| !field.is_empty()) {
            let name = field.split(':').next().unwrap_or_default().to_ascii_lowercase();
            if !["connection", "proxy-connection", "proxy-authorization"].contains(&&*name) {
                forwarded.push_str(field);
                forwarded.push_str("\r\n");
            }
        }
        forwarded.push_str("\r\n");
        Some(Self { to, forwarded: Some(forwarded.into_bytes()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(proxy: SocketAddr, head: &str) -> String {
        let mut stream = TcpStream::connect(proxy).expect("it listens");
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    #[test]
    fn private_networks_are_not_reached_whoever_leads_there() {
        let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
        server.set_nonblocking(true).expect("it can be");
        let port = server.local_addr().expect("bound").port();
        let proxy = open(false).expect("a free port");
        for host in ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433"] {
            for head in [
                format!("GET http://{host}:{port}/ HTTP/1.1\r\n\r\n"),
                format!("CONNECT {host}:{port} HTTP/1.1\r\n\r\n"),
            ] {
                let answer = ask(proxy, &head);
                assert!(answer.starts_with("HTTP/1.1 403 "), "{head}: {answer}");
            }
        }
        assert!(server.accept().is_err(), "nobody knocked");
        assert!(ask(proxy, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400 "));
        assert!(ask(proxy, "GET file:///x HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400 "));
    }

    #[test]
    fn requests_are_handed_on_as_a_server_expects_them() {
        let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = server.local_addr().expect("bound").port();
        let proxy = open(true).expect("a free port");
        let heard = thread::spawn(move || {
            let (mut stream, _) = server.accept().expect("the proxy connects");
            let (head, _) = head(&mut stream).expect("a request");
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").expect("it reads");
            String::from_utf8(head).expect("text")
        });
        let head = format!(
            "GET http://127.0.0.1:{port}/a?b=1 HTTP/1.1\r\nHost: h\r\n\
             Connection: keep-alive\r\n\r\n"
        );
        let answer = ask(proxy, &head);
        assert!(answer.ends_with("hello"), "{answer}");
        let heard = heard.join().expect("the server ends");
        assert_eq!(heard, "GET /a?b=1 HTTP/1.1\r\nConnection: close\r\nHost: h\r\n\r\n");
    }
}
