//! RTMP: the chunk stream, AMF in its commands, FLV and E-FLV in its messages.
//!
//! In: what follows a handshake; a command's body; tags. Out: a panic if a promise is broken. Does not know what a
//! session means: the tests of `origin/ingest` do.

use bytes::Bytes;
use origin_ingest::machine::intake::Input;
use origin_ingest::machine::rtmp::flv;
use origin_ingest::machine::rtmp::rehearsal::{Outcome, rehearse};
use origin_ingest::machine::rtmp::session::Tag;

use crate::publisher::{Law, Stage, config};

/// The handshake's version, its first and its second packet.
const HANDSHAKE: [u8; 1 + 2 * 1536] = {
    let mut bytes = [0; 1 + 2 * 1536];
    bytes[0] = 3;
    bytes
};

/// What is said to a peer at most, in bytes, whatever it sends: the answers are short and the inputs are.
const SAID_MAX: usize = 256 << 10;

fn judge(outcome: &Outcome) {
    let said: usize = outcome.said.iter().map(Bytes::len).sum();
    assert!(said < SAID_MAX, "{said} bytes are said");
    assert!(outcome.key.is_some() || outcome.publications.is_empty(), "media before a key");
    let mut law = Law::default();
    outcome.publications.iter().for_each(|publication| law.hold(publication));
}

/// Runs the target on the chunks of a connection. They come in one piece, and byte by byte it is the same.
pub fn chunks(data: &[u8]) {
    let whole = [&HANDSHAKE[..], data];
    let outcome = rehearse(config(), whole, 1000);
    judge(&outcome);
    if data.len() < 1024 {
        let bytes = std::iter::once(&HANDSHAKE[..]).chain(data.chunks(1));
        let apart = rehearse(config(), bytes, 0);
        assert_eq!(apart.key, outcome.key, "the portions in which it comes mean something");
        judge(&apart);
    }
}

/// Runs the target on the body of a command, and on that of a description.
pub fn amf(data: &[u8]) {
    for message_type in [20, 18] {
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes();
        let mut stream = vec![3, 0, 0, 0];
        stream.extend_from_slice(&length[1..]);
        stream.extend([message_type, 0, 0, 0, 0]);
        for (at, piece) in data.chunks(128).enumerate() {
            if at > 0 {
                stream.push(0xC3);
            }
            stream.extend_from_slice(piece);
        }
        judge(&rehearse(config(), [&HANDSHAKE[..], &stream], 1000));
    }
}

/// Runs the target on tags: 8 or 9, a length of 16 bits, a timestamp of 32, a body, and so on.
pub fn flv(data: &[u8]) {
    let mut stage = Stage::default();
    let mut rest = data;
    while let Some((head, after)) = rest.split_first_chunk::<7>() {
        let [kind, long, short, t0, t1, t2, t3] = *head;
        let length = usize::from(u16::from_be_bytes([long, short])).min(after.len());
        let (body, next) = after.split_at(length);
        rest = next;
        let timestamp_ms = u32::from_be_bytes([t0, t1, t2, t3]);
        let tag = Tag { timestamp_ms, body: Bytes::copy_from_slice(body) };
        if kind & 1 == 1 {
            flv::video(&tag).into_iter().for_each(|arrival| stage.take(Input::Video(arrival)));
        } else {
            flv::audio(&tag).into_iter().for_each(|arrival| stage.take(Input::Audio(arrival)));
        }
    }
}
