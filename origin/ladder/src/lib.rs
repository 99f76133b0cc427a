//! Decode once, scale in a cascade, encode the rungs; the source passes through.
