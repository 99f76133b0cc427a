//! Uploads that can be resumed, by tus 1.0 (<https://tus.io/protocols/resumable-upload>), and the bytes behind them.
//!
//! In: requests; a [`Ledger`] that all nodes share; a [`Store`] for bytes. Out: whole files, each under the name of an
//! asset. Does not know shows, databases, nor what is in the files.
//!
//! [`machine`] is the protocol: headers and an upload's state in, a decision out. The driver streams bodies to the
//! store while it holds the upload in the ledger: one holder at a time over all nodes, each with a fence of its own.

pub mod machine;

mod config;
mod disk;
mod driver;
mod error;
mod far;
mod moved;
mod port;

pub use config::Config;
pub use disk::Disk;
pub use driver::{Authorise, Uploads, router};
pub use error::Error;
pub use far::{Far, Limits, Whole};
pub use moved::Moved;
pub use port::{Kept, Ledger, Lock, New, Reply, Save, Session, Store, Writer};
