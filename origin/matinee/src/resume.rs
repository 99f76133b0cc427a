//! Shows that were on the air when the house was killed go on.
//!
//! In: what the store found of an earlier process, what control knows of the shows. Out: shows on the air that wait for
//! their publishers; whatever cannot go on is ended, and its recording finished. Does not know what notes say.

use std::collections::HashMap;
use std::sync::Arc;

use origin_control::{Control, Ownership};
use origin_ingest::{Resume, Server};
use origin_packager::{Held, Notes};
use origin_storage::{Left, Store};
use shared_media::{Note, ObjectSink as _};
use shared_wire::ShowId;
use shared_wire::api::State;
use shared_wire::key::Key;

use crate::recorded;
use crate::stage::Stages;

/// Goes on with every show that was on the air, or ends it: those that go on. To be called before any publisher is let
/// in.
pub(crate) async fn go_on(
    control: &Control,
    store: &Store,
    stages: &Arc<Stages>,
    ingest: &Server,
) -> Vec<ShowId> {
    // Lines that were cut off are removed from playlists by looking for them.
    let open = store.open_recordings().await.unwrap_or_else(|error| {
        tracing::error!(%error, "recordings could not be looked for");
        Vec::new()
    });
    let mut resumed = Vec::new();
    for left in store.left_behind() {
        match show_of(control, &left) {
            Some((show, notes))
                if resume(show, &notes, &left, (control, store, stages, ingest)).await =>
            {
                tracing::warn!(%show, "the house was killed during the show; it goes on");
                stages.interrupted(show);
                resumed.push(show);
            }
            _ => store.note(&left.show, Note::End),
        }
    }
    // Films that grow are gone on with by whoever makes them.
    let is_film = |key: &Key| control.show_state(key.show).is_some_and(|show| show.asset.is_some());
    let mut left = HashMap::new();
    for key in open.iter().filter(|key| !resumed.contains(&key.show) && !is_film(key)) {
        left.entry(key.show).or_insert_with(Vec::new).push(key.clone());
    }
    for (show, keys) in left {
        tracing::warn!(%show, "the show cannot go on; its recording is finished");
        recorded::finish(store, &keys).await;
    }
    for show in control.shows() {
        let on_air = matches!(show.state, State::Live | State::Interrupted);
        if !on_air || resumed.contains(&show.show) || control.is_elsewhere(show.show) {
            continue;
        }
        if let Err(error) = control.set_state(show.show, State::Ended).await {
            tracing::error!(show = %show.show, %error, "the show's end was not kept");
        }
        stages.over(show.show, open.iter().any(|key| key.show == show.show));
    }
    resumed
}

/// The show and its notes, if it was on the air and they can be read.
fn show_of(control: &Control, left: &Left) -> Option<(ShowId, Notes)> {
    let show: ShowId = left.show.parse().ok()?;
    let state = control.show_state(show)?.state;
    let on_air = matches!(state, State::Live | State::Interrupted);
    Some((show, Notes::read(&left.notes)?)).filter(|_| on_air)
}

async fn resume(
    show: ShowId,
    notes: &Notes,
    left: &Left,
    (control, store, stages, ingest): (&Control, &Store, &Arc<Stages>, &Server),
) -> bool {
    // Its own earlier process had it: it is this one's at once, unless another node has taken it.
    let claim = match control.claim(show, false).await {
        Ok(Ownership::Here(claim)) => claim,
        Ok(Ownership::Elsewhere) => return false,
        Err(error) => {
            tracing::error!(%show, %error, "who has the show is not known");
            return false;
        }
    };
    let held = held(show, notes, left, store).await;
    let resume = Resume { anchor: notes.anchor(), last_dts: notes.end() };
    let publications = ingest.wait_for(&left.show, resume);
    let resumed = stages.resume(show, (notes, &held), publications, claim.clone());
    if !resumed {
        control.give_back(&claim).await;
        ingest.desk().end(&left.show);
    }
    resumed
}

/// What is left of the show's objects.
async fn held(show: ShowId, notes: &Notes, left: &Left, store: &Store) -> Held {
    let mut held = Held::default();
    let (playlists, segments) = notes.objects(show);
    for part in &left.parts {
        held.parts.insert(part.key.clone(), part.bytes.clone());
    }
    let known = segments.into_iter().filter(|key| Key::parse(key).is_some()).collect();
    match store.held(&left.show, known).await {
        Ok(segments) => held.segments.extend(segments),
        Err(error) => tracing::error!(%show, %error, "which segments are left is not known"),
    }
    for key in playlists {
        let Some(parsed) = Key::parse(&key) else { continue };
        match store.own_text(&parsed).await {
            Ok(Some(text)) => {
                held.recordings.insert(key, text);
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%key, %error, "a recording begins anew"),
        }
    }
    held
}
