//! `matinee asset keep`: how long an asset is kept.
//!
//! In: a duration, a time, or a word. Out: the asset after it, as people read it. Does not know who deletes it.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use reqwest::Method;
use shared_wire::AssetId;
use shared_wire::api::{Asset, Retention};

use super::asset::said;
use super::error::Error;
use super::house::{House, HouseFlags};
use super::moment;

/// For how long; one of them.
#[derive(Debug, Clone, Args)]
pub(crate) struct KeepFlags {
    /// The asset's id
    asset: AssetId,
    /// For so long from now, such as 24h or 30d
    #[arg(long = "for", value_name = "DURATION", value_parser = moment::duration_s)]
    #[arg(required_unless_present_any = ["until", "forever", "as_house"])]
    span_s: Option<u32>,
    /// Until then, such as 2026-12-31T20:00Z, or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = moment::time, conflicts_with = "span_s")]
    until: Option<i64>,
    /// It is not deleted by itself, neither for its age nor to make room
    #[arg(long, conflicts_with_all = ["span_s", "until"])]
    forever: bool,
    /// As long as the house keeps those that do not say (--assets-keep-days)
    #[arg(long, conflicts_with_all = ["span_s", "until", "forever"])]
    as_house: bool,
    /// Which house
    #[command(flatten)]
    house: HouseFlags,
}

impl KeepFlags {
    /// # Errors
    /// Any of [`Error`].
    pub(super) async fn run(self) -> Result<String, Error> {
        let Self { asset, span_s, until, forever, as_house, house } = self;
        let (at, path) = (House::find(&house).await?, format!("/v1/assets/{asset}/retention"));
        let asset: Asset = if as_house {
            at.delete(&path).await?
        } else {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            let now = i64::try_from(now).unwrap_or(i64::MAX);
            let from_now = |span_s: u32| now.saturating_add(i64::from(span_s));
            let keep = Retention { keep_until: until.or(span_s.map(from_now)), forever };
            at.set(Method::PUT, &path, &keep).await?
        };
        Ok(said(&asset, &house))
    }
}

/// How long it is kept, as people read it.
pub(super) fn kept(asset: &Asset) -> Option<String> {
    match asset.deleted_at {
        Some(at) => Some(format!("until {}", moment::utc(at))),
        None => asset.retention.filter(|own| own.forever).map(|_| "forever".to_owned()),
    }
}
