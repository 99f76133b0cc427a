//! The pure part: which addresses are fetched, and when a packet is due.
//!
//! In: texts, addresses, times. Out: decisions. Does not know sockets or clocks.

pub mod pace;
pub mod source;
