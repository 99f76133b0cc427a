//! Subtitles that were uploaded, as renditions of the film: made at any time, also when all else is ready.
//!
//! In: cues of a file, how the film is cut. Out: segments with the film's own cuts, and what playlists may list of
//! them. Does not know how files are read.

use std::sync::Arc;

use origin_control::{FilmLease, FilmSubtitles};
use origin_packager::{Caption, CaptionTrack, Facts};
use shared_media::{Plan, RenditionId, Staged, Ticks};

use super::Films;
use super::error::Failure;
use super::hold::Hold;
use super::made::{Done, Made, PLAYLIST, Part, Piece, read, write};
use super::piece::Making;

/// The rendition of subtitles: those that come in their place have another.
fn rendition(subtitles: &FilmSubtitles) -> String {
    format!("sub-{}", subtitles.number.saturating_sub(FilmLease::TEXTS_FIRST))
}

/// Their playlist, below the film's show.
pub(super) fn playlist(subtitles: &FilmSubtitles) -> String {
    format!("{}/{PLAYLIST}", rendition(subtitles))
}

/// What they are to a viewer.
fn track(subtitles: &FilmSubtitles) -> Option<CaptionTrack> {
    Some(CaptionTrack {
        id: RenditionId::new(&rendition(subtitles))?,
        language: subtitles.language.clone(),
        name: subtitles.name.clone(),
        default: subtitles.is_default,
        forced: subtitles.is_forced,
    })
}

/// What there is to say of them, behind what there is to say of the film: each is chosen by a name of its own. What
/// they are called may have changed since they were made.
pub(super) fn name(
    all: &mut Vec<(RenditionId, Facts)>,
    subtitles: &FilmSubtitles,
    made: &Facts,
) -> Option<()> {
    let mut track = track(subtitles)?;
    let mut names = all.iter().filter_map(|(_, facts)| facts.captions());
    if names.any(|other| other.name == track.name) {
        track.name = format!("{} ({})", track.name, track.id);
    }
    let (id, mut facts) = (track.id.clone(), made.clone());
    facts.rename(track);
    all.push((id, facts));
    Some(())
}

impl Films {
    pub(super) async fn subtitles(&self, hold: &Arc<Hold>) -> Result<Done, Failure> {
        let lease = &hold.lease;
        let known = self.control.film(lease.asset).await?;
        let made: Made = read(known.made.as_deref().unwrap_or_default())?;
        let found = self.control.film_subtitles_of(lease).await?;
        let Some((subtitles, cues)) = found else {
            // They were deleted, and nobody keeps what is said of them.
            return Ok(Done::Media(write(&Piece::default())?, 0));
        };
        let unnamed = || Failure::House("a rendition of this name cannot be".to_owned());
        let track = track(&subtitles).ok_or_else(unnamed)?;
        let (id, part) = (track.id.clone(), Part::Sounds);
        let config = self.texts_config(vec![track]);
        let mut making = Making::of(self, hold, known.show, &made, part, config);
        let target_duration_s = made.cutting.target_duration_s;
        let plan = Plan { rungs: Vec::new(), target_duration_s, memo: String::new() };
        making.take(Staged::Plan(plan)).await?;
        let at = |ms: i64| made.anchor_us.saturating_add(ms.saturating_mul(1000));
        let is_shown = |start_ms: i64| Ticks::from_millis(start_ms) < made.length;
        let cues = cues.into_iter().filter(|cue| is_shown(cue.start_ms)).map(|cue| Caption {
            start_us: at(cue.start_ms),
            end_us: at(cue.end_ms),
            settings: cue.settings,
            text: cue.text,
        });
        making.put_cues(&id, cues.collect())?;
        let mut piece = making.end().await?;
        piece.complete(&[playlist(&subtitles)], made.cuts(part).len())?;
        let length_ms = made.length.as_micros() / 1000;
        Ok(Done::Media(write(&piece)?, u64::try_from(length_ms).unwrap_or_default()))
    }
}
