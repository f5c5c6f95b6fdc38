//! Tokens, one after the other, with the positions that gqlparser gives them.

use super::Fault;
use super::ast::Pos;
use super::text::block_value;
use super::token::Token;

#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) token: Token,
    pub(super) value: String,
    pub(super) pos: Pos,
}

pub(super) struct Lexer<'a> {
    input: &'a str,
    prelude: bool,
    start: usize,
    /// In code points, as all that ends in `_runes`.
    start_runes: i64,
    end: usize,
    end_runes: i64,
    line: i64,
    line_start_runes: i64,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a str, prelude: bool) -> Self {
        Self {
            input,
            prelude,
            start: 0,
            start_runes: 0,
            end: 0,
            end_runes: 0,
            line: 1,
            line_start_runes: 0,
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.input.as_bytes().get(at).copied()
    }

    fn rest(&self) -> &'a str {
        self.input.get(self.end..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Goes on by a code point of so many bytes.
    fn advance(&mut self, bytes: usize) {
        self.end += bytes;
        self.end_runes += 1;
    }

    fn skip(&mut self, ascii: usize) {
        for _ in 0..ascii {
            self.advance(1);
        }
    }

    fn make(&self, token: Token) -> Read {
        let value = self.input.get(self.start..self.end).unwrap_or_default();
        self.make_with(token, value.to_owned())
    }

    fn make_with(&self, token: Token, value: String) -> Read {
        Read {
            token,
            value,
            pos: self.pos(self.start_runes),
        }
    }

    fn pos(&self, runes: i64) -> Pos {
        Pos {
            line: self.line,
            column: runes - self.line_start_runes + 1,
            prelude: self.prelude,
        }
    }

    fn error(&self, message: &str) -> (Read, Option<Fault>) {
        let pos = self.pos(self.end_runes);
        let read = Read {
            token: Token::Invalid,
            value: String::new(),
            pos,
        };
        (read, Some(Fault::at(Some(pos), message)))
    }

    /// The next token, and what is wrong with it.
    pub(super) fn read(&mut self) -> (Read, Option<Fault>) {
        self.white_space();
        self.start = self.end;
        self.start_runes = self.end_runes;
        let Some(first) = self.byte(self.start) else {
            return (self.make(Token::Eof), None);
        };
        if let Some(mark) = Token::of_mark(first) {
            self.advance(1);
            return (self.make_with(mark, String::new()), None);
        }
        match first {
            b'.' if self.rest().starts_with("...") => {
                self.skip(3);
                return (self.make_with(Token::Spread, String::new()), None);
            }
            b'#' => return (self.comment(), None),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => return (self.name(), None),
            b'-' | b'0'..=b'9' => return self.number(),
            b'"' if self.rest().starts_with("\"\"\"") => return self.block_string(),
            b'"' => return self.string(),
            _ => {}
        }
        if first < 0x20 {
            return self.error(&format!(
                "Cannot contain the invalid character \"\\u{first:04x}\""
            ));
        }
        if first == b'\'' {
            return self
                .error("Unexpected single quote character ('), did you mean to use a double quote (\")?");
        }
        self.error(&format!(
            "Cannot parse the unexpected character \"{}\".",
            char::from(first)
        ))
    }

    fn white_space(&mut self) {
        while let Some(byte) = self.byte(self.end) {
            match byte {
                b'\t' | b' ' | b',' => self.advance(1),
                b'\n' => {
                    self.advance(1);
                    self.new_line();
                }
                b'\r' => {
                    self.advance(1);
                    self.new_line();
                    // What follows belongs to the same break, but is counted into the next line, as in gqlparser.
                    if self.byte(self.end) == Some(b'\n') {
                        self.advance(1);
                    }
                }
                0xef if self.peek() == Some('\u{feff}') => self.advance(3),
                _ => return,
            }
        }
    }

    fn new_line(&mut self) {
        self.line += 1;
        self.line_start_runes = self.end_runes;
    }

    fn comment(&mut self) -> Read {
        while let Some(c) = self.peek().filter(|c| *c > '\u{1f}' || *c == '\t') {
            self.advance(c.len_utf8());
        }
        self.make(Token::Comment)
    }

    fn name(&mut self) -> Read {
        while self
            .byte(self.end)
            .is_some_and(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
        {
            self.advance(1);
        }
        self.make(Token::Name)
    }

    fn number(&mut self) -> (Read, Option<Fault>) {
        let mut token = Token::Int;
        self.accept(b"-");
        if self.accept(b"0") {
            let consumed = self.digits();
            if consumed != 0 {
                self.end -= consumed;
                self.end_runes -= i64::try_from(consumed).unwrap_or(i64::MAX);
                let next = self.next_shown();
                return self.error(&format!("Invalid number, unexpected digit after 0: {next}."));
            }
        } else if self.digits() == 0 {
            return self.no_digit();
        }
        if self.accept(b".") {
            token = Token::Float;
            if self.digits() == 0 {
                return self.no_digit();
            }
        }
        if self.accept(b"eE") {
            token = Token::Float;
            self.accept(b"-+");
            if self.digits() == 0 {
                return self.no_digit();
            }
        }
        (self.make(token), None)
    }

    fn no_digit(&self) -> (Read, Option<Fault>) {
        let next = self.next_shown();
        self.error(&format!("Invalid number, expected digit but got: {next}."))
    }

    fn accept(&mut self, any: &[u8]) -> bool {
        let found = self.byte(self.end).is_some_and(|byte| any.contains(&byte));
        if found {
            self.advance(1);
        }
        found
    }

    fn digits(&mut self) -> usize {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.skip(digits);
        digits
    }

    fn next_shown(&self) -> String {
        match self.byte(self.end) {
            Some(byte) => format!("\"{}\"", char::from(byte)),
            None => "<EOF>".to_owned(),
        }
    }

    fn string(&mut self) -> (Read, Option<Fault>) {
        self.advance(1);
        // gqlparser's positions of strings begin behind the quote.
        self.start = self.end;
        self.start_runes = self.end_runes;
        let mut value = String::new();
        while let Some(c) = self.peek() {
            match c {
                '\n' | '\r' => break,
                '"' => {
                    let read = self.make_with(Token::String, value);
                    self.advance(1);
                    return (read, None);
                }
                '\\' => {
                    if let Some(problem) = self.escape(&mut value) {
                        self.advance(1);
                        return self.error(&problem);
                    }
                }
                '\0'..='\x1f' if c != '\t' => {
                    return self.error(&format!(
                        "Invalid character within String: \"\\u{:04x}\".",
                        u32::from(c)
                    ));
                }
                c => {
                    self.advance(c.len_utf8());
                    value.push(c);
                }
            }
        }
        self.error("Unterminated string.")
    }

    /// What a backslash begins, or what is wrong with it.
    fn escape(&mut self, value: &mut String) -> Option<String> {
        let sequence = self.input.as_bytes().get(self.end.saturating_add(1)..)?;
        let Some(escape) = sequence.first().copied() else {
            return Some("Invalid character escape sequence.".to_owned());
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if escape == b'u' {
            // The quote at the end is wanted, too.
            let Some(digits) = sequence.get(1..5).filter(|_| sequence.len() > 5) else {
                return Some(format!(
                    "Invalid character escape sequence: \\{}.",
                    text(sequence)
                ));
            };
            let digits = std::str::from_utf8(digits)
                .ok()
                .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let Some(code) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else {
                let shown = text(sequence.get(..5).unwrap_or_default());
                return Some(format!("Invalid character escape sequence: \\{shown}."));
            };
            value.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            self.skip(6);
            return None;
        }
        value.push(match escape {
            b'"' | b'/' | b'\\' => char::from(escape),
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            other => {
                let shown = char::from(other);
                return Some(format!("Invalid character escape sequence: \\{shown}."));
            }
        });
        self.skip(2);
        None
    }

    fn block_string(&mut self) -> (Read, Option<Fault>) {
        self.skip(3);
        self.start = self.end;
        self.start_runes = self.end_runes;
        let mut raw = String::new();
        while let Some(c) = self.peek() {
            let rest = self.rest();
            if rest.starts_with("\"\"\"") {
                let quotes = rest.bytes().take_while(|byte| *byte == b'"').count();
                raw.extend(std::iter::repeat_n('"', quotes.saturating_sub(3)));
                let read = self.make_with(Token::BlockString, block_value(&raw));
                self.skip(quotes);
                return (read, None);
            }
            if c < '\x20' && !matches!(c, '\t' | '\n' | '\r') {
                return self.error(&format!(
                    "Invalid character within String: \"\\u{:04x}\".",
                    u32::from(c)
                ));
            }
            if rest.starts_with("\\\"\"\"") {
                raw.push_str("\"\"\"");
                self.skip(4);
            } else if c == '\r' {
                self.skip(if rest.starts_with("\r\n") { 2 } else { 1 });
                raw.push('\n');
                self.new_line();
            } else {
                self.advance(c.len_utf8());
                raw.push(c);
                if c == '\n' {
                    self.new_line();
                }
            }
        }
        self.error("Unterminated string.")
    }
}
