//! Processor time and memory of a running program and its children, and clips to publish.
//!
//! In: a process id. Out: seconds, bytes. Linux only: it reads `/proc`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::taken::{cpu_s, family};

/// The share of one core a process and those below it take, measured over a time.
pub(crate) fn share(id: u32, over: Duration) -> f64 {
    let (start, before) = (Instant::now(), cpu_s(id));
    sleep(over);
    (cpu_s(id) - before) / start.elapsed().as_secs_f64()
}

/// Resident memory of a house, in MB, with that of its shows' children; without the one child that draws the covers of
/// all its shows.
pub(crate) fn memory_mb(id: u32) -> f64 {
    family(id).into_iter().filter(|id| !draws(*id)).map(resident_mb).sum()
}

/// Resident memory of the child that draws, in MB; most of it is FFmpeg's libraries.
pub(crate) fn drawing_mb(id: u32) -> f64 {
    family(id).into_iter().filter(|id| draws(*id)).map(resident_mb).sum()
}

fn draws(id: u32) -> bool {
    let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    command.split(|byte| *byte == 0).nth(1) == Some(b"draw".as_slice())
}

fn resident_mb(id: u32) -> f64 {
    figure(id, "status", "VmRSS:") as f64 / 1024.0
}

/// A figure of a process by its name in one of its files, without its unit; 0 if it is not there.
fn figure(id: u32, file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

/// Bytes that a process and those below it have written so far, wherever to.
pub(crate) fn written(id: u32) -> u64 {
    family(id).into_iter().map(|id| figure(id, "io", "wchar:")).sum()
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
         -c:a aac -ac 2 -b:a 96k -f flv"
    );
    let made = Command::new("ffmpeg").args(arguments.split_whitespace()).arg(&file).status()?;
    if made.success() { Ok(file) } else { Err(io::Error::other("ffmpeg does not make the clip")) }
}
