//! A pull reader over JSON bytes (RFC 8259): the caller asks for what it expects, nothing is built that isn't asked
//! for. Strict: no trailing commas, no comments, no leading zeros, UTF-8 only.

mod strings;

use std::borrow::Cow;

use thiserror::Error;

/// Why a text isn't the JSON that was expected, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct JsonError {
    /// The line, from 1.
    pub line: usize,
    /// The byte in the line, from 1.
    pub column: usize,
    /// What was expected, what came.
    pub problem: String,
}

/// What kind of value comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool => "a boolean",
            Kind::Number => "a number",
            Kind::String => "a string",
            Kind::Array => "an array",
            Kind::Object => "an object",
        }
    }
}

/// Reads one document, from front to back.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    /// The same where all of it is known to be UTF-8: then no part of it need be looked at for that.
    whole: Option<&'a str>,
    at: usize,
    nesting: usize,
    max_nesting: usize,
    /// Just inside an array or object, where no comma is due.
    fresh: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], max_nesting: usize) -> Self {
        Reader {
            bytes,
            whole: None,
            at: 0,
            nesting: 0,
            max_nesting,
            fresh: false,
        }
    }

    /// A reader of a long document: that it is UTF-8 is found out once, not string by string.
    pub(crate) fn of_long(bytes: &'a [u8], max_nesting: usize) -> Self {
        Reader {
            whole: std::str::from_utf8(bytes).ok(),
            ..Reader::new(bytes, max_nesting)
        }
    }

    /// An error at the place reached.
    #[cold]
    pub(crate) fn error(&self, problem: impl Into<String>) -> JsonError {
        let before = self.bytes.get(..self.at).unwrap_or(self.bytes);
        let line_start = before
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |at| at + 1);
        JsonError {
            line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
            column: before.len() - line_start + 1,
            problem: problem.into(),
        }
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    #[inline]
    fn next_byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The kind of the value that comes next.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<Kind, JsonError> {
        self.skip_space();
        match self.next_byte() {
            Some(b'n') => Ok(Kind::Null),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b'"') => Ok(Kind::String),
            Some(b'[') => Ok(Kind::Array),
            Some(b'{') => Ok(Kind::Object),
            other => Err(self.no_value(other)),
        }
    }

    #[cold]
    fn no_value(&self, found: Option<u8>) -> JsonError {
        match found {
            Some(other) => self.error(format!("expected a value, found {:?}", char::from(other))),
            None => self.error("expected a value, found the end"),
        }
    }

    #[inline]
    fn expect(&mut self, wanted: Kind) -> Result<(), JsonError> {
        let found = self.peek()?;
        if found == wanted {
            return Ok(());
        }
        Err(self.unexpected(wanted, found))
    }

    #[cold]
    fn unexpected(&self, wanted: Kind, found: Kind) -> JsonError {
        self.error(format!("expected {}, found {}", wanted.name(), found.name()))
    }

    fn enter(&mut self) -> Result<(), JsonError> {
        if self.nesting >= self.max_nesting {
            return Err(self.error(format!("nested deeper than {} levels", self.max_nesting)));
        }
        self.nesting += 1;
        self.at += 1;
        self.fresh = true;
        Ok(())
    }

    /// Steps to the next item, over a comma; `false` once `close` is passed.
    #[inline]
    fn advance(&mut self, close: u8) -> Result<bool, JsonError> {
        self.skip_space();
        let fresh = std::mem::replace(&mut self.fresh, false);
        match self.next_byte() {
            Some(byte) if byte == close => {
                self.at += 1;
                self.nesting = self.nesting.saturating_sub(1);
                Ok(false)
            }
            Some(_) if fresh => Ok(true),
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            other => Err(self.no_comma(close, other)),
        }
    }

    #[cold]
    fn no_comma(&self, close: u8, found: Option<u8>) -> JsonError {
        let close = char::from(close);
        match found {
            Some(other) => self.error(format!(
                "expected ',' or '{close}', found {:?}",
                char::from(other)
            )),
            None => self.error(format!("expected ',' or '{close}', found the end")),
        }
    }

    /// Steps into an object; then ask [`next_key`](Self::next_key) until there is none.
    pub(crate) fn begin_object(&mut self) -> Result<(), JsonError> {
        self.expect(Kind::Object)?;
        self.enter()
    }

    /// The next member's name, or `None` at the object's end. The member's value must be read before the next call.
    #[inline]
    pub(crate) fn next_key(&mut self) -> Result<Option<Cow<'a, str>>, JsonError> {
        if !self.advance(b'}')? {
            return Ok(None);
        }
        let key = self.string()?;
        self.skip_space();
        if self.next_byte() != Some(b':') {
            return Err(self.error("expected ':' after a member's name"));
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Steps into an array; then ask [`next_item`](Self::next_item) until there is none.
    pub(crate) fn begin_array(&mut self) -> Result<(), JsonError> {
        self.expect(Kind::Array)?;
        self.enter()
    }

    /// Whether another element comes. It must be read before the next call.
    pub(crate) fn next_item(&mut self) -> Result<bool, JsonError> {
        self.advance(b']')
    }

    fn literal(&mut self, text: &str) -> Result<(), JsonError> {
        if self
            .bytes
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(text.as_bytes()))
        {
            self.at += text.len();
            return Ok(());
        }
        Err(self.error(format!("expected {text}")))
    }

    pub(crate) fn null(&mut self) -> Result<(), JsonError> {
        self.expect(Kind::Null)?;
        self.literal("null")
    }

    pub(crate) fn bool(&mut self) -> Result<bool, JsonError> {
        self.expect(Kind::Bool)?;
        let flag = self.next_byte() == Some(b't');
        self.literal(if flag { "true" } else { "false" })?;
        Ok(flag)
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while self.next_byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start {
            Err(self.error("expected a digit"))
        } else {
            Ok(())
        }
    }

    /// A number's text.
    pub(crate) fn number(&mut self) -> Result<&'a str, JsonError> {
        self.expect(Kind::Number)?;
        let start = self.at;
        if self.next_byte() == Some(b'-') {
            self.at += 1;
        }
        if self.next_byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.next_byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.next_byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.next_byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        self.text(start, self.at)
    }

    /// A number that is an integer of 64 bits.
    pub(crate) fn integer(&mut self) -> Result<i64, JsonError> {
        self.skip_space();
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        // Most are short, and end where something else comes: others are read as any number is.
        let mut small = 0;
        for (at, byte) in rest.iter().enumerate().take(16) {
            match byte {
                b'0' if at == 0 => break,
                b'0'..=b'9' => small = small * 10 + i64::from(byte - b'0'),
                b',' | b'}' | b']' if at > 0 => {
                    self.at += at;
                    return Ok(small);
                }
                _ => break,
            }
        }
        let text = self.number()?;
        text.parse()
            .map_err(|_| self.error(format!("expected an integer of 64 bits, found {text}")))
    }

    fn text(&self, start: usize, end: usize) -> Result<&'a str, JsonError> {
        if let Some(text) = self.whole.and_then(|whole| whole.get(start..end)) {
            return Ok(text);
        }
        let bytes = self.bytes.get(start..end).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| self.error("expected UTF-8"))
    }

    /// Reads a value and forgets it, without recursion.
    pub(crate) fn skip(&mut self) -> Result<(), JsonError> {
        let mut open: Vec<Kind> = Vec::new();
        loop {
            let kind = self.peek()?;
            match kind {
                Kind::Null => self.null()?,
                Kind::Bool => drop(self.bool()?),
                Kind::Number => drop(self.number()?),
                Kind::String => drop(self.string()?),
                Kind::Array => {
                    self.begin_array()?;
                    open.push(kind);
                }
                Kind::Object => {
                    self.begin_object()?;
                    open.push(kind);
                }
            }
            loop {
                let more = match open.last() {
                    None => return Ok(()),
                    Some(Kind::Object) => self.next_key()?.is_some(),
                    Some(_) => self.next_item()?,
                };
                if more {
                    break;
                }
                open.pop();
            }
        }
    }

    /// That nothing but space is left.
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        self.skip_space();
        match self.next_byte() {
            None => Ok(()),
            Some(_) => Err(self.error("expected the end of the document")),
        }
    }
}
