//! From file to film: what is uploaded plays with a ticket, while it is made and after, whatever happens meanwhile.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};
use tests::House;
use tests::viewer::{self, Playlist, fetch};

use crate::Tus;
use crate::looked_into::make;

/// How long a film may take: two slow processors do other tests as well.
pub(crate) const MADE_MAX: Duration = Duration::from_secs(400);
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);
/// For how long a cache may have an older list, and more.
const CACHED_MAX: Duration = Duration::from_secs(10);
/// Pieces of four seconds: a film of twenty has five.
pub(crate) const FLAGS: [&str; 2] = ["--chunk-s", "4"];
/// Pictures of the film.
const PICTURES: usize = 500;
/// By how much the bar above each is brighter than above the one before, of how much.
const BRIGHTER: usize = 37;
const BRIGHT: usize = 200;
/// Samples of one frame of its sound, and in a second.
const FRAME: (f64, f64) = (1024.0, 48_000.0);

/// Twenty seconds in which every picture is another, as FFmpeg draws them.
pub(crate) fn drawn() -> String {
    let bar = format!("if(lt(Y,45),16+mod(N*{BRIGHTER},{BRIGHT}),lum(X,Y))");
    let plain = |plane: &str| format!("if(lt(Y,23),128,{plane}(X,Y))");
    let (cb, cr) = (plain("cb"), plain("cr"));
    let drawn = "testsrc2=size=320x180:rate=25:duration=20,format=yuv420p";
    format!("{drawn},geq=lum='{bar}':cb='{cb}':cr='{cr}'")
}

/// They, with a keyframe every two seconds, sound and words.
pub(crate) fn film(folder: &Path) -> std::path::PathBuf {
    let spoken = folder.join("words.srt");
    let words =
        "1\n00:00:01,000 --> 00:00:03,000\nHallo\n\n2\n00:00:15,000 --> 00:00:17,500\nEnde\n";
    std::fs::write(&spoken, words).expect("writable");
    let pictures = drawn();
    make(
        folder,
        "film.mkv",
        &[
            &["-f", "lavfi", "-i", &pictures][..],
            &["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=20"],
            &["-i", spoken.to_str().expect("a path"), "-map", "0", "-map", "1", "-map", "2"],
            &["-c:v", "mpeg4", "-q:v", "3", "-g", "50", "-bf", "2", "-c:a", "ac3", "-ac", "2"],
            &["-c:s", "srt", "-metadata:s:a:0", "language=deu", "-metadata:s:s:0", "language=deu"],
        ]
        .concat(),
    )
}

pub(crate) fn upload(house: &House, file: &Path) -> String {
    let made = house.cli_json(&["asset", "upload", file.to_str().expect("a path"), "--json"]);
    made["asset"].as_str().expect("an id").to_owned()
}

/// An asset, as soon as it is so.
pub(crate) async fn once(
    house: &House,
    asset: &str,
    what: &str,
    is: impl Fn(&Value) -> bool,
) -> Value {
    let (tus, deadline) = (Tus::to(house), Instant::now() + MADE_MAX);
    loop {
        let told = tus.looked_into(asset).await;
        if is(&told) {
            return told;
        }
        assert!(Instant::now() < deadline, "{what}: {told}\n{}", house.log_tail());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

pub(crate) async fn ready(house: &House, asset: &str) -> Value {
    let over = |told: &Value| ["ready", "failed", "refused"].iter().any(|s| told["state"] == *s);
    let told = once(house, asset, "it is made", over).await;
    assert_eq!((&told["state"], &told["reason"]), (&json!("ready"), &Value::Null));
    told
}

pub(crate) fn text(told: &Value, name: &str) -> String {
    told[name].as_str().unwrap_or_else(|| panic!("no {name} in {told}")).to_owned()
}

/// What ffprobe says of each packet of a stream of a playlist.
pub(crate) fn times(url: &str, stream: &str) -> Vec<f64> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "csv=p=0", "-select_streams", stream])
        .args(["-show_entries", "packet=pts_time", url])
        .output()
        .expect("ffprobe runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut times: Vec<f64> =
        said.lines().filter_map(|line| line.trim_matches(',').parse().ok()).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// How bright the bar above each picture of a playlist is, in the order they are shown.
pub(crate) fn brightness(url: &str) -> Vec<f64> {
    let bar = "crop=iw:ih/6:0:0,signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-";
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-xerror", "-i", url, "-map", "0:v:0", "-vf", bar])
        .args(["-fps_mode", "passthrough", "-f", "null", "-"])
        .output()
        .expect("ffmpeg runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let of = |line: &str| line.strip_prefix("lavfi.signalstats.YAVG=")?.parse().ok();
    said.lines().filter_map(of).collect()
}

#[tokio::test]
async fn a_film_plays_while_it_is_made_and_every_picture_once_and_in_order() {
    let (house, folder) = (House::start(&FLAGS), tempfile::tempdir().expect("a directory"));
    let film = film(folder.path());
    let id = upload(&house, &film);
    let begun = once(&house, &id, "it can be played", |told| told["is_playable"] == true).await;
    assert_eq!(begun["state"], "transcoding", "it can be played before all of it is made");
    let client = Client::builder().no_proxy().build().expect("a client");
    let ticket = house.ticket(&text(&begun, "show"));
    let early = fetch(&client, &ticket.playlist_url).await;
    assert_eq!(early.status, 200, "{}", early.text());
    let (_, url) = viewer::renditions(&early.text(), &ticket.playlist_url).remove(0);
    let growing = fetch(&client, &url).await;
    let list = Playlist::parse(&growing.text(), &url);
    assert!(!list.ended && !list.segments.is_empty(), "{}", growing.text());
    assert!(growing.text().contains("#EXT-X-PLAYLIST-TYPE:EVENT"));
    let cached = growing.headers["cache-control"].to_str().expect("text");
    assert!(cached.contains("max-age=2"), "{cached}");
    viewer::media(&client, &list.segments[0].url).await;

    ready(&house, &id).await;
    let ticket = house.ticket(&text(&begun, "show"));
    let whole = fetch(&client, &ticket.playlist_url).await.text();
    assert!(whole.contains("TYPE=SUBTITLES") && whole.contains("LANGUAGE=\"de\""), "{whole}");
    let mut heights = 0;
    for (name, url) in viewer::renditions(&whole, &ticket.playlist_url) {
        let list = ended(&client, &url).await;
        assert!(list.segments.iter().all(|one| !one.gap), "{name}");
        let lasts: f64 = list.segments.iter().map(|one| one.duration_s).sum();
        assert!((lasts - 20.0).abs() < 0.1, "{name} lasts {lasts} s");
        heights += usize::from(name.ends_with('p'));
        if name.ends_with('p') {
            pictures(&url);
        }
    }
    assert!(heights > 1, "{whole}");
    let sound = times(&ticket.playlist_url, "a:0");
    let step = FRAME.0 / FRAME.1;
    let even = sound.windows(2).all(|two| (two[1] - two[0] - step).abs() < 0.001);
    assert!(even && (sound.len() as f64 * step - 20.0).abs() < 0.1, "{} frames", sound.len());
    let shown = house.cli(&["asset", "show", &id]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("ready") && shown.contains("playable"), "{shown}");
    deleted(&house, &id, &begun, &ticket.playlist_url).await;
}

/// A playlist with its end: caches may have it as it was for two seconds more.
pub(crate) async fn ended(client: &Client, url: &str) -> Playlist {
    let deadline = Instant::now() + CACHED_MAX;
    loop {
        let list = Playlist::parse(&fetch(client, url).await.text(), url);
        if list.ended {
            return list;
        }
        assert!(Instant::now() < deadline, "{url} does not end");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Every picture of a rung, once, a twenty-fifth of a second apart: over the borders of pieces as well.
pub(crate) fn pictures(url: &str) {
    let shown = times(url, "v:0");
    assert_eq!(shown.len(), PICTURES, "{url}");
    let steps = shown.windows(2).map(|two| two[1] - two[0]);
    let odd: Vec<f64> = steps.filter(|step| (step - 0.04).abs() > 0.0005).collect();
    assert!(odd.is_empty(), "{url}: {odd:?}");
    let seen = brightness(url);
    assert_eq!(seen.len(), PICTURES, "{url}");
    let is_other = |(at, seen): (usize, f64)| {
        let expected = 16 + at * BRIGHTER % BRIGHT;
        ((seen - expected as f64).abs() > 12.0).then(|| format!("{at}: {seen}, not {expected}"))
    };
    let others: Vec<String> = seen.into_iter().enumerate().filter_map(is_other).collect();
    assert!(others.is_empty(), "{url}: {others:?}");
}

async fn deleted(house: &House, id: &str, told: &Value, url: &str) {
    let objects = house.data().join("objects").join(text(told, "show"));
    assert!(objects.join("index.m3u8").is_file());
    let gone = house.cli_json(&["asset", "delete", id, "--json"]);
    assert_eq!(gone["asset"], json!(id));
    assert!(!objects.exists(), "its objects are gone");
    // A minute is what edges may keep it for; the origin has nothing more to say.
    let client = Client::builder().no_proxy().build().expect("a client");
    let fresh = house.ticket(&text(told, "show")).playlist_url;
    let status = fetch(&client, &fresh).await.status;
    assert!(status == 404 || status == 200, "{url}");
}

/// What stands in the store of a film, without what its moment of upload decides.
fn objects(house: &House, told: &Value) -> BTreeMap<String, Vec<u8>> {
    fn walk(folder: &Path, below: &str, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).expect("a directory") {
            let entry = entry.expect("an entry");
            let name = format!("{below}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                walk(&entry.path(), &name, found);
                continue;
            }
            let bytes = std::fs::read(entry.path()).expect("readable");
            let is_list = name.ends_with(".m3u8") || name.ends_with("/storyboard.vtt");
            let plain = |bytes: &[u8]| {
                let text = String::from_utf8_lossy(bytes).into_owned();
                let is_of_day = |line: &&str| {
                    line.starts_with("#EXT-X-PROGRAM-DATE-TIME")
                        || line.contains("matinee.anchor")
                        || line.starts_with("NOTE start_us=")
                };
                let lines: Vec<&str> = text.lines().filter(|line| !is_of_day(line)).collect();
                lines.join("\n").into_bytes()
            };
            found.insert(name, if is_list { plain(&bytes) } else { bytes });
        }
    }
    let mut found = BTreeMap::new();
    walk(&house.data().join("objects").join(text(told, "show")), "", &mut found);
    found
}

#[tokio::test]
async fn a_house_that_is_killed_goes_on_and_makes_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a directory");
    let film = film(folder.path());
    let (mut house, calm) = (House::start(&FLAGS), House::start(&FLAGS));
    let (id, other) = (upload(&house, &film), upload(&calm, &film));
    for percent in [1, 40, 70] {
        let came = |told: &Value| {
            told["progress_percent"].as_u64() >= Some(percent) || told["state"] == "failed"
        };
        once(&house, &id, "it goes on", came).await;
        house = house.killed_and_started_again(&FLAGS);
    }
    let (told, expected) = (ready(&house, &id).await, ready(&calm, &other).await);
    let (there, expected) = (objects(&house, &told), objects(&calm, &expected));
    let names = |all: &BTreeMap<String, Vec<u8>>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&there), names(&expected));
    for (name, bytes) in &expected {
        assert!(there[name] == *bytes, "{name} is another");
    }
    assert!(there.len() > 50, "{} objects", there.len());
}

#[tokio::test]
async fn what_cannot_be_made_fails_with_the_reason_and_what_is_deleted_meanwhile_is_gone() {
    let folder = tempfile::tempdir().expect("a directory");
    let house = House::start_in(tempfile::tempdir().expect("a directory"), &["--transcodes", "0"]);
    let film = film(folder.path());
    let (id, going) = (upload(&house, &film), upload(&house, &film));
    for asset in [&id, &going] {
        assert_eq!(Tus::to(&house).looked_into(asset).await["state"], "uploaded");
    }
    // Its bytes go bad on the disk behind its beginning.
    let file = house.data().join("uploads").join(&id).join("file");
    let mut bytes = std::fs::read(&file).expect("a film");
    let from = 64 << 10;
    bytes[from..].iter_mut().for_each(|byte| *byte = 0);
    std::fs::write(&file, bytes).expect("writable");
    let house = House::start_in(house.stop(), &FLAGS);
    let over = |told: &Value| ["ready", "failed"].iter().any(|state| told["state"] == *state);
    let told = once(&house, &id, "it fails", over).await;
    assert_eq!(told["state"], "failed", "{told}");
    assert!(text(&told, "reason").contains("the film cannot be made"), "{told}");
    let failed = house.cli_json(&["asset", "failed", "--json"]);
    let given_up = &failed["jobs"][0];
    assert_eq!((&given_up["asset"], &given_up["reason"]), (&json!(id), &told["reason"]));
    let shown = house.cli(&["asset", "failed"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains(&id) && shown.contains("the film cannot be made"), "{shown}");
    let again = house.cli_json(&["asset", "transcode", &id, "--json"]);
    assert_eq!(again["state"], "transcoding");
    once(&house, &id, "it fails again", |told| told["state"] == "failed").await;

    let told = once(&house, &going, "it goes on", |told| told["is_playable"] == true).await;
    let _ = house.cli_json(&["asset", "delete", &going, "--json"]);
    let objects = house.data().join("objects").join(text(&told, "show"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!objects.exists(), "nobody goes on with it");
    let metrics = Client::builder().no_proxy().build().expect("a client");
    let metrics = fetch(&metrics, &format!("{}/metrics", house.api)).await.text();
    assert!(metrics.contains("matinee_film_jobs_total") && metrics.contains("result=\"dead\""));
}
