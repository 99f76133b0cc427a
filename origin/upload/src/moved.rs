//! Uploads of a house that has begun to use a bucket: what is in its directory stays there until it is deleted.
//!
//! In: uploads. Out: the store that has each. Does not know how either keeps bytes.

use shared_wire::AssetId;
use shared_wire::upload::Piece;

use crate::Error;
use crate::disk::Disk;
use crate::far::Far;
use crate::port::{Reply, Session, Store, Writer};

/// A directory, and a bucket for all that it does not have.
#[derive(Clone)]
pub struct Moved {
    /// What was used before.
    pub disk: Disk,
    /// What is used from now on.
    pub far: Far,
}

impl Moved {
    fn store(&self, id: AssetId) -> &dyn Store {
        if self.disk.has(id) { &self.disk } else { &self.far }
    }
}

impl Store for Moved {
    fn open(&self, id: AssetId, session: Session) -> Reply<'_, Box<dyn Writer>> {
        self.store(id).open(id, session)
    }

    fn finish(&self, id: AssetId, pieces: Vec<Piece>, fence: i64) -> Reply<'_, ()> {
        self.store(id).finish(id, pieces, fence)
    }

    fn join(&self, id: AssetId, parts: Vec<AssetId>, fence: i64) -> Reply<'_, ()> {
        match parts.iter().filter(|part| self.disk.has(**part)).count() {
            0 => self.far.join(id, parts, fence),
            on_disk if on_disk == parts.len() => self.disk.join(id, parts, fence),
            _ => Box::pin(async {
                let why = "some of its parts came before the house had a bucket, others after that";
                Err(Error::Storage(why.to_owned()))
            }),
        }
    }

    fn delete(&self, id: AssetId) -> Reply<'_, ()> {
        self.store(id).delete(id)
    }
}
