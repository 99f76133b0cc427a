//! Playlists that were read already: viewers of one rendition get the same bytes at the same time.
//!
//! In: bodies. Out: playlists, read once each. Does not know who asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use shared_playlist::read::{self, Media};

/// Bodies that are remembered: the last versions of some renditions, whole and as deltas.
const BODIES_MAX: usize = 32;

/// The newest bodies, the latest last, and what they say.
#[derive(Default)]
pub(super) struct Lists(Mutex<VecDeque<(Vec<u8>, Arc<Media>)>>);

impl Lists {
    /// What a body says; `None` if it is no media playlist.
    pub(super) fn read(&self, body: Vec<u8>) -> Option<Arc<Media>> {
        if let Some(known) = self.known(&body) {
            return Some(known);
        }
        let list = Arc::new(read::media(&body)?);
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.len() >= BODIES_MAX {
            newest.pop_front();
        }
        newest.push_back((body, Arc::clone(&list)));
        Some(list)
    }

    fn known(&self, body: &[u8]) -> Option<Arc<Media>> {
        let newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut same = newest.iter().rev().filter(|(known, _)| known == body);
        same.next().map(|(_, list)| Arc::clone(list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_are_read_once_and_others_by_themselves() {
        let lists = Lists::default();
        let body = |msn: usize| format!("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:{msn}\n").into_bytes();
        let first = lists.read(body(1)).expect("it is a playlist");
        let again = lists.read(body(1)).expect("it is a playlist");
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(lists.read(b"<html>".to_vec()), None);
        for msn in 2..=BODIES_MAX + 1 {
            let other = lists.read(body(msn)).expect("it is a playlist");
            assert_eq!(other.media_sequence, msn as u64);
        }
        let later = lists.read(body(1)).expect("it is a playlist");
        assert!(!Arc::ptr_eq(&first, &later), "old ones are forgotten");
        assert_eq!(first, later);
    }
}
