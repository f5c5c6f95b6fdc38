//! Values as a module writes them (`opa_value_dump`): JSON with sets, and with keys of any kind. Read as strangers' bytes are:
//! whoever wrote the module, nothing in them can take more memory or stack than it is given.

use postern_rego::{MAX_NESTING, MAX_WEIGHT, Number, Object, Set, Value};

/// What a value takes besides its text: itself, its place in a collection, and what is kept while that is sorted.
const VALUE_BYTES: u64 = 64;

/// Why a text is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// It isn't in the form of one.
    Malformed(String),
    /// It would take more memory than there is for it.
    TooLarge,
}

/// Reads the text of one value, which may take `room` bytes of memory at most.
///
/// # Errors
/// When it isn't one, nests deeper than [`MAX_NESTING`], or is larger than that.
pub fn read(text: &[u8], room: u64) -> Result<Value, ReadError> {
    let text = std::str::from_utf8(text).map_err(|_| malformed("it isn't UTF-8"))?;
    let mut reader = Reader {
        text,
        at: 0,
        nesting: 0,
        room: room.min(MAX_WEIGHT * VALUE_BYTES),
    };
    let value = reader.value()?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(reader.unexpected("the end"));
    }
    Ok(value)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    nesting: usize,
    room: u64,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let is_there = self.rest().starts_with(word);
        if is_there {
            self.at += word.len();
        }
        is_there
    }

    fn charge(&mut self, bytes: usize) -> Result<(), ReadError> {
        let bytes = VALUE_BYTES.saturating_add(bytes as u64);
        self.room = self.room.checked_sub(bytes).ok_or(ReadError::TooLarge)?;
        Ok(())
    }

    fn unexpected(&self, wanted: &str) -> ReadError {
        match self.rest().chars().next() {
            Some(found) => malformed(format!("expected {wanted} at byte {}, found {found:?}", self.at)),
            None => malformed(format!("expected {wanted}, found the end")),
        }
    }

    /// Recurses once for each level of nesting.
    fn value(&mut self) -> Result<Value, ReadError> {
        self.skip_space();
        self.charge(0)?;
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.within(Self::object_or_set),
            Some(b'[') => self.within(Self::array),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ if self.take("true") => Ok(Value::Bool(true)),
            _ if self.take("false") => Ok(Value::Bool(false)),
            _ if self.take("null") => Ok(Value::Null),
            _ if self.take("set()") => Ok(Value::Set(Set::default())),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn within(&mut self, read: fn(&mut Self) -> Result<Value, ReadError>) -> Result<Value, ReadError> {
        if self.nesting >= MAX_NESTING {
            return Err(malformed(format!("it nests deeper than {MAX_NESTING} levels")));
        }
        self.nesting += 1;
        self.at += 1;
        let value = read(self)?;
        self.nesting -= 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<Value, ReadError> {
        let mut items = Vec::new();
        self.skip_space();
        if self.take("]") {
            return Ok(Value::from(items));
        }
        loop {
            items.push(self.value()?);
            if self.is_last(']')? {
                return Ok(Value::from(items));
            }
        }
    }

    /// `{}` is an object; the empty set has a word of its own.
    fn object_or_set(&mut self) -> Result<Value, ReadError> {
        self.skip_space();
        if self.take("}") {
            return Ok(Value::Object(Object::default()));
        }
        let first = self.value()?;
        self.skip_space();
        if self.take(":") {
            return self.object(first);
        }
        let mut items = vec![first];
        while !self.is_last('}')? {
            items.push(self.value()?);
        }
        Ok(Value::Set(items.into_iter().collect()))
    }

    fn object(&mut self, first: Value) -> Result<Value, ReadError> {
        let mut members = vec![(first, self.value()?)];
        while !self.is_last('}')? {
            let key = self.value()?;
            self.skip_space();
            if !self.take(":") {
                return Err(self.unexpected("':'"));
            }
            members.push((key, self.value()?));
        }
        let count = members.len();
        let object: Object = members.into_iter().collect();
        if object.len() != count {
            return Err(malformed("an object has a key twice"));
        }
        Ok(Value::Object(object))
    }

    /// Steps over a comma, or over the end of a collection.
    fn is_last(&mut self, close: char) -> Result<bool, ReadError> {
        self.skip_space();
        let found = self.rest().chars().next();
        if found != Some(',') && found != Some(close) {
            return Err(self.unexpected(&format!("',' or '{close}'")));
        }
        self.at += 1;
        Ok(found == Some(close))
    }

    fn number(&mut self) -> Result<Value, ReadError> {
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let rest = self.rest();
        let length = rest.bytes().take_while(|byte| is_part(byte)).count();
        let text = rest.get(..length).unwrap_or_default();
        self.charge(length)?;
        let number = Number::from_source(text)
            .ok_or_else(|| malformed(format!("{text:.64} is no number, or out of range")))?;
        self.at += length;
        Ok(Value::Number(number))
    }

    fn string(&mut self) -> Result<Value, ReadError> {
        self.at += 1;
        let rest = self.rest();
        let plain = rest
            .bytes()
            .position(|byte| matches!(byte, b'"' | b'\\'))
            .ok_or_else(|| malformed("a string has no end"))?;
        self.charge(plain)?;
        let plain = rest.get(..plain).unwrap_or_default();
        self.at += plain.len();
        if self.take("\"") {
            return Ok(Value::from(plain));
        }
        let mut text = plain.to_owned();
        loop {
            let mut chars = self.rest().chars();
            let found = chars.next();
            self.at += found.map_or(0, char::len_utf8);
            match found {
                Some('"') => break,
                Some('\\') => text.push(self.escape()?),
                Some(other) => text.push(other),
                None => return Err(malformed("a string has no end")),
            }
            // A byte of text is a byte of memory, near enough.
            self.room = self.room.checked_sub(1).ok_or(ReadError::TooLarge)?;
        }
        Ok(Value::from(text))
    }

    /// What stands after a backslash. Half of a surrogate pair isn't written by any module: it holds text, not UTF-16.
    fn escape(&mut self) -> Result<char, ReadError> {
        let mark = self.peek();
        self.at += usize::from(mark.is_some_and(|mark| mark.is_ascii()));
        Ok(match mark {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let digits = self
                    .rest()
                    .get(..4)
                    .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
                let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                let scalar = unit.and_then(char::from_u32);
                self.at += 4;
                scalar.ok_or_else(|| malformed("an escape \\u stands for no character"))?
            }
            _ => return Err(malformed("there is no such escape")),
        })
    }
}

fn malformed(problem: impl Into<String>) -> ReadError {
    ReadError::Malformed(problem.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: u64 = 1 << 20;

    fn good(text: &str) -> Value {
        read(text.as_bytes(), ROOM).unwrap_or_else(|error| panic!("{text}: {error:?}"))
    }

    #[test]
    fn what_modules_write_is_read() {
        assert_eq!(good("set()").type_name(), "set");
        assert_eq!(good("{}").type_name(), "object");
        assert_eq!(good("{{\"result\": {1, 2}}}").to_json(), r#"[{"result":[1,2]}]"#);
        assert_eq!(
            good(r#"{1: "a", [2]: {"x"}, "b": null}"#).to_json(),
            r#"{"1":"a","b":null,"[2]":["x"]}"#
        );
        assert_eq!(
            good(r#"[true, false, -1.50e3, []]"#).to_json(),
            "[true,false,-1.50e3,[]]"
        );
        assert_eq!(good(r#""a\"\\\n\u0000ü\/""#), Value::from("a\"\\\n\0ü/"));
    }

    #[test]
    fn what_they_dont_write_is_refused() {
        for text in [
            "",
            " ",
            "set(",
            "{1",
            "{1:}",
            "{1:2,3}",
            "{1,2:3}",
            "[1 2]",
            "[,]",
            "\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\u12\"",
            "01",
            "1.",
            "--1",
            "1e999999",
            "nul",
            "truefalse",
            "1 2",
            "{\"a\": 1, \"a\": 2}",
        ] {
            assert!(
                matches!(read(text.as_bytes(), ROOM), Err(ReadError::Malformed(_))),
                "{text}"
            );
        }
        assert!(read(b"\"\xff\"", ROOM).is_err());
    }

    #[test]
    fn a_text_takes_no_more_than_it_is_given() {
        let many = format!("[{}1]", "1,".repeat(1000));
        assert!(read(many.as_bytes(), ROOM).is_ok());
        assert_eq!(read(many.as_bytes(), 1000), Err(ReadError::TooLarge));
        let long = format!("\"{}\\n{}\"", "x".repeat(500), "y".repeat(500));
        assert_eq!(read(long.as_bytes(), 900), Err(ReadError::TooLarge));
        for open in ["[", "{", "{1:"] {
            let deep = open.repeat(100_000);
            assert!(
                matches!(read(deep.as_bytes(), ROOM << 10), Err(ReadError::Malformed(_))),
                "{open}"
            );
        }
    }
}
