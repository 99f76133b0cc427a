//! The way out for HTTP: a proxy within this process, which connects to no private network.
//!
//! In: what libavformat asks for: a playlist's own address, those it is redirected to, those that are named in
//! playlists. Out: connections to the very addresses that were checked, so that a name which stands for something else
//! a moment later is of no use; under TLS only to whom a certificate says the name belongs. Does not know playlists.
//!
//! One request a connection, as libavformat makes them where a proxy stands before it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::way::Out;
use crate::Error;
use crate::config::{NETWORK_WAIT_US_MAX, PROXIED_MAX, REQUEST_BYTES_MAX};
use crate::machine::source::{self, Source};

const WAIT: Duration = Duration::from_micros(NETWORK_WAIT_US_MAX);

/// Opens the proxy. It ends with the runtime.
pub(super) async fn open(out: Arc<Out>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let seats = Arc::new(Semaphore::new(PROXIED_MAX));
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else { continue };
            let out = Arc::clone(&out);
            tokio::spawn(async move {
                if let Err(error) = serve(stream, &out).await {
                    tracing::debug!(%error, "a proxied connection broke");
                }
                drop(seat);
            });
        }
    });
    Ok(address)
}

async fn serve(mut client: TcpStream, out: &Out) -> io::Result<()> {
    let (head, rest) = timeout(WAIT, head(&mut client)).await??;
    let Some(asked) = Asked::read(&head) else {
        return client.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
    };
    let Some(head) = asked.forwarded else { return tunnel(client, out, &asked.to).await };
    let found = out.find(&asked.to).await;
    let server = match found {
        Ok(found) => out.connect(&found).await,
        Err(error) => Err(error),
    };
    let mut server = match server {
        Ok(server) => server,
        Err(error) => return refuse(&mut client, &error).await,
    };
    server.write_all(&head).await?;
    server.write_all(&rest).await?;
    join(&mut client, &mut server).await
}

/// Speaks TLS with both sides: with the server to know who it is.
async fn tunnel(mut client: TcpStream, out: &Out, to: &Source) -> io::Result<()> {
    let server = match out.find(to).await {
        Ok(found) => out.secured(to, &found).await,
        Err(error) => Err(error),
    };
    let mut server = match server {
        Ok(server) => server,
        Err(error) => return refuse(&mut client, &error).await,
    };
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    let mut client = timeout(WAIT, out.acceptor.accept(client)).await??;
    join(&mut client, &mut server).await
}

async fn refuse(client: &mut TcpStream, error: &Error) -> io::Result<()> {
    // The one thing that is told: what it was is known to whoever gave the address.
    eprintln!("matinee: {error}");
    client.write_all(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n").await
}

/// Hands on in both directions until either side ends, or libavformat, which waits so long for each byte, goes.
async fn join(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    server: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> io::Result<()> {
    copy_bidirectional(client, server).await.map(drop)
}

/// A request's head, and what came behind it.
async fn head(client: &mut (impl AsyncRead + Unpin)) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        let count = client.read(&mut buffer).await?;
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
    use std::io::{Read as _, Write as _};
    use std::net;
    use std::thread;

    use super::super::way::Way;
    use super::*;

    fn ask(proxy: SocketAddr, head: &str) -> String {
        let mut stream = net::TcpStream::connect(proxy).expect("it listens");
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    #[test]
    fn private_networks_are_not_reached_whoever_leads_there() {
        let server = net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        server.set_nonblocking(true).expect("it can be");
        let port = server.local_addr().expect("bound").port();
        let way = Way::new(false).expect("a way out");
        let proxy = way.proxy().expect("a free port");
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
        let server = net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = server.local_addr().expect("bound").port();
        let way = Way::new(true).expect("a way out");
        let proxy = way.proxy().expect("a free port");
        let heard = thread::spawn(move || {
            let (mut stream, _) = server.accept().expect("the proxy connects");
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("a request") > 0 {
                head.extend_from_slice(&byte);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").expect("it reads");
            String::from_utf8(head).expect("text")
        });
        let head = format!(
            "GET http://127.0.0.1:{port}/a?b=1 HTTP/1.1\r\nHost: h\r\n\
             Connection: keep-alive\r\n\r\n"
        );
        let mut stream = net::TcpStream::connect(proxy).expect("it listens");
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut answer = [0; 24];
        stream.read_exact(&mut answer).expect("it answers");
        assert!(answer.ends_with(b"hello"), "{answer:?}");
        let heard = heard.join().expect("the server ends");
        assert_eq!(heard, "GET /a?b=1 HTTP/1.1\r\nConnection: close\r\nHost: h\r\n\r\n");
    }

    #[test]
    fn a_server_that_is_not_who_it_says_is_not_spoken_with() {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key.into())
            .expect("a pair");
        let server = net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = server.local_addr().expect("bound").port();
        let heard = thread::spawn(move || {
            let (mut stream, _) = server.accept().expect("the proxy connects");
            let mut tls = rustls::ServerConnection::new(Arc::new(config)).expect("a session");
            let ended = tls.complete_io(&mut stream);
            (ended.is_err(), tls.is_handshaking())
        });
        let way = Way::new(true).expect("a way out");
        let proxy = way.proxy().expect("a free port");
        let answer = ask(proxy, &format!("CONNECT localhost:{port} HTTP/1.1\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert_eq!(heard.join().expect("the server ends"), (true, true));

        let to = source::read(&format!("rtmps://localhost:{port}/live/key")).expect("an address");
        let found = [SocketAddr::from((Ipv4Addr::LOCALHOST, port))];
        assert!(matches!(way.under_tls(&to, &found), Err(Error::Unreachable(_))), "it is gone");
    }
}
