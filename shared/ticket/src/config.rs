//! Every limit of this crate. In: nothing. Out: constants. Does not know who is to blame when one is passed.

/// Longest token that is looked into at all, in bytes; a longer one is refused unread. An edge's URL ends at 8 KiB.
pub const TOKEN_BYTES_MAX: usize = 4096;
/// Longest document of verification keys, in bytes.
pub const KEYS_BYTES_MAX: usize = 64 * 1024;
/// Most keys of one kind at a time: one in use and some that rotate out or in.
pub const KEYS_MAX: usize = 16;
/// Longest key id of a token key, in characters.
pub const KID_CHARS_MAX: usize = 64;
/// Longest key id of a session key, in characters: it stands in every path.
pub const SESSION_KID_CHARS_MAX: usize = 8;
/// A sealed session, in characters.
pub const SESSION_CHARS: usize = 88;
/// Longest name of a tier, in characters.
pub const TIER_CHARS_MAX: usize = 32;
/// How far an issuer's clock may run ahead of an edge's before a new token is refused, in seconds.
pub const CLOCK_LEAD_S: i64 = 10;
/// Shortest secret of an HS256 key, in bytes (RFC 7518, 3.2).
pub const HS256_BYTES_MIN: usize = 32;
