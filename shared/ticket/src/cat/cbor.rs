//! CBOR (RFC 8949) as tokens use it.
//!
//! In: bytes nobody has vouched for. Out: a tree of [`Value`]s that borrows from them; and bytes again, in the shortest
//! form. Does not know claims.
//!
//! Refused: more than [`CBOR_ITEMS_MAX`] items or [`CBOR_DEPTH_MAX`] levels, a key twice in a map, lengths that are not
//! said in advance, integers beyond 64 bits with sign, and anything after the end.

use std::borrow::Cow;
use std::convert::Infallible;

use minicbor::data::{Tag, Type};
use minicbor::encode::Error;
use minicbor::{Decoder, Encoder};

use crate::config::{CBOR_DEPTH_MAX, CBOR_ITEMS_MAX};

/// "This map may have keys of any type": cbor-x writes it around every map. It says nothing, and is dropped.
const TAG_MAP: u64 = 259;

/// A CBOR data item.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Null, and undefined.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number with a fraction; some writers use it for every large number.
    Float(f64),
    /// A byte string.
    Bytes(Cow<'a, [u8]>),
    /// A text.
    Text(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// A map, in the order of its bytes.
    Map(Vec<(Value<'a>, Value<'a>)>),
    /// A tagged item.
    Tag(u64, Box<Value<'a>>),
}

impl<'a> Value<'a> {
    /// Reads one item, which must be all there is.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader { decoder: Decoder::new(bytes), items_left: CBOR_ITEMS_MAX };
        let value = reader.value(CBOR_DEPTH_MAX)?;
        (reader.decoder.position() == bytes.len()).then_some(value)
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::with_capacity(128));
        // Writing to memory cannot fail: its error has no value.
        let Ok(()) = self.write(&mut encoder) else { return Vec::new() };
        encoder.into_writer()
    }

    fn write(&self, to: &mut Encoder<Vec<u8>>) -> Result<(), Error<Infallible>> {
        match self {
            Self::Null => to.null()?,
            Self::Bool(value) => to.bool(*value)?,
            Self::Int(value) => to.i64(*value)?,
            Self::Float(value) => to.f64(*value)?,
            Self::Bytes(bytes) => to.bytes(bytes)?,
            Self::Text(text) => to.str(text)?,
            Self::Array(items) => {
                to.array(items.len() as u64)?;
                items.iter().try_for_each(|item| item.write(to))?;
                to
            }
            Self::Map(pairs) => {
                to.map(pairs.len() as u64)?;
                pairs.iter().try_for_each(|(key, value)| {
                    key.write(to)?;
                    value.write(to)
                })?;
                to
            }
            Self::Tag(tag, item) => {
                to.tag(Tag::new(*tag))?;
                item.write(to)?;
                to
            }
        };
        Ok(())
    }

    /// A map of integer keys.
    #[must_use]
    pub fn map(pairs: impl IntoIterator<Item = (i64, Value<'a>)>) -> Self {
        Self::Map(pairs.into_iter().map(|(key, value)| (Self::Int(key), value)).collect())
    }

    /// The same, borrowing from nothing.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Float(value) => Value::Float(value),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Array(items) => Value::Array(items.into_iter().map(Self::into_owned).collect()),
            Self::Map(pairs) => {
                let owned = |(key, value): (Self, Self)| (key.into_owned(), value.into_owned());
                Value::Map(pairs.into_iter().map(owned).collect())
            }
            Self::Tag(tag, item) => Value::Tag(tag, Box::new(item.into_owned())),
        }
    }

    /// The integer it is.
    #[must_use]
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The text it is.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes it is: a byte string's, or a text's, which some writers use where bytes are due.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Text(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    /// The items it is.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The pairs it is.
    #[must_use]
    pub fn as_map(&self) -> Option<&[(Value<'a>, Value<'a>)]> {
        match self {
            Self::Map(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// What a map has under an integer.
    #[must_use]
    pub fn get(&self, key: i64) -> Option<&Value<'a>> {
        let pairs = self.as_map()?;
        pairs.iter().find(|(other, _)| other.as_int() == Some(key)).map(|(_, value)| value)
    }

    /// What a map has under a text.
    #[must_use]
    pub fn get_text(&self, key: &str) -> Option<&Value<'a>> {
        let pairs = self.as_map()?;
        pairs.iter().find(|(other, _)| other.as_text() == Some(key)).map(|(_, value)| value)
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl<'a> From<Vec<Value<'a>>> for Value<'a> {
    fn from(items: Vec<Value<'a>>) -> Self {
        Self::Array(items)
    }
}

struct Reader<'a> {
    decoder: Decoder<'a>,
    items_left: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, levels_left: usize) -> Option<Value<'a>> {
        let levels_left = levels_left.checked_sub(1)?;
        self.items_left = self.items_left.checked_sub(1)?;
        let from = &mut self.decoder;
        Some(match from.datatype().ok()? {
            Type::Null => from.null().ok().map(|()| Value::Null)?,
            Type::Undefined => from.undefined().ok().map(|()| Value::Null)?,
            Type::Bool => Value::Bool(from.bool().ok()?),
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => Value::Int(from.i64().ok()?),
            Type::I8 | Type::I16 | Type::I32 | Type::I64 => Value::Int(from.i64().ok()?),
            Type::F32 => Value::Float(f64::from(from.f32().ok()?)),
            Type::F64 => Value::Float(from.f64().ok()?),
            Type::Bytes => Value::Bytes(Cow::Borrowed(from.bytes().ok()?)),
            Type::String => Value::Text(Cow::Borrowed(from.str().ok()?)),
            Type::Array => {
                let count = from.array().ok()??;
                Value::Array(self.items(count, levels_left)?)
            }
            Type::Map => {
                let count = from.map().ok()??;
                Value::Map(self.pairs(count, levels_left)?)
            }
            Type::Tag => {
                let tag = from.tag().ok()?.as_u64();
                match self.value(levels_left)? {
                    map @ Value::Map(_) if tag == TAG_MAP => map,
                    item => Value::Tag(tag, Box::new(item)),
                }
            }
            _ => return None,
        })
    }

    fn items(&mut self, count: u64, levels_left: usize) -> Option<Vec<Value<'a>>> {
        let count = usize::try_from(count).ok().filter(|count| *count <= self.items_left)?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(self.value(levels_left)?);
        }
        Some(items)
    }

    fn pairs(&mut self, count: u64, levels_left: usize) -> Option<Vec<(Value<'a>, Value<'a>)>> {
        let count = usize::try_from(count).ok().filter(|count| *count <= self.items_left / 2)?;
        let mut pairs: Vec<(Value<'a>, Value<'a>)> = Vec::with_capacity(count);
        for _ in 0..count {
            let key = self.value(levels_left)?;
            if pairs.iter().any(|(other, _)| *other == key) {
                return None;
            }
            pairs.push((key, self.value(levels_left)?));
        }
        Some(pairs)
    }
}

#[cfg(test)]
mod tests;
