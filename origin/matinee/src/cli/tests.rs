//! The commands against a house on a real socket, and against what is no house.

use std::collections::HashSet;
use std::path::Path;

use clap::{Parser, Subcommand};
use origin_control::{Config, Control};
use serde_json::Value;
use shared_wire::api::NewTicket;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;

/// The creator's side of the command line, as `main` has it.
#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    command: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    #[command(subcommand)]
    Show(ShowCommand),
    #[command(subcommand)]
    Tier(TierCommand),
    #[command(subcommand)]
    Ticket(TicketCommand),
    #[command(subcommand)]
    Session(SessionCommand),
    Caption(CaptionFlags),
}

struct Running {
    api: String,
    dir: TempDir,
    control: Control,
}

async fn running() -> Running {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { data_dir: dir.path().to_owned(), ..Config::default() };
    let control = Control::open(config).await.unwrap();
    let api = serve(control.router()).await;
    Running { api, dir, control }
}

async fn serve(router: axum::Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn say(api: &str, data: &Path, words: &str) -> Result<String, Error> {
    let data = data.to_str().unwrap();
    let place = ["--api", api, "--data", data];
    let line = std::iter::once("matinee").chain(words.split(' ')).chain(place);
    match Line::try_parse_from(line).unwrap().command {
        Role::Show(command) => command.run().await,
        Role::Tier(command) => command.run().await,
        Role::Ticket(command) => command.run().await,
        Role::Session(command) => command.run().await,
        Role::Caption(flags) => flags.run().await,
    }
}

impl Running {
    async fn say(&self, words: &str) -> Result<String, Error> {
        say(&self.api, self.dir.path(), words).await
    }

    async fn json(&self, words: &str) -> Value {
        serde_json::from_str(&self.say(&format!("{words} --json")).await.unwrap()).unwrap()
    }
}

#[tokio::test]
async fn programs_get_the_shapes_of_the_contract() {
    let house = running().await;
    let made = house.json("show create --title A --starts-at 2027-01-15T08:00Z").await;
    let show = made["show"].as_str().unwrap();
    let key = made["stream_key"].as_str().unwrap();
    assert_eq!(made["publish"]["rtmp"], format!("rtmp://127.0.0.1:1935/live/{key}"));
    assert!(house.control.show_by_stream_key(key).await.unwrap().is_some());

    let issued = house.json(&format!("ticket issue --show {show} --valid 1h --note n")).await;
    let ticket = issued["ticket"].as_str().unwrap();
    let watch = format!("http://127.0.0.1:8080/watch/{show}#ticket={ticket}");
    assert_eq!(issued["watch_url"], watch);
    assert!(issued["playlist_url"].as_str().unwrap().contains("index.m3u8?token="));
    assert!(issued["mpd_url"].as_str().unwrap().contains("manifest.mpd?token="));

    let listed = house.json("show list").await;
    assert_eq!(listed["shows"][0]["starts_at"], 1_800_000_000);
    let listed = house.json(&format!("ticket list --show {show}")).await;
    assert_eq!(
        (&listed["tickets"][0]["id"], &listed["tickets"][0]["note"]),
        (&issued["id"], &Value::from("n"))
    );
    house.json(&format!("ticket revoke {ticket}")).await;
    assert_eq!(house.control.denied().entries.len(), 1);
    assert_eq!(house.json(&format!("show end {show}")).await["state"], "ended");
}

#[tokio::test]
async fn tiers_and_sessions_are_set_listed_and_taken_away() {
    let house = running().await;
    let made = house.json("show create --title A --when-full refuse").await;
    let show = made["show"].as_str().unwrap();
    let limits = "--height-max 480 --dvr-s-max 0 --countries DE,AT --bind network --preview-s 5m \
                  --devices-max 2 --watermark b";
    let set = house.json(&format!("tier set --show {show} --name basic {limits}")).await;
    let policy = serde_json::json!({
        "height_max": 480, "dvr_s_max": 0, "countries": { "allow": ["DE", "AT"] },
        "bind": "network", "preview_s": 300, "devices_max": 2, "watermark": "b"
    });
    assert_eq!(set["policy"], policy);
    let said = house.say(&format!("tier list --show {show}")).await.unwrap();
    assert_eq!(
        said.lines().nth(2).unwrap(),
        "basic  up to 480p, live only, in DE AT, one network, the first 300 s, 2 devices, \
         watermark b"
    );
    assert_eq!(said.lines().nth(1).unwrap(), "all    everything");
    let issued = house.json(&format!("ticket issue --show {show} --tier basic --format cat")).await;
    assert_eq!(issued["tier"], "basic");
    let held = house.say(&format!("tier drop --show {show} --name basic")).await.unwrap_err();
    assert!(matches!(&held, Error::Refused(problem) if problem.code == "tier_in_use"), "{held}");

    let sessions = format!("session list --show {show}");
    let listed = house.json(&sessions).await;
    let session = listed["sessions"][0]["session"].as_str().unwrap();
    assert!(house.say(&sessions).await.unwrap().contains(&format!("{session}  good  ")));
    let said = house.say(&format!("session revoke {session}")).await.unwrap();
    assert!(said.starts_with(&format!("Session {session} is revoked")), "{said}");
    assert!(house.say(&sessions).await.unwrap().contains(&format!("{session}  revoked  ")));
    assert_eq!(house.control.denied().entries.len(), 1);

    let changed = house.say(&format!("show set {show} --when-full displace")).await.unwrap();
    assert!(changed.contains("the one that has played longest stops."), "{changed}");
    for name in ["all", "B", "a/b", "../x"] {
        let set = house.say(&format!("tier set --show {show} --name {name}")).await.unwrap_err();
        assert!(
            matches!(&set, Error::Refused(problem) if problem.code == "field_invalid"),
            "{set}"
        );
    }
}

#[tokio::test]
async fn people_get_short_text() {
    let house = running().await;
    assert!(house.say("show list").await.unwrap().starts_with("There are no shows yet"));
    let said = house.say("show create --title Matinee").await.unwrap();
    let show = said.split(' ').nth(1).unwrap().to_owned();
    assert!(said.contains("server rtmp://127.0.0.1:1935/live\n"), "{said}");
    let listed = house.say("show list").await.unwrap();
    assert!(
        listed.lines().nth(1).unwrap().starts_with(&format!("{show}  scheduled  -")),
        "{listed}"
    );
    let tickets = format!("ticket list --show {show}");
    assert!(house.say(&tickets).await.unwrap().starts_with("The show has no tickets yet"));
    let said = house.say(&format!("ticket issue --show {show}")).await.unwrap();
    let ticket = said.split(' ').nth(1).unwrap().to_owned();
    assert!(house.say(&tickets).await.unwrap().contains(&format!("{ticket}  good")));
    let said = house.say(&format!("ticket revoke {ticket}")).await.unwrap();
    assert!(said.starts_with(&format!("Ticket {ticket} is revoked")), "{said}");
    assert!(house.say(&tickets).await.unwrap().contains(&format!("{ticket}  revoked")));
    let said = house.say(&format!("show end {show}")).await.unwrap();
    assert_eq!(said, format!("Show {show} is ended; its recording plays on."));
}

#[tokio::test]
async fn a_list_of_more_than_a_page_comes_whole() {
    let house = running().await;
    let show = house.json("show create --title A").await["show"].as_str().unwrap().to_owned();
    for _ in 0..201 {
        let ticket = NewTicket::default();
        house.control.issue_ticket(show.parse().unwrap(), ticket).await.unwrap();
    }
    let listed = house.json(&format!("ticket list --show {show}")).await;
    let tickets = listed["tickets"].as_array().unwrap();
    let ids: HashSet<&str> = tickets.iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!((tickets.len(), ids.len()), (201, 201));
}

#[tokio::test]
async fn an_error_says_who_can_mend_it() {
    let house = running().await;
    let api = house.api.clone();
    let elsewhere = tempfile::tempdir().unwrap();
    let dir = house.dir.path();

    let nobody = "http://127.0.0.1:1";
    for data in [dir, elsewhere.path()] {
        let refused = say(nobody, data, "show list").await.unwrap_err();
        assert_eq!(refused, Error::NoHouse { api: nobody.to_owned() });
    }
    assert!(Error::NoHouse { api: nobody.to_owned() }.to_string().contains("`matinee up`"));

    let missing = say(&api, elsewhere.path(), "show list").await.unwrap_err();
    assert!(matches!(missing, Error::Credential { .. }), "{missing}");
    let path = elsewhere.path().join("admin.token");
    std::fs::write(&path, "two words").unwrap();
    let damaged = say(&api, elsewhere.path(), "show list").await.unwrap_err();
    assert!(matches!(damaged, Error::Credential { .. }), "{damaged}");
    std::fs::write(&path, "ad_other").unwrap();
    let wrong = say(&api, elsewhere.path(), "show list").await.unwrap_err();
    assert_eq!(wrong, Error::WrongCredential { api: api.clone(), path });

    let unknown = house.say("show end 0123456789abcdef").await.unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "the house refused: there is no show of this id (show_unknown)"
    );
    let unknown = house.say("ticket revoke x").await.unwrap_err();
    assert!(matches!(&unknown, Error::Refused(problem) if problem.code == "ticket_unknown"));

    let other = serve(axum::Router::new()).await;
    let other = say(&other, dir, "show list").await.unwrap_err();
    assert!(matches!(other, Error::NotAHouse { .. }), "{other}");
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    for words in [
        "show create",
        "show create --title A --starts-at soon",
        "show end x",
        "show list --api https://house",
        "ticket issue",
        "ticket issue --show x",
        "ticket issue --show 0123456789abcdef --valid forever",
        "ticket revoke",
        "tier set --show 0123456789abcdef",
        "tier set --show 0123456789abcdef --name a --countries Germany",
        "tier set --show 0123456789abcdef --name a --countries DE --countries-denied AT",
        "tier set --show 0123456789abcdef --name a --bind phone",
        "session revoke x",
        "show set 0123456789abcdef",
    ] {
        let line = std::iter::once("matinee").chain(words.split(' '));
        let refused = Line::try_parse_from(line).unwrap_err();
        assert_eq!(refused.exit_code(), 2, "{words}");
    }
}

#[test]
fn the_data_directory_is_where_the_desktop_keeps_data() {
    let dir = |xdg: Option<&str>, home: Option<&str>| {
        data_dir(|name| if name == "HOME" { home } else { xdg }.map(OsString::from))
    };
    assert_eq!(dir(Some("/data"), Some("/home/a")), Path::new("/data/matinee"));
    assert_eq!(dir(Some("data"), Some("/home/a")), Path::new("/home/a/.local/share/matinee"));
    assert_eq!(dir(None, Some("/home/a")), Path::new("/home/a/.local/share/matinee"));
    assert_eq!(dir(None, None), Path::new("matinee"));
}

#[tokio::test]
async fn a_caption_that_cannot_be_said_says_why() {
    let house = running().await;
    let show = house.json("show create --title A").await["show"].as_str().unwrap().to_owned();
    let refused = |code: &str| format!("({code})");
    let unknown = house.say(&format!("caption {show} en Hello")).await.unwrap_err().to_string();
    assert!(unknown.ends_with(&refused("caption_track_unknown")), "{unknown}");
    house.say(&format!("show set {show} --captions en=English")).await.unwrap();
    let silent = house.say(&format!("caption {show} EN Hello --for 4s")).await.unwrap_err();
    assert!(silent.to_string().ends_with(&refused("show_not_live")), "{silent}");
    let missing = house.say(&format!("caption {show} en --file /no/cues.vtt")).await.unwrap_err();
    assert!(missing.to_string().starts_with("/no/cues.vtt cannot be read: "), "{missing}");
    let file = house.dir.path().join("cues.vtt");
    std::fs::write(&file, "WEBVTT").unwrap();
    let empty = house.say(&format!("caption {show} en --file {}", file.display())).await;
    assert!(empty.unwrap_err().to_string().ends_with(&refused("field_invalid")));
}
