//! The picture of the test card.
//!
//! In: a size, then a moment for each frame. Out: planes of YUV 4:2:0. Does not know encoders or clocks.
//!
//! [`canvas`] holds the planes and fills shapes, [`font`] has the letters, [`strip`] writes and reads the
//! machine-readable clock, [`card`] puts them together. [`slate`] is another picture of the same letters.

pub mod canvas;
pub mod card;
pub mod font;
pub mod slate;
pub mod strip;

mod calendar;

pub use card::Card;
pub use strip::read_clock;
