//! `matinee ticket issue | list | revoke`.
//!
//! In: parsed arguments. Out: what to print. Does not know HTTP.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Subcommand, ValueEnum};
use serde_json::json;
use shared_wire::ShowId;
use shared_wire::api::{
    IssuedTicket, NewTicket, RevokeTicket, TicketList, TicketState, TokenFormat,
};

use super::error::Error;
use super::house::{House, HouseFlags};
use super::moment;
use super::pages::all;
use super::table::table;

/// The form of a playback token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A JSON Web Token
    Jwt,
    /// A Common Access Token (CTA-5007)
    Cat,
}

impl From<Format> for TokenFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jwt => Self::Jwt,
            Format::Cat => Self::Cat,
        }
    }
}

/// Issue, list and revoke tickets.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum TicketCommand {
    /// Issue a ticket: the right to watch one show
    Issue {
        /// The show's id
        #[arg(long, value_name = "ID")]
        show: ShowId,
        /// How long it is good for, such as 90m, 24h or 7d; a day if not said
        #[arg(long, value_name = "DURATION", value_parser = moment::duration_s)]
        valid: Option<u32>,
        /// What it admits to, as the name of one of the show's tiers; everything if not said
        #[arg(long, value_name = "NAME")]
        tier: Option<String>,
        /// The form of the token in the playlist's address; jwt if not said
        #[arg(long)]
        format: Option<Format>,
        /// A note, such as an order number
        #[arg(long)]
        note: Option<String>,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// List a show's tickets, newest first
    List {
        /// The show's id
        #[arg(long, value_name = "ID")]
        show: ShowId,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Revoke a ticket: whoever watches with it stops within two seconds
    Revoke {
        /// The ticket, or its id
        ticket: String,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
}

impl TicketCommand {
    /// Carries the command out; what to print.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(crate) async fn run(self) -> Result<String, Error> {
        match self {
            Self::Issue { show, valid, tier, format, note, house } => {
                let path = format!("/v1/shows/{show}/tickets");
                let format = format.map(TokenFormat::from);
                let new = NewTicket { valid_s: valid, tier, format, note };
                let made: IssuedTicket = House::find(&house).await?.send(&path, &new).await?;
                Ok(if house.json { json!(made).to_string() } else { issued(&made) })
            }
            Self::List { show, house } => {
                let path = format!("/v1/shows/{show}/tickets");
                let tickets = all::<TicketList>(&House::find(&house).await?, &path).await?;
                let said = json!({ "tickets": tickets });
                Ok(if house.json { said.to_string() } else { list(&tickets, now()) })
            }
            Self::Revoke { ticket, house } => {
                let at = House::find(&house).await?;
                let named = RevokeTicket { ticket };
                let revoked: TicketState = at.send("/v1/tickets/revoke", &named).await?;
                let said = format!(
                    "Ticket {} is revoked; whoever watches with it stops within two seconds.",
                    revoked.id
                );
                Ok(if house.json { json!(revoked).to_string() } else { said })
            }
        }
    }
}

fn issued(made: &IssuedTicket) -> String {
    format!(
        "Ticket {} ({}) is issued, good until {}\n\
         \n  watch page  {}\
         \n  any player  {}\
         \n  by DASH     {}\
         \n  ticket      {}\n\
         \nThe links and the ticket are secrets and are shown this once.",
        made.id,
        made.tier,
        moment::utc(made.expires_at),
        made.watch_url,
        made.playlist_url,
        made.mpd_url,
        made.ticket,
    )
}

fn list(tickets: &[TicketState], now: i64) -> String {
    let row = |ticket: &TicketState| {
        let state = match ticket.revoked_at {
            Some(_) => "revoked",
            None if ticket.expires_at <= now => "over",
            None => "good",
        };
        let note = ticket.note.clone().unwrap_or_default();
        let until = moment::utc(ticket.expires_at);
        let (id, tier) = (ticket.id.to_string(), ticket.tier.clone());
        [id, state.to_owned(), tier, moment::utc(ticket.created_at), until, note]
    };
    if tickets.is_empty() {
        return "The show has no tickets yet: matinee ticket issue --show …".to_owned();
    }
    let rows: Vec<_> = tickets.iter().map(row).collect();
    table(["TICKET", "STATE", "TIER", "ISSUED", "UNTIL", "NOTE"], &rows)
}

/// The time of this machine, by which lists say whose time is over.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
