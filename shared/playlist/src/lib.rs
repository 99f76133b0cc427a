//! HLS playlists as text: rendering, parsing, blocking rules, byte-preserving rewriting.
