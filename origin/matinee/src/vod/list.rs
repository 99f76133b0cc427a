//! The playlists of a film, as far as it is made.
//!
//! In: what its pieces came to. Out: playlists in the store, each written whole, so that it does not matter what an
//! earlier lister wrote, nor when it ended. Does not know who made the pieces.

use std::collections::BTreeMap;

use origin_control::{FilmLease, FilmListed};
use origin_packager::{Facts, multivariant};
use origin_vod::machine::{Listing, Stitch};
use shared_media::{Object, RenditionId};
use shared_playlist::multivariant::ClosedCaptions;
use shared_playlist::recording;
use shared_wire::ShowId;
use shared_wire::key::{Key, KeyObject};

use super::Films;
use super::error::Failure;
use super::made::{Done, Made, Piece, read};

impl Films {
    pub(super) async fn list(&self, lease: &FilmLease) -> Result<Done, Failure> {
        let known = self.control.film(lease.asset).await?;
        let made: Made = read(known.made.as_deref().unwrap_or_default())?;
        let results = self.control.film_results(lease.asset).await?;
        let pieces = self.there(lease, known.show, results).await?;
        let listing = stitch(&made, known.show, &pieces)?;
        let (mut is_playable, mut is_complete) = (false, false);
        if let Some(listing) = listing {
            let is_last = listing.is_last;
            is_playable = self.write(known.show, &made, &pieces, listing).await?;
            is_complete = is_playable && is_last;
        }
        let results = pieces.len();
        Ok(Done::List(FilmListed { results, is_playable, is_complete }))
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

    /// Media playlists first: nobody looks for one that the multivariant playlist does not name yet. Whether there is
    /// something to play.
    async fn write(
        &self,
        show: ShowId,
        made: &Made,
        pieces: &BTreeMap<u32, Piece>,
        listing: Listing,
    ) -> Result<bool, Failure> {
        for text in listing.texts {
            let whole = if listing.is_last { recording::finish(&text.text) } else { text.text };
            self.save(Object { key: text.key, bytes: whole.into() }).await?;
        }
        let facts = facts(made, pieces);
        let Some(mut all) = multivariant(&facts, made.anchor()) else { return Ok(false) };
        if listing.is_last && all.closed_captions == ClosedCaptions::Unknown {
            all.closed_captions = ClosedCaptions::None;
        }
        let key = Key { show, object: KeyObject::Multivariant }.to_string();
        self.save(Object { key, bytes: all.render().into() }).await?;
        Ok(true)
    }
}

/// What can be listed.
fn stitch(
    made: &Made,
    show: ShowId,
    pieces: &BTreeMap<u32, Piece>,
) -> Result<Option<Listing>, Failure> {
    let key = |playlist: &str| format!("{show}/{playlist}");
    let (segments, target) = (made.cutting.cuts.len(), made.cutting.target_duration_s);
    let keys = made.playlists().into_iter().map(|playlist| key(&playlist));
    let mut stitch = Stitch::new(segments, target, keys, 0);
    for (number, piece) in pieces {
        let first = made.first_of(*number);
        for (playlist, entries) in &piece.entries {
            for (at, entry) in entries.iter().enumerate() {
                let put = stitch.put(&key(playlist), first + at, entry.clone());
                put.map_err(|error| Failure::House(error.to_string()))?;
            }
        }
    }
    Ok(stitch.take())
}

/// What there is to say of all renditions, in the plan's order.
fn facts(made: &Made, pieces: &BTreeMap<u32, Piece>) -> Vec<(RenditionId, Facts)> {
    let mut joined: BTreeMap<&RenditionId, Facts> = BTreeMap::new();
    for (id, facts) in pieces.values().flat_map(|piece| &piece.facts) {
        match joined.get_mut(id) {
            Some(known) => known.join(facts),
            None => drop(joined.insert(id, facts.clone())),
        }
    }
    let named = made.names().filter_map(RenditionId::new);
    named.filter_map(|id| joined.get(&id).cloned().map(|facts| (id, facts))).collect()
}
