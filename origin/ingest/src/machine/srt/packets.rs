//! The packets of a transport stream (ISO/IEC 13818-1, 2.4.3.2).
//!
//! In: bytes, in any portions. Out: packets. Finds the next packet after bytes that are none; how the bytes are cut
//! makes no difference. Does not know what packets hold.

use bytes::{Buf, BytesMut};

const PACKET_BYTES: usize = 188;
const SYNC: u8 = 0x47;

/// What one packet says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) pid: u16,
    /// A PES packet or a section begins in it.
    pub(super) begins: bool,
    pub(super) continuity: u8,
    /// The sender says that the count starts anew.
    pub(super) discontinuity: bool,
    pub(super) payload: Vec<u8>,
}

/// Bytes that are not a whole packet yet.
#[derive(Debug)]
pub(super) struct Packets {
    inbox: BytesMut,
    in_step: bool,
}

impl Packets {
    pub(super) fn new() -> Self {
        Self { inbox: BytesMut::new(), in_step: true }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
    }

    /// The next packet that has a payload and came whole.
    pub(super) fn next(&mut self) -> Option<Packet> {
        loop {
            self.in_step &= self.inbox.first().is_none_or(|first| *first == SYNC);
            if !self.in_step && !self.find() {
                return None;
            }
            let packet = self.inbox.get(..PACKET_BYTES)?;
            let packet = read(packet);
            self.inbox.advance(PACKET_BYTES);
            if packet.is_some() {
                return packet;
            }
        }
    }

    /// Goes on to where two packets follow each other; false if there is no such place yet.
    fn find(&mut self) -> bool {
        let starts = self.inbox.iter().zip(self.inbox.iter().skip(PACKET_BYTES));
        let found = starts.clone().position(|pair| pair == (&SYNC, &SYNC));
        let skipped = found.unwrap_or(starts.count());
        self.inbox.advance(skipped);
        self.in_step = found.is_some();
        self.in_step
    }
}

/// `None` if it is broken, scrambled or has no payload.
fn read(packet: &[u8]) -> Option<Packet> {
    let (head, mut payload) = packet.split_first_chunk::<4>()?;
    let [_, flags, pid_low, control] = *head;
    let is_whole = flags & 0x80 == 0 && control & 0xC0 == 0;
    if !is_whole || control & 0x10 == 0 {
        return None;
    }
    let mut discontinuity = false;
    if control & 0x20 != 0 {
        let (length, rest) = payload.split_first()?;
        let (field, rest) = rest.split_at_checked(usize::from(*length))?;
        discontinuity = field.first().is_some_and(|flags| flags & 0x80 != 0);
        payload = rest;
    }
    Some(Packet {
        pid: u16::from_be_bytes([flags & 0x1F, pid_low]),
        begins: flags & 0x40 != 0,
        continuity: control & 0x0F,
        discontinuity,
        payload: payload.to_vec(),
    })
}

/// Whether the packets of one PID follow each other.
#[derive(Debug, Default)]
pub(super) struct Continuity(Option<u8>);

/// What a packet is to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Following {
    /// The next one.
    Next,
    /// The same again (2.4.3.3 allows it).
    Again,
    /// Packets are missing between them.
    Gap,
}

impl Continuity {
    pub(super) fn take(&mut self, packet: &Packet) -> Following {
        let before = self.0.replace(packet.continuity);
        match before {
            Some(before) if packet.discontinuity || (before + 1) & 0x0F == packet.continuity => {
                Following::Next
            }
            Some(before) if before == packet.continuity => Following::Again,
            Some(_) => Following::Gap,
            None => Following::Next,
        }
    }
}
