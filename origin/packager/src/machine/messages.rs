//! Timed metadata on its way into the media.
//!
//! In: ID3 tags, and each rendition's parts as they are written. Out: the boxes that stand before a part's first
//! fragment. Does not know who sends tags.
//!
//! A tag is for the moment at which the leader's next part begins. Every rendition with pictures gets it, in its part
//! of that moment: whichever a viewer plays has it, at the same time.

use std::collections::VecDeque;

use bytes::Bytes;
use shared_media::{TICKS_PER_SECOND, Ticks};

use crate::cmaf;

/// Tags that wait for the leader's next part at most.
const WAITING_MAX: usize = 32;
/// How far a rendition may be behind the leader to get a tag yet.
const KEPT: Ticks = Ticks(30 * TICKS_PER_SECOND);
/// A box's id counts hundredths of a second, and up to 64 tags within one: no two tags of a show have the same, for a
/// week, over restarts as well.
const HUNDREDTH: i64 = TICKS_PER_SECOND / 100;
const IDS_OF_A_TIME: u32 = 64;

/// As many tags wait as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("as many tags wait for the next part as may: {WAITING_MAX}")]
pub struct TooManyTags;

/// The tags that some rendition has not got.
#[derive(Debug, Default)]
pub(super) struct Messages {
    messages: VecDeque<Message>,
    /// The number of the next.
    next: u64,
}

#[derive(Debug)]
struct Message {
    number: u64,
    /// Its time and its box's id, once the leader has written it.
    placed: Option<(Ticks, u32)>,
    tag: Bytes,
}

/// How far a rendition has come.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// It decides when tags are.
    leads: bool,
    /// It gets them.
    reads: bool,
    next: u64,
}

impl Reader {
    /// Of a rendition that `leads` or not, and gets tags or not.
    pub(super) const fn new(leads: bool, reads: bool) -> Self {
        Self { leads, reads, next: 0 }
    }
}

impl Messages {
    /// Takes a tag.
    pub(super) fn push(&mut self, tag: Bytes) -> Result<(), TooManyTags> {
        let waiting = self.messages.iter().rev().take_while(|message| message.placed.is_none());
        if waiting.count() >= WAITING_MAX {
            return Err(TooManyTags);
        }
        self.messages.push_back(Message { number: self.next, placed: None, tag });
        self.next += 1;
        Ok(())
    }

    /// The boxes of a part that begins and ends there.
    pub(super) fn take(&mut self, reader: &mut Reader, start: Ticks, end: Ticks) -> Vec<Bytes> {
        if reader.leads {
            self.place(start);
        }
        let mut boxes = Vec::new();
        for message in &self.messages {
            let Some((at, id)) = message.placed.filter(|(at, _)| *at < end) else { break };
            if message.number >= reader.next {
                reader.next = message.number + 1;
                let fits = reader.reads && at >= start;
                boxes.extend(fits.then(|| cmaf::id3(id, at, &message.tag)).flatten());
            }
        }
        boxes
    }

    /// Gives all that wait this time, and forgets what every rendition has or has missed.
    fn place(&mut self, at: Ticks) {
        let time = u32::try_from((at.0 / HUNDREDTH) & 0x3FF_FFFF).unwrap_or_default();
        let waiting = self.messages.iter_mut().filter(|message| message.placed.is_none());
        for (index, message) in (0..IDS_OF_A_TIME).zip(waiting) {
            message.placed = Some((at, time * IDS_OF_A_TIME + index));
        }
        let is_old = |message: &Message| message.placed.is_some_and(|(told, _)| at - told > KEPT);
        while self.messages.front().is_some_and(is_old) {
            self.messages.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: i64 = 30_000;

    fn part(messages: &mut Messages, reader: &mut Reader, number: i64) -> usize {
        messages.take(reader, Ticks(number * PART), Ticks((number + 1) * PART)).len()
    }

    #[test]
    fn every_rendition_gets_a_tag_once_in_the_part_of_its_time() {
        let mut messages = Messages::default();
        let mut leader = Reader { leads: true, reads: true, next: 0 };
        let mut rung = Reader { reads: true, ..Reader::default() };
        let mut sound = Reader::default();
        assert_eq!(part(&mut messages, &mut leader, 4), 0);
        messages.push(Bytes::from_static(b"a")).unwrap();
        messages.push(Bytes::from_static(b"b")).unwrap();
        assert_eq!(part(&mut messages, &mut rung, 4), 0, "no time was chosen yet");
        assert_eq!(part(&mut messages, &mut leader, 5), 2);
        assert_eq!(part(&mut messages, &mut leader, 6), 0);
        messages.push(Bytes::from_static(b"c")).unwrap();
        assert_eq!(part(&mut messages, &mut leader, 7), 1);
        let boxes = messages.take(&mut rung, Ticks(5 * PART), Ticks(6 * PART));
        assert_eq!(boxes.len(), 2);
        let id = |bytes: &Bytes| bytes[28..32].to_vec();
        assert_ne!(id(&boxes[0]), id(&boxes[1]));
        assert_eq!(part(&mut messages, &mut rung, 6), 0);
        assert_eq!(part(&mut messages, &mut rung, 8), 0, "its time was in no part");
        assert_eq!(part(&mut messages, &mut sound, 5), 0);
    }

    #[test]
    fn what_waits_and_what_is_kept_has_an_end() {
        let mut messages = Messages::default();
        let mut leader = Reader { leads: true, reads: true, next: 0 };
        let pushed = (0..99).take_while(|_| messages.push(Bytes::new()).is_ok()).count();
        assert_eq!(pushed, WAITING_MAX);
        assert_eq!(part(&mut messages, &mut leader, 1), WAITING_MAX);
        messages.push(Bytes::new()).unwrap();
        assert_eq!(part(&mut messages, &mut leader, 200), 1);
        assert_eq!(messages.messages.len(), 1);
    }
}
