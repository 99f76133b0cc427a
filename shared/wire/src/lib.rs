//! What crosses a process border, said once.
//!
//! In: nothing. Out: ids, object keys, API shapes, the error body, header names. Does not know sockets, databases or
//! playlists. Compiles for `wasm32`, imports nothing.

pub mod api;
pub mod header;
pub mod key;
pub mod upload;

mod id;
mod policy;
mod problem;
mod request_id;
mod who;

pub use id::{AssetId, ID_BYTES, ID_CHARS, Id, IdError, SessionId, ShowId, TicketId};
pub use policy::{Bind, COUNTRIES_MAX, Countries, Country, CountryError, Policy, Watermark};
pub use problem::Problem;
pub use request_id::is_request_id;
pub use who::Who;
