//! `matinee`: one binary, a subcommand per role.
//!
//! In: the command line. Out: an exit code: 0 done, 1 failed (one message on standard error says whose fault it is), 2
//! wrong usage. Does not know how a role is carried out; each has its own module.

mod away;
mod chapters;
mod child;
mod cli;
mod dash;
mod delivery;
mod demo;
mod denied;
mod edge_node;
mod error;
mod fault;
mod fenced;
mod gate;
mod hooks;
mod keys;
mod layers;
mod lifetime;
mod page;
mod pen;
mod probes;
mod pull;
mod purge;
mod recorded;
mod resume;
mod retention;
mod settings;
mod shown;
mod source;
mod stage;
mod storyboard;
mod telemetry;
mod threads;
mod timed;
mod tools;
mod up;
mod uploads;
mod vod;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Error;

/// A streaming house: go live, sell tickets, let people watch.
#[derive(Debug, Parser)]
#[command(version)]
struct Command {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Run the whole house: API, RTMP ingest, ladder, packager, storage and edge
    Up(Box<settings::Flags>),
    /// Run an edge by itself, in front of a house elsewhere
    Edge(Box<edge_node::Flags>),
    /// Run what makes films, by itself: on this machine beside a house, or on another
    #[command(subcommand)]
    Worker(worker::WorkerCommand),
    /// Create, change, list and end shows
    #[command(subcommand)]
    Show(cli::ShowCommand),
    /// Set, list and drop tiers: what tickets admit to
    #[command(subcommand)]
    Tier(cli::TierCommand),
    /// Issue, list and revoke tickets
    #[command(subcommand)]
    Ticket(cli::TicketCommand),
    /// List and revoke playback sessions
    #[command(subcommand)]
    Session(cli::SessionCommand),
    /// Create, list and delete accounts: creators who upload without the administrator's credential
    #[command(subcommand)]
    Account(cli::AccountCommand),
    /// Upload, import, list, change and delete assets: films that are not on the air
    #[command(subcommand)]
    Asset(cli::AssetCommand),
    /// Say something on a track of captions of a show on the air: a text, a file, or line by line
    Caption(cli::CaptionFlags),
    /// How the house keeps what it records: the disk, quotas, shows on the air
    Status(cli::StatusFlags),
    /// Print what an edge elsewhere must be told, as NAME='value' lines: secrets
    Keys(keys::KeysFlags),
    /// Check any live low-latency HLS origin against 37 rules of the standard
    Check(tools::CheckFlags),
    /// Send viewers to any live low-latency HLS origin, and tell what they met
    Load(tools::LoadFlags),
    /// Encode one show's rungs: the house starts this itself
    #[command(hide = true)]
    Encode,
    /// Fetch a show from elsewhere: the house starts this itself
    #[command(hide = true)]
    Relay,
    /// Show a picture while a publisher is away: the house starts this itself
    #[command(hide = true)]
    Slate(away::SlateFlags),
    /// Draw small pictures beside one another: the house starts this itself
    #[command(hide = true)]
    Draw,
    /// Look into a file: the house starts this itself
    #[command(hide = true)]
    Probe(uploads::ProbeFlags),
    /// Make a piece of a film: the house starts this itself
    #[command(hide = true)]
    Film,
    /// Publish a test pattern with a clock and a beep, in real time, faults on request
    Source(demo::SourceFlags),
}

fn main() -> ExitCode {
    let outcome = match Command::parse().role {
        Role::Up(flags) => up::run(&flags),
        Role::Edge(flags) => edge_node::run(&flags),
        Role::Worker(command) => worker::run(command),
        Role::Show(command) => return cli::run_show(command),
        Role::Tier(command) => return cli::run_tier(command),
        Role::Ticket(command) => return cli::run_ticket(command),
        Role::Session(command) => return cli::run_session(command),
        Role::Account(command) => return cli::run_account(command),
        Role::Asset(command) => return cli::run_asset(command),
        Role::Caption(flags) => return cli::run_caption(flags),
        Role::Status(flags) => return cli::run_status(flags),
        Role::Keys(flags) => keys::print(&flags),
        Role::Check(flags) => return tools::check(&flags),
        Role::Load(flags) => return tools::load(&flags),
        Role::Encode => encode(),
        Role::Relay => pull::relay(),
        Role::Slate(flags) => away::slate(&flags),
        Role::Draw => storyboard::draw(),
        Role::Probe(flags) => uploads::probe(&flags),
        Role::Film => vod::film(),
        Role::Source(flags) => demo::source(&flags),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("matinee: {error}");
            ExitCode::FAILURE
        }
    }
}

fn encode() -> Result<(), Error> {
    origin_ladder::child_main(std::io::stdin(), std::io::stdout()).map_err(Error::Ladder)
}
