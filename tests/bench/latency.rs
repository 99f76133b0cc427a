//! Latency at a given rate, from when each request was due, not from when it could be sent.
//!
//! In: a server, paths, a rate. Out: percentiles. Does not sleep: it owns a core, and asks its sockets in turn, for the
//! kernel's timers are coarser than what is measured. Where another program takes that core from it, its time stands
//! still: what was not asked for then is not late by the server's fault.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Connections that take the requests in turn.
const CONNECTIONS: usize = 32;
/// Asking all sockets takes a fraction of this; whoever takes longer was not running.
const TURN_MAX: Duration = Duration::from_millis(1);
/// Longest an answer may take before the run is given up.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Latencies in microseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Latency {
    pub(crate) p99_us: f64,
}

struct Connection {
    stream: TcpStream,
    /// When the request under way was due.
    due: Option<Instant>,
    got: Vec<u8>,
}

/// Asks `rate` times a second for `time`.
pub(crate) fn measure(
    server: SocketAddr,
    paths: &[String],
    rate: f64,
    time: Duration,
) -> io::Result<Latency> {
    let connect = |_| {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Connection { stream, due: None, got: Vec::with_capacity(16 * 1024) })
    };
    let mut connections = (0..CONNECTIONS).map(connect).collect::<io::Result<Vec<_>>>()?;
    let gap = Duration::from_secs_f64(1.0 / rate);
    let (mut start, mut sent, mut took) = (Instant::now(), 0_u32, Vec::new());
    let mut turn = start;
    let mut scratch = vec![0; 64 * 1024];
    let mut paths = paths.iter().cycle();
    while start.elapsed() < time + ANSWER_MAX {
        let mut busy = false;
        let lost = turn.elapsed();
        turn += lost;
        if lost > TURN_MAX {
            start += lost;
            connections.iter_mut().filter_map(|c| c.due.as_mut()).for_each(|due| *due += lost);
        }
        for connection in &mut connections {
            if let Some(due) = connection.due {
                if connection.read(&mut scratch)? {
                    took.push(due.elapsed());
                    connection.due = None;
                }
                busy |= connection.due.is_some();
            }
            let due = start + gap * sent;
            if connection.due.is_none() && due <= Instant::now() && due < start + time {
                connection.ask(paths.next().map_or("/", String::as_str), due)?;
                sent += 1;
                busy = true;
            }
        }
        if !busy && start + gap * sent >= start + time {
            return Ok(percentiles(took));
        }
    }
    Err(io::Error::new(ErrorKind::TimedOut, "an answer did not come"))
}

impl Connection {
    fn ask(&mut self, path: &str, due: Instant) -> io::Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        // A request of some hundred bytes always fits into an empty socket.
        self.stream.write_all(request.as_bytes())?;
        self.due = Some(due);
        Ok(())
    }

    /// Reads what has come; whether that is a whole answer.
    fn read(&mut self, scratch: &mut [u8]) -> io::Result<bool> {
        match self.stream.read(scratch) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(bytes) => self.got.extend_from_slice(scratch.get(..bytes).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
        let Some(end) = self.got.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(false);
        };
        let head = String::from_utf8_lossy(self.got.get(..end).unwrap_or_default());
        if !head.starts_with("HTTP/1.1 200") {
            return Err(io::Error::other(head.into_owned()));
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        let whole = end + 4 + length.unwrap_or(0_usize);
        if self.got.len() < whole {
            return Ok(false);
        }
        self.got.clear();
        Ok(true)
    }
}

fn percentiles(mut took: Vec<Duration>) -> Latency {
    took.sort_unstable();
    let at = |share: f64| {
        let index = (took.len() as f64 * share) as usize;
        let value = took.get(index.min(took.len().saturating_sub(1)));
        value.map_or(0.0, |value| value.as_secs_f64() * 1e6)
    };
    Latency { p99_us: at(0.99) }
}
