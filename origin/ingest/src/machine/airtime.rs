//! Who is on air: one publisher per show, who stands by for it, and for how long a show waits for one who was cut off.
//!
//! In: publishers who come, send media and go; the end of the show; the time. Out: who is let on air, who must go, what
//! state the show is in. Does not know connections, keys or media.
//!
//! A show has two places: a primary's and a backup's. Whoever comes while the other one is on air stands by. The backup
//! steps up when the primary is gone or silent; the primary, back again, as soon as it has something to begin with.
//!
//! While a show waits for whoever was cut off, a slate may be on air. It has no place of its own: anybody goes before
//! it, and with nothing but it the show stays interrupted and ends in time.

use std::collections::VecDeque;
use std::time::Duration;

use shared_media::{Now, Poll};

use crate::{Refusal, SecondPublisher};

/// The state of a show, as viewers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Airtime {
    /// No media has come yet.
    Scheduled,
    /// Media comes.
    Live,
    /// Its publisher is gone and may come back.
    Interrupted,
    /// It is over for good.
    Ended,
}

/// Names one publisher's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublisherId(pub u64);

/// What happens to a show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A publisher with the show's key wants to go on air. `silent` says whether the one on air, if any, has not been
    /// heard of for so long that it must make room.
    Claim {
        /// Who wants to.
        publisher: PublisherId,
        /// About who is.
        silent: bool,
        /// In which of the two places.
        backup: bool,
    },
    /// A slate wants to go on air. It may while the show is interrupted and nobody is there.
    Fill(PublisherId),
    /// One who stands by has sent something, and could begin with a keyframe. `silent` says whether the one on air, if
    /// any, has not been heard of for so long that another must go on.
    StepUp {
        /// Who stands by.
        publisher: PublisherId,
        /// About who is on air.
        silent: bool,
    },
    /// The one on air stands by again, as it was told to.
    Yielded(PublisherId),
    /// Its first access unit came.
    Media(PublisherId),
    /// It is gone.
    Release(PublisherId),
    /// The show shall end.
    End,
    /// Time passed.
    Tick,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Let it on air.
    Admit(PublisherId),
    /// Let it stand by; it may step up.
    StandBy(PublisherId),
    /// Have it stand by again: another one goes on air.
    Yield(PublisherId),
    /// Turn it away.
    Refuse(PublisherId, Refusal),
    /// Close its connection; it will be released.
    Dismiss(PublisherId),
    /// Say that this is the show's state now.
    Tell(Airtime),
    /// Nobody publishes any more: hand on the end of the show.
    Finish,
}

/// One show's place on air.
#[derive(Debug)]
pub struct Slot {
    reconnect_window_us: u64,
    airtime: Airtime,
    publisher: Option<PublisherId>,
    /// Whether that is the backup.
    is_backup: bool,
    /// Whether it is a slate.
    is_slate: bool,
    /// Who stands by, and whether as the backup. One at most of each.
    standing_by: Vec<(PublisherId, bool)>,
    second: SecondPublisher,
    /// When an interrupted show ends.
    until_us: u64,
    finished: bool,
    outbox: VecDeque<Output>,
}

impl Slot {
    /// The place of a show that nobody has published to yet.
    #[must_use]
    pub fn new(reconnect_window: Duration, second: SecondPublisher) -> Self {
        Self {
            reconnect_window_us: u64::try_from(reconnect_window.as_micros()).unwrap_or(u64::MAX),
            airtime: Airtime::Scheduled,
            publisher: None,
            is_backup: false,
            is_slate: false,
            standing_by: Vec::new(),
            second,
            until_us: 0,
            finished: false,
            outbox: VecDeque::new(),
        }
    }

    /// The place of a show that an earlier process had on air: it waits for its publisher from now on.
    #[must_use]
    pub fn interrupted(reconnect_window: Duration, second: SecondPublisher, now: Now) -> Self {
        let mut slot = Self::new(reconnect_window, second);
        slot.airtime = Airtime::Interrupted;
        slot.until_us = now.monotonic_us.saturating_add(slot.reconnect_window_us);
        slot
    }

    /// From now on this becomes of a second publisher.
    pub const fn set_second(&mut self, second: SecondPublisher) {
        self.second = second;
    }

    /// The show's state.
    #[must_use]
    pub const fn airtime(&self) -> Airtime {
        self.airtime
    }

    /// Who is on air.
    #[must_use]
    pub const fn publisher(&self) -> Option<PublisherId> {
        self.publisher
    }

    /// Whether nothing would be lost if this slot were forgotten: nobody is on air and no media has come.
    #[must_use]
    pub fn is_vacant(&self) -> bool {
        let nobody = self.publisher.is_none() && self.standing_by.is_empty();
        nobody && self.airtime == Airtime::Scheduled
    }

    /// When to come back with [`Input::Tick`], in microseconds of the monotonic clock.
    #[must_use]
    pub fn deadline_us(&self) -> Option<u64> {
        let nobody = self.publisher.is_none() || self.is_slate;
        let waits = self.airtime == Airtime::Interrupted && nobody;
        waits.then_some(self.until_us)
    }

    /// Something happened. Poll until it waits, then come again.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Claim { publisher, silent, backup } => self.claim(publisher, silent, backup),
            Input::Fill(publisher) => self.fill(publisher),
            Input::StepUp { publisher, silent } => self.step_up(publisher, silent),
            Input::Yielded(publisher) if self.publisher == Some(publisher) => {
                self.publisher = None;
                self.standing_by.push((publisher, self.is_backup));
            }
            Input::Media(publisher) if self.publisher == Some(publisher) && !self.is_slate => {
                if matches!(self.airtime, Airtime::Scheduled | Airtime::Interrupted) {
                    self.tell(Airtime::Live);
                }
            }
            Input::Release(publisher) if self.publisher == Some(publisher) => {
                self.publisher = None;
                self.is_slate = false;
                self.left(now);
            }
            Input::Release(publisher) => {
                let count = self.standing_by.len();
                self.standing_by.retain(|(waiting, _)| *waiting != publisher);
                if self.standing_by.len() < count && self.publisher.is_none() {
                    self.left(now);
                }
            }
            Input::End if self.airtime != Airtime::Ended => {
                let waiting = std::mem::take(&mut self.standing_by);
                self.outbox.extend(waiting.into_iter().map(|(waits, _)| Output::Dismiss(waits)));
                if let Some(publisher) = self.publisher {
                    self.airtime = Airtime::Ended;
                    self.outbox.push_back(Output::Dismiss(publisher));
                } else {
                    self.finish();
                }
            }
            Input::Tick => self.expire(now),
            Input::Media(_) | Input::Yielded(_) | Input::End => {}
        }
    }

    /// What to do next.
    pub fn poll(&mut self) -> Poll<Output> {
        self.outbox.pop_front().map_or(Poll::Wait, Poll::Output)
    }

    fn claim(&mut self, publisher: PublisherId, silent: bool, backup: bool) {
        let is_taken = self.publisher.is_some() && self.is_backup == backup && !self.is_slate;
        let takes_over = self.second == SecondPublisher::TakeOver;
        if let Some(on_air) = self.publisher.filter(|_| is_taken && (silent || takes_over)) {
            self.outbox.push_back(Output::Dismiss(on_air));
        }
        let same = self.standing_by.iter().find(|(_, waits_as)| *waits_as == backup);
        if let Some((waiting, _)) = same.filter(|_| takes_over) {
            self.outbox.push_back(Output::Dismiss(*waiting));
        }
        let answer = if self.airtime == Airtime::Ended {
            Output::Refuse(publisher, Refusal::ShowEnded)
        } else if is_taken || same.is_some() {
            Output::Refuse(publisher, Refusal::AlreadyPublishing)
        } else if self.publisher.is_some() {
            self.standing_by.push((publisher, backup));
            Output::StandBy(publisher)
        } else {
            (self.publisher, self.is_backup) = (Some(publisher), backup);
            Output::Admit(publisher)
        };
        self.outbox.push_back(answer);
    }

    fn fill(&mut self, publisher: PublisherId) {
        let is_free = self.publisher.is_none() && self.standing_by.is_empty();
        self.outbox.push_back(match self.airtime {
            Airtime::Ended => Output::Refuse(publisher, Refusal::ShowEnded),
            Airtime::Interrupted if is_free => {
                (self.publisher, self.is_slate) = (Some(publisher), true);
                Output::Admit(publisher)
            }
            _ => Output::Refuse(publisher, Refusal::AlreadyPublishing),
        });
    }

    fn step_up(&mut self, publisher: PublisherId, silent: bool) {
        let Some(place) = self.standing_by.iter().position(|(waits, _)| *waits == publisher) else {
            return;
        };
        match self.publisher {
            None => {
                let (_, backup) = self.standing_by.swap_remove(place);
                (self.publisher, self.is_backup) = (Some(publisher), backup);
                self.outbox.push_back(Output::Admit(publisher));
            }
            Some(on_air) if silent || self.is_slate => {
                self.outbox.push_back(Output::Dismiss(on_air))
            }
            Some(on_air) if self.is_backup => self.outbox.push_back(Output::Yield(on_air)),
            Some(_) => {}
        }
    }

    /// The one on air has gone, and nobody who stands by has stepped up yet; or the last of those has gone.
    fn left(&mut self, now: Now) {
        match self.airtime {
            Airtime::Live if self.standing_by.is_empty() => {
                self.until_us = now.monotonic_us.saturating_add(self.reconnect_window_us);
                self.tell(Airtime::Interrupted);
            }
            Airtime::Live => {}
            Airtime::Ended => self.finish(),
            Airtime::Scheduled | Airtime::Interrupted => self.expire(now),
        }
    }

    fn expire(&mut self, now: Now) {
        if self.deadline_us().is_none_or(|until| until > now.monotonic_us) {
            return;
        }
        match self.publisher {
            // The end follows its release.
            Some(slate) => {
                self.airtime = Airtime::Ended;
                self.outbox.push_back(Output::Dismiss(slate));
            }
            None => self.finish(),
        }
    }

    fn tell(&mut self, airtime: Airtime) {
        self.airtime = airtime;
        self.outbox.push_back(Output::Tell(airtime));
    }

    fn finish(&mut self) {
        if !self.finished {
            self.finished = true;
            self.outbox.push_back(Output::Finish);
            self.tell(Airtime::Ended);
        }
    }
}

#[cfg(test)]
mod tests;
