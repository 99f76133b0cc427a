//! Publishers who may not, who send what we do not take, or who send nonsense.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use tests::{House, Publisher};

use crate::bystander::{Bystander, clip};

/// How long a stranger waits for the house to hang up.
const HANG_UP_MAX: Duration = Duration::from_secs(20);

#[tokio::test]
async fn refused_publishers_are_told_why_and_disturb_nobody() {
    let house = House::start(&[]);
    let bystander = Bystander::on_air(&house).await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = clip(&directory, "good.flv", &[]);

    let wrong = format!("rtmp://{}/live/sk_00000000000000000000000000000000", house.rtmp);
    let (well, said) = Publisher::of_file(&file, &wrong).finish();
    assert!(!well, "a wrong key is refused: {said}");
    assert!(told(&file, &wrong).contains("stream key"), "and named: {}", told(&file, &wrong));

    let second = &bystander.show.rtmp;
    let (well, _) = Publisher::of_file(&file, second).finish();
    assert!(!well, "a second publisher is refused");
    assert!(told(&file, second).contains("already"), "and told: {}", told(&file, second));
    bystander.goes_on().await;

    let show = house.show("Sorenson");
    let odd = clip(&directory, "odd.flv", &["-c:v", "flv1", "-c:a", "aac"]);
    let said = told(&odd, &show.rtmp);
    assert!(said.contains("H.264"), "a codec we do not take is named with what we take: {said}");
    let show = house.show("MP3");
    let odd = clip(&directory, "odd2.flv", &["-c:v", "libx264", "-c:a", "libmp3lame"]);
    let said = told(&odd, &show.rtmp);
    assert!(said.contains("AAC"), "{said}");
    bystander.goes_on().await;
    assert!(!house.log().contains(&bystander.show.stream_key), "no key in the log");
}

#[tokio::test]
async fn garbage_on_the_rtmp_port_disturbs_nobody() {
    let house = House::start(&[]);
    let bystander = Bystander::on_air(&house).await;
    let noise: Vec<u8> =
        (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut good_version = noise.clone();
    good_version[0] = 3;
    for sent in [&noise[..], &good_version[..], b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x03"] {
        let mut stranger = TcpStream::connect(&house.rtmp).expect("the port is open");
        stranger.set_read_timeout(Some(HANG_UP_MAX)).expect("a timeout");
        // The house may hang up in the middle of the noise, which is the point.
        let _ = stranger.write_all(sent);
        let _ = stranger.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let read = stranger.read_to_end(&mut answer);
        let timed_out = read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!timed_out, "the house hangs up on {} bytes of noise", sent.len());
    }
    bystander.goes_on().await;
}

#[tokio::test]
async fn a_truncated_flv_ends_its_own_show_only() {
    let house = House::start(&["--reconnect-window-s", "1"]);
    let bystander = Bystander::on_air(&house).await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let whole = clip(&directory, "whole.flv", &[]);
    let bytes = std::fs::read(&whole).expect("the clip");
    let torn = directory.path().join("torn.flv");
    std::fs::write(&torn, &bytes[..bytes.len() / 12 + 7]).expect("writable");
    let show = house.show("Torn");
    let _ = Publisher::of_file(&torn, &show.rtmp).finish();
    bystander.goes_on().await;
    // The house has not merely survived: the torn show's own publisher may come back.
    let (mut again, url) = (Publisher::of_file(&torn, &show.rtmp), show.rtmp);
    let (well, said) = again.finish();
    assert!(well || !said.is_empty(), "{url}");
    bystander.goes_on().await;
}

/// What `ffmpeg` prints about the RTMP conversation when it publishes a file.
fn told(file: &std::path::Path, url: &str) -> String {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "verbose", "-re", "-i"])
        .arg(file)
        .args(["-c", "copy", "-f", "flv", url])
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg runs");
    assert!(!output.status.success(), "refused");
    String::from_utf8_lossy(&output.stderr).into_owned()
}
