//! Common Access Tokens (CTA-5007): CBOR Web Tokens (RFC 8392) in COSE (RFC 9052), issued, verified, renewed.
//!
//! In: tokens as text, the keys, what the edge knows of the request. Out: an [`crate::Admission`], or a
//! [`crate::Denial`] that says which claim failed. Does not know JWTs, HTTP or the time.
//!
//! A token is opened in this order: its text ([`cose`]), its key and its MAC or signature, and only then its claims
//! ([`claim`]), which are checked one by one ([`check`]). Whatever is unknown is refused.

pub mod label;

mod cbor;
mod cose;
mod key;
mod claim;
pub(crate) mod open;
mod facts;
mod matches;
mod address;
mod network;
mod check;
mod instead;
mod replay;
mod renew;
mod policy;
mod own;
mod issue;

pub use cbor::Value;
pub use claim::ClaimSet;
pub use facts::{Facts, Transport};
pub use instead::Instead;
pub use issue::CatIssuer;
pub use renew::{Renewal, RenewalBy, Renewed};
pub use replay::{Replay, ReplayMemory, Seen, Use};

pub(crate) use check::{Checked, check, failing};
pub(crate) use instead::asked as instead;
pub(crate) use key::CatKey;
pub(crate) use own::foreign;

#[cfg(test)]
mod tests;
