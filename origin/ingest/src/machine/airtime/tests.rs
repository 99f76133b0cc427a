//! Publishers come and go; one of them is on air, and the show ends when it should.

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

const SLATE: PublisherId = PublisherId(9);

/// A show whose publisher was cut off, with a slate on air.
fn with_slate() -> Slot {
    let mut slot = slot();
    after(&mut slot, 0, claim(FIRST));
    assert_eq!(after(&mut slot, 0, Input::Fill(SLATE)).len(), 1, "refused: it is live");
    after(&mut slot, 0, Input::Media(FIRST));
    let interrupted = [Output::Tell(Airtime::Interrupted)];
    assert_eq!(after(&mut slot, 10, Input::Release(FIRST)), interrupted);
    assert_eq!(after(&mut slot, 11, Input::Fill(SLATE)), [Output::Admit(SLATE)]);
    assert_eq!(after(&mut slot, 12, Input::Media(SLATE)), [], "the show stays interrupted");
    slot
}

#[test]
fn a_slate_makes_room_for_whoever_comes_back() {
    for backup in [false, true] {
        let mut slot = with_slate();
        let claimed = Input::Claim { publisher: SECOND, silent: false, backup };
        assert_eq!(after(&mut slot, 20, claimed), [Output::StandBy(SECOND)]);
        assert_eq!(after(&mut slot, 21, step_up(SECOND)), [Output::Dismiss(SLATE)]);
        assert_eq!(after(&mut slot, 22, Input::Release(SLATE)), []);
        let refused = [Output::Refuse(SLATE, Refusal::AlreadyPublishing)];
        assert_eq!(after(&mut slot, 22, Input::Fill(SLATE)), refused, "someone stands by");
        assert_eq!(after(&mut slot, 23, step_up(SECOND)), [Output::Admit(SECOND)]);
        let live = [Output::Tell(Airtime::Live)];
        assert_eq!(after(&mut slot, 24, Input::Media(SECOND)), live);
    }
}

#[test]
fn a_slate_keeps_no_show_open() {
    let mut slot = with_slate();
    assert_eq!(slot.deadline_us(), Some(10 + WINDOW_US));
    assert_eq!(after(&mut slot, 10 + WINDOW_US, Input::Tick), [Output::Dismiss(SLATE)]);
    let refused = [Output::Refuse(SECOND, Refusal::ShowEnded)];
    assert_eq!(after(&mut slot, 10 + WINDOW_US, claim(SECOND)), refused);
    let ended = [Output::Finish, Output::Tell(Airtime::Ended)];
    assert_eq!(after(&mut slot, 11 + WINDOW_US, Input::Release(SLATE)), ended);
    assert_eq!(after(&mut slot, 12 + WINDOW_US, Input::Fill(SLATE)).len(), 1);
}

#[test]
fn a_slate_that_breaks_off_leaves_the_show_waiting() {
    let mut slot = with_slate();
    assert_eq!(after(&mut slot, 20, Input::Release(SLATE)), []);
    assert_eq!(slot.deadline_us(), Some(10 + WINDOW_US));
    assert_eq!(after(&mut slot, 21, Input::Fill(SLATE)), [Output::Admit(SLATE)]);
    assert_eq!(after(&mut slot, 22, Input::End), [Output::Dismiss(SLATE)]);
    let ended = [Output::Finish, Output::Tell(Airtime::Ended)];
    assert_eq!(after(&mut slot, 23, Input::Release(SLATE)), ended);
}

#[test]
fn a_key_that_was_only_tried_leaves_nothing_behind() {
    let mut slot = slot();
    after(&mut slot, 0, claim(FIRST));
    assert_eq!(after(&mut slot, 1, Input::Release(FIRST)), []);
    assert!(slot.is_vacant());
}
