//! Who may have a show: the decision, apart from the database and its clock.
//!
//! In: a lease as it stands, who asks for what, the time by the database. Out: the lease as it is to stand, and what
//! the asker is told. Does not know rows or shows.
//!
//! A lease is never taken from a node that may still believe it has it: another one gets it when it was given back, or
//! when it has expired. Who wants to take over leaves word of it; its owner then gives it back at its next renewal.

/// A lease as it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lease {
    /// Who has it, or had it last.
    pub(super) node: String,
    /// The fencing token: greater at every grant.
    pub(super) epoch: i64,
    /// Until when, in milliseconds by the database's clock; 0: it was given back.
    pub(super) expires_at_ms: i64,
    /// Who wants to take over.
    pub(super) wanted_by: Option<String>,
}

/// What somebody who wants a show is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claimed {
    /// It has it, by this epoch.
    Granted(i64),
    /// Its owner is asked to let go: ask again.
    Wait,
    /// Another node has it.
    Taken,
}

/// What an owner is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewed {
    /// It goes on.
    Kept,
    /// It shall let go, for another node takes over.
    Wanted,
    /// It is another's, or this one's by a later grant.
    Lost,
}

impl Lease {
    /// `node` wants it. A node's own lease is granted again at once: its earlier process is gone, or was told.
    pub(super) fn claim(
        &mut self,
        node: &str,
        takes_over: bool,
        now_ms: i64,
        lasts_ms: i64,
    ) -> Claimed {
        let is_free = self.node == node || self.expires_at_ms <= now_ms;
        if is_free {
            self.epoch = self.epoch.saturating_add(1);
            node.clone_into(&mut self.node);
            self.expires_at_ms = now_ms.saturating_add(lasts_ms);
            self.wanted_by = None;
            return Claimed::Granted(self.epoch);
        }
        if !takes_over {
            return Claimed::Taken;
        }
        self.wanted_by = Some(node.to_owned());
        Claimed::Wait
    }

    /// Its owner goes on. One that has expired and is nobody else's yet is good again.
    pub(super) fn renew(&mut self, node: &str, epoch: i64, now_ms: i64, lasts_ms: i64) -> Renewed {
        if !self.is_of(node, epoch) {
            return Renewed::Lost;
        }
        if self.wanted_by.is_some() {
            return Renewed::Wanted;
        }
        self.expires_at_ms = self.expires_at_ms.max(now_ms.saturating_add(lasts_ms));
        Renewed::Kept
    }

    /// Its owner gives it back; what is another's stays as it is.
    pub(super) fn give_back(&mut self, node: &str, epoch: i64) {
        if self.is_of(node, epoch) {
            self.expires_at_ms = 0;
            self.wanted_by = None;
        }
    }

    /// Whether it is this grant's.
    pub(super) fn is_of(&self, node: &str, epoch: i64) -> bool {
        self.node == node && self.epoch == epoch && self.expires_at_ms > 0
    }
}

/// An owner's own view of its lease, by its own monotonic clock, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tenure {
    good_until_us: u64,
    lasts_us: Option<u64>,
    is_lost: bool,
}

impl Tenure {
    /// Begins with a grant that was asked for at `asked_us`. `lasts_us` is how long the owner counts on a grant: less
    /// than the database has it, since clocks do not run alike. `None`: nobody else can have it.
    pub(super) fn new(asked_us: u64, lasts_us: Option<u64>) -> Self {
        let good_until_us = lasts_us.map_or(u64::MAX, |lasts| asked_us.saturating_add(lasts));
        Self { good_until_us, lasts_us, is_lost: false }
    }

    /// A renewal that was asked for at `asked_us` was granted. It counts from the asking: when the database did it is
    /// not known here. What is lost stays so.
    pub(super) fn renewed(&mut self, asked_us: u64) {
        let Some(lasts_us) = self.lasts_us.filter(|_| !self.is_lost) else { return };
        self.good_until_us = self.good_until_us.max(asked_us.saturating_add(lasts_us));
    }

    /// Somebody else has it, or it is given back.
    pub(super) const fn lose(&mut self) {
        self.is_lost = true;
    }

    /// Whether the owner may count on it. Once it may not, it never may again.
    pub(super) const fn holds(&mut self, now_us: u64) -> bool {
        if now_us >= self.good_until_us && self.lasts_us.is_some() {
            self.is_lost = true;
        }
        !self.is_lost
    }
}

#[cfg(test)]
mod tests;
