//! Who is on air: one publisher per show, and for how long a show waits for one who was cut off.
//!
//! In: publishers who come, send media and go; the end of the show; the time. Out: who is let on air, who must go, what
//! state the show is in. Does not know connections, keys or media.

use std::collections::VecDeque;
use std::time::Duration;

use shared_media::{Now, Poll};

use crate::Refusal;

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
    },
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
    /// When an interrupted show ends.
    until_us: u64,
    finished: bool,
    outbox: VecDeque<Output>,
}

impl Slot {
    /// The place of a show that nobody has published to yet.
    #[must_use]
    pub fn new(reconnect_window: Duration) -> Self {
        Self {
            reconnect_window_us: u64::try_from(reconnect_window.as_micros()).unwrap_or(u64::MAX),
            airtime: Airtime::Scheduled,
            publisher: None,
            until_us: 0,
            finished: false,
            outbox: VecDeque::new(),
        }
    }

    /// The place of a show that an earlier process had on air: it waits for its publisher from now on.
    #[must_use]
    pub fn interrupted(reconnect_window: Duration, now: Now) -> Self {
        let mut slot = Self::new(reconnect_window);
        slot.airtime = Airtime::Interrupted;
        slot.until_us = now.monotonic_us.saturating_add(slot.reconnect_window_us);
        slot
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
        self.publisher.is_none() && self.airtime == Airtime::Scheduled
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
            Input::Claim { publisher, silent } => self.claim(publisher, silent),
            Input::Media(publisher) if self.publisher == Some(publisher) => {
                if matches!(self.airtime, Airtime::Scheduled | Airtime::Interrupted) {
                    self.tell(Airtime::Live);
                }
            }
            Input::Release(publisher) if self.publisher == Some(publisher) => {
                self.publisher = None;
                match self.airtime {
                    Airtime::Live => {
                        self.until_us = now.monotonic_us.saturating_add(self.reconnect_window_us);
                        self.tell(Airtime::Interrupted);
                    }
                    Airtime::Ended => self.finish(),
                    Airtime::Scheduled | Airtime::Interrupted => self.expire(now),
                }
            }
            Input::End if self.airtime != Airtime::Ended => {
                if let Some(publisher) = self.publisher {
                    self.airtime = Airtime::Ended;
                    self.outbox.push_back(Output::Dismiss(publisher));
                } else {
                    self.finish();
                }
            }
            Input::Tick => self.expire(now),
            Input::Media(_) | Input::Release(_) | Input::End => {}
        }
    }

    /// What to do next.
    pub fn poll(&mut self) -> Poll<Output> {
        self.outbox.pop_front().map_or(Poll::Wait, Poll::Output)
    }

    fn claim(&mut self, publisher: PublisherId, silent: bool) {
        if let Some(on_air) = self.publisher.filter(|_| silent) {
            self.outbox.push_back(Output::Dismiss(on_air));
        }
        let answer = if self.airtime == Airtime::Ended {
            Output::Refuse(publisher, Refusal::ShowEnded)
        } else if self.publisher.is_some() {
            Output::Refuse(publisher, Refusal::AlreadyPublishing)
        } else {
            self.publisher = Some(publisher);
            Output::Admit(publisher)
        };
        self.outbox.push_back(answer);
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
        Slot::new(Duration::from_micros(WINDOW_US))
    }

    const fn claim(publisher: PublisherId) -> Input {
        Input::Claim { publisher, silent: false }
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
        let mut slot = Slot::interrupted(window, now);
        assert_eq!(slot.deadline_us(), Some(5 + WINDOW_US));
        assert_eq!(after(&mut slot, 6, claim(FIRST)), [Output::Admit(FIRST)]);
        assert_eq!(after(&mut slot, 7, Input::Media(FIRST)), [Output::Tell(Airtime::Live)]);
        let mut slot = Slot::interrupted(window, now);
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
        let claimed = Input::Claim { publisher: SECOND, silent: true };
        assert_eq!(after(&mut slot, 1, claimed), room);
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
