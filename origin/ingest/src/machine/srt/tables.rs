//! Program tables: what a transport stream holds, and on which PIDs (ISO/IEC 13818-1, 2.4.4).
//!
//! In: the payloads of table PIDs. Out: the PID of the first program's map, its elementary streams. Knows no media.

use crate::machine::cursor::Cursor;

/// Longest section that a program table may have, in bytes (2.4.4.5).
const SECTION_BYTES_MAX: usize = 1024;

/// Puts the sections of one PID together.
#[derive(Debug)]
pub(super) struct Sections {
    bytes_max: usize,
    /// The section that is not whole yet; `None` until one begins.
    open: Option<Vec<u8>>,
}

impl Default for Sections {
    fn default() -> Self {
        Self::new(SECTION_BYTES_MAX)
    }
}

impl Sections {
    /// Of sections with at most `bytes_max` bytes.
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self { bytes_max, open: None }
    }

    /// What came is lost: the open section is of no use.
    pub(super) fn lose(&mut self) {
        self.open = None;
    }

    /// Takes the payload of a packet; the sections that are whole with it and not damaged.
    pub(super) fn take(&mut self, begins: bool, payload: &[u8]) -> Vec<Vec<u8>> {
        let mut whole = Vec::new();
        let mut payload = payload;
        if begins {
            let Some((pointer, rest)) = payload.split_first() else { return whole };
            let Some((tail, rest)) = rest.split_at_checked(usize::from(*pointer)) else {
                self.open = None;
                return whole;
            };
            self.extend(tail, &mut whole);
            self.open = Some(Vec::new());
            payload = rest;
        }
        self.extend(payload, &mut whole);
        whole
    }

    fn extend(&mut self, bytes: &[u8], whole: &mut Vec<Vec<u8>>) {
        let Some(open) = &mut self.open else { return };
        open.extend_from_slice(bytes);
        while let Some([table, high, low]) = open.first_chunk::<3>().copied() {
            let length = 3 + usize::from(u16::from_be_bytes([high & 0x0F, low]));
            if table == 0xFF || length > self.bytes_max {
                return self.open = None; // stuffing, or nothing that may be
            }
            if open.len() < length {
                return;
            }
            let rest = open.split_off(length);
            let section = std::mem::replace(open, rest);
            if checksum(&section) == 0 {
                whole.push(section);
            }
        }
    }
}

/// CRC-32/MPEG-2, which is zero over a section with its own (annex A).
pub(super) fn checksum(section: &[u8]) -> u32 {
    section.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc & 0x8000_0000 == 0 { crc << 1 } else { crc << 1 ^ 0x04C1_1DB7 }
        })
    })
}

/// The PID of the first program's map in a program association section (2.4.4.3).
pub(super) fn association(section: &[u8]) -> Option<u16> {
    let mut cursor = Cursor(section.get(..section.len().checked_sub(4)?)?);
    if cursor.u8()? != 0 {
        return None;
    }
    cursor.take(7)?; // up to last_section_number
    while let (Some(program), Some(pid)) = (cursor.u16(), cursor.u16()) {
        if program != 0 {
            return Some(pid & 0x1FFF);
        }
    }
    None
}

/// One elementary stream of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) pid: u16,
    /// Table 2-34.
    pub(super) stream_type: u8,
    /// The format identifier of its registration descriptor (2.6.8).
    pub(super) registered: Option<[u8; 4]>,
    /// Of Opus: its `channel_config_code`.
    pub(super) channels: Option<u8>,
    /// The first language of its ISO 639 language descriptor (2.6.18).
    pub(super) language: Option<[u8; 3]>,
    /// Of a private stream: it is AC-3 or E-AC-3 (ETSI EN 300 468, annex D).
    pub(super) is_dolby: bool,
}

/// The elementary streams in a program map section (2.4.4.8).
pub(super) fn map(section: &[u8]) -> Option<Vec<Listed>> {
    let mut cursor = Cursor(section.get(..section.len().checked_sub(4)?)?);
    if cursor.u8()? != 2 {
        return None;
    }
    cursor.take(9)?; // up to PCR_PID
    let length = usize::from(cursor.u16()? & 0x0FFF);
    cursor.take(length)?;
    let mut streams = Vec::new();
    while let Some(stream_type) = cursor.u8() {
        let pid = cursor.u16()? & 0x1FFF;
        let length = usize::from(cursor.u16()? & 0x0FFF);
        let mut descriptors = Cursor(cursor.take(length)?);
        let mut listed = Listed { pid, stream_type, ..Listed::default() };
        while let (Some(tag), Some(length)) = (descriptors.u8(), descriptors.u8()) {
            let Some(body) = descriptors.take(usize::from(length)) else { break };
            match (tag, body) {
                (0x05, [a, b, c, d, ..]) => listed.registered = Some([*a, *b, *c, *d]),
                (0x0A, [a, b, c, ..]) => listed.language = Some([*a, *b, *c]),
                (0x7F, [0x80, channels, ..]) => listed.channels = Some(*channels),
                (0x6A | 0x7A, _) => listed.is_dolby = true,
                _ => {}
            }
        }
        streams.push(listed);
    }
    Some(streams)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_found_across_packets_and_damaged_ones_are_not() {
        let section = super::super::testing::association(0x1000);
        assert_eq!(association(&section), Some(0x1000));
        let mut sections = Sections::default();
        let (head, tail) = section.split_at(5);
        assert_eq!(sections.take(true, &[&[0], head].concat()), Vec::<Vec<u8>>::new());
        assert_eq!(
            sections.take(false, &[tail, &[0xFF; 9]].concat()),
            std::slice::from_ref(&section)
        );
        let mut damaged = section.clone();
        damaged[9] ^= 1;
        assert!(sections.take(true, &[&[0][..], &damaged].concat()).is_empty());
        let shifted = [&[3, 1, 2, 3][..], &section, &section].concat();
        assert_eq!(sections.take(true, &shifted).len(), 2);
    }
}
