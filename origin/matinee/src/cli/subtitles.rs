//! `matinee asset subtitles put | list | delete`.
//!
//! In: parsed arguments. Out: what to print. Does not know HTTP, nor how subtitles are read.

use std::path::PathBuf;

use clap::Subcommand;
use reqwest::Method;
use serde_json::json;
use shared_wire::AssetId;
use shared_wire::api::{SUBTITLES_BYTES_MAX, Subtitles, SubtitlesList, SubtitlesState};

use super::asset::path;
use super::error::Error;
use super::house::{House, HouseFlags};
use super::moment;
use super::table::table;

/// Upload, list and delete subtitles.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum SubtitlesCommand {
    /// Upload subtitles, in the place of those of the same language
    Put {
        /// The asset's id
        asset: AssetId,
        /// Their language (BCP 47), such as en or pt-BR
        language: String,
        /// SubRip (.srt) or WebVTT (.vtt), in UTF-8
        file: PathBuf,
        /// What viewers choose by; the language's own name if not said
        #[arg(long)]
        name: Option<String>,
        /// They are shown to whoever chose nothing
        #[arg(long)]
        default: bool,
        /// They have only what everybody must read: signs, other languages
        #[arg(long)]
        forced: bool,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// List subtitles that were uploaded
    List {
        /// The asset's id
        asset: AssetId,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Delete subtitles that were uploaded
    Delete {
        /// The asset's id
        asset: AssetId,
        /// Their language
        language: String,
        /// Those that have only what everybody must read
        #[arg(long)]
        forced: bool,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
}

impl SubtitlesCommand {
    /// Carries the command out; what to print.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(crate) async fn run(self) -> Result<String, Error> {
        match self {
            Self::Put { asset, language, file, name, default, forced, house } => {
                let text = read(&file)?;
                let yes = |is: bool| is.then(|| "true".to_owned());
                let query = [("name", name), ("default", yes(default)), ("forced", yes(forced))];
                let path = path(&address(asset, &language), &query);
                let at = House::find(&house).await?;
                let put: Subtitles = at.send_vtt(Method::PUT, &path, text).await?;
                let said = format!(
                    "Subtitles in {} ({}): {} cues are taken, and are made: \
                     matinee asset subtitles list {asset}",
                    put.language, put.name, put.cues
                );
                Ok(if house.json { json!(put).to_string() } else { said })
            }
            Self::List { asset, house } => {
                let path = format!("/v1/assets/{asset}/subtitles");
                let all: SubtitlesList = House::find(&house).await?.get(&path).await?;
                Ok(if house.json { json!(all).to_string() } else { list(&all.subtitles) })
            }
            Self::Delete { asset, language, forced, house } => {
                let query = [("forced", forced.then(|| "true".to_owned()))];
                let path = path(&address(asset, &language), &query);
                let gone: Subtitles = House::find(&house).await?.delete(&path).await?;
                let said = format!("Subtitles in {} ({}) are deleted.", gone.language, gone.name);
                Ok(if house.json { json!(gone).to_string() } else { said })
            }
        }
    }
}

/// Where they are; whatever is no language is the house's to refuse.
fn address(asset: AssetId, language: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let language: String = language.chars().map(plain).collect();
    format!("/v1/assets/{asset}/subtitles/{language}")
}

fn read(file: &std::path::Path) -> Result<Vec<u8>, Error> {
    let broken = |why: String| Error::System(format!("{}: {why}", file.display()));
    let length = std::fs::metadata(file).map_err(|error| broken(error.to_string()))?.len();
    if length > SUBTITLES_BYTES_MAX as u64 {
        return Err(broken(format!("it has {length} bytes; {SUBTITLES_BYTES_MAX} are taken")));
    }
    std::fs::read(file).map_err(|error| broken(error.to_string()))
}

fn list(all: &[Subtitles]) -> String {
    if all.is_empty() {
        return "No subtitles were uploaded: matinee asset subtitles put …".to_owned();
    }
    let row = |one: &Subtitles| {
        let shown = match (one.default, one.forced) {
            (true, true) => "default, forced",
            (true, false) => "default",
            (false, true) => "forced",
            (false, false) => "",
        };
        let state = match one.state {
            SubtitlesState::Making => "making".to_owned(),
            SubtitlesState::Ready => "ready".to_owned(),
            SubtitlesState::Failed => {
                format!("failed: {}", one.reason.as_deref().unwrap_or_default())
            }
        };
        [
            one.language.clone(),
            one.name.clone(),
            one.cues.to_string(),
            shown.to_owned(),
            moment::utc(one.created_at),
            state,
        ]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    table(["LANGUAGE", "NAME", "CUES", "SHOWN", "SINCE", "STATE"], &rows)
}
