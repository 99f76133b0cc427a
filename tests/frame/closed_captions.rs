//! Captions within the pictures: the source's are said in HLS and DASH, and every rung carries them in any codec.
//!
//! In: a source with the clock as CEA-608, encoded anew by `ffmpeg` with reordered pictures, so that libx264 has
//! written its SEI. Out: what `ffmpeg` reads of what a viewer gets.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use reqwest::Client;
use tests::viewer::fetch;
use tests::{House, Publisher, program};

use crate::{LOOK_EVERY, WAIT_MAX, ended, on_air};

const SOURCE: &str = "source --url pipe:1 --captions 608 --width 426 --height 240 --frame-rate 15 \
                      --bit-rate 300 --seconds 8";
const ENCODED: &str = "-c:v libx264 -preset veryfast -bf 2 -g 15 -sc_threshold 0 -a53cc 1 \
                       -c:a copy -f flv";

/// A publisher's file with captions.
fn captioned(directory: &Path) -> PathBuf {
    let (stream, file) = (directory.join("source.ts"), directory.join("captioned.flv"));
    let out = File::create(&stream).expect("writable");
    let made = Command::new(program()).args(SOURCE.split_whitespace()).stdout(out).status();
    assert!(made.expect("the program runs").success());
    let mut encoder = Command::new("ffmpeg");
    encoder.args(["-nostdin", "-v", "error", "-i"]).arg(stream);
    let encoded = encoder.args(ENCODED.split_whitespace()).arg(&file).status();
    assert!(encoded.expect("ffmpeg runs").success());
    file
}

/// The captions that `ffmpeg` reads of a file: when each is shown, and its text.
fn captions(file: &Path) -> Vec<(String, String)> {
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
    let read = Command::new("ffmpeg")
        .current_dir(file.parent().expect("a directory"))
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i"])
        .arg(format!("movie={name}[out0+subcc]"))
        .args(["-map", "0:s", "-f", "srt", "-"])
        .output()
        .expect("ffmpeg runs");
    assert!(read.status.success(), "{name}: {}", String::from_utf8_lossy(&read.stderr));
    let text = String::from_utf8_lossy(&read.stdout);
    let cues = text.split("\n\n").filter_map(|cue| {
        let (_, rest) = cue.trim().split_once('\n')?;
        let (times, text) = rest.split_once('\n')?;
        Some((times.to_owned(), text.to_owned()))
    });
    cues.collect()
}

/// Says what its only channel is.
fn named(house: &House, show: &str) {
    let set = ["show", "set", show, "--closed-captions", "CC1=en-GB=Clock", "--json"];
    assert_eq!(house.cli_json(&set)["broadcast"]["closed_captions"][0]["channel"], "CC1");
}

/// Says which captions there are, in every variant.
fn assert_signalled(multivariant: &str) {
    let media = "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"closed-captions\",NAME=\"Clock\",\
                 LANGUAGE=\"en-GB\",DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID=\"CC1\"\n";
    assert_eq!(multivariant.matches("TYPE=CLOSED-CAPTIONS").count(), 1, "{multivariant}");
    assert!(multivariant.contains(media), "{multivariant}");
    let variants = multivariant.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF:"));
    for variant in variants {
        assert!(variant.ends_with(",CLOSED-CAPTIONS=\"closed-captions\""), "{variant}");
    }
}

/// Waits until captions are found.
async fn signalled(client: &Client, playlist_url: &str) {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let text = on_air(client, playlist_url).await;
        if text.contains("CLOSED-CAPTIONS") {
            return assert_signalled(&text);
        }
        assert!(Instant::now() < deadline, "no captions are found: {text}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[tokio::test]
async fn every_rung_has_the_captions_of_the_source_and_playlists_say_so() {
    let house = House::start(&["--reconnect-window-s", "1", "--ladder", "200p/hevc,180p/av1,160p"]);
    let show = house.show("With captions within");
    named(&house, &show.id);
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = captioned(directory.path());
    let client = Client::new();
    let mut publisher = Publisher::of_file(&file, &show.rtmp);
    signalled(&client, &ticket.playlist_url).await;
    let (well, said) = publisher.finish();
    assert!(well, "{said}");

    let lists = ended(&client, &ticket.playlist_url).await;
    assert_signalled(&on_air(&client, &ticket.playlist_url).await);
    let mpd = fetch(&client, &ticket.mpd_url).await.text();
    let descriptor =
        "<Accessibility schemeIdUri=\"urn:scte:dash:cc:cea-608:2015\" value=\"CC1=eng\"/>\n";
    let pictures = mpd.matches("contentType=\"video\"").count();
    assert_eq!((mpd.matches(descriptor).count(), pictures), (3, 3), "one for each codec: {mpd}");

    let sent = captions(&file);
    assert!((6..=8).contains(&sent.len()), "one a second: {sent:?}");
    assert!(sent.iter().all(|(_, text)| text.contains(" UTC")), "{sent:?}");
    let mut of_rungs = Vec::new();
    for (name, list) in lists.iter().filter(|(name, _)| name != "audio") {
        let media = directory.path().join(format!("{name}.mp4"));
        list.download(&client, &media).await;
        of_rungs.push((name.as_str(), captions(&media)));
    }
    let names: Vec<&str> = of_rungs.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["source", "200p-hevc", "180p-av1", "160p"]);
    let texts = |cues: &[(String, String)]| -> Vec<String> {
        cues.iter().map(|(_, text)| text.clone()).collect()
    };
    let (_, source) = &of_rungs[0];
    assert_eq!(texts(source), texts(&sent));
    for (name, rung) in &of_rungs[1..] {
        assert_eq!(rung, source, "{name}: the same at the same times");
    }
}

#[tokio::test]
async fn a_house_that_is_killed_knows_of_them_afterwards() {
    let house = House::start(&["--reconnect-window-s", "20"]);
    let show = house.show("Killed with captions");
    named(&house, &show.id);
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = captioned(directory.path());
    let publisher = Publisher::of_file(&file, &show.rtmp);
    signalled(&Client::new(), &ticket.playlist_url).await;
    // Nobody publishes to the next process: it hears nothing by itself.
    let house = house.killed_and_started_again(&["--reconnect-window-s", "2"]);
    drop(publisher);
    let client = Client::new(); // no connection outlived it
    assert_signalled(&on_air(&client, &ticket.playlist_url).await);
    let _ = ended(&client, &ticket.playlist_url).await;
    assert_signalled(&on_air(&client, &ticket.playlist_url).await);
    drop(house);
}
