//! A store in memory, for shows on tokio's clock.
//!
//! In: objects. Out: their bytes, by key. Does not know what they are.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use shared_media::{Note, Object, ObjectSink, Settled};

/// A store in memory that takes so many milliseconds to keep a note.
#[derive(Debug, Default)]
pub(crate) struct Store(pub(crate) Mutex<HashMap<String, Vec<u8>>>, pub(crate) u64);

impl Store {
    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(key).cloned()
    }
}

impl ObjectSink for Store {
    fn put_part(&self, object: Object) {
        self.put(object);
    }
    fn put(&self, object: Object) {
        self.0.lock().unwrap().insert(object.key, object.bytes.to_vec());
    }
    fn replace(&self, object: Object) {
        self.put(object);
    }
    fn append(&self, object: Object) {
        self.0.lock().unwrap().entry(object.key).or_default().extend_from_slice(&object.bytes);
    }
    fn note(&self, _show: &str, _note: Note) {}
    fn settled(&self) -> Settled {
        Box::pin(tokio::time::sleep(Duration::from_millis(self.1)))
    }
}
