//! `matinee asset upload | import | list | show | plan | jobs | failed | statistics | workers | cancel | transcode |
//! change | trim | chapters | keep | subtitles | delete`.
//!
//! In: parsed arguments. Out: what to print. Does not know HTTP.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use reqwest::Method;
use reqwest::Url;
use serde_json::json;
use shared_wire::AssetId;
use shared_wire::api::{
    Asset, AssetKind, AssetList, AssetPlan, AssetState, ChangeAsset, Dropped, Import, KeepHdr,
    Priority, StreamInfo, Visibility,
};

use super::chapters::ChapterFlags;
use super::error::Error;
use super::house::{House, HouseFlags};
use super::keep::{KeepFlags, kept};
use super::moment;
use super::pages::all;
use super::queue::{self, Class};
use super::range::Range;
use super::subtitles::SubtitlesCommand;
use super::table::table;
use super::trim::{TrimFlags, shown};
use super::work;

/// Who may find an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Seen {
    /// Administrators alone
    Private,
    /// Whoever has its link
    Unlisted,
    /// Everybody
    Public,
}

impl From<Seen> for Visibility {
    fn from(seen: Seen) -> Self {
        match seen {
            Seen::Private => Self::Private,
            Seen::Unlisted => Self::Unlisted,
            Seen::Public => Self::Public,
        }
    }
}

/// What an asset is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Made {
    /// A file
    Upload,
    /// A show that is over
    Recording,
}

impl From<Made> for AssetKind {
    fn from(made: Made) -> Self {
        match made {
            Made::Upload => Self::Upload,
            Made::Recording => Self::Recording,
        }
    }
}

/// Upload, import, list, change and delete assets.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum AssetCommand {
    /// Upload a file in one request; what breaks off begins anew: over a poor line use a client of tus
    Upload {
        /// The file
        file: PathBuf,
        /// Its title; the file's name if not said
        #[arg(long)]
        title: Option<String>,
        /// Whether its film is made before others; normal if not said
        #[arg(long, value_name = "PRIORITY")]
        priority: Option<Class>,
        /// How the range of its HDR is kept, beside what all screens show; as the house does if not said
        #[arg(long, value_name = "HOW")]
        keep_hdr: Option<Range>,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Have the house fetch a file from elsewhere, or make a film of a recording
    Import {
        /// Where it is, http:// or https://; or the asset that a recording is
        #[arg(value_name = "URL|ASSET")]
        from: String,
        /// Its title; the end of the address, or the recording's, if not said
        #[arg(long)]
        title: Option<String>,
        /// Whether its film is made before others; bulk if not said, or normal of a recording
        #[arg(long, value_name = "PRIORITY")]
        priority: Option<Class>,
        /// How the range of its HDR is kept, beside what all screens show; as the house does if not said
        #[arg(long, value_name = "HOW")]
        keep_hdr: Option<Range>,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// List assets, newest first
    List {
        /// Only those with these words in title, description or tags
        #[arg(long, value_name = "WORDS")]
        search: Option<String>,
        /// Only those of this account
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// Only what was uploaded, or only recordings of shows
        #[arg(long, value_name = "KIND")]
        kind: Option<Made>,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Show an asset, with what is in it
    Show {
        /// The asset's id
        asset: AssetId,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Show what an asset is to become
    Plan {
        /// The asset's id
        asset: AssetId,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// List what is done for an asset, in order
    Jobs {
        /// The asset's id
        asset: AssetId,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// List the jobs of all assets that were given up, the last to fail first
    Failed {
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Show what an asset takes, took and gave
    Statistics {
        /// The asset's id
        asset: AssetId,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// List the processes that make films, the last to begin first
    Workers {
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Transcode an asset no further; what was made of it is kept
    Cancel {
        /// The asset's id
        asset: AssetId,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Transcode an asset once more that has failed or was cancelled; what was made of it is kept
    Transcode {
        /// The asset's id
        asset: AssetId,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Say something else of an asset; what is not named stays
    Change {
        /// The asset's id
        asset: AssetId,
        /// Title
        #[arg(long)]
        title: Option<String>,
        /// Description
        #[arg(long)]
        description: Option<String>,
        /// A tag, in the place of those it has; again for more
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<String>,
        /// Who may find it
        #[arg(long, value_name = "WHO")]
        visibility: Option<Seen>,
        /// Whether what is still to be made of it goes before others
        #[arg(long, value_name = "PRIORITY")]
        priority: Option<Class>,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Show only what lies between two points of an asset; nothing is encoded or deleted
    Trim(TrimFlags),
    /// List the chapters of an asset, or set others
    Chapters(ChapterFlags),
    /// Say how long an asset is kept
    Keep(KeepFlags),
    /// Upload, list and delete subtitles of an asset, beside those of its file
    #[command(subcommand)]
    Subtitles(SubtitlesCommand),
    /// Delete an asset and its bytes
    Delete {
        /// The asset's id
        asset: AssetId,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
}

impl AssetCommand {
    /// Carries the command out; what to print.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(crate) async fn run(self) -> Result<String, Error> {
        match self {
            Self::Upload { file, title, priority, keep_hdr, house } => {
                let said = [
                    ("title", title),
                    ("priority", priority.map(|one| Priority::from(one).name().to_owned())),
                    ("keep_hdr", keep_hdr.map(|one| KeepHdr::from(one).name().to_owned())),
                ];
                let made = upload(&House::find(&house).await?, &file, &said).await?;
                Ok(if house.json { json!(made).to_string() } else { taken(&made) })
            }
            Self::Import { from, title, priority, keep_hdr, house } => {
                let (priority, keep_hdr) =
                    (priority.map(Priority::from), keep_hdr.map(KeepHdr::from));
                let asset = from.parse::<AssetId>().ok();
                let url = asset.is_none().then_some(from);
                let import = Import { url, asset, title, priority, keep_hdr };
                let at = House::find(&house).await?;
                let made: Asset = at.send_long("/v1/assets/import", &import).await?;
                Ok(if house.json { json!(made).to_string() } else { taken(&made) })
            }
            Self::List { search, account, kind, house } => {
                let kind = kind.map(|kind| AssetKind::from(kind).name().to_owned());
                let path =
                    path("/v1/assets", &[("q", search), ("account", account), ("kind", kind)]);
                let assets = all::<AssetList>(&House::find(&house).await?, &path).await?;
                let said = json!({ "assets": assets });
                Ok(if house.json { said.to_string() } else { list(&assets) })
            }
            Self::Show { asset, house } => {
                let path = format!("/v1/assets/{asset}");
                let asset: Asset = House::find(&house).await?.get(&path).await?;
                Ok(said(&asset, &house))
            }
            Self::Plan { asset, house } => {
                let path = format!("/v1/assets/{asset}/plan");
                let plan: AssetPlan = House::find(&house).await?.get(&path).await?;
                Ok(if house.json { json!(plan).to_string() } else { planned(&plan) })
            }
            Self::Jobs { asset, house } => queue::jobs(Some(asset), &house).await,
            Self::Failed { house } => queue::jobs(None, &house).await,
            Self::Statistics { asset, house } => work::statistics(asset, &house).await,
            Self::Workers { house } => work::workers(&house).await,
            Self::Cancel { asset, house } => have(asset, "cancel", &house).await,
            Self::Transcode { asset, house } => have(asset, "transcode", &house).await,
            Self::Change { asset, title, description, tags, visibility, priority, house } => {
                let tags = (!tags.is_empty()).then_some(tags);
                let visibility = visibility.map(Visibility::from);
                let priority = priority.map(Priority::from);
                let change = ChangeAsset { title, description, tags, visibility, priority };
                let (at, path) = (House::find(&house).await?, format!("/v1/assets/{asset}"));
                let asset: Asset = at.set(Method::PATCH, &path, &change).await?;
                Ok(said(&asset, &house))
            }
            Self::Trim(flags) => flags.run().await,
            Self::Chapters(flags) => flags.run().await,
            Self::Keep(flags) => flags.run().await,
            Self::Subtitles(command) => command.run().await,
            Self::Delete { asset, house } => {
                let path = format!("/v1/assets/{asset}");
                let gone: Dropped = House::find(&house).await?.delete(&path).await?;
                let said = format!("Asset {asset} is deleted; {} bytes are free.", gone.bytes);
                Ok(if house.json { json!(gone).to_string() } else { said })
            }
        }
    }
}

/// Has something done with an asset; the asset after it.
async fn have(asset: AssetId, done: &str, house: &HouseFlags) -> Result<String, Error> {
    let path = format!("/v1/assets/{asset}/{done}");
    let asset: Asset = House::find(house).await?.post(&path).await?;
    Ok(said(&asset, house))
}

/// An asset, as it was asked for.
pub(super) fn said(asset: &Asset, house: &HouseFlags) -> String {
    if house.json { json!(asset).to_string() } else { show(asset) }
}

async fn upload(
    at: &House,
    path_of: &Path,
    said: &[(&str, Option<String>)],
) -> Result<Asset, Error> {
    let broken = |error: std::io::Error| Error::System(format!("{}: {error}", path_of.display()));
    let file = tokio::fs::File::open(path_of).await.map_err(broken)?;
    let bytes = file.metadata().await.map_err(broken)?.len();
    let name = path_of.file_name().map(|name| name.to_string_lossy().into_owned());
    let path = path("/v1/assets", &[said, &[("file_name", name)]].concat());
    at.send_file(&path, file, bytes).await
}

/// A path with what is named of a query.
pub(super) fn path(path: &str, query: &[(&str, Option<String>)]) -> String {
    // The host is no one's: only what follows it is used.
    let Ok(mut url) = Url::parse("http://house/") else { return path.to_owned() };
    for (name, value) in query {
        if let Some(value) = value {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
    url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

fn taken(asset: &Asset) -> String {
    format!(
        "Asset {} is here, {} bytes, and is looked into: matinee asset show {}",
        asset.asset, asset.bytes, asset.asset
    )
}

fn list(assets: &[Asset]) -> String {
    if assets.is_empty() {
        return "There are no assets: matinee asset upload …".to_owned();
    }
    let row = |asset: &Asset| {
        let length = asset.duration_ms.map(length);
        [
            asset.asset.to_string(),
            asset.kind.name().to_owned(),
            standing(asset),
            length.unwrap_or_default(),
            asset.bytes.to_string(),
            moment::utc(asset.created_at),
            asset.title.clone(),
        ]
    };
    let rows: Vec<_> = assets.iter().map(row).collect();
    table(["ASSET", "KIND", "STATE", "LENGTH", "BYTES", "SINCE", "TITLE"], &rows)
}

/// Where it stands, and how far.
fn standing(asset: &Asset) -> String {
    let state = asset.state.name();
    match asset.state {
        AssetState::Transcoding => {
            let left = asset.left_s.map(|s| format!(", about {} left", length(s * 1000)));
            format!("{state} {} %{}", asset.progress_percent, left.unwrap_or_default())
        }
        AssetState::Failed | AssetState::Cancelled => {
            format!("{state} at {} %", asset.progress_percent)
        }
        _ => state.to_owned(),
    }
}

fn show(asset: &Asset) -> String {
    let mut lines = vec![
        format!("{} ({})", asset.title, asset.asset),
        format!("  kind        {}", asset.kind.name()),
        format!("  state       {}", standing(asset)),
        format!("  priority    {}", asset.priority.name()),
        format!("  visibility  {}", asset.visibility.name()),
        format!("  bytes       {}", asset.bytes),
        format!("  since       {}", moment::utc(asset.created_at)),
    ];
    lines.extend(asset.keep_hdr.map(|how| format!("  keeps HDR   in {}", how.name())));
    if let Some(account) = &asset.account {
        lines.push(format!("  account     {account}"));
    }
    if let Some(started_at) = asset.started_at {
        lines.push(format!("  began       {}", moment::utc(started_at)));
    }
    if let Some(duration_ms) = asset.duration_ms {
        lines.push(format!("  length      {}", length(duration_ms)));
    }
    lines.extend(kept(asset).map(|long| format!("  kept        {long}")));
    if let Some(trim) = asset.trim {
        lines.push(format!("  shown       {}", shown(trim)));
    }
    if let Some(reason) = &asset.reason {
        lines.push(format!("  because     {reason}"));
    }
    if let Some(show) = &asset.show {
        let playable = if asset.is_playable { "playable" } else { "not playable yet" };
        lines.push(format!("  show        {show}, {playable}"));
    }
    if !asset.tags.is_empty() {
        lines.push(format!("  tags        {}", asset.tags.join(", ")));
    }
    if let Some(media) = &asset.media {
        lines.push(format!("  container   {}", media.container));
        lines.extend(media.streams.iter().map(|stream| format!("  {}", told(stream))));
        lines.extend(media.chapters.iter().map(|chapter| {
            format!("  chapter     {} {}", length(chapter.start_ms), chapter.title)
        }));
    }
    if !asset.description.is_empty() {
        lines.push(String::new());
        lines.push(asset.description.clone());
    }
    lines.join("\n")
}

fn told(stream: &StreamInfo) -> String {
    let mut words = vec![format!("{:<11} {}", stream.kind, stream.codec)];
    if let Some(video) = &stream.video {
        let rate = f64::from(video.frames_per_1000_s) / 1000.0;
        words.push(format!("{}×{} {rate}/s", video.width, video.height));
        let rotation = (video.rotation != 0).then(|| format!("rotated {}°", video.rotation));
        words.extend(rotation);
        let facts = [("VFR", video.is_vfr), ("interlaced", video.is_interlaced)];
        words.extend(facts.iter().filter(|(_, is)| *is).map(|(word, _)| (*word).to_owned()));
        words.extend(video.hdr.clone());
    }
    if let Some(audio) = &stream.audio {
        words.push(format!("{} {} Hz", audio.layout, audio.samples_per_s));
    }
    words.extend(stream.language.clone());
    words.join(" ")
}

fn planned(plan: &AssetPlan) -> String {
    let kbits = |bits: u64| format!("{} kb/s", bits / 1000);
    let how = |is_copy: bool| if is_copy { "as it is" } else { "encoded" }.to_owned();
    let row = |name: &str, what: String, bits: String, how: String, from: u32| {
        [name.to_owned(), what, bits, how, from.to_string()]
    };
    let film = plan.pictures.as_ref().map_or(0, |pictures| pictures.stream);
    let mut rows: Vec<[String; 5]> = Vec::new();
    rows.extend(plan.rungs.iter().map(|one| {
        let range = one.hdr.as_deref().map(|range| format!(" {range}")).unwrap_or_default();
        let what = format!("{}×{} {}{range}", one.width, one.height, one.codec);
        row(&one.rendition, what, kbits(one.bits_per_s), how(one.is_copy), film)
    }));
    rows.extend(plan.sounds.iter().map(|one| {
        let language = one.language.as_deref().unwrap_or_default();
        let what = format!("{} channels {language}", one.channels).trim_end().to_owned();
        row(&one.rendition, what, kbits(one.bits_per_s), how(one.is_copy), one.stream)
    }));
    rows.extend(plan.subtitles.iter().map(|one| {
        let language = one.language.as_deref().unwrap_or_default();
        row(
            &one.rendition,
            format!("subtitles {language}"),
            String::new(),
            String::new(),
            one.stream,
        )
    }));
    let mut lines = vec![table(["RENDITION", "WHAT", "BITS", "HOW", "STREAM"], &rows)];
    if let Some(pictures) = &plan.pictures {
        let turned = format!("turned by {}°", pictures.rotate);
        let done = [
            (pictures.deinterlace, "deinterlaced"),
            (pictures.rotate != 0, &*turned),
            (pictures.tone_map, "brought to the standard range"),
        ];
        let done: Vec<&str> = done.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
        let done = if done.is_empty() { String::new() } else { format!(", {}", done.join(", ")) };
        let percent = pictures.complexity_percent;
        lines.push(format!("pictures: {percent} % of what films have in them as a rule{done}"));
    }
    lines.extend(plan.left_out.iter().map(|out| format!("stream {}: {}", out.stream, out.reason)));
    lines.join("\n")
}

/// A duration as people read it.
pub(super) fn length(ms: u64) -> String {
    let s = ms / 1000;
    format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}
