//! A show that is fetched from elsewhere: another house's HLS, an RTMP server.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Client;
use tests::viewer::fetch;
use tests::{House, Publisher, Show};

use crate::clip::{self, Clip, FRAME_RATE};
use crate::{ended, start_s};

const SECONDS: usize = 14;

pub(crate) fn clip(directory: &tempfile::TempDir) -> std::path::PathBuf {
    let file = directory.path().join("clip.flv");
    Clip { seconds: SECONDS, height: 240, gop: 30, b_frames: 0 }.make(&file);
    file
}

pub(crate) fn pull(house: &House, show: &Show, from: &str) {
    let said = house.cli(&["show", "pull", &show.id, "--from", from]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

/// Waits until a playlist can be had.
pub(crate) async fn on_air(client: &Client, playlist: &str, patience: Duration) {
    let deadline = Instant::now() + patience;
    while fetch(client, playlist).await.status != 200 {
        assert!(Instant::now() < deadline, "nothing is on the air");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The recording's pictures follow each other, with the sound in step.
pub(crate) async fn assert_followed(client: &Client, playlist: &str, pictures_min: usize) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let lists = ended(client, playlist).await;
    let [source, audio] = ["source", "audio"].map(|name| {
        let found = lists.iter().find(|(listed, _)| listed.as_str() == name);
        (found.expect("it is listed"), directory.path().join(format!("{name}.mp4")))
    });
    source.0.1.download(client, &source.1).await;
    audio.0.1.download(client, &audio.1).await;
    let seen = clip::pictures(&source.1);
    assert!(seen.len() >= pictures_min, "{} pictures", seen.len());
    let follows = seen.windows(2).filter(|pair| pair[1].number == pair[0].number + 1).count();
    assert!(follows + 1 == seen.len(), "{follows} of {} follow", seen.len());
    let times = tests::frame_times(&source.1);
    let beeps: Vec<f64> = clip::beeps(&audio.1).iter().map(|at| start_s(&audio.1) + at).collect();
    let begins = (1..seen.len()).filter(|at| seen[*at].flash && !seen[at - 1].flash);
    for flash in begins.map(|at| times[at]) {
        let apart = beeps.iter().map(|beep| (flash - beep).abs()).fold(f64::INFINITY, f64::min);
        assert!(apart < 0.04, "flash at {flash} s, beeps at {beeps:?}");
    }
}

#[tokio::test]
async fn another_house_is_fetched_by_hls_and_its_show_goes_on_here() {
    let there = House::start(&["--reconnect-window-s", "1"]);
    let here = House::start(&["--reconnect-window-s", "2", "--pull-private", "allow"]);
    let (origin, copy) = (there.show("There"), here.show("Here"));
    let from = there.ticket(&origin.id).playlist_url;
    let client = Client::new();
    // Before there is anything: it is tried again until there is.
    pull(&here, &copy, &from);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut publisher = Publisher::of_file(&clip(&directory), &origin.rtmp);
    let playlist = here.ticket(&copy.id).playlist_url;
    on_air(&client, &playlist, Duration::from_secs(60)).await;
    assert!(publisher.finish().0);
    assert_followed(&client, &playlist, 6 * FRAME_RATE).await;
    let token = from.split_once("token=").expect("a token").1;
    assert!(!here.log().contains(token), "the source's address is not logged");
}

/// An RTMP server of the `ffmpeg` program, for one client.
pub(crate) fn server(port: u16, file: &std::path::Path) -> Publisher {
    let child = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-re", "-i"])
        .arg(file)
        .args(["-c", "copy", "-f", "flv", "-listen", "1"])
        .arg(format!("rtmp://127.0.0.1:{port}/live/show"))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("ffmpeg starts");
    Publisher(child)
}

#[tokio::test]
async fn an_rtmp_server_is_fetched_from_and_again_after_it_broke_off() {
    let here = House::start(&["--reconnect-window-s", "20", "--pull-private", "allow"]);
    let show = here.show("Fetched");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = clip(&directory);
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    let client = Client::new();
    let first = server(port, &file);
    pull(&here, &show, &format!("rtmp://127.0.0.1:{port}/live/show"));
    let playlist = here.ticket(&show.id).playlist_url;
    on_air(&client, &playlist, Duration::from_secs(30)).await;
    drop(first);
    let again = server(port, &file);
    let deadline = Instant::now() + Duration::from_secs(40);
    while here.log().matches("the source is on the air").count() < 2 {
        assert!(Instant::now() < deadline, "it is on the air again: {}", here.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let state = || here.cli_json(&["show", "list", "--json"])["shows"][0]["state"].clone();
    let stopped = here.cli(&["show", "pull", &show.id, "--stop"]);
    assert!(stopped.status.success());
    while state() == "live" {
        assert!(Instant::now() < deadline, "it is fetched no more");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    drop(again);
}

#[tokio::test]
async fn addresses_that_are_not_fetched_are_refused() {
    let here = House::start(&[]);
    let show = here.show("Closed");
    let refused = |from: &str| {
        let said = here.cli(&["show", "pull", &show.id, "--from", from]);
        assert!(!said.status.success(), "{from}");
        String::from_utf8_lossy(&said.stderr).into_owned()
    };
    for from in ["file:///etc/passwd", "/etc/passwd", "concat:a", "http://user:secret@h/", "x"] {
        let said = refused(from);
        assert!(said.contains("address"), "{from}: {said}");
    }
    // Private networks are closed where the operator has not opened them.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("it can be");
    let port = listener.local_addr().expect("bound").port();
    pull(&here, &show, &format!("http://127.0.0.1:{port}/index.m3u8"));
    let deadline = Instant::now() + Duration::from_secs(20);
    while !here.log().contains("leads into a private network") {
        assert!(Instant::now() < deadline, "it is said why: {}", here.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(listener.accept().is_err(), "nobody knocked");
    let here = here.killed_and_started_again(&[]);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !here.log().contains("the show is fetched again") {
        assert!(Instant::now() < deadline, "a restart forgets no source: {}", here.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
