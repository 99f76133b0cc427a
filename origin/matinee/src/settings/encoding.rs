//! What is encoded, in what, and how much of the machine it may take.
//!
//! In: the layers of settings. Out: [`Encoding`]. Does not know encoders.

use origin_ladder::Hardware;
use shared_wire::api::{Rung, ladder};

use crate::layers::Layers;

/// What is encoded of shows that say nothing else, and how much a machine may spend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) rungs: Vec<Rung>,
    /// In thousandths of a processor.
    pub(crate) millicores: u64,
    /// Whether a show that does not fit is refused; else it gets fewer rungs.
    pub(crate) refuses: bool,
    /// What encodes beside software, if anything.
    pub(crate) hardware: Option<Hardware>,
}

/// The rungs of a house that names none.
const LADDER: &str = "720p,480p,160p";

impl Layers<'_> {
    pub(super) fn encoding(&mut self) -> Encoding {
        let usual = ladder::parse(LADDER).unwrap_or_default(); // a test reads it
        let all = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Encoding {
            rungs: self.value("ladder", usual, ladder::parse),
            millicores: self.value("encode_cpus", all as u64 * 900, millicores),
            refuses: self.value("no_room", false, |text| match text {
                "refuse" => Ok(true),
                "fewer-rungs" => Ok(false),
                _ => Err("is neither fewer-rungs nor refuse".to_owned()),
            }),
            hardware: self.value("hardware", None, |text| match text {
                "none" => Ok(None),
                "nvenc" => Ok(Some(Hardware::Nvenc)),
                "vaapi" => Ok(Some(Hardware::Vaapi)),
                "v4l2" => Ok(Some(Hardware::V4l2)),
                _ => Err("is neither nvenc, vaapi, v4l2 nor none".to_owned()),
            }),
        }
    }
}

/// A number of processors, in thousandths.
fn millicores(text: &str) -> Result<u64, String> {
    let wrong = || "is not a number of processors such as 3.5, 0 to 1024".to_owned();
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits =
        |text: &str| (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 3 {
        return Err(wrong());
    }
    let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
    let millicores = number(whole)? * 1000 + number(&format!("{part:0<3}"))?;
    if millicores <= 1_024_000 { Ok(millicores) } else { Err(wrong()) }
}
