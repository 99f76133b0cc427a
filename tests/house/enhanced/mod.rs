//! A publisher of Enhanced RTMP (v2): HEVC, AV1, Opus and several tracks, which the `ffmpeg` of Debian 12 cannot send.
//!
//! In: tracks as an MP4 file has them. Out: the same as enhanced FLV tags over a socket, and what the server said. Uses
//! nothing of the house, so that it cannot share a mistake with it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

mod mp4;

pub use mp4::{Kind, Track, Unit, read};

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
const CHUNK_BYTES: usize = 4096;

/// How a clip goes out.
pub struct Run<'a> {
    /// How many times faster than real time; 0: as fast as it is taken.
    pub speed: f64,
    /// How often the clip is sent, one after the other.
    pub laps: u32,
    /// The timestamp that is sent in place of one, in milliseconds since the start of the first lap; `None`: the unit
    /// is left out.
    pub stamp: &'a (dyn Fn(Kind, i64) -> Option<u32> + Sync),
}

/// Publishes tracks to `rtmp://address/live/key`, in real time or as fast as they are taken, and ends in good order.
/// What the server said, unprintable bytes as dots.
///
/// # Errors
/// What went wrong, with what the server had said by then.
pub fn publish(
    address: &str,
    key: &str,
    tracks: &[Track],
    real_time: bool,
) -> Result<String, String> {
    let speed = if real_time { 1.0 } else { 0.0 };
    let stamp = |_: Kind, ms: i64| u32::try_from(ms).ok();
    run(address, key, tracks, &Run { speed, laps: 1, stamp: &stamp })
}

/// The same, as is said.
///
/// # Errors
/// The same.
pub fn run(address: &str, key: &str, tracks: &[Track], run: &Run<'_>) -> Result<String, String> {
    let mut talk = Talk::open(address)?;
    talk.send(&hello(key))?;
    talk.hear("NetStream.Publish.Start")?;
    for track in tracks {
        let first = (run.stamp)(track.kind, 0).unwrap_or(0);
        talk.send(&message(track, first, &track.head(true, true), &[], &track.record))?;
    }
    let mut units: Vec<(&Track, &Unit)> =
        tracks.iter().flat_map(|track| track.units.iter().map(move |unit| (track, unit))).collect();
    units.sort_by_key(|(_, unit)| unit.dts_ms);
    let lap_ms = units.last().map_or(0, |(_, unit)| (unit.dts_ms + 999) / 1000 * 1000);
    let begin = Instant::now();
    let laps = (0..run.laps).flat_map(|lap| {
        units
            .iter()
            .map(move |(track, unit)| (*track, *unit, unit.dts_ms + i64::from(lap) * lap_ms))
    });
    for (track, unit, at_ms) in laps {
        let due_s = at_ms.max(0) as f64 / 1000.0 / run.speed;
        let early = Duration::try_from_secs_f64(due_s).unwrap_or_default();
        if let Some(early) = early.checked_sub(begin.elapsed()) {
            std::thread::sleep(early);
        }
        let Some(stamp) = (run.stamp)(track.kind, at_ms) else { continue };
        let composition = unit.pts_ms - unit.dts_ms;
        let composition = match &track.fourcc {
            b"hvc1" | b"avc1" => &composition.to_be_bytes()[5..],
            _ => &[],
        };
        let head = track.head(false, unit.keyframe);
        talk.send(&message(track, stamp, &head, composition, &unit.data))?;
    }
    let close = [text("deleteStream"), number(9.0), vec![5], number(1.0)].concat();
    talk.send(&chunked(3, 20, 0, 0, &close))?;
    talk.hear("NetStream.Unpublish.Success")?;
    Ok(talk.said)
}

/// A connection, and what came of it so far.
struct Talk {
    stream: TcpStream,
    heard: mpsc::Receiver<Vec<u8>>,
    said: String,
}

impl Talk {
    fn open(address: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
        let mut reading = stream.try_clone().map_err(|error| error.to_string())?;
        let (sender, heard) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reading.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Ok(Self { stream, heard, said: String::new() })
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        while let Ok(bytes) = self.heard.try_recv() {
            self.note(&bytes);
        }
        if self.said.contains("error") {
            return Err(self.said.clone());
        }
        self.stream.write_all(bytes).map_err(|error| format!("{error}: {}", self.said))
    }

    fn hear(&mut self, word: &str) -> Result<(), String> {
        while !self.said.contains(word) {
            match self.heard.recv_timeout(PATIENCE) {
                Ok(bytes) => self.note(&bytes),
                Err(_) => return Err(format!("no {word}: {}", self.said)),
            }
        }
        Ok(())
    }

    fn note(&mut self, bytes: &[u8]) {
        let readable =
            |byte: &u8| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '.' };
        self.said.extend(bytes.iter().map(readable));
    }
}

impl Track {
    /// The head of an enhanced tag, up to the track's id. The first track of a kind stands alone, as encoders that have
    /// only one send it.
    fn head(&self, start: bool, keyframe: bool) -> Vec<u8> {
        let frame_type = if keyframe { 1 } else { 2 };
        let packet = u8::from(!start);
        let (first, multitrack) = match self.kind {
            Kind::Video => (0x80 | frame_type << 4, 6),
            Kind::Audio => (0x90, 5),
        };
        if self.id == 0 {
            return [&[first | packet][..], &self.fourcc].concat();
        }
        [&[first | multitrack, packet][..], &self.fourcc, &[self.id]].concat()
    }
}

/// Everything up to the wish to publish.
fn hello(key: &str) -> Vec<u8> {
    let codecs = ["avc1", "hvc1", "av01", "mp4a", "Opus"].map(text).concat();
    let list = [&[0x0A, 0, 0, 0, 5][..], &codecs].concat();
    let properties = [
        [name("app"), text("live")].concat(),
        [name("fourCcList"), list].concat(),
        [name("capsEx"), number(2.0)].concat(),
    ];
    let object = [&[3][..], &properties.concat(), &[0, 0, 9]].concat();
    let connect = [text("connect"), number(1.0), object].concat();
    let create = [text("createStream"), number(2.0), vec![5]].concat();
    let publish = [text("publish"), number(3.0), vec![5], text(key), text("live")].concat();
    let size = u32::try_from(CHUNK_BYTES).unwrap_or(0).to_be_bytes();
    [
        vec![3],
        vec![7; 2 * 1536],
        chunked(2, 1, 0, 0, &size),
        chunked(3, 20, 0, 0, &connect),
        chunked(3, 20, 0, 0, &create),
        chunked(5, 20, 1, 0, &publish),
    ]
    .concat()
}

fn message(track: &Track, at_ms: u32, head: &[u8], composition: &[u8], data: &[u8]) -> Vec<u8> {
    let (chunk_stream, kind) = match track.kind {
        Kind::Video => (6, 9),
        Kind::Audio => (4, 8),
    };
    let body = [head, composition, data].concat();
    chunked(chunk_stream, kind, 1, at_ms, &body)
}

/// A message in chunks (RTMP 1.0, 5.3). What 24 bits do not hold follows each head (5.3.1.3).
fn chunked(chunk_stream: u8, kind: u8, stream: u8, at_ms: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    let size = if kind == 1 { 128 } else { CHUNK_BYTES };
    let is_long = at_ms >= 0xFF_FFFF;
    let mut bytes = vec![chunk_stream];
    bytes.extend(&at_ms.min(0xFF_FFFF).to_be_bytes()[1..]);
    bytes.extend(&length[1..]);
    bytes.extend([kind, stream, 0, 0, 0]);
    let extended = if is_long { &at_ms.to_be_bytes()[..] } else { &[] };
    bytes.extend(extended);
    for (index, part) in body.chunks(size).enumerate() {
        if index > 0 {
            bytes.push(0xC0 | chunk_stream);
            bytes.extend(extended);
        }
        bytes.extend(part);
    }
    bytes
}

fn name(name: &str) -> Vec<u8> {
    [&u16::try_from(name.len()).unwrap_or(0).to_be_bytes()[..], name.as_bytes()].concat()
}

fn text(value: &str) -> Vec<u8> {
    [vec![2], name(value)].concat()
}

fn number(value: f64) -> Vec<u8> {
    [&[0][..], &value.to_be_bytes()].concat()
}
