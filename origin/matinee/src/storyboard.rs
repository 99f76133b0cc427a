//! The cover and the storyboard of a show while it is on the air.
//!
//! In: a show's handle, its objects. Out: `cover.jpg`, `storyboard.vtt` and strips in the store. Never on the way of
//! the media: a keyframe in ten seconds is read again from the store, and a child draws. Does not know pixels.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use origin_control::Control;
use origin_packager::{Handle, Picture};
use origin_storage::Store;
use origin_storyboard::Spec;
use origin_storyboard::machine::{Board, TILE, TILES};
use shared_media::{Object, ObjectSink as _};
use shared_wire::ShowId;
use shared_wire::key::{BOARD, Key, KeyObject, MediaFile};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::pen::Pen;

/// How often a show is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Largest keyframe that is drawn, in bytes.
const PICTURE_BYTES_MAX: usize = 8 << 20;
/// The cover's size.
pub(crate) const COVER: Spec = Spec { width: 640, height: 360, tiles: 1 };
/// The cover is made of the largest rung no higher than this, in lines.
pub(crate) const COVER_LINES_MAX: u32 = 720;

/// `matinee draw`: draws what its standard input asks for, until that ends.
pub(crate) fn draw() -> Result<(), Error> {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    origin_storyboard::desk::serve(&mut input, &mut output).map_err(Error::Storyboard)
}

/// Draws for all shows of the house.
#[derive(Clone)]
pub(crate) struct Painter {
    pen: Pen,
    store: Arc<Store>,
    control: Control,
}

/// What a show's pictures are made of.
struct Sitting {
    show: ShowId,
    handle: Handle,
    board: Board,
    /// The init segment of the pictures that wait, and they behind it.
    init: Option<Key>,
    film: BytesMut,
    has_cover: bool,
}

impl Painter {
    pub(crate) fn new(program: PathBuf, store: Arc<Store>, control: Control) -> Self {
        Self { pen: Pen::new(program), store, control }
    }

    /// Follows a show until it ends.
    pub(crate) async fn follow(self, show: ShowId, handle: Handle, over: CancellationToken) {
        let text = match self.store.own_text(&Key { show, object: KeyObject::Storyboard }).await {
            Ok(text) => text.unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%show, %error, "the storyboard begins anew");
                String::new()
            }
        };
        let (board, film) = (Board::resume(&text), BytesMut::new());
        let mut sitting = Sitting { show, handle, board, init: None, film, has_cover: false };
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = over.cancelled() => {}
            }
            // Asked first: what was listed before the end is still looked at.
            let is_over = over.is_cancelled();
            self.look(&mut sitting).await;
            if is_over {
                self.strip(&mut sitting).await;
                return;
            }
        }
    }

    async fn look(&self, sitting: &mut Sitting) {
        let Some(rungs) = sitting.handle.multivariant(false).map(|answer| rungs(&answer.body))
        else {
            return;
        };
        let Some(picture) =
            rungs.first().and_then(|(_, smallest)| sitting.handle.newest_picture(smallest))
        else {
            return;
        };
        if !sitting.board.wants(picture.utc_us) {
            return;
        }
        if sitting.init.as_ref().is_some_and(|init| *init != picture.init) {
            self.strip(sitting).await;
        }
        if sitting.film.is_empty() {
            let Some(init) = self.read(&picture.init).await else { return };
            sitting.film.extend_from_slice(&init);
            sitting.init = Some(picture.init.clone());
        }
        let Some(keyframe) = self.keyframe(&picture).await else { return };
        sitting.film.extend_from_slice(&keyframe);
        sitting.board.take(picture.utc_us);
        if !sitting.has_cover {
            self.cover(sitting, &rungs).await;
        }
        if sitting.board.is_full() {
            self.strip(sitting).await;
            self.cover(sitting, &rungs).await;
        }
    }

    /// Draws the pictures that wait, and lists them.
    async fn strip(&self, sitting: &mut Sitting) {
        let film = sitting.film.split().freeze();
        sitting.init = None;
        if sitting.board.waiting() == 0 {
            return;
        }
        let (width, height) = TILE;
        let tiles = u32::try_from(TILES).unwrap_or(1);
        let Some(strip) = self.pen.draw(sitting.show, film, Spec { width, height, tiles }).await
        else {
            return sitting.board.dropped();
        };
        let file = MediaFile::Strip(sitting.board.strip());
        let (rendition, epoch) = (BOARD.to_owned(), sitting.handle.epoch().to_owned());
        let uri = format!("{rendition}/{epoch}/{file}");
        self.put(sitting.show, KeyObject::Media { rendition, epoch, file }, strip);
        sitting.board.drawn(&uri);
        self.put(sitting.show, KeyObject::Storyboard, sitting.board.text().into());
    }

    /// Draws the cover anew, from the newest picture.
    async fn cover(&self, sitting: &mut Sitting, rungs: &[(u32, String)]) {
        let fits = rungs.iter().rev().find(|(lines, _)| *lines <= COVER_LINES_MAX);
        let Some((_, rung)) = fits.or_else(|| rungs.first()) else { return };
        let Some(picture) = sitting.handle.newest_picture(rung) else { return };
        let (Some(init), Some(keyframe)) =
            (self.read(&picture.init).await, self.keyframe(&picture).await)
        else {
            return;
        };
        let film = [init, keyframe].concat().into();
        if let Some(cover) = self.pen.draw(sitting.show, film, COVER).await {
            self.put(sitting.show, KeyObject::Cover, cover);
            if let Err(error) = self.control.set_cover(sitting.show).await {
                tracing::error!(show = %sitting.show, %error, "the show's cover is not listed");
            }
            sitting.has_cover = true;
        }
    }

    async fn read(&self, key: &Key) -> Option<Bytes> {
        self.store.get_live(key).await.ok().flatten()
    }

    async fn keyframe(&self, picture: &Picture) -> Option<Bytes> {
        let segment = self.read(&picture.segment).await?;
        let from = usize::try_from(picture.range.offset).ok()?;
        let length = usize::try_from(picture.range.length).ok()?;
        let until = from.checked_add(length).filter(|until| *until <= segment.len())?;
        (length <= PICTURE_BYTES_MAX).then(|| segment.slice(from..until))
    }

    fn put(&self, show: ShowId, object: KeyObject, bytes: Bytes) {
        let key = Key { show, object }.to_string();
        self.store.replace(Object { key, bytes });
    }
}

/// The rungs that have pictures, by their lines, the smallest first.
fn rungs(multivariant: &[u8]) -> Vec<(u32, String)> {
    let text = std::str::from_utf8(multivariant).unwrap_or_default();
    let rung = |line: &str| {
        let attributes = line.strip_prefix("#EXT-X-I-FRAME-STREAM-INF:")?;
        let (_, rest) = attributes.split_once("RESOLUTION=")?;
        let lines = rest.split([',', 'x']).nth(1)?.parse().ok()?;
        let (_, uri) = attributes.split_once("URI=\"")?;
        Some((lines, uri.split('/').next()?.to_owned()))
    };
    let mut rungs: Vec<_> = text.lines().filter_map(rung).collect();
    rungs.sort();
    rungs
}

#[cfg(test)]
mod tests {
    use super::rungs;

    #[test]
    fn the_smallest_rung_comes_first() {
        let text = "#EXTM3U\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9,CODECS=\"avc1\",\
                    RESOLUTION=1280x720,URI=\"source/iframes.m3u8\"\n\
                    #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=2,RESOLUTION=284x160,\
                    URI=\"160p/iframes.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=3\n160p/index.m3u8\n";
        let expected = [(160, "160p".to_owned()), (720, "source".to_owned())];
        assert_eq!(rungs(text.as_bytes()), expected);
        assert!(rungs(b"\xff").is_empty());
    }
}
