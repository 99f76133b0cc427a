//! The protocol, tus 1.0.0: a request's headers and an upload's state in, a decision out.
//!
//! In: headers of strangers, an [`Upload`](shared_wire::upload::Upload), limits. Out: what is to be done, or a
//! [`Refusal`]. Does not know bodies, files, clocks or who holds what.

mod request;
mod metadata;
mod checksum;
mod concat;
mod decide;

pub use checksum::{ALGORITHMS, Checksum, Sum};
pub use concat::{Concat, parts_of};
pub use decide::{Chunk, Create, Patch, Plan, create, gone, head, patch, taken};
pub use metadata::Metadata;
pub use request::{Method, Refusal, method, name, version};

/// The version of the protocol.
pub const VERSION: &str = "1.0.0";
/// What it does beyond the core.
pub const EXTENSIONS: &str = "creation,creation-with-upload,creation-defer-length,expiration,\
    checksum,termination,concatenation";

#[cfg(test)]
mod tests;
