//! Which of the edge's few doors a path is.
//!
//! In: a plain path. Out: [`Route`]. Does not know methods or credentials.

use shared_wire::ShowId;

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// `/healthz`
    Health,
    /// `/live/{show}/index.m3u8`: a ticket's way in.
    Live { show: ShowId },
    /// `/p/{session}/{rest}`: everything of a show, below a sealed session.
    Session { session: &'a str, rest: &'a str },
    /// `/watch/{show}`, `/assets/…`, `/v1/shows/{show}/state`: the origin's public pages, same path.
    Public,
    /// `/v1/shows/{show}/playback`: a ticket is swapped for a token.
    Playback,
    /// Nothing here.
    Unknown,
}

impl<'a> Route<'a> {
    pub(crate) fn of(path: &'a str) -> Self {
        let steps: Vec<&str> = path.split('/').skip(1).take(5).collect();
        match steps.as_slice() {
            ["healthz"] => Self::Health,
            ["live", show, "index.m3u8"] => {
                show.parse().map_or(Self::Unknown, |show| Self::Live { show })
            }
            ["p", session, _, ..] => {
                let rest = path.strip_prefix("/p/").and_then(|rest| rest.split_once('/'));
                rest.map_or(Self::Unknown, |(_, rest)| Self::Session { session, rest })
            }
            ["watch", show] | ["v1", "shows", show, "state"] if is_show(show) => Self::Public,
            ["assets", _, ..] => Self::Public,
            ["v1", "shows", show, "playback"] if is_show(show) => Self::Playback,
            _ => Self::Unknown,
        }
    }

    /// The methods it takes, as `Allow` says them (RFC 9110, 10.2.1).
    pub(crate) const fn allow(self) -> &'static str {
        match self {
            Self::Playback => "POST, OPTIONS",
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
            ("/live/0123456789abcdef/index.m3u8", Route::Live { show }),
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
