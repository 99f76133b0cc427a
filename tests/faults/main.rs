//! Bad input and bad luck: each has a clear error, and nothing else is disturbed.
//!
//! In: the built program. Out: what the person at fault is told, and proof that a show beside it goes on. Does not know
//! the inside.

mod bystander;
mod database;
mod disk;
mod hostile;
mod publishing;
mod retention;
mod starting;
mod two_nodes;
mod viewing;
