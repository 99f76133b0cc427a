//! What nobody else would do: uploads that expired are removed, and those that a holder left whole are finished.
//!
//! In: what the ledger says is due. Out: a ledger in which nothing is. Does not know who left it.

use std::sync::Arc;
use std::time::Duration;

use shared_wire::AssetId;
use shared_wire::upload::Stage;
use tokio::time::MissedTickBehavior;

use super::Shared;
use crate::Error;
use crate::machine::parts_of;

impl Shared {
    /// Sweeps until the house stops.
    pub(super) async fn sweep(self: Arc<Self>) {
        let mut ticks =
            tokio::time::interval(self.config.sweep_every.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.stop.cancelled() => return,
            }
            self.sweep_once().await;
        }
    }

    /// Looks at all that is due.
    pub(super) async fn sweep_once(&self) {
        let due = match self.ledger.due().await {
            Ok(due) => due,
            Err(error) => return tracing::warn!(%error, "uploads that are due are not known"),
        };
        for id in due {
            match self.settle(id).await {
                Ok(()) | Err(Error::Held | Error::TakenOver | Error::Refused(_)) => {}
                Err(error) => tracing::warn!(upload = %id, %error, "trying again later"),
            }
        }
    }

    /// Brings one upload to its end, if nobody has it.
    async fn settle(&self, id: AssetId) -> Result<(), Error> {
        let mut held = self.hold_if_free(id).await?;
        let upload = &held.upload;
        let is_open = upload.stage == Stage::Open;
        let is_final = parts_of(upload.concat.as_deref()).is_some();
        let is_over = upload.expires_at <= self.ledger.now();
        let is_part = upload.concat.as_deref() == Some("partial");
        if is_open && (upload.is_whole() || is_final) && !is_over {
            return self.finish(&mut held).await;
        }
        // Parts are kept no longer than what is unfinished: nothing else says they are needed no more.
        if is_over && (is_open || is_part) {
            return self.drop_held(&mut held, "expired").await;
        }
        self.release(&mut held).await
    }
}
