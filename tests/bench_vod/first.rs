//! How soon a long film can be watched.
//!
//! In: a film. Out: a row. Does not know how it is made.

use std::io;
use std::time::{Duration, Instant};

use reqwest::Client;
use tests::House;
use tests::viewer::{self, Playlist};

use crate::report::Row;
use crate::stage::{OFTEN, ffmpeg, film, once, upload};
use crate::{Plan, at_most};

/// How long the piece is of which the long film is made, in seconds.
const PIECE_S: u64 = 30;
/// How long the first picture may be waited for.
const FIRST_MAX: Duration = Duration::from_secs(600);

pub(crate) fn rows(plan: &Plan) -> io::Result<Vec<Row>> {
    let piece = film(&plan.room, PIECE_S)?;
    let long = plan.room.join("long.mkv");
    let text = |path: &std::path::Path| {
        path.to_str().map(str::to_owned).ok_or_else(|| io::Error::other("a path that is text"))
    };
    let again = (plan.long_s / PIECE_S).saturating_sub(1).to_string();
    let (from, to) = (text(&piece)?, text(&long)?);
    ffmpeg(&["-stream_loop", &again, "-i", &from, "-map", "0", "-c", "copy", &to])?;
    let house = House::start(&[]);
    let id = upload(&house, &long)?;
    let uploaded = Instant::now();
    let told = once(&house, &id, OFTEN, |told| told["is_playable"] == true)?;
    let show = told["show"].as_str().ok_or_else(|| io::Error::other(told.to_string()))?;
    let ticket = house.ticket(show);
    tokio::runtime::Runtime::new()?.block_on(first(&ticket.playlist_url))?;
    let took = uploaded.elapsed().as_secs_f64();
    let what = format!(
        "a film of {} minutes in 1080p is uploaded, to its first segment at a viewer",
        plan.long_s / 60
    );
    Ok(vec![at_most(&what, took, "s", 8.0)])
}

/// Gets the first segment of the first rendition.
async fn first(playlist: &str) -> io::Result<()> {
    let client = Client::builder().no_proxy().build().map_err(io::Error::other)?;
    let begun = Instant::now();
    while begun.elapsed() < FIRST_MAX {
        let whole = viewer::fetch(&client, playlist).await;
        if whole.status == 200
            && let Some((_, url)) = viewer::renditions(&whole.text(), playlist).first()
        {
            let list = viewer::fetch(&client, url).await;
            if let Some(segment) = Playlist::parse(&list.text(), url).segments.first() {
                let got = viewer::fetch(&client, &segment.url).await;
                if got.status == 200 && !got.body.is_empty() {
                    return Ok(());
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(io::Error::other("nothing to watch"))
}
