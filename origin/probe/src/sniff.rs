//! What a file is at first sight, so that a playlist is refused by its name.
//!
//! In: the first bytes. Out: the kind of playlist, if it looks like one. Does not keep anything out: the list of
//! demuxers does.

/// The kind of playlist that begins so.
pub(crate) fn playlist(start: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let begins = |word: &str| text.get(..word.len()).is_some_and(|s| s.eq_ignore_ascii_case(word));
    if begins("#EXTM3U") {
        return Some("HLS or M3U");
    }
    if begins("ffconcat version") {
        return Some("ffconcat");
    }
    if begins("[playlist]") {
        return Some("PLS");
    }
    if begins("v=0") && text.contains("m=") {
        return Some("SDP");
    }
    if begins("<") {
        let has = |word: &str| text.contains(word);
        if has("<MPD") {
            return Some("DASH");
        }
        if has("<SmoothStreamingMedia")
            || has("<playlist")
            || has("<asx")
            || has("<CompositionPlaylist")
        {
            return Some("XML");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::playlist;

    #[test]
    fn playlists_are_known_and_media_is_none() {
        for (start, kind) in [
            ("\u{feff}#EXTM3U\n/etc/passwd", Some("HLS or M3U")),
            ("ffconcat version 1.0\nfile /etc/passwd", Some("ffconcat")),
            ("<?xml version=\"1.0\"?>\n<MPD>", Some("DASH")),
            ("[playlist]\nFile1=x", Some("PLS")),
            ("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=video 1 RTP/AVP 96", Some("SDP")),
            ("\0\0\0\u{18}ftypisom", None),
            ("", None),
            ("<html>", None),
        ] {
            assert_eq!(playlist(start.as_bytes()), kind, "{start}");
        }
    }
}
