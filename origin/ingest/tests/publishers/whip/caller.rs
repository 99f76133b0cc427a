//! A WHIP publisher: HTTP by hand, WebRTC by `str0m`, pictures by the `ffmpeg` program.
//!
//! In: what to offer and to send, what the network loses. Out: what was answered and asked for. Does not know what is
//! being proved.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use str0m::change::SdpAnswer;
use str0m::format::Codec;
use str0m::media::{Direction, Frequency, MediaKind, MediaTime, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::process::Command;
use tokio::time;

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &&str| line.to_ascii_lowercase().starts_with(&format!("{name}:"));
        self.head.lines().find(line)?.split_once(": ").map(|(_, value)| value)
    }
}

/// One request, on a connection of its own.
pub(crate) async fn request(to: SocketAddr, head: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(to).await.expect("it listens");
    let length = body.len();
    let text =
        format!("{head}\r\nhost: h\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(text.as_bytes()).await.expect("it reads");
    // Who is turned away by the head need not be heard to the end.
    let _ = stream.write_all(body.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// An offer sent to the endpoint.
pub(crate) async fn post(to: SocketAddr, key: &str, offer: &str) -> Answer {
    let head = format!(
        "POST /whip HTTP/1.1\r\nauthorization: Bearer {key}\r\ncontent-type: application/sdp"
    );
    request(to, &head, offer).await
}

/// A publisher that has offered.
pub(crate) struct Caller {
    pub(crate) rtc: Rtc,
    pub(crate) offer: String,
    pending: Option<str0m::change::SdpPendingOffer>,
    socket: UdpSocket,
    here: SocketAddr,
    pub(crate) video: Mid,
    pub(crate) audio: Mid,
    pub(crate) connected: bool,
    /// How often a keyframe was asked for.
    pub(crate) asked: u32,
    /// Of a hundred datagrams with media so many are lost on the way there.
    pub(crate) loses_percent: u32,
    sent: u32,
}

impl Caller {
    pub(crate) async fn new(video: Codec) -> Self {
        let config = RtcConfig::new()
            .clear_codecs()
            .enable_opus(true, false)
            .enable_h264(video == Codec::H264)
            .enable_vp8(video == Codec::Vp8)
            .set_crypto_provider(std::sync::Arc::new(str0m::crypto::from_feature_flags()))
            .set_rtcp_report_interval_audio(Duration::from_millis(500))
            .set_rtcp_report_interval_video(Duration::from_millis(500));
        let mut rtc = config.build(Instant::now());
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let here = socket.local_addr().expect("bound");
        rtc.add_local_candidate(Candidate::host(here, "udp").expect("an address"));
        let mut api = rtc.sdp_api();
        let audio = api.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
        let video = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
        let (offer, pending) = api.apply().expect("there is something to offer");
        let offer = offer.to_sdp_string();
        Self {
            rtc,
            offer,
            pending: Some(pending),
            socket,
            here,
            video,
            audio,
            connected: false,
            asked: 0,
            loses_percent: 0,
            sent: 0,
        }
    }

    /// Takes up the answer and waits until media can flow.
    pub(crate) async fn connect(&mut self, answer: &Answer) {
        assert_eq!(answer.status, 201, "{answer:?}");
        let answer = SdpAnswer::from_sdp_string(&answer.body).expect("SDP");
        let pending = self.pending.take().expect("connected once");
        self.rtc.sdp_api().accept_answer(pending, answer).expect("it fits the offer");
        let begun = Instant::now();
        while !self.connected {
            self.run_for(Duration::from_millis(20)).await;
            assert!(begun.elapsed() < Duration::from_secs(10), "no connection comes about");
        }
    }

    /// Writes a frame that was taken at `taken`.
    pub(crate) fn write(&mut self, mid: Mid, taken: Instant, rtp: u64, data: &[u8]) {
        let rate =
            if mid == self.video { Frequency::NINETY_KHZ } else { Frequency::FORTY_EIGHT_KHZ };
        let Some(writer) = self.rtc.writer(mid) else { panic!("{mid} is sent") };
        let pt = writer.payload_params().next().expect("a codec was agreed on").pt();
        writer.write(pt, taken, MediaTime::new(rtp, rate), data.to_vec()).expect("it is sent");
    }

    /// Sends and hears for so long.
    pub(crate) async fn run_for(&mut self, span: Duration) {
        let end = Instant::now() + span;
        let mut buffer = vec![0; 2048];
        loop {
            let wake = match self.rtc.poll_output().expect("it runs") {
                Output::Timeout(wake) => wake.min(end),
                Output::Transmit(datagram) => {
                    self.sent += 1;
                    let media = datagram.contents.first().is_some_and(|byte| *byte & 0xC0 == 0x80);
                    // Not at random, so that each run loses the same.
                    let lost = media && self.sent * 37 % 100 < self.loses_percent;
                    if !lost {
                        let to = datagram.destination;
                        self.socket.send_to(&datagram.contents, to).await.expect("loopback");
                    }
                    continue;
                }
                Output::Event(event) => {
                    self.connected |= matches!(event, Event::Connected);
                    self.asked += u32::from(matches!(event, Event::KeyframeRequest(_)));
                    continue;
                }
            };
            let now = Instant::now();
            if now >= end {
                return;
            }
            let wait = wake.saturating_duration_since(now);
            let input = match time::timeout(wait, self.socket.recv_from(&mut buffer)).await {
                Ok(Ok((count, from))) => {
                    let bytes = &buffer[..count];
                    let received = Receive::new(Protocol::Udp, from, self.here, bytes);
                    Input::Receive(Instant::now(), received.expect("of WebRTC"))
                }
                _ => Input::Timeout(Instant::now()),
            };
            self.rtc.handle_input(input).expect("it runs");
        }
    }
}

/// So many pictures of 30 Hz, H.264 with start codes, a keyframe every `gop`.
pub(crate) async fn pictures(count: usize, gop: usize) -> Vec<Vec<u8>> {
    let arguments = format!(
        "-v error -nostdin -f lavfi -i testsrc2=size=320x180:rate=30 -frames:v {count} \
         -c:v libx264 -preset ultrafast -profile:v baseline -g {gop} -bf 0 \
         -x264opts aud=1 -f h264 -"
    );
    let made = Command::new("ffmpeg")
        .args(arguments.split_whitespace())
        .stderr(Stdio::inherit())
        .output()
        .await
        .expect("the ffmpeg program is installed");
    let delimiter = [0, 0, 0, 1, 9];
    let bytes = made.stdout;
    let starts: Vec<usize> = (0..bytes.len().saturating_sub(5))
        .filter(|at| bytes[*at..].starts_with(&delimiter))
        .collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let units: Vec<Vec<u8>> =
        starts.iter().zip(ends).map(|(start, end)| bytes[*start + 6..end].to_vec()).collect();
    assert_eq!(units.len(), count);
    units
}
