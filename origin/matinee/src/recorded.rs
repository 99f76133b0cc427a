//! The end of a recording.
//!
//! In: the playlists of one show's recording, as they grew. Out: the same, finished. Does not know why the show is
//! over.
//!
//! A recording that was stopped (a quota, a full disk) ends where the last segment of any rendition was kept: to list
//! gaps up to the end of the show would have players wait for nothing. All renditions end at the same number: a rung
//! that rested at the end keeps its gaps, in which players take another.

use std::collections::{HashMap, HashSet};

use origin_storage::Store;
use shared_media::{Object, ObjectSink as _};
use shared_playlist::recording;
use shared_wire::key::Key;

/// Finishes the playlists of one show.
pub(crate) async fn finish(store: &Store, keys: &[Key]) {
    let mut texts = Vec::new();
    for key in keys {
        match store.own_text(key).await {
            Ok(Some(text)) => texts.push((key.to_string(), text)),
            Ok(None) => tracing::error!(%key, "a recording is not there to be finished"),
            Err(error) => {
                tracing::error!(%key, %error, "a recording could not be finished");
            }
        }
    }
    for (key, text) in finished(&texts) {
        store.replace(Object { key, bytes: text.into_bytes().into() });
    }
}

/// The finished texts, by their keys.
fn finished(texts: &[(String, String)]) -> Vec<(String, String)> {
    // Of pictures there are several to a segment: what is listed of it is in the text beside.
    let segments: HashMap<&str, &str> = texts
        .iter()
        .filter_map(|(key, text)| Some((key.strip_suffix("/index.m3u8")?, text.as_str())))
        .collect();
    let kept = segments.values().map(|text| recording::kept(text)).max().unwrap_or(0);
    let beyond = |key: &str| -> HashSet<&str> {
        let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
        let text = segments.get(folder).copied().filter(|_| kept > 0);
        text.map(|text| recording::beyond(text, kept).collect()).unwrap_or_default()
    };
    let finish = |(key, text): &(String, String)| {
        (key.clone(), recording::finish_without(text, &beyond(key)))
    };
    texts.iter().map(finish).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(gaps: &[bool]) -> String {
        let mut text = recording::header(2, false);
        for (number, gap) in gaps.iter().enumerate() {
            let gap = if *gap { "#EXT-X-GAP\n" } else { "" };
            text.push_str(&format!("#EXTINF:2.0,\n{gap}e/s{number}.m4s\n"));
        }
        text
    }

    #[test]
    fn all_renditions_end_with_the_last_segment_that_any_has() {
        let texts = [
            ("s/source/index.m3u8", text(&[false, true, false, false, true, true])),
            ("s/480p/index.m3u8", text(&[false, true, true, true, true, true])),
            ("s/480p/iframes.m3u8", text(&[false, true, true, true, true, true])),
            ("s/audio/index.m3u8", text(&[false, true, false, true, true])),
        ];
        let texts = texts.map(|(key, text)| (key.to_owned(), text));
        let listed: Vec<usize> =
            finished(&texts).iter().map(|(_, text)| text.matches(".m4s\n").count()).collect();
        assert_eq!(listed, [4, 4, 4, 4]);
        let nothing = [("s/source/index.m3u8".to_owned(), text(&[true, true]))];
        assert_eq!(finished(&nothing)[0].1, recording::finish(&nothing[0].1), "nothing was kept");
    }
}
