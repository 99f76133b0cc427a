//! The playlists of a film, as far as it is made.
//!
//! In: what its pieces came to. Out: playlists in the store, each written whole, so that it does not matter what an
//! earlier lister wrote, nor when it ended. Does not know who made the pieces.

use std::collections::BTreeMap;

use origin_control::{FilmLease, FilmListed, FilmSubtitles};
use origin_packager::{Facts, multivariant};
use origin_vod::machine::{Listing, Stitch};
use shared_media::{Object, RenditionId};
use shared_playlist::multivariant::ClosedCaptions;
use shared_playlist::recording;
use shared_wire::ShowId;
use shared_wire::key::{Key, KeyObject};

use super::error::Failure;
use super::made::{Done, Made, Piece, read};
use super::{Films, board, texts};

impl Films {
    pub(super) async fn list(&self, lease: &FilmLease) -> Result<Done, Failure> {
        let known = self.control.film(lease.asset).await?;
        let made: Made = read(known.made.as_deref().unwrap_or_default())?;
        let results = self.control.film_results(lease.asset).await?;
        let pieces = self.there(lease, known.show, results).await?;
        let results = pieces.len();
        let subtitles = self.control.film_subtitles(lease.asset).await?;
        let film = Listed::of(made, pieces, subtitles);
        let listing = film.stitch(known.show)?;
        let (mut is_playable, mut is_complete) = (false, false);
        if let Some(listing) = listing {
            let is_last = listing.is_last;
            is_playable = self.write(known.show, &film, listing).await?;
            is_complete = is_playable && is_last;
        }
        let has_cover = self.write_board(known.show, &film).await?;
        let subtitle_changes = known.subtitle_changes;
        let listed = FilmListed { results, is_playable, is_complete, has_cover, subtitle_changes };
        Ok(Done::List(listed))
    }

    /// The results whose objects are there; those whose are not are made again.
    async fn there(
        &self,
        lease: &FilmLease,
        show: ShowId,
        results: Vec<(u32, String)>,
    ) -> Result<BTreeMap<u32, Piece>, Failure> {
        let (mut pieces, mut lost) = (BTreeMap::new(), Vec::new());
        for (number, text) in results {
            let piece: Piece = read(&text)?;
            let id = (lease.asset, number);
            if !self.is_seen(id) {
                let named: Vec<String> = piece.objects(show).into_iter().collect();
                let count = named.len();
                if self.store.held(&show.to_string(), named).await?.len() < count {
                    lost.push(number);
                    continue;
                }
                self.see(id);
            }
            pieces.insert(number, piece);
        }
        if !lost.is_empty() {
            tracing::warn!(asset = %lease.asset, pieces = ?lost, "pieces are lost; made again");
            self.control.redo_film_jobs(lease, &lost).await?;
        }
        Ok(pieces)
    }

    /// Writes the storyboard of the pieces that are there; whether there is a cover.
    async fn write_board(&self, show: ShowId, film: &Listed) -> Result<bool, Failure> {
        let pictures = || film.pieces.values().map(|piece| &piece.pictures);
        if let Some(text) = board::text(&film.made, pictures()) {
            let key = Key { show, object: KeyObject::Storyboard }.to_string();
            self.save(Object { key, bytes: text.into() }).await?;
        }
        Ok(pictures().any(|pictures| pictures.has_cover))
    }

    /// Media playlists first: nobody looks for one that the multivariant playlist does not name yet. Whether there is
    /// something to play.
    async fn write(&self, show: ShowId, film: &Listed, listing: Listing) -> Result<bool, Failure> {
        for text in listing.texts {
            let whole = if listing.is_last { recording::finish(&text.text) } else { text.text };
            self.save(Object { key: text.key, bytes: whole.into() }).await?;
        }
        let Some(mut all) = multivariant(&film.facts(), film.made.anchor()) else {
            return Ok(false);
        };
        if listing.is_last && all.closed_captions == ClosedCaptions::Unknown {
            all.closed_captions = ClosedCaptions::None;
        }
        let key = Key { show, object: KeyObject::Multivariant }.to_string();
        self.save(Object { key, bytes: all.render().into() }).await?;
        Ok(true)
    }
}

/// A film as far as it is made.
struct Listed {
    made: Made,
    /// What its own pieces came to.
    pieces: BTreeMap<u32, Piece>,
    /// Subtitles that were uploaded, and what they came to.
    subtitles: Vec<(FilmSubtitles, Piece)>,
}

impl Listed {
    /// Of these results; those of subtitles that are there no more are left out.
    fn of(made: Made, mut pieces: BTreeMap<u32, Piece>, subtitles: Vec<FilmSubtitles>) -> Self {
        let mut texts = pieces.split_off(&FilmLease::TEXTS_FIRST);
        let made_of = |one: FilmSubtitles| {
            let piece = texts.remove(&one.number)?;
            Some((one, piece))
        };
        let subtitles = subtitles.into_iter().filter_map(made_of).collect();
        Self { made, pieces, subtitles }
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
