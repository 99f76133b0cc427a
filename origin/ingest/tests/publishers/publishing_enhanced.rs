//! HEVC, AV1, Opus and several tracks by Enhanced RTMP: access units that real encoders made, in the tags of the
//! standard.

use std::path::Path;
use std::process::Command;

use shared_media::{
    AudioCodec, AudioConfig, Publication, Rational, TrackKind, VideoCodec, VideoConfig,
};

use crate::enhanced::{Kind, Track, publish, read};
use crate::stagehand::{House, assert_in_order, configs, quick, units, whole};

/// A test pattern and tones, encoded as `encoding` says, as an MP4 file has them.
fn clip(rate: &str, encoding: &str) -> Vec<Track> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file: &Path = &directory.path().join("clip.mp4");
    let picture = format!("testsrc2=size=320x180:rate={rate}");
    let arguments = format!(
        "-v error -nostdin -f lavfi -i {picture} -f lavfi -i sine -f lavfi -i sine=f=880 {encoding}"
    );
    let made = Command::new("ffmpeg").args(arguments.split_whitespace()).arg(file).output();
    let made = made.expect("the ffmpeg program is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    read(file)
}

/// What comes out of a house into which these tracks go.
async fn published(tracks: Vec<Track>) -> (String, Vec<Publication>) {
    let mut house = House::open(quick()).await;
    let address = house.address.to_string();
    let publisher = tokio::task::spawn_blocking(move || publish(&address, "k1", &tracks, false));
    let publications = whole(&mut house.opening().await).await;
    let said = publisher.await.expect("it does not panic").expect("it is served");
    house.close().await;
    assert_in_order(&publications);
    (said, publications)
}

#[tokio::test]
async fn hevc_with_b_frames_arrives_whole_and_exact() {
    let encoding = "-map 0:v -map 1:a -t 2 -c:v libx265 -preset ultrafast -g 30 \
                    -x265-params log-level=none:open-gop=0:bframes=2:b-adapt=0 -c:a aac -ar 48000";
    let tracks = clip("30", encoding);
    let (record, first) = (tracks[0].record.clone(), tracks[0].units[0].data.clone());
    let (said, publications) = published(tracks).await;
    assert!(said.contains("fourCcList") && said.contains("hvc1"), "{said}");

    let [Publication::Picture(picture), Publication::Sound(_, sound)] = configs(&publications)[..]
    else {
        panic!("one configuration each: {:?}", configs(&publications));
    };
    let frame_rate = Some(Rational { num: 30, den: 1 });
    let (codec, record) = (VideoCodec::Hevc, record.into());
    let expected = VideoConfig { codec, record, width: 320, height: 180, frame_rate, hdr: None };
    assert_eq!(*picture, expected);
    assert_eq!((sound.codec, sound.sample_rate), (AudioCodec::Aac, 48_000));
    let video = units(&publications, TrackKind::Video);
    assert_eq!(video.len(), 60);
    let keyframes: Vec<usize> = (0..60).filter(|frame| video[*frame].keyframe).collect();
    assert_eq!(keyframes, [0, 30]);
    assert!(
        video[0].data.len() <= first.len() && video[0].data.ends_with(&first[first.len() - 9..])
    );
    let mut shown: Vec<i64> = video.iter().map(|unit| unit.pts.0).collect();
    shown.sort_unstable();
    assert!(shown.windows(2).all(|pair| pair[1] - pair[0] == 3000), "{shown:?}");
    assert!(video.iter().any(|unit| unit.pts > unit.dts), "B-frames");
}

#[tokio::test]
async fn av1_and_opus_arrive_whole_and_exact() {
    let encoding = "-map 0:v -map 1:a -t 2 -c:v libsvtav1 -preset 12 -g 30 -c:a libopus -ac 2";
    let tracks = clip("25", encoding);
    let counts: Vec<usize> = tracks.iter().map(|track| track.units.len()).collect();
    let (_, publications) = published(tracks).await;
    let [Publication::Picture(picture), Publication::Sound(_, sound)] = configs(&publications)[..]
    else {
        panic!("one configuration each: {:?}", configs(&publications));
    };
    assert_eq!((picture.codec, picture.width, picture.height), (VideoCodec::Av1, 320, 180));
    let AudioConfig { codec, sample_rate, channels, .. } = sound;
    assert_eq!((*codec, *sample_rate, *channels), (AudioCodec::Opus, 48_000, 2));
    let video = units(&publications, TrackKind::Video);
    let audio = units(&publications, TrackKind::Audio);
    assert_eq!([video.len(), audio.len()], counts[..]);
    assert!(video[0].keyframe && !video[1].keyframe && video[30].keyframe);
    assert!(audio.windows(2).all(|pair| pair[1].dts.0 - pair[0].dts.0 == 1800), "20 ms packets");
}

#[tokio::test]
async fn of_several_tracks_one_picture_and_every_sound_is_taken() {
    let encoding = "-map 0:v -map 1:a -map 2:a -t 1 -c:v libx264 -preset ultrafast -c:a aac";
    let mut tracks = clip("30", encoding);
    assert_eq!(tracks.len(), 3);
    let sounds: Vec<&Track> = tracks.iter().filter(|track| track.kind == Kind::Audio).collect();
    let sent =
        sounds.iter().map(|sound| sound.units.iter().map(|unit| unit.data.clone()).collect());
    let sent: Vec<Vec<Vec<u8>>> = sent.collect();
    let mut second = tracks[0].clone();
    second.id = 1;
    tracks.push(second);
    let (_, publications) = published(tracks).await;
    assert_eq!(configs(&publications).len(), 3);
    assert_eq!(units(&publications, TrackKind::Video).len(), 30);
    for (number, sent) in (0..).zip(&sent) {
        let taken = crate::stagehand::sounds(&publications, number);
        assert!(taken.iter().map(|unit| &unit.data).eq(sent), "sound {number}, every frame");
    }
}
