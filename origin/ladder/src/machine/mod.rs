//! The ladder's logic: pure, no clock, no process, no FFmpeg.
//!
//! In: events and the time. Out: events. Parent and child share these modules: `probe`, `hints`, `plan`, `source`,
//! `replay`, `life`, `overload`, `capacity`, `passing` and `ladder` run in the parent; `mirror`, `sound`, `adts`, `nal`
//! and `coded` in the child; `frame` is between them. Of films, `cuts`, `order`, `untimed` and `cue` run in the child,
//! and `film` is between.

pub(crate) mod probe;

pub(crate) mod hints;

pub(crate) mod plan;

pub(crate) mod source;

pub(crate) mod replay;

pub(crate) mod life;

pub(crate) mod overload;

pub(crate) mod capacity;

pub(crate) mod renditions;

pub(crate) mod ladder;

pub(crate) mod frame;

pub(crate) mod nal;

pub(crate) mod coded;

pub(crate) mod adts;

pub(crate) mod mirror;

pub(crate) mod sound;

pub(crate) mod passing;

pub(crate) mod film;

pub(crate) mod cuts;

pub(crate) mod order;

pub(crate) mod untimed;

pub(crate) mod cue;
