//! A show in several languages: each sound is a rendition of its own, named by its language, from publisher to viewer.

use std::path::Path;
use std::process::Command;

use reqwest::Client;
use tests::viewer::fetch;
use tests::{House, Publisher, SRT_OPTIONS, signal};

use crate::encoder_death::encoder_of;
use crate::{ended, on_air};

/// What is heard in each: a tone of its own, in Hz.
const TONES: [f64; 3] = [440.0, 880.0, 1320.0];
const SECONDS: f64 = 10.0;

/// A film with three sounds: English, German, and one of which nobody says what it is; the second in 5.1.
fn film(file: &Path) {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-f", "lavfi"]);
    ffmpeg.args(["-i", "testsrc2=size=640x360:rate=30"]);
    for tone in TONES {
        ffmpeg.args(["-f", "lavfi", "-i", &format!("sine=frequency={tone}:sample_rate=48000")]);
    }
    ffmpeg.args(["-map", "0", "-map", "1", "-map", "2", "-map", "3"]);
    ffmpeg.args(["-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger"]);
    ffmpeg.args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-c:a", "aac"]);
    ffmpeg.args(["-ac", "2", "-ac:a:1", "6", "-t", &SECONDS.to_string(), "-f", "mpegts"]);
    let made = ffmpeg.arg(file).status().expect("ffmpeg runs");
    assert!(made.success(), "ffmpeg makes a film with three sounds");
}

/// The tone of a recording, in Hz: how often it crosses zero upwards; and how long it sounds, in seconds.
fn tone(file: &Path) -> (f64, f64) {
    let raw = tests::decode(file, &["-vn", "-ac", "1", "-ar", "48000", "-f", "s16le"]);
    let samples: Vec<i16> =
        raw.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    let ups = samples.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
    #[expect(clippy::cast_precision_loss, reason = "ten seconds of sound")]
    let (ups, seconds) = (ups as f64, samples.len() as f64 / 48_000.0);
    (ups / seconds, seconds)
}

#[tokio::test]
async fn each_language_is_a_sound_of_its_own_also_when_its_encoder_is_killed() {
    let house = House::start(&["--reconnect-window-s", "1", "--srt", "127.0.0.1:0"]);
    let show = house.show("In two languages");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("film.ts");
    film(&file);
    let address = show.srt.clone().expect("the house speaks SRT");
    let address = format!("{address}&{SRT_OPTIONS}");
    let mut publisher = Publisher::of_every_track("mpegts", &file, &address);
    let client = Client::new();
    let text = on_air(&client, &ticket.playlist_url).await;
    let sounds: Vec<&str> = text.lines().filter(|line| line.contains("TYPE=AUDIO")).collect();
    let expected = [
        ("NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES", 2, "audio"),
        ("NAME=\"Deutsch\",LANGUAGE=\"de\",DEFAULT=NO", 2, "audio-2"),
        ("NAME=\"Deutsch 5.1\",LANGUAGE=\"de\",DEFAULT=NO", 6, "surround-2"),
        ("NAME=\"audio-3\",DEFAULT=NO", 2, "audio-3"),
    ];
    assert_eq!(sounds.len(), expected.len(), "{text}");
    for (line, (named, channels, id)) in sounds.iter().zip(expected) {
        assert!(line.contains(named), "{line}: {named}");
        assert!(line.contains(&format!(",CHANNELS=\"{channels}\",")), "{line}: {channels}");
        assert!(line.ends_with(&format!("/{id}/index.m3u8\"")), "{line}: {id}");
    }
    signal(encoder_of(&house), "KILL");
    let (well, said) = publisher.finish();
    assert!(well, "the publisher is content: {said}");

    let lists = ended(&client, &ticket.playlist_url).await;
    // Some libraries of SRT leave the last of what they hold unsent when they are closed: sounds end where the picture
    // does.
    let source = lists.iter().find(|(name, _)| name == "source");
    let (_, source) = source.expect("the picture is recorded");
    let length: f64 = source.segments.iter().map(|segment| segment.duration_s).sum();
    assert!((SECONDS - 1.0..SECONDS + 0.2).contains(&length), "the picture: {length} s");
    for (name, list) in lists {
        let at = match name.as_str() {
            "audio" => 0,
            "audio-2" | "surround-2" => 1,
            "audio-3" => 2,
            _ => continue,
        };
        assert!(list.segments.iter().all(|one| !one.gap && !one.discontinuity), "{name}");
        let media = directory.path().join(format!("{name}.mp4"));
        list.download(&client, &media).await;
        let (heard, seconds) = tone(&media);
        // Two frames at each end may be cut off by what a decoder needs to begin.
        assert!((seconds - length).abs() < 0.2, "{name}: {seconds} s");
        assert!((heard - TONES[at]).abs() < 5.0, "{name}: {heard} Hz");
    }
    let mpd = fetch(&client, &ticket.mpd_url).await.text();
    let languages: Vec<&str> =
        mpd.match_indices(" lang=\"").map(|(at, _)| &mpd[at + 7..at + 9]).collect();
    assert_eq!(languages, ["en", "de", "de"], "{mpd}");
}
