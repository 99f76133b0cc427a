//! `matinee show create | set | list | end`.
//!
//! In: parsed arguments. Out: what to print. Does not know HTTP.

use clap::{Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::json;
use shared_wire::ShowId;
use shared_wire::api::{
    ChangeShow, CreatedShow, NewPull, NewShow, ShowList, ShowState, State, WhenFull as Rule,
};

use super::error::Error;
use super::house::{House, HouseFlags};
use super::moment;
use super::pages::all;
use super::table::table;

/// What happens to a device too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhenFull {
    /// It plays, and the one that has played longest stops
    Displace,
    /// It is refused
    Refuse,
}

/// Create, change, list and end shows.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ShowCommand {
    /// Create a show and its stream key
    Create {
        /// The show's title
        #[arg(long)]
        title: String,
        /// When it is to start, such as 2026-11-21T20:00:00+01:00
        #[arg(long, value_name = "TIME", value_parser = moment::time)]
        starts_at: Option<i64>,
        /// What happens to a device beyond those a ticket admits at once; displace if not said
        #[arg(long)]
        when_full: Option<WhenFull>,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Change a show
    Set {
        /// The show's id
        #[arg(value_name = "ID")]
        show: ShowId,
        /// What happens to a device beyond those a ticket admits at once
        #[arg(long)]
        when_full: WhenFull,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// List shows, newest first
    List {
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Fetch a show from elsewhere, by HLS or RTMP, or fetch it no more
    Pull {
        /// The show's id
        #[arg(value_name = "ID")]
        show: ShowId,
        /// The source, such as https://elsewhere/index.m3u8 or rtmp://elsewhere/live/name
        #[arg(long, value_name = "URL", env = "MATINEE_PULL_FROM", hide_env_values = true)]
        from: Option<String>,
        /// Fetch it no more
        #[arg(long, conflicts_with = "from", required_unless_present = "from")]
        stop: bool,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// End a show: its publisher is sent away, its recording plays on
    End {
        /// The show's id
        #[arg(value_name = "ID")]
        show: ShowId,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
}

impl ShowCommand {
    /// Carries the command out; what to print.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(crate) async fn run(self) -> Result<String, Error> {
        match self {
            Self::Create { title, starts_at, when_full, house } => {
                let at = House::find(&house).await?;
                let new = NewShow { title, starts_at, when_full: when_full.map(Rule::from) };
                let made: CreatedShow = at.send("/v1/shows", &new).await?;
                Ok(if house.json { json!(made).to_string() } else { created(&new.title, &made) })
            }
            Self::Set { show, when_full, house } => {
                let to = ChangeShow { when_full: Some(when_full.into()) };
                let path = format!("/v1/shows/{show}");
                let at = House::find(&house).await?;
                let changed: ShowState = at.set(Method::PATCH, &path, &to).await?;
                let said = match changed.when_full {
                    Rule::Displace => "the one that has played longest stops",
                    Rule::Refuse => "it is refused",
                };
                let said = format!("Show {show}: when there is a device too many, {said}.");
                Ok(if house.json { json!(changed).to_string() } else { said })
            }
            Self::List { house } => {
                let shows = all::<ShowList>(&House::find(&house).await?, "/v1/shows").await?;
                Ok(if house.json { json!({ "shows": shows }).to_string() } else { list(&shows) })
            }
            Self::Pull { show, from, stop, house } => {
                let path = format!("/v1/shows/{show}/pull");
                let there = House::find(&house).await?;
                let (fetched, said): (ShowState, _) = match from.filter(|_| !stop) {
                    Some(url) => {
                        let from = NewPull { url };
                        let said = "is fetched from there, and again whenever it breaks off";
                        (there.set(Method::PUT, &path, &from).await?, said)
                    }
                    None => (there.delete(&path).await?, "is fetched no more"),
                };
                let said = format!("Show {show} {said}.");
                Ok(if house.json { json!(fetched).to_string() } else { said })
            }
            Self::End { show, house } => {
                let path = format!("/v1/shows/{show}/end");
                let ended: ShowState = House::find(&house).await?.post(&path).await?;
                let said = format!("Show {show} is ended; its recording plays on.");
                Ok(if house.json { json!(ended).to_string() } else { said })
            }
        }
    }
}

impl From<WhenFull> for Rule {
    fn from(when_full: WhenFull) -> Self {
        match when_full {
            WhenFull::Displace => Self::Displace,
            WhenFull::Refuse => Self::Refuse,
        }
    }
}

fn created(title: &str, made: &CreatedShow) -> String {
    let (show, key, rtmp) = (made.show, &made.stream_key, &made.publish.rtmp);
    let server = rtmp.strip_suffix(key.as_str()).unwrap_or(rtmp).trim_end_matches('/');
    let others = [&made.publish.rtmps, &made.publish.srt, &made.publish.whip];
    let others: String =
        others.into_iter().flatten().map(|url| format!("\n  or to       {url}")).collect();
    format!(
        "Show {show} is created: {title}\n\
         \n  publish to  {rtmp}{others}\
         \n  in OBS      server {server}\
         \n              stream key {key}\
         \n  next        matinee ticket issue --show {show}\n\
         \nThe stream key is a secret and is shown this once."
    )
}

fn list(shows: &[ShowState]) -> String {
    if shows.is_empty() {
        return "There are no shows yet: matinee show create --title …".to_owned();
    }
    let row = |show: &ShowState| {
        let state = match show.state {
            State::Scheduled => "scheduled",
            State::Live => "live",
            State::Interrupted => "interrupted",
            State::Ended => "ended",
        };
        let starts = show.starts_at.map_or_else(|| "-".to_owned(), moment::utc);
        [show.show.to_string(), state.to_owned(), starts, show.title.clone()]
    };
    let rows: Vec<_> = shows.iter().map(row).collect();
    table(["SHOW", "STATE", "STARTS", "TITLE"], &rows)
}
