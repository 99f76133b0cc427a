//! Our own host for the edge component, with an HTTP cache and request collapsing under it.
