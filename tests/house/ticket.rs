//! What a viewer with a right brings, and what an edge is told to know it.
//!
//! In: a show, an origin's address. Out: claims, a token, a session, the four settings of an edge. Does not know the
//! edge.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use shared_ticket::cat::{CatIssuer, Facts, Value};
use shared_ticket::{
    Admitted, Algorithm, Claims, Issuer, PrivateKey, SealedSession, SessionKeys, Verifier, jwks,
};
use shared_wire::{Policy, SessionId, ShowId, TicketId};

/// The secret by which a fake origin knows its edges.
pub const EDGE_KEY: &str = "an-edge-key-for-tests";

/// Seconds since the Unix epoch.
///
/// # Panics
/// On a clock of before 1970.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_secs()).expect("and long before the end of time")
}

/// Ten bytes that were never given before.
fn fresh() -> [u8; 10] {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let mut bytes = [0x5a; 10];
    bytes[..8].copy_from_slice(&COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    bytes
}

/// A show no other test knows.
#[must_use]
pub fn fresh_show() -> ShowId {
    ShowId::from_bytes(fresh())
}

/// Good claims for a show, each time another session's.
#[must_use]
pub fn claims(show: ShowId) -> Claims {
    Claims {
        ticket: TicketId::from_bytes(fresh()),
        show,
        session: SessionId::from_bytes(fresh()),
        tier: "all".to_owned(),
        policy: Policy::default(),
        issued_at: now() - 10,
        not_before: now() - 10,
        expires_at: now() + 600,
    }
}

/// A key of the house's.
///
/// # Panics
/// If `kid` is none.
#[must_use]
pub fn key(algorithm: Algorithm, kid: &str, seed: u8) -> PrivateKey {
    PrivateKey::generate(algorithm, kid, &[seed; 32]).expect("a key")
}

/// The house's first key.
#[must_use]
pub fn first_key() -> PrivateKey {
    key(Algorithm::EdDsa, "ed", 1)
}

/// A token as the house signs them.
///
/// # Panics
/// If the claims cannot stand in one.
#[must_use]
pub fn token(claims: &Claims) -> String {
    Issuer::new(first_key()).issue(claims).expect("a token")
}

/// The house's key for CATs, of which edges have the secret.
///
/// # Panics
/// If an HS256 key is none for CATs.
#[must_use]
pub fn cat_key() -> PrivateKey {
    key(Algorithm::Hs256, "cat", 6).for_cat().expect("a key for CATs")
}

/// A CAT as the house signs them.
///
/// # Panics
/// If the claims cannot stand in one.
#[must_use]
pub fn cat(claims: &Claims) -> String {
    CatIssuer::new(cat_key()).expect("an issuer").issue(claims).expect("a token")
}

/// The same with one more claim.
///
/// # Panics
/// As [`cat`].
#[must_use]
pub fn cat_with(claims: &Claims, label: i64, value: Value<'static>) -> String {
    cat_with_all(claims, [(label, value)])
}

/// The same with more claims.
///
/// # Panics
/// As [`cat`].
#[must_use]
pub fn cat_with_all(
    claims: &Claims,
    more: impl IntoIterator<Item = (i64, Value<'static>)>,
) -> String {
    let keys = Verifier::from_json(&jwks([&cat_key()])).expect("keys");
    let path = format!("/live/{}/index.m3u8", claims.show);
    let facts = Facts::get(now().min(claims.expires_at - 1), "edge.test", &path);
    let said = keys.check_cat(&cat(claims), &facts).expect("a good token");
    let said = more.into_iter().fold(said, |said, (label, value)| said.with(label, value));
    CatIssuer::new(cat_key()).expect("an issuer").sign(&said).expect("a token")
}

/// The keys that seal sessions.
#[must_use]
pub fn session_keys() -> String {
    SessionKeys::generate("s1", &[4; 32])
}

/// A session as an edge seals it, tied to no network.
///
/// # Panics
/// If the claims tie it to one.
#[must_use]
pub fn sealed(claims: &Claims) -> String {
    let keys = SessionKeys::parse(&session_keys()).expect("session keys");
    keys.seal(&session(claims), None).expect("tied to no network")
}

/// What a session says of such claims.
///
/// # Panics
/// If they end after 2106.
#[must_use]
pub fn session(claims: &Claims) -> SealedSession {
    SealedSession {
        show: claims.show,
        session: claims.session,
        ticket: claims.ticket,
        expires_at: u32::try_from(claims.expires_at).expect("before 2106"),
        admitted: Admitted::from(&claims.policy),
    }
}

/// The settings of an edge, the same four names everywhere.
#[must_use]
pub fn settings(origin: &str) -> Vec<(String, String)> {
    settings_with(origin, &[first_key(), cat_key()])
}

/// The settings of an edge that verifies tokens with these keys.
#[must_use]
pub fn settings_with(origin: &str, keys: &[PrivateKey]) -> Vec<(String, String)> {
    [
        ("MATINEE_ORIGIN", origin.to_owned()),
        ("MATINEE_EDGE_KEY", EDGE_KEY.to_owned()),
        ("MATINEE_SESSION_KEYS", session_keys()),
        ("MATINEE_TOKEN_KEYS", jwks(keys)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}
