//! What is published by SRT arrives whole, in order and on exact times, also over a line that loses packets.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use origin_ingest::{Config, Passphrase, Srt};
use shared_media::{AudioCodec, Publication, Rational, TrackKind, VideoCodec};
use tokio::net::UdpSocket;
use tokio::process::Child;

use crate::stagehand::{House, assert_in_order, configs, ffmpeg_as, quick, units, whole, words};

/// Settings with SRT on any port.
pub(crate) fn with_srt(passphrase: Option<&str>) -> Config {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let passphrase = passphrase.map(|text| Passphrase::new(text).expect("long enough"));
    Config { srt: Some(Srt { passphrase, ..Srt::on(listen) }), ..quick() }
}

/// `ffmpeg` publishing in real time, with `query` in the address.
pub(crate) fn publisher(to: SocketAddr, query: &str, encoding: &str) -> Child {
    // Otherwise libsrt 1.5.1 closes with unsent what the encoder held back until the end: more, the busier the machine.
    // 1.5.4 sends nothing more in any case, not even that it closes: it keeps the line alive for so long, and is gone.
    let url = format!("srt://{to}?pkt_size=1316&linger=2&{query}");
    ffmpeg_as("mpegts", "30", &format!("-vf realtime {encoding}"), &url)
}

/// Two seconds of the three that are published ([`publisher`] says why not all); the last picture is only ended by the
/// next.
const PICTURES_MIN: usize = 59;

/// Checks the pictures of a publisher of three seconds at 30 Hz.
pub(crate) fn assert_whole(publications: &[Publication]) {
    assert_in_order(publications);
    // It is said when the publisher goes, and nothing comes after it but the end.
    let is_unit = |publication: &Publication| matches!(publication, Publication::Unit(..));
    let broken = publications.split(|publication| *publication == Publication::Discontinuity);
    assert!(broken.skip(1).flatten().all(|publication| !is_unit(publication)));
    let mut shown: Vec<i64> =
        units(publications, TrackKind::Video).iter().map(|unit| unit.pts.0).collect();
    shown.sort_unstable();
    assert!((PICTURES_MIN..=90).contains(&shown.len()), "{} pictures", shown.len());
    // B-frames may be missing at the very end only.
    let steady = shown[..shown.len() - 4].windows(2).all(|pair| pair[1] - pair[0] == 3000);
    assert!(steady, "{shown:?}");
}

#[tokio::test]
async fn h264_and_aac_arrive_whole_with_exact_times() {
    for id in ["streamid=publish:k1", "streamid=live/k1", "streamid=#!::r=live/k1,m=publish"] {
        let mut house = House::open(with_srt(None)).await;
        let address = house.srt_address.expect("SRT is spoken");
        let encoding = "-t 3 -c:v libx264 -preset veryfast -bf 2 -b_strategy 0 -g 30 -c:a aac \
                        -ar 48000 -ac 2";
        let publisher = publisher(address, id, encoding);
        let publications = whole(&mut house.opening().await).await;
        let (went_well, said) = words(publisher).await;
        assert!(went_well, "{id}: {said}");
        assert_whole(&publications);
        let [Publication::Picture(picture), Publication::Sound(_, sound)] =
            configs(&publications)[..]
        else {
            panic!("{id}: one configuration each: {:?}", configs(&publications));
        };
        let frame_rate = Some(Rational { num: 30, den: 1 });
        assert_eq!((picture.codec, picture.frame_rate), (VideoCodec::Avc, frame_rate));
        assert_eq!((picture.width, picture.height), (320, 180));
        assert_eq!((sound.codec, sound.sample_rate, sound.channels), (AudioCodec::Aac, 48_000, 2));
        let video = units(&publications, TrackKind::Video);
        assert!(video[0].keyframe && video.iter().any(|unit| unit.pts > unit.dts), "B-frames");
        let audio = units(&publications, TrackKind::Audio);
        assert!(audio.len() > 60, "{} audio frames", audio.len());
        assert!(audio.windows(2).all(|pair| pair[1].dts.0 - pair[0].dts.0 == 1920));
        assert!((video[0].pts - audio[0].pts).0.abs() <= 9000, "they begin together");
        house.close().await;
    }
}

#[tokio::test]
async fn hevc_with_mp2_or_opus_arrives_too() {
    let video = "-t 3 -c:v libx265 -preset ultrafast -g 30 -x265-params log-level=none:open-gop=0";
    for (audio, codec) in [("-c:a mp2", AudioCodec::Mpeg), ("-c:a libopus", AudioCodec::Opus)] {
        let mut house = House::open(with_srt(None)).await;
        let address = house.srt_address.expect("SRT is spoken");
        let encoding = format!("{video} {audio} -ar 48000 -ac 2");
        let publisher = publisher(address, "streamid=publish:k1", &encoding);
        let publications = whole(&mut house.opening().await).await;
        assert!(words(publisher).await.0);
        assert_whole(&publications);
        let codecs = configs(&publications).into_iter().map(|config| match config {
            Publication::Picture(picture) => (Some(picture.codec), None),
            Publication::Sound(_, sound) => (None, Some(sound.codec)),
            _ => (None, None),
        });
        let codecs: Vec<_> = codecs.collect();
        assert_eq!(codecs, [(Some(VideoCodec::Hevc), None), (None, Some(codec))]);
        let audio = units(&publications, TrackKind::Audio);
        let step = if codec == AudioCodec::Opus { 1800 } else { 2160 };
        assert!(audio.len() > 60, "{} audio frames", audio.len());
        assert!(audio.windows(2).all(|pair| pair[1].dts.0 - pair[0].dts.0 == step));
        house.close().await;
    }
}

#[tokio::test]
async fn two_publishers_share_the_port_with_and_without_a_third_by_rtmp() {
    let mut house = House::open(with_srt(None)).await;
    let address = house.srt_address.expect("SRT is spoken");
    let encoding = "-t 3 -c:v libx264 -preset ultrafast -g 30 -c:a aac";
    let first = publisher(address, "streamid=publish:k1", encoding);
    let second = publisher(address, "streamid=publish:k2", encoding);
    let (mut one, mut other) = (house.opening().await, house.opening().await);
    assert_ne!(one.show, other.show);
    let (one, other) = tokio::join!(whole(&mut one), whole(&mut other));
    assert_whole(&one);
    assert_whole(&other);
    assert!(words(first).await.0 && words(second).await.0);
    house.close().await;
}

#[tokio::test]
async fn an_encrypted_stream_is_read_with_the_passphrase() {
    for bytes in ["", "&pbkeylen=16", "&pbkeylen=32"] {
        let mut house = House::open(with_srt(Some("a long secret"))).await;
        let address = house.srt_address.expect("SRT is spoken");
        let query = format!("streamid=publish:k1&passphrase=a long secret{bytes}");
        let encoding = "-t 3 -c:v libx264 -preset ultrafast -g 30 -c:a aac";
        let publisher = publisher(address, &query, encoding);
        let publications = whole(&mut house.opening().await).await;
        assert!(words(publisher).await.0, "{bytes}");
        assert_whole(&publications);
        house.close().await;
    }
}

#[tokio::test]
async fn what_is_lost_on_the_way_comes_again() {
    let mut house = House::open(with_srt(None)).await;
    let address = house.srt_address.expect("SRT is spoken");
    let lost = Arc::new(AtomicUsize::new(0));
    let relay = lossy(address, Arc::clone(&lost)).await;
    let encoding = "-t 3 -c:v libx264 -preset ultrafast -g 30 -b:v 2M -c:a aac";
    let publisher = publisher(relay, "streamid=publish:k1&latency=400000", encoding);
    let publications = whole(&mut house.opening().await).await;
    assert!(words(publisher).await.0);
    assert_in_order(&publications);
    let video = units(&publications, TrackKind::Video);
    assert!(video.len() >= PICTURES_MIN, "{} pictures", video.len());
    assert!(video.windows(2).all(|pair| pair[1].dts.0 - pair[0].dts.0 == 3000), "none missing");
    assert!(lost.load(Ordering::Relaxed) > 3, "the line did lose packets");
    house.close().await;
}

/// So many packets are at risk, about half of all: a loss is seen by what comes behind it, and nothing comes behind the
/// very last.
const LOSSY_PACKETS: usize = 200;

/// A line to `to` that loses every 23rd packet of media.
async fn lossy(to: SocketAddr, lost: Arc<AtomicUsize>) -> SocketAddr {
    let inner = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let outer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = outer.local_addr().expect("it is bound");
    inner.connect(to).await.expect("loopback");
    tokio::spawn(async move {
        let (mut there, mut back) = (vec![0; 2048], vec![0; 2048]);
        let (mut caller, mut count) = (None, 0);
        loop {
            tokio::select! {
                received = outer.recv_from(&mut there) => {
                    let Ok((length, from)) = received else { return };
                    caller = Some(from);
                    count += usize::from(there[0] & 0x80 == 0);
                    if there[0] & 0x80 == 0 && count % 23 == 0 && count < LOSSY_PACKETS {
                        lost.fetch_add(1, Ordering::Relaxed);
                    } else {
                        let _ = inner.send(&there[..length]).await;
                    }
                }
                received = inner.recv(&mut back) => {
                    if let (Ok(length), Some(caller)) = (received, caller) {
                        let _ = outer.send_to(&back[..length], caller).await;
                    }
                }
            }
        }
    });
    address
}
