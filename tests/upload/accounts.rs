//! Accounts at the real program: creators who upload for themselves, each with room of its own.

use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};
use tests::House;

use crate::clients::{beside, film};
use crate::{Tus, name, pattern};

/// What an account may take, in MiB, …
const QUOTA_MIB: u64 = 5;
const QUOTA: u64 = QUOTA_MIB << 20;

/// What the command line answers to programs.
fn cli(house: &House, words: &[&str]) -> Value {
    house.cli_json(&[words, &["--json"]].concat())
}

/// A new account, by the command line.
fn account(house: &House, name: &str, more: &[&str]) -> Tus {
    let made = cli(house, &[&["account", "create", name], more].concat());
    let token = made["token"].as_str().expect("a token").to_owned();
    assert!(!house.log().contains(&token), "a token is in the log");
    Tus { token, ..Tus::to(house) }
}

impl Tus {
    async fn json(&self, method: Method, path: &str, status: u16) -> Value {
        let told = self.ask(method, path).send().await.expect("an answer");
        let (said, body) = (told.status().as_u16(), told.bytes().await.expect("a body"));
        let json = serde_json::from_slice(&body).unwrap_or_default();
        assert_eq!(said, status, "{path}: {json}");
        json
    }

    async fn begin(&self, bytes: u64) -> (u16, Value) {
        let made = self.ask(Method::POST, "/v1/tus").header("upload-length", bytes).send().await;
        let made = made.expect("an answer");
        let (status, body) = (made.status().as_u16(), made.bytes().await.expect("a body"));
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}

#[tokio::test]
async fn one_account_is_full_while_another_uploads() {
    let house = House::start(&["--transcodes", "0", "--uploads-max-mib", "64"]);
    let anna = account(&house, "anna", &["--quota-mib", &QUOTA_MIB.to_string()]);
    let ben = account(&house, "ben", &[]);
    let filled = anna.create(QUOTA).await;
    let half = QUOTA / 2;
    let sent = anna.patch(&filled, 0, pattern(0, half as usize)).await;
    assert_eq!(sent.status(), 204);
    // Ben is amid his own when Anna has no room left.
    let larger = ben.create(2 * QUOTA).await;
    assert_eq!(ben.patch(&larger, 0, pattern(0, half as usize)).await.status(), 204);
    let (status, told) = anna.begin(1).await;
    assert_eq!((status, &told["code"]), (413, &json!("quota_exceeded")));
    assert!(told["detail"].as_str().is_some_and(|said| said.starts_with("this account's quota")));
    let rest = (2 * QUOTA - half) as usize;
    assert_eq!(ben.patch(&larger, half, pattern(half, rest)).await.status(), 204);
    // What was promised to Anna holds.
    let rest = (QUOTA - half) as usize;
    assert_eq!(anna.patch(&filled, half, pattern(half, rest)).await.status(), 204);
    let usage = ben.json(Method::GET, "/v1/account", 200).await;
    assert_eq!(usage["account"], "ben");
    let listed = cli(&house, &["account", "list"]);
    let names: Vec<_> = listed["accounts"].as_array().expect("accounts").iter().collect();
    assert_eq!((&names[0]["account"], &names[1]["account"]), (&json!("ben"), &json!("anna")));
    // These bytes are no film: once that is found out, they take no room.
    let asset = anna.looked_into(name(&filled)).await;
    assert_eq!((&asset["account"], &asset["state"]), (&json!("anna"), &json!("refused")));
    assert_eq!(anna.begin(QUOTA).await.0, 201);
    let told = cli(&house, &["account", "quota", "anna", "6"]);
    assert_eq!(told["quota_bytes"], 6 << 20);
    assert_eq!(anna.begin(1 << 20).await.0, 201);
}

#[tokio::test]
async fn a_client_of_tus_uploads_by_an_accounts_token_and_nobody_else_sees_it() {
    let house = House::start(&["--transcodes", "0"]);
    let anna = account(&house, "anna", &["--quota-mib", "100"]);
    let ben = account(&house, "ben", &[]);
    let folder = tempfile::tempdir().expect("a directory");
    let film = film(folder.path());
    let output = Command::new("node")
        .arg(beside("browser/upload.mjs"))
        .args([&format!("{}/v1/tus", house.api), &anna.token])
        .arg(&film)
        .arg("resume")
        .output()
        .expect("the client runs");
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let asset = name(&said).to_owned();
    let told = anna.looked_into(&asset).await;
    assert_eq!((&told["account"], &told["state"]), (&json!("anna"), &json!("uploaded")));
    let bytes = std::fs::metadata(&film).expect("a film").len();
    let usage = anna.json(Method::GET, "/v1/account", 200).await;
    assert_eq!(usage["used_bytes"], bytes);

    for (method, path) in [
        (Method::GET, format!("/v1/assets/{asset}")),
        (Method::DELETE, format!("/v1/assets/{asset}")),
        (Method::GET, format!("/v1/assets/{asset}/jobs")),
        (Method::HEAD, format!("/v1/tus/{asset}")),
        (Method::DELETE, format!("/v1/tus/{asset}")),
    ] {
        ben.json(method, &path, 404).await;
    }
    assert_eq!(ben.json(Method::GET, "/v1/assets", 200).await["assets"], json!([]));
    let refused = ben.json(Method::GET, "/v1/accounts", 403).await;
    assert_eq!(refused["code"], "administrator_only");

    // The command line speaks as an account, too.
    let file = folder.path().join("token");
    std::fs::write(&file, &ben.token).expect("a file");
    let by_ben = ["--token-file", file.to_str().expect("a path")];
    let listed = cli(&house, &[&["asset", "list"][..], &by_ben].concat());
    assert_eq!(listed["assets"], json!([]));
    let film = film.to_str().expect("a path");
    let sent = cli(&house, &[&["asset", "upload", film][..], &by_ben].concat());
    assert_eq!((&sent["account"], &sent["bytes"]), (&json!("ben"), &json!(bytes)));

    // An account that owns something is not deleted, unless that is handed over.
    let refused = house.cli(&["account", "delete", "anna"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("account_owns"), "{said}");
    let gone = cli(&house, &["account", "delete", "anna", "--hand-over"]);
    assert_eq!(gone["used_bytes"], bytes);
    anna.json(Method::GET, "/v1/assets", 401).await;
    let told = Tus::to(&house).json(Method::GET, &format!("/v1/assets/{asset}"), 200).await;
    assert_eq!(told.get("account"), None, "it is the house's");
    for token in [&anna.token, &ben.token] {
        assert!(!house.log().contains(token), "a token is in the log");
    }
}
