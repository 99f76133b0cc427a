//! What is asked of a film, and what is found in it.
//!
//! In: nothing. Out: plain types. Does not know who asks, nor how it is done.

use serde::{Deserialize, Serialize};
use shared_media::hdr::Curve;
use shared_media::{Rational, RenditionId, Ticks, VideoCodec};

/// When things are shown in a file, in ticks from the first thing shown in it, over all streams that are taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// When that first thing is shown, in the file's own time.
    pub begin: Ticks,
    /// From there to the end of the last unit.
    pub length: Ticks,
    /// When keyframes of the pictures are shown, ascending; empty without pictures. Of a large file they may be some
    /// alone.
    pub keyframes: Vec<Ticks>,
    /// When the first pictures are shown, ascending, as long as they follow one another closely; empty where a film can
    /// be cut at keyframes alone.
    #[serde(default)]
    pub early: Vec<Ticks>,
    /// Packets of the stream with the pictures that were read.
    pub pictures: u64,
    /// Pictures per second: the rate that all their times fit, where they come at it; else their average.
    pub frame_rate: Option<Rational>,
    /// The file says only when pictures are decoded; then keyframes are those that no picture overtakes.
    pub is_untimed: bool,
}

/// What to make of a file, or of a span of it. All times but `begin` are ticks from it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// [`Index::begin`].
    pub begin: i64,
    /// What is shown from here on is made, …
    pub from: i64,
    /// … and before this; to the end of the file where it is absent.
    pub until: Option<i64>,
    /// Every rung that is encoded has a keyframe at the first picture at or after each of these, and at its first.
    pub cuts: Vec<i64>,
    /// Where the pictures are, and what is done to them before they are encoded; absent: there are none.
    pub pictures: Option<Pictures>,
    /// The renditions of the pictures.
    pub rungs: Vec<Rung>,
    /// The renditions of sounds.
    pub sounds: Vec<Sound>,
    /// The renditions of subtitles.
    pub texts: Vec<Text>,
    /// Pictures per second, for rate control, and as renditions state it.
    pub frame_rate: Option<Rational>,
    /// Threads that decode, and that each larger rung is encoded in. What comes out depends on it, and on nothing else
    /// of the machine.
    pub threads: u8,
}

/// Where pictures are, and what is done to them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pictures {
    /// The stream of the file.
    pub stream: u32,
    /// Where two fields make a picture, they become one that is whole.
    pub deinterlace: bool,
    /// By how much they are turned clockwise: 0, 90, 180 or 270 degrees.
    pub rotate: u16,
    /// What is brighter than screens of the standard range are is brought into it (BT.709), for all rungs but those
    /// that keep it.
    pub tone_map: bool,
    /// [`Index::is_untimed`].
    #[serde(default)]
    pub is_untimed: bool,
}

/// A rendition of the pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Its name.
    pub id: RenditionId,
    /// Pixels of a line, even. They are square: a picture whose pixels are not is stretched to this.
    pub width: u32,
    /// Lines, even.
    pub height: u32,
    /// What the encoder aims at, in bit/s; it may take half as much again for a while.
    pub bit_rate: u32,
    /// How it is encoded.
    pub codec: VideoCodec,
    /// It is the file's own H.264, not encoded anew: whole GOPs, in decoding order, from the first keyframe at or
    /// after `from` up to the first at or after `until`. Where a GOP is open, the pictures that follow its keyframe
    /// but are shown before it stay with it, though they be shown before `from`: decoding order is kept, and the spans
    /// of a film together have every unit once, but for what comes before the first keyframe that is shown.
    pub is_copy: bool,
    /// It has 10 bits and this curve, which is the film's own, and is made of what is not brought into the standard
    /// range; its codec is HEVC or AV1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hdr: Option<Curve>,
}

/// A rendition of a sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sound {
    /// Its name.
    pub id: RenditionId,
    /// The stream of the file.
    pub stream: u32,
    /// Its channels, 2 or 6.
    pub channels: u8,
    /// What the encoder aims at, in bit/s.
    pub bit_rate: u32,
    /// It is the file's own AAC, not encoded anew.
    pub is_copy: bool,
}

/// A rendition of subtitles, which must be text and not pictures of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Its name.
    pub id: RenditionId,
    /// The stream of the file.
    pub stream: u32,
}
