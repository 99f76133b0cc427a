//! The way in: a token becomes a session.
//!
//! In: a request for a show's multivariant playlist or MPD, and the token of its path. Out: who may watch what, and a
//! renewed token if one is due. Does not know the deny list, nor what the origin will say.

use shared_ticket::cat::{Facts, Renewal, RenewalBy, Transport};
use shared_ticket::{Admission, Denial, TokenError};
use shared_wire::ShowId;

use crate::fetch::Own;
use crate::route::Door;
use crate::token::{self, Carried};
use crate::{Answer, Config, Refusal, Request};

/// What a renewed cookie is, unless its token says otherwise: for this show alone, out of scripts' sight, and kept
/// apart for each site a player is embedded in.
const COOKIE: &str = "; Secure; HttpOnly; SameSite=None; Partitioned; Path=/live/";

/// Who enters.
pub(crate) struct Entrant {
    pub(crate) admission: Admission,
    /// What stands on the answer to them.
    pub(crate) own: Own,
    /// Where they are sent for a renewed token, in place of a playlist.
    pub(crate) redirect: Option<Answer>,
}

/// A request at the way in.
pub(crate) struct Entrance<'a, 'r> {
    pub(crate) config: &'a Config,
    pub(crate) request: &'a Request<'r>,
    pub(crate) id: &'a str,
    pub(crate) show: ShowId,
    /// By which list.
    pub(crate) door: Door,
    /// Seconds since the Unix epoch.
    pub(crate) now: i64,
}

impl<'r> Entrance<'_, 'r> {
    /// Lets in whoever has a token for this show; `path` is the token of the path.
    pub(crate) fn enter(&self, path: Option<&'r str>) -> Result<Entrant, Refusal> {
        let carried = Carried::by(self.request, path)?;
        let (mut admission, how) = self.admission(carried)?;
        let mut own = Own { site: self.request.cookie_site(), renewed: None };
        let mut redirect = None;
        // Whoever has the public half of a key alone cannot renew; the token is good all the same.
        let due = admission.renewal.take();
        let renewed = due.and_then(|due: Renewal| self.config.verifier.renew(&due).ok());
        if let Some(renewed) = renewed {
            match (&renewed.by, renewed.header()) {
                (RenewalBy::Cookie { params, .. }, Some((name, value))) => {
                    let params = if params.is_empty() { self.cookie() } else { String::new() };
                    own.renewed = Some((name, value + &params));
                    own.site = own.site.or_else(|| self.request.site().map(str::to_owned));
                }
                (RenewalBy::Redirect { status }, _) => {
                    redirect = Some(self.redirect(*status, &renewed.token, how));
                }
                (_, header) => own.renewed = header,
            }
        }
        Ok(Entrant { admission, own, redirect })
    }

    /// What the token that counts says: the one that was sent; the cookie, if none was or its time is over.
    fn admission(&self, carried: Carried<'_>) -> Result<(Admission, Transport), Denial> {
        let (sent, cookie) = (carried.sent, carried.cookie.map(|one| (one, Transport::Cookie)));
        let first = sent.or(cookie).unwrap_or_default();
        match (self.verify(first), cookie.filter(|_| sent.is_some())) {
            (Err(denial), Some(cookie)) if denial.error == TokenError::Expired => {
                self.verify(cookie).map_err(|_| denial)
            }
            (result, _) => result,
        }
    }

    fn verify(&self, (token, how): (&str, Transport)) -> Result<(Admission, Transport), Denial> {
        let client = &self.request.client;
        let header = self.request.header;
        let authority = header("host").or(client.authority).unwrap_or_default();
        let (host, port) = split(authority);
        let (path, query) = (format!("/live/{}/{}", self.show, self.door.file()), self.query());
        let facts = Facts {
            now: self.now,
            method: self.request.method,
            // TLS is what ALPN is a part of.
            scheme: client.alpn.map(|_| "https").or(client.scheme).unwrap_or_default(),
            host,
            port,
            path: &path,
            query: &query,
            header: &|name| header(name),
            ip: client.ip,
            asn: client.asn,
            country: client.country,
            alpn: client.alpn,
            transport: how,
            // Every shell does, in its `Memory` or further.
            remembers: true,
        };
        Ok((self.config.verifier.admit(token, &facts, &self.show)?, how))
    }

    fn query(&self) -> String {
        token::query_without(self.request)
    }

    fn cookie(&self) -> String {
        format!("{COOKIE}{}", self.show)
    }

    /// The same address with the new token in it, where the old one was if it was in the address at all.
    fn redirect(&self, status: u16, token: &str, how: Transport) -> Answer {
        let (live, rest) = (format!("/live/{}", self.show), self.query());
        let file = self.door.file();
        let and = if rest.is_empty() { "" } else { "&" };
        let location = match how {
            Transport::Path if rest.is_empty() => format!("{live}/t/{token}/{file}"),
            Transport::Path => format!("{live}/t/{token}/{file}?{rest}"),
            _ => format!("{live}/{file}?{rest}{and}CAT={token}"),
        };
        let mut answer = Answer::new(status, self.id);
        answer.head.put("cache-control", "no-store");
        answer.head.put("location", location);
        answer
    }
}

/// Host and port of an authority (RFC 3986, 3.2).
fn split(authority: &str) -> (&str, Option<u16>) {
    match authority.rsplit_once(':') {
        // An IPv6 address without a port ends in its bracket.
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        _ => (authority, None),
    }
}
