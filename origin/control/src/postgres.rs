//! Where a database is that nodes share.
//!
//! In: an address as operators write it. Out: [`Postgres`]. Does not connect.

use std::fmt;

use sqlx::postgres::PgConnectOptions;

use crate::Error;

/// The address of a PostgreSQL, `postgres://user@host/database`. It may hold a password, so `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct Postgres {
    url: String,
    password: Option<String>,
}

impl Postgres {
    /// Reads an address; `None` if it is none. Whoever tells so must not repeat it, for the password's sake.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let known = url.starts_with("postgres://") || url.starts_with("postgresql://");
        let read = Self { url: url.to_owned(), password: None };
        (known && read.options().is_ok()).then_some(read)
    }

    /// The same with this password, in the place of one in the address, in `PGPASSWORD` or in `~/.pgpass`.
    #[must_use]
    pub fn with_password(self, password: String) -> Self {
        Self { password: Some(password), ..self }
    }

    /// What the driver is told.
    pub(crate) fn options(&self) -> Result<PgConnectOptions, Error> {
        let read: Result<PgConnectOptions, _> = self.url.parse();
        let none = |_| Error::Storage { reason: "its address is none".to_owned() };
        let options = read.map_err(none)?.application_name("matinee");
        Ok(match &self.password {
            Some(password) => options.password(password),
            None => options,
        })
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Postgres(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_its_password_not_printed() {
        let named = Postgres::parse("postgres://me:secret@db.example/matinee").unwrap();
        let named = named.with_password("hidden".to_owned());
        let printed = format!("{named:?}");
        assert!(!printed.contains("secret") && !printed.contains("hidden"));
        let options = named.options().unwrap();
        assert_eq!((options.get_host(), options.get_username()), ("db.example", "me"));
        for none in ["", "matinee.db", "mysql://me@db/x", "postgres://me@db:port/x"] {
            assert_eq!(Postgres::parse(none), None, "{none}");
        }
    }
}
