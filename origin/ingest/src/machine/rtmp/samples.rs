//! What an encoder sends, made by hand for tests.
//!
//! In: nothing. Out: tags of FLV and the bytes of a whole connection. Does not know what is being proved.

use bytes::Bytes;

use super::amf::{self, Value};
use super::chunk::{self, Message};
use super::reply::kind;
use super::session::Tag;

/// What x264 wrote for 640x360 at 25 Hz: a record that says NAL lengths have 4 bytes.
pub(in crate::machine) const AVCC: [u8; 41] = [
    1, 0x42, 0xC0, 0x1E, 0xFF, 0xE1, 0, 25, 0x67, 0x42, 0xC0, 0x1E, 0xD9, 0x00, 0xA0, 0x2F, 0xF9,
    0x70, 0x11, 0, 0, 3, 0, 1, 0, 0, 3, 0, 0x32, 0x0F, 0x16, 0x2E, 0x48, 1, 0, 5, 0x68, 0xCB, 0x83,
    0xCB, 0x20,
];
/// AAC-LC, 48 kHz, stereo.
pub(in crate::machine) const ASC: [u8; 2] = [0x11, 0x90];
/// An access unit with an IDR slice, and one that refers to it.
pub(in crate::machine) const KEY: [u8; 6] = [0, 0, 0, 2, 0x65, 1];
pub(in crate::machine) const DELTA: [u8; 6] = [0, 0, 0, 2, 0x41, 2];

pub(in crate::machine) fn tag(timestamp_ms: u32, parts: &[&[u8]]) -> Tag {
    Tag { timestamp_ms, body: Bytes::from(parts.concat()) }
}

pub(in crate::machine) fn video_config(avcc: &[u8]) -> Tag {
    tag(0, &[&[0x17, 0, 0, 0, 0], avcc])
}

pub(in crate::machine) fn video(timestamp_ms: u32, data: &[u8]) -> Tag {
    tag(timestamp_ms, &[&[0x27, 1, 0, 0, 0], data])
}

pub(in crate::machine) fn audio_config() -> Tag {
    tag(0, &[&[0xAF, 0], &ASC])
}

pub(in crate::machine) fn audio(timestamp_ms: u32) -> Tag {
    tag(timestamp_ms, &[&[0xAF, 1, 0x21, 0x10]])
}

fn command(stream_id: u32, values: &[Value]) -> Bytes {
    let body = Bytes::from(amf::write(values));
    chunk::write(&Message { timestamp: 0, type_id: kind::COMMAND, stream_id, body }, 3)
}

fn media(type_id: u8, tag: Tag) -> Bytes {
    let message = Message { timestamp: tag.timestamp_ms, type_id, stream_id: 1, body: tag.body };
    chunk::write(&message, if type_id == kind::AUDIO { 4 } else { 6 })
}

/// All that a publisher sends with the key `secret`: two seconds of 25 Hz pictures and sound, then its farewell.
pub(in crate::machine) fn connection() -> Vec<u8> {
    let mut bytes = connected();
    let size = Bytes::from_static(&[0, 0, 16, 0]);
    bytes.extend(chunk::write(&Message { timestamp: 0, type_id: 1, stream_id: 0, body: size }, 2));
    bytes.extend(media(kind::VIDEO, video_config(&AVCC)));
    bytes.extend(media(kind::AUDIO, audio_config()));
    for frame in 0..50 {
        let slices = if frame % 25 == 0 { &KEY } else { &DELTA };
        let long = [&slices[..], &[0, 0, 0x13, 0x88, 0x41], &[frame as u8; 4999]].concat();
        bytes.extend(media(kind::VIDEO, video(frame * 40, &long)));
        bytes.extend(media(kind::AUDIO, audio(frame * 40)));
    }
    let stream = Value::Number(1.0);
    let farewell = [Value::text("deleteStream"), Value::Number(5.0), Value::Null, stream];
    bytes.extend(command(0, &farewell));
    bytes
}

/// The part of it up to and with the wish to publish.
pub(super) fn connected() -> Vec<u8> {
    connected_with(Vec::new())
}

/// The same, with more said in `connect`.
pub(super) fn connected_with(more: Vec<(String, Value)>) -> Vec<u8> {
    let mut bytes = vec![3];
    bytes.extend([7; 2 * 1536]);
    let mut said = vec![("app".to_owned(), Value::text("live"))];
    said.extend(more);
    let said = Value::Object(said);
    bytes.extend(command(0, &[Value::text("connect"), Value::Number(1.0), said]));
    let name = [Value::text("releaseStream"), Value::Number(2.0), Value::Null, Value::text("x")];
    bytes.extend(command(0, &name));
    bytes.extend(command(0, &[Value::text("createStream"), Value::Number(3.0), Value::Null]));
    let key = Value::text("secret");
    let live = Value::text("live");
    let publish = [Value::text("publish"), Value::Number(4.0), Value::Null, key, live];
    bytes.extend(command(1, &publish));
    bytes
}
