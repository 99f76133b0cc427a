//! What viewers see while nobody publishes: gaps, or a slate.
//!
//! In: shows whose publisher is away. Out: ingest, told to fetch a slate; `matinee slate`, the child process that makes
//! one. Does not know who comes back, or when.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;
use origin_control::Control;
use origin_ingest::{Desk, Pull};
use origin_pattern::{Codec, Picture, config as limits};
use shared_media::{VideoCodec, VideoConfig};
use shared_wire::ShowId;
use shared_wire::api::WhileAway;

use crate::error::Error;

/// The picture of a show that nothing is known of: an earlier process had it on the air.
const USUAL: (u32, u32, u32) = (1280, 720, 30);
/// What its picture takes, in bit/s: it does not move.
const VIDEO_BIT_RATE: u32 = 400_000;
const AUDIO_BIT_RATE: u32 = 64_000;

/// Who has slates fetched.
#[derive(Clone)]
pub(crate) struct Away {
    pub(crate) desk: Desk,
    pub(crate) program: PathBuf,
    /// Of shows that do not say.
    pub(crate) usual: WhileAway,
    /// In place of words.
    pub(crate) picture: Option<PathBuf>,
}

impl Away {
    /// The publisher of a show is away.
    pub(crate) fn begin(&self, control: &Control, show: ShowId) {
        let own = control.show_state(show).and_then(|known| known.broadcast.while_away);
        if own.unwrap_or(self.usual) == WhileAway::Slate {
            self.desk.fill(&show.to_string(), |last| self.pull(last.as_ref()));
        }
    }

    /// How a slate is made that goes with these pictures. There is none for AV1: a transport stream cannot carry it,
    /// and a rendition does not change its codec.
    fn pull(&self, last: Option<&VideoConfig>) -> Option<Pull> {
        let (width, height, rate) = last.map_or(USUAL, |last| {
            let rate = last.frame_rate.filter(|rate| rate.den > 0);
            let rate = rate.map_or(USUAL.2, |rate| rate.num.div_ceil(rate.den));
            (last.width, last.height, rate)
        });
        let codec = match last.map_or(VideoCodec::Avc, |last| last.codec) {
            VideoCodec::Avc => "avc",
            VideoCodec::Hevc => "hevc",
            VideoCodec::Av1 => return None,
        };
        let even = |side: u32, (least, most): (u32, u32)| (side & !1).clamp(least, most);
        let width = even(width, (limits::WIDTH_MIN, limits::WIDTH_MAX));
        let height = even(height, (limits::HEIGHT_MIN, limits::HEIGHT_MAX));
        let rate = rate.clamp(1, limits::FRAME_RATE_MAX);
        let mut command: Vec<OsString> = vec![self.program.clone().into(), "slate".into()];
        for (name, value) in [("--width", width), ("--height", height), ("--frame-rate", rate)] {
            command.extend([name.into(), value.to_string().into()]);
        }
        command.extend(["--codec".into(), codec.into()]);
        if let Some(picture) = &self.picture {
            command.extend(["--picture".into(), picture.into()]);
        }
        Some(Pull { command, environment: Vec::new() })
    }
}

/// Flags of `matinee slate`.
#[derive(Debug, Args)]
pub(crate) struct SlateFlags {
    /// Width of the picture
    #[arg(long)]
    width: u32,
    /// Height of the picture
    #[arg(long)]
    height: u32,
    /// Frames per second
    #[arg(long)]
    frame_rate: u32,
    /// How it is encoded: avc or hevc
    #[arg(long, value_parser = codec)]
    codec: Codec,
    /// A file with the picture; words if not given
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

fn codec(text: &str) -> Result<Codec, String> {
    match text {
        "avc" => Ok(Codec::Avc),
        "hevc" => Ok(Codec::Hevc),
        _ => Err("it must be avc or hevc".to_owned()),
    }
}

/// `matinee slate`: a transport stream on standard output, in real time, until that is closed.
pub(crate) fn slate(flags: &SlateFlags) -> Result<(), Error> {
    let config = origin_pattern::Config {
        url: "pipe:1".to_owned(),
        picture: Picture::Slate(flags.picture.clone()),
        width: flags.width,
        height: flags.height,
        frame_rate: flags.frame_rate,
        gop_frames: flags.frame_rate,
        video_bit_rate: VIDEO_BIT_RATE,
        audio_bit_rate: AUDIO_BIT_RATE,
        codec: flags.codec,
        beep: false,
        ..origin_pattern::Config::default()
    };
    origin_pattern::publish(config, &AtomicBool::new(false)).map_err(Error::Pattern)
}

/// Whether a file can be a slate: what is wrong with it, if something is.
pub(crate) fn fault(picture: &Path) -> Option<String> {
    origin_pattern::look_at(picture).err().map(|error| error.to_string())
}
