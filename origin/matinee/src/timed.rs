//! What creators say of a live show's time, told to the show's packager.
//!
//! In: date ranges, captions and ID3 tags, from the API. Out: the packager's answer, in control's words. Does not know
//! playlists.

use origin_control::{Cue, Error, OnAir, Reply};
use origin_packager::{Caption, CaptionRefusal, DateRangeRefusal, Handle};
use shared_media::RenditionId;
use shared_playlist::DateRange;
use shared_wire::ShowId;

use crate::stage::Stages;

impl Stages {
    fn on_air(&self, show: ShowId) -> Result<Handle, Error> {
        self.live(show).ok_or(Error::NotLive)
    }
}

impl OnAir for Stages {
    fn put_date_range(&self, show: ShowId, range: DateRange) -> Reply<'_, DateRange> {
        Box::pin(async move {
            let told = self.on_air(show)?.put_date_range(range).await.ok_or(Error::NotLive)?;
            told.map_err(|refusal| match refusal {
                DateRangeRefusal::Wrong(wrong) => Error::DateRange(wrong),
                DateRangeRefusal::Full => Error::DateRangesFull,
            })
        })
    }

    fn drop_date_range(&self, show: ShowId, id: String) -> Reply<'_, DateRange> {
        Box::pin(async move {
            let dropped = self.on_air(show)?.remove_date_range(id).await.ok_or(Error::NotLive)?;
            dropped.ok_or(Error::DateRangeUnknown)
        })
    }

    fn put_id3(&self, show: ShowId, tag: Vec<u8>) -> Reply<'_, ()> {
        Box::pin(async move {
            let told = self.on_air(show)?.put_id3(tag.into()).await.ok_or(Error::NotLive)?;
            told.map_err(|_| Error::MetadataFull)
        })
    }

    fn put_captions(&self, show: ShowId, track: String, cues: Vec<Cue>) -> Reply<'_, ()> {
        Box::pin(async move {
            let stage = self.on_air(show)?;
            let track = RenditionId::new(&track).ok_or(Error::CaptionTrackUnknown)?;
            let caption = |Cue { start_ms, end_ms, settings, text }| {
                let (start_us, end_us) =
                    (start_ms.saturating_mul(1000), end_ms.saturating_mul(1000));
                Caption { start_us, end_us, settings, text }
            };
            let captions = cues.into_iter().map(caption).collect();
            let told = stage.put_captions(track, captions).await.ok_or(Error::NotLive)?;
            told.map_err(|refusal| match refusal {
                CaptionRefusal::Unknown => Error::CaptionTrackUnknown,
                CaptionRefusal::Late(by_ms) => Error::CaptionLate { by_ms },
                CaptionRefusal::Full => Error::CaptionsFull,
            })
        })
    }

    fn begun_us(&self, show: ShowId) -> Reply<'_, i64> {
        Box::pin(async move { self.on_air(show)?.begun_us().await.ok_or(Error::NotLive) })
    }

    fn date_ranges(&self, show: ShowId) -> Reply<'_, Vec<DateRange>> {
        Box::pin(async move { self.on_air(show)?.date_ranges().await.ok_or(Error::NotLive) })
    }
}
