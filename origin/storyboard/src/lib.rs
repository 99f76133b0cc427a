//! A show's cover and storyboard: small pictures of it, in strips, and when each was.
//!
//! In: when keyframes of a show were; a few keyframes as fragmented MP4. Out: the text that says which strip has which
//! moment ([`machine::Board`]); a strip of pictures as JPEG ([`draw`]). Does not know shows, stores or where the
//! pictures come from.
//!
//! [`draw`] decodes what publishers sent, so it runs in a process of its own, for one strip: a hostile stream hurts
//! that one alone, and one that hangs can be killed.

pub mod machine;

mod draw;
mod error;

pub use draw::{Spec, draw};
pub use error::Error;
