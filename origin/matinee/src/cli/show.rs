//! `matinee show create | set | list | end`.
//!
//! In: parsed arguments. Out: what to print. Does not know HTTP.

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::json;
use shared_wire::ShowId;
use shared_wire::api::{
    Broadcast, CaptionTrack, ChangeShow, ClosedCaptionName, CreatedShow, NewPull, NewShow, Rung,
    SecondPublisher, ShowList, ShowState, SoundName, State, WhenFull as Rule, WhileAway, ladder,
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
        /// How it goes out
        #[command(flatten)]
        broadcast: BroadcastFlags,
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
        #[arg(long, required_unless_present_any = [
            "dvr_window_s", "recording_max_mib", "second_publisher", "ladder", "while_away",
            "captions", "sounds", "closed_captions"
        ])]
        when_full: Option<WhenFull>,
        /// How it goes out; what is not said stays
        #[command(flatten)]
        broadcast: BroadcastFlags,
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
            Self::Create { title, starts_at, when_full, broadcast, house } => {
                let at = House::find(&house).await?;
                let chosen = broadcast.onto(Broadcast::default());
                let broadcast = Some(chosen).filter(|chosen| !chosen.is_default());
                let when_full = when_full.map(Rule::from);
                let new = NewShow { title, starts_at, when_full, broadcast };
                let made: CreatedShow = at.send("/v1/shows", &new).await?;
                Ok(if house.json { json!(made).to_string() } else { created(&new.title, &made) })
            }
            Self::Set { show, when_full, broadcast, house } => {
                let path = format!("/v1/shows/{show}");
                let at = House::find(&house).await?;
                let broadcast = match broadcast.is_empty() {
                    true => None,
                    false => Some(broadcast.onto(at.get::<ShowState>(&path).await?.broadcast)),
                };
                let to = ChangeShow { when_full: when_full.map(Rule::from), broadcast };
                let changed: ShowState = at.set(Method::PATCH, &path, &to).await?;
                Ok(if house.json { json!(changed).to_string() } else { settings(&changed) })
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

/// How a show goes out.
#[derive(Debug, Clone, Args)]
pub(crate) struct BroadcastFlags {
    /// How far back viewers may go while it is live, in seconds, 60 to 86400, or `house`: as the house has it
    #[arg(long, value_name = "SECONDS", value_parser = own::<u32>)]
    dvr_window_s: Option<Own<u32>>,
    /// What its recording may take, in MiB, or `house`; it stops there, the show goes on
    #[arg(long, value_name = "MIB", value_parser = own::<u32>)]
    recording_max_mib: Option<Own<u32>>,
    /// Its smaller pictures, such as 1080p,480p/hevc@900k,160p, none, or `house`
    #[arg(long, value_name = "RUNG,…", value_parser = own_ladder)]
    ladder: Option<Own<Vec<Rung>>>,
    /// What becomes of a second publisher with its stream key: refuse, take-over, or `house`
    #[arg(long, value_name = "RULE", value_parser = second_publisher)]
    second_publisher: Option<Own<SecondPublisher>>,
    /// What viewers see while nobody publishes and it waits for someone: gap, slate, or `house`
    #[arg(long, value_name = "WHAT", value_parser = while_away)]
    while_away: Option<Own<WhileAway>>,
    /// Its captions, such as en=English,de=Deutsch, or `house`: none; en*=English is shown to whoever chose nothing
    #[arg(long, value_name = "LANGUAGE=NAME,…", value_parser = own_captions)]
    captions: Option<Own<Vec<CaptionTrack>>>,
    /// The languages of its sounds in its publisher's order, such as en,de=Kommentar, or `house`: as the publisher says
    #[arg(long, value_name = "LANGUAGE,…", value_parser = own_sounds)]
    sounds: Option<Own<Vec<SoundName>>>,
    /// The languages of the captions within its pictures, such as CC1=en,SERVICE2=de=Deutsch, or `house`: not said
    #[arg(long, value_name = "CHANNEL=LANGUAGE,…", value_parser = own_closed_captions)]
    closed_captions: Option<Own<Vec<ClosedCaptionName>>>,
}

/// A show's own value, or `None`: as the house has it.
#[derive(Debug, Clone, Copy)]
struct Own<T>(Option<T>);

fn own<T: std::str::FromStr>(text: &str) -> Result<Own<T>, String> {
    if text == "house" {
        return Ok(Own(None));
    }
    let wrong = |_| "it must be a whole number, or house".to_owned();
    text.parse().map(Some).map(Own).map_err(wrong)
}

fn own_ladder(text: &str) -> Result<Own<Vec<Rung>>, String> {
    if text == "house" { Ok(Own(None)) } else { ladder::parse(text).map(Some).map(Own) }
}

fn own_captions(text: &str) -> Result<Own<Vec<CaptionTrack>>, String> {
    if text == "house" {
        return Ok(Own(None));
    }
    let track = |text: &str| {
        let (language, name) = text.split_once('=')?;
        let default = language.ends_with('*');
        let language = language.trim_end_matches('*').to_owned();
        Some(CaptionTrack { language, name: name.to_owned(), default })
    };
    let tracks: Option<Vec<_>> = text.split(',').map(track).collect();
    let wrong = || "it must be tracks such as en=English,de=Deutsch, or house".to_owned();
    tracks.map(Some).map(Own).ok_or_else(wrong)
}

fn own_sounds(text: &str) -> Result<Own<Vec<SoundName>>, String> {
    if text == "house" {
        return Ok(Own(None));
    }
    let sound = |text: &str| match text.split_once('=') {
        Some((language, name)) => {
            SoundName { language: language.to_owned(), name: Some(name.to_owned()) }
        }
        None => SoundName { language: text.to_owned(), name: None },
    };
    Ok(Own(Some(text.split(',').map(sound).collect())))
}

fn own_closed_captions(text: &str) -> Result<Own<Vec<ClosedCaptionName>>, String> {
    if text == "house" {
        return Ok(Own(None));
    }
    let one = |text: &str| {
        let (channel, language) = text.split_once('=')?;
        let (language, name) = match language.split_once('=') {
            Some((language, name)) => (language, Some(name.to_owned())),
            None => (language, None),
        };
        Some(ClosedCaptionName { channel: channel.to_owned(), language: language.to_owned(), name })
    };
    let all: Option<Vec<_>> = text.split(',').map(one).collect();
    let wrong = || "it must be channels such as CC1=en,SERVICE2=de=Deutsch, or house".to_owned();
    all.map(Some).map(Own).ok_or_else(wrong)
}

fn second_publisher(text: &str) -> Result<Own<SecondPublisher>, String> {
    match text {
        "refuse" => Ok(Own(Some(SecondPublisher::Refuse))),
        "take-over" => Ok(Own(Some(SecondPublisher::TakeOver))),
        "house" => Ok(Own(None)),
        _ => Err("it must be refuse, take-over or house".to_owned()),
    }
}

fn while_away(text: &str) -> Result<Own<WhileAway>, String> {
    match text {
        "gap" => Ok(Own(Some(WhileAway::Gap))),
        "slate" => Ok(Own(Some(WhileAway::Slate))),
        "house" => Ok(Own(None)),
        _ => Err("it must be gap, slate or house".to_owned()),
    }
}

impl BroadcastFlags {
    const fn is_empty(&self) -> bool {
        self.dvr_window_s.is_none()
            && self.recording_max_mib.is_none()
            && self.ladder.is_none()
            && self.second_publisher.is_none()
            && self.while_away.is_none()
            && self.captions.is_none()
            && self.sounds.is_none()
            && self.closed_captions.is_none()
    }

    /// What was chosen before, with what is said now.
    fn onto(&self, before: Broadcast) -> Broadcast {
        let Broadcast {
            dvr_window_s,
            recording_bytes_max,
            ladder,
            second_publisher,
            while_away,
            captions,
            sounds,
            closed_captions,
        } = before;
        let bytes = |mib: Own<u32>| mib.0.map(|mib| u64::from(mib) << 20);
        Broadcast {
            dvr_window_s: self.dvr_window_s.map_or(dvr_window_s, |own| own.0),
            recording_bytes_max: self.recording_max_mib.map_or(recording_bytes_max, bytes),
            ladder: self.ladder.clone().map_or(ladder, |own| own.0),
            second_publisher: self.second_publisher.map_or(second_publisher, |own| own.0),
            while_away: self.while_away.map_or(while_away, |own| own.0),
            captions: self.captions.clone().map_or(captions, |own| own.0),
            sounds: self.sounds.clone().map_or(sounds, |own| own.0),
            closed_captions: self.closed_captions.clone().map_or(closed_captions, |own| own.0),
        }
    }
}

fn settings(show: &ShowState) -> String {
    let too_many = match show.when_full {
        Rule::Displace => "the one that has played longest stops",
        Rule::Refuse => "it is refused",
    };
    let house = || "as the house has it".to_owned();
    let Broadcast {
        dvr_window_s,
        recording_bytes_max,
        ladder: rungs,
        second_publisher,
        while_away,
        captions,
        sounds,
        closed_captions,
    } = &show.broadcast;
    let window = dvr_window_s.map_or_else(house, |seconds| format!("{seconds} s"));
    let recording =
        recording_bytes_max.map_or_else(house, |bytes| format!("at most {} MiB", bytes >> 20));
    let rungs = rungs.as_ref().map_or_else(house, |rungs| ladder::text(rungs));
    let second = second_publisher.map_or_else(house, |rule| match rule {
        SecondPublisher::Refuse => "is refused".to_owned(),
        SecondPublisher::TakeOver => "takes over".to_owned(),
    });
    let away = while_away.map_or_else(house, |what| match what {
        WhileAway::Gap => "gaps".to_owned(),
        WhileAway::Slate => "a slate".to_owned(),
    });
    let captions = captions.as_ref().map_or_else(
        || "none".to_owned(),
        |tracks| {
            let names: Vec<_> = tracks.iter().map(|track| track.name.as_str()).collect();
            names.join(", ")
        },
    );
    let sounds = sounds.as_ref().map_or_else(
        || "as its publisher says".to_owned(),
        |sounds| {
            let names = sounds.iter().map(|sound| sound.name.as_ref().unwrap_or(&sound.language));
            names.map(String::as_str).collect::<Vec<_>>().join(", ")
        },
    );
    let within = closed_captions.as_ref().map_or_else(
        || "not named".to_owned(),
        |all| {
            let named = |one: &ClosedCaptionName| {
                format!("{} {}", one.channel, one.name.as_ref().unwrap_or(&one.language))
            };
            all.iter().map(named).collect::<Vec<_>>().join(", ")
        },
    );
    format!(
        "Show {}:\n\
         \n  live window       {window}\
         \n  recording         {recording}\
         \n  ladder            {rungs}\
         \n  second publisher  {second}\
         \n  while nobody is   {away}\
         \n  captions          {captions}\
         \n  sounds            {sounds}\
         \n  within pictures   {within}\n\
         \nWhen there is a device too many, {too_many}.",
        show.show
    )
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
