//! Chapters of a recording or film, as players know them.
//!
//! In: an asset's chapters, what of it is shown. Out: JSON chapters as Apple's players take them (session data
//! `com.apple.hls.chapters`), and a WebVTT text whose cues are chapters. Does not know who set them.

use std::fmt::Write as _;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use shared_wire::api::Chapter;
use shared_wire::header::TYPE_VTT;
use shared_wire::key::{Key, KeyObject};

use crate::delivery::{Delivery, at_edges, set, storage_failed, tag};
use crate::shown::Shown;
use crate::{fault, lifetime};

/// Of JSON chapters.
const TYPE_JSON: &str = "application/json";

/// The `DATA-ID` under which players look for them.
const DATA_ID: &str = "com.apple.hls.chapters";
/// Where they stand, relative to the multivariant playlist.
const URI: &str = "chapters.json";
/// No language: nobody says in which titles are.
const UNDETERMINED: &str = "und";

/// The line of a multivariant playlist that says where they are (4.4.6.4).
pub(crate) fn line() -> String {
    format!("#EXT-X-SESSION-DATA:DATA-ID=\"{DATA_ID}\",URI=\"{URI}\"\n")
}

/// A chapter, as Apple's players read it; times are in seconds.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Entry<'a> {
    chapter: usize,
    start_time: f64,
    duration: f64,
    titles: [Title<'a>; 1],
}

#[derive(Serialize)]
struct Title<'a> {
    language: &'a str,
    title: &'a str,
}

/// What is shown of chapters of the whole: those between two points, counted from where playlists begin, all in
/// milliseconds. `begin_ms` is where that is, `in_ms` and `out_ms` what is to be seen.
pub(crate) fn between(all: Vec<Chapter>, begin_ms: u64, in_ms: u64, out_ms: u64) -> Vec<Chapter> {
    let shown = |chapter: Chapter| {
        let (from, until) = (chapter.start_ms.max(in_ms), chapter.end_ms.min(out_ms));
        (from < until).then(|| Chapter {
            start_ms: from.saturating_sub(begin_ms),
            end_ms: until.saturating_sub(begin_ms),
            title: chapter.title,
        })
    };
    all.into_iter().filter_map(shown).collect()
}

/// Chapters as JSON.
///
/// # Errors
/// They cannot be written.
pub(crate) fn json(chapters: &[Chapter]) -> Result<String, serde_json::Error> {
    let entries: Vec<Entry<'_>> = chapters
        .iter()
        .enumerate()
        .map(|(at, one)| Entry {
            chapter: at.saturating_add(1),
            start_time: seconds(one.start_ms),
            duration: seconds(one.end_ms.saturating_sub(one.start_ms)),
            titles: [Title { language: UNDETERMINED, title: &one.title }],
        })
        .collect();
    serde_json::to_string(&entries)
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ms are 285,000 years")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

/// Chapters as a WebVTT text (W3C WebVTT, 1.5).
pub(crate) fn vtt(chapters: &[Chapter]) -> String {
    let mut text = String::from("WEBVTT\n");
    for (at, one) in chapters.iter().enumerate() {
        let title = one.title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let (from, until) = (clock(one.start_ms), clock(one.end_ms));
        // Writing to a `String` cannot fail.
        let _ = write!(text, "\n{}\n{from} --> {until}\n{title}\n", at.saturating_add(1));
    }
    text
}

/// A time as WebVTT writes it.
fn clock(ms: u64) -> String {
    let (s, ms) = (ms / 1000, ms % 1000);
    format!("{:02}:{:02}:{:02}.{ms:03}", s / 3600, s / 60 % 60, s % 60)
}

impl Delivery {
    /// The chapters of a recording or film, of what is shown of it.
    pub(crate) async fn chapters(&self, key: &Key, headers: &HeaderMap) -> Response {
        let absent = |detail| self.absent(key, false, headers, detail);
        if !self.stages.has_chapters(key.show) {
            return absent("The show has no chapters.");
        }
        let all = match self.stages.chapters(key.show).await {
            Ok(all) => all,
            Err(error) => {
                tracing::warn!(show = %key.show, %error, "chapters are not told");
                let (status, code) = (StatusCode::SERVICE_UNAVAILABLE, "busy");
                return fault::problem(headers, status, code, "The chapters are not known now.");
            }
        };
        let shown = match Shown::of(&self.stages, &self.store, key.show).await {
            Ok(Shown::Whole) => all,
            Ok(Shown::Between(borders)) => {
                let begin_us = borders.begin_us;
                let in_ms = begin_us.saturating_add(borders.start_us) / 1000;
                between(all, begin_us / 1000, in_ms, borders.end_us / 1000)
            }
            Ok(Shown::Nothing) => return absent("Nothing of it is shown yet."),
            Err(error) => return storage_failed(headers, &error),
        };
        let (text, kind) = match key.object {
            KeyObject::ChapterCues => (Ok(vtt(&shown)), TYPE_VTT),
            _ => (json(&shown), TYPE_JSON),
        };
        let Ok(text) = text else { return absent("The chapters cannot be written.") };
        let (cache, edges) = lifetime::finished(self.stages.is_growing(key.show));
        let tag = tag(text.as_bytes(), false);
        let is_known = headers.get(header::IF_NONE_MATCH) == Some(&tag);
        let mut response =
            if is_known { StatusCode::NOT_MODIFIED.into_response() } else { text.into_response() };
        set(&mut response, kind, cache);
        response.headers_mut().insert(header::ETAG, tag);
        at_edges(response, edges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chapters() -> Vec<Chapter> {
        [(0, 60_000, "Intro"), (60_000, 120_500, "\"Tom\" & <Jerry>"), (120_500, 180_000, "End")]
            .map(|(start_ms, end_ms, title)| Chapter { start_ms, end_ms, title: title.to_owned() })
            .into()
    }

    #[test]
    fn players_are_told_in_both_of_their_languages() {
        let all = chapters();
        assert_eq!(
            json(&all[..2]).unwrap(),
            "[{\"chapter\":1,\"start-time\":0.0,\"duration\":60.0,\
             \"titles\":[{\"language\":\"und\",\"title\":\"Intro\"}]},\
             {\"chapter\":2,\"start-time\":60.0,\"duration\":60.5,\
             \"titles\":[{\"language\":\"und\",\"title\":\"\\\"Tom\\\" & <Jerry>\"}]}]"
        );
        assert_eq!(
            vtt(&all[..2]),
            "WEBVTT\n\n1\n00:00:00.000 --> 00:01:00.000\nIntro\n\n\
             2\n00:01:00.000 --> 00:02:00.500\n\"Tom\" &amp; &lt;Jerry&gt;\n"
        );
        assert_eq!((json(&[]).unwrap(), vtt(&[])), ("[]".to_owned(), "WEBVTT\n".to_owned()));
    }

    #[test]
    fn they_follow_what_is_shown() {
        let all = between(chapters(), 58_000, 59_500, 120_500);
        let told: Vec<_> = all.iter().map(|one| (one.start_ms, one.end_ms, &*one.title)).collect();
        assert_eq!(told, [(1500, 2000, "Intro"), (2000, 62_500, "\"Tom\" & <Jerry>")]);
        assert_eq!(between(chapters(), 0, 0, u64::MAX), chapters());
    }
}
