//! One viewer: a playlist of pictures, one of sound if there is one, and a player.
//!
//! In: an address. Out: counts. Does not decode.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::{Client, Url, header};
use shared_playlist::read::{self, Media, Multivariant, Playlist};

use super::count::{Count, Counted};
use super::lists::Lists;
use crate::config::{ANSWER_MAX, Config, PLAYLIST_BYTES_MAX, RETRY_AFTER};
use crate::machine::{Next, Place, Player, Rungs};

/// How often a playlist that cannot be waited for is looked at, in shares of its target duration (6.3.4).
const LOOKS_PER_TARGET: u32 = 2;

/// One viewer.
pub(super) struct Viewer {
    client: Client,
    url: String,
    cookie: Option<String>,
    choose_rungs: bool,
    take_hints: bool,
    count: Arc<Count>,
    lists: Arc<Lists>,
}

/// What pictures and sound share.
struct Seat {
    player: Player,
    counted: Counted,
    rungs: Rungs,
}

/// A body, and how long it took: with what it waited for, and from its head on.
struct Got {
    body: Vec<u8>,
    bytes: usize,
    took: Duration,
    body_took: Duration,
}

/// A part of media that is there: what it says of the connection, and when it came.
struct Came {
    bytes: usize,
    took: Duration,
    now_us: u64,
    utc_us: i64,
}

/// A part that was asked for before it was listed.
struct Early {
    url: Url,
    came: Option<Came>,
}

impl Viewer {
    pub(super) fn new(
        client: Client,
        config: &Config,
        count: Arc<Count>,
        lists: Arc<Lists>,
    ) -> Self {
        Self {
            client,
            url: config.url.clone(),
            cookie: config.cookie.clone(),
            choose_rungs: config.choose_rungs,
            take_hints: config.take_hints,
            count,
            lists,
        }
    }

    /// Watches until the show is over, or it is dropped.
    pub(super) async fn watch(self) {
        let asked_us = self.count.now_us();
        let Ok(base) = Url::parse(&self.url) else { return self.count.error("not an address") };
        let first = loop {
            if let Some(first) = self.get(&base, None, PLAYLIST_BYTES_MAX).await {
                break first;
            }
            tokio::time::sleep(RETRY_AFTER).await;
        };
        let (pictures, sound, needs) = match read::playlist(&first.body) {
            Some(Playlist::Multivariant(list)) => {
                let (pictures, sound) = tracks(&list, &base);
                let need = |(tag, _): &(read::Attributes, String)| tag.number("BANDWIDTH");
                (pictures, sound, list.variants.iter().map(|one| need(one).unwrap_or(0)).collect())
            }
            Some(Playlist::Media(_)) => (vec![base], None, vec![0]),
            None => return self.count.error("not a playlist"),
        };
        let tracks = 1 + usize::from(sound.is_some());
        let seat = Mutex::new(Seat {
            player: Player::new(tracks, asked_us),
            counted: Counted::default(),
            rungs: Rungs::new(needs),
        });
        let sound = async {
            if let Some(sound) = sound {
                self.follow(&seat, 1, &[sound]).await;
            }
        };
        tokio::join!(self.follow(&seat, 0, &pictures), sound);
    }

    /// Follows one track to its end; `addresses` are its rungs.
    async fn follow(&self, seat: &Mutex<Seat>, track: usize, addresses: &[Url]) {
        let (mut rung, mut list, mut place) = (0, None::<Arc<Media>>, None::<Place>);
        let mut early = None::<Early>;
        // What was there before a viewer came says nothing of how soon parts come.
        let mut at_edge = false;
        loop {
            let Some(url) = addresses.get(rung) else { return };
            let Some(known) = &list else {
                let asked = Instant::now();
                list = self.playlist(url, None).await;
                if list.is_some() {
                    self.count.playlist(micros(asked.elapsed()));
                }
                continue;
            };
            let at = place.get_or_insert_with(|| Place::join(known));
            let jumps = at.jumps;
            let next = at.next(known);
            if at.jumps > jumps {
                self.count.jumped();
            }
            match next {
                Next::Over => return seated(seat, |seat| seat.player.end_of_show()),
                Next::Wait(msn, part) => {
                    // A delta update may lack what comes next: then the whole is asked for.
                    let is_skipped = msn < known.first_msn();
                    let waited = (!is_skipped).then_some((msn, part, known.as_ref()));
                    at_edge = true;
                    let (newer, came) = self.next_version(url, waited).await;
                    (early, list) = (came, newer.or(list));
                }
                Next::Fetch { uri, range, name, span } => {
                    let target = known.part_target_us.unwrap_or(0);
                    seated(seat, |seat| seat.player.set_enough(target));
                    let early = early.take().filter(|_| range.is_none());
                    let came = self.media(url, &uri, range.as_deref(), early).await;
                    if let Some((url, came)) = came {
                        if at_edge && name.1.is_some() {
                            self.arrived(&url, &came, span.1);
                        }
                        self.play(seat, track, &came, span);
                    } else {
                        // The player goes on behind it when it has come so far.
                        seated(seat, |seat| seat.player.skip_to(span.1));
                        self.count.jumped();
                        tokio::time::sleep(RETRY_AFTER).await;
                    }
                    at.done(name, span.1);
                    let is_first = name.1.is_none_or(|part| part == 0);
                    if track == 0 && self.choose_rungs && is_first && addresses.len() > 1 {
                        let (chosen, changed) = seated(seat, |seat| seat.rungs.choose());
                        if changed {
                            self.count.switched();
                            (rung, list) = (chosen.min(addresses.len() - 1), None);
                            at_edge = false;
                        }
                    }
                }
            }
        }
    }

    /// A part or segment, with its address; `early` if it was asked for already.
    async fn media(
        &self,
        base: &Url,
        uri: &str,
        range: Option<&str>,
        early: Option<Early>,
    ) -> Option<(Url, Came)> {
        let url = base.join(uri).ok()?;
        let known = early.filter(|early| early.url == url).and_then(|early| early.came);
        let came = match known {
            Some(came) => came,
            None => self.came(&url, range, false).await?,
        };
        Some((url, came))
    }

    /// The next version of a playlist, and the part that it hinted at, if the player takes hints.
    ///
    /// Both are asked for at once, as by RFC 8216bis, 4.4.5.3: the part comes with its last frame, before anybody has
    /// read of it.
    async fn next_version(
        &self,
        url: &Url,
        waited: Option<(u64, Option<u64>, &Media)>,
    ) -> (Option<Arc<Media>>, Option<Early>) {
        let hint = waited.filter(|_| self.take_hints).and_then(|(msn, part, known)| {
            // Ranges of an object are asked for when they are listed.
            let is_whole = known.hints.iter().all(|hint| hint.get("BYTERANGE-START").is_none());
            let is_next = msn == known.next_msn() && part == Some(known.open.parts.len() as u64);
            url.join(known.hinted_part().filter(|_| is_next && is_whole)?).ok()
        });
        let Some(hint) = hint else { return (self.playlist(url, waited).await, None) };
        let (newer, came) = self.both(url, waited, &hint).await;
        (newer, Some(Early { url: hint, came }))
    }

    /// A playlist's next version, and the part that is to be in it.
    async fn both(
        &self,
        url: &Url,
        waited: Option<(u64, Option<u64>, &Media)>,
        hint: &Url,
    ) -> (Option<Arc<Media>>, Option<Came>) {
        let mut part = pin!(self.came(hint, None, true));
        let mut playlist = pin!(self.playlist(url, waited));
        tokio::select! {
            came = &mut part => (playlist.await, came),
            newer = &mut playlist => {
                let is_same = |next: &str| url.join(next).is_ok_and(|next| next == *hint);
                let is_listed = |newer: &Arc<Media>| !newer.hinted_part().is_some_and(is_same);
                // What is not listed after all is not waited for.
                let came = if newer.as_ref().is_some_and(is_listed) { part.await } else { None };
                (newer, came)
            }
        }
    }

    /// Asks for media, of which only the length is kept. What is not there yet says nothing of the connection before it
    /// begins to come.
    async fn came(&self, url: &Url, range: Option<&str>, is_hinted: bool) -> Option<Came> {
        let got = self.get(url, range, 0).await?;
        let (now_us, utc_us) = (self.count.now_us(), utc_us());
        let took = if is_hinted { got.body_took } else { got.took };
        Some(Came { bytes: got.bytes, took, now_us, utc_us })
    }

    /// Counts a part that was waited for; it ends at the moment `end` of the show.
    fn arrived(&self, url: &Url, came: &Came, end: i64) {
        self.count.part(url.path().to_owned(), came.now_us, since(came.utc_us, end));
    }

    /// What the player makes of a part or segment.
    fn play(&self, seat: &Mutex<Seat>, track: usize, came: &Came, span: (i64, i64)) {
        let (now_us, utc_us) = (self.count.now_us(), utc_us());
        seated(seat, |seat| {
            if track == 0 {
                seat.rungs.measured(came.bytes as u64, micros(came.took));
            }
            if let Some(us) = seat.player.got(now_us, track, span.0, span.1) {
                self.count.started(us);
            }
            let moment = seat.player.moment(now_us).filter(|_| track == 0);
            let behind = moment.and_then(|moment| since(utc_us, moment));
            let behind = behind.map(|us| us.max(0).unsigned_abs());
            self.count.player(&seat.player, &mut seat.counted, behind);
        });
    }

    /// A playlist now, or its next version: `waited` is what that must have, and what is known.
    async fn playlist(
        &self,
        url: &Url,
        waited: Option<(u64, Option<u64>, &Media)>,
    ) -> Option<Arc<Media>> {
        let mut url = url.clone();
        if let Some((msn, part, known)) = waited {
            if known.control_is("CAN-BLOCK-RELOAD") {
                let mut query = url.query_pairs_mut();
                query.append_pair("_HLS_msn", &msn.to_string());
                if let Some(part) = part {
                    query.append_pair("_HLS_part", &part.to_string());
                }
                if known.control_us("CAN-SKIP-UNTIL").is_some() {
                    query.append_pair("_HLS_skip", "YES");
                }
            } else {
                let target = Duration::from_secs(known.target_duration_s.unwrap_or(6));
                tokio::time::sleep(target / LOOKS_PER_TARGET).await;
            }
        }
        let got = self.get(&url, None, PLAYLIST_BYTES_MAX).await;
        let list = got.and_then(|got| self.lists.read(got.body));
        if list.is_none() {
            tokio::time::sleep(RETRY_AFTER).await;
        }
        list
    }

    /// Asks, and counts. Of a body at most `keep` bytes are kept, more is an error; with 0 it is read and only its
    /// length kept.
    async fn get(&self, url: &Url, range: Option<&str>, keep: usize) -> Option<Got> {
        let asked = Instant::now();
        match tokio::time::timeout(ANSWER_MAX, self.ask(url, range, keep)).await {
            Ok(Ok((body, bytes, head))) => {
                self.count.request(bytes);
                let (took, body_took) = (asked.elapsed(), head.elapsed());
                return Some(Got { body, bytes, took, body_took });
            }
            Ok(Err(what)) => self.count.error(&what),
            Err(_) => self.count.error("no answer in time"),
        }
        None
    }

    async fn ask(
        &self,
        url: &Url,
        range: Option<&str>,
        keep: usize,
    ) -> Result<(Vec<u8>, usize, Instant), String> {
        let mut request = self.client.get(url.clone());
        if let Some((length, offset)) = range.and_then(|range| range.split_once('@')) {
            let (length, offset): (u64, u64) = match (length.parse(), offset.parse()) {
                (Ok(length), Ok(offset)) => (length, offset),
                _ => return Err("a byte range that cannot be read".to_owned()),
            };
            let last = offset.saturating_add(length).saturating_sub(1);
            request = request.header(header::RANGE, format!("bytes={offset}-{last}"));
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let mut response = request.send().await.map_err(|error| reason(&error))?;
        let (status, head) = (response.status(), Instant::now());
        let (mut body, mut bytes) = (Vec::new(), 0);
        while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
            bytes += chunk.len();
            if keep > 0 {
                if bytes > keep {
                    return Err("a playlist that does not end".to_owned());
                }
                body.extend_from_slice(&chunk);
            }
        }
        if status.is_success() {
            Ok((body, bytes, head))
        } else {
            Err(format!("status {}", status.as_u16()))
        }
    }
}

/// The rungs of pictures, in order, and the sound of the first.
fn tracks(list: &Multivariant, base: &Url) -> (Vec<Url>, Option<Url>) {
    let join = |uri: &str| base.join(uri).ok();
    let pictures = list.variants.iter().filter_map(|(_, uri)| join(uri)).collect();
    let group = list.variants.first().and_then(|(tag, _)| tag.get("AUDIO"));
    let of_group = list.media.iter().filter(|tag| {
        tag.get("TYPE") == Some("AUDIO") && group.is_some() && tag.get("GROUP-ID") == group
    });
    let default = of_group.clone().find(|tag| tag.is("DEFAULT"));
    let chosen = default.or_else(|| of_group.clone().next());
    (pictures, chosen.and_then(|tag| tag.get("URI")).and_then(join))
}

fn seated<T>(seat: &Mutex<Seat>, act: impl FnOnce(&mut Seat) -> T) -> T {
    // Both tracks are one task: nobody ever waits for it.
    act(&mut seat.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A kind of error, without addresses: there may be a token in them.
fn reason(error: &reqwest::Error) -> String {
    let kind = match error {
        error if error.is_connect() => "no connection",
        error if error.is_timeout() => "no answer in time",
        error if error.is_body() || error.is_decode() => "a body that broke off",
        _ => "no answer",
    };
    kind.to_owned()
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// How long ago a moment of the show was, in microseconds; `None` where there are no dates: moments are counted from 0
/// there.
fn since(utc_us: i64, moment: i64) -> Option<i64> {
    (moment > 1 << 40).then(|| utc_us - moment)
}

fn utc_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
