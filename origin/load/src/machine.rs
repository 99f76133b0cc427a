//! What a viewer is, without sockets and clocks.
//!
//! In: times and playlists. Out: what is fetched next, whether it stalls, figures. Does not know HTTP.

mod histogram;
mod place;
mod player;
mod rung;

pub use histogram::{Histogram, Signed};
pub use place::{Next, Place};
pub use player::Player;
pub use rung::Rungs;
