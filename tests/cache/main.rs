//! Our host's cache, origins and deny list, as seen from both sides: by viewers, and by origins that misbehave.
//!
//! In: the built component (`make edge`). Out: a test per promise. The cache's inner rules are tested beside its code;
//! here it has sockets, breaking connections, restarts and crowds.

mod edge;
mod origin;
mod viewer;

mod collapse;
mod confirm;
mod crowd;
mod deny;
mod failover;
mod purge;
mod restart;
