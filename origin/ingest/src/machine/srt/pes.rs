//! PES packets: an access unit or some sound, with its times (ISO/IEC 13818-1, 2.4.3.6).
//!
//! In: the payloads of one PID. Out: whole PES packets. Does not know what they hold.

/// A PES packet with times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pes {
    /// 33 bits.
    pub(super) pts: u64,
    /// 33 bits; the same as `pts` where none is stated.
    pub(super) dts: u64,
    pub(super) data: Vec<u8>,
}

/// What became of the packets of one PID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Whole(Pes),
    /// One was lost, in part or as a whole, or cannot be read.
    Lost,
}

/// Puts the PES packets of one PID together.
#[derive(Debug)]
pub(super) struct Assembler {
    bytes_max: usize,
    /// The packet that is not whole yet; `None` until one begins.
    open: Option<Vec<u8>>,
}

/// Where the times and what follows them stand.
const HEAD_BYTES: usize = 9;

impl Assembler {
    /// Of PES packets with at most `bytes_max` bytes.
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self { bytes_max, open: None }
    }

    /// Packets are missing: the open one is lost.
    pub(super) fn lose(&mut self) -> Option<Outcome> {
        self.open.take().map(|_| Outcome::Lost)
    }

    /// Takes the payload of a packet. A PES packet is whole when it has as many bytes as it states, or else when the
    /// next one begins.
    pub(super) fn take(&mut self, begins: bool, payload: &[u8]) -> [Option<Outcome>; 2] {
        let before = if begins { self.finish() } else { None };
        if begins {
            self.open = Some(Vec::new());
        }
        let Some(open) = &mut self.open else { return [before, None] };
        open.extend_from_slice(payload);
        let stated =
            open.get(4..6).map_or(0, |length| usize::from(length[0]) << 8 | usize::from(length[1]));
        let after = if open.len() > self.bytes_max {
            self.lose()
        } else if stated > 0 && open.len() >= 6 + stated {
            open.truncate(6 + stated);
            self.finish()
        } else {
            None
        };
        [before, after]
    }

    /// No more will come of the open one.
    pub(super) fn finish(&mut self) -> Option<Outcome> {
        let whole = self.open.take()?;
        Some(read(whole).map_or(Outcome::Lost, Outcome::Whole))
    }
}

fn read(mut packet: Vec<u8>) -> Option<Pes> {
    let head = packet.first_chunk::<HEAD_BYTES>()?;
    let [0, 0, 1, _, high, low, marker, flags, length] = *head else { return None };
    let stated = usize::from(u16::from_be_bytes([high, low]));
    let is_cut_off = stated > 0 && packet.len() < 6 + stated;
    if marker & 0xC0 != 0x80 || is_cut_off {
        return None;
    }
    let pts = match flags >> 6 {
        2 | 3 => time(packet.get(9..14)?)?,
        _ => return None, // without a time it has no place; live encoders state one in each
    };
    let dts = if flags >> 6 == 3 { time(packet.get(14..19)?)? } else { pts };
    let begin = HEAD_BYTES + usize::from(length);
    if begin > packet.len() {
        return None;
    }
    let data = packet.split_off(begin);
    Some(Pes { pts, dts, data })
}

/// 33 bits in five bytes, with marker bits between.
fn time(bytes: &[u8]) -> Option<u64> {
    let [a, b, c, d, e] = *bytes else { return None };
    let [a, b, c, d, e] = [a, b, c, d, e].map(u64::from);
    Some((a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1)
}
