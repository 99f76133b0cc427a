//! Delivery directives: what a client asks of a media playlist in its query (6.2.5).
//!
//! In: a query string a stranger sent. Out: [`Directives`], and their one canonical spelling for
//! cache keys. Does not know the playlist; whether a request can be answered is `blocking`'s.

use std::fmt;

/// Longest number read, in digits; `u64` has no longer ones but for leading zeros.
const DIGITS_MAX: usize = 20;

/// What a client asks of a media playlist. [`Display`](fmt::Display) is the canonical query: sorted,
/// numbers without leading zeros, everything else left out; empty if nothing is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Directives {
    /// `_HLS_msn`: wait until this segment is there, …
    pub msn: Option<u64>,
    /// … or with `_HLS_part` this part of it. Never without `msn`.
    pub part: Option<u64>,
    /// `_HLS_skip`: answer with a delta update.
    pub skip: Option<Skip>,
}

/// What a delta update may leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Skip {
    /// Old segments (`YES`).
    Segments,
    /// Old segments and date ranges (`v2`).
    SegmentsAndDateRanges,
}

/// Why a query's directives cannot be followed; always the client's fault (status 400).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectivesError {
    /// The directive's value is not of its form.
    Malformed(&'static str),
    /// The directive is there twice.
    Duplicate(&'static str),
    /// `_HLS_part` without `_HLS_msn` (6.2.5.2).
    PartWithoutMsn,
}

impl fmt::Display for DirectivesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed("_HLS_skip") => f.write_str("_HLS_skip must be YES or v2"),
            Self::Malformed(name) => write!(f, "{name} must be a whole number below 2^64"),
            Self::Duplicate(name) => write!(f, "{name} is given twice"),
            Self::PartWithoutMsn => f.write_str("_HLS_part needs _HLS_msn beside it"),
        }
    }
}

impl std::error::Error for DirectivesError {}

impl Directives {
    /// Reads the directives of a query string, without its `?`. Other parameters are passed over.
    ///
    /// # Errors
    ///
    /// [`DirectivesError`] says which directive is wrong, and how.
    pub fn parse(query: &str) -> Result<Self, DirectivesError> {
        let mut directives = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "_HLS_msn" => once(&mut directives.msn, "_HLS_msn", number(value))?,
                "_HLS_part" => once(&mut directives.part, "_HLS_part", number(value))?,
                "_HLS_skip" => once(&mut directives.skip, "_HLS_skip", skip(value))?,
                _ => {}
            }
        }
        if directives.part.is_some() && directives.msn.is_none() {
            return Err(DirectivesError::PartWithoutMsn);
        }
        Ok(directives)
    }
}

impl fmt::Display for Directives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skip = self.skip.map(|skip| match skip {
            Skip::Segments => "YES".to_owned(),
            Skip::SegmentsAndDateRanges => "v2".to_owned(),
        });
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let all = [("msn", number(self.msn)), ("part", number(self.part)), ("skip", skip)];
        let asked = all.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        for (index, (name, value)) in asked.enumerate() {
            let and = if index > 0 { "&" } else { "" };
            write!(f, "{and}_HLS_{name}={value}")?;
        }
        Ok(())
    }
}

fn once<T>(
    slot: &mut Option<T>,
    name: &'static str,
    value: Option<T>,
) -> Result<(), DirectivesError> {
    let value = value.ok_or(DirectivesError::Malformed(name))?;
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(DirectivesError::Duplicate(name)),
    }
}

fn number(text: &str) -> Option<u64> {
    let form = (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    form.then(|| text.parse().ok()).flatten()
}

fn skip(text: &str) -> Option<Skip> {
    match text {
        "YES" => Some(Skip::Segments),
        "v2" => Some(Skip::SegmentsAndDateRanges),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling_of_a_request_has_one_canonical_form() {
        for (query, canonical) in [
            ("", ""),
            ("token=x&a", ""),
            ("_HLS_msn=12", "_HLS_msn=12"),
            ("_HLS_part=3&_HLS_msn=012", "_HLS_msn=12&_HLS_part=3"),
            ("_HLS_skip=YES&x=1&_HLS_msn=0", "_HLS_msn=0&_HLS_skip=YES"),
            ("_HLS_skip=v2", "_HLS_skip=v2"),
            ("_HLS_future=1", ""),
            ("_HLS_msn=18446744073709551615", "_HLS_msn=18446744073709551615"),
        ] {
            assert_eq!(Directives::parse(query).unwrap().to_string(), canonical, "{query}");
        }
    }

    #[test]
    fn what_cannot_be_followed_is_refused_with_the_reason() {
        use DirectivesError::{Duplicate, Malformed, PartWithoutMsn};
        for (query, error) in [
            ("_HLS_part=0", PartWithoutMsn),
            ("_HLS_msn=", Malformed("_HLS_msn")),
            ("_HLS_msn", Malformed("_HLS_msn")),
            ("_HLS_msn=-1", Malformed("_HLS_msn")),
            ("_HLS_msn=+1", Malformed("_HLS_msn")),
            ("_HLS_msn=1.5", Malformed("_HLS_msn")),
            ("_HLS_msn=%31", Malformed("_HLS_msn")),
            ("_HLS_msn=18446744073709551616", Malformed("_HLS_msn")),
            ("_HLS_msn=000000000000000000001", Malformed("_HLS_msn")),
            ("_HLS_msn=1&_HLS_part=x", Malformed("_HLS_part")),
            ("_HLS_skip=yes", Malformed("_HLS_skip")),
            ("_HLS_msn=1&_HLS_msn=1", Duplicate("_HLS_msn")),
            ("_HLS_skip=v2&_HLS_skip=YES", Duplicate("_HLS_skip")),
        ] {
            assert_eq!(Directives::parse(query), Err(error), "{query}");
        }
    }

    proptest! {
        #[test]
        fn any_query_is_read_without_panic_and_the_canonical_form_reads_back(query in ".{0,200}") {
            if let Ok(directives) = Directives::parse(&query) {
                prop_assert_eq!(Directives::parse(&directives.to_string()), Ok(directives));
            }
        }

        #[test]
        fn directives_read_back(msn: Option<u64>, part: Option<u64>, yes: bool) {
            let part = part.filter(|_| msn.is_some());
            let directives = Directives { msn, part, skip: yes.then_some(Skip::Segments) };
            prop_assert_eq!(Directives::parse(&directives.to_string()), Ok(directives));
        }
    }
}
