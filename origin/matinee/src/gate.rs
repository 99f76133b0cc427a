//! The gate between publishers and the house: whose stream key is good, and where an opened show goes.
//!
//! In: what ingest asks and reports. Out: control's answers, shows handed to [`Stages`], states written by one task in
//! the order things happened. Does not know RTMP or rows.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use origin_control::{Control, Ownership, ShowRecord};
use origin_ingest::{
    Admission, Airtime, Gate, Opening, Refusal, SecondPublisher, StreamKey, Verdict,
};
use shared_media::Splice;
use shared_wire::ShowId;
use shared_wire::api::{SecondPublisher as Second, State};
use tokio::sync::mpsc;

use crate::away::Away;
use crate::hooks::{Event, Hooks, Judgement, Rungs};
use crate::stage::Stages;

/// State changes that may wait for the database.
const STATES_QUEUED_MAX: usize = 1024;

/// Answers ingest. It exists before control does, so that the RTMP port is known when control is opened; until then
/// publishers are told to try again.
pub(crate) struct HouseGate {
    inside: OnceLock<Inside>,
}

struct Inside {
    control: Control,
    hooks: Hooks,
    /// The rungs that were chosen for shows which are not on the air yet. Bounded by publishers that are connected.
    chosen: Mutex<HashMap<ShowId, Rungs>>,
    stages: Arc<Stages>,
    states: mpsc::Sender<(ShowId, State)>,
    /// What becomes of a second publisher where a show does not say.
    second: SecondPublisher,
}

impl HouseGate {
    pub(crate) const fn closed() -> Self {
        Self { inside: OnceLock::new() }
    }

    /// Lets publishers in from now on.
    pub(crate) fn open(
        &self,
        control: Control,
        stages: Arc<Stages>,
        hooks: Hooks,
        away: Away,
        second: SecondPublisher,
    ) {
        let (states, changes) = mpsc::channel(STATES_QUEUED_MAX);
        tokio::spawn(write_states(control.clone(), hooks.clone(), away, changes));
        // A second opening would be a defect of the start sequence; the first one stays.
        let chosen = Mutex::default();
        let _ = self.inside.set(Inside { control, hooks, chosen, stages, states, second });
    }
}

impl Gate for HouseGate {
    fn admit<'a>(&'a self, key: &'a StreamKey, peer: SocketAddr) -> Verdict<'a> {
        Box::pin(async move {
            let inside = self.inside.get().ok_or(Refusal::Unavailable)?;
            let found = inside.control.show_by_stream_key(key.expose()).await;
            let show = found.map_err(|error| {
                tracing::error!(%error, "a stream key could not be judged");
                Refusal::Unavailable
            })?;
            let show = show.ok_or(Refusal::WrongKey)?;
            if show.state == State::Ended {
                return Err(Refusal::ShowEnded);
            }
            inside.judge(&show, peer, key.is_backup()).await?;
            let rule = show.broadcast.second_publisher;
            let usual = inside.second == SecondPublisher::TakeOver;
            let takes_over = rule.map_or(usual, |rule| rule == Second::TakeOver);
            inside.claim(show.show, takes_over).await?;
            let second_publisher = show.broadcast.second_publisher.map(|rule| match rule {
                Second::Refuse => SecondPublisher::Refuse,
                Second::TakeOver => SecondPublisher::TakeOver,
            });
            Ok(Admission { show: show.show.to_string(), resume: None, second_publisher })
        })
    }

    fn opened(&self, opening: Opening) {
        let show = opening.show.parse::<ShowId>().ok();
        if let (Some(inside), Some(show)) = (self.inside.get(), show) {
            let chosen = inside.chosen().remove(&show);
            let own = || inside.control.show_state(show)?.broadcast.ladder;
            let rungs = chosen.or_else(own);
            let Opening { anchor, publications, .. } = opening;
            if let Some(claim) = inside.control.claimed(show) {
                inside.stages.begin(show, anchor, publications, rungs, claim);
                return;
            }
            // It is fetched from elsewhere, or its publisher took long to begin. Whoever is not begun is dismissed.
            let (control, stages) = (inside.control.clone(), inside.stages.clone());
            tokio::spawn(async move {
                match control.claim(show, false).await {
                    Ok(Ownership::Here(claim)) => {
                        stages.begin(show, anchor, publications, rungs, claim);
                    }
                    Ok(Ownership::Elsewhere) => {
                        tracing::warn!(%show, "another node has the show: it does not begin here");
                    }
                    Err(error) => tracing::error!(%show, %error, "the show does not begin"),
                }
            });
        }
    }

    fn spliced(&self, show: &str, splice: Splice) {
        let stage = show.parse().ok().and_then(|show| self.inside.get()?.stages.live(show));
        if stage.is_none_or(|stage| !stage.splice(splice)) {
            tracing::warn!(show, "a splice came to a show that could not take it");
        }
    }

    fn airtime(&self, show: &str, airtime: Airtime) {
        let state = match airtime {
            Airtime::Scheduled => State::Scheduled,
            Airtime::Live => State::Live,
            Airtime::Interrupted => State::Interrupted,
            // The recording must be there before the page offers it, so the stage reports the end.
            Airtime::Ended => return,
        };
        if let (Some(inside), Ok(show)) = (self.inside.get(), show.parse())
            && inside.states.try_send((show, state)).is_err()
        {
            tracing::error!(%show, ?state, "the database is too slow: a show's state is lost");
        }
    }
}

impl Inside {
    /// Takes the show for this node.
    async fn claim(&self, show: ShowId, takes_over: bool) -> Result<(), Refusal> {
        match self.control.claim(show, takes_over).await {
            Ok(Ownership::Here(_)) => Ok(()),
            Ok(Ownership::Elsewhere) => {
                tracing::info!(%show, takes_over, "another node has the show");
                Err(Refusal::AlreadyPublishing)
            }
            Err(error) => {
                tracing::error!(%show, %error, "who has the show is not known");
                Err(Refusal::Unavailable)
            }
        }
    }

    /// Whether the operator's receiver lets a publisher in. Where it does not say, a show that is on the air goes on.
    async fn judge(
        &self,
        show: &ShowRecord,
        peer: SocketAddr,
        is_backup: bool,
    ) -> Result<(), Refusal> {
        let on_air = matches!(show.state, State::Live | State::Interrupted);
        match self.hooks.judge(show, peer, is_backup).await {
            Judgement::Admit(_) if on_air => Ok(()),
            Judgement::Admit(rungs) => {
                let room = self.stages.has_room(rungs.as_ref().or(show.broadcast.ladder.as_ref()));
                room.map_err(|why| Refusal::NoRoom(why.to_string()))?;
                if let Some(rungs) = rungs {
                    self.chosen().insert(show.show, rungs);
                }
                Ok(())
            }
            Judgement::Refuse => Err(Refusal::NotAllowed),
            Judgement::Unknown if on_air => Ok(()),
            Judgement::Unknown => Err(Refusal::Unavailable),
        }
    }

    fn chosen(&self) -> MutexGuard<'_, HashMap<ShowId, Rungs>> {
        self.chosen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write_states(
    control: Control,
    hooks: Hooks,
    away: Away,
    mut changes: mpsc::Receiver<(ShowId, State)>,
) {
    while let Some((show, state)) = changes.recv().await {
        let before = control.show_state(show).map(|known| known.state);
        if state == State::Interrupted {
            away.begin(&control, show);
        }
        match control.set_state(show, state).await {
            Ok(true) => {
                if let Some(event) = event(before, state) {
                    hooks.tell(show, event);
                }
            }
            Ok(false) => {}
            Err(error) => tracing::error!(%show, ?state, %error, "a show's state was not kept"),
        }
    }
}

/// What a change of state is to those who are told.
const fn event(from: Option<State>, to: State) -> Option<Event> {
    match (from, to) {
        (Some(State::Interrupted), State::Live) => Some(Event::Resumed),
        (_, State::Live) => Some(Event::Started),
        (_, State::Interrupted) => Some(Event::Interrupted),
        (_, State::Scheduled | State::Ended) => None, // the stage tells of the end
    }
}
