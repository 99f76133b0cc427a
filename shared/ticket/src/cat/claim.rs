//! The claims of a CAT, any of them.
//!
//! In: CBOR, or claims one by one. Out: [`ClaimSet`], and CBOR again. Does not know what claims mean.

use super::{Value, label};
use crate::TokenError;

/// Claims by their numbers ([`label`]), each once.
///
/// ```
/// use shared_ticket::cat::{ClaimSet, Value, label};
/// let claims = ClaimSet::new()
///     .with(label::ISS, "matinee")
///     .with(label::EXP, 2_000)
///     .with(label::CATU, Value::map([(3, Value::map([(1, "/live/".into())]))]));
/// assert_eq!(claims.get(label::EXP).and_then(Value::as_int), Some(2_000));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClaimSet<'a> {
    claims: Vec<(i64, Value<'a>)>,
}

impl<'a> ClaimSet<'a> {
    /// No claims.
    #[must_use]
    pub const fn new() -> Self {
        Self { claims: Vec::new() }
    }

    /// The same with a claim, in place of one of that number.
    #[must_use]
    pub fn with(mut self, label: i64, value: impl Into<Value<'a>>) -> Self {
        self.set(label, value.into());
        self
    }

    pub(crate) fn set(&mut self, label: i64, value: Value<'a>) {
        match self.claims.iter_mut().find(|(other, _)| *other == label) {
            Some((_, old)) => *old = value,
            None => self.claims.push((label, value)),
        }
    }

    /// A claim.
    #[must_use]
    pub fn get(&self, label: i64) -> Option<&Value<'a>> {
        self.claims.iter().find(|(other, _)| *other == label).map(|(_, value)| value)
    }

    /// All of them, in the token's order.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &Value<'a>)> {
        self.claims.iter().map(|(label, value)| (*label, value))
    }

    /// The same, borrowing from nothing.
    #[must_use]
    pub fn into_owned(self) -> ClaimSet<'static> {
        let claims = self.claims.into_iter().map(|(label, value)| (label, value.into_owned()));
        ClaimSet { claims: claims.collect() }
    }

    /// Reads the payload of a token.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, TokenError> {
        Self::of(Value::read(bytes).ok_or(TokenError::Malformed)?)
    }

    /// The claims that a map is. Their names must be numbers.
    pub(crate) fn of(map: Value<'a>) -> Result<Self, TokenError> {
        let Value::Map(pairs) = map else { return Err(TokenError::Malformed) };
        let claim = |(key, value): (Value<'a>, Value<'a>)| key.as_int().map(|key| (key, value));
        let claims: Option<Vec<_>> = pairs.into_iter().map(claim).collect();
        Ok(Self { claims: claims.ok_or(TokenError::Malformed)? })
    }

    /// The same under other numbers, which must not meet.
    pub(crate) fn renamed(mut self, rename: impl Fn(i64) -> i64) -> Result<Self, TokenError> {
        let claims = std::mem::take(&mut self.claims);
        for (label, value) in claims {
            let label = rename(label);
            if self.get(label).is_some() {
                return Err(TokenError::BadClaim(label));
            }
            self.claims.push((label, value));
        }
        Ok(self)
    }

    /// The payload of a token.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let pairs = self.claims.iter().map(|(label, value)| (*label, value.clone()));
        Value::map(pairs).to_bytes()
    }

    /// A point in time: a whole number, or one with a fraction (RFC 8392, 2), which is cut off.
    pub(crate) fn time(&self, label: i64) -> Result<Option<i64>, TokenError> {
        match self.get(label) {
            None => Ok(None),
            Some(Value::Int(seconds)) => Ok(Some(*seconds)),
            #[expect(clippy::cast_possible_truncation, reason = "it is within 2^53 here")]
            Some(Value::Float(seconds)) if seconds.abs() < 9e15 => Ok(Some(seconds.floor() as i64)),
            Some(_) => Err(TokenError::BadClaim(label)),
        }
    }

    /// A text.
    pub(crate) fn text(&self, label: i64) -> Result<Option<&str>, TokenError> {
        self.get(label).map(|value| value.as_text().ok_or(TokenError::BadClaim(label))).transpose()
    }

    /// The token's id, as bytes.
    pub(crate) fn cti(&self) -> Result<Option<&[u8]>, TokenError> {
        self.get(label::CTI)
            .map(|value| value.as_bytes().ok_or(TokenError::BadClaim(label::CTI)))
            .transpose()
    }
}
