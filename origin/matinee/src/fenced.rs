//! What a show's stages write, for as long as the show is this node's.
//!
//! In: objects and notes. Out: the same, into the store; none once the show's claim is lost. Does not know who has it
//! then.

use std::sync::Arc;

use origin_control::Claim;
use origin_storage::Store;
use shared_media::{Note, Object, ObjectSink, Settled};

/// The store behind a show's claim. It is asked at every write: a process that stood still may go on in the middle of
/// one, long after another node has the show.
pub(crate) struct Fenced {
    pub(crate) store: Arc<Store>,
    pub(crate) claim: Claim,
}

impl Fenced {
    fn write(&self, write: impl FnOnce(&Store)) {
        if self.claim.holds() {
            write(&self.store);
        } else {
            metrics::counter!("matinee_fenced_writes_total").increment(1);
        }
    }
}

impl ObjectSink for Fenced {
    fn put_part(&self, object: Object) {
        self.write(|store| store.put_part(object));
    }

    fn put(&self, object: Object) {
        self.write(|store| store.put(object));
    }

    fn replace(&self, object: Object) {
        self.write(|store| store.replace(object));
    }

    fn append(&self, object: Object) {
        self.write(|store| store.append(object));
    }

    fn gone(&self, show: &str) -> Vec<String> {
        self.store.gone(show)
    }

    fn note(&self, show: &str, note: Note) {
        self.write(|store| store.note(show, note));
    }

    fn settled(&self) -> Settled {
        self.store.settled()
    }
}
