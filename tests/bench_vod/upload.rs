//! How fast a file comes in, and what memory that takes, beside nginx's dav module.
//!
//! In: files of zeros, `curl`. Out: rows. Does not know what the house does with them.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use tests::House;

use crate::nginx::Nginx;
use crate::report::{Better, Row};
use crate::stage::{bearer, memory_mb_max};
use crate::taken::cpu_s;
use crate::{Plan, at_most};

/// Rounds of each side, in turns; the best of each counts: the disk is shared with all else.
const ROUNDS: usize = 3;
/// What a house may grow by during an upload, in MB.
const GROWTH_MB_MAX: f64 = 80.0;

/// A file that takes no room until it is read.
fn file(room: &Path, mib: u64) -> io::Result<PathBuf> {
    let path = room.join(format!("upload-{mib}.bin"));
    File::create(&path)?.set_len(mib << 20)?;
    Ok(path)
}

pub(crate) fn rows(plan: &Plan) -> io::Result<Vec<Row>> {
    let file = file(&plan.room, plan.upload_mib)?;
    let house = House::start(&["--transcodes", "0"]);
    let nginx = Nginx::start(&plan.room)?;
    let (mut ours, mut theirs) = (0.0_f64, 0.0_f64);
    let (ours_before, theirs_before) = (cpu_s(house.pid()), cpu_s(nginx.id()));
    for round in 0..ROUNDS {
        ours = ours.max(by_tus(&house, &file, plan.upload_mib)?);
        let url = format!("{}/{round}.bin", nginx.url);
        let size = plan.upload_mib as f64;
        theirs = theirs.max(size / curl(&file, &["-T"], &url, &[])?);
        nginx.forget(round)?;
    }
    let ours_s = cpu_s(house.pid()) - ours_before;
    let theirs_s = cpu_s(nginx.id()) - theirs_before;
    Ok(vec![Row {
        what: format!("{} MiB by tus, against a `PUT` to nginx", plan.upload_mib),
        ours: format!("{ours:.0} MiB/s"),
        theirs: format!("{theirs:.0} MiB/s"),
        figure: ours / theirs,
        unit: "×",
        at_least: 0.8,
        aim: 1.0,
        better: Better::More,
        by_cpu: Some(theirs_s / ours_s),
    }])
}

pub(crate) fn memory(plan: &Plan) -> io::Result<Vec<Row>> {
    let large = file(&plan.room, plan.large_mib)?;
    let house = House::start(&["--transcodes", "0"]);
    let small = file(&plan.room, 8)?;
    by_tus(&house, &small, 8)?;
    let before = memory_mb_max(house.pid());
    by_tus(&house, &large, plan.large_mib)?;
    let growth = memory_mb_max(house.pid()) - before;
    let what = format!("what the house grows by while {} MiB are uploaded", plan.large_mib);
    Ok(vec![at_most(&what, growth, "MB", GROWTH_MB_MAX)])
}

/// Uploads a file in one request; MiB per second.
fn by_tus(house: &House, file: &Path, mib: u64) -> io::Result<f64> {
    let token = format!("authorization: {}", bearer(house)?);
    let length = format!("upload-length: {}", mib << 20);
    let made = Command::new("curl")
        .args(["-sSi", "--fail", "-X", "POST", "-H", &token, "-H", "tus-resumable: 1.0.0"])
        .args(["-H", &length, &format!("{}/v1/tus", house.api)])
        .output()?;
    let said = String::from_utf8_lossy(&made.stdout).into_owned();
    let location = said.lines().find_map(|line| line.strip_prefix("location: "));
    let location = location.ok_or_else(|| io::Error::other(format!("no upload: {said}")))?;
    let url = format!("{}{}", house.api, location.trim());
    let head = [
        "tus-resumable: 1.0.0",
        "upload-offset: 0",
        "content-type: application/offset+octet-stream",
    ];
    let mut headers = vec![token.as_str()];
    headers.extend(head);
    Ok(mib as f64 / curl(file, &["-X", "PATCH", "-T"], &url, &headers)?)
}

/// Sends a file; how many seconds that took until the answer.
fn curl(file: &Path, how: &[&str], url: &str, headers: &[&str]) -> io::Result<f64> {
    let mut command = Command::new("curl");
    command.args(["-sS", "--fail", "--noproxy", "*", "-H", "expect:"]);
    for header in headers {
        command.args(["-H", header]);
    }
    let begun = Instant::now();
    let sent = command.args(how).arg(file).arg(url).stdout(Stdio::null()).status()?;
    if sent.success() {
        Ok(begun.elapsed().as_secs_f64())
    } else {
        Err(io::Error::other("curl: the upload is refused"))
    }
}
