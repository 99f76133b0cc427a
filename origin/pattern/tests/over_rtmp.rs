//! The pattern over real RTMP, received, scaled down and decoded by the `ffmpeg` program.
//!
//! In: an `ffmpeg` on the path. Out: whether clock, frames, keyframes and beep arrive. Does not know our own server.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use origin_pattern::{Config, Error, publish, read_clock};

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

fn ffmpeg(arguments: &[&str]) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin"]).args(arguments).stdin(Stdio::null());
    command
}

/// Runs an RTMP server that takes one publication into a file.
fn receive(url: &str, file: &Path) -> Child {
    let file = file.to_str().expect("a plain path");
    ffmpeg(&["-listen", "1", "-f", "flv", "-i", url, "-c", "copy", "-y", file])
        .spawn()
        .expect("ffmpeg is installed")
}

/// Publishes as soon as the server listens.
fn publish_when_up(config: &Config) -> Result<(), Error> {
    let patience = Instant::now();
    loop {
        match publish(config.clone(), &AtomicBool::new(false)) {
            Err(Error::Unreachable { .. }) if patience.elapsed() < Duration::from_secs(10) => {
                std::thread::sleep(Duration::from_millis(50));
            }
            end => return end,
        }
    }
}

/// The clocks of all frames, read at 284 × 160.
fn clocks_at_160p(file: &str) -> Vec<Option<u64>> {
    let (width, height) = (284, 160);
    let small = ["-vf", "scale=284:160", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "200k"];
    let scaled = format!("{file}.160p.mp4");
    let arguments = [&["-i", file, "-an"], &small[..], &["-y", &scaled]].concat();
    assert!(ffmpeg(&arguments).status().expect("ffmpeg runs").success());
    let raw = ["-i", &scaled, "-f", "rawvideo", "-pix_fmt", "gray", "-"];
    let frames = ffmpeg(&raw).output().expect("ffmpeg runs").stdout;
    frames.chunks_exact(width * height).map(|luma| read_clock(luma, width, height, width)).collect()
}

/// The level of each millisecond of sound.
fn loudness(file: &str) -> Vec<i16> {
    let raw = ["-i", file, "-vn", "-ac", "1", "-ar", "48000", "-f", "s16le", "-"];
    let samples = ffmpeg(&raw).output().expect("ffmpeg runs").stdout;
    let sample = |bytes: &[u8]| i16::from_le_bytes([bytes[0], bytes[1]]).saturating_abs();
    let loudest = |ms: &[u8]| ms.chunks_exact(2).map(sample).max().unwrap_or(0);
    samples.chunks(96).map(loudest).collect()
}

#[test]
fn clock_frames_and_beep_arrive_together() {
    let room = tempfile::tempdir().expect("a directory");
    let file = room.path().join("received.flv");
    let url = format!("rtmp://127.0.0.1:{}/live/key", free_port());
    let mut server = receive(&url, &file);
    let duration = Some(Duration::from_secs(4));
    let before = SystemTime::now().duration_since(UNIX_EPOCH).expect("a set clock").as_millis();
    assert_eq!(publish_when_up(&Config { url, duration, ..Config::default() }), Ok(()));
    server.wait().expect("the server ends with the publication");
    let file = file.to_str().expect("a plain path");

    let clocks = clocks_at_160p(file);
    assert_eq!(clocks.len(), 120, "four seconds of thirty frames");
    let clocks: Vec<u64> =
        clocks.into_iter().map(|clock| clock.expect("a readable clock")).collect();
    assert!(u128::from(clocks[0]) >= before && u128::from(clocks[0]) < before + 12_000);
    for pair in clocks.windows(2) {
        assert!((32..=35).contains(&(pair[1] - pair[0])), "{pair:?}");
    }

    // A beep begins where the frame that shows the full second does, within a frame.
    let full = |n: &usize| *n >= 10 && clocks[*n].is_multiple_of(1000);
    let second = (0..clocks.len()).find(full).expect("a full second");
    let shown_ms = second as i64 * 1000 / 30;
    let heard_ms = (0..)
        .zip(loudness(file).windows(100))
        .skip(usize::try_from(shown_ms).expect("small").saturating_sub(200))
        .find(|(_, ms)| ms[..46].iter().all(|level| *level < 500) && ms[50] > 2000)
        .map(|(at, _)| at + 50)
        .expect("a beep");
    assert!((heard_ms - shown_ms).abs() <= 33, "heard at {heard_ms}, shown at {shown_ms}");
}

#[test]
fn an_address_where_nobody_listens_is_the_peers_fault() {
    let url = format!("rtmp://127.0.0.1:{}/live/secret-key", free_port());
    let end = publish(Config { url, ..Config::default() }, &AtomicBool::new(false));
    let Err(error @ Error::Unreachable { .. }) = end else { panic!("{end:?}") };
    assert!(!error.to_string().contains("secret-key"));
}

#[test]
fn a_server_that_is_not_rtmp_is_named_so() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("rtmp://{}/live/key", listener.local_addr().expect("its address"));
    let server = std::thread::spawn(move || listener.accept().map(drop));
    let end = publish(Config { url, ..Config::default() }, &AtomicBool::new(false));
    assert!(matches!(end, Err(Error::Refused { .. })), "{end:?}");
    server.join().expect("no panic").expect("accepted");
}
