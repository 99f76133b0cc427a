//! A show's cover and storyboard: small pictures of it, in strips, and when each was.
//!
//! In: when keyframes of a show were; a few keyframes as fragmented MP4. Out: the text that says which strip has which
//! moment ([`machine::Board`]); a strip of pictures as JPEG ([`draw`](draw())). Does not know shows, stores or where
//! the pictures come from.
//!
//! What draws decodes what publishers sent, so it runs in a process of its own, which is asked by [`desk`]: a hostile
//! stream hurts no house, and one that hangs can be killed.

pub mod desk;
pub mod machine;

mod draw;
mod error;

pub use draw::{Spec, draw};
pub use error::Error;
