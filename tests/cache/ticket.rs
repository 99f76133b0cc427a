//! Viewers' sessions, and what an edge is told to open them.
//!
//! In: a show. Out: claims, sealed sessions, the settings of an edge. Does not know the cases.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use shared_ticket::{Admitted, Algorithm, Claims, PrivateKey, SealedSession, SessionKeys, jwks};
use shared_wire::{Policy, SessionId, ShowId, TicketId};

use crate::origin::EDGE_KEY;

fn now() -> i64 {
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

/// A show no other case knows.
pub(crate) fn fresh_show() -> ShowId {
    ShowId::from_bytes(fresh())
}

/// Good claims for a show.
pub(crate) fn claims(show: ShowId) -> Claims {
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

fn session_keys() -> String {
    SessionKeys::generate("s1", &[4; 32])
}

/// The settings of an edge.
pub(crate) fn settings(origin: &str) -> Vec<(String, String)> {
    let key = PrivateKey::generate(Algorithm::EdDsa, "ed", &[1; 32]).expect("a key");
    [
        ("MATINEE_ORIGIN", origin.to_owned()),
        ("MATINEE_EDGE_KEY", EDGE_KEY.to_owned()),
        ("MATINEE_SESSION_KEYS", session_keys()),
        ("MATINEE_TOKEN_KEYS", jwks([&key])),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// A sealed session as the edge makes them.
pub(crate) fn sealed(claims: &Claims) -> String {
    let keys = SessionKeys::parse(&session_keys()).expect("session keys");
    let session = SealedSession {
        show: claims.show,
        session: claims.session,
        ticket: claims.ticket,
        expires_at: u32::try_from(claims.expires_at).expect("before 2106"),
        admitted: Admitted::from(&claims.policy),
    };
    keys.seal(&session, None).expect("tied to no network")
}
