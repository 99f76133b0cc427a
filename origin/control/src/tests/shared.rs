//! Several nodes on one PostgreSQL, and all the other tests on it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shared_wire::ShowId;
use shared_wire::api::State;

use crate::testing::{NOW, POSTGRES_VARIABLE, TestHouse, config, field};
use crate::{Config, Control, Error, NewUpload, Ownership, Postgres};

#[path = "../../../../tests/house/postgres.rs"]
#[expect(unreachable_pub, reason = "the tests of the whole have it too")]
#[expect(dead_code, reason = "the tests of the whole use all of it")]
mod postgres;

/// Of the other tests on PostgreSQL, at once.
const THREADS: &str = "4";
/// How long what one node does may take to be known to another one.
const FOLLOWED_MAX: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs this very program again, told to use PostgreSQL.
#[test]
fn every_other_test_passes_on_postgresql() {
    if std::env::var_os(POSTGRES_VARIABLE).is_some() {
        return;
    }
    let Some(server) = postgres::Postgres::start() else { return };
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .env(POSTGRES_VARIABLE, server.url())
        .args(["--test-threads", THREADS, "--skip", "tests::shared::"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let passed = said.lines().find_map(|line| line.strip_prefix("test result: ok. "));
    println!("{}", passed.expect("a result"));
}

/// A server, and what a node on it is told; none in the run that is on PostgreSQL anyway.
fn server() -> Option<postgres::Postgres> {
    std::env::var_os(POSTGRES_VARIABLE).is_none().then(postgres::Postgres::start).flatten()
}

fn on(server: &postgres::Postgres, change: impl FnOnce(&mut Config)) -> impl FnOnce(&mut Config) {
    let database = Postgres::parse(&server.url());
    move |config| {
        config.database = database;
        config.follow_every = LOOK_EVERY;
        config.lease = Duration::from_secs(2);
        change(config);
    }
}

async fn two(server: &postgres::Postgres) -> (TestHouse, TestHouse) {
    // At once, on a database without tables.
    tokio::join!(TestHouse::with(on(server, |_| ())), TestHouse::with(on(server, |_| ())))
}

/// Waits until `is` holds.
async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + FOLLOWED_MAX;
    while !is() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn known(house: &TestHouse, show: ShowId) {
    until("the other node knows the show", || house.control.show_state(show).is_some()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_does_the_other_knows() {
    let Some(server) = server() else { return };
    let (a, b) = two(&server).await;
    let made = a.show("shared").await;
    let show = field(&made, "show");
    let id: ShowId = show.parse().unwrap();
    // A stream key is good at once.
    let found = b.control.show_by_stream_key(field(&made, "stream_key")).await.unwrap();
    assert_eq!(found.map(|found| found.show), Some(id));
    known(&b, id).await;
    let ticket = a.ticket(show, json!({})).await;
    assert!(b.play(show, field(&ticket, "ticket")).await.status.is_success());
    let revoked =
        b.admin("POST", "/v1/tickets/revoke", json!({ "ticket": field(&ticket, "ticket") }));
    assert!(revoked.await.status.is_success());
    until("the other node denies it", || !a.control.denied().entries.is_empty()).await;
    assert_eq!(*a.control.denied(), *b.control.denied());
    let ended = b.admin("POST", &format!("/v1/shows/{show}/end"), Value::Null).await;
    assert!(ended.status.is_success(), "{ended:?}");
    let is_ended = || a.control.show_state(id).unwrap().state == State::Ended;
    until("the other node knows the end", is_ended).await;
    // What comes late from the node that had it changes nothing.
    assert_eq!(a.control.set_state(id, State::Interrupted).await, Ok(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_across_nodes() {
    let Some(server) = server() else { return };
    let (a, b) = two(&server).await;
    let show = a.show("limited").await;
    let show = field(&show, "show").to_owned();
    known(&b, show.parse().unwrap()).await;
    let refuse = json!({ "when_full": "refuse" });
    a.admin("PATCH", &format!("/v1/shows/{show}"), refuse).await;
    let is_told = || {
        b.control.shows().iter().all(|show| show.when_full == shared_wire::api::WhenFull::Refuse)
    };
    until("the other node knows the rule", is_told).await;
    a.tier(&show, "two", json!({ "devices_max": 2 })).await;
    let ticket = a.ticket(&show, json!({ "tier": "two" })).await;
    let ticket = field(&ticket, "ticket");
    let tries = (0..12).map(|n| {
        let (node, agent) = if n % 2 == 0 { (&a, "Firefox") } else { (&b, "Safari") };
        let show = show.clone();
        async move { node.play_on(&show, ticket, agent, &Value::Null).await.status.is_success() }
    });
    let admitted = futures::future::join_all(tries).await;
    assert_eq!(admitted.iter().filter(|one| **one).count(), 2, "{admitted:?}");
    // Tickets are issued of a tier, or it is dropped: never both.
    for n in 0..8 {
        let (tier, at) = (format!("t{n}"), format!("/v1/shows/{show}/tiers/t{n}"));
        a.tier(&show, &tier, json!({})).await;
        let tickets = format!("/v1/shows/{show}/tickets");
        let (issued, dropped) = tokio::join!(
            a.admin("POST", &tickets, json!({ "tier": tier })),
            b.admin("DELETE", &at, Value::Null),
        );
        let (issued, dropped) = (issued.status.is_success(), dropped.status.is_success());
        assert!(issued != dropped, "issued {issued}, dropped {dropped}");
    }
}

/// Has `node` a show?
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_race_exceed_neither_quota() {
    let Some(server) = server() else { return };
    let max = |config: &mut Config| config.uploads_bytes_max = Some(150);
    let (a, b) = tokio::join!(TestHouse::with(on(&server, max)), TestHouse::with(on(&server, max)));
    a.account("anna", Some(100)).await;
    let new = |account: Option<&str>| NewUpload {
        account: account.map(str::to_owned),
        length: Some(10),
        metadata: None,
        concat: None,
        expires_s: 60,
    };
    // Thirty of the account, of which ten fit, and then of the house, of which five more do.
    for (account, fit) in [(Some("anna"), 10), (None, 5)] {
        let asks = (0..30).map(|at| {
            let node = if at % 2 == 0 { &a } else { &b };
            node.control.create_upload(new(account))
        });
        let made = futures::future::join_all(asks).await;
        assert_eq!(made.iter().filter(|made| made.is_ok()).count(), fit);
        assert!(made.iter().all(|made| matches!(made, Ok(_) | Err(Error::QuotaExceeded(_)))));
    }
    let used = b.admin("GET", "/v1/accounts/anna", Value::Null).await;
    assert_eq!(used.json["used_bytes"], 100);
}

async fn has(node: &TestHouse, show: ShowId, takes_over: bool) -> bool {
    let claimed = node.control.claim(show, takes_over).await.unwrap();
    matches!(claimed, Ownership::Here(_))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_show_is_one_nodes() {
    let Some(server) = server() else { return };
    let (a, b) = two(&server).await;
    let show: ShowId = field(&a.show("claimed").await, "show").parse().unwrap();
    known(&b, show).await;
    let (at_a, at_b) = tokio::join!(has(&a, show, false), has(&b, show, false));
    assert!(at_a != at_b, "one of two that ask at once has it");
    let (owner, other) = if at_a { (a, b) } else { (b, a) };
    let claim = owner.control.claimed(show).unwrap();
    owner.control.opened(&claim);
    assert_eq!(owner.control.set_state(show, State::Live).await, Ok(true));
    assert_eq!(other.control.set_state(show, State::Interrupted).await, Err(Error::Elsewhere));
    // Longer than the lease lasts: it was renewed.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(claim.holds() && !has(&other, show, false).await);
    assert!(has(&other, show, true).await, "it takes over");
    claim.lost().await;
    assert!(!claim.holds());
    assert_eq!(owner.control.set_state(show, State::Ended).await, Err(Error::Elsewhere));
    // The owner's own next process has its shows at once.
    let other = other.restart_with(on(&server, |_| ())).await;
    let again = other.control.claim(show, false).await.unwrap();
    assert!(matches!(&again, Ownership::Here(again) if again.epoch() > claim.epoch()));
    let Ownership::Here(again) = again else { return };
    other.control.give_back(&again).await;
    assert!(!again.holds() && has(&owner, show, false).await, "it was given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_said_and_a_show_goes_on_for_the_lease() {
    let Some(mut server) = server() else { return };
    let with = on(&server, |config| {
        config.lease = Duration::from_secs(20);
        config.database_wait = Duration::from_secs(1);
    });
    let house = TestHouse::with(with).await;
    let made = house.show("on the air").await;
    let show: ShowId = field(&made, "show").parse().unwrap();
    let Ownership::Here(claim) = house.control.claim(show, false).await.unwrap() else {
        panic!("nobody else has it")
    };
    house.control.opened(&claim);
    house.control.show_by_stream_key(field(&made, "stream_key")).await.unwrap();
    server.down();
    let refused = house.admin("POST", "/v1/shows", json!({ "title": "b" })).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (503, "database_unreachable"));
    // The encoder of a show that is on the air may connect again.
    let found = house.control.show_by_stream_key(field(&made, "stream_key")).await.unwrap();
    assert_eq!(found.map(|found| found.show), Some(show));
    assert!(claim.holds());
    server.up();
    let deadline = Instant::now() + FOLLOWED_MAX;
    while !house.admin("POST", "/v1/shows", json!({ "title": "b" })).await.status.is_success() {
        assert!(Instant::now() < deadline, "the house finds its database again");
    }
    assert!(claim.holds());
}

#[tokio::test]
async fn a_database_that_was_never_there_is_named_without_its_password() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(AtomicI64::new(NOW));
    let mut config: Config = config(Path::new(dir.path()), &clock);
    // A port that is let go again, and so most likely nobody's.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    config.database = Postgres::parse(&format!("postgres://me:secret@127.0.0.1:{port}/x"));
    config.database_wait = Duration::from_millis(300);
    let error = Control::open(config).await.map(drop).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("secret"));
}
