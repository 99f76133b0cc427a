//! How long whoever fetches from `/o/` may keep an answer: the one place where cache policy is made.
//!
//! In: what was asked for, and how far the show has come. Out: `Cache-Control` for everybody, `Surrogate-Control` for
//! edges, the surrogate keys by which a purge finds the object. Does not know HTTP libraries, nor the bytes.
//!
//! The lifetimes are those of rfc8216bis, Appendix B.1, in target durations: a playlist that was waited for 6, a plain
//! one 1/2 (both by `origin-packager`, which knows the target duration), what is absent 4 with delivery directives and
//! 1 without. Two things differ. Media is kept for a year, because its keys carry the publication's epoch and so name
//! the same bytes for ever. And what is absent but may come any moment is not kept at all: whoever asks for the next
//! part too early would otherwise have it absent for the whole audience.

use origin_packager::Status;
use shared_wire::key::{Key, KeyObject, MediaFile};

/// Of media: it never changes.
pub(crate) const MEDIA: &str = shared_wire::header::CACHE_MEDIA;
/// Of a finished show's playlists: they change no more, but a deleted recording should go from players within a minute.
const FINISHED: &str = "public, max-age=60";
/// The same for edges, which may show it for a day while the origin is away.
const FINISHED_AT_EDGES: &str = "max-age=60, stale-while-revalidate=60, stale-if-error=86400";
/// Of a film's playlists while it is made: they grow by a chunk now and then, and players ask again each target
/// duration.
const GROWING: &str = "public, max-age=2";
/// The same for edges, which may show it while the origin is away.
const GROWING_AT_EDGES: &str = "max-age=2, stale-while-revalidate=2, stale-if-error=86400";
/// Of a live show's multivariant playlist at edges, which hardly ever changes: who comes while the origin is away for a
/// moment, gets in.
pub(crate) const MULTIVARIANT_AT_EDGES: &str =
    "max-age=1, stale-while-revalidate=2, stale-if-error=60";

/// Of a live show's MPD at edges: a player that comes in is to find the newest segment in it.
pub(crate) const MPD_AT_EDGES: &str = "max-age=1, stale-if-error=60";

/// Of a show's cover and storyboard, which are made anew each minute while it is live.
pub(crate) const PICTURES: &str = "public, max-age=10";

/// What must not be remembered as absent.
const NOT_YET: &str = "no-store";
/// What is absent, in the shortest target duration of this house, 2 s: 1/2, 1 and 4 of it.
const NOT_STARTED: &str = "public, max-age=1";
const ABSENT: &str = "public, max-age=2";
const ABSENT_WITH_DIRECTIVES: &str = "public, max-age=8";

/// `Cache-Control` and `Surrogate-Control` of playlists that stand in the store: of what is over, or of a film that
/// grows.
pub(crate) const fn finished(is_growing: bool) -> (&'static str, &'static str) {
    if is_growing { (GROWING, GROWING_AT_EDGES) } else { (FINISHED, FINISHED_AT_EDGES) }
}

/// `Cache-Control` of the `404` for `key`. `live` is how far the show has come, if it is on the air.
pub(crate) fn absent(key: &Key, has_directives: bool, live: Option<&Status>) -> &'static str {
    let of_live = |rendition: &str| {
        live.and_then(|live| live.renditions.iter().find(|one| one.rendition == rendition))
    };
    match (&key.object, live) {
        (KeyObject::Media { .. }, None) => ABSENT,
        (KeyObject::Cover | KeyObject::Storyboard, _) => ABSENT,
        (KeyObject::ChapterList | KeyObject::ChapterCues, _) => ABSENT,
        (_, None) => NOT_STARTED,
        (_, Some(live)) if !live.started => NOT_YET,
        (KeyObject::Media { rendition, file, .. }, Some(_)) => match (of_live(rendition), file) {
            (None, _) => ABSENT,
            (Some(_), MediaFile::Init(_)) => NOT_YET,
            (Some(_), MediaFile::Strip(_)) => ABSENT,
            (
                Some(at),
                MediaFile::Segment(msn)
                | MediaFile::Part(msn, _)
                | MediaFile::Text(msn)
                | MediaFile::TextPart(msn, _),
            ) => {
                if *msn >= at.next_msn {
                    NOT_YET
                } else {
                    ABSENT
                }
            }
        },
        (KeyObject::Playlist { rendition } | KeyObject::IFrames { rendition }, Some(_)) => {
            match of_live(rendition) {
                Some(_) => NOT_YET,
                None if has_directives => ABSENT_WITH_DIRECTIVES,
                None => ABSENT,
            }
        }
        (KeyObject::Multivariant | KeyObject::Manifest { .. }, Some(_)) => NOT_YET,
    }
}

/// What a purge may call the object: the show, and its rendition.
pub(crate) fn surrogate_keys(key: &Key) -> String {
    key.surrogate_keys()
}

#[cfg(test)]
mod tests {
    use origin_packager::RenditionStatus;

    use super::*;

    const SHOW: &str = "0123456789abcdef";

    fn key(rest: &str) -> Key {
        Key::parse(&format!("{SHOW}/{rest}")).expect("a key")
    }

    /// A show whose `720p` fills segment 7.
    fn live(started: bool) -> Status {
        let rendition = "720p".to_owned();
        let renditions = vec![RenditionStatus { rendition, next_msn: 7, open_parts: 2 }];
        Status { started, ended: false, renditions }
    }

    #[test]
    fn what_may_come_any_moment_is_not_remembered_as_absent() {
        let live = live(true);
        for soon in ["p7.3.m4s", "p7.90.m4s", "p8.0.m4s", "s7.m4s", "s9.m4s", "i1.mp4"] {
            let key = key(&format!("720p/e1/{soon}"));
            assert_eq!(absent(&key, false, Some(&live)), "no-store", "{soon}");
        }
        for past in ["p6.99.m4s", "p1.0.m4s", "s0.m4s"] {
            let key = key(&format!("720p/e1/{past}"));
            assert_eq!(absent(&key, false, Some(&live)), "public, max-age=2", "{past}");
        }
    }

    #[test]
    fn what_is_absent_is_asked_for_once_per_lifetime_of_the_draft() {
        let (before, on) = (live(false), live(true));
        for (rest, directives, status, cache) in [
            ("999p/index.m3u8", true, Some(&on), "public, max-age=8"),
            ("999p/index.m3u8", false, Some(&on), "public, max-age=2"),
            ("999p/e1/s1.m4s", false, Some(&on), "public, max-age=2"),
            ("999p/index.m3u8", true, Some(&before), "no-store"),
            ("index.m3u8", false, Some(&before), "no-store"),
            ("index.m3u8", false, None, "public, max-age=1"),
            ("720p/index.m3u8", true, None, "public, max-age=1"),
            ("720p/e1/s1.m4s", false, None, "public, max-age=2"),
        ] {
            assert_eq!(absent(&key(rest), directives, status), cache, "{rest} {directives}");
        }
    }

    #[test]
    fn every_object_can_be_purged_by_show_and_by_rendition() {
        assert_eq!(surrogate_keys(&key("index.m3u8")), SHOW);
        for rest in ["720p/index.m3u8", "720p/e1/i0.mp4", "720p/e1/p1.2.m4s"] {
            assert_eq!(surrogate_keys(&key(rest)), format!("{SHOW} {SHOW}/720p"));
        }
    }

    #[test]
    fn playlists_of_a_live_show_have_the_lifetimes_of_the_draft() {
        let playlist = |waited| origin_packager::CachePolicy::playlist(2, waited).to_string();
        assert_eq!(playlist(true), "public, max-age=12");
        assert_eq!(playlist(false), "public, max-age=1");
    }
}
