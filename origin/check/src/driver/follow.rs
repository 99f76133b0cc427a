//! Follows one playlist as a low-latency player does: waits for each next version, asks for each hinted part.
//!
//! In: a playlist's address and until when. Out: [`Followed`]. Does not know what is right.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use shared_playlist::read::{self, Media, Part};
use tokio::task::JoinSet;

use super::fetch::{Fetcher, Got, Wish};
use crate::config::{MEDIA_BYTES_MAX, PARTS_MAX, PLAYLIST_BYTES_MAX, POLL_EVERY, VERSIONS_MAX};
use crate::machine::cmaf;
use crate::machine::resolve;
use crate::machine::seen::{Ask, Exchange, Followed, Kind, PartSeen, Probe, SegmentSeen, Version};

/// How much longer than three target durations an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Most segments, over all versions, that are kept of one playlist.
const LISTED_MAX: usize = 200_000;
/// Reloads that may fail one after the other.
const FAILURES_MAX: usize = 3;

/// What a fetch was for.
enum Purpose {
    Part { uri: String, hinted: bool },
    Removed,
    Segment { msn: u64, uri: String, parts: Vec<String> },
}

struct Follower<'a> {
    fetcher: &'a Fetcher,
    list: Followed,
    fetches: JoinSet<(Purpose, Got)>,
    asked: HashSet<String>,
    /// Bytes of the parts of segments that are not compared yet.
    bodies: HashMap<String, Vec<u8>>,
    /// Whole segments that wait for their parts.
    waiting: Vec<(SegmentSeen, Vec<String>)>,
    oldest_part: Option<Part>,
    first_next_msn: u64,
}

/// How long an answer of this playlist is waited for.
pub(super) fn patience(list: &Media) -> Duration {
    Duration::from_secs(list.target_duration_s.unwrap_or(6).min(60) * 3) + PATIENCE
}

/// Follows until `until`.
pub(super) async fn follow(fetcher: &Fetcher, list: Followed, until: Instant) -> Followed {
    let mut follower = Follower {
        fetcher,
        list,
        fetches: JoinSet::new(),
        asked: HashSet::new(),
        bodies: HashMap::new(),
        waiting: Vec::new(),
        oldest_part: None,
        first_next_msn: 0,
    };
    follower.run(until).await;
    follower.list
}

impl Follower<'_> {
    async fn run(&mut self, until: Instant) {
        let Some(mut media) = self.reload(None, Media::default()).await else { return };
        self.first_next_msn = media.next_msn();
        self.oldest_part = media.all().find_map(|(_, segment)| segment.parts.first()).cloned();
        self.init(&media).await;
        let mut failures = 0;
        while Instant::now() < until && !media.ended && failures < FAILURES_MAX {
            self.fetch_media(&media);
            let next = if media.control_is("CAN-BLOCK-RELOAD") {
                let parts = self.list.kind != Kind::IFrames && media.has_part_inf;
                self.reload(
                    Some((media.next_msn(), parts.then(|| media.next_part()))),
                    media.clone(),
                )
                .await
            } else {
                tokio::time::sleep(POLL_EVERY).await;
                self.reload(None, media.clone()).await
            };
            match next {
                Some(next) => (media, failures) = (next, 0),
                None => failures += 1,
            }
            while let Some(Ok(done)) = self.fetches.try_join_next() {
                self.take(done);
            }
        }
        self.last_segment(&media);
        let left = patience(&media).min(Duration::from_secs(6));
        let _ = tokio::time::timeout(left, async {
            while let Some(Ok(done)) = self.fetches.join_next().await {
                self.take(done);
            }
        })
        .await;
    }

    /// Asks for the playlist, and notes it; `None` if none came.
    async fn reload(&mut self, asked: Option<(u64, Option<u64>)>, before: Media) -> Option<Media> {
        let url = match asked {
            None => self.list.url.clone(),
            Some((msn, part)) => directed(&self.list.url, msn, part),
        };
        let wish = Wish { gzip: true, range: None };
        let within = patience(&before);
        let got = self.fetcher.get(&url, wish, PLAYLIST_BYTES_MAX, within).await;
        let list = read::media(&got.body).filter(|_| got.exchange.status == 200);
        let Some(list) = list else {
            let exchange = got.exchange;
            let (ask, plain) = (Ask::Reload, Exchange::default());
            let probe = Probe { ask, named: asked, before, plain, exchange, list: None };
            self.list.probes.push(probe);
            tokio::time::sleep(POLL_EVERY).await;
            return None;
        };
        let most = (LISTED_MAX / list.segments.len().max(1)).clamp(20, VERSIONS_MAX);
        if self.list.versions.len() >= most {
            self.list.versions.remove(0);
        }
        self.list.versions.push(Version { exchange: got.exchange, list: list.clone(), asked });
        Some(list)
    }

    async fn init(&mut self, media: &Media) {
        let map = media.all().filter_map(|(_, segment)| segment.map.clone()).last();
        let Some(map) = map else { return };
        let url = resolve(&self.list.url, &map);
        let got = self.fetcher.get(&url, Wish::default(), MEDIA_BYTES_MAX, patience(media)).await;
        if let Some(track) = cmaf::track(&got.body) {
            self.list.track = Some((track, got.exchange));
        }
    }

    /// Starts to fetch what is new: the hint, listed parts, whole segments with their parts, what went.
    fn fetch_media(&mut self, media: &Media) {
        if self.list.kind == Kind::IFrames {
            return;
        }
        let within = patience(media);
        let first = self.first_next_msn;
        for (msn, segment) in media.all().filter(|(msn, _)| *msn >= first) {
            for part in segment.parts.iter().filter(|part| !part.gap) {
                self.part(&part.uri, false, part.range.as_deref(), within);
            }
            if !segment.uri.is_empty() && !segment.gap && !segment.parts.is_empty() {
                let parts = segment.parts.iter().map(|part| part.uri.clone()).collect();
                self.segment(msn, &segment.uri, parts, within);
            }
        }
        if let Some(uri) = media.hinted_part() {
            let hint = media.hints.iter().find(|hint| hint.get("URI") == Some(uri));
            if hint.is_some_and(|hint| hint.get("BYTERANGE-START").is_none()) {
                self.part(uri, true, None, within);
            }
        }
        let gone = self.oldest_part.take_if(|old| {
            !media.all().any(|(_, segment)| segment.parts.iter().any(|part| part.uri == old.uri))
        });
        if let Some(gone) = gone.filter(|part| !part.gap) {
            self.start(&gone.uri, gone.range.as_deref(), Purpose::Removed, within);
        }
    }

    fn part(&mut self, uri: &str, hinted: bool, range: Option<&str>, within: Duration) {
        let name = format!("{uri} {}", range.unwrap_or_default());
        if self.asked.len() < PARTS_MAX && self.asked.insert(name) {
            let purpose = Purpose::Part { uri: uri.to_owned(), hinted };
            self.start(uri, range, purpose, within);
        }
    }

    fn segment(&mut self, msn: u64, uri: &str, parts: Vec<String>, within: Duration) {
        if self.asked.len() < PARTS_MAX && self.asked.insert(format!("segment {msn}")) {
            let purpose = Purpose::Segment { msn, uri: uri.to_owned(), parts };
            self.start(uri, None, purpose, within);
        }
    }

    /// A segment of a playlist without parts, or of one that was too short to see one end.
    fn last_segment(&mut self, media: &Media) {
        if self.list.kind == Kind::IFrames || !self.list.segments.is_empty() {
            return;
        }
        let last = media.all().filter(|(_, one)| !one.uri.is_empty() && !one.gap).last();
        if let Some((msn, segment)) = last.filter(|(_, one)| one.range.is_none()) {
            self.segment(msn, &segment.uri, Vec::new(), patience(media));
        }
    }

    fn start(&mut self, uri: &str, range: Option<&str>, purpose: Purpose, within: Duration) {
        let (fetcher, url) = (self.fetcher.clone(), resolve(&self.list.url, uri));
        let range = range.map(str::to_owned);
        self.fetches.spawn(async move {
            let wish = Wish { gzip: false, range: range.as_deref() };
            (purpose, fetcher.get(&url, wish, MEDIA_BYTES_MAX, within).await)
        });
    }

    fn take(&mut self, (purpose, got): (Purpose, Got)) {
        let good = matches!(got.exchange.status, 200 | 206);
        let media = self
            .list
            .track
            .as_ref()
            .and_then(|(track, _)| if good { cmaf::fragment(&got.body, track) } else { None });
        match purpose {
            Purpose::Part { uri, hinted } => {
                if good {
                    self.bodies.insert(uri.clone(), got.body);
                }
                let exchange = got.exchange;
                self.list.parts.push(PartSeen { uri, hinted, exchange, media });
            }
            Purpose::Removed => self.list.removed = Some(got.exchange),
            Purpose::Segment { msn, uri, parts } => {
                let exchange = Exchange { place: uri, ..got.exchange };
                let seen = SegmentSeen { msn, exchange, media, of_parts: None };
                self.waiting.push((seen, parts));
            }
        }
        self.compare();
    }

    /// Joins the parts of whole segments, as soon as all are there.
    fn compare(&mut self) {
        let Some((track, _)) = self.list.track.clone() else { return };
        let here = |parts: &[String]| parts.iter().all(|part| self.bodies.contains_key(part));
        let (ready, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(_, parts)| here(parts));
        self.waiting = waiting;
        for (mut seen, parts) in ready {
            let bodies = parts.iter().filter_map(|part| self.bodies.remove(part));
            let joined: Vec<u8> = bodies.flatten().collect();
            seen.of_parts = cmaf::fragment(&joined, &track);
            self.list.segments.push(seen);
        }
        // What was abandoned, or never becomes a whole segment, must not be kept for ever.
        if self.bodies.len() > PARTS_MAX / 8 {
            self.bodies.clear();
        }
        if self.waiting.len() > PARTS_MAX / 8 {
            self.waiting.clear();
        }
    }
}

/// An address with directives, sorted as clients sort them (6.2.5).
pub(super) fn directed(url: &str, msn: u64, part: Option<u64>) -> String {
    let and = if url.contains('?') { '&' } else { '?' };
    let part = part.map_or_else(String::new, |part| format!("&_HLS_part={part}"));
    format!("{url}{and}_HLS_msn={msn}{part}")
}
