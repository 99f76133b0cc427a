//! `matinee asset trim`: what of an asset is shown.
//!
//! In: two points as people write them. Out: the asset after it, as people read it. Does not know playlists.

use clap::Args;
use reqwest::Method;
use shared_wire::AssetId;
use shared_wire::api::{Asset, Trim};

use super::asset::{length, said};
use super::error::Error;
use super::house::{House, HouseFlags};

/// What is to be shown.
#[derive(Debug, Clone, Args)]
pub(crate) struct TrimFlags {
    /// The asset's id
    asset: AssetId,
    /// Where it is to begin, counted from its beginning: 83, 1:23 or 0:01:23.500
    #[arg(long = "in", value_name = "TIME", value_parser = point)]
    #[arg(required_unless_present_any = ["end", "undo"])]
    begin: Option<u64>,
    /// Where it is to end, counted from its beginning
    #[arg(long = "out", value_name = "TIME", value_parser = point)]
    end: Option<u64>,
    /// Show all of it again
    #[arg(long, conflicts_with_all = ["begin", "end"])]
    undo: bool,
    /// Which house
    #[command(flatten)]
    house: HouseFlags,
}

impl TrimFlags {
    /// # Errors
    /// Any of [`Error`].
    pub(super) async fn run(self) -> Result<String, Error> {
        let Self { asset, begin, end, undo, house } = self;
        let (at, path) = (House::find(&house).await?, format!("/v1/assets/{asset}/trim"));
        let asset: Asset = if undo {
            at.delete(&path).await?
        } else {
            at.set(Method::PUT, &path, &Trim { in_ms: begin, out_ms: end }).await?
        };
        Ok(said(&asset, &house))
    }
}

/// What is shown, as people read it.
pub(super) fn shown(trim: Trim) -> String {
    let begin = length(trim.in_ms.unwrap_or_default());
    let end = trim.out_ms.map_or_else(|| "its end".to_owned(), length);
    format!("from {begin} to {end}")
}

/// A point of an asset, in milliseconds: seconds, or minutes and seconds, or hours as well.
pub(super) fn point(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no time such as 83, 1:23, 59:00.5 or 1:02:03");
    let (whole, millis) = match text.split_once('.') {
        Some((whole, part)) if (1..=3).contains(&part.len()) => (whole, format!("{part:0<3}")),
        Some(_) => return Err(wrong()),
        None => (text, "0".to_owned()),
    };
    let number = |text: &str| {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u64>().ok().filter(|_| is_plain).ok_or_else(wrong)
    };
    let steps: Vec<&str> = whole.split(':').collect();
    if steps.len() > 3 {
        return Err(wrong());
    }
    let mut seconds = 0_u64;
    for (at, step) in steps.iter().enumerate() {
        let step = number(step)?;
        if at > 0 && step > 59 {
            return Err(wrong());
        }
        seconds = seconds.checked_mul(60).and_then(|s| s.checked_add(step)).ok_or_else(wrong)?;
    }
    let millis = number(&millis)?;
    seconds.checked_mul(1000).and_then(|ms| ms.checked_add(millis)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_as_people_write_them() {
        for (text, ms) in [
            ("0", 0),
            ("83", 83_000),
            ("1:23", 83_000),
            ("59:00.5", 3_540_500),
            ("1:02:03", 3_723_000),
            ("0:00:00.040", 40),
            ("90:00", 5_400_000),
        ] {
            assert_eq!(point(text), Ok(ms), "{text}");
        }
        for text in ["", "1:60", "1::2", "1:2:3:4", "-1", "+1", "1.", "1.2345", "a", "1:2.x"] {
            assert!(point(text).is_err(), "{text}");
        }
        assert_eq!(shown(Trim { in_ms: Some(83_000), out_ms: None }), "from 0:01:23 to its end");
    }
}
