//! What control is told, once, before it starts; and every limit it keeps.
//!
//! In: the binary's values. Out: [`Config`]. Does not know flags, environment or files.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use shared_wire::ShowId;
use shared_wire::api::{HouseStatus, KeepHdr};
use tokio::sync::{mpsc, watch};

use crate::{Postgres, Pulling};

/// Tells the time in seconds since the Unix epoch, UTC; tests bring their own.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Everything control has to be told. Limits are named for what they bound, with the unit last.
#[derive(Clone)]
pub struct Config {
    /// Where the database, the administrator's credential and the keys are kept.
    pub data_dir: PathBuf,
    /// Whether this process only works for a house, beside it or elsewhere: it locks nothing, has no secrets, and takes
    /// nothing off the air. What others of this machine have in `data_dir` is used, and must be there.
    pub is_worker: bool,
    /// What this process encodes films by: pieces of one that was begun by another are left to others. Without it any
    /// are taken.
    pub encoder: Option<String>,
    /// What this machine calls itself.
    pub host: Option<String>,
    /// A database that nodes share, in the place of a file in `data_dir`.
    pub database: Option<Postgres>,
    /// How long a node that shares its database has a show after it last said so. Who cannot say so for as long, loses
    /// the show; who is gone, keeps it from others for as long. Uploads are had for as long, too.
    pub lease: Duration,
    /// Where viewers reach the edge, without a slash at the end: `http://127.0.0.1:8080`.
    pub edge_url: String,
    /// Where publishers reach ingest, without a slash at the end: `rtmp://127.0.0.1:1935/live`.
    pub rtmp_url: String,
    /// The same within TLS, if it is spoken: `rtmps://127.0.0.1:1936/live`.
    pub rtmps_url: Option<String>,
    /// Where publishers reach ingest by SRT, if it is spoken: `srt://127.0.0.1:8890`.
    pub srt_url: Option<String>,
    /// The WHIP endpoint, if there is one: `http://127.0.0.1:8889/whip`.
    pub whip_url: Option<String>,
    /// Told of every show the API ends, so that ingest can let its publisher go.
    pub ends: Option<mpsc::Sender<ShowId>>,
    /// Told of every show that is to be fetched from elsewhere, or no more; without it none can be.
    pub pulls: Option<mpsc::Sender<Pulling>>,
    /// What a source's address must be, if it is not that; whoever fetches knows.
    pub source_fault: fn(&str) -> Option<String>,
    /// How the house keeps what it records, as it was last looked at; without it nobody can ask.
    pub status: Option<watch::Receiver<Option<HouseStatus>>>,
    /// The clock.
    pub clock: Clock,

    /// Bytes that uploads and assets may take altogether; without it the disk alone says.
    pub uploads_bytes_max: Option<u64>,
    /// How long assets are kept that do not say, in seconds; `None`: until somebody deletes them.
    pub assets_keep_s: Option<i64>,
    /// How films keep the range of their HDR whose files do not say.
    pub keep_hdr: KeepHdr,
    /// Uploads that are not finished.
    pub uploads_open_max: u32,
    /// Those of one account.
    pub uploads_open_of_account_max: u32,
    /// Accounts.
    pub accounts_max: u32,
    /// How long films of one priority wait, at most, while those of others are made: then one job of theirs is next.
    pub films_passed_over_max: Duration,
    /// How long a ticket is good for when its issuer does not say.
    pub ticket_valid_s: u32,
    /// The longest a ticket can be good for.
    pub ticket_valid_s_max: u32,
    /// How long a playback token, and so the session sealed from it, lives; a ticket's end cuts it short.
    pub token_valid_s: u32,
    /// Live sessions one ticket may have; a viewer needs one per visit of the page.
    pub sessions_per_ticket_max: u64,
    /// How long a session is listed after its end.
    pub session_kept_s: u32,
    /// Entries of the deny list; edges keep the whole of it in memory and fetch it at every change.
    pub denied_max: usize,
    /// Entries of the deny list that name a session, not a ticket: the rest is kept for tickets that are revoked.
    pub denied_sessions_max: usize,
    /// How long an entry of the deny list outlives the last session it denies: the clocks of edges may be slow.
    pub denied_leeway_s: u32,
    /// Shows; each is kept in memory.
    pub shows_max: usize,
    /// Tiers of one show, `all` not counted.
    pub tiers_per_show_max: usize,
    /// The longest a preview can be.
    pub preview_s_max: u32,
    /// Characters of a show's title.
    pub title_chars_max: usize,
    /// Characters of a ticket's note.
    pub note_chars_max: usize,
    /// Bytes of a request body.
    pub body_bytes_max: usize,
    /// How long a request body may take to arrive.
    pub body_wait: Duration,
    /// Rows of one page of a list, when the caller does not say.
    pub page_rows: u64,
    /// Rows of one page of a list at most.
    pub page_rows_max: u64,
    /// Tickets that were none, per [`Config::failed_attempts_window_s`], before those that are not known to be tickets
    /// are turned away unseen.
    pub failed_attempts_max: u32,
    /// Tickets that are known without asking the database, 8 bytes each.
    pub known_tickets_max: usize,
    /// The window in which failed attempts are counted.
    pub failed_attempts_window_s: u32,
    /// Cues of captions of a show a second, in the long run.
    pub captions_per_s_max: u32,
    /// Cues of captions of a show at once: a full request for each of its tracks.
    pub captions_burst_max: u32,
    /// How long a writer waits for another one in the database.
    pub database_wait: Duration,
    /// Connections to the database.
    pub database_connections_max: u32,
    /// How long ending or fetching a show waits for ingest to take the message.
    pub end_wait: Duration,
    /// How often a node looks at what others have changed in the database they share. Revocations wait for it.
    pub follow_every: Duration,
    /// How long a publisher waits for another node to let go of its show. Shorter than ingest waits for the answer.
    pub take_over_wait: Duration,
    /// How long a show is kept for a publisher who was admitted, and sends nothing.
    pub unopened_max: Duration,
    /// How often expired entries and sessions are dropped.
    pub sweep_every: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("."),
            is_worker: false,
            encoder: None,
            host: None,
            database: None,
            lease: Duration::from_secs(30),
            edge_url: "http://127.0.0.1:8080".to_owned(),
            rtmp_url: "rtmp://127.0.0.1:1935/live".to_owned(),
            rtmps_url: None,
            srt_url: None,
            whip_url: None,
            ends: None,
            pulls: None,
            source_fault: |_| None,
            status: None,
            clock: Arc::new(unix_time),
            uploads_bytes_max: None,
            assets_keep_s: None,
            keep_hdr: KeepHdr::None,
            uploads_open_max: 10_000,
            uploads_open_of_account_max: 1000,
            accounts_max: 10_000,
            films_passed_over_max: Duration::from_secs(600),
            ticket_valid_s: 24 * 3600,
            ticket_valid_s_max: 400 * 24 * 3600,
            token_valid_s: 6 * 3600,
            sessions_per_ticket_max: 256,
            session_kept_s: 30 * 24 * 3600,
            denied_max: 40_000,
            denied_sessions_max: 20_000,
            denied_leeway_s: 300,
            shows_max: 10_000,
            tiers_per_show_max: 32,
            preview_s_max: 24 * 3600,
            title_chars_max: 200,
            note_chars_max: 200,
            body_bytes_max: 16 * 1024,
            body_wait: Duration::from_secs(10),
            page_rows: 50,
            page_rows_max: 200,
            failed_attempts_max: 300,
            known_tickets_max: 1_000_000,
            failed_attempts_window_s: 10,
            captions_per_s_max: 32,
            captions_burst_max: 512,
            database_wait: Duration::from_secs(5),
            database_connections_max: 4,
            end_wait: Duration::from_secs(2),
            follow_every: Duration::from_millis(500),
            take_over_wait: Duration::from_secs(4),
            unopened_max: Duration::from_secs(30),
            sweep_every: Duration::from_secs(60),
        }
    }
}

/// The machine's clock; before 1970 it says 0.
fn unix_time() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
