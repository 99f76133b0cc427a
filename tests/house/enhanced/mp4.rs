//! The tracks of an MP4 file: `ffprobe` says where the samples are, the boxes say how to decode them.
//!
//! In: a file. Out: its tracks, in the form Enhanced RTMP carries them. Does not know RTMP.

use std::path::Path;
use std::process::Command;

/// Picture or sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Picture.
    Video,
    /// Sound.
    Audio,
}

/// One access unit.
#[derive(Debug, Clone)]
pub struct Unit {
    /// When it is shown, in milliseconds from the earliest decoding.
    pub pts_ms: i64,
    /// When it is decoded.
    pub dts_ms: i64,
    /// Decoding can begin here.
    pub keyframe: bool,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// One track.
#[derive(Debug, Clone)]
pub struct Track {
    /// Picture or sound.
    pub kind: Kind,
    /// The codec, as Enhanced RTMP names it.
    pub fourcc: [u8; 4],
    /// Counts the tracks of a kind from 0.
    pub id: u8,
    /// The body of the sequence start.
    pub record: Vec<u8>,
    /// Its units in decoding order.
    pub units: Vec<Unit>,
}

/// Reads a file that `ffmpeg` made.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn read(file: &Path) -> Vec<Track> {
    let bytes = std::fs::read(file).expect("the file is there");
    let mut tracks = tracks(&bytes);
    let fields = "packet=stream_index,pts_time,dts_time,size,pos,flags";
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "csv=p=0", "-show_entries", fields])
        .arg(file)
        .output()
        .expect("ffprobe runs");
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let [stream, pts, dts, size, position, flags, ..] = fields[..] else { continue };
        let whole = |text: &str| text.parse::<usize>().expect("a number");
        let millis = |text: &str| {
            let seconds = text.parse::<f64>().expect("a time");
            #[expect(clippy::cast_possible_truncation, reason = "clips are short")]
            let millis = (seconds * 1000.0).round() as i64;
            millis
        };
        let (size, position) = (whole(size), whole(position));
        tracks[whole(stream)].units.push(Unit {
            pts_ms: millis(pts),
            dts_ms: millis(dts),
            keyframe: flags.starts_with('K'),
            data: bytes[position..position + size].to_vec(),
        });
    }
    let all = tracks.iter().flat_map(|track| &track.units);
    let first_ms = all.map(|unit| unit.dts_ms).min().expect("a unit");
    for unit in tracks.iter_mut().flat_map(|track| &mut track.units) {
        unit.pts_ms -= first_ms;
        unit.dts_ms -= first_ms;
    }
    tracks
}

/// The tracks without their units, in the file's order.
fn tracks(bytes: &[u8]) -> Vec<Track> {
    let moov = bytes.windows(4).rposition(|name| name == b"moov").expect("a moov box");
    let mut tracks = Vec::new();
    let mut counts = [0, 0];
    for at in moov..bytes.len() - 4 {
        let (kind, fourcc) = match &bytes[at..at + 4] {
            b"avcC" => (Kind::Video, *b"avc1"),
            b"hvcC" => (Kind::Video, *b"hvc1"),
            b"av1C" => (Kind::Video, *b"av01"),
            b"esds" => (Kind::Audio, *b"mp4a"),
            b"dOps" => (Kind::Audio, *b"Opus"),
            _ => continue,
        };
        let size = bytes[at - 4..at].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let body = &bytes[at + 4..at - 4 + size];
        let record = match &fourcc {
            b"mp4a" => specific_config(body),
            b"Opus" => identification(body),
            _ => body.to_vec(),
        };
        let count = &mut counts[usize::from(kind == Kind::Audio)];
        tracks.push(Track { kind, fourcc, id: *count, record, units: Vec::new() });
        *count += 1;
    }
    tracks
}

/// The `DecoderSpecificInfo` of an `esds` box (ISO/IEC 14496-1, 7.2.6.7), whose length FFmpeg writes in four bytes.
fn specific_config(esds: &[u8]) -> Vec<u8> {
    let tag = [5, 0x80, 0x80, 0x80];
    let at = esds.windows(4).position(|bytes| bytes == tag).expect("a specific config") + 5;
    esds[at..at + usize::from(esds[at - 1])].to_vec()
}

/// A `dOps` box says what the identification header does (RFC 7845, 5.1), but big-endian.
fn identification(dops: &[u8]) -> Vec<u8> {
    let reversed = |from: usize, to: usize| dops[from..to].iter().rev().copied();
    let mut header = b"OpusHead\x01".to_vec();
    header.push(dops[1]);
    header.extend(reversed(2, 4).chain(reversed(4, 8)).chain(reversed(8, 10)));
    header.push(dops[10]);
    header
}
