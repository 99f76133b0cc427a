//! Where a file is: on the disk, or with the house that started this process.
//!
//! In: a path, or an address of this machine. Out: its bytes from the first on. Does not know media.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use crate::config::HOUSE;

/// How long the house may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Bytes of the head of an answer.
const HEAD_BYTES_MAX: u64 = 8192;

/// The host and the rest of an address of the house; `None` for a path.
pub(crate) fn of_house(path: &Path) -> Option<(&str, &str)> {
    let text = path.to_str().filter(|text| text.starts_with(HOUSE))?;
    text.strip_prefix("http://")?.split_once('/')
}

/// Opens it at its beginning.
///
/// # Errors
/// It is not there, or not to be had.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let Some((host, name)) = of_house(path) else {
        return Ok(Box::new(File::open(path)?));
    };
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    let ask = format!("GET /{name} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    stream.write_all(ask.as_bytes())?;
    let mut answer = BufReader::new(stream);
    let mut line = String::new();
    answer.by_ref().take(HEAD_BYTES_MAX).read_line(&mut line)?;
    let status = line.split(' ').nth(1).unwrap_or_default().to_owned();
    if status != "200" {
        return Err(io::Error::other(format!("the house answered {status}")));
    }
    while !line.trim_end().is_empty() {
        line.clear();
        answer.by_ref().take(HEAD_BYTES_MAX).read_line(&mut line)?;
    }
    Ok(Box::new(answer))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_house_gives_a_file_from_its_first_byte() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/abc", listener.local_addr().unwrap());
        let house = std::thread::spawn(move || {
            for answer in ["200 OK\r\nContent-Length: 5\r\n\r\nbytes", "404 Not Found\r\n\r\n"] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut asked = [0; 512];
                let read = stream.read(&mut asked).unwrap();
                assert!(asked[..read].starts_with(b"GET /abc HTTP/1.0\r\n"));
                stream.write_all(format!("HTTP/1.1 {answer}").as_bytes()).unwrap();
            }
        });
        let mut text = String::new();
        open(Path::new(&address)).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "bytes");
        assert!(open(Path::new(&address)).is_err());
        house.join().unwrap();
        assert_eq!(of_house(Path::new("/srv/http://127.0.0.1:1/a")), None);
        assert_eq!(of_house(Path::new("http://10.0.0.1:1/a")), None);
    }
}
