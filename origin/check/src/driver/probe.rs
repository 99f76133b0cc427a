//! Asks what no player should, and what a player asks rarely: each question once.
//!
//! In: a playlist's address. Out: [`Probe`]s. Does not know which answers are right.

use std::time::{Duration, Instant};

use shared_playlist::read::{self, Media};

use super::fetch::{Fetcher, Wish};
use super::follow::{directed, patience};
use crate::config::{MARGIN, PLAYLIST_BYTES_MAX};
use crate::machine::resolve;
use crate::machine::seen::{Ask, Kind, Probe};

/// How far "too far" is, in segments and parts.
const FAR: u64 = 1000;
/// How long the playlist itself may take.
const PLAIN_MAX: Duration = Duration::from_secs(10);

/// All questions, those first that are answered at once.
const QUESTIONS: [Ask; 11] = [
    Ask::Plain,
    Ask::PartAlone,
    Ask::Stale,
    Ask::MsnTooFar,
    Ask::PartTooFar,
    Ask::UnknownPart,
    Ask::AfterEnd,
    Ask::Skip,
    Ask::SkipRanges,
    Ask::PartBeyond,
    Ask::MsnAlone,
];

/// Asks each question that this playlist allows for.
pub(super) async fn ask(fetcher: &Fetcher, url: &str, kind: Kind, until: Instant) -> Vec<Probe> {
    let mut probes = Vec::new();
    for ask in QUESTIONS {
        if Instant::now() > until + MARGIN {
            break;
        }
        let wish = Wish { gzip: true, range: None };
        let got = fetcher.get(url, wish, PLAYLIST_BYTES_MAX, PLAIN_MAX).await;
        let Some(before) = read::media(&got.body).filter(|_| got.exchange.status == 200) else {
            continue;
        };
        let plain = got.exchange;
        let Some((address, named)) = question(ask, url, kind, &before) else { continue };
        let wish = Wish { gzip: ask != Ask::Plain, range: None };
        let within = patience(&before);
        let got = fetcher.get(&address, wish, PLAYLIST_BYTES_MAX, within).await;
        let list = read::media(&got.body).filter(|_| got.exchange.status == 200);
        probes.push(Probe { ask, named, before, plain, exchange: got.exchange, list });
    }
    probes
}

type Named = Option<(u64, Option<u64>)>;

/// The address that asks it; `None` where it makes no sense.
fn question(ask: Ask, url: &str, kind: Kind, list: &Media) -> Option<(String, Named)> {
    let and = if url.contains('?') { '&' } else { '?' };
    let at = |msn, part| Some((directed(url, msn, part), Some((msn, part))));
    let waits = list.control_is("CAN-BLOCK-RELOAD") && !list.ended;
    let parts = waits && list.has_part_inf && kind != Kind::IFrames;
    let next = list.next_msn();
    match ask {
        Ask::Plain => Some((url.to_owned(), None)),
        Ask::PartAlone => waits.then(|| (format!("{url}{and}_HLS_part=0"), None)),
        Ask::MsnTooFar => at(next + FAR, None).filter(|_| waits),
        Ask::PartTooFar => at(next + 1, Some(FAR)).filter(|_| parts),
        Ask::Stale => at(0, parts.then_some(0)).filter(|_| waits),
        Ask::MsnAlone => at(next, None).filter(|_| waits),
        Ask::PartBeyond => at(next.checked_sub(1)?, Some(FAR)).filter(|_| parts),
        Ask::Skip => Some((format!("{url}{and}_HLS_skip=YES"), None)),
        Ask::SkipRanges => {
            let offers = list.control_us("CAN-SKIP-UNTIL").is_some();
            offers.then(|| (format!("{url}{and}_HLS_skip=v2"), None))
        }
        Ask::UnknownPart => {
            let hinted = list.hinted_part()?;
            let (directory, file) = hinted.rsplit_once('/').unwrap_or((".", hinted));
            Some((resolve(url, &format!("{directory}/no-such-{file}")), None))
        }
        Ask::AfterEnd => at(next + FAR, None).filter(|_| list.ended),
        Ask::Reload => None,
    }
}
