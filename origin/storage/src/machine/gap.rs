//! Segments that never reached the disk are marked in the recording's playlist.
//!
//! In: names of lost objects, then playlists on their way to the disk. Out: the same playlists, with `#EXT-X-GAP`
//! (rfc8216bis 4.4.4.7) before each lost URI, so that a player skips it instead of failing. Does not know anything else
//! of playlists.

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;

const GAP: &str = "#EXT-X-GAP";

/// The names of lost objects, the newest ones.
#[derive(Debug)]
pub(super) struct Lost {
    names_max: usize,
    names: HashSet<String>,
    by_age: VecDeque<String>,
}

impl Lost {
    pub(super) fn new(names_max: usize) -> Self {
        Self { names_max, names: HashSet::new(), by_age: VecDeque::new() }
    }

    pub(super) fn remember(&mut self, key: &str) {
        if !self.names.insert(key.to_owned()) {
            return;
        }
        self.by_age.push_back(key.to_owned());
        if self.by_age.len() > self.names_max
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.names.remove(&oldest);
        }
    }

    /// Marks lost objects in the playlist `key`; other objects stay as they are.
    pub(super) fn mark(&self, key: &str, bytes: &mut Bytes) {
        let folder = key.strip_suffix("index.m3u8").or_else(|| key.strip_suffix("iframes.m3u8"));
        let Some(folder) = folder.filter(|_| !self.names.is_empty()) else { return };
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let mut marked = String::with_capacity(text.len());
        let mut has_gap = false;
        for line in text.split_inclusive('\n') {
            let uri = line.trim_end();
            if uri.is_empty() || uri.starts_with('#') {
                has_gap |= uri == GAP;
            } else {
                if !has_gap && self.names.contains(&format!("{folder}{uri}")) {
                    marked.push_str(GAP);
                    marked.push('\n');
                }
                has_gap = false;
            }
            marked.push_str(line);
        }
        *bytes = Bytes::from(marked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_segment_is_marked_once() {
        let mut lost = Lost::new(2);
        lost.remember("show/720p/e/s1.m4s");
        let plain = "#EXTINF:2,\ne/s0.m4s\n#EXTINF:2,\ne/s1.m4s\n";
        let mut bytes = Bytes::from(plain);
        lost.mark("show/720p/index.m3u8", &mut bytes);
        let marked = "#EXTINF:2,\ne/s0.m4s\n#EXTINF:2,\n#EXT-X-GAP\ne/s1.m4s\n";
        assert_eq!(bytes, marked);
        lost.mark("show/720p/index.m3u8", &mut bytes);
        assert_eq!(bytes, marked);
        let picture = |offset| format!("#EXTINF:1,\n#EXT-X-BYTERANGE:9@{offset}\ne/s1.m4s\n");
        let i_frames = picture(0) + &picture(70);
        let mut bytes = Bytes::from(i_frames.clone());
        lost.mark("show/720p/iframes.m3u8", &mut bytes);
        let marked = i_frames.replace("e/s1", "#EXT-X-GAP\ne/s1");
        assert_eq!(bytes, marked, "each picture of a lost segment is");
        let mut other = Bytes::from(plain);
        lost.mark("show/480p/index.m3u8", &mut other);
        assert_eq!(other, plain);
    }

    #[test]
    fn only_so_many_names_are_kept() {
        let mut lost = Lost::new(2);
        for name in ["a", "b", "b", "c"] {
            lost.remember(name);
        }
        assert_eq!((lost.names.len(), lost.by_age.len()), (2, 2));
        assert!(!lost.names.contains("a"));
    }
}
