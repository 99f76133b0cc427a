//! Houses that make films, and what they have spent on it.
//!
//! In: files. Out: assets, seconds, bytes. Linux only: it reads `/proc`. Does not know the rows.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::Value;
use tests::House;

/// How often an asset is looked at whose next moment is waited for; …
pub(crate) const OFTEN: Duration = Duration::from_millis(50);
/// … and one that takes minutes. Twenty looks a second take a tenth of a core of house and database, which is then not
/// there for what is measured.
pub(crate) const SELDOM: Duration = Duration::from_millis(500);
/// How long a film may take.
const MADE_MAX: Duration = Duration::from_secs(3600);

/// Runs `ffmpeg`, which is to say nothing.
pub(crate) fn ffmpeg(arguments: &[&str]) -> io::Result<()> {
    let mut command = Command::new("ffmpeg");
    let made = command.args(["-nostdin", "-v", "error", "-y"]).args(arguments).status()?;
    if made.success() { Ok(()) } else { Err(io::Error::other("ffmpeg fails")) }
}

/// Uploads a file by the command line; its asset.
pub(crate) fn upload(house: &House, file: &Path) -> io::Result<String> {
    let path = file.to_str().ok_or_else(|| io::Error::other("a path that is text"))?;
    let made = house.cli_json(&["asset", "upload", path, "--json"]);
    let id = made["asset"].as_str().ok_or_else(|| io::Error::other(made.to_string()))?;
    Ok(id.to_owned())
}

/// The right to use a house's API, as a header's value.
pub(crate) fn bearer(house: &House) -> io::Result<String> {
    let token = fs::read_to_string(house.data().join("admin.token"))?;
    Ok(format!("Bearer {}", token.trim()))
}

/// An asset, as soon as it is so. No process is started to look at it.
pub(crate) fn once(
    house: &House,
    id: &str,
    every: Duration,
    is: impl Fn(&Value) -> bool,
) -> io::Result<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = Client::builder().no_proxy().build().map_err(io::Error::other)?;
    let (url, bearer) = (format!("{}/v1/assets/{id}", house.api), bearer(house)?);
    let ask = || async {
        let answer = client.get(&url).header("authorization", &bearer).send().await?;
        answer.error_for_status()?.bytes().await
    };
    let begun = Instant::now();
    loop {
        let told: Value =
            serde_json::from_slice(&runtime.block_on(ask()).map_err(io::Error::other)?)?;
        if is(&told) {
            return Ok(told);
        }
        let is_lost = ["failed", "refused"].iter().any(|state| told["state"] == *state);
        if is_lost || begun.elapsed() > MADE_MAX {
            return Err(io::Error::other(told.to_string()));
        }
        sleep(every);
    }
}

/// The most memory a process has had, in MB.
pub(crate) fn memory_mb_max(id: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) / 1024.0
}

/// A film in 1080p30 that no rung can be copied from: it moves everywhere, with some grain.
pub(crate) fn film(room: &Path, seconds: u64) -> io::Result<PathBuf> {
    film_of(room, seconds, "1920x1080")
}

/// The same in another size.
pub(crate) fn film_of(room: &Path, seconds: u64, size: &str) -> io::Result<PathBuf> {
    let file = room.join(format!("film-{size}-{seconds}.mkv"));
    if file.exists() {
        return Ok(file);
    }
    let drawn = format!("testsrc2=size={size}:rate=30:duration={seconds},noise=alls=6:allf=t");
    let tone = format!("sine=f=440:r=48000:duration={seconds}");
    let path = file.to_str().ok_or_else(|| io::Error::other("a path that is text"))?;
    ffmpeg(
        &[
            &["-f", "lavfi", "-i", &drawn, "-f", "lavfi", "-i", &tone, "-pix_fmt", "yuv420p"][..],
            &["-c:v", "mpeg2video", "-q:v", "3", "-g", "15", "-bf", "2", "-c:a", "flac", path],
        ]
        .concat(),
    )?;
    Ok(file)
}
