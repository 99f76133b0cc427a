//! Half an hour of a hard show, many times faster than real time; and two hours of an easy one.
//!
//! In: the built program. Out: rows. The publisher wraps, jumps, leaves out, and breaks off; beside it viewers who
//! follow every rendition and others who hardly read.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use reqwest::Client;
use tests::enhanced::{self, Kind, Run, Track};
use tests::viewer::{Playlist, fetch, renditions};
use tests::{House, Show};

use crate::Plan;
use crate::cpu::{drawing_mb, memory_mb};
use crate::crowd::on_air;
use crate::report::{Better, Row};
use crate::rows::milliseconds;

/// How many times faster than real time the hard show goes, and the easy one.
const HARD_SPEED: f64 = 15.0;
const EASY_SPEED: f64 = 40.0;
/// Minutes of each stretch of the hard show; the publisher is away between them.
const STRETCHES_MIN: [u32; 3] = [10, 10, 10];
/// Minutes of the easy show: its window of two hours is full before it ends.
const EASY_MIN: u32 = 150;
/// Viewers who hardly read.
const SLOW_VIEWERS: usize = 16;
const MINUTE_MS: i64 = 60_000;

/// What watching came to.
#[derive(Default)]
struct Seen {
    playlists: AtomicUsize,
    parts: AtomicUsize,
    errors: Mutex<Vec<String>>,
}

impl Seen {
    fn error(&self, what: String) {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.push(what);
    }
}

/// The soak: errors, and how much memory grew.
pub(crate) fn rows(plan: &Plan) -> io::Result<Vec<Row>> {
    let tracks = tracks(plan, 360, 700_000)?;
    // Less than the show takes, so that it is full early.
    let house = House::start(&["--memory-mib", "64", "--reconnect-window-s", "60"]);
    let show = house.show("A hard show");
    let ticket = house.ticket(&show.id);
    let over = Arc::new(AtomicBool::new(false));
    let publisher = publish(&house, &show, tracks, over.clone());
    on_air(&ticket.playlist_url)?;
    let seen = Arc::new(Seen::default());
    for _ in 0..SLOW_VIEWERS {
        let (url, over) = (ticket.playlist_url.clone(), over.clone());
        thread::spawn(move || crawl(&url, &over));
    }
    let watched = watch(&ticket.playlist_url, &seen, &over)?;
    let memory = sample(house.pid(), &over);
    let published = publisher.join().map_err(|_| io::Error::other("the publisher broke"))?;
    let ended = house.cli(&["show", "end", &show.id]).status.success();
    watched.join().map_err(|_| io::Error::other("a viewer broke"))?;
    let mut errors = seen.errors.lock().unwrap_or_else(PoisonError::into_inner).clone();
    errors.extend(published);
    errors.extend((!ended).then(|| "the show could not be ended".to_owned()));
    errors.iter().take(10).for_each(|error| eprintln!("bench-live: soak: {error}"));
    let (playlists, parts) =
        (seen.playlists.load(Ordering::Relaxed), seen.parts.load(Ordering::Relaxed));
    let count = errors.len() as f64;
    let row = |what: &str, ours: String, figure: f64, unit, most: f64| Row {
        what: what.to_owned(),
        ours,
        theirs: "–".to_owned(),
        figure,
        unit,
        at_least: most,
        aim: most,
        better: Better::Less,
        by_cpu: None,
    };
    let growth = growth(&memory);
    Ok(vec![
        row(
            "half an hour with wraps, jumps, drops and slow viewers, 15 times as fast: errors",
            format!("{playlists} playlists and {parts} parts of all renditions looked at"),
            count,
            "errors",
            0.0,
        ),
        row(
            "its memory, last third against the middle one",
            format!("{:.0} MB at the end", memory.last().copied().unwrap_or(f64::NAN)),
            growth,
            "×",
            1.05,
        ),
    ])
}

/// What a passed-through show of two and a half hours takes in memory, beyond an idle house.
pub(crate) fn window(plan: &Plan) -> io::Result<Vec<Row>> {
    let tracks = tracks(plan, 160, 500_000)?;
    // What is in memory goes after a minute of the clock, which are 40 of the show here. This much is still more than
    // the 9 MB that a minute of it is, as parts and as segments.
    let house = House::start(&["--memory-mib", "16"]);
    let show = house.show("A long show");
    let idle = memory_mb(house.pid());
    let over = Arc::new(AtomicBool::new(false));
    let (address, key, done) = (house.rtmp.clone(), show.stream_key, over.clone());
    let publisher = thread::spawn(move || {
        let stamp = |_: Kind, ms: i64| u32::try_from(ms).ok();
        let run = Run { speed: EASY_SPEED, laps: EASY_MIN, stamp: &stamp };
        let outcome = enhanced::run(&address, &key, &tracks, &run);
        done.store(true, Ordering::Relaxed);
        outcome
    });
    let memory = sample(house.pid(), &over);
    let drawing = drawing_mb(house.pid());
    let outcome = publisher.join().map_err(|_| io::Error::other("the publisher broke"))?;
    outcome.map_err(io::Error::other)?;
    let most = memory.iter().copied().fold(0.0, f64::max) - idle;
    let what =
        "memory of a passed-through show with a window of 2 h, after 2.5 h at most".to_owned();
    Ok(vec![Row {
        what,
        ours: format!(
            "{most:.0} MB, {:.2} × from the middle third to the last; beside it {drawing:.0} MB of \
             the child that draws for all shows of a house",
            growth(&memory)
        ),
        figure: most,
        unit: "MB",
        ..milliseconds(String::new(), most, 64.0)
    }])
}

/// How much the last third of the samples has, against the middle one: medians.
fn growth(samples: &[f64]) -> f64 {
    let median = |third: &[f64]| {
        let mut sorted = third.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let third = samples.len() / 3;
    median(&samples[2 * third..]) / median(&samples[third..2 * third])
}

/// Memory each half second, in MB, until it is over.
fn sample(id: u32, over: &AtomicBool) -> Vec<f64> {
    let mut samples = Vec::new();
    while !over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(500));
        samples.push(memory_mb(id));
    }
    samples
}

/// A minute of pictures and a tone, as tracks.
fn tracks(plan: &Plan, height: u32, bit_rate: u32) -> io::Result<Vec<Track>> {
    let file: PathBuf = plan.room.join(format!("soak{height}.mp4"));
    let width = (height * 16 / 9).next_multiple_of(2);
    let arguments = format!(
        "-nostdin -v error -y -f lavfi -i testsrc2=size={width}x{height}:rate=30 -f lavfi -i \
         sine=f=440:r=48000 -t 60 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -g 60 \
         -keyint_min 60 -sc_threshold 0 -b:v {bit_rate} -maxrate {bit_rate} -bufsize {bit_rate} \
         -c:a aac -ac 2 -b:a 96k"
    );
    let made = Command::new("ffmpeg").args(arguments.split_whitespace()).arg(&file).status()?;
    if made.success() { Ok(enhanced::read(&file)) } else { Err(io::Error::other("no clip")) }
}

/// Publishes the hard show; what went wrong.
fn publish(
    house: &House,
    show: &Show,
    tracks: Vec<Track>,
    over: Arc<AtomicBool>,
) -> thread::JoinHandle<Vec<String>> {
    let (address, key) = (house.rtmp.clone(), show.stream_key.clone());
    thread::spawn(move || {
        let mut errors = Vec::new();
        for (index, laps) in STRETCHES_MIN.into_iter().enumerate() {
            let stamp = |kind: Kind, ms: i64| hardship(index, kind, ms);
            let run = Run { speed: HARD_SPEED, laps, stamp: &stamp };
            if let Err(error) = enhanced::run(&address, &key, &tracks, &run) {
                errors.push(format!("stretch {index}: {error}"));
            }
            eprintln!("bench-live: soak: {} minutes are out", (index + 1) * 10);
            thread::sleep(Duration::from_millis(700));
        }
        over.store(true, Ordering::Relaxed);
        errors
    })
}

/// The timestamp a unit of a stretch is sent with; `None`: it is left out.
fn hardship(stretch: usize, kind: Kind, ms: i64) -> Option<u32> {
    let within = |from: i64, to: i64| (from..to).contains(&ms);
    let moved = match stretch {
        // 32 bits of milliseconds are full after five minutes; pictures are missing for two seconds, sound for three.
        0 if within(2 * MINUTE_MS, 2 * MINUTE_MS + 2000) && kind == Kind::Video => return None,
        0 if within(7 * MINUTE_MS, 7 * MINUTE_MS + 3000) && kind == Kind::Audio => return None,
        0 => ms - 5 * MINUTE_MS,
        // An hour forward, then back beyond where it began.
        1 if within(3 * MINUTE_MS, 6 * MINUTE_MS) => ms + 60 * MINUTE_MS,
        1 => ms,
        // Only the sound's clock begins anew; then one picture in seven is lost.
        _ if kind == Kind::Audio && ms >= 4 * MINUTE_MS => ms - 4 * MINUTE_MS,
        _ if kind == Kind::Video && ms > 7 * MINUTE_MS && ms / 33 % 7 == 3 => return None,
        _ => ms,
    };
    Some(moved.rem_euclid(1 << 32) as u32)
}

/// Follows every rendition from now on, and looks at every part.
fn watch(
    url: &str,
    seen: &Arc<Seen>,
    over: &Arc<AtomicBool>,
) -> io::Result<thread::JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (url, seen, over) = (url.to_owned(), seen.clone(), over.clone());
    Ok(thread::spawn(move || {
        runtime.block_on(async {
            let client = Client::new();
            let multivariant = fetch(&client, &url).await.text();
            let lists = renditions(&multivariant, &url);
            if lists.len() < 3 {
                seen.error(format!("{} renditions only", lists.len()));
            }
            let all = lists.into_iter().map(|(_, url)| follow(url, &client, &seen, &over));
            futures::future::join_all(all).await;
        });
    }))
}

async fn follow(url: String, client: &Client, seen: &Seen, over: &AtomicBool) {
    let mut before: Option<Playlist> = None;
    let mut known = std::collections::HashSet::new();
    while !over.load(Ordering::Relaxed) {
        let place = before.as_ref().map_or_else(String::new, |list| {
            let msn = list.media_sequence + list.segments.len() as u64;
            format!("?_HLS_msn={msn}&_HLS_part={}", list.open_parts.len())
        });
        let answer = fetch(client, &format!("{url}{place}")).await;
        seen.playlists.fetch_add(1, Ordering::Relaxed);
        if answer.status == 503 {
            continue; // nobody publishes for a moment
        }
        if answer.status != 200 {
            seen.error(format!("{url}{place}: {}", answer.status));
            return;
        }
        let list = Playlist::parse(&answer.text(), &url);
        if let Some(before) = &before {
            let edge = |list: &Playlist| list.media_sequence + list.segments.len() as u64;
            if list.media_sequence < before.media_sequence || edge(&list) < edge(before) {
                seen.error(format!("{url}: it went back"));
            }
        }
        let closed = list.segments.iter().rev().take(2).flat_map(|segment| &segment.parts);
        for (part, _) in closed.chain(&list.open_parts) {
            if known.insert(part.clone()) {
                let answer = fetch(client, part).await;
                seen.parts.fetch_add(1, Ordering::Relaxed);
                if answer.status != 200 || answer.body.is_empty() {
                    seen.error(format!("{part}: {}", answer.status));
                }
            }
        }
        before = Some(list);
    }
}

/// Asks for a playlist again and again, and reads a byte now and then.
fn crawl(url: &str, over: &AtomicBool) {
    let Some((address, path)) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/'))
    else {
        return;
    };
    let mut byte = [0];
    while !over.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect(address) else { return };
        let asked = write!(stream, "GET /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let begun = Instant::now();
        while asked.is_ok() && begun.elapsed() < Duration::from_secs(20) {
            if !matches!(stream.read(&mut byte), Ok(1)) || over.load(Ordering::Relaxed) {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}
