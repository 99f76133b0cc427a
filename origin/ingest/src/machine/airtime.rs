//! Who is on air: one publisher per show, who stands by for it, and for how long a show waits for one who was cut off.
//!
//! In: publishers who come, send media and go; the end of the show; the time. Out: who is let on air, who must go, what
//! state the show is in. Does not know connections, keys or media.
//!
//! A show has two places: a primary's and a backup's. Whoever comes while the other one is on air stands by. The backup
//! steps up when the primary is gone or silent; the primary, back again, as soon as it has something to begin with.

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
        let waits = self.airtime == Airtime::Interrupted && self.publisher.is_none();
        waits.then_some(self.until_us)
    }

    /// Something happened. Poll until it waits, then come again.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Claim { publisher, silent, backup } => self.claim(publisher, silent, backup),
            Input::StepUp { publisher, silent } => self.step_up(publisher, silent),
            Input::Yielded(publisher) if self.publisher == Some(publisher) => {
                self.publisher = None;
                self.standing_by.push((publisher, self.is_backup));
            }
            Input::Media(publisher) if self.publisher == Some(publisher) => {
                if matches!(self.airtime, Airtime::Scheduled | Airtime::Interrupted) {
                    self.tell(Airtime::Live);
                }
            }
            Input::Release(publisher) if self.publisher == Some(publisher) => {
                self.publisher = None;
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
        let is_taken = self.publisher.is_some() && self.is_backup == backup;
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
            Some(on_air) if silent => self.outbox.push_back(Output::Dismiss(on_air)),
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
        if self.deadline_us().is_some_and(|until| until <= now.monotonic_us) {
            self.finish();
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
mod tests {
    use super::*;

    const WINDOW_US: u64 = 60_000_000;
    const FIRST: PublisherId = PublisherId(1);
    const SECOND: PublisherId = PublisherId(2);

    fn slot() -> Slot {
        Slot::new(Duration::from_micros(WINDOW_US), SecondPublisher::Refuse)
    }

    const fn claim(publisher: PublisherId) -> Input {
        Input::Claim { publisher, silent: false, backup: false }
    }

    fn after(slot: &mut Slot, us: u64, input: Input) -> Vec<Output> {
        slot.handle(Now { monotonic_us: us, utc_us: 0 }, input);
        let mut outputs = Vec::new();
        while let Poll::Output(output) = slot.poll() {
            outputs.push(output);
        }
        outputs
    }

    #[test]
    fn a_second_publisher_is_refused_and_the_first_goes_on() {
        let mut slot = slot();
        assert_eq!(after(&mut slot, 0, claim(FIRST)), [Output::Admit(FIRST)]);
        assert_eq!(after(&mut slot, 1, Input::Media(FIRST)), [Output::Tell(Airtime::Live)]);
        let refused = [Output::Refuse(SECOND, Refusal::AlreadyPublishing)];
        assert_eq!(after(&mut slot, 2, claim(SECOND)), refused);
        assert_eq!(after(&mut slot, 3, Input::Release(SECOND)), []);
        assert_eq!(after(&mut slot, 4, Input::Media(FIRST)), []);
        assert_eq!(slot.publisher(), Some(FIRST));
    }

    #[test]
    fn a_publisher_who_returns_in_time_is_live_again() {
        let mut slot = slot();
        after(&mut slot, 0, claim(FIRST));
        after(&mut slot, 0, Input::Media(FIRST));
        let interrupted = [Output::Tell(Airtime::Interrupted)];
        assert_eq!(after(&mut slot, 10, Input::Release(FIRST)), interrupted);
        assert_eq!(slot.deadline_us(), Some(10 + WINDOW_US));
        assert_eq!(after(&mut slot, 9 + WINDOW_US, Input::Tick), []);
        assert_eq!(after(&mut slot, 9 + WINDOW_US, claim(SECOND)), [Output::Admit(SECOND)]);
        assert_eq!(after(&mut slot, 20 + WINDOW_US, Input::Tick), []);
        let live = [Output::Tell(Airtime::Live)];
        assert_eq!(after(&mut slot, 21 + WINDOW_US, Input::Media(SECOND)), live);
    }

    #[test]
    fn a_publisher_who_does_not_return_ends_the_show() {
        let mut slot = slot();
        after(&mut slot, 0, claim(FIRST));
        after(&mut slot, 0, Input::Media(FIRST));
        after(&mut slot, 0, Input::Release(FIRST));
        let ended = [Output::Finish, Output::Tell(Airtime::Ended)];
        assert_eq!(after(&mut slot, WINDOW_US, Input::Tick), ended);
        let refused = [Output::Refuse(SECOND, Refusal::ShowEnded)];
        assert_eq!(after(&mut slot, WINDOW_US, claim(SECOND)), refused);
        assert_eq!(after(&mut slot, WINDOW_US, Input::End), []);
    }

    #[test]
    fn one_who_returns_without_media_does_not_keep_the_show_open() {
        let mut slot = slot();
        after(&mut slot, 0, claim(FIRST));
        after(&mut slot, 0, Input::Media(FIRST));
        after(&mut slot, 0, Input::Release(FIRST));
        after(&mut slot, 1, claim(SECOND));
        let ended = [Output::Finish, Output::Tell(Airtime::Ended)];
        assert_eq!(after(&mut slot, WINDOW_US + 1, Input::Release(SECOND)), ended);
    }

    #[test]
    fn a_show_of_an_earlier_process_waits_as_long_as_one_that_was_cut_off() {
        let now = Now { monotonic_us: 5, utc_us: 0 };
        let window = Duration::from_micros(WINDOW_US);
        let mut slot = Slot::interrupted(window, SecondPublisher::Refuse, now);
        assert_eq!(slot.deadline_us(), Some(5 + WINDOW_US));
        assert_eq!(after(&mut slot, 6, claim(FIRST)), [Output::Admit(FIRST)]);
        assert_eq!(after(&mut slot, 7, Input::Media(FIRST)), [Output::Tell(Airtime::Live)]);
        let mut slot = Slot::interrupted(window, SecondPublisher::Refuse, now);
        let ended = [Output::Finish, Output::Tell(Airtime::Ended)];
        assert_eq!(after(&mut slot, 5 + WINDOW_US, Input::Tick), ended);
    }

    #[test]
    fn an_end_dismisses_the_publisher_before_it_is_handed_on() {
        let mut slot = slot();
        after(&mut slot, 0, claim(FIRST));
        after(&mut slot, 0, Input::Media(FIRST));
        assert_eq!(after(&mut slot, 1, Input::End), [Output::Dismiss(FIRST)]);
        assert_eq!(after(&mut slot, 1, Input::Media(FIRST)), []);
        let ended = [Output::Finish, Output::Tell(Airtime::Ended)];
        assert_eq!(after(&mut slot, 2, Input::Release(FIRST)), ended);
    }

    #[test]
    fn a_silent_publisher_makes_room_for_the_next() {
        let mut slot = slot();
        after(&mut slot, 0, claim(FIRST));
        after(&mut slot, 0, Input::Media(FIRST));
        let room = [Output::Dismiss(FIRST), Output::Refuse(SECOND, Refusal::AlreadyPublishing)];
        let claimed = Input::Claim { publisher: SECOND, silent: true, backup: false };
        assert_eq!(after(&mut slot, 1, claimed), room);
        after(&mut slot, 2, Input::Release(FIRST));
        assert_eq!(after(&mut slot, 3, claim(SECOND)), [Output::Admit(SECOND)]);
    }

    const fn backup(publisher: PublisherId) -> Input {
        Input::Claim { publisher, silent: false, backup: true }
    }

    const fn step_up(publisher: PublisherId) -> Input {
        Input::StepUp { publisher, silent: false }
    }

    #[test]
    fn the_backup_goes_on_while_the_primary_is_away_and_no_longer() {
        let mut slot = slot();
        after(&mut slot, 0, claim(FIRST));
        after(&mut slot, 0, Input::Media(FIRST));
        assert_eq!(after(&mut slot, 1, backup(SECOND)), [Output::StandBy(SECOND)]);
        assert_eq!(after(&mut slot, 2, step_up(SECOND)), [], "the primary is on air");
        let third = PublisherId(3);
        let refused = [Output::Refuse(third, Refusal::AlreadyPublishing)];
        assert_eq!(after(&mut slot, 2, backup(third)), refused, "there is a backup");
        assert_eq!(after(&mut slot, 3, Input::Release(FIRST)), [], "the show stays live");
        assert_eq!(after(&mut slot, 4, step_up(SECOND)), [Output::Admit(SECOND)]);
        assert_eq!(after(&mut slot, 4, Input::Media(SECOND)), []);
        assert_eq!(after(&mut slot, 5, claim(third)), [Output::StandBy(third)]);
        assert_eq!(after(&mut slot, 6, step_up(third)), [Output::Yield(SECOND)]);
        assert_eq!(after(&mut slot, 7, Input::Yielded(SECOND)), []);
        assert_eq!(after(&mut slot, 8, step_up(third)), [Output::Admit(third)]);
        assert_eq!(after(&mut slot, 9, step_up(SECOND)), [], "it stands by again");
        after(&mut slot, 10, Input::Release(SECOND));
        let interrupted = [Output::Tell(Airtime::Interrupted)];
        assert_eq!(after(&mut slot, 11, Input::Release(third)), interrupted);
    }

    #[test]
    fn a_silent_primary_is_dismissed_for_the_backup() {
        let mut slot = slot();
        after(&mut slot, 0, claim(FIRST));
        after(&mut slot, 0, backup(SECOND));
        let silent = Input::StepUp { publisher: SECOND, silent: true };
        assert_eq!(after(&mut slot, 1, silent), [Output::Dismiss(FIRST)]);
        after(&mut slot, 2, Input::Release(FIRST));
        assert_eq!(after(&mut slot, 3, step_up(SECOND)), [Output::Admit(SECOND)]);
        assert_eq!(after(&mut slot, 4, Input::End), [Output::Dismiss(SECOND)]);
    }

    #[test]
    fn the_end_dismisses_who_stands_by() {
        let mut slot = slot();
        after(&mut slot, 0, claim(FIRST));
        after(&mut slot, 0, backup(SECOND));
        let both = [Output::Dismiss(SECOND), Output::Dismiss(FIRST)];
        assert_eq!(after(&mut slot, 1, Input::End), both);
        assert_eq!(after(&mut slot, 1, step_up(SECOND)), []);
        assert_eq!(after(&mut slot, 2, Input::Release(SECOND)), []);
        let ended = [Output::Finish, Output::Tell(Airtime::Ended)];
        assert_eq!(after(&mut slot, 2, Input::Release(FIRST)), ended);
    }

    #[test]
    fn a_second_publisher_takes_over_where_that_is_the_rule() {
        let mut slot = Slot::new(Duration::from_micros(WINDOW_US), SecondPublisher::TakeOver);
        after(&mut slot, 0, claim(FIRST));
        let room = [Output::Dismiss(FIRST), Output::Refuse(SECOND, Refusal::AlreadyPublishing)];
        assert_eq!(after(&mut slot, 1, claim(SECOND)), room);
        after(&mut slot, 2, Input::Release(FIRST));
        assert_eq!(after(&mut slot, 3, claim(SECOND)), [Output::Admit(SECOND)]);
    }

    #[test]
    fn a_key_that_was_only_tried_leaves_nothing_behind() {
        let mut slot = slot();
        after(&mut slot, 0, claim(FIRST));
        assert_eq!(after(&mut slot, 1, Input::Release(FIRST)), []);
        assert!(slot.is_vacant());
    }
}
