//! How films are transcoded.
//!
//! In: the layers of settings. Out: [`Rules`]. Does not know encoders.

use clap::Args;
use shared_wire::api::KeepHdr;

use crate::layers::{Layers, whole};
use crate::vod::{Rules, THREADS};

/// The flags of films.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct FilmFlags {
    /// Pieces of films that are transcoded at the same time, 0 to 64; with 0 this node transcodes none [default: 1]
    #[arg(long, value_name = "NUMBER")]
    transcodes: Option<String>,
    /// How much of a film is one piece, in seconds, 4 to 3600 [default: 24]
    #[arg(long, value_name = "SECONDS")]
    chunk_s: Option<String>,
    /// How the range of HDR is kept of films that do not say, beside what all screens show: none, hevc or av1
    /// [default: none]
    #[arg(long, value_name = "HOW")]
    keep_hdr: Option<String>,
}

/// Every name a setting of films goes by.
pub(crate) const NAMES: &[&str] = &["transcodes", "chunk_s", "keep_hdr"];

impl FilmFlags {
    pub(super) fn flag(&self, name: &str) -> Option<&String> {
        match name {
            "transcodes" => self.transcodes.as_ref(),
            "chunk_s" => self.chunk_s.as_ref(),
            "keep_hdr" => self.keep_hdr.as_ref(),
            _ => None,
        }
    }
}

impl Layers<'_> {
    pub(super) fn films(&mut self) -> Rules {
        let transcodes = self.value("transcodes", 1, |text| number(text, 0, 64));
        Rules { transcodes, chunk_s: self.chunk_s() }
    }

    /// Those of a process that does nothing else. A file or an environment that it has in common with a house may say
    /// that the house makes none.
    pub(super) fn films_of_worker(&mut self) -> Rules {
        let transcodes = self.value("transcodes", 0, |text| number(text, 0, 64));
        let transcodes = if transcodes == 0 { hands() } else { transcodes };
        Rules { transcodes, chunk_s: self.chunk_s() }
    }

    /// It is kept with each file that comes in: workers need not know it.
    pub(super) fn keep_hdr(&mut self) -> KeepHdr {
        let wrong = || "is none of none, hevc and av1".to_owned();
        self.value("keep_hdr", KeepHdr::None, |text| KeepHdr::named(text).ok_or_else(wrong))
    }

    fn chunk_s(&mut self) -> u32 {
        self.value("chunk_s", 24, |text| number(text, 4, 3600))
    }
}

fn number(text: &str, min: u32, max: u32) -> Result<u32, String> {
    let number = whole(text, min.into(), max.into())?;
    u32::try_from(number).map_err(|error| error.to_string())
}

/// As many pieces at a time as keep this machine's processors busy.
fn hands() -> u32 {
    let all = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(all.div_ceil(THREADS.into())).unwrap_or(1).clamp(1, 64)
}
