//! Every route, in process: what it answers to its callers and to strangers.
//!
//! In: a test house. Out: assertions. Does not know how the house does it.

mod devices;
mod hostile;
mod listing;
mod openapi;
mod playback;
mod pull;
mod revoking;
mod rights;
mod showing;
mod tiers;
mod timed;
