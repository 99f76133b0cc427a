//! Splices of the publisher as date ranges (rfc8216bis 4.4.5.1.1).
//!
//! In: splices on the show's timeline. Out: a range for each event that goes out of the programme, which ends where it
//! comes back; a range for each other announcement. Does not know how publishers say it.
//!
//! A range's id holds the event's number and its start, so that numbers may be used again; what is open is found by it,
//! also in a process after this one. Encoders repeat themselves: what is open already is not told again.

use shared_media::{Now, Splice, SpliceKind, SplicePoint};
use shared_playlist::DateRange;

use super::Machine;

impl Machine {
    /// Lists what a splice says. Gives how many of its points say nothing new, or what cannot be. Poll afterwards until
    /// it waits.
    pub fn splice(&mut self, now: Now, splice: &Splice) -> usize {
        let start_ms = self.common.anchor.utc_us_at(splice.at) / 1000;
        let digits: String = splice.section.iter().map(|byte| format!("{byte:02X}")).collect();
        let section = format!("0x{digits}");
        let points = splice.points.iter();
        points.filter(|point| !self.splice_point(now, point, start_ms, &section)).count()
    }

    fn splice_point(&mut self, now: Now, point: &SplicePoint, at_ms: i64, section: &str) -> bool {
        let open = self.open_splice(point);
        let section = Some(section.to_owned());
        let planned_duration_ms =
            point.planned.and_then(|planned| u64::try_from(planned.as_micros() / 1000).ok());
        let new = |at_ms| DateRange {
            id: format!("{}{at_ms}", prefix(point)),
            start_ms: at_ms,
            planned_duration_ms,
            ..DateRange::default()
        };
        match (point.kind, open) {
            (SpliceKind::Out, None) => {
                let range = DateRange { scte35_out: section, ..new(at_ms) };
                self.put_date_range(now, range).is_ok()
            }
            (SpliceKind::Command, None) => {
                let range = DateRange { scte35_cmd: section, ..new(at_ms) };
                self.put_date_range(now, range).is_ok()
            }
            (SpliceKind::In, Some(open)) => {
                let end_ms = at_ms.max(open.start_ms);
                let duration_ms = Some((end_ms - open.start_ms).unsigned_abs());
                let ended = DateRange {
                    end_ms: Some(end_ms),
                    duration_ms,
                    scte35_in: section,
                    planned_duration_ms: None,
                    ..new(open.start_ms)
                };
                self.put_date_range(now, ended).is_ok()
            }
            (SpliceKind::Cancel, Some(open)) => self.remove_date_range(now, &open.id).is_some(),
            (SpliceKind::Out | SpliceKind::Command, Some(_))
            | (SpliceKind::In | SpliceKind::Cancel, None) => false,
        }
    }

    /// The range of an event that has not ended; of whatever class, if it is called off.
    fn open_splice(&self, point: &SplicePoint) -> Option<DateRange> {
        let prefix = match point.kind {
            SpliceKind::Cancel => event(point),
            _ => prefix(point),
        };
        let mut ranges = self.date_ranges().into_iter().rev();
        ranges.find(|range| range.id.starts_with(&prefix) && range.end().is_none())
    }
}

fn event(point: &SplicePoint) -> String {
    format!("splice-{:08X}-", point.event)
}

fn prefix(point: &SplicePoint) -> String {
    format!("{}{:02X}-", event(point), point.class)
}
