//! The edge on Fastly Compute.
