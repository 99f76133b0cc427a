//! Processor time and memory of a running program and its children, and clips to publish.
//!
//! In: a process id. Out: seconds, bytes. Linux only: it reads `/proc`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The kernel's ticks per second in `/proc`, on every Linux of today.
const TICKS_PER_S: f64 = 100.0;

/// A process and all below it.
fn family(id: u32) -> Vec<u32> {
    let mut all = vec![id];
    let tasks = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    for task in tasks {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|child| child.parse().ok());
        all.extend(children.flat_map(family));
    }
    all
}

/// Seconds of processor time a process and those below it have taken.
fn taken_s(id: u32) -> f64 {
    let own = |id: u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let after_name = stat.rsplit(") ").next().unwrap_or_default().to_owned();
        let fields = after_name.split(' ').skip(11).take(2);
        fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_S
    };
    family(id).into_iter().map(own).sum()
}

/// The share of one core a process and those below it take, measured over a time.
pub(crate) fn share(id: u32, over: Duration) -> f64 {
    let (start, before) = (Instant::now(), taken_s(id));
    sleep(over);
    (taken_s(id) - before) / start.elapsed().as_secs_f64()
}

/// Resident memory of a process and those below it, in MB.
pub(crate) fn memory_mb(id: u32) -> f64 {
    let own = |id: u32| {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).map(str::to_owned);
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(0.0)
    };
    family(id).into_iter().map(own).sum::<f64>() / 1024.0
}

/// A clip of pictures and a tone, keyframes every second: cheap to publish, since it is only copied.
pub(crate) fn clip(room: &Path, height: u32, bit_rate: u32, seconds: u32) -> io::Result<PathBuf> {
    let file = room.join(format!("{height}.flv"));
    if file.exists() {
        return Ok(file);
    }
    let width = (height * 16 / 9).next_multiple_of(2);
    let arguments = format!(
        "-nostdin -v error -y -f lavfi -i testsrc2=size={width}x{height}:rate=30 -f lavfi -i \
         sine=f=440:r=48000 -t {seconds} -pix_fmt yuv420p -c:v libx264 -preset ultrafast -g 30 \
         -keyint_min 30 -sc_threshold 0 -b:v {bit_rate} -maxrate {bit_rate} -bufsize {bit_rate} \
         -c:a aac -b:a 96k -f flv"
    );
    let made = Command::new("ffmpeg").args(arguments.split_whitespace()).arg(&file).status()?;
    if made.success() { Ok(file) } else { Err(io::Error::other("ffmpeg does not make the clip")) }
}
