//! What one check of a session or a token takes.
//!
//! In: nothing. Out: a line per check on standard output: its name, nanoseconds. The same program is built for
//! WebAssembly and for this machine, so that the two can stand beside each other. Does not know who runs it.

use std::hint::black_box;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use shared_ticket::cat::{CatIssuer, Facts};
use shared_ticket::{
    Algorithm, Claims, Issuer, KeyError, PrivateKey, SealedSession, SessionKeys, Verifier, jwks,
};
use shared_wire::{Policy, SessionId, ShowId, TicketId};

/// How long each check is repeated.
const TIME: Duration = Duration::from_millis(400);
/// Between two looks at the clock.
const BATCH: u32 = 50;
/// A time within the tokens' life, in seconds since the Unix epoch.
const NOW: i64 = 1_500;

fn main() -> io::Result<()> {
    let mut out = io::stdout();
    let wrong = |error: KeyError| io::Error::other(error.to_string());
    let sessions = SessionKeys::parse(&SessionKeys::generate("s1", &[4; 32])).map_err(wrong)?;
    let sealed = sessions.seal(&session(), None);
    let sealed = sealed.map_err(|error| io::Error::other(error.to_string()))?;
    writeln!(out, "session {:.0}", took(|| sessions.open(&sealed, None, NOW).is_ok())?)?;
    let algorithms = [
        ("jwt-hs256", Algorithm::Hs256, [3; 32]),
        ("jwt-es256", Algorithm::Es256, [2; 32]),
        ("jwt-eddsa", Algorithm::EdDsa, [1; 32]),
    ];
    for (name, algorithm, seed) in algorithms {
        let key = PrivateKey::generate(algorithm, "k1", &seed).map_err(wrong)?;
        let verifier = Verifier::from_json(&jwks([&key])).map_err(wrong)?;
        let claims = claims();
        let token = Issuer::new(key).issue(&claims).map_err(wrong)?;
        let show = claims.show;
        writeln!(out, "{name} {:.0}", took(|| verifier.verify(&token, &show, NOW).is_ok())?)?;
    }
    for (name, algorithm) in [("cat-hs256", Algorithm::Hs256), ("cat-es256", Algorithm::Es256)] {
        let key = PrivateKey::generate(algorithm, "k1", &[5; 32]).map_err(wrong)?;
        let key = key.for_cat().map_err(wrong)?;
        let verifier = Verifier::from_json(&jwks([&key])).map_err(wrong)?;
        let claims = claims();
        let token = CatIssuer::new(key).and_then(|by| by.issue(&claims)).map_err(wrong)?;
        let (show, path) = (claims.show, format!("/live/{}/index.m3u8", claims.show));
        let facts = Facts::get(NOW, "edge.test", &path);
        writeln!(out, "{name} {:.0}", took(|| verifier.admit(&token, &facts, &show).is_ok())?)?;
    }
    Ok(())
}

/// Nanoseconds of one good check: the best batch, for what else runs only makes it longer.
fn took(check: impl Fn() -> bool) -> io::Result<f64> {
    if !check() {
        return Err(io::Error::other("a good proof was refused"));
    }
    let start = Instant::now();
    let mut best = f64::MAX;
    while start.elapsed() < TIME {
        let batch = Instant::now();
        for _ in 0..BATCH {
            black_box(check());
        }
        best = best.min(batch.elapsed().as_secs_f64() / f64::from(BATCH));
    }
    Ok(best * 1e9)
}

fn session() -> SealedSession {
    let claims = claims();
    SealedSession {
        show: claims.show,
        session: claims.session,
        ticket: claims.ticket,
        expires_at: 2_000,
        admitted: (&claims.policy).into(),
    }
}

fn claims() -> Claims {
    Claims {
        ticket: TicketId::from_bytes([2; 10]),
        show: ShowId::from_bytes([1; 10]),
        session: SessionId::from_bytes([3; 10]),
        tier: "all".to_owned(),
        policy: Policy::default(),
        issued_at: 1_000,
        not_before: 1_000,
        expires_at: 2_000,
    }
}
