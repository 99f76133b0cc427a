//! What the server says (RTMP 1.0, 5.4, 6.2, 7.2).
//!
//! In: the occasion. Out: the bytes to send. Does not know when to say it.

use bytes::Bytes;

use super::amf::{self, Value};
use super::chunk::{self, CHUNK_SIZE_SENT, Message};
use crate::Refusal;

/// Bytes after which each side wants to hear that the other has received them.
pub(super) const WINDOW_BYTES: u32 = 2_500_000;

/// Types of messages, in both directions.
pub(super) mod kind {
    pub(in super::super) const SET_CHUNK_SIZE: u8 = 1;
    pub(in super::super) const ABORT: u8 = 2;
    pub(in super::super) const ACKNOWLEDGEMENT: u8 = 3;
    pub(in super::super) const USER_CONTROL: u8 = 4;
    pub(in super::super) const WINDOW_SIZE: u8 = 5;
    pub(in super::super) const PEER_BANDWIDTH: u8 = 6;
    pub(in super::super) const AUDIO: u8 = 8;
    pub(in super::super) const VIDEO: u8 = 9;
    pub(in super::super) const DATA_AMF3: u8 = 15;
    pub(in super::super) const COMMAND_AMF3: u8 = 17;
    pub(in super::super) const DATA: u8 = 18;
    pub(in super::super) const COMMAND: u8 = 20;
}

/// The message stream that publishers are given.
pub(super) const MEDIA_STREAM: u32 = 1;

fn control(type_id: u8, body: &[u8]) -> Bytes {
    let body = Bytes::copy_from_slice(body);
    chunk::write(&Message { timestamp: 0, type_id, stream_id: 0, body }, 2)
}

fn command(stream_id: u32, values: &[Value]) -> Bytes {
    let body = Bytes::from(amf::write(values));
    let chunk_stream = if stream_id == 0 { 3 } else { 5 };
    chunk::write(&Message { timestamp: 0, type_id: kind::COMMAND, stream_id, body }, chunk_stream)
}

fn status(level: &str, code: &str, description: &str) -> Value {
    Value::Object(vec![
        ("level".to_owned(), Value::text(level)),
        ("code".to_owned(), Value::text(code)),
        ("description".to_owned(), Value::text(description)),
    ])
}

/// S0, S1 and S2 (5.2). S2 must repeat C1; the time and the random bytes of S1 serve nothing here, and zeros where a
/// version could stand keep Adobe's digest handshake off.
pub(super) fn handshake(c1: &[u8]) -> Bytes {
    let filler = (0..=u8::MAX).cycle().take(HANDSHAKE_BYTES - 8);
    let s1 = [0; 8].into_iter().chain(filler);
    [3].into_iter().chain(s1).chain(c1.iter().copied()).collect()
}

/// Bytes of C1, C2, S1 and S2 each.
pub(super) const HANDSHAKE_BYTES: usize = 1536;

pub(super) fn acknowledgement(received_bytes: u32) -> Bytes {
    control(kind::ACKNOWLEDGEMENT, &received_bytes.to_be_bytes())
}

/// The answer to a ping (7.1.7), with the ping's own timestamp.
pub(super) fn pong(ping: &[u8]) -> Bytes {
    control(kind::USER_CONTROL, &[&[0, 7], ping].concat())
}

/// What follows a `connect` that is agreed to.
pub(super) fn connected(transaction: f64) -> Vec<Bytes> {
    let window = WINDOW_BYTES.to_be_bytes();
    let dynamic = 2;
    let server = Value::Object(vec![
        ("fmsVer".to_owned(), Value::text("FMS/3,0,1,123")),
        ("capabilities".to_owned(), Value::Number(31.0)),
    ]);
    let mut result = status("status", "NetConnection.Connect.Success", "Connection succeeded.");
    if let Value::Object(properties) = &mut result {
        properties.push(("objectEncoding".to_owned(), Value::Number(0.0)));
    }
    vec![
        control(kind::WINDOW_SIZE, &window),
        control(kind::PEER_BANDWIDTH, &[&window[..], &[dynamic]].concat()),
        chunk_size(),
        command(0, &[Value::text("_result"), Value::Number(transaction), server, result]),
    ]
}

/// A plain yes to a command.
pub(super) fn result(transaction: f64, value: Value) -> Bytes {
    command(0, &[Value::text("_result"), Value::Number(transaction), Value::Null, value])
}

/// A no to `connect`.
pub(super) fn not_connected(transaction: f64, refusal: &Refusal) -> [Bytes; 2] {
    let why = status("error", refusal.code(), &refusal.to_string());
    let values = [Value::text("_error"), Value::Number(transaction), Value::Null, why];
    [chunk_size(), command(0, &values)]
}

/// From here on our chunks are longer; every command of ours comes after this.
fn chunk_size() -> Bytes {
    control(kind::SET_CHUNK_SIZE, &(CHUNK_SIZE_SENT as u32).to_be_bytes())
}

/// What follows a `publish` that is agreed to: the stream begins (7.1.7), and may be published on.
pub(super) fn publishing() -> [Bytes; 2] {
    let begin = [&[0, 0][..], &MEDIA_STREAM.to_be_bytes()].concat();
    [
        control(kind::USER_CONTROL, &begin),
        on_status("status", "NetStream.Publish.Start", "Publishing has begun."),
    ]
}

/// What follows the publisher's own end.
pub(super) fn unpublished() -> Bytes {
    on_status("status", "NetStream.Unpublish.Success", "Publishing has ended.")
}

/// A no to `publish`, or to going on publishing.
pub(super) fn refused(refusal: &Refusal) -> Bytes {
    on_status("error", refusal.code(), &refusal.to_string())
}

fn on_status(level: &str, code: &str, description: &str) -> Bytes {
    let values = [
        Value::text("onStatus"),
        Value::Number(0.0),
        Value::Null,
        status(level, code, description),
    ];
    command(MEDIA_STREAM, &values)
}
