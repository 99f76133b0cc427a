//! One RTMP connection, from the server's side.
//!
//! In: the bytes a peer sends, the gate's judgement of its stream key, the time. Out: bytes to send, the stream key to
//! judge, and once that is admitted, the FLV tags the publisher sends. Does not know shows, codecs or sockets.
//!
//! Bytes are only taken apart while being polled, so nothing piles up here that nobody has asked for; and while a
//! stream key is being judged nothing is taken apart at all.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use shared_media::{Now, Poll};

use super::amf::{self, Value};
use super::chunk::{Message, Reader};
use super::reply::{self, HANDSHAKE_BYTES, kind};
use crate::machine::arrival::Metadata;
use crate::machine::cursor::Cursor;
use crate::{Config, Error, Refusal, StreamKey};

/// What happens to a session.
#[derive(Debug)]
pub enum Input<'a> {
    /// The peer sent these bytes.
    Bytes(&'a [u8]),
    /// The stream key is good: media may come.
    Admit,
    /// The peer is not served, or no longer. The session says so and closes.
    Refuse(Refusal),
    /// Time passed.
    Tick,
}

/// What a session wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Send this.
    Write(Bytes),
    /// Judge this stream key; answer with [`Input::Admit`] or [`Input::Refuse`].
    Publish(StreamKey),
    /// The publisher described its stream.
    Metadata(Metadata),
    /// A video tag of FLV.
    Video(Tag),
    /// An audio tag of FLV.
    Audio(Tag),
    /// Close the connection once everything is written. Nothing comes after this.
    Close(Closing),
}

/// One FLV tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Milliseconds of the publisher's clock, modulo 2^32.
    pub timestamp_ms: u32,
    /// The tag's body.
    pub body: Bytes,
}

/// Why a session is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// The publisher ended it in good order.
    Unpublished,
    /// It was turned away, and told so.
    Refused(Refusal),
    /// The peer broke the protocol, a limit, or its silence lasted too long.
    Failed(Error),
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    AwaitC0C1,
    AwaitC2,
    /// Commands are exchanged.
    Open,
    /// The gate is thinking.
    Judging,
    Publishing,
    Closed,
}

/// One RTMP connection.
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    phase: Phase,
    /// Said instead of agreeing to `connect`.
    turned_away: Option<Refusal>,
    /// What the URL's path had after the application's name (it may be the key), once `connect` was agreed to. Only
    /// then may commands be answered: before, the peer does not know our chunk size.
    path: Option<StreamKey>,
    inbox: BytesMut,
    reader: Reader,
    outbox: VecDeque<Output>,
    received_bytes: u64,
    acknowledged_bytes: u64,
    /// Bytes after which the peer wants an acknowledgement.
    window_bytes: u64,
    /// Microseconds of the monotonic clock.
    began_us: u64,
    last_heard_us: u64,
}

impl Session {
    /// A connection that was just accepted. With `turned_away` it only lives to tell the peer why.
    #[must_use]
    pub fn new(now: Now, config: Arc<Config>, turned_away: Option<Refusal>) -> Self {
        let reader = Reader::new(config.chunk_streams_max, config.unauthenticated_bytes_max);
        Self {
            config,
            phase: Phase::AwaitC0C1,
            turned_away,
            path: None,
            inbox: BytesMut::new(),
            reader,
            outbox: VecDeque::new(),
            received_bytes: 0,
            acknowledged_bytes: 0,
            window_bytes: u64::from(reply::WINDOW_BYTES),
            began_us: now.monotonic_us,
            last_heard_us: now.monotonic_us,
        }
    }

    /// When to come back with [`Input::Tick`] at the latest, in microseconds of the monotonic clock.
    #[must_use]
    pub fn deadline_us(&self) -> Option<u64> {
        let micros =
            |span: std::time::Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        match self.phase {
            Phase::AwaitC0C1 | Phase::AwaitC2 | Phase::Open => {
                Some(self.began_us.saturating_add(micros(self.config.handshake_timeout)))
            }
            Phase::Publishing => {
                Some(self.last_heard_us.saturating_add(micros(self.config.idle_timeout)))
            }
            Phase::Judging | Phase::Closed => None,
        }
    }

    /// Something happened. Poll until it waits, then come again.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        match input {
            _ if self.phase == Phase::Closed => {}
            Input::Bytes(bytes) => self.hear(now, bytes),
            Input::Admit if self.phase == Phase::Judging => {
                self.phase = Phase::Publishing;
                self.last_heard_us = now.monotonic_us;
                self.reader.set_message_bytes_max(self.config.message_bytes_max);
                self.outbox.extend(reply::publishing().map(Output::Write));
            }
            Input::Admit => {}
            Input::Refuse(refusal) => {
                if self.path.is_some() {
                    self.outbox.push_back(Output::Write(reply::refused(&refusal)));
                }
                self.close(Closing::Refused(refusal));
            }
            Input::Tick => {
                if self.deadline_us().is_some_and(|deadline| deadline <= now.monotonic_us) {
                    let what = match self.phase {
                        Phase::Publishing => "no media came",
                        _ => "no stream was published",
                    };
                    self.close(Closing::Failed(Error::Timeout(what)));
                }
            }
        }
    }

    /// What the session wants next.
    pub fn poll(&mut self) -> Poll<Output> {
        loop {
            if let Some(output) = self.outbox.pop_front() {
                return Poll::Output(output);
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return Poll::Wait,
                Err(error) => self.close(Closing::Failed(error)),
            }
        }
    }

    fn hear(&mut self, now: Now, bytes: &[u8]) {
        self.last_heard_us = now.monotonic_us;
        self.received_bytes += bytes.len() as u64;
        let waiting = self.inbox.len() + bytes.len();
        if self.phase == Phase::Judging && waiting > self.config.unauthenticated_bytes_max {
            return self.close(Closing::Failed(Error::Limit("bytes before a stream key")));
        }
        self.inbox.extend_from_slice(bytes);
        if self.received_bytes - self.acknowledged_bytes >= self.window_bytes {
            self.acknowledged_bytes = self.received_bytes;
            let running_total = self.received_bytes as u32; // modulo 2^32 (5.4.3)
            self.outbox.push_back(Output::Write(reply::acknowledgement(running_total)));
        }
    }

    fn close(&mut self, closing: Closing) {
        self.phase = Phase::Closed;
        self.inbox = BytesMut::new();
        self.outbox.push_back(Output::Close(closing));
    }

    /// One step through the inbox; false if there is nothing to be done.
    fn advance(&mut self) -> Result<bool, Error> {
        match self.phase {
            Phase::AwaitC0C1 => {
                match self.inbox.first() {
                    None => return Ok(false),
                    Some(3) => {}
                    Some(other) => return Err(Error::NotRtmp(*other)),
                }
                let Some(c1) = self.inbox.get(1..=HANDSHAKE_BYTES) else { return Ok(false) };
                self.outbox.push_back(Output::Write(reply::handshake(c1)));
                self.inbox.advance(1 + HANDSHAKE_BYTES);
                self.phase = Phase::AwaitC2;
                Ok(true)
            }
            Phase::AwaitC2 => {
                if self.inbox.len() < HANDSHAKE_BYTES {
                    return Ok(false);
                }
                self.inbox.advance(HANDSHAKE_BYTES);
                self.phase = Phase::Open;
                Ok(true)
            }
            Phase::Open | Phase::Publishing => {
                let message = self.reader.read(&mut self.inbox)?;
                let taken_apart = self.received_bytes - self.inbox.len() as u64;
                if self.phase == Phase::Open
                    && taken_apart > self.config.unauthenticated_bytes_max as u64
                {
                    return Err(Error::Limit("bytes before a stream key"));
                }
                Ok(message.map(|message| self.receive(message)).is_some())
            }
            Phase::Judging | Phase::Closed => Ok(false),
        }
    }

    fn receive(&mut self, message: Message) {
        let mut body = Cursor(&message.body);
        match message.type_id {
            kind::SET_CHUNK_SIZE => {
                if let Some(size) = body.u32() {
                    self.reader.set_chunk_size(size);
                }
            }
            kind::ABORT => {
                if let Some(chunk_stream) = body.u32() {
                    self.reader.abort(chunk_stream);
                }
            }
            kind::USER_CONTROL if body.u16() == Some(6) && body.0.len() <= 4 => {
                self.outbox.push_back(Output::Write(reply::pong(body.0)));
            }
            kind::WINDOW_SIZE => {
                let wanted = body.u32().unwrap_or(reply::WINDOW_BYTES);
                self.window_bytes = u64::from(wanted.max(4096));
            }
            kind::COMMAND => self.command(&amf::read(&message.body)),
            // AMF3 commands begin with a byte of no meaning, then go on in AMF0.
            kind::COMMAND_AMF3 => self.command(&amf::read(message.body.get(1..).unwrap_or(&[]))),
            _ if self.phase != Phase::Publishing => {}
            kind::AUDIO | kind::VIDEO => {
                let tag = Tag { timestamp_ms: message.timestamp, body: message.body };
                self.outbox.push_back(match message.type_id {
                    kind::AUDIO => Output::Audio(tag),
                    _ => Output::Video(tag),
                });
            }
            kind::DATA => self.data(&amf::read(&message.body)),
            kind::DATA_AMF3 => self.data(&amf::read(message.body.get(1..).unwrap_or(&[]))),
            _ => {}
        }
    }

    fn command(&mut self, values: &[Value]) {
        let name = values.first().and_then(Value::as_text).unwrap_or_default();
        let transaction = values.get(1).and_then(Value::as_number).unwrap_or_default();
        match name {
            "connect" if self.path.is_none() => self.connect(transaction, values.get(2)),
            _ if self.path.is_none() => {}
            "createStream" => {
                let stream = Value::Number(f64::from(reply::MEDIA_STREAM));
                self.outbox.push_back(Output::Write(reply::result(transaction, stream)));
            }
            "releaseStream" | "FCPublish" | "_checkbw" => {
                self.outbox.push_back(Output::Write(reply::result(transaction, Value::Null)));
            }
            "publish" if self.phase == Phase::Open => {
                let name = values.get(3).and_then(Value::as_text).unwrap_or_default();
                let mut key = StreamKey::new(name);
                if key.expose().is_empty() {
                    key = self.path.clone().unwrap_or(key);
                }
                self.outbox.push_back(Output::Publish(key));
                self.phase = Phase::Judging;
            }
            "play" | "play2" => {
                self.outbox.push_back(Output::Write(reply::refused(&Refusal::NotAViewersDoor)));
                self.close(Closing::Refused(Refusal::NotAViewersDoor));
            }
            "deleteStream" | "closeStream" | "FCUnpublish" if self.phase == Phase::Publishing => {
                self.outbox.push_back(Output::Write(reply::unpublished()));
                self.close(Closing::Unpublished);
            }
            _ => {}
        }
    }

    fn connect(&mut self, transaction: f64, properties: Option<&Value>) {
        let app = properties.and_then(|object| object.get("app")).and_then(Value::as_text);
        let app = app.unwrap_or_default().split('?').next().unwrap_or_default().trim_matches('/');
        let (app, path) = app.split_once('/').unwrap_or((app, ""));
        let refusal = match self.turned_away.take() {
            None if app != self.config.app => {
                Some(Refusal::UnknownApp { expected: self.config.app.clone() })
            }
            refusal => refusal,
        };
        if let Some(refusal) = refusal {
            let said = reply::not_connected(transaction, &refusal);
            self.outbox.extend(said.map(Output::Write));
            return self.close(Closing::Refused(refusal));
        }
        self.path = Some(StreamKey::new(path));
        let stated = |name: &&str| properties.is_some_and(|object| object.get(name).is_some());
        let enhanced = reply::ENHANCED_PROPERTIES.iter().any(stated);
        let said = reply::connected(transaction, enhanced);
        self.outbox.extend(said.into_iter().map(Output::Write));
    }

    fn data(&mut self, values: &[Value]) {
        let described = values.iter().position(|value| value.as_text() == Some("onMetaData"));
        let Some(object) = described.and_then(|index| values.get(index + 1)) else { return };
        let number = |name| object.get(name).and_then(Value::as_number);
        self.outbox.push_back(Output::Metadata(Metadata {
            frame_rate: number("framerate"),
            video_kbps: number("videodatarate"),
            audio_kbps: number("audiodatarate"),
            encoder: object.get("encoder").and_then(Value::as_text).map(str::to_owned),
            sounds: Vec::new(),
        }));
    }
}

#[cfg(test)]
mod tests;
