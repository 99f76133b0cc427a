//! The playlists of a film, as far as it is made.
//!
//! In: what its pieces came to. Out: how far it can be listed; playlists as texts, each whole. They say the same
//! whoever makes them, and when: they depend on the rows alone. Does not know who made the pieces.

use std::collections::BTreeMap;

use origin_control::{FilmLease, FilmListed};
use origin_packager::{Facts, multivariant};
use origin_vod::machine::{Listing, Stitch};
use shared_media::RenditionId;
use shared_playlist::multivariant::ClosedCaptions;
use shared_playlist::recording;
use shared_wire::key::{Key, KeyObject};
use shared_wire::{AssetId, ShowId};

use super::Films;
use super::error::Failure;
use super::hold::Hold;
use super::made::{Done, Made, Piece, read};

/// Playlists that can be listed: their keys and texts.
pub(super) struct Lists {
    /// The multivariant one is the last: nobody looks for one that it does not name yet.
    pub(super) texts: Vec<(String, String)>,
    /// Whether nothing more comes.
    pub(super) is_last: bool,
}

/// What pieces came to: those whose objects are there, and the numbers of those whose are not.
pub(super) type There = (BTreeMap<u32, Piece>, Vec<u32>);

impl Films {
    pub(super) async fn list(&self, lease: &FilmLease, hold: &Hold) -> Result<Done, Failure> {
        let known = self.control.film(lease.asset).await?;
        let made: Made = read(known.made.as_deref().unwrap_or_default())?;
        let results = self.control.film_results(lease.asset).await?;
        let (pieces, lost) = self.there(lease.asset, known.show, results, || hold.may()).await?;
        if !lost.is_empty() {
            tracing::warn!(asset = %lease.asset, pieces = ?lost, "pieces are lost; made again");
            self.control.redo_film_jobs(lease, &lost).await?;
        }
        let lists = lists(&made, known.show, &pieces)?;
        let (is_playable, is_complete) =
            (lists.is_some(), lists.as_ref().is_some_and(|lists| lists.is_last));
        if let Some(lists) = lists {
            self.bring_listed(known.show, lists, hold).await?;
        }
        Ok(Done::List(FilmListed { results: pieces.len(), is_playable, is_complete }))
    }

    /// The results whose objects are there, and those whose are not.
    pub(super) async fn there(
        &self,
        asset: AssetId,
        show: ShowId,
        results: Vec<(u32, String)>,
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

/// Everything that can be listed; `None` as long as nothing can be played.
pub(super) fn lists(
    made: &Made,
    show: ShowId,
    pieces: &BTreeMap<u32, Piece>,
) -> Result<Option<Lists>, Failure> {
    let Some(Listing { texts, is_last, .. }) = stitch(made, show, pieces)? else { return Ok(None) };
    let Some(mut all) = multivariant(&facts(made, pieces), made.anchor()) else {
        return Ok(None);
    };
    if is_last && all.closed_captions == ClosedCaptions::Unknown {
        all.closed_captions = ClosedCaptions::None;
    }
    let whole = |text: String| if is_last { recording::finish(&text) } else { text };
    let media = texts.into_iter().map(|text| (text.key, whole(text.text)));
    let key = Key { show, object: KeyObject::Multivariant }.to_string();
    let texts = media.chain(std::iter::once((key, all.render()))).collect();
    Ok(Some(Lists { texts, is_last }))
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
