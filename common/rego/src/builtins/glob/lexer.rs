//! A pattern's tokens, and what is wrong with it, in gobwas/glob's words.

/// What a pattern is made of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    Text(String),
    /// `?`
    Single,
    /// `*`
    Any,
    /// `**`
    Super,
    Range {
        from: char,
        to: char,
        negated: bool,
    },
    Set {
        chars: Vec<char>,
        negated: bool,
    },
    /// `{`
    Open,
    /// `,` between braces.
    Comma,
    /// `}`
    Close,
}

pub(super) struct Lexer<'p> {
    pattern: &'p str,
    at: usize,
    /// How many braces are open.
    level: usize,
}

impl<'p> Lexer<'p> {
    pub(super) fn new(pattern: &'p str) -> Self {
        Self {
            pattern,
            at: 0,
            level: 0,
        }
    }

    fn peek(&self) -> Option<char> {
        self.pattern.get(self.at..)?.chars().next()
    }

    fn read(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += char.len_utf8();
        Some(char)
    }

    pub(super) fn error<T>(&self, reason: &str) -> Result<T, String> {
        Err(format!("glob: syntax error at {}: {reason}", self.at))
    }

    /// The next token, `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token>, String> {
        let start = self.at;
        let Some(char) = self.read() else {
            return if self.level > 0 {
                self.error("unclosed `{`")
            } else {
                Ok(None)
            };
        };
        Ok(Some(match char {
            '{' => {
                self.level += 1;
                Token::Open
            }
            ',' if self.level > 0 => Token::Comma,
            '}' if self.level > 0 => {
                self.level -= 1;
                Token::Close
            }
            '[' => self.class()?,
            '?' => Token::Single,
            '*' if self.peek() == Some('*') => {
                self.read();
                Token::Super
            }
            '*' => Token::Any,
            _ => {
                self.at = start;
                let in_braces = self.level > 0;
                Token::Text(self.text(|char| {
                    matches!(char, '?' | '*' | '[' | '{') || in_braces && matches!(char, '}' | ',')
                })?)
            }
        }))
    }

    /// Characters up to one that ends them, a backslash before one taking away its meaning.
    fn text(&mut self, ends: impl Fn(char) -> bool) -> Result<String, String> {
        let mut text = String::new();
        while let Some(char) = self.peek().filter(|&char| !ends(char)) {
            self.read();
            if char != '\\' {
                text.push(char);
                continue;
            }
            match self.read() {
                Some(escaped) => text.push(escaped),
                None => return self.error("trailing backslash"),
            }
        }
        Ok(text)
    }

    /// What follows `[`: `a-z]` or `abc]`, perhaps after `!`.
    fn class(&mut self) -> Result<Token, String> {
        const END: &str = "unexpected end of input";
        let negated = self.peek() == Some('!');
        if negated {
            self.read();
        }
        let start = self.at;
        let Some(from) = self.read() else {
            return self.error(END);
        };
        if self.peek() == Some('-') {
            self.read();
            let Some(to) = self.read() else {
                return self.error(END);
            };
            if to < from {
                return self.error("range hi character is less than lo");
            }
            return match self.read() {
                Some(']') => Ok(Token::Range { from, to, negated }),
                Some(_) => self.error("expected close range character"),
                None => self.error(END),
            };
        }
        self.at = start;
        let Ok(text) = self.text(|char| char == ']') else {
            return self.error(END);
        };
        if self.read().is_none() {
            return self.error(END);
        }
        if text.is_empty() {
            return self.error("could not parse range");
        }
        let mut chars: Vec<char> = text.chars().collect();
        chars.sort_unstable();
        chars.dedup();
        Ok(Token::Set { chars, negated })
    }
}
