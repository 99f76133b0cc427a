//! WebVTT as creators send it.
//!
//! In: bytes. Out: nothing, or a panic: a cue that was taken stands in a text of its own as it was taken, and nothing
//! of it can become another cue there. Does not know the API.

use origin_control::{Cue, cues_of_vtt};

/// The moment the texts are sent, in milliseconds since the Unix epoch.
const NOW_MS: i64 = 1_800_000_000_000;

/// A body of `text/vtt`.
///
/// # Panics
/// Where a promise is broken.
pub fn vtt(input: &[u8]) {
    let Ok(cues) = cues_of_vtt(input, NOW_MS, 0) else { return };
    assert!((1..=64).contains(&cues.len()), "a request has 1 to 64 cues");
    let mut text = "WEBVTT\n".to_owned();
    for Cue { start_ms, end_ms, settings, text: payload } in &cues {
        let (start, end) = (clock(start_ms - NOW_MS), clock(end_ms - NOW_MS));
        assert!(end_ms > start_ms && !settings.contains("-->") && settings.len() < 150);
        assert!((0..=NOW_MS + 3_600_000).contains(start_ms));
        text.extend(["\n", &start, " --> ", &end, " ", settings, "\n", payload, "\n"]);
    }
    // What is mapped may be long over, which the show itself judges; a text that counts from now cannot say so.
    if cues.iter().any(|cue| cue.start_ms < NOW_MS) {
        return;
    }
    assert_eq!(cues_of_vtt(text.as_bytes(), NOW_MS, 0), Ok(cues), "{text}");
}

fn clock(ms: i64) -> String {
    let (seconds, ms) = (ms / 1000, ms % 1000);
    format!("{:02}:{:02}:{:02}.{ms:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
