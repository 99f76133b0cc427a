//! Signed `GET`s of S3: AWS Signature Version 4 in the header `Authorization`.
//!
//! In: a bucket, credentials, a key, the time. Out: where to ask, and the headers to ask with. Knows no clocks, nor
//! who sends. The body of a `GET` is empty and goes unsigned (`UNSIGNED-PAYLOAD`), as S3 allows.
//!
//! A key is derived for a day, by four HMACs; whoever keeps it ([`DayKey`]) pays for two hashes a request.

use data_encoding::HEXLOWER;
use hmac_sha256::{HMAC, Hash};

use super::{ALGORITHM, Bucket, Credentials, derived_key, place, stamp};
use crate::sign::{SignError, path};

/// What is said of a body that is not signed.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
/// The service in the scope of a signature.
const SERVICE: &str = "s3";

/// Signs requests for one bucket. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Requests {
    is_tls: bool,
    authority: String,
    /// What paths begin with, percent-encoded.
    base: Vec<u8>,
    region: String,
    credentials: Credentials,
}

/// The key of one day, derived. Its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct DayKey {
    day: String,
    mac: HMAC,
}

impl std::fmt::Debug for DayKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DayKey").field("day", &self.day).finish_non_exhaustive()
    }
}

/// A request to send. `Host` is the bucket's [`Requests::authority`]; it is signed as well.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed {
    /// The path, percent-encoded.
    pub path: String,
    /// The headers that make it good, in lower case.
    pub headers: Vec<(&'static str, String)>,
}

impl Requests {
    /// For a bucket.
    ///
    /// # Errors
    /// If the endpoint is no URL of a host, a name cannot stand in a URL, or a secret is empty or no text of a header.
    pub fn new(bucket: &Bucket, credentials: Credentials) -> Result<Self, SignError> {
        let (origin, scheme_bytes, base) = place(bucket, &credentials.access_key)?;
        let token = credentials.session_token.as_deref();
        let words = [Some(credentials.secret_key.as_str()), token];
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_graphic());
        if !words.into_iter().flatten().all(is_word) {
            return Err(SignError::Bucket);
        }
        let (scheme, authority) = origin.split_at_checked(scheme_bytes).ok_or(SignError::Base)?;
        let is_tls = scheme == "https://";
        // What a client leaves out of `Host` must not be signed.
        let usual = if is_tls { ":443" } else { ":80" };
        let authority = authority.strip_suffix(usual).unwrap_or(authority).to_owned();
        Ok(Self { is_tls, authority, base, region: bucket.region.clone(), credentials })
    }

    /// Whether the bucket is spoken to over TLS.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// The host, with the port if it is not the usual one.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The request for the object with this key at `now`, in seconds since the Unix epoch. The derived key is taken
    /// from where it is kept, and put there, if it is another day's.
    #[must_use]
    pub fn get(&self, key: &str, kept: &mut Option<DayKey>, now: i64) -> Signed {
        let mut path = self.base.clone();
        encoded_path(key, &mut path);
        let stamp = stamp(now);
        let token = self.credentials.session_token.as_deref();
        let all = [
            Some(("host", self.authority.as_str())),
            Some(("x-amz-content-sha256", UNSIGNED)),
            Some(("x-amz-date", stamp.as_str())),
            token.map(|token| ("x-amz-security-token", token)),
        ];
        let signed: Vec<(&'static str, &str)> = all.into_iter().flatten().collect();
        let asked = Asked { path: &path, query: b"", headers: &signed, payload: UNSIGNED };
        let scope = Scope { stamp: &stamp, region: &self.region, service: SERVICE };
        let authorization = asked.authorization(&scope, &self.credentials, kept);
        let mut headers = vec![("authorization", authorization)];
        let ours = signed.iter().filter(|(name, _)| *name != "host");
        headers.extend(ours.map(|(name, value)| (*name, (*value).to_owned())));
        Signed { path: String::from_utf8_lossy(&path).into_owned(), headers }
    }
}

/// Appends a path as S3 signs it: each byte is encoded once, `/` stays.
fn encoded_path(key: &str, out: &mut Vec<u8>) {
    path::canonical(key.replace('%', "%25").as_bytes(), true, out);
}

/// A `GET` as it is signed.
pub(in crate::sign) struct Asked<'a> {
    pub(in crate::sign) path: &'a [u8],
    /// Canonical: encoded, in the order of names.
    pub(in crate::sign) query: &'a [u8],
    /// All that are signed, in the order of their names.
    pub(in crate::sign) headers: &'a [(&'static str, &'a str)],
    /// The hash of the body, or what is said in its place.
    pub(in crate::sign) payload: &'a str,
}

/// When, where and for what a signature is good.
pub(in crate::sign) struct Scope<'a> {
    pub(in crate::sign) stamp: &'a str,
    pub(in crate::sign) region: &'a str,
    pub(in crate::sign) service: &'a str,
}

impl Asked<'_> {
    /// The value of `Authorization`.
    pub(in crate::sign) fn authorization(
        &self,
        scope: &Scope<'_>,
        credentials: &Credentials,
        kept: &mut Option<DayKey>,
    ) -> String {
        let Scope { stamp, region, service } = scope;
        let day = stamp.get(..8).unwrap_or_default();
        let mut mac = match kept.as_ref().filter(|kept| kept.day == day) {
            Some(kept) => kept.mac.clone(),
            None => {
                let mac = HMAC::new(derived_key(&credentials.secret_key, day, region, service));
                *kept = Some(DayKey { day: day.to_owned(), mac: mac.clone() });
                mac
            }
        };
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let place = format!("{day}/{region}/{service}/aws4_request");
        mac.update(format!("{ALGORITHM}\n{stamp}\n{place}\n"));
        mac.update(HEXLOWER.encode(&self.hash(&names)));
        let signature = HEXLOWER.encode(&mac.finalize());
        let access_key = &credentials.access_key;
        format!(
            "{ALGORITHM} Credential={access_key}/{place}, SignedHeaders={names}, \
             Signature={signature}"
        )
    }

    /// The hash of the canonical request.
    fn hash(&self, names: &str) -> [u8; 32] {
        let mut request = Hash::new();
        for piece in [b"GET\n", self.path, b"\n", self.query, b"\n"] {
            request.update(piece);
        }
        for (name, value) in self.headers {
            request.update(format!("{name}:{}\n", value.trim()));
        }
        request.update(format!("\n{names}\n{}", self.payload));
        request.finalize()
    }
}

#[cfg(test)]
mod tests;
