//! Playback tokens and sealed sessions: the two proofs a viewer carries.
//!
//! In: random bytes, keys as text, the time as an argument. Out: a signed [`Claims`] token (JWT, RFC 7519) that
//! the edge verifies once, and a [`SealedSession`], 88 characters that stand in every later path. Does not know
//! where keys are stored, who bought what, or what time it is. Compiles for `wasm32` and asks its host for
//! nothing.
//!
//! ```
//! use shared_ticket::{Algorithm, Claims, Issuer, PrivateKey, Verifier, jwks};
//! use shared_wire::{Policy, SessionId, ShowId, TicketId};
//! // The house makes a key once, stores `key.to_text()`, and hands the public part to its edges.
//! let key = PrivateKey::generate(Algorithm::EdDsa, "k1", &[7; 32])?;
//! let verifier = Verifier::from_json(&jwks([&key]))?;
//! let show = ShowId::from_bytes([1; 10]);
//! let claims = Claims {
//!     ticket: TicketId::from_bytes([2; 10]),
//!     show,
//!     session: SessionId::from_bytes([3; 10]),
//!     tier: "all".into(),
//!     policy: Policy::default(),
//!     issued_at: 1_000,
//!     not_before: 1_000,
//!     expires_at: 2_000,
//! };
//! let token = Issuer::new(key).issue(&claims)?;
//! assert_eq!(verifier.verify(&token, &show, 1_500), Ok(claims));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod config;

mod claims;
mod key;
mod mac;
mod issue;
mod verify;
pub mod cat;
mod admit;
mod session;
mod error;

pub use admit::{Admission, Denial};
pub use cat::CatIssuer;
pub use claims::{AUDIENCE, Claims, ISSUER};
pub use error::{KeyError, SessionError, TokenError};
pub use issue::Issuer;
pub use key::{Algorithm, PrivateKey, Purpose, jwks};
pub use session::{Admitted, Marker, SealedSession, SessionKeys};
pub use verify::Verifier;
