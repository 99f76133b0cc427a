//! The numbers of CWT and CAT claims (IANA "CBOR Web Token (CWT) Claims", CTA-5007).
//!
//! In: nothing. Out: constants, and a claim's name. Does not know what claims mean.

/// Issuer.
pub const ISS: i64 = 1;
/// Subject: in our tokens the ticket.
pub const SUB: i64 = 2;
/// Audience.
pub const AUD: i64 = 3;
/// End, in seconds since the Unix epoch.
pub const EXP: i64 = 4;
/// Beginning, in seconds since the Unix epoch.
pub const NBF: i64 = 5;
/// When it was issued, in seconds since the Unix epoch.
pub const IAT: i64 = 6;
/// The token's id: in our tokens the session.
pub const CTI: i64 = 7;
/// Confirmation key.
pub const CNF: i64 = 8;
/// Where the viewer is, as a geohash.
pub const GEOHASH: i64 = 282;
/// The first of the eight claims of watermarking tokens (DASH-IF).
pub const WM_FIRST: i64 = 300;
/// The last of them.
pub const WM_LAST: i64 = 307;
/// Whether the token may be used again.
pub const CATREPLAY: i64 = 308;
/// Probability of rejection.
pub const CATPOR: i64 = 309;
/// Version of the specification.
pub const CATV: i64 = 310;
/// Networks the viewer may come from.
pub const CATNIP: i64 = 311;
/// Addresses it is good for.
pub const CATU: i64 = 312;
/// Methods it is good for.
pub const CATM: i64 = 313;
/// Application protocols it is good on.
pub const CATALPN: i64 = 314;
/// Headers the request must have.
pub const CATH: i64 = 315;
/// Countries it is good in.
pub const CATGEOISO3166: i64 = 316;
/// Places it is good at.
pub const CATGEOCOORD: i64 = 317;
/// Heights it is good at.
pub const CATGEOALT: i64 = 318;
/// The hash of the viewer's TLS public key.
pub const CATTPK: i64 = 319;
/// Data for whoever reads `catif`.
pub const CATIFDATA: i64 = 320;
/// Proof of possession.
pub const CATDPOP: i64 = 321;
/// What to answer if a claim fails.
pub const CATIF: i64 = 322;
/// How the token renews itself.
pub const CATR: i64 = 323;
/// The fingerprint of the viewer's TLS handshake.
pub const CATTPRINT: i64 = 324;
/// Ours alone: `{0: show, 1: tier, 2: policy}`.
pub const MATINEE: i64 = -70_001;

/// The name of a claim, if it has one.
#[must_use]
pub const fn name(label: i64) -> Option<&'static str> {
    Some(match label {
        ISS => "iss",
        SUB => "sub",
        AUD => "aud",
        EXP => "exp",
        NBF => "nbf",
        IAT => "iat",
        CTI => "cti",
        CNF => "cnf",
        GEOHASH => "geohash",
        300 => "wmver",
        301 => "wmvnd",
        302 => "wmpatlen",
        303 => "wmsegduration",
        304 => "wmpattern",
        305 => "wmid",
        306 => "wmopid",
        307 => "wmkeyver",
        CATREPLAY => "catreplay",
        CATPOR => "catpor",
        CATV => "catv",
        CATNIP => "catnip",
        CATU => "catu",
        CATM => "catm",
        CATALPN => "catalpn",
        CATH => "cath",
        CATGEOISO3166 => "catgeoiso3166",
        CATGEOCOORD => "catgeocoord",
        CATGEOALT => "catgeoalt",
        CATTPK => "cattpk",
        CATIFDATA => "catifdata",
        CATDPOP => "catdpop",
        CATIF => "catif",
        CATR => "catr",
        CATTPRINT => "cattprint",
        _ => return None,
    })
}
