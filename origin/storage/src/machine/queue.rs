//! What waits for the disk, in order, within bounds.
//!
//! In: objects. Out: one write at a time. Does not know why a write failed, only how often.

use std::collections::VecDeque;

use bytes::Bytes;
use shared_media::Object;

use super::Text;

/// What shall become of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It has these bytes and no others; a reader sees all of them or what was there before.
    Create,
    /// These bytes stand at its end; it is made if it is not there.
    Append,
}

/// One step on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Its number, growing.
    pub id: u64,
    /// The object's key.
    pub key: String,
    /// What to do with the bytes.
    pub operation: Operation,
    /// The bytes.
    pub bytes: Bytes,
}

/// Writes in the order they came; the first may be handed out.
#[derive(Debug)]
pub(super) struct Queue {
    len_max: usize,
    bytes_max: usize,
    bytes: usize,
    next: u64,
    writes: VecDeque<Write>,
    handed_out: bool,
    attempts: u32,
}

impl Queue {
    pub(super) const fn new(len_max: usize, bytes_max: usize) -> Self {
        let writes = VecDeque::new();
        Self { len_max, bytes_max, bytes: 0, next: 0, writes, handed_out: false, attempts: 0 }
    }

    /// Takes a write in and answers its number; `None` if there is no room.
    pub(super) fn push(&mut self, operation: Operation, object: Object) -> Option<u64> {
        let room = self.bytes_max - self.bytes;
        if self.writes.len() >= self.len_max || object.bytes.len() > room {
            return None;
        }
        let id = self.next;
        self.next += 1;
        self.bytes += object.bytes.len();
        self.writes.push_back(Write { id, key: object.key, operation, bytes: object.bytes });
        Some(id)
    }

    /// The first write, unless it is handed out already.
    pub(super) fn hand_out(&mut self) -> Option<Write> {
        if self.handed_out {
            return None;
        }
        let write = self.writes.front().cloned();
        self.handed_out = write.is_some();
        write
    }

    /// The number of the write handed out.
    pub(super) fn written(&self) -> Option<u64> {
        self.writes.front().filter(|_| self.handed_out).map(|write| write.id)
    }

    /// The write handed out is not done, hand it out again later. Answers how often it failed on its own account.
    pub(super) fn take_back(&mut self, counts: bool) -> u32 {
        self.handed_out = false;
        self.attempts += u32::from(counts);
        self.attempts
    }

    /// The first write is over.
    pub(super) fn done(&mut self) -> Option<Write> {
        self.handed_out = false;
        self.attempts = 0;
        let write = self.writes.pop_front()?;
        self.bytes -= write.bytes.len();
        Some(write)
    }

    /// Takes a write out of the queue that is not handed out.
    pub(super) fn withdraw(&mut self, id: u64) {
        if let Ok(place) = self.writes.binary_search_by_key(&id, |write| write.id)
            && let Some(write) = self.writes.remove(place)
        {
            self.bytes -= write.bytes.len();
            self.attempts = if place == 0 { 0 } else { self.attempts };
        }
    }

    /// What of this text waits.
    pub(super) fn text(&self, key: &str) -> Text {
        let mut text = Text::default();
        for write in self.writes.iter().filter(|write| write.key == key) {
            match write.operation {
                Operation::Create => {
                    text = Text { base: Some(write.bytes.clone()), pieces: Vec::new() };
                }
                Operation::Append => text.pieces.push(write.bytes.clone()),
            }
        }
        text
    }

    pub(super) fn len(&self) -> usize {
        self.writes.len()
    }
}
