//! What a film costs that is made in chunks, and how it looks, beside one `ffmpeg` command.
//!
//! In: a film. Out: rows. Does not know how either works.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tests::House;

use crate::report::{Better, Row};
use crate::stage::{SELDOM, ffmpeg, film, memory_mb_max, once, upload};
use crate::taken::{cpu_s, family};
use crate::{Plan, at_most, peer};

/// How long a chunk is, in seconds, and how many pictures of each second there are.
const CHUNK_S: usize = 24;
const PICTURES_PER_S: usize = 30;
/// Pictures on each side of a border that may show one.
const BESIDE: usize = 6;
/// By how much SSIM differs between two encodings that are as good as each other.
const NOISE: f64 = 0.002;

pub(crate) fn rows(plan: &Plan) -> io::Result<Vec<Row>> {
    let file = film(&plan.room, plan.film_s)?;
    let house = House::start(&["--chunk-s", &CHUNK_S.to_string()]);
    let before = cpu_s(house.pid());
    let id = upload(&house, &file)?;
    // A child's memory is seen while it lives.
    let child_mb = std::cell::Cell::new(0.0_f64);
    let told = once(&house, &id, SELDOM, |told| {
        let below = family(house.pid()).into_iter().skip(1).map(memory_mb_max);
        child_mb.set(below.fold(child_mb.get(), f64::max));
        told["state"] == "ready"
    })?;
    let ours_s = cpu_s(house.pid()) - before;
    let wanted = house.cli_json(&["asset", "plan", &id, "--json"]);
    let theirs = peer::make(&file, &wanted, &plan.room)?;
    let figure = ours_s / theirs.spent_s;
    let lasts = plan.film_s as f64;
    let cost = Row {
        what: "a film in chunks, from its upload to its end, against one `ffmpeg`".to_owned(),
        ours: format!("{:.2} s of a core per second", ours_s / lasts),
        theirs: format!("{:.2} s", theirs.spent_s / lasts),
        figure,
        unit: "×",
        at_least: 1.08,
        aim: 1.08,
        better: Better::Less,
        by_cpu: Some(figure),
    };
    let show = told["show"].as_str().ok_or_else(|| io::Error::other(told.to_string()))?;
    let mut rows =
        vec![cost, at_most("memory of the child that makes it", child_mb.get(), "MB", 600.0)];
    let largest = largest(&house, show, &plan.room)?;
    rows.extend(quality(&file, &largest, &theirs.largest, &plan.room)?);
    Ok(rows)
}

/// The largest rung of a house's film, as one file.
fn largest(house: &House, show: &str, room: &Path) -> io::Result<PathBuf> {
    let ticket = house.ticket(show);
    let file = room.join("largest.mp4");
    let path = file.to_str().ok_or_else(|| io::Error::other("a path that is text"))?;
    ffmpeg(&["-i", &ticket.playlist_url, "-map", "0:v:0", "-c", "copy", path])?;
    Ok(file)
}

/// How like the film both are.
fn quality(file: &Path, ours: &Path, theirs: &Path, room: &Path) -> io::Result<Vec<Row>> {
    let (ours, theirs) = (ssim(ours, file, room)?, ssim(theirs, file, room)?);
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len().max(1) as f64;
    let by_border = |at: usize| {
        let apart = at % (CHUNK_S * PICTURES_PER_S);
        at > BESIDE && (apart < BESIDE || apart + BESIDE > CHUNK_S * PICTURES_PER_S)
    };
    let borders = |all: &[f64]| {
        let near: Vec<f64> = (0..all.len()).filter(|at| by_border(*at)).map(|at| all[at]).collect();
        mean(&near)
    };
    let row = |what: &str, ours: f64, theirs: f64| Row {
        ours: format!("SSIM {ours:.4}"),
        theirs: format!("SSIM {theirs:.4}"),
        ..at_most(what, theirs - ours, "less", NOISE)
    };
    Ok(vec![
        row(
            "how like the film the largest rung is, against one `ffmpeg`",
            mean(&ours),
            mean(&theirs),
        ),
        row("the same within six pictures of a chunk's border", borders(&ours), borders(&theirs)),
    ])
}

/// How like the film each picture is, from 0 to 1.
fn ssim(rung: &Path, film: &Path, room: &Path) -> io::Result<Vec<f64>> {
    let said = room.join("ssim.txt");
    let text = |path: &Path| {
        path.to_str().map(str::to_owned).ok_or_else(|| io::Error::other("a path that is text"))
    };
    let graph = format!(
        "[0:v]settb=1/90000,setpts=N*3000[a];[1:v]settb=1/90000,setpts=N*3000[b];\
         [a][b]ssim=stats_file={}",
        text(&said)?
    );
    let (rung, film) = (text(rung)?, text(film)?);
    ffmpeg(&["-i", &rung, "-i", &film, "-lavfi", &graph, "-f", "null", "-"])?;
    let of = |line: &str| line.split("All:").nth(1)?.split(' ').next()?.parse().ok();
    Ok(fs::read_to_string(&said)?.lines().filter_map(of).collect())
}
