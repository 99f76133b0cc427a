//! The house's secrets: the administrator's credential, and the keys it shares with its edges.
//!
//! In: the data directory. Out: [`Keys`]; made on the first start, read on every later one. Does not know requests.

mod file;

use std::fmt;
use std::path::Path;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use hmac_sha256::Hash;
use shared_ticket::{Algorithm, CatIssuer, Issuer, PrivateKey, SessionKeys, jwks};

use crate::Error;
use crate::secret::random;

pub(crate) use file::make_dir;

/// The administrator's credential in the data directory; the command line reads it there.
pub const ADMIN_TOKEN_FILE: &str = "admin.token";
/// The node's name in the data directory.
const NODE_FILE: &str = "node.id";
/// The directory of keys in the data directory.
const KEYS_DIR: &str = "keys";

/// How something is made that is not there yet.
type Make<'a> = &'a mut dyn FnMut() -> Result<String, Error>;

/// What an edge is told to work for this house. `Debug` names the variables and hides their values.
#[derive(Clone, PartialEq, Eq)]
pub struct EdgeEnvironment {
    /// Names (`MATINEE_…`) and values. `MATINEE_ORIGIN` is the caller's to add.
    pub variables: Vec<(String, String)>,
}

impl fmt::Debug for EdgeEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.iter().map(|(name, _)| name)).finish()
    }
}

/// The secrets, loaded.
pub(crate) struct Keys {
    /// Signs playback tokens.
    pub(crate) issuer: Issuer,
    /// Signs those that are CATs. Its algorithm lets edges verify without a secret.
    pub(crate) cats: CatIssuer,
    admin_hash: [u8; 32],
    edge_key: String,
    edge_key_hash: [u8; 32],
    session_keys: String,
    hook_secret: String,
    node: String,
}

impl Keys {
    /// Loads the secrets in `data_dir`, and makes those that are missing.
    ///
    /// # Errors
    /// [`Error::DataDir`], [`Error::StorageFull`], [`Error::KeyFile`], [`Error::Random`].
    pub(crate) fn open(data_dir: &Path) -> Result<Self, Error> {
        make_dir(&data_dir.join(KEYS_DIR))?;
        Self::of(data_dir, |path, make| file::load_or_make(path, make))
    }

    /// Those of a process that only works: they open nothing, and are gone with it. It has the name of the node beside
    /// which it runs, if there is one in `data_dir`.
    ///
    /// # Errors
    /// [`Error::Random`], [`Error::Sign`].
    pub(crate) fn of_worker(data_dir: &Path) -> Result<Self, Error> {
        let node = std::fs::read_to_string(data_dir.join(NODE_FILE));
        let node = node.map(|node| node.trim().to_owned()).ok().filter(|node| !node.is_empty());
        let keys = Self::of(data_dir, |_, make| make())?;
        Ok(Self { node: node.unwrap_or(keys.node), ..keys })
    }

    /// `place` gives what is kept under a path, or makes it.
    fn of(
        data_dir: &Path,
        place: impl Fn(&Path, Make<'_>) -> Result<String, Error>,
    ) -> Result<Self, Error> {
        let dir = data_dir.join(KEYS_DIR);
        let admin = place(&data_dir.join(ADMIN_TOKEN_FILE), &mut || prefixed("ad_"))?;
        let edge_key = place(&dir.join("edge.key"), &mut || prefixed("ek_"))?;

        let path = dir.join("session.key");
        let session_keys = place(&path, &mut || Ok(SessionKeys::generate(&kid()?, &random()?)))?;
        SessionKeys::parse(&session_keys).map_err(|_| Error::KeyFile { path })?;

        let path = dir.join("token.key");
        let token_key = place(&path, &mut || {
            let key = PrivateKey::generate(Algorithm::EdDsa, &kid()?, &random()?);
            key.map(|key| key.to_text()).map_err(|_| Error::Sign)
        })?;
        let token_key = PrivateKey::from_text(&token_key).map_err(|_| Error::KeyFile { path })?;

        let path = dir.join("cat.key");
        let cat_key = place(&path, &mut || {
            let key = PrivateKey::generate(Algorithm::Es256, &kid()?, &random()?);
            let key = key.and_then(PrivateKey::for_cat);
            key.map(|key| key.to_text()).map_err(|_| Error::Sign)
        })?;
        let cats = PrivateKey::from_text(&cat_key).and_then(CatIssuer::new);
        let cats = cats.map_err(|_| Error::KeyFile { path })?;

        let hook_secret = place(&dir.join("hook.key"), &mut || {
            Ok(format!("whsec_{}", BASE64.encode(&random::<32>()?)))
        })?;

        // No secret, but as much this directory's own as they are; another node has another.
        let node = place(&data_dir.join(NODE_FILE), &mut || Ok(HEXLOWER.encode(&random::<8>()?)))?;

        Ok(Self {
            node,
            issuer: Issuer::new(token_key),
            cats,
            admin_hash: Hash::hash(admin.as_bytes()),
            edge_key_hash: Hash::hash(edge_key.as_bytes()),
            edge_key,
            session_keys,
            hook_secret,
        })
    }

    /// Whether this is the administrator's credential, in a time that tells nothing about it.
    pub(crate) fn is_admin(&self, presented: &[u8]) -> bool {
        Hash::verify(presented, &self.admin_hash)
    }

    /// Whether this is the key of our edges, in a time that tells nothing about it.
    pub(crate) fn is_edge(&self, presented: &[u8]) -> bool {
        Hash::verify(presented, &self.edge_key_hash)
    }

    /// This node's name, the same at every start.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// What receivers of hooks verify with, in the form of Standard Webhooks.
    pub(crate) fn hook_secret(&self) -> &str {
        &self.hook_secret
    }

    /// What an edge is told.
    pub(crate) fn edge_environment(&self) -> EdgeEnvironment {
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        EdgeEnvironment {
            variables: vec![
                variable("MATINEE_EDGE_KEY", &self.edge_key),
                variable("MATINEE_SESSION_KEYS", &self.session_keys),
                variable("MATINEE_TOKEN_KEYS", &jwks([self.issuer.key(), self.cats.key()])),
            ],
        }
    }
}

/// A new secret of 256 bits, with a prefix that scanners for leaked secrets can look for.
fn prefixed(prefix: &str) -> Result<String, Error> {
    Ok(format!("{prefix}{}", BASE64URL_NOPAD.encode(&random::<32>()?)))
}

/// A new key's id: 8 characters. Random, so that no two keys of a house are ever taken for each other.
fn kid() -> Result<String, Error> {
    Ok(HEXLOWER.encode(&random::<4>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_the_same_and_open_for_those_who_have_them() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::open(dir.path()).unwrap();
        let again = Keys::open(dir.path()).unwrap();
        assert_eq!(keys.edge_environment(), again.edge_environment());
        let admin = std::fs::read_to_string(dir.path().join(ADMIN_TOKEN_FILE)).unwrap();
        assert!(again.is_admin(admin.trim().as_bytes()));
        assert!(!again.is_admin(b"") && !again.is_admin(&admin.trim().as_bytes()[1..]));
        let edge = keys.edge_environment().variables[0].1.clone();
        assert!(again.is_edge(edge.as_bytes()) && !again.is_edge(admin.trim().as_bytes()));
    }

    #[test]
    fn what_edges_are_told_is_never_printed() {
        let dir = tempfile::tempdir().unwrap();
        let environment = Keys::open(dir.path()).unwrap().edge_environment();
        let printed = format!("{environment:?}");
        for (name, value) in environment.variables {
            assert!(printed.contains(&name) && !printed.contains(&value));
        }
    }

    #[test]
    fn a_damaged_key_is_named() {
        let dir = tempfile::tempdir().unwrap();
        drop(Keys::open(dir.path()).unwrap());
        for name in ["token.key", "cat.key", "session.key"] {
            let path = dir.path().join(KEYS_DIR).join(name);
            let good = std::fs::read(&path).unwrap();
            std::fs::write(&path, "{}").unwrap();
            let refused = Keys::open(dir.path()).map(drop);
            assert_eq!(refused, Err(Error::KeyFile { path: path.clone() }));
            std::fs::write(&path, good).unwrap();
        }
    }
}
