//! Splice information sections (ANSI/SCTE 35, 9.6): what a transport stream says of advertisements.
//!
//! In: a whole section, its checksum being right. Out: what it says of which events, and when. Does not know the show's
//! timeline. Schedules, bandwidth reservations and private commands are passed over; so is what is encrypted.

use bytes::Bytes;
use shared_media::{SpliceKind, SplicePoint, Ticks};

use crate::machine::cursor::Cursor;

/// Longest section, in bytes (9.6.1: `section_length` is 4093 at most).
pub(super) const SECTION_BYTES_MAX: usize = 4096;
/// Descriptors of one section that are looked at.
const POINTS_MAX: usize = 16;

const TABLE: u8 = 0xFC;
const INSERT: u8 = 0x05;
const TIME_SIGNAL: u8 = 0x06;
/// Command length of old encoders, which do not say it (9.6.1).
const LENGTH_UNKNOWN: usize = 0xFFF;
/// A segmentation descriptor (10.3.3), and who defines it.
const SEGMENTATION: u8 = 0x02;
const CUEI: &[u8] = b"CUEI";
/// 33 bits.
const TIME_MASK: u64 = (1 << 33) - 1;

/// What a section says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// When it is for, by the stream's clock (33 bits); `None` is when it comes.
    pub pts: Option<u64>,
    /// All of it.
    pub section: Bytes,
    /// What it says of each event.
    pub points: Vec<SplicePoint>,
}

/// Reads a section; `None` if it is none, says nothing of any event, or ends too early.
#[must_use]
pub fn read(section: &[u8]) -> Option<Cue> {
    let mut cursor = Cursor(section.get(..section.len().checked_sub(4)?)?);
    if cursor.u8()? != TABLE {
        return None;
    }
    cursor.take(2)?; // its length, by which it was found
    if cursor.u8()? != 0 {
        return None; // of a later protocol
    }
    let adjustment = time33(cursor.take(5)?)?;
    let is_encrypted = section.get(4)? & 0x80 != 0;
    cursor.take(1)?; // cw_index
    let [_, high, low] = cursor.array()?;
    let length = usize::from(high & 0x0F) << 8 | usize::from(low);
    let command = cursor.u8()?;
    if is_encrypted {
        return None;
    }
    let mut body = cursor;
    let (pts, insert) = match command {
        INSERT => self::insert(&mut body)?,
        TIME_SIGNAL => (splice_time(&mut body)?, None),
        _ => return None,
    };
    let mut rest = body;
    if length != LENGTH_UNKNOWN {
        rest = cursor;
        rest.take(length)?;
    }
    let mut points: Vec<SplicePoint> = insert.into_iter().collect();
    if command == TIME_SIGNAL {
        points = segmentations(&mut rest)?;
    }
    if points.is_empty() {
        return None;
    }
    let pts = pts.map(|pts| pts.wrapping_add(adjustment) & TIME_MASK);
    Some(Cue { pts, section: Bytes::copy_from_slice(section), points })
}

/// `splice_insert()` (9.7.3).
fn insert(cursor: &mut Cursor<'_>) -> Option<(Option<u64>, Option<SplicePoint>)> {
    let event = cursor.u32()?;
    let point = |kind, planned| SplicePoint { event, class: 0, kind, planned };
    if cursor.u8()? & 0x80 != 0 {
        return Some((None, Some(point(SpliceKind::Cancel, None))));
    }
    let flags = cursor.u8()?;
    let (is_out, is_program, has_duration, is_immediate) =
        (flags & 0x80 != 0, flags & 0x40 != 0, flags & 0x20 != 0, flags & 0x10 != 0);
    let mut pts = None;
    if is_program {
        if !is_immediate {
            pts = splice_time(cursor)?;
        }
    } else {
        for _ in 0..cursor.u8()? {
            cursor.take(1)?; // the component's tag
            if !is_immediate {
                let time = splice_time(cursor)?;
                pts = pts.or(time);
            }
        }
    }
    let duration = if has_duration { Some(time33(cursor.take(5)?)?) } else { None };
    cursor.take(4)?; // program and avail numbers
    let kind = if is_out { SpliceKind::Out } else { SpliceKind::In };
    Some((pts, Some(point(kind, duration.filter(|_| is_out).map(ticks)))))
}

/// `splice_time()` (9.8.1).
fn splice_time(cursor: &mut Cursor<'_>) -> Option<Option<u64>> {
    let first = *cursor.0.first()?;
    if first & 0x80 == 0 {
        cursor.take(1)?;
        return Some(None);
    }
    Some(Some(time33(cursor.take(5)?)?))
}

/// The segmentation descriptors of the loop (10.3.3).
fn segmentations(cursor: &mut Cursor<'_>) -> Option<Vec<SplicePoint>> {
    let length = usize::from(cursor.u16()?);
    let mut descriptors = Cursor(cursor.take(length)?);
    let mut points = Vec::new();
    while let (Some(tag), Some(length)) = (descriptors.u8(), descriptors.u8()) {
        let mut body = Cursor(descriptors.take(usize::from(length))?);
        if tag == SEGMENTATION && body.take(4) == Some(CUEI) && points.len() < POINTS_MAX {
            points.extend(segmentation(&mut body));
        }
    }
    Some(points)
}

fn segmentation(cursor: &mut Cursor<'_>) -> Option<SplicePoint> {
    let event = cursor.u32()?;
    if cursor.u8()? & 0x80 != 0 {
        return Some(SplicePoint { event, class: 0, kind: SpliceKind::Cancel, planned: None });
    }
    let flags = cursor.u8()?;
    if flags & 0x80 == 0 {
        let components = usize::from(cursor.u8()?);
        cursor.take(components * 6)?;
    }
    let planned = if flags & 0x40 != 0 {
        let [high] = cursor.array()?;
        let low = u32::from_be_bytes(cursor.array()?);
        Some(ticks(u64::from(high) << 32 | u64::from(low)))
    } else {
        None
    };
    cursor.take(1)?; // upid type
    let upid = usize::from(cursor.u8()?);
    cursor.take(upid)?;
    let kind_id = cursor.u8()?;
    let kind = match kind_id {
        // Breaks, advertisements, placement opportunities and blocks of them; their ends are the odd numbers after.
        0x22 | 0x30 | 0x32 | 0x34 | 0x36 | 0x38 | 0x3A | 0x44 | 0x46 => SpliceKind::Out,
        0x23 | 0x31 | 0x33 | 0x35 | 0x37 | 0x39 | 0x3B | 0x45 | 0x47 => SpliceKind::In,
        _ => SpliceKind::Command,
    };
    let class = if kind == SpliceKind::In { kind_id - 1 } else { kind_id };
    Some(SplicePoint { event, class, kind, planned: planned.filter(|_| kind != SpliceKind::In) })
}

/// The last 33 of 40 bits.
fn time33(bytes: &[u8]) -> Option<u64> {
    let [first, rest @ ..] = bytes else { return None };
    let low = u32::from_be_bytes(rest.try_into().ok()?);
    Some(u64::from(first & 1) << 32 | u64::from(low))
}

fn ticks(time: u64) -> Ticks {
    Ticks(i64::try_from(time).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::tables::checksum;
    use super::super::testing::{INSERTED, PLACEMENT, bytes};
    use super::*;

    #[test]
    fn the_samples_of_the_standard_are_read() {
        let section = bytes(PLACEMENT);
        assert_eq!(checksum(&section), 0);
        let cue = read(&section).unwrap();
        let (planned, class) = (Some(Ticks(0x1A5_99B0)), 0x34);
        let point = SplicePoint { event: 0x4800_008E, class, kind: SpliceKind::Out, planned };
        assert_eq!(
            (cue.pts, cue.points, &cue.section[..]),
            (Some(0x0_72BD_0050), vec![point], &section[..])
        );

        let section = bytes(INSERTED);
        assert_eq!(checksum(&section), 0);
        let cue = read(&section).unwrap();
        let planned = Some(Ticks(0x0052_CCF5));
        let point = SplicePoint { event: 0x4800_008F, class: 0, kind: SpliceKind::Out, planned };
        assert_eq!((cue.pts, cue.points), (Some(0x0_7369_C02E), vec![point]));
    }

    #[test]
    fn ends_immediate_and_cancelled_events_are_told_apart() {
        let kinds = |section: &[u8]| {
            let cue = read(section).unwrap();
            (cue.pts, cue.points[0].kind, cue.points[0].class, cue.points[0].planned)
        };
        let mut end = bytes(PLACEMENT);
        let at = end.len() - 7;
        end[at] = 0x35;
        assert_eq!(kinds(&end), (Some(0x0_72BD_0050), SpliceKind::In, 0x34, None));
        end[at] = 0x10;
        let planned = Some(Ticks(0x1A5_99B0));
        let programme = (Some(0x0_72BD_0050), SpliceKind::Command, 0x10, planned);
        assert_eq!(kinds(&end), programme);
        let mut adjusted = bytes(INSERTED);
        adjusted[4..9].copy_from_slice(&[1, 0xFF, 0xFF, 0xFF, 0xFF]);
        assert_eq!(read(&adjusted).unwrap().pts, Some(0x0_7369_C02D), "33 bits wrap");
        let mut cancelled = bytes(INSERTED);
        cancelled[18] = 0xFF;
        assert_eq!(read(&cancelled).unwrap().points[0].kind, SpliceKind::Cancel);
        let mut encrypted = bytes(INSERTED);
        encrypted[4] |= 0x80;
        assert_eq!(read(&encrypted), None);
        let mut null = bytes(INSERTED);
        null[13] = 0;
        assert_eq!(read(&null), None);
    }

    #[test]
    fn what_ends_too_early_is_no_section() {
        for hex in [PLACEMENT, INSERTED] {
            let section = bytes(hex);
            let whole = read(&section).unwrap();
            for length in 0..section.len() {
                if let Some(cue) = read(&section[..length]) {
                    assert_eq!(cue.points, whole.points, "{length}: only what follows is missing");
                }
            }
        }
    }
}
