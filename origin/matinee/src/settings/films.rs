//! How films are transcoded.
//!
//! In: the layers of settings. Out: [`Rules`]. Does not know encoders.

use clap::Args;

use crate::layers::{Layers, whole};
use crate::vod::Rules;

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
        let number = |text: &str, min: u32, max: u32| {
            let number = whole(text, min.into(), max.into())?;
            u32::try_from(number).map_err(|error| error.to_string())
        };
        Rules {
            transcodes: self.value("transcodes", 1, |text| number(text, 0, 64)),
            chunk_s: self.value("chunk_s", 24, |text| number(text, 4, 3600)),
        }
    }
}
