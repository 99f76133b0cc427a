//! What viewers carry: playback tokens for our edge, links for nginx.
//!
//! In: numbers of viewers. Out: tokens and links, each another. Does not know who takes them.

use std::io;
use std::io::Write as _;
use std::process::{Command, Stdio};

use data_encoding::BASE64URL_NOPAD;
use shared_ticket::{
    Algorithm, CatIssuer, Claims, Issuer, KeyError, PrivateKey, SessionKeys, jwks,
};
use shared_wire::{Policy, SessionId, TicketId};

use crate::stage::{EDGE_KEY, LINK_SECRET, SHOW, now};

/// How long they hold, in seconds.
const LIFE_S: u64 = 6 * 3600;
/// The key of JWTs, HS256; njs has it as well.
pub(crate) const KEY: [u8; 32] = [3; 32];
/// The key of CATs, HS256.
const CAT_KEY: [u8; 32] = [5; 32];

/// The settings of our edge.
pub(crate) fn settings(origin: &str) -> io::Result<Vec<(String, String)>> {
    let keys = [jwt_key().map_err(wrong)?, cat_key().map_err(wrong)?];
    let settings = [
        ("MATINEE_ORIGIN", origin.to_owned()),
        ("MATINEE_EDGE_KEY", EDGE_KEY.to_owned()),
        ("MATINEE_SESSION_KEYS", SessionKeys::generate("s1", &[4; 32])),
        ("MATINEE_TOKEN_KEYS", jwks(&keys)),
    ];
    Ok(settings.map(|(name, value)| (name.to_owned(), value)).to_vec())
}

/// JWTs, HS256, one per viewer.
pub(crate) fn jwts(viewers: usize) -> io::Result<Vec<String>> {
    let issuer = Issuer::new(jwt_key().map_err(wrong)?);
    (0..viewers).map(|viewer| issuer.issue(&claims(viewer)?).map_err(wrong)).collect()
}

/// CATs, HS256, one per viewer.
pub(crate) fn cats(viewers: usize) -> io::Result<Vec<String>> {
    let issuer = CatIssuer::new(cat_key().map_err(wrong)?).map_err(wrong)?;
    (0..viewers).map(|viewer| issuer.issue(&claims(viewer)?).map_err(wrong)).collect()
}

fn jwt_key() -> Result<PrivateKey, KeyError> {
    PrivateKey::generate(Algorithm::Hs256, "hs", &KEY)
}

fn cat_key() -> Result<PrivateKey, KeyError> {
    PrivateKey::generate(Algorithm::Hs256, "cat", &CAT_KEY)?.for_cat()
}

fn wrong(error: KeyError) -> io::Error {
    io::Error::other(error.to_string())
}

fn claims(viewer: usize) -> io::Result<Claims> {
    let mut id = [0; 10];
    id[..8].copy_from_slice(&(viewer as u64 + 1).to_be_bytes());
    let now = i64::try_from(now()).map_err(io::Error::other)?;
    Ok(Claims {
        ticket: TicketId::from_bytes(id),
        show: SHOW.parse().map_err(|_| io::Error::other("no id of a show"))?,
        session: SessionId::from_bytes(id),
        tier: "all".to_owned(),
        policy: Policy::default(),
        issued_at: now - 10,
        not_before: now - 10,
        expires_at: now + i64::try_from(LIFE_S).map_err(io::Error::other)?,
    })
}

/// Links as nginx's `secure_link` takes them: to `path`, one per viewer, each with a time and an MD5 of its own.
pub(crate) fn links(path: &str, viewers: usize) -> io::Result<Vec<String>> {
    let expires: Vec<u64> = (0..viewers as u64).map(|viewer| now() + LIFE_S + viewer).collect();
    let texts = expires.iter().map(|expires| format!("{expires}{path} {LINK_SECRET}"));
    let hashes = md5(&texts.collect::<Vec<_>>())?;
    let links = expires.iter().zip(hashes);
    Ok(links.map(|(expires, md5)| format!("{path}?md5={md5}&expires={expires}")).collect())
}

/// The MD5 of each text, base64url. nginx alone still wants it, so OpenSSL makes it, in one process.
fn md5(texts: &[String]) -> io::Result<Vec<String>> {
    let directory = tempfile::tempdir()?;
    let mut openssl = Command::new("openssl");
    openssl.args(["dgst", "-md5", "-r"]);
    for (number, text) in texts.iter().enumerate() {
        let path = directory.path().join(number.to_string());
        std::fs::File::create(&path)?.write_all(text.as_bytes())?;
        openssl.arg(path);
    }
    let said = openssl.stderr(Stdio::inherit()).output()?;
    let hex = String::from_utf8_lossy(&said.stdout).into_owned();
    hex.lines()
        .map(|line| {
            let digits = line.split(' ').next().unwrap_or_default();
            let bytes = data_encoding::HEXLOWER.decode(digits.as_bytes());
            bytes.map(|bytes| BASE64URL_NOPAD.encode(&bytes)).map_err(io::Error::other)
        })
        .collect()
}
