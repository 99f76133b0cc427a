//! The shapes of the REST API and of what edges fetch. Times are seconds since the Unix epoch, UTC.
//!
//! In: nothing. Out: serde types. Does not know the handlers or the rows behind them.

mod account;
mod asset;
mod broadcast;
mod captions;
mod chapters;
pub mod ladder;
mod list;
mod plan;
mod pull;
mod queue;
mod retention;
mod subtitles;
mod tier;
mod timed;
mod work;
mod trim;

pub use account::{
    ACCOUNT_CHARS_MAX, Account, AccountList, CreatedAccount, NewAccount, NewQuota, Usage,
};
pub use asset::{
    Asset, AssetKind, AssetList, AssetState, AudioInfo, ChangeAsset, Chapter, Dropped, Import,
    KeepHdr, MediaInfo, StreamInfo, TAG_CHARS_MAX, TAGS_MAX, VideoInfo, Visibility,
};
pub use broadcast::{
    Alarm, Broadcast, CLOSED_CAPTIONS_MAX, ClosedCaptionName, DVR_WINDOW_S, HouseStatus, OnAir,
    SOUNDS_MAX, SecondPublisher, SoundName, WhileAway,
};
pub use captions::{
    CAPTION_LANGUAGE_CHARS_MAX, CAPTION_TRACKS_MAX, CaptionTrack, CaptionsTaken, NewCaptions,
    NewCue,
};
pub use chapters::{CHAPTERS_MAX, ChapterList, ChapterMark, SetChapters};
pub use ladder::{Rung, RungCodec};
pub use list::{SessionList, SessionState, ShowList, TicketList, TicketState};
pub use plan::{AssetPlan, LeftOut, PicturePlan, RungPlan, SoundPlan, SubtitlePlan};
pub use pull::NewPull;
pub use queue::{AssetJob, AssetJobList, Priority};
pub use retention::Retention;
pub use subtitles::{SUBTITLES_BYTES_MAX, SUBTITLES_MAX, Subtitles, SubtitlesList, SubtitlesState};
pub use tier::{ChangeShow, TIER_ALL, Tier, TierList, WhenFull};
pub use timed::{DateRangeList, Id3Taken, NewId3};
pub use trim::Trim;
pub use work::{AssetStatistics, Worker, WorkerList, WorkerState};

use serde::{Deserialize, Serialize};

use crate::{AssetId, Policy, SessionId, ShowId, TicketId};

/// Where a show stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nobody has published yet.
    Scheduled,
    /// A publisher is on the air.
    Live,
    /// The publisher is gone and may come back within the reconnect window.
    Interrupted,
    /// Over; the recording plays.
    Ended,
}

/// `POST /v1/shows`: what to create.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewShow {
    /// Title, 1 to 200 characters.
    pub title: String,
    /// When it is to start, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<i64>,
    /// What happens to a device too many; absent: the one that has played longest stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_full: Option<WhenFull>,
    /// How it goes out; absent: as the house has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<Broadcast>,
}

/// A show with the one sight of its stream key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedShow {
    /// The show's id.
    pub show: ShowId,
    /// The stream key; it is stored hashed and cannot be shown again.
    pub stream_key: String,
    /// Where to publish.
    pub publish: Publish,
}

/// Addresses a publisher can use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publish {
    /// `rtmp://host:port/live/<stream key>`.
    pub rtmp: String,
    /// The same within TLS, where the house speaks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtmps: Option<String>,
    /// `srt://host:port?streamid=…`, where the house speaks it. A passphrase is not in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub srt: Option<String>,
    /// The WHIP endpoint, where the house speaks it. The key is not in it: it goes into the `Authorization` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whip: Option<String>,
}

/// `GET /v1/shows/{show}` and, without its secret parts, what the watch page asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowState {
    /// The show's id.
    pub show: ShowId,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub state: State,
    /// When it is to start, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<i64>,
    /// What happens to a device too many.
    #[serde(default, skip_serializing_if = "WhenFull::is_displace")]
    pub when_full: WhenFull,
    /// How it goes out, where that is not as the house has it.
    #[serde(default, skip_serializing_if = "Broadcast::is_default")]
    pub broadcast: Broadcast,
    /// Where a picture of it is, relative to what a playback session opens, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<String>,
    /// The asset whose film it is; nobody publishes to such a show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<AssetId>,
    /// Whether more of that film is still being made: its playlists grow.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_growing: bool,
    /// Whether it has chapters: below a playback session `chapters.json` and `chapters.vtt` say which.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_chapters: bool,
    /// What of its recording or film is shown; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trim: Option<Trim>,
}

/// `POST /v1/shows/{show}/tickets`: what to issue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTicket {
    /// How long it is good for, in seconds; absent: the house's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_s: Option<u32>,
    /// What it admits to, as the name of a tier of the show; absent: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// The form of the token in its playlist's address; absent: a JWT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<TokenFormat>,
    /// A note for the creator, such as an order number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A ticket with the one sight of its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedTicket {
    /// The ticket, a secret; stored hashed.
    pub ticket: String,
    /// Its id, by which it can be named without the secret.
    pub id: TicketId,
    /// The page to watch at.
    pub watch_url: String,
    /// A playlist that plays in any HLS player with no header and no cookie.
    pub playlist_url: String,
    /// The same for DASH players.
    pub mpd_url: String,
    /// The tier it admits to.
    pub tier: String,
    /// When it ends.
    pub expires_at: i64,
}

/// `POST /v1/tickets/revoke`: which ticket, by its secret or its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeTicket {
    /// The ticket or its id.
    pub ticket: String,
}

/// `POST /v1/shows/{show}/playback`: a ticket, to be swapped for a playback token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPlayback {
    /// The ticket.
    pub ticket: String,
    /// The session this device had from the same ticket, to go on with it rather than be another device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The form of the token; absent: a JWT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<TokenFormat>,
}

/// The form of a playback token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenFormat {
    /// A JSON Web Token (RFC 7519).
    #[default]
    Jwt,
    /// A Common Access Token (CTA-5007).
    Cat,
}

/// `POST /v1/shows/{show}/playback/end`: the viewer has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndPlayback {
    /// The ticket, since ids are no secrets.
    pub ticket: String,
    /// The session that plays no more.
    pub session: SessionId,
}

/// The playback token and where it plays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Playback {
    /// The playback session's id.
    pub session: SessionId,
    /// The token, to be sent as `?token=` with the multivariant playlist.
    pub token: String,
    /// The playlist with the token in it, as a path on the edge: `/live/<show>/index.m3u8?token=…`.
    pub playlist_url: String,
    /// The MPD with the token in it: `/live/<show>/manifest.mpd?token=…`.
    pub mpd_url: String,
    /// When the session ends.
    pub expires_at: i64,
    /// The name of what the ticket admits to, …
    pub tier: String,
    /// … and what that is; absent: everything.
    #[serde(default, skip_serializing_if = "Policy::is_everything")]
    pub policy: Policy,
}

/// `GET /edge/denied`: who may no longer watch. Edges follow it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DenyList {
    /// Grows with every change, and with every start of the house to the time at least, in milliseconds since the Unix
    /// epoch: also a house restored from a backup goes on after what edges have.
    pub version: u64,
    /// The denied, oldest first.
    pub entries: Vec<Denied>,
}

/// One line of the deny list. It can be dropped once `until` has passed: the capability has expired by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denied {
    /// All sessions of this ticket, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketId>,
    /// … or this one session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Why, as a code the page knows: `revoked`, `displaced`, `ended`.
    pub reason: String,
    /// What else the viewer is told: the device that took over, of a session that was `displaced`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// When the entry is of no more use.
    pub until: i64,
}
