//! An upload that is held: by a turn within this process, and by a fence over all nodes.
//!
//! In: names of uploads. Out: [`Held`]; what is remembered of it. Does not know bodies.

use std::time::Duration;

use metrics::counter;
use shared_wire::AssetId;
use shared_wire::upload::{NewAsset, PIECES_MAX, Piece, Stage, Upload};
use tokio::time::{Instant, MissedTickBehavior};

use super::Shared;
use super::turns::Turn;
use crate::Error;
use crate::machine::{Concat, Metadata, Refusal, parts_of};
use crate::port::{Kept, Lock, Reply, Save};

/// How often a ledger is asked for an upload that another node has.
const ASK_EVERY: Duration = Duration::from_millis(200);
/// Characters of an asset's title, and of a file's name.
const TITLE_CHARS_MAX: usize = 200;

/// An upload in the hands of one request.
pub(super) struct Held {
    pub(super) upload: Upload,
    pub(super) fence: i64,
    /// Bytes of the quota it takes.
    pub(super) reserved: u64,
    pub(super) turn: Turn,
}

impl Shared {
    /// Takes an upload, from whoever has it.
    ///
    /// # Errors
    /// 404, [`Error::Held`], [`Error::Storage`].
    pub(super) async fn hold(&self, id: AssetId, wait: Duration) -> Result<Held, Error> {
        let deadline = Instant::now() + wait;
        let turn = self.turns.take(id, wait).await.ok_or(Error::Held)?;
        self.lock(id, turn, deadline).await
    }

    /// Takes an upload that nobody has.
    ///
    /// # Errors
    /// 404, [`Error::Held`], [`Error::Storage`].
    pub(super) async fn hold_if_free(&self, id: AssetId) -> Result<Held, Error> {
        let turn = self.turns.take_free(id).await.ok_or(Error::Held)?;
        self.lock(id, turn, Instant::now()).await
    }

    async fn lock(&self, id: AssetId, turn: Turn, deadline: Instant) -> Result<Held, Error> {
        loop {
            match self.ledger.lock(id).await? {
                Lock::Have { mut upload, fence, is_fresh } => {
                    if is_fresh {
                        // The holder before may be writing still: its piece stays as it was counted.
                        upload.pieces.retain(|piece| piece.bytes > 0);
                        upload.pieces.push(Piece { fence, bytes: 0 });
                    }
                    if upload.pieces.is_empty() {
                        upload.pieces.push(Piece { fence, bytes: 0 });
                    }
                    let reserved = upload.length.unwrap_or_else(|| upload.offset());
                    return Ok(Held { upload, fence, reserved, turn });
                }
                Lock::Unknown => return Err(unknown().into()),
                Lock::Held if Instant::now() + ASK_EVERY < deadline => {
                    tokio::time::sleep(ASK_EVERY).await;
                }
                Lock::Held => return Err(Error::Held),
            }
        }
    }

    /// Remembers an upload, and goes on holding it. True: somebody on another node wants it.
    ///
    /// # Errors
    /// [`Error::TakenOver`], [`Error::Quota`], [`Error::Storage`].
    pub(super) async fn save(&self, held: &mut Held) -> Result<bool, Error> {
        self.remember(held, false, None).await
    }

    /// Remembers an upload, and lets go.
    ///
    /// # Errors
    /// [`Error::TakenOver`], [`Error::Storage`].
    pub(super) async fn release(&self, held: &mut Held) -> Result<(), Error> {
        if held.upload.length.is_none() {
            held.reserved = held.upload.offset();
        }
        self.remember(held, true, None).await.map(drop)
    }

    async fn remember(
        &self,
        held: &mut Held,
        release: bool,
        asset: Option<NewAsset>,
    ) -> Result<bool, Error> {
        if held.upload.pieces.len() > PIECES_MAX {
            return Err(Error::Storage("too many of its holders vanished".to_owned()));
        }
        if held.upload.stage == Stage::Open {
            held.upload.expires_at = self.ledger.now() + i64::from(self.config.expires_s);
        }
        let upload = held.upload.clone();
        let (fence, reserved) = (held.fence, held.reserved);
        match self.ledger.save(Save { upload, fence, reserved, release, asset }).await? {
            Kept::Yes { is_wanted } => Ok(is_wanted),
            Kept::Lost => Err(Error::TakenOver),
        }
    }

    /// Makes one file of an upload whose bytes are all there, and an asset of that, if it is no part of others.
    ///
    /// # Errors
    /// [`Error::TakenOver`], [`Error::DiskFull`], [`Error::Bucket`], [`Error::Storage`]; it is tried again later.
    pub(super) async fn finish(&self, held: &mut Held) -> Result<(), Error> {
        let (id, fence) = (held.upload.id, held.fence);
        let of_parts = parts_of(held.upload.concat.as_deref());
        let made = match of_parts {
            Some(parts) => {
                let made = self.while_held(held, self.store.join(id, parts, fence)).await;
                let length = held.upload.length.unwrap_or_default();
                held.upload.pieces = vec![Piece { fence, bytes: length }];
                made
            }
            None => {
                let pieces = held.upload.pieces.clone();
                self.while_held(held, self.store.finish(id, pieces, fence)).await
            }
        };
        if let Err(error) = made {
            // Others may try at once.
            self.release(held).await?;
            return Err(error);
        }
        let is_part =
            matches!(Concat::read(held.upload.concat.as_deref(), usize::MAX), Ok(Concat::Partial));
        held.upload.stage = Stage::Done;
        let asset = (!is_part).then(|| said(&held.upload));
        if !is_part {
            held.reserved = 0; // the asset takes it from now on
        }
        self.remember(held, true, asset).await?;
        counter!("matinee_uploads_total", "result" => "finished").increment(1);
        Ok(())
    }

    /// Does what may take longer than a lease, and holds the upload meanwhile.
    async fn while_held(&self, held: &mut Held, mut work: Reply<'_, ()>) -> Result<(), Error> {
        let every = self.config.save_every;
        let mut saves = tokio::time::interval_at(Instant::now() + every, every);
        saves.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = saves.tick() => {
                    // A database that fails for a moment is asked again.
                    if matches!(self.save(held).await, Err(Error::TakenOver)) {
                        return Err(Error::TakenOver);
                    }
                }
            }
        }
    }

    /// Deletes an upload's bytes, then what is known of it.
    ///
    /// # Errors
    /// [`Error::TakenOver`], [`Error::Storage`].
    pub(super) async fn drop_held(&self, held: &mut Held, why: &'static str) -> Result<(), Error> {
        self.store.delete(held.upload.id).await?;
        held.upload.stage = Stage::Gone;
        held.upload.pieces.clear();
        held.reserved = 0;
        self.remember(held, true, None).await?;
        counter!("matinee_uploads_total", "result" => why).increment(1);
        Ok(())
    }
}

/// There is no such upload.
pub(super) fn unknown() -> Refusal {
    Refusal { status: 404, code: "upload_unknown", detail: "there is no such upload".to_owned() }
}

/// What the client said of the asset, as far as it did.
fn said(upload: &Upload) -> NewAsset {
    let said = upload.metadata.as_deref().and_then(|text| Metadata::read(text, usize::MAX).ok());
    let said = said.unwrap_or_default();
    let text = |keys: &[&str]| {
        let text = keys.iter().find_map(|key| said.text(key))?;
        Some(text.chars().take(TITLE_CHARS_MAX).collect::<String>())
    };
    let file_name = text(&["filename", "name"]);
    let title = text(&["title"]).or_else(|| file_name.clone());
    let title = title.unwrap_or_else(|| format!("Upload {}", upload.id));
    // What there is not was refused when it was sent.
    let priority = said.priority().ok().flatten().unwrap_or_default();
    let keep_hdr = said.keep_hdr().ok().flatten();
    NewAsset { title, file_name, priority, keep_hdr }
}
