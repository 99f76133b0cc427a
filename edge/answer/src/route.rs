//! Which of the edge's few doors a path is.
//!
//! In: a plain path. Out: [`Route`]. Does not know methods or credentials.

use shared_wire::ShowId;

/// Steps of a path that are looked at; no door but a session's and the pages' has more.
const STEPS_MAX: usize = 6;

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// `/healthz`
    Health,
    /// `/time`: what time it is here, for players that keep to it.
    Time,
    /// `/live/{show}/index.m3u8`, `/live/{show}/t/{token}/index.m3u8`, and the same with `manifest.mpd`: a ticket's
    /// way in.
    Live { show: ShowId, token: Option<&'a str>, door: Door },
    /// `/p/{session}/{rest}`: everything of a show, below a sealed session.
    Session { session: &'a str, rest: &'a str },
    /// `/watch/{show}`, `/assets/…`, `/v1/shows/{show}/state`: the origin's public pages, same path.
    Public,
    /// `/v1/shows/{show}/playback`: a ticket is swapped for a token. `…/end`: its viewer has left.
    Playback,
    /// `/purge`: the origin says what to forget.
    Purge,
    /// Nothing here.
    Unknown,
}

/// By which kind of list a viewer comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// HLS.
    Multivariant,
    /// DASH.
    Manifest,
}

impl Door {
    /// The name of the list.
    pub(crate) const fn file(self) -> &'static str {
        match self {
            Self::Multivariant => "index.m3u8",
            Self::Manifest => "manifest.mpd",
        }
    }

    fn of(file: &str) -> Option<Self> {
        [Self::Multivariant, Self::Manifest].into_iter().find(|door| door.file() == file)
    }
}

impl<'a> Route<'a> {
    pub(crate) fn of(path: &'a str) -> Self {
        // What most requests are for.
        if let Some(below) = path.strip_prefix("/p/") {
            let parts = below.split_once('/');
            return parts.map_or(Self::Unknown, |(session, rest)| Self::Session { session, rest });
        }
        let live = |show: &str, token, file: &str| match (show.parse(), Door::of(file)) {
            (Ok(show), Some(door)) => Self::Live { show, token, door },
            _ => Self::Unknown,
        };
        let steps: Vec<&str> = path.split('/').skip(1).take(STEPS_MAX).collect();
        match steps.as_slice() {
            ["healthz"] => Self::Health,
            ["purge"] => Self::Purge,
            ["time"] => Self::Time,
            ["live", show, file] => live(show, None, file),
            ["live", show, "t", token, file] => live(show, Some(*token), file),
            ["watch", show] | ["v1", "shows", show, "state"] if is_show(show) => Self::Public,
            ["assets", _, ..] => Self::Public,
            ["v1", "shows", show, "playback"] | ["v1", "shows", show, "playback", "end"]
                if is_show(show) =>
            {
                Self::Playback
            }
            _ => Self::Unknown,
        }
    }

    /// Whether it takes a `POST` and nothing else.
    pub(crate) const fn is_posted(self) -> bool {
        matches!(self, Self::Playback | Self::Purge)
    }

    /// The methods it takes, as `Allow` says them (RFC 9110, 10.2.1).
    pub(crate) const fn allow(self) -> &'static str {
        match self {
            Self::Playback | Self::Purge => "POST, OPTIONS",
            _ => "GET, HEAD, OPTIONS",
        }
    }
}

fn is_show(text: &str) -> bool {
    text.parse::<ShowId>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_door_is_found_and_nothing_else() {
        let show: ShowId = "0123456789abcdef".parse().unwrap();
        for (path, route) in [
            ("/healthz", Route::Health),
            ("/time", Route::Time),
            ("/time/x", Route::Unknown),
            (
                "/live/0123456789abcdef/index.m3u8",
                Route::Live { show, token: None, door: Door::Multivariant },
            ),
            (
                "/live/0123456789abcdef/t/a.b.c/index.m3u8",
                Route::Live { show, token: Some("a.b.c"), door: Door::Multivariant },
            ),
            (
                "/live/0123456789abcdef/manifest.mpd",
                Route::Live { show, token: None, door: Door::Manifest },
            ),
            (
                "/live/0123456789abcdef/t/a.b.c/manifest.mpd",
                Route::Live { show, token: Some("a.b.c"), door: Door::Manifest },
            ),
            ("/live/0123456789abcdef/manifest.7.mpd", Route::Unknown),
            ("/live/0123456789abcdef/t/manifest.mpd", Route::Unknown),
            ("/live/0123456789abcdef/t/index.m3u8", Route::Unknown),
            ("/live/0123456789abcdef/t/a/index.m3u8/x", Route::Unknown),
            ("/live/0123456789abcdef/u/a/index.m3u8", Route::Unknown),
            ("/purge", Route::Purge),
            ("/purge/x", Route::Unknown),
            ("/live/0123456789abcdef/720p/index.m3u8", Route::Unknown),
            ("/live/short/index.m3u8", Route::Unknown),
            ("/p/S/index.m3u8", Route::Session { session: "S", rest: "index.m3u8" }),
            ("/p/S/720p/e/s1.m4s", Route::Session { session: "S", rest: "720p/e/s1.m4s" }),
            ("/p/S/a/b/c/d/e/f", Route::Session { session: "S", rest: "a/b/c/d/e/f" }),
            ("/p/S", Route::Unknown),
            ("/p", Route::Unknown),
            ("/watch/0123456789abcdef", Route::Public),
            ("/watch/0123456789abcdef/x", Route::Unknown),
            ("/assets/a/b/c/d/e.js", Route::Public),
            ("/v1/shows/0123456789abcdef/state", Route::Public),
            ("/v1/shows/0123456789abcdef/playback", Route::Playback),
            ("/v1/shows/0123456789abcdef/playback/end", Route::Playback),
            ("/v1/shows/0123456789abcdef/playback/end/x", Route::Unknown),
            ("/v1/shows/0123456789abcdef", Route::Unknown),
            ("/v1/shows", Route::Unknown),
            ("/o/0123456789abcdef/index.m3u8", Route::Unknown),
            ("/edge/denied", Route::Unknown),
            ("/metrics", Route::Unknown),
            ("/", Route::Unknown),
        ] {
            assert_eq!(Route::of(path), route, "{path}");
        }
    }
}
