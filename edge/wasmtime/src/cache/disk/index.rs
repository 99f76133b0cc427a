//! Which files the tier on disk has, and which go when there is no room.
//!
//! In: what is written, read and removed. Out: the files to delete so that the rest has room. Does not touch the disk.

use std::collections::{BTreeMap, HashMap};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::super::Key;
use super::super::key::Coding;

/// A file's name: a hash of the object's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Name([u8; 32]);

impl Name {
    /// The name of an object's file.
    pub(super) fn of(key: &Key) -> Self {
        let coding: &[u8] = match key.coding {
            Coding::Any => b"any ",
            Coding::Gzip => b"gzip ",
            Coding::Identity => b"identity ",
        };
        Self(Sha256::new().chain_update(coding).chain_update(key.path.as_bytes()).finalize().into())
    }

    /// The name a file has.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// As the file system has it: one of 256 folders, and the file in it.
    pub(super) fn path(&self) -> String {
        let text = HEXLOWER.encode(&self.0);
        format!("{}/{text}", text.get(..2).unwrap_or_default())
    }
}

/// A file.
#[derive(Debug)]
struct Entry {
    bytes: u64,
    used: u64,
    keys: Vec<Box<str>>,
    since: u64,
}

/// The files, by name and by when they were last used.
#[derive(Debug)]
pub(super) struct Index {
    entries: HashMap<Name, Entry>,
    by_use: BTreeMap<u64, Name>,
    uses: u64,
    bytes: u64,
    bytes_max: u64,
}

impl Index {
    pub(super) fn new(bytes_max: u64) -> Self {
        Self { entries: HashMap::new(), by_use: BTreeMap::new(), uses: 0, bytes: 0, bytes_max }
    }

    /// Notes a file as the one used last, and forgets those that have no room beside it.
    pub(super) fn insert(
        &mut self,
        name: Name,
        bytes: u64,
        keys: Vec<Box<str>>,
        since: u64,
    ) -> Vec<Name> {
        self.remove(&name);
        self.uses += 1;
        self.entries.insert(name, Entry { bytes, used: self.uses, keys, since });
        self.by_use.insert(self.uses, name);
        self.bytes = self.bytes.saturating_add(bytes);
        self.make_room(0)
    }

    /// Forgets files, the least used first, until `bytes` more have room.
    pub(super) fn make_room(&mut self, bytes: u64) -> Vec<Name> {
        let mut gone = Vec::new();
        while self.bytes.saturating_add(bytes) > self.bytes_max {
            let Some((_, name)) = self.by_use.first_key_value() else { break };
            let name = *name;
            self.remove(&name);
            gone.push(name);
        }
        gone
    }

    /// Notes that a file was used; when its object was asked for, if it is there.
    pub(super) fn used(&mut self, name: &Name) -> Option<u64> {
        let entry = self.entries.get_mut(name)?;
        self.by_use.remove(&entry.used);
        self.uses += 1;
        entry.used = self.uses;
        self.by_use.insert(self.uses, *name);
        Some(entry.since)
    }

    /// Forgets a file; whether it was there.
    pub(super) fn remove(&mut self, name: &Name) -> bool {
        let Some(entry) = self.entries.remove(name) else { return false };
        self.by_use.remove(&entry.used);
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        true
    }

    /// The files of objects that have one of these surrogate keys.
    pub(super) fn named(&self, keys: &[&str]) -> Vec<Name> {
        let is_named = |entry: &Entry| entry.keys.iter().any(|key| keys.contains(&&**key));
        let found = self.entries.iter().filter(|(_, entry)| is_named(entry));
        found.map(|(name, _)| *name).collect()
    }

    /// Bytes of all files.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_used_goes_first() {
        let mut index = Index::new(100);
        let name = |n: u8| Name([n; 32]);
        for n in 0..4 {
            assert!(index.insert(name(n), 25, vec![format!("k{n}").into()], 0).is_empty());
        }
        index.used(&name(0));
        assert_eq!(index.insert(name(9), 40, Vec::new(), 0), [name(1), name(2)]);
        assert_eq!(index.named(&["k0", "k1"]), [name(0)]);
        assert_eq!(index.bytes(), 90);
        assert!(index.remove(&name(0)) && !index.remove(&name(0)));
        assert_eq!(index.make_room(100), [name(3), name(9)]);
        assert_eq!(index.bytes(), 0);
    }

    #[test]
    fn a_name_is_read_back_and_no_stranger_is() {
        let key = Key { path: "/o/a?b".into(), coding: Coding::Gzip };
        let name = Name::of(&key);
        let path = name.path();
        assert_eq!(Name::parse(&path[3..]), Some(name));
        assert_ne!(Name::of(&key.any()), name);
        assert_eq!(Name::parse("../../etc/passwd"), None);
    }
}
