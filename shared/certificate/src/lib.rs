//! A certificate in two PEM files, read again when they change.
//!
//! In: two files. Out: the pair in use, and what became of a look at them. Does not know connections, nor when to look,
//! nor who is told.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::{fmt, fs, io};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Longest file that is read, in bytes.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// The two files as they were last read, and the pair that is in use.
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
    seen: Mutex<[Vec<u8>; 2]>,
    pair: Arc<Pair>,
}

/// The pair in use.
#[derive(Debug)]
pub struct Pair(RwLock<Arc<CertifiedKey>>);

/// What a look at the files found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// What was there before.
    Same,
    /// They cannot be read: files that are being replaced may be away.
    Away,
    /// A new pair, which is in use now.
    New,
    /// No pair, and why: the one in use stays. It is said once.
    Bad(String),
}

impl ResolvesServerCert for Pair {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Files {
    /// Reads the files.
    ///
    /// # Errors
    /// They cannot be read, or hold no pair: what is wrong with which.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, String> {
        let seen = read(certificate, key)?;
        let pair = pair(&seen, [certificate, key])?;
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            seen: Mutex::new(seen),
            pair: Arc::new(Pair(RwLock::new(Arc::new(pair)))),
        })
    }

    /// The certificate's file.
    #[must_use]
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// The pair in use, also when it changes.
    #[must_use]
    pub fn pair(&self) -> Arc<Pair> {
        Arc::clone(&self.pair)
    }

    /// Reads the files again, and takes a new pair into use.
    pub fn look(&self) -> Look {
        let Ok(read) = read(&self.certificate, &self.key) else { return Look::Away };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == read {
            return Look::Same;
        }
        let look = match pair(&read, [&self.certificate, &self.key]) {
            Ok(pair) => {
                *self.pair.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
                Look::New
            }
            Err(why) => Look::Bad(why),
        };
        *seen = read;
        look
    }
}

/// Without what the files hold: a private key is among it.
impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

fn read(certificate: &Path, key: &Path) -> Result<[Vec<u8>; 2], String> {
    let read = |path: &Path| {
        let failed = |error: io::Error| format!("{} cannot be read: {error}", path.display());
        let bytes = fs::metadata(path).map_err(failed)?.len();
        if bytes > FILE_BYTES_MAX {
            return Err(format!("{} is too large for a PEM file", path.display()));
        }
        fs::read(path).map_err(failed)
    };
    Ok([read(certificate)?, read(key)?])
}

/// The pair in two PEM texts, if they belong to each other.
fn pair(pem: &[Vec<u8>; 2], paths: [&Path; 2]) -> Result<CertifiedKey, String> {
    let ([chain, key], [chain_path, key_path]) = (pem, paths.map(Path::display));
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("{chain_path}: {error}"))?;
    if chain.is_empty() {
        return Err(format!("{chain_path} holds no certificate (PEM)"));
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| format!("{key_path} holds no private key (PEM)"))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|error| format!("{chain_path} and {key_path} are no pair: {error}"))
}
