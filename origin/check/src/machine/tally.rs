//! One item's finding, while it is being found.
//!
//! In: what must hold and what should, with the evidence. Out: a [`Finding`]. Does not know the items.

use serde::Serialize;

/// Most pieces of evidence kept of what is wrong in one item.
const EVIDENCE_MAX: usize = 4;

/// What is found of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing could show it; the evidence says why.
    NotTested,
    /// It holds.
    Pass,
    /// What SHOULD hold does not.
    Warn,
    /// What MUST hold does not.
    Fail,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// 1 to 37, as `shared/reference/ll-hls.md` numbers them.
    pub item: u8,
    /// A name for scripts.
    pub name: &'static str,
    /// The clause of draft-pantos-hls-rfc8216bis, or of Apple's HLS authoring specification.
    pub clause: &'static str,
    /// What was found.
    pub verdict: Verdict,
    /// By what.
    pub evidence: Vec<String>,
}

/// Collects what was tested.
#[derive(Debug, Default)]
pub(super) struct Tally {
    broken: Vec<String>,
    weak: Vec<String>,
    tested: usize,
    notes: Vec<String>,
}

impl Tally {
    /// Something that MUST hold; `evidence` is said if it does not.
    pub(super) fn must(&mut self, holds: bool, evidence: impl FnOnce() -> String) {
        self.tested += 1;
        if !holds {
            keep(&mut self.broken, evidence());
        }
    }

    /// Something that SHOULD hold.
    pub(super) fn should(&mut self, holds: bool, evidence: impl FnOnce() -> String) {
        self.tested += 1;
        if !holds {
            keep(&mut self.weak, evidence());
        }
    }

    /// What is worth saying whatever the verdict.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        keep(&mut self.notes, text.into());
    }

    /// The finding; `absent` says why nothing could be tested, if nothing was.
    pub(super) fn end(
        self,
        (item, name, clause): (u8, &'static str, &'static str),
        absent: &str,
    ) -> Finding {
        let verdict = match (self.tested, self.broken.is_empty(), self.weak.is_empty()) {
            (0, ..) => Verdict::NotTested,
            (_, false, _) => Verdict::Fail,
            (_, _, false) => Verdict::Warn,
            _ => Verdict::Pass,
        };
        let mut evidence = self.broken;
        evidence.extend(self.weak);
        evidence.extend(self.notes);
        if verdict == Verdict::NotTested {
            evidence.push(absent.to_owned());
        } else if evidence.is_empty() {
            evidence.push(format!("held {} of {0} times", self.tested));
        }
        Finding { item, name, clause, verdict, evidence }
    }
}

fn keep(list: &mut Vec<String>, text: String) {
    if list.len() < EVIDENCE_MAX && !list.contains(&text) {
        list.push(text);
    }
}
