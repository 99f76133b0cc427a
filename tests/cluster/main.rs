//! Films that several processes make: workers that share jobs, and what becomes of films when these die, stand still,
//! are cut off or drained.
//!
//! In: the built program, a PostgreSQL, a bucket. Out: what a house that is alone would have made, byte by byte.

mod alone;
mod beside;
mod drained;
mod kept;
mod late;
mod line;
#[path = "../bucket/server.rs"]
#[allow(dead_code, reason = "recordings use what films do not")]
mod server;
mod shared;
mod site;
mod subtitled;
mod unlike;
mod worker;

use std::time::Duration;

/// How long anything may take that is waited for: two slow processors do other tests as well.
const WAIT_MAX: Duration = Duration::from_secs(400);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
