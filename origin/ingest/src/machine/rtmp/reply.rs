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
    pub(in crate::machine::rtmp) const SET_CHUNK_SIZE: u8 = 1;
    pub(in crate::machine::rtmp) const ABORT: u8 = 2;
    pub(in crate::machine::rtmp) const ACKNOWLEDGEMENT: u8 = 3;
    pub(in crate::machine::rtmp) const USER_CONTROL: u8 = 4;
    pub(in crate::machine::rtmp) const WINDOW_SIZE: u8 = 5;
    pub(in crate::machine::rtmp) const PEER_BANDWIDTH: u8 = 6;
    pub(in crate::machine::rtmp) const AUDIO: u8 = 8;
    pub(in crate::machine::rtmp) const VIDEO: u8 = 9;
    pub(in crate::machine::rtmp) const DATA_AMF3: u8 = 15;
    pub(in crate::machine::rtmp) const COMMAND_AMF3: u8 = 17;
    pub(in crate::machine::rtmp) const DATA: u8 = 18;
    pub(in crate::machine::rtmp) const COMMAND: u8 = 20;
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

/// By any of these in its `connect` a peer says that it speaks Enhanced RTMP (v2, "Enhancing NetConnection connect").
pub(super) const ENHANCED_PROPERTIES: [&str; 4] =
    ["fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx"];

/// The codecs that are taken.
const VIDEO_CODECS: [&str; 3] = ["avc1", "hvc1", "av01"];
const AUDIO_CODECS: [&str; 2] = ["mp4a", "Opus"];
/// Of a codec's flags: it can be decoded, and passed on as it is.
const CAN_DECODE_AND_FORWARD: u8 = 1 | 4;
/// Of the flags of `capsEx`: several tracks and modifiers of packets are understood. A publisher is not asked to
/// reconnect elsewhere, and times below a millisecond are not made use of.
const CAPABILITIES: u8 = 2 | 4;

/// What the server says it can do, to a peer that asks in the same words.
fn capabilities() -> Vec<(String, Value)> {
    let named = |codecs: &[&str]| codecs.iter().map(|codec| Value::text(codec)).collect();
    let flags = Value::Number(CAN_DECODE_AND_FORWARD.into());
    let flagged = |codecs: &[&str]| {
        Value::Object(codecs.iter().map(|codec| ((*codec).to_owned(), flags.clone())).collect())
    };
    let all = [&VIDEO_CODECS[..], &AUDIO_CODECS].concat();
    let values = [
        Value::Array(named(&all)),
        flagged(&VIDEO_CODECS),
        flagged(&AUDIO_CODECS),
        Value::Number(CAPABILITIES.into()),
    ];
    ENHANCED_PROPERTIES.map(str::to_owned).into_iter().zip(values).collect()
}

/// What follows a `connect` that is agreed to; `enhanced` if the peer is.
pub(super) fn connected(transaction: f64, enhanced: bool) -> Vec<Bytes> {
    let window = WINDOW_BYTES.to_be_bytes();
    let dynamic = 2;
    let mut server = vec![
        ("fmsVer".to_owned(), Value::text("FMS/3,0,1,123")),
        ("capabilities".to_owned(), Value::Number(31.0)),
    ];
    let mut result = status("status", "NetConnection.Connect.Success", "Connection succeeded.");
    if let Value::Object(properties) = &mut result {
        properties.push(("objectEncoding".to_owned(), Value::Number(0.0)));
        if enhanced {
            // Some look for it in the first object, some in the second.
            properties.extend(capabilities());
            server.extend(capabilities());
        }
    }
    let server = Value::Object(server);
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
