//! The rules, each broken once.
//!
//! In: nothing. Out: [`CASES`], in the order of the items. Does not know how they are noticed.

use std::time::Duration;

use axum::http::{HeaderValue, header};

use crate::proxy::{Asked, Reply};

/// One broken rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) item: u64,
    pub(crate) what: &'static str,
    /// Before the house is asked.
    pub(crate) ask: fn(&mut Asked),
    /// After it has answered.
    pub(crate) change: fn(&Asked, &mut Reply),
}

/// Nothing is broken.
pub(crate) const INNOCENT: Case = Case { item: 0, what: "nothing", ask: |_| (), change: |_, _| () };

const fn changed(item: u64, what: &'static str, change: fn(&Asked, &mut Reply)) -> Case {
    Case { item, what, ask: |_| (), change }
}

const fn asked(item: u64, what: &'static str, ask: fn(&mut Asked)) -> Case {
    Case { item, what, ask, change: |_, _| () }
}

fn text(asked: &Asked, reply: &mut Reply, change: impl Fn(&str) -> String) {
    if asked.is_playlist() && reply.status == 200 {
        reply.body = change(&String::from_utf8_lossy(&reply.body)).into_bytes();
    }
}

fn replace(asked: &Asked, reply: &mut Reply, old: &str, new: &str) {
    text(asked, reply, |list| list.replace(old, new));
}

fn without(asked: &Asked, reply: &mut Reply, tag: &str) {
    text(asked, reply, |list| {
        list.lines().filter(|line| !line.starts_with(tag)).map(|line| format!("{line}\n")).collect()
    });
}

fn head(reply: &mut Reply, name: header::HeaderName, value: &'static str) {
    reply.headers.insert(name, HeaderValue::from_static(value));
}

fn plain_query(asked: &Asked) -> bool {
    !asked.query.contains("_HLS_")
}

pub(crate) const CASES: &[Case] = &[
    changed(1, "no EXT-X-PART-INF", |asked, reply| without(asked, reply, "#EXT-X-PART-INF")),
    changed(2, "a PART-TARGET that parts exceed", |asked, reply| {
        replace(asked, reply, "PART-TARGET=0.333", "PART-TARGET=0.233");
    }),
    changed(2, "a PART-TARGET that parts fall short of", |asked, reply| {
        replace(asked, reply, "PART-TARGET=0.333", "PART-TARGET=0.433");
    }),
    changed(3, "INDEPENDENT never said", |asked, reply| {
        replace(asked, reply, ",INDEPENDENT=YES", "");
    }),
    changed(3, "INDEPENDENT always said", |asked, reply| {
        text(asked, reply, |list| {
            let plain = list.replace(",INDEPENDENT=YES", "");
            plain.replace("#EXT-X-PART:", "#EXT-X-PART:INDEPENDENT=YES,")
        });
    }),
    changed(4, "a tag after the parts it is for", |asked, reply| {
        replace(asked, reply, "\n#EXTINF", "\n#EXT-X-DISCONTINUITY\n#EXTINF");
    }),
    changed(4, "segments with other bytes than their parts", |asked, reply| {
        if asked.is_media() && !asked.is_part() {
            reply.body.last_mut().into_iter().for_each(|byte| *byte ^= 1);
        }
    }),
    changed(5, "parts that are listed and not there", |asked, reply| {
        if asked.is_part() {
            reply.status = 404;
        }
    }),
    changed(5, "versions that come late", |asked, reply| {
        if asked.query.contains("_HLS_part") {
            reply.wait = Duration::from_millis(1200);
        }
    }),
    changed(6, "segments that change their names", |asked, reply| {
        if asked.query.ends_with(['1', '3', '5', '7', '9']) {
            replace(asked, reply, ".m4s\n", ".m4s?again\n");
        }
    }),
    asked(7, "I-frame playlists that do not wait", |asked| {
        if asked.is_i_frames() {
            asked.query.clear();
        }
    }),
    changed(8, "PART-HOLD-BACK of two parts", |asked, reply| {
        replace(asked, reply, "PART-HOLD-BACK=1.0", "PART-HOLD-BACK=0.7");
    }),
    changed(9, "HOLD-BACK of two segments", |asked, reply| {
        replace(asked, reply, ",HOLD-BACK=6", ",HOLD-BACK=4");
    }),
    changed(10, "sound with another target duration", |asked, reply| {
        if asked.path.contains("/audio/") {
            replace(asked, reply, "TARGETDURATION:2", "TARGETDURATION:3");
        }
    }),
    changed(11, "a delta in version 6", |asked, reply| {
        replace(asked, reply, "#EXT-X-VERSION:9", "#EXT-X-VERSION:6");
        replace(asked, reply, "#EXT-X-VERSION:10", "#EXT-X-VERSION:6");
    }),
    asked(12, "nothing waits", |asked| {
        if asked.query.contains("_HLS_msn") {
            asked.query.clear();
        }
    }),
    changed(13, "a part beyond the last is refused", |asked, reply| {
        if asked.query.contains("_HLS_part=1000") {
            reply.status = 400;
        }
    }),
    changed(14, "segment 0 is refused", |asked, reply| {
        if asked.query.contains("_HLS_msn=0") {
            reply.status = 400;
        }
    }),
    asked(15, "a part without its segment is answered", |asked| {
        if asked.query.starts_with("_HLS_part") {
            asked.query.clear();
        }
    }),
    changed(16, "too far is absent instead of wrong", |asked, reply| {
        if asked.query.contains("_HLS_msn") && reply.status == 400 {
            reply.status = 404;
        }
    }),
    changed(17, "a request waits for ever", |asked, reply| {
        if asked.query.contains("_HLS_msn") && !asked.query.contains("_HLS_part") {
            reply.wait = Duration::from_secs(60);
        }
    }),
    changed(18, "an ended playlist refuses directives", |asked, reply| {
        if !asked.is_multivariant() {
            text(asked, reply, |list| format!("{list}#EXT-X-ENDLIST\n"));
        }
    }),
    changed(19, "a delta that skips too much", |asked, reply| {
        replace(asked, reply, "SKIPPED-SEGMENTS=", "SKIPPED-SEGMENTS=1");
    }),
    changed(20, "v2 is refused", |asked, reply| {
        if asked.query.contains("_HLS_skip=v2") {
            reply.status = 400;
        }
    }),
    changed(21, "hints of what never comes", |asked, reply| {
        text(asked, reply, |list| {
            let line = |line: &str| match line.strip_prefix("#EXT-X-PRELOAD-HINT") {
                Some(rest) => format!("#EXT-X-PRELOAD-HINT{}\n", rest.replace(".m4s", ".m4v")),
                None => format!("{line}\n"),
            };
            list.lines().map(line).collect()
        });
    }),
    changed(22, "parts that trickle", |asked, reply| {
        if asked.is_part() {
            reply.pause = Duration::from_millis(600);
        }
    }),
    changed(23, "two hints", |asked, reply| {
        text(asked, reply, |list| {
            let hint = list.lines().find(|line| line.starts_with("#EXT-X-PRELOAD-HINT"));
            format!("{list}{}\n", hint.unwrap_or_default())
        });
    }),
    changed(24, "no rendition reports", |asked, reply| {
        without(asked, reply, "#EXT-X-RENDITION-REPORT");
    }),
    changed(25, "no dates", |asked, reply| without(asked, reply, "#EXT-X-PROGRAM-DATE-TIME")),
    changed(27, "no gzip", |_, reply| reply.gzip = false),
    changed(28, "nothing may be kept", |_, reply| {
        head(reply, header::CACHE_CONTROL, "no-cache, no-store");
    }),
    changed(29, "a clock that stands", |_, reply| {
        head(reply, header::DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
    }),
    changed(30, "addresses with the viewer in them", |asked, reply| {
        replace(asked, reply, ".m4s\"", ".m4s?viewer=1\"");
    }),
    changed(31, "a round trip longer than a part", |asked, reply| {
        if plain_query(asked) || reply.status == 400 || asked.query.contains("_HLS_msn=0") {
            reply.wait = Duration::from_millis(500);
        }
    }),
    changed(32, "no EXT-X-INDEPENDENT-SEGMENTS", |asked, reply| {
        without(asked, reply, "#EXT-X-INDEPENDENT-SEGMENTS");
    }),
    changed(33, "no AVERAGE-BANDWIDTH", |asked, reply| {
        replace(asked, reply, "AVERAGE-BANDWIDTH", "X-BANDWIDTH");
    }),
    changed(33, "CODECS of other media", |asked, reply| {
        replace(asked, reply, "avc1.", "hvc1.");
    }),
    changed(34, "no I-frame playlists", |asked, reply| {
        without(asked, reply, "#EXT-X-I-FRAME-STREAM-INF");
    }),
    changed(35, "a break in the sound alone", |asked, reply| {
        if asked.path.contains("/audio/") {
            replace(asked, reply, "#EXT-X-PROGRAM", "#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM");
        }
    }),
    changed(36, "an EXTINF that is not so", |asked, reply| {
        replace(asked, reply, "#EXTINF:2.0", "#EXTINF:1.6");
    }),
    changed(37, "media of no known type", |asked, reply| {
        if asked.is_media() {
            head(reply, header::CONTENT_TYPE, "application/octet-stream");
        }
    }),
    changed(37, "playlists as text", |asked, reply| {
        if asked.is_playlist() {
            head(reply, header::CONTENT_TYPE, "text/plain");
        }
    }),
];
