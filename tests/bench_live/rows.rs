//! What a part, a ladder and a publisher cost.
//!
//! In: the built program, `ffmpeg`, nginx. Out: rows. Does not know why.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tests::{House, Publisher};

use crate::Plan;
use crate::cpu::{clip, memory_mb, share, written};
use crate::crowd::{load, on_air};
use crate::nginx::Nginx;
use crate::report::{Better, Row};

/// How long everything may settle before it is measured.
const SETTLE: Duration = Duration::from_secs(6);
/// The clip's frames last so long, in milliseconds: a part is whole a frame before its end.
const FRAME_MS: f64 = 1000.0 / 30.0;
/// The bit rate of a passed-through publisher, sound and all, in bit/s.
const PASSED_BIT_RATE: u32 = 500_000;

/// How long the clip of publishers is, in seconds.
const CLIP_S: u32 = 120;
/// The least share of what comes that a server must have written.
const KEPT_MIN: f64 = 0.9;

/// What one viewer of the source waits for, at two part targets.
pub(crate) fn latency(plan: &Plan) -> io::Result<Vec<Row>> {
    // Below the smallest rung: nothing is encoded, so nothing but the way of a part is measured.
    let file = clip(&plan.room, 160, PASSED_BIT_RATE, 120)?;
    let mut rows = Vec::new();
    for (target, behind_max) in [("333", 1800.0), ("200", 1200.0)] {
        let house = House::start(&["--part-target-ms", target]);
        let show = house.show("Latency");
        let ticket = house.ticket(&show.id);
        let _publisher = Publisher::of_file(&file, &show.rtmp);
        on_air(&ticket.playlist_url)?;
        let said = load(&ticket.playlist_url, 1, plan.measured, &[])?;
        let figure = |name: &str, share: &str| said[name][share].as_f64().unwrap_or(f64::NAN);
        // PROGRAM-DATE-TIME counts to the end of the last frame, which arrived one frame before.
        let part = figure("part_latency", "p99_ms") + FRAME_MS;
        rows.push(milliseconds(
            format!("a part's last frame sent, to the part at a viewer, p99, target {target} ms"),
            part,
            40.0,
        ));
        rows.push(milliseconds(
            format!("what a player shows is behind the publisher's clock, p95, target {target} ms"),
            figure("behind", "p95_ms"),
            behind_max,
        ));
    }
    Ok(rows)
}

pub(crate) fn milliseconds(what: String, figure: f64, most: f64) -> Row {
    Row {
        what,
        ours: format!("{figure:.0} ms"),
        theirs: "–".to_owned(),
        figure,
        unit: "ms",
        at_least: most,
        aim: most,
        better: Better::Less,
        by_cpu: None,
    }
}

/// The ladder of a 1080p30 source beside one `ffmpeg` command with the same outputs and settings.
pub(crate) fn ladder(plan: &Plan) -> io::Result<Vec<Row>> {
    let file = clip(&plan.room, 1080, 4_000_000, 90)?;
    let ours = {
        let house = House::start(&[]);
        let show = house.show("Ladder");
        let ticket = house.ticket(&show.id);
        let _publisher = Publisher::of_file(&file, &show.rtmp);
        on_air(&ticket.playlist_url)?;
        sleep(SETTLE);
        share(house.pid(), plan.measured)
    };
    let mut child = one_ffmpeg(&file, &plan.room)?;
    sleep(SETTLE);
    let theirs = share(child.id(), plan.measured);
    child.kill()?;
    child.wait()?;
    let figure = ours / theirs;
    Ok(vec![times(
        "720p + 480p + 160p of 1080p30, against one `ffmpeg`",
        ours,
        theirs,
        figure,
        1.0,
    )])
}

fn times(what: &str, ours: f64, theirs: f64, figure: f64, most: f64) -> Row {
    Row {
        what: what.to_owned(),
        ours: format!("{:.1} % of a core", ours * 100.0),
        theirs: format!("{:.1} % of a core", theirs * 100.0),
        figure,
        unit: "×",
        at_least: most,
        aim: most,
        better: Better::Less,
        by_cpu: Some(figure),
    }
}

/// What the ladder makes, with its settings (`origin/ladder/src/encode/rung.rs`), as HLS on disk.
/// The clip's sound is AAC-LC of 48 kHz in stereo: ours passes it through, so this copies it.
fn one_ffmpeg(file: &Path, room: &Path) -> io::Result<Child> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-re", "-i"]).arg(file);
    let graph = "[0:v]scale=1280:720:flags=bilinear,split[a][b];\
                 [b]scale=854:480:flags=bilinear,split[c][d];[d]scale=284:160:flags=bilinear[e]";
    command.args(["-filter_complex", graph]);
    for (label, rate) in [("[a]", 2_500_000), ("[c]", 1_200_000), ("[e]", 250_000)] {
        let name = label.trim_matches(['[', ']']);
        let options = format!(
            "-map {label} -c:v libx264 -preset veryfast -tune zerolatency -bf 0 \
             -forced-idr 1 -sc_threshold 0 -g 30 -b:v {rate} -maxrate {} -bufsize {rate} -f hls \
             -hls_time 2 -hls_segment_type fmp4 -hls_fmp4_init_filename {name}.mp4",
            rate / 10 * 11
        );
        command.args(options.split_whitespace()).arg(format!("{name}.m3u8"));
    }
    let others = "-map 0:v -c copy -f hls -hls_time 2 -hls_segment_type fmp4 source.m3u8 \
                  -map 0:a -c:a copy -f hls -hls_time 2 -hls_segment_type fmp4 \
                  -hls_fmp4_init_filename audio.mp4 audio.m3u8";
    command.args(others.split_whitespace());
    command.current_dir(room).stdin(Stdio::null()).stdout(Stdio::null()).spawn()
}

/// Publishers that are only passed through, beside nginx-rtmp.
pub(crate) fn publishers(plan: &Plan) -> io::Result<Vec<Row>> {
    let file = clip(&plan.room, 160, PASSED_BIT_RATE, CLIP_S)?;
    let each = |share: f64| share / plan.publishers.max(1) as f64;
    let came = fs::metadata(&file)?.len() as f64 / f64::from(CLIP_S) * plan.publishers as f64;
    // A server that keeps less than comes is not measured at its work.
    let at_work = |name: &str, id: u32| {
        let (before, begun) = (written(id), Instant::now());
        let share = share(id, plan.measured);
        let kept = (written(id) - before) as f64 / begun.elapsed().as_secs_f64();
        let complaint =
            format!("{name} keeps {kept:.0} B/s of {came:.0}: too many for this machine");
        if kept < KEPT_MIN * came { Err(io::Error::other(complaint)) } else { Ok(each(share)) }
    };
    let (ours, memory) = {
        let house = House::start(&["--publishers-max", &plan.publishers.max(1).to_string()]);
        let shows: Vec<_> = (0..plan.publishers).map(|_| house.show("Passed through")).collect();
        let idle = memory_mb(house.pid());
        let _all: Vec<Publisher> =
            shows.iter().map(|show| Publisher::of_file(&file, &show.rtmp)).collect();
        sleep(SETTLE);
        let ours = at_work("the house", house.pid())?;
        (ours, each(memory_mb(house.pid()) - idle))
    };
    let memory = Row {
        what: "memory of a passed-through show in its first half minute".to_owned(),
        ours: format!("{memory:.1} MB"),
        figure: memory,
        unit: "MB",
        ..milliseconds(String::new(), memory, 64.0)
    };
    let theirs = {
        let nginx = Nginx::start(&plan.room)?;
        let _all: Vec<Publisher> = (0..plan.publishers)
            .map(|number| Publisher::of_file(&file, &format!("{}/live/s{number}", nginx.url)))
            .collect();
        sleep(SETTLE);
        at_work("nginx", nginx.id())?
    };
    let what =
        format!("a publisher passed through, one of {}, against nginx-rtmp", plan.publishers);
    Ok(vec![times(&what, ours, theirs, ours / theirs, 1.5), memory])
}
