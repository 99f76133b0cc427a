//! The deny list's book, without an origin.

use std::time::Duration;

use http::{Method, Request, Response, StatusCode};

use super::book::Refused;
use super::*;
use crate::cache::Clock;
use crate::config::DenyLimits;

fn asked(path: &str, known: Option<&str>) -> http::request::Parts {
    let mut request = Request::get(path);
    if let Some(known) = known {
        request = request.header("if-none-match", known);
    }
    request.body(()).unwrap().into_parts().0
}

fn list(version: u64) -> Bytes {
    format!("{{\"version\":{version},\"entries\":[{{\"ticket\":\"x\",\"until\":1}}]}}").into()
}

fn age(response: &Response<Bytes>) -> &str {
    response.headers()["age"].to_str().unwrap()
}

#[test]
fn the_list_is_answered_with_how_long_ago_it_was_confirmed() {
    let clock = Clock::system();
    let book = Book::open(None, DenyLimits::default(), clock.clone());
    assert!(book.answer(&asked("/edge/denied", None)).is_none(), "there is none yet");
    assert_eq!(book.accept(list(3)), Ok(true));
    clock.pass(Duration::from_secs(7));
    let response = book.answer(&asked("/edge/denied?since=3", None)).unwrap();
    assert_eq!((age(&response), response.body()), ("7", &list(3)));
    book.confirm();
    let known = book.answer(&asked("/edge/denied", Some("\"3\""))).unwrap();
    assert_eq!((known.status(), age(&known)), (StatusCode::NOT_MODIFIED, "0"));
    assert!(book.answer(&asked("/edge/denied/x", None)).is_none());
    let mut post = asked("/edge/denied", None);
    post.method = Method::POST;
    assert!(book.answer(&post).is_none());
}

#[test]
fn an_older_list_and_one_that_is_none_are_not_taken() {
    let book = Book::open(None, DenyLimits::default(), Clock::system());
    assert_eq!(book.accept(list(3)), Ok(true));
    assert_eq!(book.accept(list(3)), Ok(false));
    assert_eq!(book.accept(list(2)), Err(Refused::Older));
    assert_eq!(book.accept(Bytes::from_static(b"{}")), Err(Refused::Malformed));
    assert_eq!(book.answer(&asked("/edge/denied", None)).unwrap().body(), &list(3));
}

#[test]
fn a_restarted_edge_knows_the_last_list_and_its_age() {
    let folder = tempfile::tempdir().unwrap();
    let file = Some(folder.path().join("denied"));
    let clock = Clock::system();
    let book = Book::open(file.clone(), DenyLimits::default(), clock.clone());
    book.accept(list(8)).unwrap();
    book.keep(true);
    let later = Clock::system();
    later.pass(Duration::from_secs(100));
    let book = Book::open(file.clone(), DenyLimits::default(), later.clone());
    let response = book.answer(&asked("/edge/denied", None)).unwrap();
    assert_eq!((book.version(), response.body()), (Some(8), &list(8)));
    assert!(matches!(age(&response), "100" | "101"));
    let tiny = DenyLimits { bytes_max: 3, ..DenyLimits::default() };
    assert!(Book::open(file.clone(), tiny, later.clone()).version().is_none());
    std::fs::write(file.as_ref().unwrap(), "torn").unwrap();
    assert!(Book::open(file, DenyLimits::default(), later).version().is_none());
}

#[test]
fn the_edge_key_is_not_to_be_logged() {
    let request = request(Some(4), Duration::from_secs(25), "secret").unwrap();
    assert_eq!(request.uri, "/edge/denied?since=4&wait_s=25");
    assert!(!format!("{request:?}").contains("secret"));
}
