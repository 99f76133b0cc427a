//! CMAF parts and segments, aligned over all renditions, and the state of every playlist.
