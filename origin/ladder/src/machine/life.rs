//! The child's life and death: when to start it, when to give it up.
//!
//! In: what happened to the process. Out: whether to start or kill it now, and when to ask again. Does not know
//! processes or media.

use crate::config::{Config, micros};

/// What the driver must do with the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Start,
    Kill,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not running; nothing to do before this time.
    Down { again_at: u64 },
    /// The driver was asked to start it.
    Starting,
    /// Running. `unanswered` is when the oldest message went out that nothing came back for; `answers` whether it ever
    /// said anything.
    Up { since: u64, unanswered: Option<u64>, answers: bool },
    /// The driver was asked to kill it.
    Dying,
}

/// One child after another.
#[derive(Debug)]
pub(crate) struct Life {
    hang_us: u64,
    birth_us: u64,
    wait_us: u64,
    wait_us_max: u64,
    settled_us: u64,
    state: State,
    deaths: u32,
    fruitless: u32,
    born: bool,
}

impl Life {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            hang_us: micros(config.hang_ms),
            birth_us: micros(config.birth_ms),
            wait_us: micros(config.restart_wait_ms),
            wait_us_max: micros(config.restart_wait_ms_max),
            settled_us: micros(config.settled_after_ms),
            state: State::Down { again_at: 0 },
            deaths: 0,
            fruitless: 0,
            born: false,
        }
    }

    pub(crate) const fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    /// Deaths in a row after which nothing new had come out.
    pub(crate) const fn fruitless_deaths(&self) -> u32 {
        self.fruitless
    }

    /// The process runs; `true` if it is not the first one.
    pub(crate) fn started(&mut self, now: u64) -> bool {
        self.state = State::Up { since: now, unanswered: None, answers: false };
        std::mem::replace(&mut self.born, true)
    }

    /// A message went out to it.
    pub(crate) fn sent(&mut self, now: u64) {
        if let State::Up { unanswered, .. } = &mut self.state {
            unanswered.get_or_insert(now);
        }
    }

    /// It said something; `more` if further messages to it are unanswered.
    pub(crate) fn said(&mut self, now: u64, more: bool) {
        if let State::Up { since, unanswered, answers } = &mut self.state {
            (*unanswered, *answers) = (more.then_some(now), true);
            if now.saturating_sub(*since) >= self.settled_us {
                self.deaths = 0;
            }
        }
    }

    /// Something new came out of it.
    pub(crate) fn bore_fruit(&mut self) {
        self.fruitless = 0;
    }

    /// The work that killed it is given up.
    pub(crate) fn forgive(&mut self) {
        self.fruitless = 0;
    }

    /// The process is gone, whyever.
    pub(crate) fn died(&mut self, now: u64) {
        let wait = match self.deaths {
            0 => 0,
            deaths => (self.wait_us << (deaths - 1).min(16)).min(self.wait_us_max),
        };
        self.deaths = self.deaths.saturating_add(1);
        self.fruitless = self.fruitless.saturating_add(1);
        self.state = State::Down { again_at: now + wait };
    }

    /// It must go: what it works on is of no use any more.
    pub(crate) fn kill(&mut self) -> Option<Act> {
        matches!(self.state, State::Up { .. } | State::Starting).then(|| {
            self.state = State::Dying;
            Act::Kill
        })
    }

    /// What is due now; `wanted` while there is work for a child.
    pub(crate) fn due(&mut self, now: u64, wanted: bool) -> Option<Act> {
        match self.state {
            State::Down { again_at } if wanted && now >= again_at => {
                self.state = State::Starting;
                Some(Act::Start)
            }
            State::Up { unanswered: Some(at), answers, .. }
                if now >= at + self.patience(answers) =>
            {
                self.kill()
            }
            _ => None,
        }
    }

    /// When `due` must be asked again, in microseconds of the monotonic clock.
    pub(crate) fn deadline(&self, wanted: bool) -> Option<u64> {
        match self.state {
            State::Down { again_at } if wanted => Some(again_at),
            State::Up { unanswered: Some(at), answers, .. } => Some(at + self.patience(answers)),
            _ => None,
        }
    }

    /// How long an answer may take.
    const fn patience(&self, answers: bool) -> u64 {
        if answers { self.hang_us } else { self.birth_us }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn the_first_restart_is_immediate_and_later_ones_wait() {
        let mut life = Life::new(&Config::default());
        assert_eq!(life.due(0, false), None);
        let mut waits = Vec::new();
        let mut now = 0;
        for _ in 0..8 {
            let at = life.deadline(true).unwrap();
            waits.push(at.saturating_sub(now) / 1000);
            now = at.max(now);
            assert_eq!(life.due(now, true), Some(Act::Start));
            assert_eq!(life.due(now, true), None);
            life.started(now);
            life.died(now);
        }
        assert_eq!(waits, [0, 0, 250, 500, 1000, 2000, 4000, 5000]);
        assert_eq!(life.fruitless_deaths(), 8);
    }

    #[test]
    fn silence_while_input_flows_is_a_hang() {
        let mut life = Life::new(&Config::default());
        life.due(0, true);
        assert!(!life.started(0));
        assert_eq!(life.deadline(true), None);
        life.sent(SECOND);
        life.sent(2 * SECOND);
        assert_eq!(life.deadline(true), Some(9 * SECOND), "it is being loaded");
        life.said(3 * SECOND, true);
        assert_eq!(life.deadline(true), Some(6 * SECOND));
        life.said(4 * SECOND, false);
        assert_eq!(life.due(60 * SECOND, true), None);
        life.sent(60 * SECOND);
        assert_eq!(life.due(63 * SECOND, true), Some(Act::Kill));
        assert_eq!(life.due(63 * SECOND, true), None);
        life.died(63 * SECOND);
        assert_eq!(life.due(63 * SECOND, true), Some(Act::Start));
        assert!(life.started(63 * SECOND));
    }

    #[test]
    fn a_long_life_clears_the_record() {
        let mut life = Life::new(&Config::default());
        for now in [0, 1, 300_000] {
            life.due(now, true);
            life.started(now);
            life.died(now);
        }
        life.due(SECOND, true);
        life.started(SECOND);
        life.said(40 * SECOND, false);
        life.died(40 * SECOND);
        assert_eq!(life.deadline(true), Some(40 * SECOND));
    }
}
