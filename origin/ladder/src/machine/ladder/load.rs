//! The ladder under load: rungs that rest while the child cannot keep up, and what the work was measured to take.
//!
//! In: the child's answers. Out: rungs that are not offered for a while, measures. Does not know the other shows.

use shared_media::Staged;

use super::{Ladder, Output};
use crate::machine::capacity::Kind;
use crate::machine::frame::{Spent, ToChild};
use crate::machine::overload::Wish;

impl Ladder {
    /// The child has answered one more message: does it keep up?
    pub(super) fn judge_load(&mut self, now: u64) {
        let lag = self.replay.backlog(self.unanswered).as_micros();
        let lag = u64::try_from(lag).unwrap_or(0);
        let Some(wish) = self.overload.answered(now, lag, self.resting) else { return };
        // The first rung is the source's own size: where it is encoded, it is the one that leads.
        let most = self.shape.as_ref().map_or(0, |shape| shape.jobs.len().saturating_sub(1));
        let resting = match wish {
            Wish::Rest => (self.resting + 1).min(most),
            Wish::Wake => self.resting.saturating_sub(1),
        };
        if resting == self.resting {
            return;
        }
        self.resting = resting;
        if wish == Wish::Rest
            && self.not_offered.insert(resting)
            && let Some(id) = self.renditions.id(resting)
        {
            self.stage(Staged::Offer(id.clone(), false));
        }
        self.preface.push_back(ToChild::Rest(u8::try_from(resting).unwrap_or(u8::MAX)));
    }

    /// Tells a new child which rungs rest.
    pub(super) fn tell_resting(&mut self) {
        if self.resting > 0 {
            self.preface.push_back(ToChild::Rest(u8::try_from(self.resting).unwrap_or(u8::MAX)));
        }
    }

    /// A rung has delivered: if it is one that was woken, it is offered again.
    pub(super) fn offer_again(&mut self, index: usize) {
        if index > self.resting
            && self.not_offered.remove(&index)
            && let Some(id) = self.renditions.id(index)
        {
            self.stage(Staged::Offer(id.clone(), true));
        }
    }

    pub(super) fn measured(&mut self, spent: &Spent) {
        let Some(shape) = &self.shape else { return };
        let Some(first) = shape.jobs.first() else { return };
        self.outputs.push_back(Output::Measured {
            rendition: first.id.clone(),
            kind: Kind::Decode,
            pixels: shape.pixels(None, spent.pictures.into()),
            cpu_us: spent.decode_us,
        });
        for (job, (pictures, cpu_us)) in shape.jobs.iter().zip(&spent.rungs) {
            if *pictures > 0 {
                self.outputs.push_back(Output::Measured {
                    rendition: job.id.clone(),
                    kind: Kind::Encode(job.codec),
                    pixels: shape.pixels(job.height, (*pictures).into()),
                    cpu_us: *cpu_us,
                });
            }
        }
    }
}
