//! One `ffmpeg` command that makes what a house was asked to make.
//!
//! In: a file and a house's plan for it. Out: the same rungs beside each other, and what that took. Does not know
//! houses.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::taken::cpu_s;

/// Rungs lower than this are encoded in one thread, others in so many, as the house does.
const THREADED_LINES_MIN: u64 = 360;
const THREADS: u32 = 4;

/// What came of it.
pub(crate) struct Made {
    /// Seconds of processor time.
    pub(crate) spent_s: f64,
    /// The largest rung.
    pub(crate) largest: PathBuf,
}

/// Makes the rungs and sounds of a plan, with the settings of `origin/ladder/src/encode/purpose.rs`.
pub(crate) fn make(file: &Path, plan: &Value, room: &Path) -> io::Result<Made> {
    let none = Vec::new();
    let rungs = plan["rungs"].as_array().unwrap_or(&none);
    let number = |rung: &Value, name: &str| rung[name].as_u64().unwrap_or_default();
    let mut graph = Vec::new();
    let mut last = "0:v".to_owned();
    for (at, rung) in rungs.iter().enumerate() {
        let (width, height) = (number(rung, "width"), number(rung, "height"));
        graph.push(format!(
            "[{last}]scale={width}:{height}:flags=bicubic+accurate_rnd+bitexact,format=yuv420p,\
             split[r{at}][n{at}]"
        ));
        last = format!("n{at}");
    }
    graph.push(format!("[{last}]nullsink"));
    let before = cpu_s(std::process::id());
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y", "-i"]).arg(file);
    command.args(["-filter_complex", &graph.join(";")]);
    for (at, rung) in rungs.iter().enumerate() {
        let rate = number(rung, "bits_per_s");
        let is_small = number(rung, "height").min(number(rung, "width")) < THREADED_LINES_MIN;
        let options = format!(
            "-map [r{at}] -c:v libx264 -preset faster -profile:v high -forced-idr 1 -keyint_min \
             1073741824 -g 1073741824 -force_key_frames expr:gte(t,n_forced*2) -threads {} -b:v \
             {rate} -maxrate {} -bufsize {} -f hls -hls_time 2 -hls_playlist_type vod \
             -hls_segment_type fmp4 -hls_fmp4_init_filename i{at}.mp4 r{at}.m3u8",
            if is_small { 1 } else { THREADS },
            rate * 3 / 2,
            rate * 2
        );
        command.args(options.split_whitespace());
    }
    for (at, sound) in plan["sounds"].as_array().unwrap_or(&none).iter().enumerate() {
        let options = format!(
            "-map 0:a:0 -c:a aac -ac {} -ar 48000 -b:a {} -f hls -hls_time 2 -hls_playlist_type \
             vod -hls_segment_type fmp4 -hls_fmp4_init_filename ia{at}.mp4 a{at}.m3u8",
            number(sound, "channels"),
            number(sound, "bits_per_s")
        );
        command.args(options.split_whitespace());
    }
    let done = command.current_dir(room).stdin(Stdio::null()).status()?;
    if !done.success() {
        return Err(io::Error::other(format!("ffmpeg: {:?} {:?}", done.code(), done.signal())));
    }
    // It was waited for: what it spent is with us.
    Ok(Made { spent_s: cpu_s(std::process::id()) - before, largest: room.join("r0.m3u8") })
}
