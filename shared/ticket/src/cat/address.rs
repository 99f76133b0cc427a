//! Addresses (`catu`): which parts of a URL must match what.
//!
//! In: the claim, the request. Out: whether it holds. Does not know how texts are matched.
//!
//! A file name is taken apart at its last dot; and, since one writer does it at the first, the claim also holds if it
//! does so under that reading. Every match of a part counts.

use std::borrow::Cow;

use super::key::Dialect;
use super::matches::{BadMatch, Form, Matcher};
use super::{Facts, Value};

/// Where a file name is taken apart.
#[derive(Clone, Copy)]
enum Dot {
    Last,
    First,
}

/// Whether the request's address is what the claim says.
pub(crate) fn holds(
    claim: &Value<'_>,
    facts: &Facts<'_>,
    matcher: &mut Matcher,
) -> Result<bool, BadMatch> {
    let parts = claim.as_map().filter(|parts| !parts.is_empty()).ok_or(BadMatch)?;
    let mut all = [true, true];
    for (part, matches) in parts {
        let part = Part::of(part.as_int().ok_or(BadMatch)?, matcher.dialect)?;
        let by_last = matcher.all_hold(matches, &part.text(facts, Dot::Last), part.form())?;
        // Only these differ; a regular expression in them counts twice.
        let by_first = match part {
            Part::Stem | Part::Extension => {
                matcher.all_hold(matches, &part.text(facts, Dot::First), part.form())?
            }
            _ => by_last,
        };
        let is_default = matches!(part, Part::Port) && port(facts) == default_port(facts);
        // One writer's URLs have no port where it is the scheme's.
        let by_none = is_default && matcher.all_hold(matches, "", part.form())?;
        let (by_last, by_first) = (by_last || by_none, by_first || by_none);
        let [last, first] = &mut all;
        *last &= by_last;
        *first &= by_first;
    }
    let [last, first] = all;
    Ok(last || first)
}

#[derive(Clone, Copy)]
enum Part {
    Scheme,
    Host,
    Port,
    Path,
    Query,
    ParentPath,
    Filename,
    Stem,
    Extension,
}

impl Part {
    const fn of(number: i64, dialect: Dialect) -> Result<Self, BadMatch> {
        match (dialect, number) {
            (Dialect::Standard, 0) => Ok(Self::Scheme),
            (Dialect::Standard | Dialect::Aws, 1) => Ok(Self::Host),
            (Dialect::Standard, 2) => Ok(Self::Port),
            (Dialect::Standard, 3) | (Dialect::Aws, 2) => Ok(Self::Path),
            (Dialect::Standard, 4) => Ok(Self::Query),
            (Dialect::Standard, 5) => Ok(Self::ParentPath),
            (Dialect::Standard, 6) => Ok(Self::Filename),
            (Dialect::Standard, 7) => Ok(Self::Stem),
            (Dialect::Standard, 8) | (Dialect::Aws, 3) => Ok(Self::Extension),
            _ => Err(BadMatch),
        }
    }

    const fn form(self) -> Form {
        match self {
            Self::Scheme | Self::Host => Form::NoCase,
            Self::Query => Form::Query,
            _ => Form::Plain,
        }
    }

    fn text<'f>(self, facts: &Facts<'f>, dot: Dot) -> Cow<'f, str> {
        let (parent, name) = facts.path.rsplit_once('/').unwrap_or(("", facts.path));
        let cut = match dot {
            Dot::Last => name.rfind('.'),
            Dot::First => name.find('.'),
        };
        let (stem, extension) =
            name.split_at_checked(cut.unwrap_or(name.len())).unwrap_or_default();
        Cow::Borrowed(match self {
            Self::Scheme => return lower(facts.scheme),
            Self::Host => return lower(facts.host),
            Self::Port => return Cow::Owned(port(facts).to_string()),
            Self::Path => facts.path,
            Self::Query => facts.query,
            Self::ParentPath => parent,
            Self::Filename => name,
            Self::Stem => stem,
            Self::Extension => extension,
        })
    }
}

fn port(facts: &Facts<'_>) -> u16 {
    facts.port.unwrap_or(default_port(facts))
}

const fn default_port(facts: &Facts<'_>) -> u16 {
    if facts.scheme.eq_ignore_ascii_case("http") { 80 } else { 443 }
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(claim: &Value<'_>, facts: &Facts<'_>) -> Result<bool, BadMatch> {
        holds(claim, facts, &mut Matcher::new(Dialect::Standard))
    }

    #[test]
    fn every_part_is_looked_at() {
        let mut facts = Facts::get(0, "TV.example", "/content/path/file.v2.m3u8");
        facts.query = "b=2&a=1";
        for (part, kind, value, expected) in [
            (0, 0, "https", true),
            (0, 0, "HTTPS", true),
            (0, 0, "http", false),
            (1, 0, "tv.Example", true),
            (1, 2, ".example", true),
            (1, 2, ".example.org", false),
            (2, 0, "443", true),
            (2, 0, "8443", false),
            (2, 0, "", true),
            (3, 1, "/content/", true),
            (3, 1, "/Content/", false),
            (4, 0, "?a=1&b=2", true),
            (4, 0, "b=2&a=1", true),
            (4, 0, "a=1", false),
            (4, 3, "a=1", true),
            (5, 0, "/content/path", true),
            (6, 0, "file.v2.m3u8", true),
            (7, 0, "file.v2", true),
            (7, 0, "file", true),
            (7, 0, "fil", false),
            (8, 0, ".m3u8", true),
            (8, 0, ".v2.m3u8", true),
            (8, 0, "m3u8", false),
        ] {
            let claim = Value::map([(part, Value::map([(kind, value.into())]))]);
            assert_eq!(check(&claim, &facts), Ok(expected), "{part} {kind} {value}");
        }
        let port = Value::map([(2, Value::map([(0, 8443.into())]))]);
        let facts = Facts { port: Some(8443), ..facts };
        assert_eq!(check(&port, &facts), Ok(true));
        let none = Value::map([(2, Value::map([(0, "".into())]))]);
        assert_eq!(check(&none, &facts), Ok(false));
    }

    #[test]
    fn all_parts_hold_and_a_name_is_read_in_one_way() {
        let facts = Facts::get(0, "a", "/x/file.v2.m3u8");
        let both = |stem: &'static str, extension: &'static str| {
            let exact = |text: &'static str| Value::map([(0, text.into())]);
            check(&Value::map([(7, exact(stem)), (8, exact(extension))]), &facts)
        };
        assert_eq!(both("file.v2", ".m3u8"), Ok(true));
        assert_eq!(both("file", ".v2.m3u8"), Ok(true));
        assert_eq!(both("file", ".m3u8"), Ok(false));
        let two = Value::map([(1, "/x/".into()), (2, ".mp4".into())]);
        assert_eq!(check(&Value::map([(3, two)]), &facts), Ok(false));
    }

    #[test]
    fn an_unknown_part_is_bad() {
        let facts = Facts::get(0, "a", "/x");
        let exact = Value::map([(0, "x".into())]);
        for claim in [
            Value::map([(9, exact.clone())]),
            Value::map([(0, Value::map([(0, "http".into())])), (-1, exact)]),
            Value::Map(Vec::new()),
            Value::Null,
        ] {
            assert_eq!(check(&claim, &facts), Err(BadMatch), "{claim:?}");
        }
    }
}
