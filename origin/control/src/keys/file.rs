//! Secrets in files that only their owner can read.
//!
//! In: a path, and how to make the secret if there is none. Out: the secret. Does not know what it opens.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::Error;

/// Longest secret that is read, in bytes.
const SECRET_FILE_BYTES_MAX: u64 = 64 * 1024;

/// Makes a directory, and those above it, for its owner only. One that is there is left as it is.
///
/// # Errors
/// [`Error::DataDir`], [`Error::StorageFull`].
pub(crate) fn make_dir(path: &Path) -> Result<(), Error> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| Error::file(path, &error))
}

/// The secret at `path`; the first time, the one that `make` makes. A file others can read is closed to them.
///
/// # Errors
/// [`Error::DataDir`], [`Error::StorageFull`], [`Error::KeyFile`], and those of `make`.
pub(super) fn load_or_make(
    path: &Path,
    make: impl FnOnce() -> Result<String, Error>,
) -> Result<String, Error> {
    match File::open(path) {
        Ok(file) => load(path, file),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let secret = make()?;
            store(path, &secret).map_err(|error| Error::file(path, &error))?;
            Ok(secret)
        }
        Err(error) => Err(Error::file(path, &error)),
    }
}

fn load(path: &Path, file: File) -> Result<String, Error> {
    let damaged = || Error::KeyFile { path: path.to_owned() };
    let told = file.metadata().map_err(|error| Error::file(path, &error))?;
    if told.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "a secret's file was open to others; closing it");
        file.set_permissions(Permissions::from_mode(0o600))
            .map_err(|error| Error::file(path, &error))?;
    }
    let mut text = String::new();
    file.take(SECRET_FILE_BYTES_MAX).read_to_string(&mut text).map_err(|error| {
        let foreign = error.kind() == ErrorKind::InvalidData;
        if foreign { damaged() } else { Error::file(path, &error) }
    })?;
    let text = text.trim();
    if text.is_empty() { Err(damaged()) } else { Ok(text.to_owned()) }
}

/// Writes beside, then renames: a crash or a full disk leaves no half secret behind.
fn store(path: &Path, secret: &str) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let written = write(&beside, secret).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What it holds never came into use; that it could not be removed would be the same error again.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write(path: &Path, secret: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    // The mode above is for a new file only; one left by a crash may have another.
    file.set_permissions(Permissions::from_mode(0o600))?;
    writeln!(file, "{secret}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        assert_eq!(load_or_make(&path, || Ok("one".to_owned())), Ok("one".to_owned()));
        assert_eq!(load_or_make(&path, || Ok("two".to_owned())), Ok("one".to_owned()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!dir.path().join("a.new").exists());
    }

    #[test]
    fn an_open_file_is_closed_and_a_damaged_one_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        fs::write(&path, "secret").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        load_or_make(&path, || Err(Error::Random)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for bytes in [b" \n".as_slice(), &[0xff, 0xfe]] {
            fs::write(&path, bytes).unwrap();
            let damaged = Error::KeyFile { path: path.clone() };
            assert_eq!(load_or_make(&path, || Err(Error::Random)), Err(damaged));
        }
    }
}
