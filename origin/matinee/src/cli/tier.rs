//! `matinee tier set | list | drop`.
//!
//! In: parsed arguments. Out: what to print. Does not know HTTP.

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::json;
use shared_wire::api::{Tier, TierList};
use shared_wire::{Bind as Tie, Countries, Country, Policy, ShowId, Watermark as Form};

use super::error::Error;
use super::house::{House, HouseFlags};
use super::moment;
use super::table::table;

/// Set, list and drop tiers: what the tickets of a show admit to.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum TierCommand {
    /// Make or change a tier; what is not said is not limited
    Set {
        /// The show's id
        #[arg(long, value_name = "ID")]
        show: ShowId,
        /// The tier's name, such as basic
        #[arg(long)]
        name: String,
        /// What it admits to
        #[command(flatten)]
        limits: Limits,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// List a show's tiers
    List {
        /// The show's id
        #[arg(long, value_name = "ID")]
        show: ShowId,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Drop a tier that no good ticket has
    Drop {
        /// The show's id
        #[arg(long, value_name = "ID")]
        show: ShowId,
        /// The tier's name
        #[arg(long)]
        name: String,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
}

/// What a tier admits to.
#[derive(Debug, Clone, Args)]
pub(crate) struct Limits {
    /// The highest picture, as the number of its rung: 480 is 480p and below
    #[arg(long, value_name = "LINES")]
    height_max: Option<u16>,
    /// How far behind the live edge, in seconds; 0 is the live edge alone
    #[arg(long, value_name = "SECONDS")]
    dvr_s_max: Option<u32>,
    /// The only countries it is for, such as DE,AT
    #[arg(long, value_name = "CODES", value_delimiter = ',', conflicts_with = "countries_denied")]
    countries: Vec<Country>,
    /// The countries it is not for
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    countries_denied: Vec<Country>,
    /// What of the viewer's address a session is tied to; nothing if not said
    #[arg(long)]
    bind: Option<Bind>,
    /// The first minutes alone, from the ticket's first use, such as 300 or 5m
    #[arg(long, value_name = "DURATION", value_parser = moment::duration_s)]
    preview_s: Option<u32>,
    /// How many devices may play at once
    #[arg(long, value_name = "DEVICES")]
    devices_max: Option<u16>,
    /// Which of two watermarked forms of the media it gets
    #[arg(long)]
    watermark: Option<Watermark>,
}

/// What of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Bind {
    /// Its network: IPv4 /24, IPv6 /48
    Network,
    /// All of it; of an IPv6 address the first 64 bits
    Address,
}

/// A form of the media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Watermark {
    /// The first
    A,
    /// The second
    B,
}

impl TierCommand {
    /// Carries the command out; what to print.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(crate) async fn run(self) -> Result<String, Error> {
        match self {
            Self::Set { show, name, limits, house } => {
                let at = House::find(&house).await?;
                let path = tier_path(show, &name);
                let tier: Tier = at.set(Method::PUT, &path, &limits.policy()).await?;
                let said = format!(
                    "Tier {name} of show {show}: {}.\n\nNext: matinee ticket issue --show {show} \
                     --tier {name}",
                    words(&tier.policy)
                );
                Ok(if house.json { json!(tier).to_string() } else { said })
            }
            Self::List { show, house } => {
                let path = format!("/v1/shows/{show}/tiers");
                let tiers: TierList = House::find(&house).await?.get(&path).await?;
                Ok(if house.json { json!(tiers).to_string() } else { list(&tiers) })
            }
            Self::Drop { show, name, house } => {
                let at = House::find(&house).await?;
                let tier: Tier = at.delete(&tier_path(show, &name)).await?;
                let said = format!("Tier {name} of show {show} is dropped.");
                Ok(if house.json { json!(tier).to_string() } else { said })
            }
        }
    }
}

/// A name that is none would be another path; the house says what is wrong with it.
fn tier_path(show: ShowId, name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name: String = name.chars().map(|c| if plain(c) { c } else { '.' }).collect();
    format!("/v1/shows/{show}/tiers/{name}")
}

impl Limits {
    fn policy(self) -> Policy {
        let countries = match (self.countries, self.countries_denied) {
            (allow, _) if !allow.is_empty() => Countries::Allow(allow),
            (_, deny) if !deny.is_empty() => Countries::Deny(deny),
            _ => Countries::Everywhere,
        };
        Policy {
            height_max: self.height_max,
            dvr_s_max: self.dvr_s_max,
            countries,
            bind: match self.bind {
                None => Tie::Nothing,
                Some(Bind::Network) => Tie::Network,
                Some(Bind::Address) => Tie::Address,
            },
            preview_s: self.preview_s,
            devices_max: self.devices_max,
            watermark: self.watermark.map(|form| match form {
                Watermark::A => Form::A,
                Watermark::B => Form::B,
            }),
        }
    }
}

/// A policy as people say it.
fn words(policy: &Policy) -> String {
    let mut all = Vec::new();
    all.extend(policy.height_max.map(|lines| format!("up to {lines}p")));
    all.extend(policy.dvr_s_max.map(|seconds| match seconds {
        0 => "live only".to_owned(),
        seconds => format!("{seconds} s back"),
    }));
    let codes =
        |list: &[Country]| list.iter().map(Country::to_string).collect::<Vec<_>>().join(" ");
    match &policy.countries {
        Countries::Everywhere => {}
        Countries::Allow(list) => all.push(format!("in {}", codes(list))),
        Countries::Deny(list) => all.push(format!("not in {}", codes(list))),
    }
    match policy.bind {
        Tie::Nothing => {}
        Tie::Network => all.push("one network".to_owned()),
        Tie::Address => all.push("one address".to_owned()),
    }
    all.extend(policy.preview_s.map(|seconds| format!("the first {seconds} s")));
    all.extend(policy.devices_max.map(|devices| match devices {
        1 => "1 device".to_owned(),
        devices => format!("{devices} devices"),
    }));
    all.extend(policy.watermark.map(|form| match form {
        Form::A => "watermark a".to_owned(),
        Form::B => "watermark b".to_owned(),
    }));
    if all.is_empty() { "everything".to_owned() } else { all.join(", ") }
}

fn list(tiers: &TierList) -> String {
    let row = |tier: &Tier| [tier.name.clone(), words(&tier.policy)];
    let rows: Vec<_> = tiers.tiers.iter().map(row).collect();
    table(["TIER", "ADMITS TO"], &rows)
}
