//! When a player begins, plays and stalls.
//!
//! In: what was fetched until when. Out: stalls, the time to the first picture, how far behind it is. Does not know
//! what is fetched, nor decodes.
//!
//! Every track has an end: the moment of the show up to which it is fetched. The player begins when all tracks have
//! one part target of media, plays in real time, stands when the first track is at its end, and goes on when there is a
//! part target again.

/// One viewer's player. Times are microseconds of any clock; moments are those of the show.
#[derive(Debug, Clone)]
pub struct Player {
    asked_us: u64,
    enough_us: i64,
    starts: Vec<Option<i64>>,
    ends: Vec<i64>,
    state: State,
    /// How often it stood.
    pub stalls: u64,
    /// How long it stood, in microseconds, without the stall it may be in.
    pub stalled_us: u64,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Waiting,
    /// At `since_us` it was at `moment`.
    Playing {
        since_us: u64,
        moment: i64,
    },
    Standing {
        since_us: u64,
        moment: i64,
    },
}

impl Player {
    /// A player of so many tracks whose viewer asked for the show at `now_us`.
    #[must_use]
    pub fn new(tracks: usize, now_us: u64) -> Self {
        Self {
            asked_us: now_us,
            enough_us: 0,
            starts: vec![None; tracks],
            ends: vec![i64::MIN; tracks],
            state: State::Waiting,
            stalls: 0,
            stalled_us: 0,
        }
    }

    /// How much media it wants before it plays, in microseconds: a part target.
    pub fn set_enough(&mut self, us: u64) {
        self.enough_us = us.cast_signed();
    }

    /// A track has media from `start` to `end`. Answers the time since the viewer asked, in microseconds, if the player
    /// begins with it.
    pub fn got(&mut self, now_us: u64, track: usize, start: i64, end: i64) -> Option<u64> {
        self.look(now_us);
        if let (Some(first), Some(last)) = (self.starts.get_mut(track), self.ends.get_mut(track)) {
            first.get_or_insert(start);
            *last = (*last).max(end);
        }
        let end = self.end();
        match self.state {
            State::Waiting => {
                let starts: Option<Vec<i64>> = self.starts.iter().copied().collect();
                // Where all tracks are: a track that begins earlier is decoded and not shown until there.
                let moment = starts?.into_iter().max()?;
                if end - moment < self.enough_us {
                    return None;
                }
                self.state = State::Playing { since_us: now_us, moment };
                Some(now_us.saturating_sub(self.asked_us))
            }
            State::Standing { since_us, moment } if end - moment >= self.enough_us => {
                self.stalled_us += now_us.saturating_sub(since_us);
                self.state = State::Playing { since_us: now_us, moment };
                None
            }
            State::Standing { .. } | State::Playing { .. } => None,
        }
    }

    /// Sees whether it has come to its end by now.
    pub fn look(&mut self, now_us: u64) {
        let State::Playing { since_us, moment } = self.state else { return };
        let end = self.end();
        if moment + now_us.saturating_sub(since_us).cast_signed() > end {
            self.stalls += 1;
            let stood_at = since_us.saturating_add((end - moment).max(0).unsigned_abs());
            self.state = State::Standing { since_us: stood_at, moment: end };
        }
    }

    /// It cannot have what comes next: what it has ends before. It goes on from `moment`, as after a seek.
    pub fn skip_to(&mut self, moment: i64) {
        if let State::Standing { moment: at, .. } = &mut self.state {
            *at = moment.max(*at);
        }
    }

    /// The show ended: what it has left is no stall.
    pub fn end_of_show(&mut self) {
        self.ends.fill(i64::MAX / 2);
    }

    /// The moment of the show that is seen now; `None` before it begins.
    #[must_use]
    pub fn moment(&self, now_us: u64) -> Option<i64> {
        match self.state {
            State::Waiting => None,
            State::Playing { since_us, moment } => {
                Some(moment + now_us.saturating_sub(since_us).cast_signed())
            }
            State::Standing { moment, .. } => Some(moment),
        }
    }

    fn end(&self) -> i64 {
        self.ends.iter().copied().min().unwrap_or(i64::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: i64 = 300_000;

    fn playing() -> Player {
        let mut player = Player::new(2, 1_000_000);
        player.set_enough(PART.unsigned_abs());
        assert_eq!(player.got(1_100_000, 0, 0, 2 * PART), None);
        // Sound begins one part later: only one part is there of both.
        assert_eq!(player.got(1_150_000, 1, PART, 2 * PART), Some(150_000));
        player
    }

    #[test]
    fn it_begins_where_all_tracks_are() {
        let player = playing();
        assert_eq!(player.moment(1_250_000), Some(PART + 100_000));
    }

    #[test]
    fn it_stands_at_the_end_of_the_first_track_and_goes_on_with_a_part() {
        let mut player = playing();
        player.got(1_400_000, 0, 2 * PART, 9 * PART);
        player.look(1_450_000);
        assert_eq!(player.stalls, 0);
        player.look(1_550_000); // sound ended at 1.45 s
        player.look(1_600_000);
        assert_eq!((player.stalls, player.moment(1_600_000)), (1, Some(2 * PART)));
        player.got(1_650_000, 1, 2 * PART, 3 * PART);
        assert_eq!((player.stalls, player.stalled_us), (1, 200_000));
        assert_eq!(player.moment(1_750_000), Some(2 * PART + 100_000));
    }

    #[test]
    fn the_end_of_the_show_is_no_stall() {
        let mut player = playing();
        player.end_of_show();
        player.look(100_000_000);
        assert_eq!(player.stalls, 0);
    }
}
