//! Shows that are not recorded, from one number on and up to another.
//!
//! In: the shows to stop, keys of segments. Out: whether a segment is refused. Does not know why a show was stopped.
//!
//! Renditions close the segments of one number one after the other. To stop between two of them would leave a number
//! with pictures and no sound, at which players wait: so it is stopped, and goes on, behind the newest number there is.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use shared_wire::key::MediaFile;

/// Which segments of which shows are refused.
#[derive(Debug, Default)]
pub(super) struct Stopped {
    shows: HashMap<String, Range<u64>>,
}

impl Stopped {
    /// These shows are stopped from now on, all others go on; `newest` is a show's newest number.
    pub(super) fn change(&mut self, shows: HashSet<String>, newest: impl Fn(&str) -> Option<u64>) {
        let next = |show: &str| newest(show).map_or(0, |number| number + 1);
        // What went on before has long left its numbers behind.
        self.shows.retain(|_, refused| refused.end == u64::MAX);
        for (show, refused) in &mut self.shows {
            if !shows.contains(show) {
                refused.end = next(show);
            }
        }
        for show in shows {
            let begin = next(&show);
            self.shows.entry(show).or_insert(begin..u64::MAX);
        }
    }

    /// Whether this segment is not recorded.
    pub(super) fn refuses(&self, key: &str) -> bool {
        let show = key.split('/').next().unwrap_or_default();
        self.shows
            .get(show)
            .is_some_and(|refused| number(key).is_none_or(|number| refused.contains(&number)))
    }
}

/// A segment's media sequence number; `None` if the key names none.
pub(super) fn number(key: &str) -> Option<u64> {
    match MediaFile::parse(key.rsplit('/').next()?)? {
        MediaFile::Segment(msn) => Some(msn),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(names: &[&str]) -> HashSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn all_renditions_stop_and_go_on_with_the_same_number() {
        let mut stopped = Stopped::default();
        // The picture has number 6, the sound has yet to come.
        stopped.change(shows(&["a"]), |_| Some(6));
        assert!(!stopped.refuses("a/audio/e/s6.m4s"));
        assert!(stopped.refuses("a/source/e/s7.m4s"));
        assert!(!stopped.refuses("b/source/e/s7.m4s"));
        // Said again with another show: the first one's numbers stay.
        stopped.change(shows(&["a", "b"]), |_| Some(9));
        assert!(stopped.refuses("a/audio/e/s7.m4s") && stopped.refuses("b/audio/e/s10.m4s"));
        // Number 12 was refused of the picture: it is of the sound too.
        stopped.change(shows(&["b"]), |_| Some(12));
        assert!(stopped.refuses("a/audio/e/s12.m4s"));
        assert!(!stopped.refuses("a/source/e/s13.m4s"));
        stopped.change(shows(&[]), |_| None);
        assert_eq!(stopped.shows.len(), 1, "what went on before is forgotten");
    }

    #[test]
    fn a_show_that_nothing_is_known_of_is_stopped_from_its_start() {
        let mut stopped = Stopped::default();
        stopped.change(shows(&["a"]), |_| None);
        assert!(stopped.refuses("a/source/e/s0.m4s"));
    }
}
