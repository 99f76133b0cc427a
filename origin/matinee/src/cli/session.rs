//! `matinee session list | revoke`.
//!
//! In: parsed arguments. Out: what to print. Does not know HTTP.

use clap::Subcommand;
use serde_json::json;
use shared_wire::api::{SessionList, SessionState};
use shared_wire::{SessionId, ShowId};

use super::error::Error;
use super::house::{House, HouseFlags};
use super::moment;
use super::pages::all;
use super::table::table;
use super::ticket::now;

/// List and revoke playback sessions.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum SessionCommand {
    /// List a show's sessions, newest first
    List {
        /// The show's id
        #[arg(long, value_name = "ID")]
        show: ShowId,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Revoke a session: its picture stops within two seconds, its ticket stays good
    Revoke {
        /// The session's id
        session: SessionId,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
}

impl SessionCommand {
    /// Carries the command out; what to print.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(crate) async fn run(self) -> Result<String, Error> {
        match self {
            Self::List { show, house } => {
                let path = format!("/v1/shows/{show}/sessions");
                let sessions = all::<SessionList>(&House::find(&house).await?, &path).await?;
                let said = json!({ "sessions": sessions });
                Ok(if house.json { said.to_string() } else { list(&sessions, now()) })
            }
            Self::Revoke { session, house } => {
                let path = format!("/v1/sessions/{session}/revoke");
                let revoked: SessionState = House::find(&house).await?.post(&path).await?;
                let said = format!("Session {session} is revoked; it stops within two seconds.");
                Ok(if house.json { json!(revoked).to_string() } else { said })
            }
        }
    }
}

fn list(sessions: &[SessionState], now: i64) -> String {
    if sessions.is_empty() {
        return "Nobody has watched the show yet.".to_owned();
    }
    let row = |one: &SessionState| {
        let state = match (&one.denied, one.ended_at) {
            (Some(reason), _) => reason.as_str(),
            (None, _) if one.expires_at <= now => "over",
            (None, Some(_)) => "left",
            (None, None) => "good",
        };
        let device = one.device.clone().unwrap_or_else(|| "the ticket's link".to_owned());
        let (began, until) = (moment::utc(one.created_at), moment::utc(one.expires_at));
        let (session, ticket) = (one.session.to_string(), one.ticket.to_string());
        [session, state.to_owned(), ticket, began, until, device]
    };
    let rows: Vec<_> = sessions.iter().map(row).collect();
    table(["SESSION", "STATE", "TICKET", "BEGAN", "UNTIL", "DEVICE"], &rows)
}
