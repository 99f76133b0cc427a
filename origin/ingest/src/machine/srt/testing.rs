//! A transport stream made by hand for tests.
//!
//! In: nothing. Out: sections, packets, a whole stream. Does not know what is being proved.

use super::tables::checksum;
use crate::machine::codec::samples::HEVC_SETS;

pub(super) const MAP: u16 = 0x1000;
pub(super) const VIDEO: u16 = 0x100;
pub(super) const AUDIO: u16 = 0x101;
pub(super) const SPLICE: u16 = 0x102;

/// An ADTS frame of AAC-LC, 48 kHz, stereo.
pub(super) const ADTS: [u8; 11] = [0xFF, 0xF1, 0x4C, 0x80, 0x01, 0x7F, 0xFC, 1, 2, 3, 4];

/// The samples of ANSI/SCTE 35, 14: a time signal of a placement opportunity, and a splice insert.
pub(super) const PLACEMENT: &str = concat!(
    "FC3034000000000000FFFFF00506FE72BD0050001E021C435545494800008E7FCF0001",
    "A599B00808000000002CA0A18A3402009AC9D17E",
);
/// It is for 0x7369C02E.
pub(super) const INSERTED: &str = concat!(
    "FC302F000000000000FFFFF014054800008F7FEFFE7369C02EFE0052CCF500000000000A",
    "0008435545490000013562DBA30A",
);

/// The bytes that these digits are.
pub(super) fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).expect("digits"));
    digits.map(|two| u8::from_str_radix(two, 16).expect("digits")).collect()
}

fn section(table: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 9).expect("short") | 0xB000;
    let head = [&[table][..], &length.to_be_bytes(), &[0, 1, 0xC1, 0, 0]].concat();
    let mut section = [&head, body].concat();
    let crc = checksum(&section);
    section.extend(crc.to_be_bytes());
    section
}

/// A program association section with one program.
pub(super) fn association(map: u16) -> Vec<u8> {
    section(0, &[&[0, 1][..], &(0xE000 | map).to_be_bytes()].concat())
}

/// A program map section with these streams: type, PID, descriptors.
pub(super) fn map(streams: &[(u8, u16, &[u8])]) -> Vec<u8> {
    let mut body = vec![0xE1, 0, 0xF0, 0];
    for (stream_type, pid, descriptors) in streams {
        body.push(*stream_type);
        body.extend((0xE000 | pid).to_be_bytes());
        body.extend((0xF000 | u16::try_from(descriptors.len()).expect("short")).to_be_bytes());
        body.extend(*descriptors);
    }
    section(2, &body)
}

/// Writes packets, counting each PID's.
#[derive(Default)]
pub(super) struct Muxer {
    counts: std::collections::BTreeMap<u16, u8>,
    pub(super) bytes: Vec<u8>,
}

impl Muxer {
    pub(super) fn section(&mut self, pid: u16, section: &[u8]) {
        let mut payload = [&[0], section].concat();
        payload.resize(payload.len().next_multiple_of(184), 0xFF);
        self.packets(pid, &payload);
    }

    /// A PES packet; of sound with its length.
    pub(super) fn pes(&mut self, pid: u16, pts: u64, dts: u64, data: &[u8]) {
        let time = |mark: u8, at: u64| {
            let byte = |shift: u64| u8::try_from(at >> shift & 0xFF).expect("masked");
            [
                mark << 4 | byte(30) << 1 & 0xE | 1,
                byte(22),
                byte(15) << 1 | 1,
                byte(7),
                byte(0) << 1 | 1,
            ]
        };
        let length = if pid == VIDEO { 0 } else { u16::try_from(data.len() + 13).expect("short") };
        let head = [&[0, 0, 1, 0xE0][..], &length.to_be_bytes(), &[0x80, 0xC0, 10]].concat();
        self.packets(pid, &[&head, &time(3, pts)[..], &time(1, dts), data].concat());
    }

    fn packets(&mut self, pid: u16, payload: &[u8]) {
        for (index, part) in payload.chunks(184).enumerate() {
            let count = self.counts.entry(pid).or_default();
            let [high, low] = (pid | if index == 0 { 0x4000 } else { 0 }).to_be_bytes();
            let stuffing = 184 - part.len();
            self.bytes.extend([0x47, high, low, if stuffing > 0 { 0x30 } else { 0x10 } | *count]);
            *count = (*count + 1) & 0xF;
            if stuffing > 0 {
                self.bytes.push(u8::try_from(stuffing - 1).expect("below 184"));
                self.bytes.extend([0].iter().take(stuffing - 1));
                self.bytes.resize(self.bytes.len() + stuffing.saturating_sub(2), 0xFF);
            }
            self.bytes.extend(part);
        }
    }
}

/// Two seconds of HEVC at 25 Hz and AAC, whose times wrap after one.
pub(super) fn stream() -> Vec<u8> {
    let mut muxer = Muxer::default();
    let (vps, sps, pps) = HEVC_SETS;
    let code = &[0, 0, 0, 1][..];
    for frame in 0..50_u64 {
        if frame % 25 == 0 {
            muxer.section(0, &association(MAP));
            let cue = [5, 4, b'C', b'U', b'E', b'I'];
            let streams: [(u8, u16, &[u8]); 3] =
                [(0x24, VIDEO, &[]), (0x0F, AUDIO, &[]), (0x86, SPLICE, &cue)];
            muxer.section(MAP, &map(&streams));
        }
        let dts = ((1 << 33) - 90_000 + frame * 3600) % (1 << 33);
        let pts = (dts + 3600) % (1 << 33);
        let payload = vec![u8::try_from(frame + 1).expect("short"); 500];
        let picture = if frame % 25 == 0 {
            [code, &[0x46, 1, 0x50], code, vps, code, sps, code, pps, code, &[0x26, 1], &payload]
                .concat()
        } else {
            [code, &[0x46, 1, 0x50], code, &[0x02, 1], &payload].concat()
        };
        muxer.pes(VIDEO, pts, dts, &picture);
        muxer.pes(AUDIO, dts, dts, &ADTS.repeat(2));
    }
    muxer.bytes
}
