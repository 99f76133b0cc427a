//! The recording of a show as one file: its largest pictures and every sound that goes with them.
//!
//! In: the objects of a show that is over. Out: a body, made while it is read, a segment at a time. Does not know what
//! becomes of it.
//!
//! Nothing is decoded. Where segments are missing the file has a hole, as long as the one in the recording.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use futures::StreamExt as _;
use origin_control::Error;
use origin_packager::cmaf::{Track, join, renumber};
use origin_storage::Store;
use shared_media::{Language, Ticks};
use shared_playlist::read::{self, Media, Multivariant};
use shared_wire::ShowId;
use shared_wire::key::{Key, KeyObject};

use super::import::Found;
use super::unstored;

/// Sounds that are taken.
const SOUNDS_MAX: usize = 8;
/// What the file is called.
const NAME: &str = "recording.mp4";

/// A rendition that becomes a track.
struct Rendition {
    /// `source/`.
    folder: String,
    language: Option<Language>,
    list: Media,
}

/// Begins to make the file.
///
/// # Errors
/// [`Error::Elsewhere`]: this node does not have the show. [`Error::AssetNotWhole`]: it is on the air.
/// [`Error::Invalid`]: it cannot be one file. Storage errors.
pub(super) async fn read(store: Arc<Store>, show: ShowId) -> Result<Found, Error> {
    let multivariant = Key { show, object: KeyObject::Multivariant };
    let text = store.read_text(&multivariant).await.map_err(unstored)?.ok_or(Error::Elsewhere)?;
    let list = read::multivariant(text.as_bytes()).ok_or_else(|| unfit("has no playlist"))?;
    let mut renditions = Vec::new();
    for (uri, language) in wanted(&list) {
        let text = text_of(&store, show, &uri).await?;
        let list = read::media(text.as_bytes()).ok_or_else(|| unfit("has a broken playlist"))?;
        if !list.ended {
            return Err(Error::AssetNotWhole);
        }
        let folder = uri.rsplit_once('/').map(|(folder, _)| format!("{folder}/"));
        renditions.push(Rendition { folder: folder.unwrap_or_default(), language, list });
    }
    let mut inits = Vec::new();
    for rendition in &renditions {
        inits.push(init(&store, show, rendition).await?);
    }
    let tracks = renditions.iter().zip(&inits);
    let tracks: Vec<Track<'_>> = tracks
        .map(|(rendition, init)| Track { init, language: rendition.language.as_ref() })
        .collect();
    let length_us: u64 = renditions
        .first()
        .map_or(0, |first| first.list.segments.iter().map(|segment| segment.duration_us).sum());
    let length = Ticks::from_micros(i64::try_from(length_us).unwrap_or(0));
    let head = join(&tracks, length).ok_or_else(|| unfit("has no header that can be read"))?;
    let segments = futures::stream::iter(in_order(show, &renditions)).then(move |(number, key)| {
        let store = Arc::clone(&store);
        async move { segment(&store, number, key).await }
    });
    let body = futures::stream::iter([Ok(head)]).chain(segments);
    Ok(Found { name: NAME.to_owned(), length: None, body: Body::from_stream(body) })
}

/// The playlists that are taken, relative to the multivariant one: the largest pictures', and those of their sounds.
fn wanted(list: &Multivariant) -> Vec<(String, Option<Language>)> {
    let rate = |tag: &read::Attributes| tag.number("BANDWIDTH").unwrap_or(0);
    let Some((largest, uri)) = list.variants.iter().max_by_key(|(tag, _)| rate(tag)) else {
        return Vec::new();
    };
    let mut all = vec![(uri.clone(), None)];
    let group = largest.get("AUDIO");
    let is_own = |tag: &&read::Attributes| {
        tag.get("TYPE") == Some("AUDIO") && group.is_some() && tag.get("GROUP-ID") == group
    };
    let mut sounds: Vec<_> = list.media.iter().filter(is_own).collect();
    // Whoever knows no languages plays the first.
    sounds.sort_by_key(|tag| !tag.is("DEFAULT"));
    for tag in sounds.into_iter().take(SOUNDS_MAX) {
        if let Some(uri) = tag.get("URI").filter(|uri| all.iter().all(|(other, _)| other != uri)) {
            all.push((uri.to_owned(), tag.get("LANGUAGE").and_then(Language::new)));
        }
    }
    all
}

async fn text_of(store: &Store, show: ShowId, uri: &str) -> Result<String, Error> {
    let key = key(show, uri).ok_or_else(|| unfit("has an address that is none of ours"))?;
    store.read_text(&key).await.map_err(unstored)?.ok_or(Error::Elsewhere)
}

/// The one init segment of a rendition.
async fn init(store: &Store, show: ShowId, rendition: &Rendition) -> Result<Bytes, Error> {
    let mut found = None::<(&str, Bytes)>;
    for segment in rendition.list.segments.iter().filter(|segment| !segment.gap) {
        let Some(uri) = segment.map.as_deref() else { continue };
        if found.as_ref().is_some_and(|(known, _)| *known == uri) {
            continue;
        }
        let whole = format!("{}{uri}", rendition.folder);
        let key = key(show, &whole).ok_or_else(|| unfit("has an address that is none of ours"))?;
        let bytes = store.get(&key).await.map_err(unstored)?.ok_or(Error::Elsewhere)?;
        match &found {
            Some((_, first)) if *first != bytes => {
                return Err(unfit(
                    "changes its codec or picture size amid the show, so it is no single film",
                ));
            }
            _ => found = Some((uri, bytes)),
        }
    }
    found.map(|(_, bytes)| bytes).ok_or_else(|| unfit("has nothing that was kept"))
}

/// The objects with the numbers of their tracks, as they are played.
fn in_order(show: ShowId, renditions: &[Rendition]) -> Vec<(u32, Key)> {
    let last = renditions.iter().map(|one| one.list.next_msn()).max().unwrap_or(0);
    let first = renditions.iter().map(|one| one.list.first_msn()).min().unwrap_or(0);
    let mut all = Vec::new();
    for msn in first..last {
        for (number, rendition) in (1..).zip(renditions) {
            let segment = rendition.list.segment(msn).filter(|segment| !segment.gap);
            let whole = segment.map(|segment| format!("{}{}", rendition.folder, segment.uri));
            all.extend(whole.and_then(|whole| key(show, &whole)).map(|key| (number, key)));
        }
    }
    all
}

async fn segment(store: &Store, number: u32, key: Key) -> io::Result<Bytes> {
    let bytes = store.get(&key).await.map_err(io::Error::other)?;
    let bytes = bytes.ok_or_else(|| io::Error::other("a segment is gone"))?;
    renumber(&bytes, number).ok_or_else(|| io::Error::other("a segment cannot be read"))
}

fn key(show: ShowId, rest: &str) -> Option<Key> {
    Some(Key { show, object: KeyObject::parse(rest)? })
}

fn unfit(what: &str) -> Error {
    Error::Invalid { field: "asset", reason: format!("is a recording that {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_pictures_are_taken_and_each_of_their_sounds_once() {
        let sound = |group: &str, rest: &str, uri: &str| {
            format!(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",{rest},URI=\"{uri}/index.m3u8\"\n"
            )
        };
        let text = [
            "#EXTM3U\n".to_owned(),
            sound("a", "NAME=\"Deutsch\",LANGUAGE=\"de\"", "audio-2"),
            sound("a", "NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES", "audio"),
            sound("b", "NAME=\"English\",DEFAULT=YES", "surround"),
            "#EXT-X-STREAM-INF:BANDWIDTH=800000,AUDIO=\"b\"\n480p/index.m3u8\n".to_owned(),
            "#EXT-X-STREAM-INF:BANDWIDTH=4000000,AUDIO=\"a\"\nsource/index.m3u8\n".to_owned(),
        ]
        .concat();
        let list = read::multivariant(text.as_bytes()).expect("a playlist");
        let taken = wanted(&list);
        let uris: Vec<&str> = taken.iter().map(|(uri, _)| uri.as_str()).collect();
        assert_eq!(uris, ["source/index.m3u8", "audio/index.m3u8", "audio-2/index.m3u8"]);
        assert_eq!(taken.last().and_then(|(_, one)| one.clone()), Language::new("de"));
    }
}
