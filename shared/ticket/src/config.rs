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

/// Most CBOR items in a CAT's claims, and in each of its headers: a claim that redirects with a new token has some 30.
pub const CBOR_ITEMS_MAX: usize = 512;
/// How deep CBOR may nest: a new token's `catu` inside `catif` stands ten deep.
pub const CBOR_DEPTH_MAX: usize = 12;
/// Most keys that are tried for a CAT which names none.
pub const UNNAMED_KEYS_MAX: usize = 4;
/// Most regular expressions in one CAT.
pub const REGEXES_MAX: usize = 4;
/// Longest regular expression, in bytes.
pub const REGEX_BYTES_MAX: usize = 256;
/// The memory one compiled regular expression may take, in bytes: it bounds its steps per byte of text.
pub const REGEX_SIZE_MAX: usize = 8 * 1024;
/// Longest text that is matched with a regular expression, in bytes; a longer one does not match.
pub const REGEX_TEXT_BYTES_MAX: usize = 2048;
/// How long a session may last that began with a CAT without `exp`, in seconds.
pub const UNLIMITED_CAT_S: i64 = 12 * 3600;
/// How long before its end a CAT with `catr` and no deadline is renewed, in seconds.
pub const RENEWAL_DEADLINE_S: i64 = 60;
/// The furthest `catr` may move the end of a token, in seconds.
pub const RENEWAL_S_MAX: i64 = 7 * 24 * 3600;
/// Most headers of the answer that `catif` asks for.
pub const CATIF_HEADERS_MAX: usize = 8;
/// Longest value of a header that a claim asks for, in bytes.
pub const HEADER_BYTES_MAX: usize = 4096;
