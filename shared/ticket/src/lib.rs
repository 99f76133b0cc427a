//! Playback tokens and sealed sessions: claims, issue, verify.
