//! The database that nodes share.
//!
//! In: the layers of settings. Out: its address and the length of leases. Does not connect.

use std::path::PathBuf;
use std::time::Duration;

use origin_control::Postgres;

use crate::error::Error;
use crate::layers::{Layers, whole};

/// Leases of shows, in seconds.
const LEASE_S: (u64, u64) = (2, 86_400);

/// A PostgreSQL in the place of a file. The password stays in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Database {
    address: Postgres,
    password_file: Option<PathBuf>,
}

impl Layers<'_> {
    pub(super) fn database(&mut self) -> Option<Database> {
        // Judged apart, for a mistake is reported with its text, and this may hold a password.
        let url = self.value("database", None, |text| Ok(Some(text.to_owned())));
        let file = |text: &str| Ok(Some(PathBuf::from(text)));
        let password_file = self.value("database_password_file", None, file);
        let address = url.as_deref().and_then(Postgres::parse);
        if url.is_some() && address.is_none() {
            self.refuse("--database: is no address such as postgres://user@host/database");
        }
        address.map(|address| Database { address, password_file })
    }

    pub(super) fn lease(&mut self) -> Duration {
        self.value("lease_s", Duration::from_secs(30), |text| {
            whole(text, LEASE_S.0, LEASE_S.1).map(Duration::from_secs)
        })
    }
}

/// The database with its password.
///
/// # Errors
/// The password's file cannot be read.
pub(crate) fn database(settings: &Database) -> Result<Postgres, Error> {
    let Some(file) = &settings.password_file else { return Ok(settings.address.clone()) };
    let text = std::fs::read_to_string(file).map_err(|error| {
        let named = format!("  --database-password-file: {}: {error}", file.display());
        Error::Configuration(vec![named])
    })?;
    Ok(settings.address.clone().with_password(text.trim_end_matches(['\r', '\n']).to_owned()))
}
