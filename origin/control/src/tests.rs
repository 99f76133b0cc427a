//! The house on its disk: first starts, later starts, and disks that are not as they should be.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use shared_wire::ShowId;
use shared_wire::api::State;

use crate::testing::{NOW, TestHouse, config, field, is_left_out, prepare};
use crate::{Config, Control, Error, Fault};

mod accounts;
mod chapters;
mod keeping;
mod recordings;
mod shared;
pub(crate) mod stored;

fn config_in(dir: &Path) -> Config {
    config(dir, &Arc::new(AtomicI64::new(NOW)))
}

/// Every file below `dir`.
fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

async fn refused(config: Config) -> Error {
    prepare(&config).await;
    Control::open(config).await.map(drop).unwrap_err()
}

#[tokio::test]
async fn everything_is_there_again_after_a_restart() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let show = field(&made, "show");
    let ticket = house.ticket(show, json!({})).await;
    let id: ShowId = show.parse().unwrap();
    house.control.set_state(id, State::Live).await.unwrap();
    let (admin, environment) = (house.admin.clone(), house.control.edge_environment());

    let house = house.restart().await;
    assert_eq!((&house.admin, house.control.edge_environment()), (&admin, environment));
    // Nobody publishes to a house that has just started.
    assert_eq!(house.control.show_state(id).unwrap().state, State::Interrupted);
    assert_eq!(house.control.shows().len(), 1);
    assert!(house.play(show, field(&ticket, "ticket")).await.status.is_success());
    let found = house.control.show_by_stream_key(field(&made, "stream_key")).await;
    assert_eq!(found.unwrap().unwrap().show, id);
}

#[tokio::test]
async fn no_secret_is_stored_in_clear_and_no_file_is_open_to_others() {
    if is_left_out() {
        return;
    }
    let house = TestHouse::open().await;
    let made = house.show("a title that is found").await;
    let show = field(&made, "show");
    let ticket = house.ticket(show, json!({})).await;
    let played = house.play(show, field(&ticket, "ticket")).await;
    let secrets =
        [field(&made, "stream_key"), field(&ticket, "ticket"), field(&played.json, "token")];
    let mut title_found = false;
    for path in files(house.dir.path()) {
        let bytes = fs::read(&path).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        title_found |= holds("a title that is found");
        for secret in secrets {
            assert!(!holds(secret) && !holds(&secret[3..]), "{path:?}");
        }
        if path.file_name().is_some_and(|name| name != "lock") {
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{path:?}");
        }
    }
    assert!(title_found, "the search above sees what is stored");
}

#[tokio::test]
async fn a_second_house_is_kept_out_of_the_directory() {
    let house = TestHouse::open().await;
    let path = house.dir.path().to_owned();
    let error = refused(config_in(&path)).await;
    assert_eq!(error, Error::InUse { path });
    assert_eq!(error.fault(), Fault::Config);
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_the_configurations_fault() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    // A name that is a file, and a place nobody can write to, not even root.
    for data_dir in [file.clone(), file.join("below"), "/proc/matinee".into()] {
        let error = refused(config_in(&data_dir)).await;
        assert!(matches!(error, Error::DataDir { .. }), "{error:?}");
        assert_eq!(error.fault(), Fault::Config);
    }
}

#[tokio::test]
async fn a_directory_without_the_right_to_write_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o500)).unwrap();
    if fs::write(dir.path().join("probe"), "").is_ok() {
        return; // root may write anywhere; the case above covers root
    }
    let error = refused(config_in(dir.path())).await;
    assert!(matches!(&error, Error::DataDir { path, .. } if path.starts_with(dir.path())));
}

#[tokio::test]
async fn a_damaged_database_is_the_disks_fault() {
    if is_left_out() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("matinee.db"), vec![b'x'; 8192]).unwrap();
    let error = refused(config_in(dir.path())).await;
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert_eq!(error.fault(), Fault::Storage);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_not_touched() {
    let house = TestHouse::open().await;
    let sql = "INSERT INTO seaql_migrations VALUES ('m20991231_000001_later', 0)";
    execute(&house, sql).await;
    let dir = house.dir;
    drop(house.control);
    let error = refused(config_in(dir.path())).await;
    let version = "m20991231_000001_later".to_owned();
    assert_eq!(error, Error::NewerSchema { version });
    assert_eq!(error.fault(), Fault::Config);
}

#[tokio::test]
async fn a_full_disk_is_said_and_what_was_there_stays() {
    if is_left_out() {
        return;
    }
    // SQLite answers for a page too many as for a full disk. One connection, so that the limit meets every statement.
    let house = TestHouse::with(|config| config.database_connections_max = 1).await;
    let made = house.show("a").await;
    execute(&house, "PRAGMA max_page_count = 1").await;
    let path = format!("/v1/shows/{}/tickets", field(&made, "show"));
    let long = json!({ "note": "x".repeat(200) });
    let mut full = None;
    for _ in 0..200 {
        let answer = house.admin("POST", &path, long.clone()).await;
        if !answer.status.is_success() {
            full = Some(answer);
            break;
        }
    }
    let full = full.expect("the database had room for everything");
    assert_eq!((full.status.as_u16(), full.code()), (507, "storage_full"));
    let listed = house.admin("GET", "/v1/shows", Value::Null).await;
    assert_eq!(listed.json["shows"].as_array().unwrap().len(), 1);
    execute(&house, "PRAGMA max_page_count = 100000").await;
    assert!(house.admin("POST", &path, long).await.status.is_success());
}

/// Runs a statement that the house itself never would.
async fn execute(house: &TestHouse, sql: &str) {
    house.control.house.rows.read().execute_unprepared(sql).await.unwrap();
}
