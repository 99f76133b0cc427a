//! The checking itself: the only place with sockets and clocks.
//!
//! In: a [`Config`]. Out: a [`Report`]. Does not know what is right: it asks, and writes down.

mod fetch;
mod follow;
mod probe;

use std::convert::Infallible;
use std::time::{Duration, Instant};

use futures::future::join_all;
use shared_playlist::read::{self, Multivariant, Playlist};

use crate::config::{Config, PLAYLIST_BYTES_MAX, PLAYLISTS_MAX, WATCH_MIN};
use crate::error::Error;
use crate::machine::seen::{Followed, Kind, Late, Seen};
use crate::machine::{judge, resolve};
use crate::report::Report;
use fetch::Fetcher;

/// How long the first answer may take.
const FIRST_MAX: Duration = Duration::from_secs(10);
/// How often it is looked whether this machine goes on in time.
const TICK: Duration = Duration::from_millis(10);
/// What is late: a timer has a millisecond of its own.
const LATE_MIN: Duration = Duration::from_millis(5);
/// Times this machine was late that are kept.
const LATES_MAX: usize = 100_000;

/// Checks the origin behind `config.url`.
///
/// # Errors
/// [`Error`], if nothing could be checked.
pub async fn check(config: Config) -> Result<Report, Error> {
    if config.watch < WATCH_MIN {
        return Err(Error::Config("the watch must last 3 s at least"));
    }
    let started = Instant::now();
    let fetcher = Fetcher::new(&config, started)?;
    let first = fetcher.follow_redirects(&config.url, PLAYLIST_BYTES_MAX, FIRST_MAX).await?;
    let status = first.exchange.status;
    let playlist = read::playlist(&first.body).filter(|_| status == 200);
    let base = first.exchange.url.clone();
    let (multivariant, named) = match playlist {
        None => return Err(Error::NotAPlaylist { status }),
        Some(Playlist::Multivariant(list)) => {
            let named = playlists(&list, &base);
            (Some((first.exchange, list)), named)
        }
        Some(Playlist::Media(list)) => {
            let kind = if list.i_frames_only { Kind::IFrames } else { Kind::Video };
            (None, vec![(base.clone(), kind)])
        }
    };
    let until = Instant::now() + config.watch;
    let fetcher = &fetcher;
    let all = named.into_iter().map(|(url, kind)| async move {
        let mut list = Followed { name: fetch::place(&url), url, kind, ..Followed::default() };
        let (followed, probes) = tokio::join!(
            follow::follow(fetcher, list.clone(), until),
            probe::ask(fetcher, &list.url, kind, until),
        );
        list = followed;
        list.probes.extend(probes);
        list
    });
    let mut late = Vec::new();
    let lists = tokio::select! {
        lists = join_all(all) => lists,
        never = lateness(started, &mut late) => match never {},
    };
    let seen = Seen { multivariant, lists, tls: base.starts_with("https:"), late };
    let requests = seen.lists.iter().flat_map(Followed::exchanges).count() + 1;
    let watched_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Report { watched_ms, requests, findings: judge(&seen) })
}

/// Writes down when this machine itself did not go on in time.
async fn lateness(started: Instant, late: &mut Vec<Late>) -> Infallible {
    let micros = |at: Instant| u64::try_from((at - started).as_micros()).unwrap_or(u64::MAX);
    loop {
        let due = Instant::now() + TICK;
        tokio::time::sleep_until(due.into()).await;
        let came = Instant::now();
        if came - due > LATE_MIN && late.len() < LATES_MAX {
            late.push(Late { due_us: micros(due), came_us: micros(came) });
        }
    }
}

/// The addresses a multivariant playlist names, each once, with what is listed there.
fn playlists(list: &Multivariant, base: &str) -> Vec<(String, Kind)> {
    let mut named: Vec<(String, Kind)> = Vec::new();
    let variants = list.variants.iter().map(|(tag, uri)| {
        let codecs = tag.get("CODECS").unwrap_or_default();
        let sound = tag.get("RESOLUTION").is_none()
            && !codecs.is_empty()
            && codecs.split(',').all(|one| one.trim().starts_with("mp4a") || one.trim() == "opus");
        (uri.as_str(), if sound { Kind::Audio } else { Kind::Video })
    });
    let media = list.media.iter().filter_map(|tag| {
        let kind = if tag.get("TYPE") == Some("AUDIO") { Kind::Audio } else { Kind::Other };
        Some((tag.get("URI")?, kind))
    });
    let i_frames = list.i_frames.iter().filter_map(|tag| Some((tag.get("URI")?, Kind::IFrames)));
    for (uri, kind) in variants.chain(media).chain(i_frames) {
        let url = resolve(base, uri);
        if named.len() < PLAYLISTS_MAX && !named.iter().any(|(other, _)| *other == url) {
            named.push((url, kind));
        }
    }
    named
}
