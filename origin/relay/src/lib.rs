//! Fetches a show that is on the air elsewhere: HLS or RTMP to one transport stream, in real time.
//!
//! In: an address. Out: MPEG-TS on standard output, until the source ends. Does not know shows, nor who reads it: it
//! runs in a process of its own, so that a hostile source hurts that one alone, and one that hangs can be killed.
//!
//! [`machine::source`] says which addresses may be fetched, [`machine::pace`] when a packet is due; the driver reads
//! and writes by libavformat. It does not try again by itself: who started it does.

pub mod machine;

mod config;
mod driver;
mod error;

pub use driver::relay;
pub use error::Error;
