//! Where a request carries its playback token.
//!
//! In: a request, and the token of its path if it has one. Out: [`Carried`]. Does not know what a token says.
//!
//! Looked at in this order, and all of them must be the same token:
//! 1. the header `CTA-Common-Access-Token` (CTA-5007),
//! 2. `Authorization: Bearer …`,
//! 3. the query's `CAT`, `cat` or `token`,
//! 4. the path, `/live/<show>/t/<token>/index.m3u8`.
//!
//! The cookie `CTA-Common-Access-Token` comes last: a browser sends it unasked, and it may be older or, renewed, newer
//! than what the page's link holds. It counts if nothing else is there, or if what is there has expired.

use shared_ticket::cat::Transport;

use crate::{Refusal, Request};

/// The name of the header and of the cookie (CTA-5007); of the cookie in any case, since some write it in lower case.
const NAME: &str = "cta-common-access-token";
/// The query's names for a token: AWS's, node-cat's, ours.
pub(crate) const PARAMETERS: [&str; 3] = ["CAT", "cat", "token"];

/// What a request carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Carried<'a> {
    /// What was sent on purpose, and how.
    pub(crate) sent: Option<(&'a str, Transport)>,
    /// What the browser keeps.
    pub(crate) cookie: Option<&'a str>,
}

impl<'a> Carried<'a> {
    /// All that `request` carries; `path` is the token of its path.
    pub(crate) fn by(request: &Request<'a>, path: Option<&'a str>) -> Result<Self, Refusal> {
        let header = (request.header)(NAME).map(str::trim);
        let bearer = (request.header)("authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let [aws, node_cat, ours] = PARAMETERS.map(|name| request.parameter(name));
        let mut sent = None;
        for (token, how) in [
            (header, Transport::Header),
            (bearer, Transport::Header),
            (aws, Transport::Query),
            (node_cat, Transport::Query),
            (ours, Transport::Query),
            (path, Transport::Path),
        ] {
            let Some(token) = token else { continue };
            match sent {
                Some((other, _)) if other != token => return Err(Refusal::TokensDiffer),
                Some(_) => {}
                None => sent = Some((token, how)),
            }
        }
        Ok(Self { sent, cookie: cookie(request) })
    }
}

/// The query without the tokens in it: what a token says of the query is said of the rest.
pub(crate) fn query_without(request: &Request<'_>) -> String {
    let is_token = |pair: &&str| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        PARAMETERS.contains(&name)
    };
    let query = request.short_query().unwrap_or_default();
    query.split('&').filter(|pair| !is_token(pair)).collect::<Vec<_>>().join("&")
}

/// Whether a browser sent a token of its own accord.
pub(crate) fn has_cookie(request: &Request<'_>) -> bool {
    cookie(request).is_some()
}

fn cookie<'a>(request: &Request<'a>) -> Option<&'a str> {
    let mut pairs = (request.header)("cookie")?.split(';').filter_map(|pair| pair.split_once('='));
    let is_ours = |name: &str| name.trim().eq_ignore_ascii_case(NAME);
    pairs.find(|(name, _)| is_ours(name)).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Client;

    /// What was sent, and what the browser keeps.
    type Both = (Option<String>, Option<String>);

    fn carried(
        query: Option<&str>,
        headers: &[(&str, &str)],
        path: Option<&str>,
    ) -> Result<Both, Refusal> {
        let header = |name: &str| headers.iter().find(|one| one.0 == name).map(|one| one.1);
        let client = Client::default();
        let request = Request { method: "GET", path: "/", query, header: &header, client };
        let carried = Carried::by(&request, path)?;
        Ok((carried.sent.map(|(token, _)| token.to_owned()), carried.cookie.map(str::to_owned)))
    }

    #[test]
    fn every_way_to_carry_one_is_found() {
        let sent = Ok((Some("t".to_owned()), None));
        assert_eq!(carried(None, &[(NAME, "t")], None), sent);
        assert_eq!(carried(None, &[("authorization", "bearer t")], None), sent);
        for query in ["CAT=t", "a=b&cat=t", "token=t&x"] {
            assert_eq!(carried(Some(query), &[], None), sent, "{query}");
        }
        assert_eq!(carried(None, &[], Some("t")), sent);
        assert_eq!(carried(Some("CAT=t&token=t"), &[(NAME, "t")], Some("t")), sent);
        let cookie = carried(None, &[("cookie", "a=b; CTA-Common-Access-Token=t; c=d")], None);
        assert_eq!(cookie, Ok((None, Some("t".to_owned()))));
        assert_eq!(carried(Some("x=y"), &[("authorization", "Basic t")], None), Ok((None, None)));
    }

    #[test]
    fn two_that_differ_are_none() {
        for (query, headers, path) in [
            (Some("CAT=a&token=b"), &[][..], None),
            (Some("CAT=a&CAT=b"), &[(NAME, "a")], None),
            (Some("cat=a"), &[(NAME, "b")], None),
            (Some("cat=a"), &[("authorization", "Bearer b")], None),
            (Some("token=a"), &[], Some("b")),
        ] {
            assert_eq!(carried(query, headers, path), Err(Refusal::TokensDiffer), "{query:?}");
        }
        let both = carried(Some("token=a"), &[("cookie", "CTA-Common-Access-Token=b")], None);
        assert_eq!(both, Ok((Some("a".to_owned()), Some("b".to_owned()))));
    }
}
