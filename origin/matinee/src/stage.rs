//! The stages of every show on the air, joined: ingest → ladder → packager → storage.
//!
//! In: an opened show. Out: a handle that answers its playlists while it is live, a finished recording when it is over.
//! Does not know what flows between the stages.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use origin_control::{Claim, Control};
use origin_ingest::Desk;
use origin_ladder::{Capacity, NoRoom, RungSpec};
use origin_packager::{Finished, Handle, Held, Notes};
use origin_storage::Store;
use shared_media::{Anchor, Language, Publication, RenditionId, SoundTrack, VideoCodec};
use shared_wire::ShowId;
use shared_wire::api::{
    CaptionTrack, Chapter, ClosedCaptionName, Rung, RungCodec, SoundName, State, Trim,
};
use shared_wire::key::Key;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::fenced::Fenced;
use crate::hooks::{Event, Hooks, Rungs};
use crate::recorded;
use crate::settings::Encoding;
use crate::storyboard::Painter;

/// How long an ended show answers from memory: players that wait for its next part learn of its end there.
const LINGER: Duration = Duration::from_secs(10);

/// A show on the air, or one that just was.
#[derive(Clone)]
struct Live {
    handle: Handle,
    /// Its recording is there: who comes now plays that.
    is_finished: bool,
    /// Without it nothing of the show is listed.
    claim: Claim,
}

/// How live playlists are cut where a show does not say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Advertised a third of a millisecond longer, so that ten frames of 30 Hz fit into 333 ms.
    pub(crate) part_target_ms: u32,
    pub(crate) dvr_window_s: u32,
}

/// Every show on the air.
pub(crate) struct Stages {
    control: Control,
    store: Arc<Store>,
    hooks: Hooks,
    desk: Desk,
    ladder: origin_ladder::Config,
    capacity: Capacity,
    refuses: bool,
    packager: origin_packager::Config,
    painter: Painter,
    live: RwLock<HashMap<ShowId, Live>>,
    /// One task a show; the house drains when all are done.
    shows: TaskTracker,
}

impl Stages {
    pub(crate) fn new(
        (control, store): (Control, Arc<Store>),
        program: &Path,
        window: Window,
        encoding: &Encoding,
        hooks: Hooks,
        desk: Desk,
    ) -> Self {
        let painter = Painter::new(program.to_owned(), store.clone(), control.clone());
        let command = vec![program.as_os_str().to_owned(), OsString::from("encode")];
        Self {
            control,
            store,
            hooks,
            desk,
            ladder: origin_ladder::Config {
                command,
                rungs: encoding.rungs.iter().map(spec).collect(),
                hardware: encoding.hardware,
                ..origin_ladder::Config::default()
            },
            capacity: Capacity::millicores(encoding.millicores),
            refuses: encoding.refuses,
            packager: origin_packager::Config {
                part_target_us: window.part_target_ms * 1000 + 340,
                window_ms: window.dvr_window_s * 1000,
                ..origin_packager::Config::default()
            },
            painter,
            live: RwLock::default(),
            shows: TaskTracker::new(),
        }
    }

    /// The show's handle while it is live.
    pub(crate) fn live(&self, show: ShowId) -> Option<Handle> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.get(&show).filter(|live| live.claim.holds()).map(|live| live.handle.clone())
    }

    /// Whether another node has the show, and it has not ended.
    pub(crate) fn is_elsewhere(&self, show: ShowId) -> bool {
        let is_over =
            || self.control.show_state(show).is_some_and(|known| known.state == State::Ended);
        self.control.is_elsewhere(show) && !is_over()
    }

    /// Whether the show is a film of which more is being made.
    pub(crate) fn is_growing(&self, show: ShowId) -> bool {
        self.control.show_state(show).is_some_and(|known| known.is_growing)
    }

    /// What of the show's recording or film is shown; `None`: all.
    pub(crate) fn trim(&self, show: ShowId) -> Option<Trim> {
        self.control.show_state(show).and_then(|known| known.trim)
    }

    /// Whether the show's recording or film has chapters.
    pub(crate) fn has_chapters(&self, show: ShowId) -> bool {
        self.control.show_state(show).is_some_and(|known| known.has_chapters)
    }

    /// The chapters of the show's recording or film, counted from its beginning.
    pub(crate) async fn chapters(
        &self,
        show: ShowId,
    ) -> Result<Vec<Chapter>, origin_control::Error> {
        self.control.chapters(show).await
    }

    /// Whether the show has just ended and its recording is there.
    pub(crate) fn is_finished(&self, show: ShowId) -> bool {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.get(&show).is_some_and(|live| live.is_finished)
    }

    /// How a show's playlists are made.
    fn packager_of(&self, show: ShowId) -> origin_packager::Config {
        let chosen = self.control.show_state(show).map(|show| show.broadcast).unwrap_or_default();
        let window_ms =
            chosen.dvr_window_s.map_or(self.packager.window_ms, |seconds| seconds * 1000);
        let captions = chosen.captions.unwrap_or_default().into_iter().filter_map(caption_track);
        let within = chosen.closed_captions.unwrap_or_default();
        origin_packager::Config {
            window_ms,
            captions: captions.collect(),
            closed_captions: within.into_iter().filter_map(closed_caption).collect(),
            ..self.packager.clone()
        }
    }

    /// Whether a show with these rungs, or those of the house, may begin; else why not.
    ///
    /// # Errors
    /// The machine has no room for it, and the house refuses such shows.
    pub(crate) fn has_room(&self, rungs: Option<&Rungs>) -> Result<(), NoRoom> {
        if !self.refuses {
            return Ok(());
        }
        let chosen = rungs.map(|rungs| rungs.iter().map(spec).collect::<Vec<_>>());
        self.capacity.check(chosen.as_ref().unwrap_or(&self.ladder.rungs))
    }

    /// Puts a show on the air, with these rungs if any were chosen.
    pub(crate) fn begin(
        self: &Arc<Self>,
        show: ShowId,
        anchor: Anchor,
        publications: mpsc::Receiver<Publication>,
        rungs: Option<Rungs>,
        claim: Claim,
    ) {
        let name = show.to_string();
        let mut config = self.ladder.clone();
        if let Some(rungs) = rungs {
            config.rungs = rungs.iter().map(spec).collect();
        }
        let chosen = self.control.show_state(show).and_then(|show| show.broadcast.sounds);
        config.sounds = chosen.unwrap_or_default().into_iter().map(sound_track).collect();
        let (staged, ladder) =
            origin_ladder::spawn_within(config, &self.capacity, publications, &name);
        let epoch = epoch(anchor);
        let sink = self.sink(&claim);
        let config = self.packager_of(show);
        let packager = origin_packager::spawn(config, show, epoch, anchor, staged, sink);
        self.follow(show, ladder, packager, claim);
    }

    /// Goes on with a show that an earlier process had on the air; `false` if it cannot go on.
    pub(crate) fn resume(
        self: &Arc<Self>,
        show: ShowId,
        (notes, held): (&Notes, &Held),
        publications: mpsc::Receiver<Publication>,
        claim: Claim,
    ) -> bool {
        let (name, memo) = (show.to_string(), &notes.plan().memo);
        let resumed = {
            let (config, capacity) = (self.ladder.clone(), &self.capacity);
            origin_ladder::resume(config, capacity, memo, publications, &name)
        };
        let Some((staged, ladder)) = resumed else { return false };
        let sink = self.sink(&claim);
        let config = self.packager_of(show);
        let packager = origin_packager::restore(config, show, notes, held, staged, sink);
        self.follow(show, ladder, packager, claim);
        true
    }

    fn sink(&self, claim: &Claim) -> Arc<Fenced> {
        Arc::new(Fenced { store: self.store.clone(), claim: claim.clone() })
    }

    /// Answers for a show from now on, and finishes it when it ends.
    fn follow(
        self: &Arc<Self>,
        show: ShowId,
        ladder: JoinHandle<Result<(), origin_ladder::Error>>,
        (handle, packager): (Handle, JoinHandle<Finished>),
        claim: Claim,
    ) {
        let over = CancellationToken::new();
        self.control.opened(&claim);
        let painted = self.painter.clone().follow(show, handle.clone(), over.clone());
        let drawn_for = claim.clone();
        self.shows.spawn(async move {
            tokio::select! {
                () = drawn_for.lost() => {}
                () = painted => {}
            }
        });
        let live = Live { handle, is_finished: false, claim: claim.clone() };
        self.change(|shows| shows.insert(show, live));
        tokio::spawn(Arc::clone(self).watch(show, claim.clone(), over.clone()));
        metrics::gauge!("matinee_shows_live").increment(1.0);
        tracing::info!(%show, "the show is on the air");
        let stages = Arc::clone(self);
        self.shows.spawn(async move {
            if let Ok(Err(error)) = ladder.await {
                tracing::error!(%show, %error, "the ladder gave up");
            }
            let recordings = match packager.await {
                Ok(finished) => finished.recordings,
                Err(error) => {
                    tracing::error!(%show, %error, "the packager broke off");
                    Vec::new()
                }
            };
            over.cancel();
            metrics::gauge!("matinee_shows_live").decrement(1.0);
            if claim.holds() {
                stages.end(show, &recordings, claim).await;
            } else {
                stages.control.give_back(&claim).await;
                tracing::warn!(%show, "what this node had of the show is over");
            }
        });
    }

    /// Sends a show's publisher away when another node has the show, or may have it.
    async fn watch(self: Arc<Self>, show: ShowId, claim: Claim, over: CancellationToken) {
        tokio::select! {
            () = over.cancelled() => return,
            () = claim.lost() => {}
        }
        tracing::error!(%show, "this node has the show no more: its publisher is sent away");
        metrics::counter!("matinee_shows_lost_total").increment(1);
        over.cancel();
        self.forget(show, &claim);
        self.desk.let_go(&show.to_string());
    }

    /// Answers for a show no more, unless it has begun again.
    fn forget(&self, show: ShowId, claim: &Claim) {
        self.change(|live| {
            if live.get(&show).is_some_and(|one| one.claim.epoch() == claim.epoch()) {
                live.remove(&show);
            }
        });
    }

    async fn end(self: &Arc<Self>, show: ShowId, recordings: &[String], claim: Claim) {
        let keys: Vec<Key> = recordings.iter().filter_map(|key| Key::parse(key)).collect();
        recorded::finish(&self.store, &keys).await;
        if !recordings.is_empty() {
            self.change(|live| {
                if let Some(live) = live.get_mut(&show) {
                    live.is_finished = true;
                }
            });
        }
        if let Err(error) = self.control.set_state(show, State::Ended).await {
            tracing::error!(%show, %error, "the show's end was not kept");
        }
        tracing::info!(%show, "the recording is finished");
        self.over(show, !recordings.is_empty());
        // Not tracked: a draining house need not wait until the last player has asked again.
        let stages = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(LINGER).await;
            stages.forget(show, &claim);
            stages.control.give_back(&claim).await;
        });
    }

    /// Tells that a show is over, and its recording ready if it has one.
    pub(crate) fn over(&self, show: ShowId, is_recorded: bool) {
        self.hooks.tell(show, Event::Ended);
        if is_recorded {
            self.hooks.tell(show, Event::RecordingReady);
        }
    }

    /// Tells that a show waits for its publisher.
    pub(crate) fn interrupted(&self, show: ShowId) {
        self.hooks.tell(show, Event::Interrupted);
    }

    fn change<T>(&self, change: impl FnOnce(&mut HashMap<ShowId, Live>) -> T) -> T {
        change(&mut self.live.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until every show has ended and its recording is finished.
    pub(crate) async fn drained(&self) {
        self.shows.close();
        self.shows.wait().await;
    }
}

/// A rung as the ladder is told of it.
fn spec(rung: &Rung) -> RungSpec {
    let codec = match rung.codec {
        RungCodec::Avc => VideoCodec::Avc,
        RungCodec::Hevc => VideoCodec::Hevc,
        RungCodec::Av1 => VideoCodec::Av1,
    };
    RungSpec { height: rung.height, bit_rate: rung.bit_rate(), codec }
}

/// A track of captions as the packager is told of it.
fn caption_track(track: CaptionTrack) -> Option<origin_packager::CaptionTrack> {
    let id = RenditionId::new(&track.rendition())?;
    let CaptionTrack { language, name, default } = track;
    Some(origin_packager::CaptionTrack { id, language, name, default, forced: false })
}

/// A channel of captions within the pictures as the packager is told of it.
fn closed_caption(one: ClosedCaptionName) -> Option<origin_packager::ClosedCaptionName> {
    let ClosedCaptionName { channel, language, name } = one;
    let language = Language::new(&language)?;
    Some(origin_packager::ClosedCaptionName { channel, language, name })
}

/// What one of the publisher's sounds is, as the ladder is told of it.
fn sound_track(sound: SoundName) -> SoundTrack {
    SoundTrack { number: 0, language: Language::new(&sound.language), name: sound.name }
}

/// The publication's epoch: its start in milliseconds since the Unix epoch, in base 36.
fn epoch(anchor: Anchor) -> String {
    let mut rest = u64::try_from(anchor.utc_us / 1000).unwrap_or(0);
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(rest % 36).unwrap_or(0);
        digits.extend(char::from_digit(digit, 36));
        rest /= 36;
        if rest == 0 {
            return digits.iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::epoch;
    use shared_media::Anchor;

    #[test]
    fn an_epoch_is_short_and_grows() {
        let earlier = epoch(Anchor { utc_us: 1_800_000_000_000_000 });
        let later = epoch(Anchor { utc_us: 1_800_000_000_001_000 });
        assert!(earlier.len() <= 16 && earlier < later, "{earlier} {later}");
        assert_eq!(epoch(Anchor { utc_us: 36_000 }), "10");
    }
}
