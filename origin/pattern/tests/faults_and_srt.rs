//! Faults and SRT, as the `ffmpeg` program receives them.
//!
//! In: an `ffmpeg` on the path. Out: whether what was to be missing is missing, and HEVC comes by SRT. Does not know
//! our own server.

use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use origin_pattern::{Codec, Config, Error, Fault, publish};

const SECOND: u64 = 1_000_000;

/// Receives one publication into a file while it is published.
fn received(listen: &[&str], file: &Path, config: Config) {
    let mut server = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin"])
        .args(listen)
        .args(["-c", "copy", "-copyts", "-y"])
        .arg(file)
        .stdin(Stdio::null())
        .spawn()
        .expect("ffmpeg is installed");
    let patience = Instant::now();
    loop {
        match publish(config.clone(), &AtomicBool::new(false)) {
            Err(Error::Unreachable { .. } | Error::Refused { .. })
                if patience.elapsed() < Duration::from_secs(10) =>
            {
                std::thread::sleep(Duration::from_millis(50));
            }
            end => {
                assert_eq!(end, Ok(()));
                break;
            }
        }
    }
    server.wait().expect("the server ends with the publication");
}

/// Codec and presentation times, in seconds, of a stream.
fn times(file: &Path, stream: &str) -> (String, Vec<f64>) {
    let probe = |entries: &str| {
        let output = Command::new("ffprobe")
            .args(["-v", "error", "-of", "csv=p=0", "-select_streams", stream])
            .args(["-show_entries", entries])
            .arg(file)
            .output()
            .expect("ffprobe runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let number = |line: &str| line.trim().trim_end_matches(',').parse().ok();
    let times = probe("packet=pts_time").lines().filter_map(number).collect();
    (
        probe("stream=codec_name").lines().next().unwrap_or_default().trim_matches(',').to_owned(),
        times,
    )
}

#[test]
fn what_is_dropped_never_comes_and_what_jumps_has_other_times() {
    let room = tempfile::tempdir().expect("a directory");
    let file = room.path().join("received.flv");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port");
    let url = format!("rtmp://{port}/live/key");
    let faults = vec![
        Fault::Drop { at_us: SECOND, for_us: SECOND },
        Fault::Jump { at_us: 3 * SECOND, by_us: 10_000_000 },
    ];
    let duration = Some(Duration::from_secs(4));
    let config = Config { url: url.clone(), faults, duration, ..Config::default() };
    received(&["-listen", "1", "-f", "flv", "-i", &url], &file, config);
    // A busy machine leaves pictures out by itself: so by their times, not by their number.
    let (codec, pictures) = times(&file, "v");
    assert_eq!(codec, "h264");
    let within = |from: f64, to: f64| {
        let first = pictures[0];
        pictures.iter().filter(|at| (from..to).contains(&(*at - first))).count()
    };
    assert!(within(0.0, 0.99) > 0 && within(2.0, 2.99) > 0, "{pictures:?}");
    assert_eq!(within(0.99, 1.99), 0, "dropped: {pictures:?}");
    assert_eq!(within(2.99, 12.99), 0, "jumped: {pictures:?}");
    assert!(within(12.99, 14.0) > 0, "{pictures:?}");
    let sound = times(&file, "a").1;
    let in_gap = sound.iter().filter(|at| (1.1..1.9).contains(&(*at - sound[0]))).count();
    assert!(in_gap > 30, "sound was not dropped: {sound:?}");
}

#[test]
fn hevc_comes_by_srt() {
    let room = tempfile::tempdir().expect("a directory");
    let file = room.path().join("received.ts");
    let port = UdpSocket::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port");
    let listen = format!("srt://{port}?mode=listener");
    let (duration, codec) = (Some(Duration::from_secs(3)), Codec::Hevc);
    let url = format!("srt://{port}?streamid=publish");
    let config = Config { url, width: 320, height: 180, duration, codec, ..Config::default() };
    received(&["-f", "mpegts", "-i", &listen], &file, config);
    let (codec, pictures) = times(&file, "v");
    assert_eq!(codec, "hevc");
    assert!(pictures.len() > 5, "{pictures:?}");
    assert_eq!(times(&file, "a").0, "aac");
}
