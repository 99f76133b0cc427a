//! Ladders: which smaller pictures a show is offered in beside its source.
//!
//! In: JSON of the API and of hooks, or text such as `720p,480p/hevc@900k,160p`. Out: [`Rung`]s, checked. Does not know
//! what they cost, nor which of them a source is high enough for.

use serde::{Deserialize, Serialize};

/// Most rungs that can be chosen for a show.
pub const RUNGS_MAX: usize = 8;
/// Heights a rung may have, in lines.
const HEIGHTS: std::ops::RangeInclusive<u32> = 2..=4320;
/// What a rung's encoder may be told to aim at, in bit/s.
const BIT_RATES: std::ops::RangeInclusive<u32> = 50_000..=50_000_000;
/// What H.264 gets at heights that are asked for most, in bit/s; those between go by the nearest below.
const BIT_RATES_AVC: [(u32, u32); 7] = [
    (2160, 14_000_000),
    (1440, 8_000_000),
    (1080, 5_000_000),
    (720, 2_500_000),
    (480, 1_200_000),
    (360, 700_000),
    (160, 250_000),
];

/// One rung that is encoded whenever the source is higher than it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// Height of the picture in lines; the width follows from the source's shape.
    pub height: u32,
    /// What its encoder aims at, in bit/s; absent: what [`Rung::bit_rate`] says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bit_rate: Option<u32>,
    /// How it is encoded.
    #[serde(default, skip_serializing_if = "RungCodec::is_avc")]
    pub codec: RungCodec,
}

/// How a rung is encoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RungCodec {
    /// H.264.
    #[default]
    Avc,
    /// HEVC.
    Hevc,
    /// AV1.
    Av1,
}

impl RungCodec {
    /// Whether it is what rungs are encoded in when nothing is said.
    #[must_use]
    pub const fn is_avc(&self) -> bool {
        matches!(self, Self::Avc)
    }
}

impl Rung {
    /// What its encoder aims at, in bit/s. HEVC needs two thirds of what H.264 does for the same picture, AV1 half.
    #[must_use]
    pub fn bit_rate(&self) -> u32 {
        self.bit_rate.unwrap_or_else(|| {
            let found = BIT_RATES_AVC.iter().find(|(height, _)| *height <= self.height);
            let avc = found.map_or(150_000, |(_, bit_rate)| *bit_rate);
            match self.codec {
                RungCodec::Avc => avc,
                RungCodec::Hevc => avc / 3 * 2,
                RungCodec::Av1 => avc / 2,
            }
        })
    }
}

/// Whether rungs can be a show's; the reason if not.
///
/// # Errors
/// There are too many, two are of the same height and codec, or a number is out of bounds.
pub fn check(rungs: &[Rung]) -> Result<(), String> {
    if rungs.len() > RUNGS_MAX {
        return Err(format!("names more than {RUNGS_MAX} rungs"));
    }
    for (index, rung) in rungs.iter().enumerate() {
        if !HEIGHTS.contains(&rung.height) {
            let (least, most) = (HEIGHTS.start(), HEIGHTS.end());
            return Err(format!("{} is no height of {least} to {most} lines", rung.height));
        }
        if !BIT_RATES.contains(&rung.bit_rate()) {
            let (least, most) = (BIT_RATES.start(), BIT_RATES.end());
            let named = rung.bit_rate();
            return Err(format!("{named} is no bit rate of {least} to {most} bit/s"));
        }
        let same = |other: &Rung| (other.height, other.codec) == (rung.height, rung.codec);
        if rungs.iter().take(index).any(same) {
            return Err(format!("names {}p twice", rung.height));
        }
    }
    Ok(())
}

/// Rungs written as text: `none`, or `720p,480p/hevc@900k,160p`, each a height, a codec where it is not H.264 (`hevc`,
/// `av1`), and a bit rate in kbit/s where another than usual is wanted.
///
/// # Errors
/// What is wrong with it, to be read after the text.
pub fn parse(text: &str) -> Result<Vec<Rung>, String> {
    if text.trim() == "none" {
        return Ok(Vec::new());
    }
    let named = text.split(',').map(str::trim);
    let rungs: Vec<Rung> = named
        .map(|one| read(one).ok_or_else(|| format!("'{one}' is no rung such as 720p@2500k")))
        .collect::<Result<_, _>>()?;
    check(&rungs)?;
    Ok(rungs)
}

fn read(one: &str) -> Option<Rung> {
    let (form, rate) = match one.split_once('@') {
        Some((form, rate)) => (form, Some(rate.strip_suffix('k')?)),
        None => (one, None),
    };
    let (height, codec) = match form.split_once('/') {
        Some((height, "hevc")) => (height, RungCodec::Hevc),
        Some((height, "av1")) => (height, RungCodec::Av1),
        Some((height, "avc")) => (height, RungCodec::Avc),
        Some(_) => return None,
        None => (form, RungCodec::Avc),
    };
    let bit_rate = match rate {
        Some(kbit) => Some(kbit.parse::<u32>().ok()?.checked_mul(1000)?),
        None => None,
    };
    Some(Rung { height: height.strip_suffix('p')?.parse().ok()?, bit_rate, codec })
}

/// Rungs as [`parse`] reads them.
#[must_use]
pub fn text(rungs: &[Rung]) -> String {
    if rungs.is_empty() {
        return "none".to_owned();
    }
    let one = |rung: &Rung| {
        let codec = match rung.codec {
            RungCodec::Avc => "",
            RungCodec::Hevc => "/hevc",
            RungCodec::Av1 => "/av1",
        };
        let rate = rung.bit_rate.map(|rate| format!("@{}k", rate / 1000)).unwrap_or_default();
        format!("{}p{codec}{rate}", rung.height)
    };
    rungs.iter().map(one).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ladder_is_read_as_it_is_written() {
        let written = "1440p/av1,720p@2000k,480p/hevc@900k,160p";
        let rungs = parse(written).expect("a ladder");
        assert_eq!(text(&rungs), written);
        let rates: Vec<u32> = rungs.iter().map(Rung::bit_rate).collect();
        assert_eq!(rates, [4_000_000, 2_000_000, 900_000, 250_000]);
        assert_eq!(parse("none"), Ok(Vec::new()));
        assert_eq!(text(&[]), "none");
    }

    #[test]
    fn what_is_no_ladder_is_refused_with_the_reason() {
        for (wrong, why) in [
            ("", "is no rung"),
            ("720", "is no rung"),
            ("720p/vp9", "is no rung"),
            ("720p@2M", "is no rung"),
            ("1p", "is no height"),
            ("720p@1k", "is no bit rate"),
            ("720p,720p@900k", "twice"),
            ("1p,2p,3p,4p,5p,6p,7p,8p,9p", "more than 8"),
        ] {
            let said = parse(wrong).expect_err(wrong);
            assert!(said.contains(why), "{wrong}: {said}");
        }
    }

    #[test]
    fn what_is_absent_in_json_is_the_usual() {
        let rung: Rung = serde_json::from_str(r#"{"height":720}"#).expect("a rung");
        assert_eq!((rung.bit_rate(), rung.codec), (2_500_000, RungCodec::Avc));
        assert_eq!(serde_json::to_string(&rung).expect("JSON"), r#"{"height":720}"#);
        assert!(serde_json::from_str::<Rung>(r#"{"height":720,"colour":1}"#).is_err());
    }
}
