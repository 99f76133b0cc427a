//! Accounts: creators who upload, and see to what they uploaded, without the administrator's credential.
//!
//! In: nothing. Out: serde types. Does not know who may do what.

use serde::{Deserialize, Serialize};

/// Characters of an account's name.
pub const ACCOUNT_CHARS_MAX: usize = 64;

/// `POST /v1/accounts`: what to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Its name: 1 to 64 of `a-z 0-9 . _ -`, the first a letter or a digit.
    pub account: String,
    /// Bytes that its uploads and assets may take; absent: as many as the house has room for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<u64>,
}

/// An account with the one sight of its token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedAccount {
    /// Its name.
    pub account: String,
    /// The token, a secret; it is stored hashed and cannot be shown again.
    pub token: String,
}

impl core::fmt::Debug for CreatedAccount {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CreatedAccount").field("account", &self.account).finish_non_exhaustive()
    }
}

/// `PUT /v1/accounts/{account}/quota`: what it may take from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewQuota {
    /// Bytes that its uploads and assets may take; absent: as many as the house has room for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<u64>,
}

/// `GET /v1/accounts/{account}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub account: String,
    /// Bytes that its uploads and assets may take, if it has a quota of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<u64>,
    /// Bytes that they take: assets, uploads by the length they said, and those of unknown length by what has come.
    pub used_bytes: u64,
    /// When it was made.
    pub created_at: i64,
}

/// `GET /v1/accounts`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountList {
    /// A page of them, newest first.
    pub accounts: Vec<Account>,
    /// The cursor of the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `GET /v1/account`: what whoever asks takes, and may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The account that asks; absent: the administrator does, and it is about the whole house.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Bytes that may be taken, if there is a quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<u64>,
    /// Bytes that are taken.
    pub used_bytes: u64,
}
