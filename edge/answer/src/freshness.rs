//! How long a cache of ours may keep an answer of the origin's.
//!
//! In: its status and headers. Out: [`Freshness`], if it may be kept at all. Does not know the cache. The origin
//! decides and says so in `Surrogate-Control`, or in `Cache-Control` for caches anywhere (RFC 9111, 5.2.2).

use std::time::Duration;

/// How long an answer may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// For this long, counted from when the origin made it, it is fresh.
    pub max_age: Duration,
    /// For this long after that it may be handed out while a newer one is fetched.
    pub stale_while_revalidate: Duration,
    /// For this long past its lifetime it may be handed out while the origin fails (RFC 5861, 4).
    pub stale_if_error: Duration,
    /// How old it is already.
    pub age: Duration,
}

impl Freshness {
    /// What the origin allows; `None` if it does not say, or says no.
    #[must_use]
    pub fn of<'a>(status: u16, header: &dyn Fn(&str) -> Option<&'a str>) -> Option<Self> {
        if !matches!(status, 200 | 404 | 410) {
            return None;
        }
        let ours = header("surrogate-control");
        let policy = ours.or_else(|| header("cache-control"))?;
        let forbids = |name: &str| matches!(name, "no-store" | "no-cache" | "private");
        if directives(policy).any(|(name, _)| forbids(&name)) {
            return None;
        }
        let seconds = |wanted: &str| {
            let found = directives(policy).find(|(name, _)| name == wanted);
            found.and_then(|(_, value)| value.parse().ok()).map(Duration::from_secs)
        };
        let shared = seconds("s-maxage").filter(|_| ours.is_none());
        Some(Self {
            max_age: shared.or_else(|| seconds("max-age"))?,
            stale_while_revalidate: seconds("stale-while-revalidate").unwrap_or_default(),
            stale_if_error: seconds("stale-if-error").unwrap_or_default(),
            age: header("age")
                .and_then(|age| age.trim().parse().ok())
                .map(Duration::from_secs)
                .unwrap_or_default(),
        })
    }
}

fn directives(policy: &str) -> impl Iterator<Item = (String, &str)> {
    policy.split(',').map(|one| {
        let (name, value) = one.split_once('=').unwrap_or((one, ""));
        (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, headers: &[(&str, &'static str)]) -> Option<(u64, u64, u64)> {
        let lookup = |name: &str| headers.iter().find(|one| one.0 == name).map(|one| one.1);
        let fresh = Freshness::of(status, &lookup)?;
        let parts = [fresh.max_age, fresh.stale_while_revalidate, fresh.age];
        Some((parts[0].as_secs(), parts[1].as_secs(), parts[2].as_secs()))
    }

    #[test]
    fn the_origin_says_how_long() {
        let cc = "cache-control";
        assert_eq!(
            of(200, &[(cc, "public, max-age=6, stale-while-revalidate=2")]),
            Some((6, 2, 0))
        );
        assert_eq!(of(200, &[(cc, "max-age=6, s-maxage=\"1\""), ("age", "3")]), Some((1, 0, 3)));
        assert_eq!(
            of(404, &[(cc, "max-age=1"), ("surrogate-control", "max-age=9")]),
            Some((9, 0, 0))
        );
        assert_eq!(of(200, &[(cc, "max-age=1"), ("surrogate-control", "no-store")]), None);
        for policy in ["no-store", "Private, max-age=1", "no-cache", "max-age=x", ""] {
            assert_eq!(of(200, &[(cc, policy)]), None, "{policy}");
        }
        assert_eq!(of(200, &[]), None);
        let sent = |_: &str| Some("max-age=1, stale-if-error=60");
        let kept = Freshness::of(200, &sent).map(|fresh| fresh.stale_if_error);
        assert_eq!(kept, Some(Duration::from_secs(60)));
        assert_eq!(of(500, &[(cc, "max-age=6")]), None);
    }
}
