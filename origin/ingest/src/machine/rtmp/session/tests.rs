//! What a peer hears, and when it is given up; on a virtual clock.
//!
//! In: a publisher's bytes. Out: nothing. Does not know sockets.

use std::time::Duration;

use super::*;
use crate::machine::rtmp::samples::{connected, connected_with, connection};

fn at(seconds: u64) -> Now {
    Now { monotonic_us: seconds * 1_000_000, utc_us: 0 }
}

fn session(turned_away: Option<Refusal>) -> Session {
    let config = Config {
        handshake_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(30),
        ..Config::default()
    };
    Session::new(at(0), Arc::new(config), turned_away)
}

/// Everything it wants until it waits; what it says as one text, unprintable bytes as dots.
fn after(session: &mut Session, now: Now, input: Input<'_>) -> (String, Vec<Output>) {
    session.handle(now, input);
    let (mut said, mut wanted) = (String::new(), Vec::new());
    while let Poll::Output(output) = session.poll() {
        match output {
            Output::Write(bytes) => said.extend(bytes.iter().map(|byte| match byte {
                b' '..=b'~' => char::from(*byte),
                _ => '.',
            })),
            other => wanted.push(other),
        }
    }
    (said, wanted)
}

#[test]
fn a_publisher_is_answered_step_by_step() {
    let mut session = session(None);
    let bytes = connection();
    let (said, wanted) = after(&mut session, at(1), Input::Bytes(&bytes));
    assert!(said.contains("NetConnection.Connect.Success"), "{said}");
    assert_eq!(said.matches("_result").count(), 3, "connect, releaseStream, createStream");
    assert!(!said.contains("NetStream.Publish.Start"), "{said}");
    assert_eq!(wanted, [Output::Publish(StreamKey::new("secret"))]);

    let (said, wanted) = after(&mut session, at(2), Input::Admit);
    assert!(said.contains("NetStream.Publish.Start"), "{said}");
    assert!(said.contains("NetStream.Unpublish.Success"), "{said}");
    assert_eq!(wanted.len(), 103, "two configurations, fifty of each, and the end");
    assert_eq!(wanted.last(), Some(&Output::Close(Closing::Unpublished)));
}

#[test]
fn an_enhanced_publisher_hears_what_is_taken() {
    let plain = after(&mut session(None), at(1), Input::Bytes(&connected())).0;
    assert!(!plain.contains("fourCcList"), "{plain}");
    let list = Value::Array(["hvc1", "Opus"].map(Value::text).into());
    for asked in [("fourCcList", list), ("capsEx", Value::Number(2.0))] {
        let hello = connected_with(vec![(asked.0.to_owned(), asked.1)]);
        let said = after(&mut session(None), at(1), Input::Bytes(&hello)).0;
        assert!(said.contains("NetConnection.Connect.Success"), "{said}");
        for word in ["fourCcList", "hvc1", "av01", "Opus", "audioFourCcInfoMap", "capsEx"] {
            assert!(said.contains(word), "{word}: {said}");
        }
    }
}

#[test]
fn a_refused_publisher_is_told_and_closed() {
    let mut session = session(None);
    after(&mut session, at(1), Input::Bytes(&connection()));
    let (said, wanted) = after(&mut session, at(2), Input::Refuse(Refusal::WrongKey));
    assert!(
        said.contains("NetStream.Publish.Denied") && said.contains("wrong stream key"),
        "{said}"
    );
    assert_eq!(wanted, [Output::Close(Closing::Refused(Refusal::WrongKey))]);
    let (said, wanted) = after(&mut session, at(3), Input::Bytes(&connection()));
    assert_eq!((said.as_str(), wanted), ("", vec![]), "a closed session is silent");
}

#[test]
fn a_full_house_says_so_when_asked_to_connect() {
    let mut session = session(Some(Refusal::HouseFull));
    let (said, wanted) = after(&mut session, at(1), Input::Bytes(&connection()));
    assert!(said.contains("_error") && said.contains("NetConnection.Connect.Rejected"), "{said}");
    assert_eq!(wanted, [Output::Close(Closing::Refused(Refusal::HouseFull))]);
}

#[test]
fn a_ping_is_answered_and_bytes_are_acknowledged() {
    let mut session = session(None);
    after(&mut session, at(1), Input::Bytes(&connected()));
    after(&mut session, at(1), Input::Admit);
    let ping = [0x02, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, 6, b'p', b'i', b'n', b'g'];
    assert!(after(&mut session, at(1), Input::Bytes(&ping)).0.ends_with("..ping"));

    let window = [0x02, 0, 0, 0, 0, 0, 4, 5, 0, 0, 0, 0, 0, 0, 0x10, 0];
    after(&mut session, at(1), Input::Bytes(&window));
    let nothing = [0x02, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0].repeat(400);
    session.handle(at(1), Input::Bytes(&nothing));
    let Poll::Output(Output::Write(said)) = session.poll() else { panic!("nothing was said") };
    let received = (connected().len() + ping.len() + window.len() + nothing.len()) as u32;
    assert_eq!(said[said.len() - 4..], received.to_be_bytes());
}

#[test]
fn who_publishes_nothing_is_given_up() {
    let mut session = session(None);
    assert_eq!(session.deadline_us(), Some(10_000_000));
    after(&mut session, at(9), Input::Bytes(&connection()[..100]));
    assert_eq!(after(&mut session, at(9), Input::Tick).1, []);
    let late = Closing::Failed(Error::Timeout("no stream was published"));
    assert_eq!(after(&mut session, at(10), Input::Tick).1, [Output::Close(late)]);
    assert_eq!(session.deadline_us(), None);
}

#[test]
fn a_silent_publisher_is_given_up() {
    let mut session = session(None);
    after(&mut session, at(5), Input::Bytes(&connected()));
    assert_eq!(session.deadline_us(), None, "the gate has a timeout of its own");
    after(&mut session, at(6), Input::Admit);
    after(&mut session, at(20), Input::Bytes(&[]));
    assert_eq!(session.deadline_us(), Some(50_000_000));
    let silent = Closing::Failed(Error::Timeout("no media came"));
    assert_eq!(after(&mut session, at(50), Input::Tick).1, [Output::Close(silent)]);
}

#[test]
fn a_secret_does_not_show_when_debugged() {
    let mut session = session(None);
    session.handle(at(1), Input::Bytes(&connected()));
    let Some(publish) = std::iter::from_fn(|| match session.poll() {
        Poll::Output(output) => Some(output),
        Poll::Wait => None,
    })
    .find(|output| matches!(output, Output::Publish(_))) else {
        panic!("it wants to publish")
    };
    assert!(!format!("{publish:?}").contains("secret"));
}
