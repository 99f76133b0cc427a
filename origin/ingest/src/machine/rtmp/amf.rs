//! AMF0, the notation of RTMP commands (Adobe, "Action Message Format – AMF 0").
//!
//! In: the body of a command or data message. Out: [`Value`]s, and bytes from them. Does not know commands.
//!
//! Reading never fails: it ends at the first thing that is cut off, unknown, nested too deep or one too many. A command
//! that lacks an argument because of that is dealt with by whoever needs the argument.

use crate::machine::cursor::Cursor;

/// Objects within objects that are read.
const DEPTH_MAX: usize = 8;
/// Values in one message that are read, those within objects included.
const VALUES_MAX: usize = 512;

/// One value. Dates, references and XML are read past and become `Null`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Boolean(bool),
    Text(String),
    /// Objects, typed objects and ECMA arrays, in the order of their properties.
    Object(Vec<(String, Value)>),
    Array(Vec<Value>),
    Null,
}

impl Value {
    /// A text.
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// A property of an object.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let Self::Object(properties) = self else { return None };
        properties.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// A number; some encoders write numbers as text.
    pub(super) fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }
}

/// The values in a message's body, as far as they can be read.
pub(super) fn read(body: &[u8]) -> Vec<Value> {
    let mut reader = Reader { rest: Cursor(body), left: VALUES_MAX };
    let mut values = Vec::new();
    while let Some(value) = reader.value(0) {
        values.push(value);
    }
    values
}

struct Reader<'a> {
    rest: Cursor<'a>,
    /// Values that may still be read.
    left: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        if depth > DEPTH_MAX {
            return None;
        }
        Some(match self.rest.u8()? {
            0x00 => Value::Number(self.rest.f64()?),
            0x01 => Value::Boolean(self.rest.u8()? != 0),
            0x02 => Value::Text(self.text()?),
            0x03 => Value::Object(self.properties(depth)),
            0x05 | 0x06 | 0x0D => Value::Null,
            0x07 => self.skip(2)?,
            0x08 => {
                self.rest.u32()?; // the number of properties, which encoders get wrong
                Value::Object(self.properties(depth))
            }
            0x0A => {
                let count = self.rest.u32()?;
                let mut values = Vec::new();
                for _ in 0..count {
                    values.push(self.value(depth + 1)?);
                }
                Value::Array(values)
            }
            0x0B => self.skip(10)?,
            0x0C => {
                let length = usize::try_from(self.rest.u32()?).ok()?;
                Value::Text(String::from_utf8_lossy(self.rest.take(length)?).into_owned())
            }
            0x0F => {
                let length = usize::try_from(self.rest.u32()?).ok()?;
                self.skip(length)?
            }
            0x10 => {
                self.text()?; // the name of the class
                Value::Object(self.properties(depth))
            }
            _ => return None,
        })
    }

    fn skip(&mut self, count: usize) -> Option<Value> {
        self.rest.take(count).map(|_| Value::Null)
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::from(self.rest.u16()?);
        Some(String::from_utf8_lossy(self.rest.take(length)?).into_owned())
    }

    /// Properties up to the end marker, or up to what cannot be read: nothing after that is read then.
    fn properties(&mut self, depth: usize) -> Vec<(String, Value)> {
        let mut properties = Vec::new();
        while let Some(name) = self.text() {
            if name.is_empty() && self.rest.0.first() == Some(&0x09) {
                self.rest.u8();
                return properties;
            }
            let Some(value) = self.value(depth + 1) else { break };
            properties.push((name, value));
        }
        self.rest = Cursor(&[]);
        properties
    }
}

/// Values as the body of a message. Texts above 65 535 bytes are cut: ours are short.
pub(super) fn write(values: &[Value]) -> Vec<u8> {
    let mut body = Vec::new();
    for value in values {
        write_value(&mut body, value);
    }
    body
}

fn write_value(body: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Number(number) => {
            body.push(0x00);
            body.extend(number.to_be_bytes());
        }
        Value::Boolean(boolean) => body.extend([0x01, u8::from(*boolean)]),
        Value::Text(text) => {
            body.push(0x02);
            write_text(body, text);
        }
        Value::Object(properties) => {
            body.push(0x03);
            for (name, value) in properties {
                write_text(body, name);
                write_value(body, value);
            }
            body.extend([0, 0, 0x09]);
        }
        Value::Array(values) => {
            body.push(0x0A);
            body.extend(u32::try_from(values.len()).unwrap_or(u32::MAX).to_be_bytes());
            for value in values {
                write_value(body, value);
            }
        }
        Value::Null => body.push(0x05),
    }
}

fn write_text(body: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    body.extend(length.to_be_bytes());
    body.extend(text.bytes().take(usize::from(length)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let values = vec![
            Value::text("connect"),
            Value::Number(1.0),
            Value::Object(vec![
                ("app".into(), Value::text("live")),
                ("list".into(), Value::Array(vec![Value::Null, Value::Boolean(true)])),
            ]),
        ];
        assert_eq!(read(&write(&values)), values);
    }

    #[test]
    fn dates_and_long_texts_do_not_hide_what_follows() {
        let mut body = vec![0x0B, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        body.extend([0x0C, 0, 0, 0, 1, b'a']);
        body.extend([0x08, 0, 0, 0, 9, 0, 1, b'k', 0x01, 1, 0, 0, 9]);
        let object = Value::Object(vec![("k".into(), Value::Boolean(true))]);
        assert_eq!(read(&body), vec![Value::Null, Value::text("a"), object]);
    }

    #[test]
    fn nesting_without_end_is_cut_off() {
        let deep: Vec<u8> = [0x0A, 0, 0, 0, 1].repeat(10_000);
        assert_eq!(read(&deep), vec![]);
        let wide: Vec<u8> = [&[0x0A, 0xFF, 0xFF, 0xFF, 0xFF][..], &[0x05; 100_000]].concat();
        assert_eq!(read(&wide), vec![]);
    }
}
