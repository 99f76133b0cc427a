//! The playlists of a film, as far as it is made.
//!
//! In: what its pieces came to. Out: how far it can be listed; playlists as texts, each whole. They say the same
//! whoever makes them, and when: they depend on the rows alone. Does not know who made the pieces.

use std::collections::{BTreeMap, BTreeSet};

use origin_control::{FilmLease, FilmListed, FilmSubtitles};
use origin_packager::{Facts, multivariant};
use origin_vod::machine::{Listing, Stitch};
use shared_media::RenditionId;
use shared_playlist::multivariant::ClosedCaptions;
use shared_playlist::recording;
use shared_wire::key::{Key, KeyObject};
use shared_wire::{AssetId, ShowId};

use super::error::Failure;
use super::hold::Hold;
use super::made::{Done, Made, Piece, read};
use super::{Films, board, texts};

/// What can be listed, playlists and the storyboard: their keys and texts.
pub(super) struct Lists {
    /// The multivariant one is the last: nobody looks for one that it does not name yet.
    pub(super) texts: Vec<(String, String)>,
    /// Whether nothing more comes.
    pub(super) is_last: bool,
}

/// What jobs of a film came to.
pub(super) struct Results {
    /// By their numbers.
    pub(super) all: BTreeMap<u32, String>,
    /// Those that are done.
    done: BTreeSet<u32>,
}

/// What pieces came to: those whose objects are there, and the numbers of those whose are not.
pub(super) type There = (BTreeMap<u32, Piece>, Vec<u32>);

impl Films {
    pub(super) async fn list(&self, lease: &FilmLease, hold: &Hold) -> Result<Done, Failure> {
        let known = self.control.film(lease.asset).await?;
        let made: Made = read(known.made.as_deref().unwrap_or_default())?;
        let Results { all, done } = self.results(lease.asset).await?;
        let (pieces, lost) = self.there(lease.asset, known.show, all, || hold.may()).await?;
        if !lost.is_empty() {
            tracing::warn!(asset = %lease.asset, pieces = ?lost, "pieces are lost; made again");
            self.control.redo_film_jobs(lease, &lost).await?;
        }
        let subtitles = self.control.film_subtitles(lease.asset).await?;
        let results = pieces.keys().filter(|number| done.contains(number)).count();
        let subtitle_changes = known.subtitle_changes;
        let film = Listed::of(made, pieces, subtitles);
        let lists = film.lists(known.show)?;
        let (is_playable, is_complete, has_cover) =
            (lists.is_some(), lists.as_ref().is_some_and(|lists| lists.is_last), film.has_cover());
        if let Some(lists) = lists {
            self.bring_listed(known.show, lists, hold).await?;
        }
        let listed = FilmListed { results, is_playable, is_complete, has_cover, subtitle_changes };
        Ok(Done::List(listed))
    }

    /// What jobs of a film came to, and how far those came that say so before they are done.
    pub(super) async fn results(&self, asset: AssetId) -> Result<Results, Failure> {
        let so_far = self.control.film_so_far(asset).await?;
        let results = self.control.film_results(asset).await?;
        let done = results.iter().map(|(number, _)| *number).collect();
        let all: BTreeMap<u32, String> = so_far.into_iter().chain(results).collect();
        Ok(Results { all, done })
    }

    /// The results whose objects are there, and those whose are not.
    pub(super) async fn there(
        &self,
        asset: AssetId,
        show: ShowId,
        results: BTreeMap<u32, String>,
        may: impl Fn() -> bool,
    ) -> Result<There, Failure> {
        let mut all = BTreeMap::new();
        for (number, text) in results {
            all.insert(number, read::<Piece>(&text)?);
        }
        let unseen = |number: u32| !self.is_seen((asset, number));
        let named = all.iter().filter(|(number, _)| unseen(**number));
        let named: Vec<String> = named.flat_map(|(_, piece)| piece.objects(show)).collect();
        let held = self.shelf.held(named, may).await?;
        let is_there = |piece: &Piece| piece.objects(show).iter().all(|key| held.contains(key));
        let lost = |(number, piece): &(&u32, &Piece)| unseen(**number) && !is_there(piece);
        let lost: Vec<u32> = all.iter().filter(lost).map(|(number, _)| *number).collect();
        all.retain(|number, _| !lost.contains(number));
        all.keys().for_each(|number| self.see((asset, *number)));
        Ok((all, lost))
    }
}

/// A film as far as it is made.
pub(super) struct Listed {
    made: Made,
    /// What its own pieces came to.
    pieces: BTreeMap<u32, Piece>,
    /// Subtitles that were uploaded, and what they came to.
    subtitles: Vec<(FilmSubtitles, Piece)>,
}

impl Listed {
    /// Of these results; those of subtitles that are there no more are left out.
    pub(super) fn of(
        made: Made,
        mut pieces: BTreeMap<u32, Piece>,
        subtitles: Vec<FilmSubtitles>,
    ) -> Self {
        let mut texts = pieces.split_off(&FilmLease::TEXTS_FIRST);
        let made_of = |one: FilmSubtitles| {
            let piece = texts.remove(&one.number)?;
            Some((one, piece))
        };
        let subtitles = subtitles.into_iter().filter_map(made_of).collect();
        Self { made, pieces, subtitles }
    }

    /// Whether there is a cover.
    fn has_cover(&self) -> bool {
        self.pieces.values().any(|piece| piece.pictures.has_cover)
    }

    /// Everything that can be listed; `None` as long as nothing can be played.
    pub(super) fn lists(&self, show: ShowId) -> Result<Option<Lists>, Failure> {
        let Some(Listing { texts, is_last, .. }) = self.stitch(show)? else { return Ok(None) };
        let Some(mut all) = multivariant(&self.facts(), self.made.anchor()) else {
            return Ok(None);
        };
        if is_last && all.closed_captions == ClosedCaptions::Unknown {
            all.closed_captions = ClosedCaptions::None;
        }
        let whole = |text: String| if is_last { recording::finish(&text) } else { text };
        let media = texts.into_iter().map(|text| (text.key, whole(text.text)));
        let key = |object| Key { show, object }.to_string();
        let pictures = self.pieces.values().map(|piece| &piece.pictures);
        let board = board::text(&self.made, pictures);
        let board = board.map(|text| (key(KeyObject::Storyboard), text));
        let all = (key(KeyObject::Multivariant), all.render());
        Ok(Some(Lists { texts: media.chain(board).chain([all]).collect(), is_last }))
    }

    /// What can be listed.
    fn stitch(&self, show: ShowId) -> Result<Option<Listing>, Failure> {
        let key = |playlist: &str| format!("{show}/{playlist}");
        let cutting = &self.made.cutting;
        let uploaded = self.subtitles.iter().map(|(subtitles, _)| texts::playlist(subtitles));
        let playlists = self.made.playlists().into_iter().chain(uploaded);
        let keys = playlists.map(|playlist| key(&playlist));
        let mut stitch = Stitch::new(cutting.cuts.len(), cutting.target_duration_s, keys, 0);
        let own = self.pieces.iter().map(|(number, piece)| (self.made.first_of(*number), piece));
        let uploaded = self.subtitles.iter().map(|(_, piece)| (0, piece));
        for (first, piece) in own.chain(uploaded) {
            for (playlist, entries) in &piece.entries {
                for (at, entry) in entries.iter().enumerate() {
                    let put = stitch.put(&key(playlist), first + at, entry.clone());
                    put.map_err(|error| Failure::House(error.to_string()))?;
                }
            }
        }
        Ok(stitch.take())
    }

    /// What there is to say of all renditions, in the plan's order; behind them what was uploaded.
    fn facts(&self) -> Vec<(RenditionId, Facts)> {
        let mut joined: BTreeMap<&RenditionId, Facts> = BTreeMap::new();
        for (id, facts) in self.pieces.values().flat_map(|piece| &piece.facts) {
            match joined.get_mut(id) {
                Some(known) => known.join(facts),
                None => drop(joined.insert(id, facts.clone())),
            }
        }
        let named = self.made.names().filter_map(RenditionId::new);
        let known = |id: RenditionId| Some((id.clone(), joined.get(&id)?.clone()));
        let mut all: Vec<_> = named.filter_map(known).collect();
        for (subtitles, piece) in &self.subtitles {
            let facts = piece.facts.first().map(|(_, facts)| facts);
            // One whose name cannot be was not made either.
            let _ = facts.and_then(|facts| texts::name(&mut all, subtitles, facts));
        }
        all
    }
}
