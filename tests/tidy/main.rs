//! The rules of the house, as tests: a rule that no test holds is a wish.
//!
//! In: the repository as git sees it, and cargo's metadata. Out: for each broken rule, where, and what to do. Does not
//! know what the code does. Function length and the like are clippy's, see `[workspace.lints]` in `Cargo.toml`.

mod tree;

mod direction;
mod docs;
mod layout;
mod licences;
mod locks;
mod metric;
mod panics;
mod purity;
mod text;
