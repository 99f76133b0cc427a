//! How films are transcoded.
//!
//! In: the layers of settings. Out: [`Rules`]. Does not know encoders.

use clap::Args;

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
}

/// Every name a setting of films goes by.
pub(crate) const NAMES: &[&str] = &["transcodes", "chunk_s"];

impl FilmFlags {
    pub(super) fn flag(&self, name: &str) -> Option<&String> {
        match name {
            "transcodes" => self.transcodes.as_ref(),
            "chunk_s" => self.chunk_s.as_ref(),
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
