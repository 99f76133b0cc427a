//! What to answer a viewer: pure decisions, the same on every host.
