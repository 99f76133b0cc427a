//! Splices of a publisher (SCTE 35) by SRT: in the playlists of a viewer, at their time.
//!
//! In: a transport stream of `ffmpeg`, with splices put between its packets, sent as it is. Out: date ranges. Does not
//! know the inside.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use reqwest::Client;
use tests::House;
use tests::viewer::{attribute, fetch, renditions};

use crate::clip::Clip;
use crate::{ended, on_air, start_s};

/// Bytes of a packet.
const PACKET: usize = 188;
/// `ffmpeg`'s PID of the program map, and ours of the splices.
const MAP: u16 = 0x1000;
const SPLICES: u16 = 0x1F0;
/// The program map's stream type of splices.
const SPLICE_TYPE: u8 = 0x86;
const EVENT: u32 = 0x4800_008F;
const TICKS_PER_SECOND: f64 = 90_000.0;
const SECONDS: usize = 8;
/// When the break begins and ends, after the first picture, and when each is said.
const OUT_S: f64 = 3.0;
const IN_S: f64 = 5.0;
const SAID_S: [f64; 2] = [1.0, 4.0];
/// What a frame grid and a playlist's milliseconds may move.
const NEAR_S: f64 = 0.04;

/// CRC-32 of sections (ISO/IEC 13818-1, annex A).
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            crc << 1 ^ if crc >> 31 == 1 { 0x04C1_1DB7 } else { 0 }
        })
    })
}

fn sealed(mut section: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(section.len() + 4 - 3).expect("short");
    let [high, low] = length.to_be_bytes();
    (section[1], section[2]) = (section[1] & 0xF0 | high, low);
    section.extend(checksum(&section).to_be_bytes());
    section
}

/// A `splice_insert` (ANSI/SCTE 35, 9.7.3) at a time of the stream; out of the network for so long, or back.
fn splice(pts: u64, out_ticks: Option<u64>) -> Vec<u8> {
    let time = |mark: u8, ticks: u64| {
        let mut bytes = ticks.to_be_bytes()[3..].to_vec();
        bytes[0] = mark | bytes[0] & 1;
        bytes
    };
    let flags = if out_ticks.is_some() { 0xEF } else { 0x4F };
    let mut command = [&EVENT.to_be_bytes()[..], &[0x7F, flags]].concat();
    command.extend(time(0xFE, pts));
    command.extend(out_ticks.into_iter().flat_map(|ticks| time(0xFE, ticks)));
    command.extend([0, 0, 0, 0]);
    let length = u8::try_from(command.len()).expect("short");
    let head = [0xFC, 0x30, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xF0, length, 5];
    sealed([&head[..], &command, &[0, 0]].concat())
}

/// A packet that is the whole of a section.
fn packet(pid: u16, count: u8, section: &[u8]) -> Vec<u8> {
    let [high, low] = (pid | 0x4000).to_be_bytes();
    let mut packet = [&[0x47, high, low, 0x10 | count & 0xF, 0][..], section].concat();
    assert!(packet.len() <= PACKET, "a short section");
    packet.resize(PACKET, 0xFF);
    packet
}

/// A packet of the program map, with the splices' stream in it.
fn with_splices(packet_of_map: &[u8]) -> Vec<u8> {
    let section = &packet_of_map[5..];
    let length = usize::from(u16::from_be_bytes([section[1], section[2]]) & 0xFFF) + 3;
    let [high, low] = (0xE000 | SPLICES).to_be_bytes();
    let stream = [SPLICE_TYPE, high, low, 0xF0, 0];
    let map = sealed([&section[..length - 4], &stream].concat());
    packet(MAP, packet_of_map[3], &map)
}

/// The clip with splices, and their sections.
fn spliced(directory: &Path) -> (Vec<u8>, [Vec<u8>; 2]) {
    let (clip, file) = (directory.join("clip.flv"), directory.join("clip.ts"));
    Clip { seconds: SECONDS, height: 240, gop: 30, b_frames: 0 }.make(&clip);
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(clip)
        .args(["-c", "copy", "-f", "mpegts"])
        .arg(&file)
        .status();
    assert!(made.expect("ffmpeg runs").success());
    let start = start_s(&file);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some seconds")]
    let ticks = |seconds: f64| (seconds * TICKS_PER_SECOND).round() as u64;
    let sections = [
        splice(ticks(start + OUT_S), Some(ticks(IN_S - OUT_S))),
        splice(ticks(start + IN_S), None),
    ];
    let stream = std::fs::read(file).expect("readable");
    let packets = stream.chunks_exact(PACKET);
    #[allow(clippy::cast_precision_loss, reason = "some thousands")]
    let after_s = |at: usize| at as f64 / packets.len() as f64 * SECONDS as f64;
    let (mut out, mut said) = (Vec::new(), 0_u8);
    for (at, one) in packets.clone().enumerate() {
        if SAID_S.get(usize::from(said)).is_some_and(|seconds| after_s(at) >= *seconds) {
            out.extend(packet(SPLICES, said, &sections[usize::from(said)]));
            said += 1;
        }
        let pid = u16::from_be_bytes([one[1], one[2]]) & 0x1FFF;
        if pid == MAP { out.extend(with_splices(one)) } else { out.extend(one) }
    }
    assert_eq!(said, 2, "both are within");
    (out, sections)
}

/// Sends the bytes as they are in real time: `ffmpeg` does not know what they are.
fn publish(stream: Vec<u8>, address: &str) -> JoinHandle<bool> {
    let mut child = Command::new("ffmpeg")
        .args([
            "-v", "error", "-f", "data", "-i", "pipe:0", "-map", "0", "-c", "copy", "-f", "data",
        ])
        .args(["-flush_packets", "1"])
        .arg(format!("{address}&{}", tests::SRT_OPTIONS))
        .stdin(Stdio::piped())
        .spawn()
        .expect("ffmpeg starts");
    std::thread::spawn(move || {
        let mut pipe = child.stdin.take().expect("a pipe");
        let (begin, pieces) = (Instant::now(), SECONDS * 50);
        for (at, piece) in (0_u32..).zip(stream.chunks(stream.len().div_ceil(pieces))) {
            let due = begin + Duration::from_millis(20) * at;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if pipe.write_all(piece).is_err() {
                break;
            }
        }
        drop(pipe);
        child.wait().is_ok_and(|status| status.success())
    })
}

/// Seconds of an hour in a date of a playlist.
fn seconds(date: &str) -> f64 {
    let (_, clock) = date.split_once('T').expect("a date");
    let mut steps = clock.trim_end_matches('Z').split(':').skip(1);
    let mut step = || steps.next().and_then(|text| text.parse::<f64>().ok()).expect("a number");
    step() * 60.0 + step()
}

/// How long after another date.
fn after(date: &str, other: &str) -> f64 {
    (seconds(date) - seconds(other)).rem_euclid(3600.0)
}

#[tokio::test]
async fn a_splice_by_srt_is_a_date_range_where_the_publisher_put_it() {
    let house = House::start(&["--reconnect-window-s", "1", "--srt", "127.0.0.1:0"]);
    let show = house.show("With a break");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (stream, sections) = spliced(directory.path());
    let address = show.srt.clone().expect("the house speaks SRT");
    let publisher = publish(stream, &address);

    let client = Client::new();
    let multivariant = on_air(&client, &ticket.playlist_url).await;
    assert!(publisher.join().expect("the publisher ends"), "the publisher is content");
    let lists = ended(&client, &ticket.playlist_url).await;
    let hex =
        |section: &[u8]| -> String { section.iter().map(|byte| format!("{byte:02X}")).collect() };
    for (name, url) in renditions(&multivariant, &ticket.playlist_url) {
        let text = fetch(&client, &url).await.text();
        let tags: Vec<&str> =
            text.lines().filter(|line| line.starts_with("#EXT-X-DATERANGE:")).collect();
        let [tag] = tags[..] else { panic!("{name}: one range: {text}") };
        let value = |key: &str| attribute(tag, key).unwrap_or_else(|| panic!("{key}: {tag}"));
        assert!(value("ID").starts_with("splice-4800008F-"), "{tag}");
        assert_eq!(value("SCTE35-OUT"), format!("0x{}", hex(&sections[0])), "{tag}");
        assert_eq!(value("SCTE35-IN"), format!("0x{}", hex(&sections[1])), "{tag}");
        let number = |key: &str| value(key).parse::<f64>().expect("a number");
        assert!((number("PLANNED-DURATION") - (IN_S - OUT_S)).abs() < 0.001, "{tag}");
        assert!((number("DURATION") - (IN_S - OUT_S)).abs() < NEAR_S, "{tag}");
        assert!((after(&value("END-DATE"), &value("START-DATE")) - 2.0).abs() < NEAR_S, "{tag}");
        // The first picture is the first of the source; its sound may begin a little earlier or later.
        let (_, source) = lists.iter().find(|(name, _)| name == "source").expect("a source");
        let first = source.segments[0].program_date_time.as_ref().expect("a date");
        let began = after(&value("START-DATE"), first);
        assert!((began - OUT_S).abs() < NEAR_S, "{name}: {began} s after {first}: {tag}");
    }
    let metrics = fetch(&client, &format!("{}/metrics", house.api)).await.text();
    assert!(metrics.contains("matinee_ingest_splices_total"), "{metrics}");
}
