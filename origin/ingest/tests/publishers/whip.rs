//! Publishing by WHIP: every frame comes, on time, in step.

pub(crate) mod caller;

use std::time::{Duration, Instant};

use caller::{Caller, pictures, post, request};
use origin_ingest::{Airtime, Config, Whip};
use shared_media::{AudioCodec, Publication, Ticks, TrackKind, VideoCodec};
use str0m::format::Codec;

use crate::secure::{make_certificate, named};
use crate::stagehand::{House, assert_in_order, configs, quick, units, whole};

/// Settings for tests: any port.
pub(crate) fn with_whip() -> Config {
    Config { whip: Some(Whip::on(([127, 0, 0, 1], 0).into())), ..quick() }
}

/// A packet of Opus of 20 ms, and its timestamps.
const SOUND: [u8; 3] = [0xFC, 0xFF, 0xFE];
const SOUND_STEP: u64 = 960;
const PICTURE_STEP: u64 = 3000;
/// Both wrap within the first second.
const FIRST_PICTURE: u64 = (1 << 32) - 30_000;
const FIRST_SOUND: u64 = (1 << 32) - 9600;

/// Sends so many pictures, and the sound to them, whose pictures take `encoding` longer on their way.
async fn send(caller: &mut Caller, pictures: &[Vec<u8>], encoding: Duration) {
    let count = pictures.len();
    let begun = Instant::now();
    let (mut picture, mut sound) = (0_u32, 0_u32);
    while (picture as usize) < count {
        let taken = begun + Duration::from_secs(1) * picture / 30;
        let heard = begun + Duration::from_millis(20) * sound;
        let next = (taken + encoding).min(heard);
        caller.run_for(next.saturating_duration_since(Instant::now())).await;
        if heard <= next {
            let rtp = FIRST_SOUND + SOUND_STEP * u64::from(sound);
            caller.write(caller.audio, heard, rtp, &SOUND);
            sound += 1;
        } else {
            let rtp = FIRST_PICTURE + PICTURE_STEP * u64::from(picture);
            caller.write(caller.video, taken, rtp, &pictures[picture as usize]);
            picture += 1;
        }
    }
    caller.run_for(Duration::from_millis(500)).await;
}

/// Browsers let pages of `https://` sites publish to `https://` only.
#[tokio::test]
async fn an_offer_may_come_over_tls() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    make_certificate(directory.path(), "one.test").await;
    let on = Whip::on(([127, 0, 0, 1], 0).into());
    let whip = Whip { tls: Some(named(directory.path())), ..on };
    let house = House::open(Config { whip: Some(whip), ..quick() }).await;
    let address = house.whip_address.expect("WHIP is spoken");
    let caller = Caller::new(Codec::H264).await;
    let offer = directory.path().join("offer.sdp");
    std::fs::write(&offer, &caller.offer).expect("a file");
    let answered = tokio::process::Command::new("curl")
        .args(["-s", "-i", "--cacert"])
        .arg(directory.path().join("cert.pem"))
        .args(["--connect-to", &format!("one.test:443:{address}"), "https://one.test/whip"])
        .args(["-H", "Authorization: Bearer k1", "-H", "Content-Type: application/sdp"])
        .args(["--data-binary", &format!("@{}", offer.display())])
        .output()
        .await
        .expect("curl is installed");
    let answer = String::from_utf8_lossy(&answered.stdout);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}{:?}", answered.stderr);
    let plain = post(address, "k1", &caller.offer).await;
    assert_eq!(plain.status, 0, "there is no HTTP without TLS: {}", plain.head);
    house.close().await;
}

/// Sends all of it by WHIP and ends the session.
async fn shown(loses_percent: u32, count: usize, encoding: Duration) -> Vec<Publication> {
    let mut house = House::open(with_whip()).await;
    let address = house.whip_address.expect("WHIP is spoken");
    let mut caller = Caller::new(Codec::H264).await;
    let answer = post(address, "k1", &caller.offer).await;
    caller.connect(&answer).await;
    caller.loses_percent = loses_percent;
    let show = async {
        let mut opening = house.opening().await;
        whole(&mut opening).await
    };
    let publish = async {
        send(&mut caller, &pictures(count, 15).await, encoding).await;
        let session = answer.header("location").expect("a session").to_owned();
        let head = format!("DELETE {session} HTTP/1.1\r\nauthorization: Bearer k1");
        assert_eq!(request(address, &head, "").await.status, 200);
        caller.run_for(Duration::from_millis(200)).await;
        assert_eq!(request(address, &head, "").await.status, 404, "it has ended");
    };
    let (show, ()) = tokio::join!(show, publish);
    let live = [Airtime::Live, Airtime::Interrupted, Airtime::Ended];
    assert_eq!(house.airtimes(), live);
    house.close().await;
    show
}

#[tokio::test]
async fn every_frame_comes_once_in_order_on_an_even_clock_that_wraps() {
    let show = shown(0, 75, Duration::ZERO).await;
    assert_in_order(&show);
    let (video, audio) = (units(&show, TrackKind::Video), units(&show, TrackKind::Audio));
    assert_eq!(video.len(), 75);
    assert!(video[0].keyframe);
    assert!(audio.len() >= 110, "{}: a report may move it", audio.len());
    assert!(video.windows(2).all(|pair| pair[1].pts - pair[0].pts == Ticks(3000)), "30 Hz");
    let configs = configs(&show);
    assert_eq!(configs.len(), 2);
    for config in configs {
        match config {
            Publication::Picture(video) => {
                assert_eq!((video.codec, video.width, video.height), (VideoCodec::Avc, 320, 180));
            }
            Publication::Sound(_, audio) => {
                assert_eq!((audio.codec, audio.channels), (AudioCodec::Opus, 2));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn who_makes_no_keyframes_is_asked_for_one_before_every_segment() {
    let mut house = House::open(with_whip()).await;
    let address = house.whip_address.expect("WHIP is spoken");
    let mut caller = Caller::new(Codec::H264).await;
    let answer = post(address, "k1", &caller.offer).await;
    caller.connect(&answer).await;
    let taking = tokio::spawn(async move {
        let mut opening = house.opening().await;
        while opening.publications.recv().await.is_some() {}
    });
    send(&mut caller, &pictures(150, 250).await, Duration::ZERO).await;
    // From 1.9 s on, and again each 0.3 s in which none comes: not at every picture.
    assert!((8..=14).contains(&caller.asked), "{} times", caller.asked);
    taking.abort();
}

#[tokio::test]
async fn lost_packets_come_again() {
    let show = shown(5, 90, Duration::ZERO).await;
    assert_in_order(&show);
    let video = units(&show, TrackKind::Video);
    assert_eq!(video.len(), 90, "none is missing");
}

#[tokio::test]
async fn sender_reports_bring_sound_and_picture_in_step() {
    let encoding = Duration::from_millis(150);
    let show = shown(0, 120, encoding).await;
    assert_in_order(&show);
    let (video, audio) = (units(&show, TrackKind::Video), units(&show, TrackKind::Audio));
    let last_picture = video.last().expect("there are pictures");
    // The last picture was taken 119/30 s after the first sound; the last sounds are those of its way here.
    let taken = Ticks(119 * 3000);
    let index = usize::try_from(taken.0 / 1800).expect("positive");
    let lost = (119 * 3000 + i64::try_from(encoding.as_millis()).expect("small") * 90) / 1800 + 1
        - i64::try_from(audio.len()).expect("small");
    let index = index - usize::try_from(lost.max(0)).expect("positive");
    let heard = audio[index].pts;
    let apart = (last_picture.pts - heard - Ticks(taken.0 % 1800)).0.abs();
    assert!(apart < 40 * 90, "{} ms apart, {lost} sounds dropped", apart / 90);
}
