//! Thousands who knock at the publishers' doors and mean harm: a show beside them goes on, and memory stays.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use tests::House;

use crate::bystander::Bystander;

/// Handshakes at each door, twice: once to fill whatever is filled once, then counted.
const ROUNDS: u32 = 2000;
/// What the second time may cost, in KiB.
const GROWTH_KIB_MAX: u64 = 24 << 10;

/// The memory a process has in use, in KiB.
fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux says");
    let number = line.split_whitespace().nth(1).and_then(|number| number.parse().ok());
    number.expect("a number")
}

fn noise(seed: u32, count: u32) -> Vec<u8> {
    (0..count).map(|at| ((at ^ seed).wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// One of several beginnings that are wrong in different places, by TCP.
fn knock(to: &str, round: u32) {
    let Ok(mut stream) = TcpStream::connect(to) else { return };
    let _ = stream.set_read_timeout(Some(Duration::from_millis(1)));
    let mut sent = match round % 5 {
        0 => vec![3],
        1 => [&[3][..], &noise(round, 3072)].concat(),
        2 => [&[3][..], &[0; 3072], &noise(round, 2000)].concat(),
        3 => format!("POST /whip HTTP/1.1\r\nauthorization: Bearer {round}\r\n").into_bytes(),
        _ => b"POST /whip HTTP/1.1\r\nhost: h\r\nauthorization: Bearer x\r\n\
               content-type: application/sdp\r\ncontent-length: 60000\r\n\r\nv=0\r\n"
            .to_vec(),
    };
    sent.extend(noise(round, round % 97));
    // The house may hang up before it has heard it all.
    let _ = stream.write_all(&sent);
    let _ = stream.read(&mut [0; 64]);
}

fn flood(house: &House, srt: &str, whip: &str) {
    let mut hello = [0; 64];
    (hello[0], hello[19], hello[39]) = (0x80, 5, 1);
    for round in 0..ROUNDS {
        knock(&house.rtmp, round);
        knock(whip, round);
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let mut conclusion = [&hello[..], &noise(round, 80)].concat();
        conclusion[36..40].fill(0xFF);
        for packet in [&hello[..], &conclusion, &noise(round, 1300)] {
            let _ = socket.send_to(packet, srt);
            let _ = socket.send_to(packet, whip);
        }
    }
}

#[tokio::test]
async fn malformed_handshakes_by_the_thousand_cost_no_memory_and_disturb_nobody() {
    let house = House::start(&["--srt", "127.0.0.1:0", "--whip", "127.0.0.1:0"]);
    let bystander = Bystander::on_air(&house).await;
    let address = |url: Option<String>| {
        let url = url.expect("the house speaks it");
        let rest = url.split_once("://").expect("a scheme").1.to_owned();
        rest.split(['/', '?']).next().expect("an address").to_owned()
    };
    let (srt, whip) = (address(bystander.show.srt.clone()), address(bystander.show.whip.clone()));
    flood(&house, &srt, &whip);
    let before = resident_kib(house.pid());
    flood(&house, &srt, &whip);
    let after = resident_kib(house.pid());
    println!("{before} KiB before, {after} KiB after {} more handshakes", 3 * ROUNDS);
    assert!(after < before + GROWTH_KIB_MAX, "{before} KiB became {after} KiB");
    bystander.goes_on().await;
    assert!(!house.log().contains("panicked"), "{}", house.log_tail());
}
