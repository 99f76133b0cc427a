//! What can go wrong in control, and by whose fault.
//!
//! In: refusals of ours, errors of the database and the file system. Out: [`Error`]. Does not know HTTP; no variant
//! holds a secret.

use std::path::PathBuf;

use sea_orm::{DbErr, RuntimeErr};
use shared_playlist::date_range::DateRangeError;
use shared_wire::upload::Quota;

/// Whose fault an error is, and so who can mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Whoever sent the request.
    Peer,
    /// Whoever configured and runs the house.
    Config,
    /// The disk or the database on it.
    Storage,
    /// This program.
    Us,
}

/// Why a session may play no more before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// By an administrator.
    Revoked,
    /// Another device took over.
    Displaced,
    /// Its page was left, and its place taken.
    Ended,
}

impl Closed {
    /// Its name on the deny list, in the database and in refusals.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Displaced => "displaced",
            Self::Ended => "ended",
        }
    }

    /// The reason of this name.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        [Self::Revoked, Self::Displaced, Self::Ended].into_iter().find(|one| one.code() == code)
    }
}

/// Why control could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The data directory cannot be used.
    #[error(
        "the data directory {path} cannot be used ({reason}): let the user matinee runs as \
         write there, or name another"
    )]
    DataDir {
        /// The directory, or the file in it.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Another process has it.
    #[error(
        "another matinee is using the data directory {path}: stop it, or name another directory"
    )]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// A key or credential file is not what we wrote.
    #[error(
        "{path} is damaged: restore it, or delete it to have a new one made (what it sealed ends)"
    )]
    KeyFile {
        /// The file.
        path: PathBuf,
    },
    /// The database was written by a newer version.
    #[error(
        "the database has a newer form ({version}) than this matinee knows: run the newer version"
    )]
    NewerSchema {
        /// The first migration we do not know.
        version: String,
    },
    /// The database is damaged.
    #[error("the database is damaged ({what}): restore it from a backup")]
    Corrupt {
        /// What was wrong.
        what: String,
    },
    /// No room on the disk.
    #[error("the disk is full: make room, then try again")]
    StorageFull,
    /// Others were writing for too long.
    #[error("the database is busy: try again")]
    Busy,
    /// The database does not answer.
    #[error("the database cannot be reached: shows on the air go on, try again later")]
    Unreachable {
        /// What the system said, for the log.
        reason: String,
    },
    /// The bucket does not answer as it should.
    #[error("the house's object store does not answer as it should: try again later")]
    BucketUnavailable {
        /// What it said, for the log.
        reason: String,
    },
    /// Another node has the show.
    #[error("another node has this show")]
    Elsewhere,
    /// Any other failure of the database.
    #[error("the database failed: {reason}")]
    Storage {
        /// What it said.
        reason: String,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    Random,
    /// A token could not be signed.
    #[error("a playback token could not be signed")]
    Sign,
    /// A field of the request is out of bounds.
    #[error("`{field}` {reason}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What it must be.
        reason: String,
    },
    /// No such show.
    #[error("there is no show of this id")]
    ShowUnknown,
    /// No more shows can be made.
    #[error("the house has as many shows as it may")]
    ShowsFull,
    /// The show was ended, but ingest did not take notice.
    #[error("the show is ended, but its publisher could not be told: try again")]
    EndUnheard,
    /// The show is not on the air.
    #[error("the show is not on the air")]
    NotLive,
    /// A date range cannot be.
    #[error(transparent)]
    DateRange(#[from] DateRangeError),
    /// The show has no such date range.
    #[error("the show has no date range of this id")]
    DateRangeUnknown,
    /// No more date ranges can be told.
    #[error("the show has as many date ranges as it may: delete one, or let one end")]
    DateRangesFull,
    /// As many ID3 tags wait for the next part as may.
    #[error("as many tags wait for the show's next part as may: try again")]
    MetadataFull,
    /// The show has no such track of captions.
    #[error("the show has no captions of this language: declare them in `broadcast.captions`")]
    CaptionTrackUnknown,
    /// A cue was over too early to be shown to anybody.
    #[error("a cue was over {by_ms} ms before the end of what players have already")]
    CaptionLate {
        /// How late it is, in milliseconds.
        by_ms: i64,
    },
    /// As many cues of the track wait as may.
    #[error("as many cues wait for their time as may: send them later")]
    CaptionsFull,
    /// More cues were sent than a show may send.
    #[error("the show sends captions too fast: wait {retry_after_s} s")]
    CaptionsTooFast {
        /// After how many seconds so many would be taken.
        retry_after_s: u32,
    },
    /// The show has ended, and is not fetched again.
    #[error("the show has ended")]
    ShowEnded,
    /// The show is not fetched.
    #[error("the show is not fetched: {reason}")]
    NotPulled {
        /// Why.
        reason: String,
    },
    /// The show is the film of an asset.
    #[error("the show is the film of an asset: nobody publishes to it")]
    ShowIsFilm,
    /// The asset has not failed, so it is not tried again.
    #[error("the asset has not failed, nor was it cancelled: only what has is tried again")]
    AssetNotFailed,
    /// The asset has no such subtitles.
    #[error("nobody has uploaded such subtitles for the asset")]
    SubtitlesUnknown,
    /// The asset takes no more subtitles.
    #[error("the asset has as many uploaded subtitles as it may: delete some")]
    SubtitlesFull,
    /// Nothing is made of the asset, so that is not cancelled.
    #[error("the asset is not being transcoded, nor waits for it: there is nothing to cancel")]
    AssetNotTranscoding,
    /// No such asset.
    #[error("there is no asset of this id")]
    AssetUnknown,
    /// It is being looked into, or was refused.
    #[error("what is in the asset is not known: it is being looked into, or was refused")]
    AssetNotReady,
    /// The asset is a recording, of which nothing is transcoded.
    #[error("the asset is the recording of a show: it plays as it went out, nothing is made of it")]
    AssetIsRecording,
    /// More is still to come of the asset.
    #[error(
        "the asset is not whole: its film is still being made, or its show is on the air again; \
         try again when that is over"
    )]
    AssetNotWhole,
    /// Uploads and assets may take no more.
    #[error("{0}")]
    QuotaExceeded(Quota),
    /// There are too many unfinished uploads.
    #[error("there are as many unfinished uploads as there may be: finish one, or terminate it")]
    UploadsFull,
    /// No such account.
    #[error("there is no account of this name")]
    AccountUnknown,
    /// The name is taken.
    #[error("there is an account of this name: choose another, or give that one a new token")]
    AccountExists,
    /// No more accounts can be made.
    #[error("the house has as many accounts as it may: delete one")]
    AccountsFull,
    /// The account is not deleted while something is its.
    #[error(
        "the account owns {assets} assets and {uploads} uploads that take room: delete them, or \
         have them handed over to the house (`hand_over`)"
    )]
    AccountOwns {
        /// How many assets.
        assets: u64,
        /// How many uploads, unfinished or parts of others.
        uploads: u64,
    },
    /// A file was not taken in.
    #[error("{reason}")]
    FileRefused {
        /// The stable name of the reason.
        code: &'static str,
        /// The reason.
        reason: String,
    },
    /// Nobody has the bytes of assets now.
    #[error("files are not taken now: try again in a moment")]
    NoFiles,
    /// No such ticket.
    #[error("this is not a ticket of this house")]
    TicketUnknown,
    /// The ticket was revoked.
    #[error("the ticket was revoked")]
    TicketRevoked,
    /// The ticket's time is over.
    #[error("the ticket's time is over")]
    TicketExpired,
    /// The ticket is for another show.
    #[error("the ticket is for another show")]
    TicketWrongShow,
    /// No such tier.
    #[error("the show has no tier of this name")]
    TierUnknown,
    /// The tier has tickets.
    #[error("tickets that are still good have this tier: change it, or wait until they are over")]
    TierInUse,
    /// No more tiers can be made.
    #[error("the show has as many tiers as it may")]
    TiersFull,
    /// The ticket was for the first minutes, and they are over.
    #[error("the ticket was for a preview, and it is over")]
    PreviewOver,
    /// The ticket plays on as many devices as it may; holds their names.
    #[error("the ticket plays on {0} already: close it there")]
    DevicesFull(String),
    /// The session was closed.
    #[error("{}", .detail.as_deref().unwrap_or("the session was closed"))]
    SessionClosed {
        /// Why, as the deny list has it.
        reason: Closed,
        /// What else the viewer is told.
        detail: Option<String>,
    },
    /// No such session.
    #[error("there is no session of this id")]
    SessionUnknown,
    /// Another device cannot be stopped: the part of the deny list for sessions is full.
    #[error("no device can take over from another now: the deny list is full")]
    NoRoomToDisplace,
    /// Too many sessions with one ticket.
    #[error("the ticket has as many sessions as it may: wait for one to end")]
    TooManySessions,
    /// Too many wrong tickets lately.
    #[error("too many wrong tickets were tried: wait {retry_after_s} s")]
    TooManyAttempts {
        /// When to try again, in seconds.
        retry_after_s: u32,
    },
    /// The deny list has no room for one more.
    #[error(
        "the ticket gives no new sessions any more, but the deny list is full: its sessions run to \
         their end"
    )]
    DeniedFull,
}

impl Error {
    /// Whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::DataDir { .. } | Self::InUse { .. } | Self::NewerSchema { .. } => Fault::Config,
            Self::ShowsFull | Self::DeniedFull | Self::NoRoomToDisplace => Fault::Config,
            Self::KeyFile { .. } | Self::Corrupt { .. } => Fault::Storage,
            Self::StorageFull | Self::Busy | Self::Storage { .. } => Fault::Storage,
            Self::Unreachable { .. } | Self::BucketUnavailable { .. } => Fault::Storage,
            Self::QuotaExceeded(Quota::Account { .. }) => Fault::Peer,
            Self::QuotaExceeded(_) | Self::UploadsFull | Self::AccountsFull => Fault::Config,
            Self::AccountUnknown | Self::AccountExists | Self::AccountOwns { .. } => Fault::Peer,
            Self::AssetUnknown | Self::AssetNotReady | Self::FileRefused { .. } => Fault::Peer,
            Self::ShowIsFilm | Self::AssetNotFailed | Self::AssetNotTranscoding => Fault::Peer,
            Self::SubtitlesUnknown | Self::SubtitlesFull => Fault::Peer,
            Self::AssetIsRecording | Self::AssetNotWhole => Fault::Peer,
            Self::NoFiles => Fault::Us,
            Self::Elsewhere => Fault::Peer,
            Self::Random | Self::Sign | Self::EndUnheard | Self::NotPulled { .. } => Fault::Us,
            Self::Invalid { .. } | Self::ShowUnknown | Self::ShowEnded | Self::TicketUnknown => {
                Fault::Peer
            }
            Self::TicketRevoked | Self::TicketExpired | Self::TicketWrongShow => Fault::Peer,
            Self::TooManySessions | Self::TooManyAttempts { .. } => Fault::Peer,
            Self::TierUnknown | Self::TierInUse | Self::TiersFull => Fault::Peer,
            Self::NotLive | Self::DateRange(_) | Self::DateRangeUnknown => Fault::Peer,
            Self::DateRangesFull | Self::MetadataFull => Fault::Peer,
            Self::CaptionTrackUnknown
            | Self::CaptionLate { .. }
            | Self::CaptionsFull
            | Self::CaptionsTooFast { .. } => Fault::Peer,
            Self::PreviewOver | Self::DevicesFull(_) => Fault::Peer,
            Self::SessionClosed { .. } | Self::SessionUnknown => Fault::Peer,
        }
    }

    /// A failure of the file system at `path`.
    pub(crate) fn file(path: impl Into<PathBuf>, error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::StorageFull {
            return Self::StorageFull;
        }
        Self::DataDir { path: path.into(), reason: error.to_string() }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match error {
            DbErr::Conn(RuntimeErr::SqlxError(inner))
            | DbErr::Exec(RuntimeErr::SqlxError(inner))
            | DbErr::Query(RuntimeErr::SqlxError(inner)) => Self::of_sqlx(&inner),
            DbErr::ConnectionAcquire(why) => Self::Unreachable { reason: why.to_string() },
            other => Self::Storage { reason: other.to_string() },
        }
    }
}

impl Error {
    /// A failure of the database, as its driver tells it.
    pub(crate) fn of_sqlx(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(told) => {
                let code = told.code().unwrap_or_default();
                Self::of_code(&code, told.message())
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unreachable { reason: error.to_string() },
            _ => Self::Storage { reason: error.to_string() },
        }
    }

    fn of_code(code: &str, message: &str) -> Self {
        // SQLSTATE has five characters (PostgreSQL's manual, appendix A); SQLite's result codes are shorter numbers
        // (sqlite.org/rescode.html), whose low byte is the primary one.
        if code.len() == 5 {
            return match code {
                // lock_not_available, query_canceled, deadlock_detected, serialization_failure, too_many_connections
                "55P03" | "57014" | "40P01" | "40001" | "53300" => Self::Busy,
                // disk_full
                "53100" => Self::StorageFull,
                // data_corrupted, index_corrupted
                "XX001" | "XX002" => Self::Corrupt { what: message.to_owned() },
                // admin_shutdown, crash_shutdown, cannot_connect_now, connection exceptions
                "57P01" | "57P02" | "57P03" | "25P03" => {
                    Self::Unreachable { reason: message.to_owned() }
                }
                _ if code.starts_with("08") => Self::Unreachable { reason: message.to_owned() },
                _ => Self::Storage { reason: message.to_owned() },
            };
        }
        match code.parse::<u32>().ok().map(|code| code & 0xff) {
            // SQLITE_CORRUPT, SQLITE_NOTADB
            Some(11 | 26) => Self::Corrupt { what: message.to_owned() },
            // SQLITE_FULL
            Some(13) => Self::StorageFull,
            // SQLITE_BUSY, SQLITE_LOCKED
            Some(5 | 6) => Self::Busy,
            _ => Self::Storage { reason: message.to_owned() },
        }
    }
}
