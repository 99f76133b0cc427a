//! How soon a house is there, and a show in it.
//!
//! In: the built program. Out: rows. Does not know what takes the time.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tests::viewer::{Playlist, fetch, renditions};
use tests::{House, Publisher};

use crate::Plan;
use crate::cpu::clip;
use crate::report::{Better, Row};

/// How often it is measured; the median counts.
const ROUNDS: usize = 3;
/// How long a show may take to begin.
const WAIT_MAX: Duration = Duration::from_secs(30);

pub(crate) fn rows(plan: &Plan) -> io::Result<Vec<Row>> {
    let file = clip(&plan.room, 360, 800_000, 60)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut up, mut shown) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let directory = tempfile::tempdir()?;
        let rtmp = free_address()?;
        let start = Instant::now();
        let waiting = rtmp.clone();
        let connected = std::thread::spawn(move || {
            while TcpStream::connect(&waiting).is_err() && start.elapsed() < WAIT_MAX {
                std::thread::sleep(Duration::from_millis(2));
            }
            start.elapsed().as_secs_f64()
        });
        let house = House::start_at(directory, &["127.0.0.1:0", "127.0.0.1:0", &rtmp], &[]);
        up.push(connected.join().map_err(|_| io::Error::other("nobody connects"))?);
        let show = house.show("Start");
        let ticket = house.ticket(&show.id);
        let start = Instant::now();
        let _publisher = Publisher::of_file(&file, &show.rtmp);
        runtime.block_on(first_part(&ticket.playlist_url))?;
        shown.push(start.elapsed().as_secs_f64());
    }
    let row = |what: &str, mut all: Vec<f64>, most: f64| {
        all.sort_by(f64::total_cmp);
        let figure = all.get(all.len() / 2).copied().unwrap_or(f64::NAN);
        Row {
            what: what.to_owned(),
            ours: format!("{figure:.2} s"),
            theirs: "–".to_owned(),
            figure,
            unit: "s",
            at_least: most,
            aim: most,
            better: Better::Less,
            by_cpu: None,
        }
    };
    Ok(vec![
        row("`matinee up`, from exec to a publisher's connection", up, 0.5),
        row("`ffmpeg` begins to publish, to the first part listed", shown, 1.5),
    ])
}

/// An address nobody listens at.
fn free_address() -> io::Result<String> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

/// Waits until a playlist lists a part.
async fn first_part(playlist_url: &str) -> io::Result<()> {
    let client = reqwest::Client::new();
    let deadline = Instant::now() + WAIT_MAX;
    while Instant::now() < deadline {
        let fetched = fetch(&client, playlist_url).await;
        if fetched.status == 200
            && let Some((_, url)) = renditions(&fetched.text(), playlist_url).last()
        {
            let list = fetch(&client, url).await;
            if list.status == 200 {
                let list = Playlist::parse(&list.text(), url);
                if !list.open_parts.is_empty() || !list.segments.is_empty() {
                    return Ok(());
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(io::Error::other("no part is listed"))
}
