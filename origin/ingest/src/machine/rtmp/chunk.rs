//! The chunk layer of RTMP (RTMP 1.0, 5.3): messages cut into chunks on several chunk streams.
//!
//! In: bytes, in any portions. Out: whole [`Message`]s, and messages as bytes. Does not know what messages mean, but
//! for the two that steer this layer: the session calls [`Reader::set_chunk_size`] and [`Reader::abort`] for those.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::Error;
use crate::machine::cursor::Cursor;

/// Payload bytes per chunk until the sender says otherwise (5.4.1).
const CHUNK_SIZE_INITIAL: usize = 128;
/// Payload bytes per chunk that we send.
pub(super) const CHUNK_SIZE_SENT: usize = 4096;
/// Bytes that are put aside for a message when it begins, at most: what it says of its length may be wrong.
const PUT_ASIDE_MAX: usize = 4 << 10;
/// In the 24-bit field: the timestamp stands in 32 bits after the header (5.3.1.3).
const EXTENDED: u32 = 0xFF_FFFF;

/// A message of the layer above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// Milliseconds, modulo 2^32.
    pub(super) timestamp: u32,
    /// The kind of message (5.4, 7.1).
    pub(super) type_id: u8,
    /// The message stream, 0 for the connection itself.
    pub(super) stream_id: u32,
    /// The body.
    pub(super) body: Bytes,
}

/// Puts messages together.
#[derive(Debug)]
pub(super) struct Reader {
    chunk_size: usize,
    /// By their numbers. They are few, and looked for with every chunk.
    streams: Vec<(u32, Stream)>,
    streams_max: usize,
    /// Bytes of one message, and of all unfinished ones together.
    message_bytes_max: usize,
    unfinished_bytes: usize,
    /// The chunk whose payload is being read: the place of its chunk stream, and the payload bytes that are missing.
    current: Option<(usize, usize)>,
}

/// What later headers of a chunk stream may leave out, and the message in the making.
#[derive(Debug, Default)]
struct Stream {
    timestamp: u32,
    /// The timestamp field of the last header of type 0 to 2, which a type 3 that begins a message repeats as a delta.
    field: u32,
    extended: bool,
    length: usize,
    type_id: u8,
    stream_id: u32,
    body: BytesMut,
}

impl Reader {
    pub(super) fn new(streams_max: usize, message_bytes_max: usize) -> Self {
        Self {
            chunk_size: CHUNK_SIZE_INITIAL,
            streams: Vec::new(),
            streams_max,
            message_bytes_max,
            unfinished_bytes: 0,
            current: None,
        }
    }

    /// The peer's `Set Chunk Size` (5.4.1). Any size is taken: payload is never waited for as a whole.
    pub(super) fn set_chunk_size(&mut self, size: u32) {
        self.chunk_size = usize::try_from(size & 0x7FFF_FFFF).unwrap_or(usize::MAX).max(1);
    }

    /// From now on messages may be this long.
    pub(super) fn set_message_bytes_max(&mut self, max: usize) {
        self.message_bytes_max = max;
    }

    /// The peer's `Abort Message` (5.4.2).
    pub(super) fn abort(&mut self, chunk_stream: u32) {
        let mut streams = self.streams.iter_mut();
        if let Some((_, stream)) = streams.find(|(id, _)| *id == chunk_stream) {
            self.unfinished_bytes -= stream.body.len();
            stream.body.clear();
        }
    }

    /// Takes bytes off the front until a message is whole, or more bytes are needed.
    pub(super) fn read(&mut self, bytes: &mut BytesMut) -> Result<Option<Message>, Error> {
        loop {
            let (at, missing) = match self.current {
                Some(current) => current,
                None => match self.read_header(bytes)? {
                    Some(current) => current,
                    None => return Ok(None),
                },
            };
            let Some((_, stream)) = self.streams.get_mut(at) else {
                return Err(Error::Chunk("a chunk without a chunk stream"));
            };
            let portion = missing.min(bytes.len());
            if self.unfinished_bytes + portion > self.message_bytes_max {
                return Err(Error::Limit("bytes of unfinished messages"));
            }
            if stream.body.is_empty() {
                stream.body.reserve(stream.length.min(PUT_ASIDE_MAX));
            }
            stream.body.extend_from_slice(&bytes[..portion]);
            bytes.advance(portion);
            self.unfinished_bytes += portion;
            self.current = (portion < missing).then_some((at, missing - portion));
            if self.current.is_some() {
                return Ok(None);
            }
            if stream.body.len() == stream.length {
                self.unfinished_bytes -= stream.length;
                return Ok(Some(Message {
                    timestamp: stream.timestamp,
                    type_id: stream.type_id,
                    stream_id: stream.stream_id,
                    body: std::mem::take(&mut stream.body).freeze(),
                }));
            }
        }
    }

    /// Reads a chunk's headers if all of them are there: where its chunk stream is, and how much payload it has.
    fn read_header(&mut self, bytes: &mut BytesMut) -> Result<Option<(usize, usize)>, Error> {
        let mut cursor = Cursor(bytes);
        let Some((format, id)) = basic_header(&mut cursor) else { return Ok(None) };
        let known = self.streams.iter().position(|(known, _)| *known == id);
        if known.is_none() {
            if format == 3 || format == 2 {
                return Err(Error::Chunk("a chunk refers to a chunk stream that has not begun"));
            }
            if self.streams.len() >= self.streams_max {
                return Err(Error::Limit("chunk streams"));
            }
        }
        let fresh = Stream::default();
        let stream = known.and_then(|at| self.streams.get(at)).map_or(&fresh, |(_, stream)| stream);
        let Some(header) = message_header(&mut cursor, format, stream) else { return Ok(None) };
        if header.length > self.message_bytes_max {
            return Err(Error::Limit("bytes of a message"));
        }
        let consumed = bytes.len() - cursor.0.len();
        bytes.advance(consumed);

        let at = known.unwrap_or(self.streams.len());
        if known.is_none() {
            self.streams.push((id, fresh));
        }
        let Some((_, stream)) = self.streams.get_mut(at) else { return Ok(None) };
        if format != 3 && !stream.body.is_empty() {
            // A new message before the last one is whole: the sender gave that one up.
            self.unfinished_bytes -= stream.body.len();
            stream.body.clear();
        }
        if stream.body.is_empty() {
            stream.timestamp = match format {
                0 => header.field,
                _ => stream.timestamp.wrapping_add(header.field),
            };
        }
        stream.field = header.field;
        stream.extended = header.extended;
        stream.length = header.length;
        stream.type_id = header.type_id;
        stream.stream_id = header.stream_id;
        let current = (at, (stream.length - stream.body.len()).min(self.chunk_size));
        self.current = Some(current);
        Ok(self.current)
    }
}

/// A message header with what it leaves out filled in.
struct Header {
    field: u32,
    extended: bool,
    length: usize,
    type_id: u8,
    stream_id: u32,
}

/// The basic header (5.3.1.1): the form of what follows, and the chunk stream.
fn basic_header(cursor: &mut Cursor<'_>) -> Option<(u8, u32)> {
    let first = cursor.u8()?;
    let id = match first & 0x3F {
        0 => 64 + u32::from(cursor.u8()?),
        1 => 64 + u32::from(cursor.u8()?) + 256 * u32::from(cursor.u8()?),
        id => u32::from(id),
    };
    Some((first >> 6, id))
}

/// The message header (5.3.1.2) and the extended timestamp (5.3.1.3). `None` if bytes are missing.
fn message_header(cursor: &mut Cursor<'_>, format: u8, last: &Stream) -> Option<Header> {
    let mut header = Header {
        field: last.field,
        extended: last.extended,
        length: last.length,
        type_id: last.type_id,
        stream_id: last.stream_id,
    };
    if format <= 2 {
        header.field = cursor.u24()?;
        header.extended = header.field == EXTENDED;
    }
    if format <= 1 {
        header.length = usize::try_from(cursor.u24()?).ok()?;
        header.type_id = cursor.u8()?;
    }
    if format == 0 {
        header.stream_id = u32::from_le_bytes(cursor.array()?);
    }
    if header.extended && format <= 2 {
        header.field = cursor.u32()?;
    } else if header.extended {
        // Type 3 repeats the extended timestamp by the standard, but some encoders leave it out. What stands here
        // tells them apart, as media that looks like this very timestamp is next to impossible.
        let repeated = Cursor(cursor.0).u32()?;
        if repeated == last.field {
            cursor.u32()?;
        }
    }
    Some(header)
}

/// A message as chunks, each on `chunk_stream` (2 to 63), with a full header first.
pub(super) fn write(message: &Message, chunk_stream: u8) -> Bytes {
    let mut bytes = BytesMut::with_capacity(message.body.len() + 32);
    bytes.put_u8(chunk_stream & 0x3F);
    bytes.put_uint(u64::from(message.timestamp.min(EXTENDED)), 3);
    bytes.put_uint(message.body.len() as u64, 3);
    bytes.put_u8(message.type_id);
    bytes.put_u32_le(message.stream_id);
    for (index, portion) in message.body.chunks(CHUNK_SIZE_SENT).enumerate() {
        if index > 0 {
            bytes.put_u8(0xC0 | (chunk_stream & 0x3F));
        }
        if message.timestamp >= EXTENDED {
            bytes.put_u32(message.timestamp);
        }
        bytes.put_slice(portion);
    }
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(chunk_size: u32, bytes: &[u8]) -> Vec<(u32, u8, usize)> {
        let mut reader = Reader::new(8, 1 << 20);
        reader.set_chunk_size(chunk_size);
        let mut inbox = BytesMut::from(bytes);
        let mut messages = Vec::new();
        while let Some(message) = reader.read(&mut inbox).expect("these chunks are well formed") {
            messages.push((message.timestamp, message.type_id, message.body.len()));
        }
        messages
    }

    #[test]
    fn what_is_written_reads_back() {
        for timestamp in [0, 5, 0xFF_FFFE, 0xFF_FFFF, 0x1234_5678] {
            let body = Bytes::from(vec![7; 10_000]);
            let message = Message { timestamp, type_id: 9, stream_id: 1, body };
            let mut reader = Reader::new(8, 1 << 20);
            reader.set_chunk_size(CHUNK_SIZE_SENT as u32);
            let mut inbox = BytesMut::from(&write(&message, 4)[..]);
            assert_eq!(reader.read(&mut inbox), Ok(Some(message)));
        }
    }

    #[test]
    fn chunks_of_two_messages_may_alternate() {
        let video = [&[0x04, 0, 0, 1, 0, 0, 4, 9, 1, 0, 0, 0, 1, 2][..]].concat();
        let audio = [0x05, 0, 0, 2, 0, 0, 2, 8, 1, 0, 0, 0, 3, 4];
        let bytes = [&video[..], &audio[..], &[0xC4, 3, 4]].concat();
        assert_eq!(read_all(2, &bytes), [(2, 8, 2), (1, 9, 4)]);
    }

    #[test]
    fn type_3_repeats_the_delta_for_each_message_but_not_for_each_chunk() {
        let full = [0x04, 0, 0, 10, 0, 0, 4, 9, 1, 0, 0, 0, 1, 2, 0xC4, 3, 4];
        let delta = [0x84, 0, 0, 5, 1, 2, 0xC4, 3, 4];
        let same = [0xC4, 1, 2, 0xC4, 3, 4];
        let bytes = [&full[..], &delta, &same].concat();
        assert_eq!(read_all(2, &bytes), [(10, 9, 4), (15, 9, 4), (20, 9, 4)]);
    }

    #[test]
    fn extended_timestamps_on_type_3_are_read_or_done_without() {
        let full = [0x04, 255, 255, 255, 0, 0, 8, 9, 1, 0, 0, 0, 1, 2, 3, 4, 9, 9, 9, 9];
        let with = [&full[..], &[0xC4, 1, 2, 3, 4, 9, 9, 9, 9]].concat();
        let without = [&full[..], &[0xC4, 9, 9, 9, 9]].concat();
        assert_eq!(read_all(4, &with), [(0x0102_0304, 9, 8)]);
        assert_eq!(read_all(4, &without), [(0x0102_0304, 9, 8)]);
    }

    #[test]
    fn an_extended_delta_is_added_and_wraps() {
        let full = [0x04, 255, 255, 255, 0, 0, 1, 9, 1, 0, 0, 0, 255, 255, 255, 250, 1];
        let delta = [0x84, 255, 255, 255, 0, 0, 0, 16, 1];
        let bytes = [&full[..], &delta].concat();
        assert_eq!(read_all(4, &bytes), [(0xFFFF_FFFA, 9, 1), (10, 9, 1)]);
    }

    #[test]
    fn limits_hold_before_anything_is_kept() {
        let mut reader = Reader::new(1, 100);
        let mut long = BytesMut::from(&[0x04, 0, 0, 0, 0, 0, 101, 9, 1, 0, 0, 0][..]);
        assert_eq!(reader.read(&mut long), Err(Error::Limit("bytes of a message")));
        let mut one = BytesMut::from(&[0x04, 0, 0, 0, 0, 0, 1, 9, 1, 0, 0, 0, 7][..]);
        assert!(reader.read(&mut one).is_ok_and(|message| message.is_some()));
        let mut other = BytesMut::from(&[0x05, 0, 0, 0, 0, 0, 1, 9, 1, 0, 0, 0, 7][..]);
        assert_eq!(reader.read(&mut other), Err(Error::Limit("chunk streams")));
        let mut unknown = BytesMut::from(&[0xC9, 0][..]);
        assert!(reader.read(&mut unknown).is_err());
    }
}
