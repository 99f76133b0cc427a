//! Fuzz targets: what is promised of any input, whoever sent it.
//!
//! In: bytes. Out: nothing, or a panic that says which promise was broken. Does not know where the bytes come from: the
//! test `brief` mutates the files of `corpus/<target>` for a moment on every run, and a coverage-guided fuzzer may
//! call the same functions for as long as it likes.
//!
//! A new target is a module with a `run(&[u8])`, a line in [`TARGETS`] and a folder of seeds.

pub mod captions;
pub mod mutate;
pub mod playlist;
pub mod publisher;
pub mod rtmp;
pub mod srt;
pub mod token;
pub mod whip;

/// A target: its name, its function, and where there are more seeds than its own, below the workspace.
pub type Target = (&'static str, fn(&[u8]), &'static [&'static str]);

/// Every target.
pub const TARGETS: &[Target] = &[
    ("playlist", playlist::run, &["shared/playlist/tests/rewrite"]),
    ("cat", token::cat, &[]),
    ("jwt", token::jwt, &[]),
    ("keys", token::keys, &[]),
    ("rtmp", rtmp::chunks, &[]),
    ("amf", rtmp::amf, &[]),
    ("flv", rtmp::flv, &[]),
    ("ts", srt::transport_stream, &[]),
    ("splice", srt::splice, &[]),
    ("srt", srt::packet, &[]),
    ("sdp", whip::sdp, &[]),
    ("stun", whip::stun, &[]),
    ("annex_b", whip::annex_b, &[]),
    ("vtt", captions::vtt, &[]),
];
